//! A record as the source last told it, and what it says to have changed, put together.
//!
//! A property that a change does not name is as it was; null is cleared. Properties keep their order and their
//! bytes, so that the outcome is, byte for byte, what a listing would send.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::RunError;

/// The properties of a record, in order, each with the bytes of its value.
struct Properties<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Properties<'a>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    list.push(entry);
                }
                Ok(Properties(list))
            }
        }
        from.deserialize_map(Each(std::marker::PhantomData))
    }
}

fn read(raw: &str) -> Result<Properties<'_>, RunError> {
    serde_json::from_str(raw).map_err(|error| RunError::Misbehaved(format!("a record is no object: {error}")))
}

fn write(list: &[(String, &RawValue)]) -> Result<String, RunError> {
    let mut out = String::with_capacity(1200);
    for (name, value) in list {
        out.push(if out.is_empty() { '{' } else { ',' });
        let name = serde_json::to_string(name).map_err(crate::store::StoreError::from)?;
        out.push_str(&name);
        out.push(':');
        out.push_str(value.get());
    }
    if out.is_empty() {
        out.push('{');
    }
    out.push('}');
    Ok(out)
}

/// Notes beside the properties, such as `@odata.context`: they are not of the user.
fn is_note(name: &str) -> bool {
    name.contains('@')
}

/// A record without what stands beside its properties, as a listing has it.
///
/// # Errors
/// When it is no JSON object.
pub(super) fn plain(raw: &str) -> Result<String, RunError> {
    let mut list = read(raw)?.0;
    list.retain(|(name, _)| !is_note(name));
    write(&list)
}

/// A record with a change put in.
///
/// # Errors
/// When one of them is no JSON object.
pub(super) fn merge(base: &str, change: &str) -> Result<String, RunError> {
    let mut list = read(base)?.0;
    for (name, value) in read(change)?.0 {
        if is_note(&name) {
            continue;
        }
        let mut there = false;
        for (_, old) in list.iter_mut().filter(|(known, _)| *known == name) {
            *old = value;
            there = true;
        }
        if !there {
            list.push((name, value));
        }
    }
    write(&list)
}

/// The names of properties in which two records differ, as JSON values and not as bytes. Null is as good as absent:
/// a listing leaves out what a change clears.
///
/// # Errors
/// When one of them is no JSON object.
pub(super) fn differing(one: &str, other: &str) -> Result<Vec<String>, RunError> {
    let (one, other) = (read(one)?.0, read(other)?.0);
    let value = |list: &[(String, &RawValue)], name: &str| {
        let raw = list.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| raw.get());
        raw.filter(|it| *it != "null").map(str::to_owned)
    };
    let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) if a != b => {
            let parse = |it: &str| serde_json::from_str::<serde_json::Value>(it).ok();
            // Numbers that a parser would round are told apart by their bytes.
            !a.starts_with(|it: char| it.is_ascii_digit() || it == '-') && parse(a) == parse(b)
        }
        (a, b) => a == b,
    };
    let names: HashSet<&str> =
        one.iter().chain(&other).map(|(name, _)| name.as_str()).filter(|it| !is_note(it)).collect();
    let mut differ: Vec<String> = names
        .into_iter()
        .filter(|name| !same(&value(&one, name), &value(&other, name)))
        .map(str::to_owned)
        .collect();
    differ.sort_unstable();
    Ok(differ)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{differing, merge, plain};

    #[test]
    fn absent_is_as_it_was_and_null_is_cleared() {
        let base = r#"{"id":"a","n":1e5,"mail":"a@contoso.example","city":null}"#;
        let change = r#"{"@odata.type":"x","city":"Bern","mail":null,"id":"a","new":[1,{"a":2}]}"#;
        let merged = merge(base, change).unwrap();
        assert_eq!(merged, r#"{"id":"a","n":1e5,"mail":null,"city":"Bern","new":[1,{"a":2}]}"#);
        assert_eq!(merge(&merged, change).unwrap(), merged, "a replay changes nothing");
        assert_eq!(merge(base, r#"{"id":"a"}"#).unwrap(), base, "byte for byte");
    }

    #[test]
    fn an_answer_by_id_becomes_what_a_listing_sends() {
        let raw = r#"{"@odata.context":"https://x","id":"a","n":12345678901234567890}"#;
        assert_eq!(plain(raw).unwrap(), r#"{"id":"a","n":12345678901234567890}"#);
        assert_eq!(plain("{}").unwrap(), "{}");
        assert!(plain("[]").is_err());
    }

    #[test]
    fn differences_are_of_values() {
        let differ = |a, b| differing(a, b).unwrap();
        assert!(differ(r#"{"a":null,"t":"\u00e9"}"#, r#"{"t":"é","@odata.x":1}"#).is_empty());
        assert_eq!(differ(r#"{"a":1,"b":2}"#, r#"{"b":2.0,"a":1,"c":3}"#), ["b", "c"]);
    }

    proptest! {
        #[test]
        fn what_comes_later_counts(
            base in prop::collection::btree_map("[a-d]", 0..9_u8, 0..4),
            first in prop::collection::btree_map("[a-f]", prop::option::of(0..9_u8), 0..5),
            second in prop::collection::btree_map("[a-f]", prop::option::of(0..9_u8), 0..5),
        ) {
            let text = |map: &BTreeMap<String, Option<u8>>| serde_json::to_string(map).unwrap();
            let whole: BTreeMap<String, Option<u8>> = base.into_iter().map(|(k, v)| (k, Some(v))).collect();
            let merged = merge(&merge(&text(&whole), &text(&first)).unwrap(), &text(&second)).unwrap();
            let mut expected = whole;
            expected.extend(first);
            expected.extend(second);
            let read: BTreeMap<String, Option<u8>> = serde_json::from_str(&merged).unwrap();
            prop_assert_eq!(&read, &expected);
            prop_assert!(differing(&merged, &text(&expected)).unwrap().is_empty());
        }
    }
}
