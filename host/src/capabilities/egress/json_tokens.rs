//! Where tokens stand in a JSON text that is to stay as it is, byte for byte. Pure.

use serde::de::IgnoredAny;
use std::ops::Range;
use zeroize::Zeroizing;

/// A token in a text.
pub(super) struct Found {
    /// Its string, quotes included.
    pub(super) span: Range<usize>,
    /// The field that it stands in.
    pub(super) field: String,
    /// What it says, escapes resolved.
    pub(super) value: Zeroizing<String>,
}

/// Every token in a text of one or more JSON documents (some APIs send one a line), at any depth, in order. The
/// error says why it cannot be told where tokens stand.
pub(super) fn find(text: &[u8], is_token: impl Fn(&str) -> bool) -> Result<Vec<Found>, String> {
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    if documents.any(|document| document.is_err()) {
        return Err("it names a token, and is not JSON".to_owned());
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = quote(text, at) {
        let end = string_end(text, start);
        at = end;
        let colon = blank(text, end);
        // Of sound JSON: a string with a colon behind it is a field's name.
        if text.get(colon) != Some(&b':') {
            continue;
        }
        let Ok(field) = serde_json::from_slice::<String>(&text[start..end]) else { continue };
        if !is_token(&field) {
            continue;
        }
        let start = blank(text, colon + 1);
        match text.get(start) {
            Some(b'"') => {
                at = string_end(text, start);
                let value = serde_json::from_slice::<String>(&text[start..at]);
                let value = Zeroizing::new(value.map_err(|_| format!("`{field}` is not a text"))?);
                if !value.is_empty() {
                    found.push(Found { span: start..at, field, value });
                }
            }
            // `null`; sound JSON has nothing else with that letter.
            Some(b'n') => {}
            _ => return Err(format!("`{field}` is not a text")),
        }
    }
    Ok(found)
}

fn quote(text: &[u8], from: usize) -> Option<usize> {
    text[from..].iter().position(|byte| *byte == b'"').map(|at| from + at)
}

/// One past the closing quote of the string that opens at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn blank(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn tokens(text: &str) -> Result<Vec<String>, String> {
        let found = find(text.as_bytes(), |name| name == "access_token")?;
        for it in &found {
            let stands: String = serde_json::from_str(&text[it.span.clone()]).unwrap();
            assert_eq!(stands, *it.value);
        }
        Ok(found.into_iter().map(|it| it.value.to_string()).collect())
    }

    #[test]
    fn only_the_strings_of_token_fields_are_found() {
        assert_eq!(tokens(r#"{"a":"access_token","b":[{"access_token" : "x\/y"}]}"#).unwrap(), ["x/y"]);
        assert_eq!(tokens(r#"{"\u0061ccess_token":"x","access_token":"y"}"#).unwrap(), ["x", "y"]);
        assert_eq!(tokens("{\"access_token\":\"x\"}\n{\"access_token\":\n\"y\"}\n").unwrap(), ["x", "y"]);
        assert_eq!(tokens(r#"{"access_token":null,"c":{"access_token":""}}"#).unwrap(), Vec::<String>::new());
        assert_eq!(
            tokens(r#"["\"access_token\":\"x\"", "access_token", "\\"]"#).unwrap(),
            Vec::<String>::new()
        );
        for bad in
            [r#"{"access_token":["x"]}"#, r#"{"access_token":1}"#, "access_token=x", r#"{"access_token":"x"#]
        {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(json!({"access_token": "inner\"\\token"})),
            Just(json!("access_token")),
        ];
        let key = prop_oneof![Just("access_token".to_owned()), any::<String>()];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The same, from the parsed document.
    fn expected(value: &Value, out: &mut Vec<String>) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|it| expected(it, out)),
            Value::Object(fields) => fields.iter().all(|(name, value)| match (name.as_str(), value) {
                ("access_token", Value::String(text)) => {
                    out.extend((!text.is_empty()).then(|| text.clone()));
                    true
                }
                ("access_token", Value::Null) => true,
                ("access_token", _) => false,
                (_, value) => expected(value, out),
            }),
            _ => true,
        }
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_parsed_document(value in values(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let mut all = Vec::new();
            let sound = expected(&value, &mut all);
            prop_assert_eq!(tokens(&text.unwrap()).ok(), sound.then_some(all));
        }
    }
}
