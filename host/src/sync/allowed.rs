//! What a decision of the plugin must satisfy before anything of it is staged. The host believes no value
//! that it can derive: what stands now comes from the store, what is to stand comes from the mapped record.

use serde_json::value::RawValue;

use super::error::RunError;
use super::terms::Terms;
use crate::config::{Action, Reactivate, Write};
use crate::engine::Transformer;
use crate::engine::contract::{DeactivatedBy, Decision, Incoming, KnownPerson, MappedRecord, Tie};
use crate::store::fields::{self, FieldMap};

/// The most text that the fields of one person may have: 256 KiB.
pub(super) const MOST_FIELDS: usize = 256 * 1024;

/// Fields of a mapped record.
///
/// # Errors
/// When they are not a JSON object.
pub(super) fn parse(text: &str) -> Result<FieldMap<'_>, RunError> {
    fields::parse(text)
        .map_err(|error| RunError::Misbehaved(format!("fields are not a JSON object: {error}")))
}

/// One decision for each record and each absent person, in order.
///
/// # Errors
/// When the plugin fails, or answers about more or fewer than it was asked.
pub(super) fn decisions(
    transformer: &mut Transformer,
    terms: &Terms,
    incoming: &Incoming,
    doing: &str,
) -> Result<Vec<Decision>, RunError> {
    let decisions = transformer
        .reconcile(&terms.policy, incoming)
        .map_err(|error| RunError::Call { doing: doing.to_owned(), error })?;
    let asked = incoming.present.len() + incoming.absent.len();
    if decisions.len() != asked {
        return Err(RunError::Misbehaved(format!("{} decisions for {asked} records", decisions.len())));
    }
    Ok(decisions)
}

/// The fields of a new person: only what the mapping writes, constants as the mapping has them.
///
/// # Errors
/// When the plugin mapped something else.
pub(super) fn creation(terms: &Terms, mapped: &MappedRecord) -> Result<String, RunError> {
    let map = parse(&mapped.fields)?;
    for (field, value) in &map {
        written(terms, &mapped.id, field, value.get())?;
    }
    Ok(fields::write(&map))
}

/// The differences of a decision as the ledger keeps them: JSON list of `[field, before, after]`.
///
/// # Errors
/// When a field may not be written, or is to get another value than the record has.
pub(super) fn differences(
    terms: &Terms,
    mapped: &MappedRecord,
    decision: &Decision,
    known: Option<&KnownPerson>,
) -> Result<Option<String>, RunError> {
    let broken = |what: String| RunError::Misbehaved(format!("user {}: {what}", mapped.id));
    if decision.differences.is_empty() {
        return Ok(None);
    }
    if mapped.filtered.is_some() {
        return Err(broken("fields of a filtered record are to change".into()));
    }
    let known = known.ok_or_else(|| broken("differences to nobody".into()))?;
    let (after, before) = (parse(&mapped.fields)?, parse(&known.fields)?);
    let mut list: Vec<(&str, Option<&RawValue>, Option<&RawValue>)> = Vec::new();
    for difference in &decision.differences {
        let field = difference.field.as_str();
        if known.barred.iter().any(|it| it.field == field) {
            return Err(broken(format!("`{field}` may not be written")));
        }
        let value = after.get(field).ok_or_else(|| broken(format!("`{field}` was not mapped")))?;
        written(terms, &mapped.id, field, value.get())?;
        let value = filled(value);
        if difference.after.as_deref().filter(|it| *it != "null") != value.map(RawValue::get) {
            return Err(broken(format!("`{field}` is to get another value than it was mapped to")));
        }
        let before = before.get(field).copied().and_then(filled);
        if left_alone(terms, field, before) {
            return Err(broken(format!("`{field}` may not be written to somebody who is there")));
        }
        list.push((field, before, value));
    }
    Ok(Some(serde_json::to_string(&list).map_err(crate::store::StoreError::from)?))
}

/// A field that the mapping writes, with the value of its constant when it has one.
fn written(terms: &Terms, id: &str, field: &str, value: &str) -> Result<(), RunError> {
    match terms.writes(field) {
        None => Err(RunError::Misbehaved(format!("user {id}: `{field}` is not in the mapping"))),
        Some(Some(constant)) if constant != value => {
            Err(RunError::Misbehaved(format!("user {id}: `{field}` is not the mapping's constant")))
        }
        Some(_) => Ok(()),
    }
}

