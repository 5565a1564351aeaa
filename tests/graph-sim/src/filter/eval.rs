//! Whether a condition holds for somebody. Texts compare without regard to case, as in Graph.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Expr, Func, Literal, Op};
use crate::clock;
use crate::world::{User, string_of};

/// Whether the condition holds. Null and absent are the same, and equal to nothing but null.
pub(crate) fn matches(expr: &Expr, user: &User) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| matches(part, user)),
        Expr::Or(parts) => parts.iter().any(|part| matches(part, user)),
        Expr::Not(inner) => !matches(inner, user),
        Expr::Compare(path, op, value) => {
            let raw = value_of(user, path);
            compare(raw.as_deref(), *op, value)
        }
        Expr::In(path, values) => {
            let raw = value_of(user, path);
            values.iter().any(|value| compare(raw.as_deref(), Op::Eq, value))
        }
        Expr::Call(func, path, wanted) => {
            let raw = value_of(user, path);
            let Some(text) = raw.as_deref().map(text_of) else {
                return false;
            };
            let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
            match func {
                Func::StartsWith => text.starts_with(&wanted),
                Func::EndsWith => text.ends_with(&wanted),
                Func::Contains => text.contains(&wanted),
            }
        }
    }
}

/// The object ids outside of which nobody can pass; `None` if the condition does not name any.
/// Graph looks these up, and so a condition on ids costs nothing in a large tenant.
pub(crate) fn ids(expr: &Expr) -> Option<Vec<&str>> {
    match expr {
        Expr::Compare(path, Op::Eq, value) if path == "id" => Some(vec![text(value)?]),
        Expr::In(path, values) if path == "id" => values.iter().map(text).collect(),
        Expr::Or(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(ids).collect();
            Some(parts?.concat())
        }
        Expr::And(parts) => parts.iter().find_map(ids),
        _ => None,
    }
}

fn text(value: &Literal) -> Option<&str> {
    match value {
        Literal::Text(text) => Some(text),
        _ => None,
    }
}

/// The JSON of a property, or of a member of an object; `None` for null and absent.
fn value_of<'a>(user: &'a User, path: &str) -> Option<Cow<'a, str>> {
    let raw = match path.split_once('/') {
        None => Cow::Borrowed(user.get(path)?),
        Some((head, member)) => {
            let object: serde_json::Value = serde_json::from_str(user.get(head)?).ok()?;
            Cow::Owned(object.get(member)?.to_string())
        }
    };
    (raw != "null").then_some(raw)
}

/// The text of a JSON string; other JSON as it is written.
fn text_of(raw: &str) -> Cow<'_, str> {
    string_of(raw).unwrap_or(Cow::Borrowed(raw))
}

fn compare(raw: Option<&str>, op: Op, value: &Literal) -> bool {
    let Some(raw) = raw else {
        return match op {
            Op::Eq => *value == Literal::Null,
            Op::Ne => *value != Literal::Null,
            _ => false,
        };
    };
    let order = match value {
        Literal::Null => None,
        Literal::Text(wanted) => Some(order_texts(&text_of(raw), wanted)),
        Literal::Flag(wanted) => {
            let same = raw == if *wanted { "true" } else { "false" };
            same.then_some(Ordering::Equal)
        }
        Literal::Time(wanted) => clock::parse(&text_of(raw)).map(|ticks| ticks.cmp(wanted)),
        Literal::Number(wanted) => (raw == wanted).then_some(Ordering::Equal),
    };
    match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Ne => order != Some(Ordering::Equal),
        Op::Ge => order.is_some_and(Ordering::is_ge),
        Op::Le => order.is_some_and(Ordering::is_le),
        Op::Gt => order.is_some_and(Ordering::is_gt),
        Op::Lt => order.is_some_and(Ordering::is_lt),
    }
}

fn order_texts(one: &str, two: &str) -> Ordering {
    if one.eq_ignore_ascii_case(two) {
        return Ordering::Equal;
    }
    one.to_lowercase().cmp(&two.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    fn holds(text: &str, user: &User) -> bool {
        matches(&parse(text).unwrap(), user)
    }

    #[test]
    fn examples() {
        let mut user = User::new("id-1", "ann@contoso.example");
        user.set_text("surname", "O'BRIEN");
        user.set_text("city", "Köln");
        user.set("accountEnabled", "true").unwrap();
        user.set_text("createdDateTime", "2026-01-01T00:00:00.5Z");
        user.set("onPremisesExtensionAttributes", r#"{"extensionAttribute1":"x"}"#).unwrap();
        for (text, wanted) in [
            ("surname eq 'o''brien'", true),
            ("city eq 'KÖLN'", true),
            ("city in ('Bonn','köln')", true),
            ("startsWith(city,'kö')", true),
            ("endsWith(userPrincipalName,'@CONTOSO.example')", true),
            ("accountEnabled eq true", true),
            ("accountEnabled ne true", false),
            ("mail eq null", true),
            ("mail ne null", false),
            ("mail ne 'x'", true),
            ("not (mail eq 'x')", true),
            ("mail ge 'a'", false),
            ("createdDateTime ge 2026-01-01T00:00:00Z", true),
            ("createdDateTime le 2026-01-01T00:00:00Z", false),
            ("createdDateTime eq 2026-01-01T00:00:00.5000000Z", true),
            ("onPremisesExtensionAttributes/extensionAttribute1 eq 'X'", true),
            ("onPremisesExtensionAttributes/extensionAttribute2 eq null", true),
            ("city eq 'Bonn' or city eq 'Köln' and surname eq 'x'", false),
        ] {
            assert_eq!(holds(text, &user), wanted, "{text}");
        }
    }
}
