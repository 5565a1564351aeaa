//! The texts that the plugin takes (`wit/transform.wit`), and digests of what decides a run.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use serde_json::value::RawValue;

use super::integration::{
    Action, DisabledNew, Integration, Mode, NullRule, Origin, Path, Reactivate, Rule, Write,
};
use crate::model::ValueType;

/// A change of these is a rename.
const RENAME_FIELDS: [&str; 2] = ["username", "email"];

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct MappingText<'a> {
    version: u32,
    fields: Vec<RuleText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_if: Option<&'a str>,
}

#[derive(Serialize)]
struct RuleText<'a> {
    target: &'a str,
    #[serde(rename = "type")]
    value_type: ValueType,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constant: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<&'a [Path]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<JoinText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    convert: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'a str>,
    null: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a serde_json::Value>,
}

#[derive(Serialize)]
struct JoinText<'a> {
    sources: &'a [Path],
    separator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PolicyText<'a> {
    version: u32,
    mode: Mode,
    deactivate: bool,
    reactivate: Reactivate,
    disabled_new: DisabledNew,
    on_disabled: Action,
    on_deleted: Action,
    on_not_found: Action,
    on_left_filter: Action,
    rename_fields: [&'static str; 2],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_create: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    if_empty: Vec<&'a str>,
}

/// The mapping as `map-record` takes it. The stamp of the run is the host's and not in it.
#[must_use]
pub fn mapping_text(integration: &Integration) -> String {
    json(&MappingText {
        version: 1,
        fields: integration.mapping.iter().filter_map(rule_text).collect(),
        only_if: integration.only_if.as_deref(),
    })
}

fn rule_text(rule: &Rule) -> Option<RuleText<'_>> {
    let (mut source, mut constant, mut expression, mut first, mut join) = (None, None, None, None, None);
    match &rule.origin {
        Origin::Source(path) => source = Some(path),
        Origin::Constant(value) => constant = Some(value),
        Origin::Expression(text) => expression = Some(text.as_str()),
        Origin::First(paths) => first = Some(paths.as_slice()),
        Origin::Join(sources, separator) => join = Some(JoinText { sources, separator }),
        Origin::SyncTime => return None,
    }
    let (null, default) = match &rule.null {
        NullRule::Keep => ("keep", None),
        NullRule::Clear => ("clear", None),
        NullRule::Default(value) => ("default", Some(value)),
    };
    Some(RuleText {
        target: &rule.target.name,
        value_type: rule.target.value_type,
        required: rule.required,
        source,
        constant,
        expression,
        first,
        join,
        // What was checked to be JSON when the document was read.
        convert: rule.convert.iter().filter_map(|it| serde_json::from_str(it).ok()).collect(),
        when: rule.when.as_deref(),
        null,
        default,
    })
}

/// The policy as `reconcile` takes it.
#[must_use]
pub fn policy_text(integration: &Integration) -> String {
    json(&PolicyText {
        version: 1,
        mode: integration.mode,
        deactivate: integration.deactivate,
        reactivate: integration.reactivate,
        disabled_new: integration.disabled_new,
        on_disabled: integration.on_disabled,
        on_deleted: integration.on_deleted,
        on_not_found: integration.on_not_found,
        on_left_filter: integration.on_left_filter,
        rename_fields: RENAME_FIELDS,
        on_create: written(integration, Write::OnCreate),
        if_empty: written(integration, Write::IfEmpty),
    })
}

fn written(integration: &Integration, write: Write) -> Vec<&str> {
    let rules = integration.mapping.iter().filter(|rule| rule.write == write);
    rules.map(|rule| rule.target.name.as_str()).collect()
}

/// Of filter, mapping (with `only-if`) and match keys: after a change of these, a first look at everybody is due, and the
/// guard holds every deactivation.
#[must_use]
pub fn shape_digest(integration: &Integration) -> String {
    document_digest(&json(&(
        integration.filter.as_deref(),
        mapping_text(integration),
        &integration.match_keys,
    )))
}

/// SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn document_digest(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Texts, numbers and lists of ours: they always have a JSON text.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{parse, seed_fields};
    use super::*;

    fn integration(text: &str) -> Integration {
        parse("a.toml", text, &seed_fields(), &crate::model::Targets::built_in())
            .unwrap_or_else(|report| panic!("{report}"))
    }

    const DOCUMENT: &str = r#"
