//! Whether a filter lets a record through, as far as the record proves it.
//!
//! It decides over people, so it says yes or no only where Graph's own answer is beyond doubt, and else that
//! it cannot tell. Texts compare without regard to case. What Graph does with accents, blanks at the end, a
//! `not` around an empty property and the order of texts is not written down anywhere: those cannot be told.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::graph::filter_expr::{Expr, Function, Operator, Value};
use crate::json::{Entries, decode, shorten};
use crate::time::rfc3339;

/// Whether the filter lets the record through. None = it cannot be told from the record.
pub(crate) fn lets_through(expr: &Expr, raw: &str) -> Option<bool> {
    let record = Entries::parse(raw).ok()?;
    judge(expr, &record, false)
}

/// What of a record that is outside decides, for people.
pub(crate) fn why_outside(expr: &Expr, raw: &str) -> Option<String> {
    let record = Entries::parse(raw).ok()?;
    if judge(expr, &record, false) != Some(false) {
        return None;
    }
    // Of what is joined by `and`, the part that does not hold.
    let part = match expr {
        Expr::All(parts) => parts.iter().find(|it| judge(it, &record, false) == Some(false))?,
        other => other,
    };
    let told = part.properties().into_iter().take(3).map(|property| match seen(&record, property) {
        Seen::Text(text) => format!("{property} is now '{}'", shorten(&text, 60)),
        Seen::Other(value) => format!("{property} is now {}", shorten(value, 60)),
        Seen::Null => format!("{property} is now empty"),
        Seen::Nothing => format!("{property} was not sent"),
    });
    Some(told.collect::<Vec<_>>().join(", "))
}

/// Three-valued: `and` is no when one part is, `or` is yes when one part is.
fn judge(expr: &Expr, record: &Entries<'_>, negated: bool) -> Option<bool> {
    match expr {
        Expr::All(parts) => {
            let told: Vec<_> = parts.iter().map(|part| judge(part, record, negated)).collect();
            if told.contains(&Some(false)) {
                Some(false)
            } else {
                told.iter().all(Option::is_some).then_some(true)
            }
        }
        Expr::Any(parts) => {
            let told: Vec<_> = parts.iter().map(|part| judge(part, record, negated)).collect();
            if told.contains(&Some(true)) {
                Some(true)
            } else {
                told.iter().all(Option::is_some).then_some(false)
            }
        }
        Expr::Not(inner) => judge(inner, record, !negated).map(|told| !told),
        Expr::Compare { property, operator, value } => {
            compare(&seen(record, property), *operator, value, negated)
        }
        Expr::In { property, values } => {
            let seen = seen(record, property);
            let told: Vec<_> =
                values.iter().map(|value| compare(&seen, Operator::Eq, value, negated)).collect();
            if told.contains(&Some(true)) {
                Some(true)
            } else {
                told.iter().all(Option::is_some).then_some(false)
            }
        }
        Expr::Function { function, property, text } => match seen(record, property) {
            Seen::Null if !negated => Some(false),
            Seen::Text(value) => part_of(*function, &value, text),
            _ => None,
        },
        Expr::Opaque(_) => None,
    }
}

/// What a record has at a path.
enum Seen<'a> {
    /// The property is not in the record: nothing is known of it.
    Nothing,
    Null,
    Text(Cow<'a, str>),
    Other(&'a str),
}

fn seen<'a>(record: &Entries<'a>, path: &str) -> Seen<'a> {
    let mut steps = path.split('/');
    let Some(mut value) = steps.next().and_then(|head| record.get(head)) else { return Seen::Nothing };
    for step in steps {
        if value.get() == "null" {
            return Seen::Null;
        }
        let Ok(inner) = Entries::parse(value.get()) else { return Seen::Nothing };
        match inner.get(step) {
            Some(found) => value = found,
            None => return Seen::Nothing,
        }
    }
    match value.get() {
        "null" => Seen::Null,
        text if text.starts_with('"') => decode(text).map_or(Seen::Nothing, Seen::Text),
        other => Seen::Other(other),
    }
}

fn compare(seen: &Seen<'_>, operator: Operator, value: &Value, negated: bool) -> Option<bool> {
    let equal = match (seen, value) {
        (Seen::Nothing, _) => return None,
        (Seen::Null, Value::Null) => Some(true),
        // Empty is equal to nothing; what `ne` and `not` make of it is not written down.
        (Seen::Null, _) if negated || operator == Operator::Ne => return None,
        (Seen::Null, _) => return Some(false),
        (_, Value::Null) => Some(false),
        (Seen::Other(told), Value::Flag(flag)) => match *told {
            "true" => Some(*flag),
            "false" => Some(!*flag),
            _ => None,
        },
        (Seen::Text(text), Value::Text(wanted)) => equal(text, wanted),
        (Seen::Text(text), Value::Bare(wanted)) => return times(text, operator, wanted),
        _ => None,
    };
    match operator {
        Operator::Eq => equal,
        Operator::Ne => equal.map(|it| !it),
        _ => None,
    }
}

fn times(text: &str, operator: Operator, wanted: &str) -> Option<bool> {
    let order = rfc3339(text)?.cmp(&rfc3339(wanted)?);
    Some(match operator {
        Operator::Eq => order == Ordering::Equal,
        Operator::Ne => order != Ordering::Equal,
        Operator::Ge => order != Ordering::Less,
        Operator::Le => order != Ordering::Greater,
        Operator::Gt => order == Ordering::Greater,
        Operator::Lt => order == Ordering::Less,
        Operator::Has => return None,
    })
}

