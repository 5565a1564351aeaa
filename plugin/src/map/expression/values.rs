//! Values of the source as the engine sees them, and back. A number that the engine would write in other
//! digits than the source's own travels as its digits.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};

use crate::json::{Entries, decode, items};
use crate::map::work::Work;
use serde_json::value::RawValue;

/// Lists and objects within one another: Graph has three.
const MOST_DEPTH: usize = 32;

/// A number in the source's own digits. It can be passed on, joined to texts and made a number of, and counts
/// as true; the engine can neither compare nor add it.
#[derive(Debug)]
pub(super) struct Digits(pub(super) String);

impl Object for Digits {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0.bytes().take_while(|it| !matches!(it, b'e' | b'E')).any(|it| matches!(it, b'1'..=b'9'))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object of the source: names and values, in its order; of two with one name the last counts.
#[derive(Debug)]
struct Map(Vec<(Arc<str>, Value)>);

impl Object for Map {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.iter().rev().find(|(name, _)| **name == *key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| Value::from(Arc::clone(name))).collect())
    }
}

/// What a JSON text says.
pub(in crate::map) fn to_value(raw: &str) -> Result<Value, String> {
    value(raw, 0)
}

fn value(raw: &str, depth: usize) -> Result<Value, String> {
    if depth > MOST_DEPTH {
        return Err(format!("lists and objects stand more than {MOST_DEPTH} deep in one another"));
    }
    let broken = |error: serde_json::Error| format!("no JSON: {error}");
    match raw.as_bytes().first() {
        Some(b'n') => Ok(Value::from(())),
        Some(b't') => Ok(Value::from(true)),
        Some(b'f') => Ok(Value::from(false)),
        Some(b'"') => match decode(raw) {
            Some(text) => Ok(Value::from(text.as_ref())),
            None => Err("the text holds half a surrogate pair, which is no character".to_owned()),
        },
        Some(b'[') => {
            let list: &RawValue = serde_json::from_str(raw).map_err(broken)?;
            let list = items(list).map_err(broken)?;
            list.into_iter().map(|item| value(item.get(), depth + 1)).collect()
        }
        Some(b'{') => {
            let entries = Entries::parse(raw).map_err(broken)?.0.into_iter();
            let entries = entries.map(|(name, item)| Ok((Arc::from(&*name), value(item.get(), depth + 1)?)));
            Ok(Value::from_object(Map(entries.collect::<Result<_, String>>()?)))
        }
        _ => Ok(number(raw).unwrap_or_else(|| Value::from_object(Digits(raw.to_owned())))),
    }
}

/// A number of the engine's, when it has the same digits wherever it is written: joined to a text, and passed on.
fn number(raw: &str) -> Option<Value> {
    if let Ok(whole) = raw.parse::<i128>() {
        return (whole.to_string() == raw).then(|| Value::from(whole));
    }
    let float = raw.parse::<f64>().ok()?;
    let value = Value::from(float);
    (float.is_finite() && format!("{float:?}") == raw && value.to_string() == raw).then_some(value)
}

/// The number that digits are, as near as the engine can have it.
pub(super) fn approximately(digits: &str) -> Option<Value> {
    let digits = digits.trim();
    if let Ok(whole) = digits.parse::<i128>() {
        return Some(Value::from(whole));
    }
    let plain = digits.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
    let float = digits.parse::<f64>().ok().filter(|it| plain && it.is_finite())?;
    Some(Value::from(float))
}

/// Whether a number in it travels as its digits.
pub(super) fn has_digits(value: &Value) -> bool {
    if value.downcast_object_ref::<Digits>().is_some() {
        return true;
    }
    if let Some(map) = value.downcast_object_ref::<Map>() {
        return map.0.iter().any(|(_, value)| has_digits(value));
    }
    value.kind() == ValueKind::Seq && value.try_iter().is_ok_and(|mut all| all.any(|it| has_digits(&it)))
}

/// The same, with numbers in the place of digits.
pub(super) fn plain(value: &Value) -> Value {
    if let Some(digits) = value.downcast_object_ref::<Digits>() {
        return approximately(&digits.0).unwrap_or_else(|| value.clone());
    }
    if let Some(map) = value.downcast_object_ref::<Map>() {
        let all = map.0.iter().map(|(name, value)| (Arc::clone(name), plain(value)));
        return Value::from_object(Map(all.collect()));
    }
    match value.try_iter() {
        Ok(all) if value.kind() == ValueKind::Seq => all.map(|it| plain(&it)).collect(),
        _ => value.clone(),
    }
}

/// Whether two results are one: of the same expression, once with digits and once with numbers.
pub(super) fn same(result: &Value, also: &Value) -> bool {
    if let Some(digits) = result.downcast_object_ref::<Digits>() {
        return approximately(&digits.0).as_ref() == Some(also);
    }
    result == also
}

/// What a result is to the field.
pub(super) fn from_value(value: &Value) -> Result<Work, String> {
    if let Some(digits) = value.downcast_object_ref::<Digits>() {
        return Ok(Work::Other(digits.0.clone()));
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Work::Null),
        ValueKind::Bool => Ok(Work::Other(value.is_true().to_string())),
        ValueKind::String => Ok(Work::Text(value.as_str().unwrap_or_default().to_owned())),
        ValueKind::Number if value.is_integer() => Ok(Work::Other(value.to_string())),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(float) if float.is_finite() => Ok(Work::Other(format!("{float:?}"))),
            _ => Err("the expression gives a number that is none".to_owned()),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            Err("the expression gives a list, expected one value".to_owned())
        }
        other => Err(format!("the expression gives a {other}, expected one value")),
    }
}
