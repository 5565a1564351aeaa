//! The JSON text of a person's fields, changed without touching the text of a value: numbers keep their
//! digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Fields by name, each with the text of its value.
pub type FieldMap<'a> = BTreeMap<&'a str, &'a RawValue>;

/// `[field, before, after]`; none = empty.
pub type Difference<'a> = (&'a str, Option<&'a RawValue>, Option<&'a RawValue>);

/// The fields of a JSON object, in the order of their names.
///
/// # Errors
/// When the text is not a JSON object. Names with escapes are not names of fields, and refused.
pub fn parse(text: &str) -> serde_json::Result<FieldMap<'_>> {
    serde_json::from_str(text)
}

/// The text of fields, without those that are null: null and missing both mean empty.
#[must_use]
pub fn write(fields: &FieldMap<'_>) -> String {
    let mut text = String::with_capacity(64 + fields.len() * 32);
    text.push('{');
    for (name, value) in fields {
        if value.get() == "null" {
            continue;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(name);
        text.push_str("\":");
        text.push_str(value.get());
    }
    text.push('}');
    text
}

/// `fields` after `differences` (a JSON list of `[field, before, after]`).
///
/// # Errors
/// When either is not what it should be.
pub fn merge(fields: &str, differences: Option<&str>) -> serde_json::Result<String> {
    let mut map = parse(fields)?;
    if let Some(differences) = differences {
        let list: Vec<Difference<'_>> = serde_json::from_str(differences)?;
        for (name, _, after) in list {
            match after {
                Some(value) => map.insert(name, value),
                None => map.remove(name),
            };
        }
        return Ok(write(&map));
    }
    Ok(write(&map))
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn values_keep_their_text() {
        let merged = merge(
            r#"{"employee_id":"007","n":12345678901234567890,"department":"Sales"}"#,
            Some(r#"[["department","Sales",null],["n",12345678901234567890,1e5],["city",null,"Bonn"]]"#),
        )
        .unwrap();
        assert_eq!(merged, r#"{"city":"Bonn","employee_id":"007","n":1e5}"#);
    }

    #[test]
    fn null_is_empty() {
        assert_eq!(merge(r#"{"a":null,"b":1}"#, None).unwrap(), r#"{"b":1}"#);
    }
}