/// Whether two texts are equal for Graph. None when accents or blanks at the end decide.
fn equal(one: &str, two: &str) -> Option<bool> {
    if one == two || one.eq_ignore_ascii_case(two) {
        return Some(true);
    }
    let (one, two) = (one.to_lowercase(), two.to_lowercase());
    if one == two {
        return Some(true);
    }
    let (one, two) = (one.trim_end(), two.trim_end());
    if one == two {
        return None;
    }
    if one.is_ascii() && two.is_ascii() {
        return Some(false);
    }
    // A plain letter that differs, before or behind everything that is not plain, settles it.
    let front = differs(one.chars(), two.chars(), false);
    let back = differs(one.chars().rev(), two.chars().rev(), false);
    (front || back).then_some(false)
}

/// Whether the first plain letters differ. `beginning`: the second may end before the first.
fn differs(
    mut one: impl Iterator<Item = char>,
    mut two: impl Iterator<Item = char>,
    beginning: bool,
) -> bool {
    loop {
        match (one.next(), two.next()) {
            (Some(a), Some(b)) if a.is_ascii() && b.is_ascii() => {
                if a != b {
                    return true;
                }
            }
            (None, Some(b)) if b.is_ascii() => return true,
            (Some(a), None) if a.is_ascii() => return !beginning,
            _ => return false,
        }
    }
}

fn part_of(function: Function, text: &str, wanted: &str) -> Option<bool> {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    let found = match function {
        Function::StartsWith => text.starts_with(&wanted),
        Function::EndsWith => text.ends_with(&wanted),
    };
    if found {
        return Some(true);
    }
    if text.is_ascii() && wanted.is_ascii() {
        // Blanks at the end may not count.
        return (text.trim_end() == text && wanted.trim_end() == wanted).then_some(false);
    }
    let apart = match function {
        Function::StartsWith => differs(text.chars(), wanted.chars(), true),
        Function::EndsWith => differs(text.chars().rev(), wanted.chars().rev(), true),
    };
    apart.then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::filter::check;

    const USER: &str = r#"{"id":"a","accountEnabled":true,"employeeType":"Contractor","city":"Köln","mail":null,
        "createdDateTime":"2026-01-02T00:00:00Z","onPremisesExtensionAttributes":{"extensionAttribute1":"x"}}"#;

    fn told(filter: &str) -> Option<bool> {
        lets_through(&check(Some(filter)).unwrap().unwrap().expr, USER)
    }

    #[test]
    fn what_is_proven() {
        for (filter, expected) in [
            ("employeeType eq 'CONTRACTOR'", Some(true)),
            ("employeeType in ('Admin', 'Staff')", Some(false)),
            ("employeeType ne 'Staff'", Some(true)),
            ("not (employeeType eq 'Contractor')", Some(false)),
            ("accountEnabled eq true and employeeType eq 'Staff'", Some(false)),
            ("accountEnabled eq false or employeeType eq 'Contractor'", Some(true)),
            ("startsWith(employeeType,'con')", Some(true)),
            ("startsWith(employeeType,'x')", Some(false)),
            ("city eq 'KÖLN'", Some(true)),
            ("city eq 'Berlin'", Some(false)),
            ("city eq 'Kiel'", Some(false)),
            ("mail eq null", Some(true)),
            ("mail ne null", Some(false)),
            ("employeeType eq null", Some(false)),
            ("mail eq 'a@contoso.example'", Some(false)),
            ("createdDateTime ge 2026-01-01T00:00:00Z", Some(true)),
            ("createdDateTime le 2026-01-01T00:00:00Z", Some(false)),
            ("onPremisesExtensionAttributes/extensionAttribute1 eq 'y'", Some(false)),
            // What nobody can tell.
            ("city eq 'Koln'", None),
            ("mail ne 'a@contoso.example'", None),
            ("not (mail eq 'a@contoso.example')", None),
            ("not startsWith(mail,'a')", None),
            ("department eq 'Sales'", None),
            ("onPremisesExtensionAttributes/extensionAttribute2 eq 'y'", None),
            ("employeeType eq 'Contractor '", None),
            ("employeeType ge 'A'", None),
            ("assignedLicenses/any(x:x/skuId eq 4b590615-0888-425a-a965-b3bf7789848d)", None),
            // One part is enough, or is not.
            ("department eq 'Sales' and employeeType eq 'Staff'", Some(false)),
            ("department eq 'Sales' or employeeType eq 'Contractor'", Some(true)),
            ("department eq 'Sales' or employeeType eq 'Staff'", None),
        ] {
            assert_eq!(told(filter), expected, "{filter}");
        }
    }

    #[test]
    fn the_reason_names_what_decides() {
        let why = |filter: &str| why_outside(&check(Some(filter)).unwrap().unwrap().expr, USER);
        assert_eq!(
            why("accountEnabled eq true and employeeType in ('Staff')").unwrap(),
            "employeeType is now 'Contractor'"
        );
        assert_eq!(why("mail eq 'x'").unwrap(), "mail is now empty");
        assert_eq!(why("accountEnabled eq false").unwrap(), "accountEnabled is now true");
        assert_eq!(why("accountEnabled eq true"), None);
    }
}