/// Whether the write rule of a field lets it alone, with what stands there now.
fn left_alone(terms: &Terms, field: &str, before: Option<&RawValue>) -> bool {
    let rule = terms.integration.mapping.iter().find(|rule| rule.target.name == field);
    match rule.map_or(Write::Always, |rule| rule.write) {
        Write::Always => false,
        Write::OnCreate => true,
        Write::IfEmpty => before.is_some_and(|it| it.get() != "\"\""),
    }
}

fn filled(value: &RawValue) -> Option<&RawValue> {
    (value.get() != "null").then_some(value)
}

/// Whether the terms let this integration deactivate somebody for a cause of this action.
pub(super) fn deactivates(terms: &Terms, known: &KnownPerson, action: Action) -> bool {
    terms.integration.deactivate && action == Action::Deactivate && known.status_barred.is_none()
}

/// Whether the terms let this integration make somebody active again, whom the source says is enabled.
pub(super) fn reactivates(terms: &Terms, known: &KnownPerson, enabled: Option<bool>) -> bool {
    let own = || {
        // Somebody has said who this is: what ended the person was about another record.
        matches!(known.tie, Tie::Decided)
            || matches!(known.inactive_since, Some(DeactivatedBy::ThisIntegration))
            || known.was_enabled == Some(false)
            || known.was_absent
    };
    terms.integration.deactivate
        && enabled == Some(true)
        && known.status_barred.is_none()
        && !matches!(known.tie, Tie::Matched(_))
        && match terms.integration.reactivate {
            Reactivate::Always => true,
            Reactivate::Own => own(),
            Reactivate::Never => false,
        }
}

/// What creations have in common, in the host's own words: the plugin's reason is free text.
pub(super) fn creation_cause(active: bool) -> &'static str {
    if active { "new at the source" } else { "new at the source, disabled there: created inactive" }
}

