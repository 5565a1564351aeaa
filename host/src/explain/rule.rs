//! The rules of a mapping in a clause each, from the text that the plugin takes: what the plugin is told is
//! what is shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    fields: Vec<BTreeMap<&'a str, &'a RawValue>>,
}

/// Target field and rule, in the order of the mapping.
pub(super) fn rules(mapping: &str) -> Vec<(String, String)> {
    let Ok(text) = serde_json::from_str::<Text<'_>>(mapping) else { return Vec::new() };
    text.fields
        .iter()
        .filter_map(|rule| {
            let target = serde_json::from_str(rule.get("target")?.get()).ok()?;
            Some((target, clause(rule)))
        })
        .collect()
}

fn clause(rule: &BTreeMap<&str, &RawValue>) -> String {
    let of = |key: &str| rule.get(key).map(|it| it.get());
    let mut parts = Vec::new();
    if let Some(source) = of("source") {
        parts.push(path(source));
    }
    if let Some(constant) = of("constant") {
        parts.push(format!("always {constant}"));
    }
    // Whatever else a rule may say is told as it stands.
    for (key, value) in rule {
        if !["target", "type", "required", "source", "constant", "null", "default"].contains(key) {
            let value = value.get();
            if !matches!(value, "null" | "false" | "[]" | "{}") {
                parts.push(format!(
                    "{key} {}",
                    serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
                ));
            }
        }
    }
    match (of("null"), of("default")) {
        (Some("\"keep\""), _) => parts.push("null keeps".to_owned()),
        (Some("\"default\""), Some(value)) => parts.push(format!("null becomes {value}")),
        _ => {}
    }
    if of("required") == Some("true") {
        parts.push("required".to_owned());
    }
    parts.join(", ")
}

/// A path as people write it: `businessPhones[0]`.
fn path(source: &str) -> String {
    let Ok(steps) = serde_json::from_str::<Vec<serde_json::Value>>(source) else { return source.to_owned() };
    steps.iter().fold(String::new(), |text, step| match step.as_str() {
        Some(key) if text.is_empty() => key.to_owned(),
        Some(key) => format!("{text}.{key}"),
        None => format!("{text}[{step}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::rules;

    #[test]
    fn a_rule_is_a_clause() {
        let mapping = r#"{"version":1,"fields":[
            {"target":"access_role","type":"text","required":true,"constant":"Employee","null":"clear"},
            {"target":"city","type":"text","required":false,"source":["employeeOrgData","city"],"null":"keep"},
            {"target":"department","type":"text","required":false,"source":["department"],"null":"default","default":"none"},
            {"target":"office","expression":"upper(a)","write":"only-if-empty","when":null}
        ]}"#;
        let told: Vec<String> =
            rules(mapping).into_iter().map(|(to, rule)| format!("{to}: {rule}")).collect();
        assert_eq!(
            told,
            [
                "access_role: always \"Employee\", required",
                "city: employeeOrgData.city, null keeps",
                "department: department, null becomes \"none\"",
                "office: expression upper(a), write only-if-empty",
            ]
        );
        assert!(rules("no JSON").is_empty());
    }
}
