//! Converters of a document, as the JSON that the plugin takes. Which there are and what they mean is the
//! plugin's; it is asked when a document is saved.

use toml::de::DeValue;

use super::keys::{Value, wrong_type};
use super::problem::Problems;

/// The steps of `convert`: one, or a list.
pub(super) fn read(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<String> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| step(item, problems)).collect(),
        _ => step(value, problems).into_iter().collect(),
    }
}

fn step(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<String> {
    if matches!(value.get_ref(), DeValue::String(_) | DeValue::Table(_)) {
        return json(value, problems);
    }
    wrong_type(value, "convert", "a converter such as `\"lower\"` or `{ prefix = \"E\" }`", problems);
    None
}

/// A value as JSON text. Numbers keep their digits, where JSON has them.
fn json(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let text = |text: &str| serde_json::to_string(text).ok();
    match value.get_ref() {
        DeValue::String(it) => text(it),
        DeValue::Boolean(it) => Some(it.to_string()),
        DeValue::Datetime(it) => text(&it.to_string()),
        DeValue::Integer(digits) => {
            let number = super::keys::integer(value, "convert", i64::MIN..=i64::MAX, problems)?;
            // `1_000` and `0x1F` are a document's ways to write a number; JSON has one.
            let plain = serde_json::from_str::<serde_json::Number>(digits.as_str()).is_ok();
            Some(if plain && digits.radix() == 10 { digits.as_str().to_owned() } else { number.to_string() })
        }
        DeValue::Float(digits) => {
            let plain = digits.as_str().replace('_', "");
            if serde_json::from_str::<serde_json::Number>(&plain).is_ok() {
                return Some(plain);
            }
            problems.add(value.span(), format!("`{}` is no number that a field can hold", digits.as_str()));
            None
        }
        DeValue::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|it| json(it, problems)).collect();
            Some(format!("[{}]", items?.join(",")))
        }
        DeValue::Table(entries) => {
            let entries: Option<Vec<String>> = entries
                .iter()
                .map(|(key, value)| Some(format!("{}:{}", text(key.get_ref())?, json(value, problems)?)))
                .collect();
            Some(format!("{{{}}}", entries?.join(",")))
        }
    }
}
