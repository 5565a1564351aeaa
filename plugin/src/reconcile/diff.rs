//! Which fields of a person a record would change.
//!
//! Both sides are texts that `map_record` wrote: one form for each value, so values are compared byte for
//! byte, and none of them is parsed.

use crate::bindings::exports::userload::directory::transform::{Difference, KnownPerson, MappedRecord};
use crate::bindings::userload::directory::types::{BadRecord, Error};
use crate::json::Entries;
use crate::same::same;

use super::policy::Policy;

/// What differs.
#[derive(Default)]
pub(super) struct Diff {
    /// To be written.
    pub(super) differences: Vec<Difference>,
    /// One of them is a rename: a field that names the person had another value before.
    pub(super) rename: bool,
    /// What differs and may not be written, as sentences.
    pub(super) not_applied: Vec<String>,
}

/// Compares. A field that the record does not have is kept; null clears, and clearing what is empty is no
/// difference.
pub(super) fn diff(policy: &Policy, incoming: &MappedRecord, known: &KnownPerson) -> Result<Diff, Error> {
    let mut diff = Diff::default();
    if same(&incoming.fields, &known.fields) {
        return Ok(diff);
    }
    let after = read(&incoming.id, "the record", &incoming.fields)?;
    let before = read(&incoming.id, "the known person", &known.fields)?;
    // Both sides come from one mapping and mostly have the same keys in the same order.
    let mut guess = 0;
    for (field, after) in &after.0 {
        let at = match before.0.get(guess) {
            Some((name, _)) if same(name, field) => Some(guess),
            _ => before.0.iter().position(|(name, _)| same(name, field)),
        };
        guess = at.map_or(guess, |at| at + 1);
        let before = at.map(|at| before.0[at].1.get());
        let before = before.filter(|value| *value != "null");
        let after = Some(after.get()).filter(|value| *value != "null");
        let equal = match (before, after) {
            (Some(before), Some(after)) => same(before, after),
            (before, after) => before.is_none() && after.is_none(),
        };
        if equal || left_alone(policy, field, before) {
            continue;
        }
        if let Some(barred) = known.barred.iter().find(|barred| barred.field == **field) {
            diff.not_applied.push(format!("{field}: {}", barred.reason));
            continue;
        }
        diff.rename |= before.is_some() && policy.rename_fields.iter().any(|name| **name == **field);
        diff.differences.push(Difference {
            field: field.to_string(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        });
    }
    Ok(diff)
}

/// Whether the rule of a field does not write to somebody who is there, with what they have now.
fn left_alone(policy: &Policy, field: &str, before: Option<&str>) -> bool {
    let on = |list: &[String]| list.iter().any(|name| name == field);
    on(&policy.on_create) || (before.is_some_and(|value| value != "\"\"") && on(&policy.if_empty))
}

fn read<'a>(id: &str, whose: &str, fields: &'a str) -> Result<Entries<'a>, Error> {
    Entries::parse(fields).map_err(|error| {
        Error::Malformed(BadRecord {
            id: Some(id.to_owned()),
            field: None,
            reason: format!("the fields of {whose} are not a JSON object: {error}"),
        })
    })
}

/// Names of the first few fields, for a reason.
pub(super) fn names(differences: &[Difference]) -> String {
    const NAMED: usize = 3;
    let first = differences.iter().take(NAMED).map(|d| d.field.as_str());
    let mut names = first.collect::<Vec<_>>().join(", ");
    if differences.len() > NAMED {
        names.push_str(&format!(" and {} more", differences.len() - NAMED));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::{barred, known, policy, record};

    fn of(incoming: &str, present: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let known = known(1).with_fields(present).into();
        let diff = diff(&policy(), &record(None, incoming), &known).unwrap();
        let all = diff.differences.into_iter();
        all.map(|d| (d.field, d.before, d.after)).collect()
    }

    fn one(
        field: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Vec<(String, Option<String>, Option<String>)> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        vec![(field.to_owned(), own(before), own(after))]
    }

    #[test]
    fn missing_is_kept_and_null_is_empty() {
        assert_eq!(of("{}", r#"{"a":1}"#), []);
        assert_eq!(of(r#"{"a":null}"#, "{}"), []);
        assert_eq!(of(r#"{"a":null}"#, r#"{"a":null}"#), []);
        assert_eq!(of(r#"{"a":null}"#, r#"{"a":"x"}"#), one("a", Some("\"x\""), None));
        assert_eq!(of(r#"{"a":""}"#, "{}"), one("a", None, Some("\"\"")));
        assert_eq!(of(r#"{"a":null}"#, r#"{"a":""}"#), one("a", Some("\"\""), None));
    }

    #[test]
    fn values_are_texts() {
        assert_eq!(of(r#"{"a":1.0}"#, r#"{"a":1}"#), one("a", Some("1"), Some("1.0")));
        assert_eq!(of(r#"{"a":"1"}"#, r#"{"a":1}"#), one("a", Some("1"), Some("\"1\"")));
        assert_eq!(of(r#"{"b":2,"a":1,"c":"é"}"#, r#"{"c":"é","a":1,"b":2,"z":0}"#), []);
    }

    #[test]
    fn write_rules_leave_people_as_they_are() {
        let mut policy = policy();
        policy.on_create = vec!["a".into()];
        policy.if_empty = vec!["b".into(), "c".into(), "d".into(), "e".into()];
        let incoming = r#"{"a":1,"b":2,"c":"x","d":null,"e":"y","f":3}"#;
        let person = known(1).with_fields(r#"{"b":1,"c":"","d":"old"}"#).into();
        let diff = diff(&policy, &record(None, incoming), &person).unwrap();
        let written: Vec<&str> = diff.differences.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(written, ["c", "e", "f"]);
        assert!(diff.not_applied.is_empty());
    }

    #[test]
    fn barred_fields_are_named_and_left() {
        let mut person: KnownPerson = known(1).with_fields(r#"{"department":"A"}"#).into();
        person.barred = vec![barred("department", "owned by HR")];
        let diff = diff(&policy(), &record(None, r#"{"department":"B"}"#), &person).unwrap();
        assert!(diff.differences.is_empty());
        assert_eq!(diff.not_applied, ["department: owned by HR"]);
    }

    #[test]
    fn fields_that_are_no_object() {
        let person = known(1).with_fields("[]").into();
        let error = super::diff(&policy(), &record(None, "{}"), &person).err();
        assert!(matches!(error, Some(Error::Malformed(b)) if b.id.as_deref() == Some("src")));
    }
}
