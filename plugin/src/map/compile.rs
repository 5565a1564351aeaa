//! The text of a mapping, checked and made ready.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::{self, Kind};
use super::walk::Node;
use crate::bindings::userload::directory::types::BadRecord;
use crate::json::{in_words, write_text};

/// Slots of the two properties that our own rules need.
pub(super) const ID: usize = 0;
pub(super) const ENABLED: usize = 1;

/// A path longer than this is a mistake (Graph's longest has three keys).
const PATH_KEYS: usize = 16;

/// A mapping that is ready.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Where values are found.
    pub(super) root: Node,
    /// How many values are looked for.
    pub(super) slots: usize,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) target: String,
    /// `"target":`, as it is written.
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) origin: Origin,
    /// The source's path for people; empty for a constant.
    pub(super) path: String,
    pub(super) null: WhenNull,
}

#[derive(Debug)]
pub(super) enum Origin {
    /// The value itself, as it is written.
    Constant(String),
    /// The number of a slot.
    Source(usize),
}

#[derive(Debug)]
pub(super) enum WhenNull {
    Keep,
    Clear,
    /// The value itself, as it is written.
    Default(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingText {
    version: u32,
    fields: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    target: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    required: bool,
    source: Option<Vec<String>>,
    constant: Option<Box<RawValue>>,
    #[serde(default)]
    null: NullText,
    default: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum NullText {
    Keep,
    #[default]
    Clear,
    Default,
}

/// Checks a mapping and makes it ready.
pub(super) fn compile(text: &str) -> Result<Mapping, BadRecord> {
    let fault = |target: Option<&str>, reason: String| BadRecord {
        id: None,
        field: target.map(str::to_owned),
        reason: format!("the mapping itself: {reason}"),
    };
    let text: MappingText = serde_json::from_str(text).map_err(|e| fault(None, e.to_string()))?;
    if text.version != 1 {
        let reason = format!("expected version 1, found {}", text.version);
        return Err(fault(None, reason));
    }
    let mut root = Node::default();
    root.at(&["id".to_owned()]).slot = Some(ID);
    root.at(&["accountEnabled".to_owned()]).slot = Some(ENABLED);
    let mut mapping = Mapping { root, slots: 2, rules: Vec::with_capacity(text.fields.len()) };
    let mut targets = HashSet::new();
    for rule in text.fields {
        let target = rule.target.clone();
        let rule = read_rule(rule, &mut mapping);
        let rule = rule.map_err(|reason| fault(Some(&target), format!("{target}: {reason}")))?;
        if rule.target.is_empty() {
            return Err(fault(None, "a rule has an empty target".to_owned()));
        }
        if !targets.insert(target) {
            let reason = format!("{}: is the target of two rules", rule.target);
            return Err(fault(Some(&rule.target), reason));
        }
        mapping.rules.push(rule);
    }
    Ok(mapping)
}

fn read_rule(rule: RuleText, mapping: &mut Mapping) -> Result<Rule, String> {
    let mut key = String::new();
    write_text(&mut key, &rule.target);
    key.push(':');
    let (origin, path) = match (rule.source, rule.constant) {
        (Some(path), None) => {
            if path.is_empty() || path.len() > PATH_KEYS || path.iter().any(String::is_empty) {
                return Err(format!("expected a source of 1 to {PATH_KEYS} keys, none of them empty"));
            }
            let slot = mapping.root.at(&path).slot.unwrap_or(mapping.slots);
            if slot == mapping.slots {
                mapping.root.at(&path).slot = Some(slot);
                mapping.slots += 1;
            }
            (Origin::Source(slot), path.join("."))
        }
        (None, Some(value)) => {
            let text = own_value(rule.kind, &value, "constant")?;
            if rule.required && text.trim_matches('"').trim().is_empty() {
                return Err("a required field has an empty constant".to_owned());
            }
            (Origin::Constant(text), String::new())
        }
        _ => return Err("expected exactly one of `source` and `constant`".to_owned()),
    };
    let null = match (rule.null, rule.default) {
        (NullText::Default, Some(value)) => {
            let text = own_value(rule.kind, &value, "default")?;
            if rule.required && text.trim_matches('"').trim().is_empty() {
                return Err("a required field has an empty default".to_owned());
            }
            WhenNull::Default(text)
        }
        (NullText::Default, None) => return Err("`null` is `default`, but there is none".to_owned()),
        (_, Some(_)) => return Err("there is a `default`, but `null` is not `default`".to_owned()),
        (NullText::Keep, None) => WhenNull::Keep,
        (NullText::Clear, None) => WhenNull::Clear,
    };
    Ok(Rule { target: rule.target, key, kind: rule.kind, required: rule.required, origin, path, null })
}

/// A value that the mapping itself holds has to fit the field's type, too.
fn own_value(kind: Kind, value: &RawValue, what: &str) -> Result<String, String> {
    let mut out = String::new();
    match value::write(kind, value.get(), &mut out) {
        Ok(_) => Ok(out),
        Err(_) => {
            let (expected, found) = (kind.in_words(), in_words(value.get()));
            Err(format!("expected {expected} as its {what}, found {found}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(fields: &str) -> String {
        let text = format!(r#"{{"version":1,"fields":[{fields}]}}"#);
        compile(&text).unwrap_err().reason
    }

    #[test]
    fn unknown_and_contradicting_keys_are_refused() {
        for (rule, part) in [
            (r#"{"target":"a","type":"text","source":["a"],"sauce":1}"#, "unknown field `sauce`"),
            (r#"{"target":"a","type":"word","source":["a"]}"#, "unknown variant `word`"),
            (r#"{"target":"a","source":["a"]}"#, "missing field `type`"),
            (r#"{"target":"a","type":"text"}"#, "a: expected exactly one of"),
            (r#"{"target":"a","type":"text","source":["a"],"constant":"b"}"#, "a: expected exactly one of"),
            (r#"{"target":"a","type":"text","constant":null}"#, "a: expected exactly one of"),
            (r#"{"target":"a","type":"text","source":[]}"#, "a: expected a source of"),
            (r#"{"target":"a","type":"text","source":["a",""]}"#, "a: expected a source of"),
            (
                r#"{"target":"a","type":"text","constant":12}"#,
                "a: expected text as its constant, found the number 12",
            ),
            (
                r#"{"target":"a","type":"time","source":["a"],"null":"default","default":"soon"}"#,
                "a: expected a time as its default",
            ),
            (r#"{"target":"a","type":"text","source":["a"],"null":"default"}"#, "but there is none"),
            (r#"{"target":"a","type":"text","source":["a"],"default":"x"}"#, "is not `default`"),
            (r#"{"target":"a","type":"text","source":["a"],"null":"zero"}"#, "unknown variant `zero`"),
            (r#"{"target":"","type":"text","source":["a"]}"#, "empty target"),
            (r#"{"target":"a","type":"text","constant":" ","required":true}"#, "empty constant"),
            (
                r#"{"target":"a","type":"text","source":["a"]},{"target":"a","type":"text","source":["b"]}"#,
                "two rules",
            ),
        ] {
            let found = reason(rule);
            assert!(found.contains(part), "{rule}: {found}");
        }
        assert!(compile(r#"{"version":2,"fields":[]}"#).unwrap_err().reason.contains("version 1"));
        assert!(compile(r#"{"version":1,"fields":[],"x":1}"#).is_err());
        assert!(compile("").is_err());
    }

    #[test]
    fn two_rules_may_read_one_property() {
        let text = r#"{"version":1,"fields":[{"target":"a","type":"text","source":["id"]},{"target":"b","type":"text","source":["x"]},{"target":"c","type":"text","source":["x"]}]}"#;
        let mapping = compile(text).unwrap();
        assert_eq!(mapping.slots, 3);
    }
}
