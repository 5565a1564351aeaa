//! The fields that people are found by, and their folded values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::Difference;
use crate::model::{Targets, fold_key};

/// The key fields of a tenant. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFields(Arc<[String]>);

impl KeyFields {
    /// Those of a tenant's fields that are keys.
    #[must_use]
    pub fn of(targets: &Targets) -> Self {
        let mut names: Vec<String> = targets.keys().map(|it| it.name.clone()).collect();
        // In the order in which JSON objects of ours have their keys.
        names.sort_unstable();
        Self(names.into())
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether people are found by this field.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.names().any(|it| it == field)
    }

    /// The folded values of the key fields in a JSON object of fields, as the text of a JSON object; fields
    /// without a value are left out.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn of_fields(&self, fields: &str) -> serde_json::Result<String> {
        let mut found: Vec<Option<&RawValue>> = vec![None; self.0.len()];
        let mut reader = serde_json::Deserializer::from_str(fields);
        reader.deserialize_map(Walk { keys: self, found: &mut found })?;
        reader.end()?;
        let mut folded = BTreeMap::new();
        for (name, value) in self.names().zip(&found) {
            let Some(text) = value.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok())
            else {
                continue;
            };
            if let Some(key) = fold_key(&text) {
                folded.insert(name, key.into_owned());
            }
        }
        serde_json::to_string(&folded)
    }

    /// The folded keys that differences (a JSON list of `[field, before, after]`) write, as the text of a JSON
    /// object; a key that is cleared is null. None when there is none.
    ///
    /// # Errors
    /// When the text is not a list of differences.
    pub fn of_differences(&self, differences: &str) -> serde_json::Result<Option<String>> {
        let list: Vec<Difference<'_>> = serde_json::from_str(differences)?;
        let mut keys = BTreeMap::new();
        for (field, _, after) in list.into_iter().filter(|(field, ..)| self.has(field)) {
            let text = after.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            let key = text.as_deref().and_then(fold_key).map(Cow::into_owned);
            keys.insert(field, key);
        }
        if keys.is_empty() { Ok(None) } else { serde_json::to_string(&keys).map(Some) }
    }
}

/// Reads the values of the key fields, and passes over the others.
struct Walk<'k, 'f, 'a> {
    keys: &'k KeyFields,
    found: &'f mut [Option<&'a RawValue>],
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Place(self.keys))? {
            match place {
                Some(place) => self.found[place] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Looks a name up without keeping it.
struct Place<'k>(&'k KeyFields);

impl<'a> DeserializeSeed<'a> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.names().position(|it| it == name))
    }
}

#[cfg(test)]
mod tests {
    use super::KeyFields;
    use crate::model::{Filled, Target, Targets, ValueType};

    fn keys() -> KeyFields {
        KeyFields::of(&Targets::with([Target {
            name: "badge".into(),
            label: "Badge".into(),
            value_type: ValueType::Text,
            key: true,
            mandatory: false,
            filled: Filled::ByMapping,
            custom: true,
        }]))
    }

    #[test]
    fn every_key_field_is_folded() {
        assert_eq!(keys().names().collect::<Vec<_>>(), ["badge", "email", "employee_id", "username"]);
        assert_eq!(
            keys()
                .of_fields(r#"{"email":"A@B.example","badge":"X1","username":"\u0041na","city":{"email":1},"employee_id":""}"#)
                .unwrap(),
            r#"{"badge":"x1","email":"a@b.example","username":"ana"}"#
        );
        assert!(keys().of_fields("[]").is_err() && keys().of_fields("{} x").is_err());
    }

    #[test]
    fn a_cleared_key_is_null() {
        let of = |text: &str| keys().of_differences(text).unwrap();
        assert_eq!(of(r#"[["city","a","b"]]"#), None);
        assert_eq!(
            of(r#"[["badge","a","B"],["email","a",null]]"#).as_deref(),
            Some(r#"{"badge":"b","email":null}"#)
        );
    }
}