/// What reactivations have in common, in the host's own words.
pub(super) fn reactivation_cause(known: &KnownPerson) -> &'static str {
    match (known.was_enabled, known.was_absent, &known.inactive_since) {
        (Some(false), ..) => "enabled at the source again",
        (_, true, _) => "back at the source",
        (.., Some(DeactivatedBy::ThisIntegration)) => "enabled at the source again",
        _ => "enabled at the source",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{creation, differences, reactivates};
    use crate::config;
    use crate::engine::contract::{
        BarredField, DeactivatedBy, Decision, Difference, KnownPerson, MappedRecord, Situation, Source, Tie,
    };
    use crate::store::RunId;
    use crate::sync::terms::Terms;

    pub(in crate::sync) fn terms(more: &str) -> Terms {
        let document = format!(
            "name = \"x\"\ncredential = \"x\"\naccess-role = \"Employee\"\n{more}\n[mapping]\n\
             username = \"userPrincipalName\"\ndepartment = \"department\"\n"
        );
        let integration =
            config::parse("x", &document, &config::seed_fields(), &crate::model::Targets::built_in())
                .unwrap();
        Terms {
            written: Terms::written(&integration),
            checks_roles: false,
            run: RunId { row: 1, number: 1, basis: 1 },
            mapping: String::new(),
            policy: String::new(),
            source: Source { settings: vec![], filter: None, select: vec![], page_size: 1, delta: false },
            source_tenant: String::new(),
            cloud: String::new(),
            shape: String::new(),
            others: Vec::new(),
            standing: crate::store::Standing::default(),
            wish: None,
            integration,
        }
    }

    fn mapped(fields: &str) -> MappedRecord {
        MappedRecord { id: "a".into(), enabled: Some(true), fields: fields.into(), filtered: None }
    }

    pub(in crate::sync) fn known(fields: &str) -> KnownPerson {
        KnownPerson {
            person: 0,
            tie: Tie::Linked,
            active: true,
            inactive_since: None,
            was_enabled: None,
            was_absent: false,
            status_barred: None,
            barred: Vec::new(),
            fields: fields.into(),
        }
    }

    fn decision(field: &str, before: Option<&str>, after: Option<&str>) -> Decision {
        Decision {
            person: Some(0),
            situation: Situation::Update,
            active: None,
            reason: String::new(),
            differences: vec![Difference {
                field: field.into(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            }],
            not_applied: Vec::new(),
        }
    }

    #[test]
    fn a_new_person_has_only_what_the_mapping_writes() {
        let terms = terms("");
        let good = r#"{"username":"u","access_role":"Employee","department":null}"#;
        assert_eq!(creation(&terms, &mapped(good)).unwrap(), r#"{"access_role":"Employee","username":"u"}"#);
        assert!(creation(&terms, &mapped(r#"{"username":"u","surname":"S"}"#)).is_err(), "not mapped");
        assert!(creation(&terms, &mapped(r#"{"access_role":"Administrator"}"#)).is_err(), "not the constant");
    }

    #[test]
    fn what_stands_now_comes_from_the_store() {
        let terms = terms("");
        let (record, person) = (mapped(r#"{"department":null}"#), known(r#"{"department":"Sales"}"#));
        // A plugin that says that nothing was there would hide a wiped column from the guard.
        let told = differences(&terms, &record, &decision("department", None, None), Some(&person)).unwrap();
        assert_eq!(told.as_deref(), Some(r#"[["department","Sales",null]]"#));
    }

    #[test]
    fn what_is_to_stand_comes_from_the_record() {
        let terms = terms("");
        let (record, person) = (mapped(r#"{"department":"IT","access_role":"Employee"}"#), known("{}"));
        let judge =
            |decision: &Decision, person: &KnownPerson| differences(&terms, &record, decision, Some(person));
        assert!(judge(&decision("department", None, Some("\"IT\"")), &person).is_ok());
        assert!(judge(&decision("department", None, Some("\"HR\"")), &person).is_err(), "another value");
        assert!(judge(&decision("surname", None, Some("\"S\"")), &person).is_err(), "not mapped");
        assert!(judge(&decision("access_role", None, Some("\"Administrator\"")), &person).is_err());
        let barred = BarredField { field: "department".into(), reason: "owned by HR".into() };
        let barred = KnownPerson { barred: vec![barred], ..known("{}") };
        assert!(judge(&decision("department", None, Some("\"IT\"")), &barred).is_err(), "barred");
    }

    #[test]
    fn write_rules_hold_against_the_plugin() {
        let mut terms = terms("");
        let judge = |terms: &Terms, before: &str| {
            let record = mapped(r#"{"department":"IT"}"#);
            differences(terms, &record, &decision("department", None, Some("\"IT\"")), Some(&known(before)))
        };
        terms.integration.mapping[2].write = config::Write::IfEmpty;
        assert_eq!(terms.integration.mapping[2].target.name, "department");
        assert!(judge(&terms, "{}").is_ok() && judge(&terms, r#"{"department":""}"#).is_ok());
        assert!(judge(&terms, r#"{"department":"HR"}"#).is_err());
        terms.integration.mapping[2].write = config::Write::OnCreate;
        assert!(judge(&terms, "{}").is_err());
        let filtered = MappedRecord { filtered: Some("no".into()), ..mapped(r#"{"department":"IT"}"#) };
        terms.integration.mapping[2].write = config::Write::Always;
        let change = decision("department", None, Some("\"IT\""));
        assert!(differences(&terms, &filtered, &change, Some(&known("{}"))).is_err());
    }

    #[test]
    fn nobody_comes_back_against_the_terms() {
        let ours = KnownPerson { inactive_since: Some(DeactivatedBy::ThisIntegration), ..known("{}") };
        let by_hand = KnownPerson { inactive_since: Some(DeactivatedBy::APerson), ..known("{}") };
        let on = terms("deactivate = true");
        assert!(reactivates(&on, &ours, Some(true)));
        assert!(!reactivates(&on, &ours, None), "null is not enabled");
        assert!(!reactivates(&on, &by_hand, Some(true)));
        assert!(!reactivates(&terms(""), &ours, Some(true)), "deactivate is off");
        assert!(!reactivates(&terms("deactivate = true\nreactivate = \"never\""), &ours, Some(true)));
        assert!(reactivates(&terms("deactivate = true\nreactivate = \"always\""), &by_hand, Some(true)));
        let barred = KnownPerson { status_barred: Some("owned by HR".into()), ..ours };
        assert!(!reactivates(&on, &barred, Some(true)));
    }
}