name = "a"
credential = "c"
access-role = "Employee"
[mapping]
username = "User Principal Name"
department = { source = "department", null = "default", default = "none" }
connector_sync_time = "Connector Sync Time"
city = { source = "employeeOrgData.city", null = "keep" }
"#;

    #[test]
    fn the_plugin_gets_what_the_contract_says() {
        let it = integration(DOCUMENT);
        insta::assert_snapshot!(mapping_text(&it), @r#"{"version":1,"fields":[{"target":"access_role","type":"text","required":true,"constant":"Employee","null":"clear"},{"target":"username","type":"text","required":true,"source":["userPrincipalName"],"null":"clear"},{"target":"department","type":"text","required":false,"source":["department"],"null":"default","default":"none"},{"target":"city","type":"text","required":false,"source":["employeeOrgData","city"],"null":"keep"}]}"#);
        insta::assert_snapshot!(policy_text(&it), @r#"{"version":1,"mode":"create-and-update","deactivate":false,"reactivate":"own","disabled-new":"create-inactive","on-disabled":"deactivate","on-deleted":"deactivate","on-not-found":"deactivate","on-left-filter":"keep","rename-fields":["username","email"]}"#);
    }

    #[test]
    fn the_shape_is_filter_mapping_and_match_keys() {
        let shape = |text: &str| shape_digest(&integration(text));
        let was = shape(DOCUMENT);
        assert_eq!(was.len(), 64);
        let other = |line: &str| shape(&DOCUMENT.replacen("access-role", &format!("{line}\naccess-role"), 1));
        assert_eq!(was, other("page-size = 10\ndeactivate = true"));
        assert_ne!(was, other("filter = \"department eq 'Sales'\""));
        assert_ne!(was, other("match-keys = [\"username\"]"));
        assert_ne!(was, shape(&DOCUMENT.replace("none", "nobody")));
        assert_ne!(was, other("only-if = \"department != 'x'\""));
    }

    #[test]
    fn digests_are_sha_256() {
        assert_eq!(document_digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn whatever_a_rule_may_say() {
        let it = integration(
            r#"
name = "a"
credential = "c"
only-if = "employee_type != 'Service'"
[mapping]
username = { first = ["Mail", "otherMails[0]", "userPrincipalName"], convert = ["trim", "lower"], write = "on-create" }
email = "{{ mail|lower }}"
display_name = { join = ["givenName", "surname"] }
office = { location = ["city", "state", "country"], write = "if-empty", null = "keep" }
employee_type = { source = "employeeType", convert = { lookup = { "7" = 0x1F, T = "Temp", f = 1.50 }, else = "keep" } }
department = { constant = "Sales", when = "userType == 'Member'" }
business_phone = "businessPhones[0]"
city = { source = ["ext.a", 0, "b"] }
"#,
        );
        insta::assert_snapshot!(mapping_text(&it).replace("},{\"target", "},\n{\"target"), @r#"
        {"version":1,"fields":[{"target":"username","type":"text","required":true,"first":[["mail"],["otherMails",0],["userPrincipalName"]],"convert":["trim","lower"],"null":"clear"},
        {"target":"email","type":"text","required":false,"expression":"{{ mail|lower }}","null":"clear"},
        {"target":"display_name","type":"text","required":false,"join":{"sources":[["givenName"],["surname"]],"separator":" "},"null":"clear"},
        {"target":"office","type":"text","required":false,"join":{"sources":[["city"],["state"],["country"]],"separator":", "},"null":"keep"},
        {"target":"employee_type","type":"text","required":false,"source":["employeeType"],"convert":[{"else":"keep","lookup":{"7":31,"T":"Temp","f":1.50}}],"null":"clear"},
        {"target":"department","type":"text","required":false,"constant":"Sales","when":"userType == 'Member'","null":"clear"},
        {"target":"business_phone","type":"text","required":false,"source":["businessPhones",0],"null":"clear"},
        {"target":"city","type":"text","required":false,"source":["ext.a",0,"b"],"null":"clear"}],"only-if":"employee_type != 'Service'"}
        "#);
        assert!(policy_text(&it).ends_with(
            r#""rename-fields":["username","email"],"on-create":["username"],"if-empty":["office"]}"#
        ));
    }
}
