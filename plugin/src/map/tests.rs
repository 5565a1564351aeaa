use proptest::prelude::*;

use super::*;

fn mapping(rules: &[&str]) -> String {
    format!(r#"{{"version":1,"fields":[{}]}}"#, rules.join(","))
}

fn text(target: &str, source: &str, more: &str) -> String {
    format!(r#"{{"target":"{target}","type":"text","source":["{source}"]{more}}}"#)
}

fn map(rules: &[&str], raw: &str) -> Result<String, String> {
    let record = map_record(&mapping(rules), raw);
    record.map(|r| r.fields).map_err(|bad| match bad.field {
        Some(field) => format!("{field}: {}", bad.reason),
        None => bad.reason,
    })
}

#[test]
fn a_record() {
    let rules = [
        text("username", "userPrincipalName", r#","required":true"#),
        text("office", "officeLocation", ""),
        text("city", "city", ""),
        r#"{"target":"hire_date","type":"time","source":["employeeHireDate"]}"#.to_owned(),
        r#"{"target":"level","type":"number","source":["extension_0_level"]}"#.to_owned(),
        r#"{"target":"access_role","type":"text","constant":"Employee"}"#.to_owned(),
        r#"{"target":"division","type":"text","source":["employeeOrgData","division"]}"#.to_owned(),
    ];
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    let raw = r#" { "accountEnabled" : false, "id":"a-1", "extension_0_level": 12345678901234567890,
        "userPrincipalName":"ann@contoso.com", "officeLocation":null, "employeeHireDate":"2024-01-01T00:00:00Z",
        "employeeOrgData": {"costCenter":"9", "division":"R\u0026D"}, "skipped":{"id":"other"} } "#;
    let record = map_record(&mapping(&rules), raw).unwrap();
    assert_eq!((record.id.as_str(), record.enabled), ("a-1", Some(false)));
    assert_eq!(
        record.fields,
        r#"{"username":"ann@contoso.com","office":null,"hire_date":"2024-01-01T00:00:00Z","level":12345678901234567890,"access_role":"Employee","division":"R&D"}"#
    );
    assert_eq!(map(&[], r#"{"id":"a"}"#).unwrap(), "{}");
}

#[test]
fn enabled_is_true_false_or_unknown() {
    let enabled = |raw: &str| map_record(&mapping(&[]), raw).map(|r| r.enabled).map_err(|b| b.reason);
    assert_eq!(enabled(r#"{"id":"a","accountEnabled":true}"#), Ok(Some(true)));
    assert_eq!(enabled(r#"{"id":"a","accountEnabled":null}"#), Ok(None));
    assert_eq!(enabled(r#"{"id":"a"}"#), Ok(None));
    assert_eq!(
        enabled(r#"{"id":"a","accountEnabled":"false"}"#).unwrap_err(),
        "expected true, false or null, the source sent the text \"false\""
    );
}

#[test]
fn null_is_not_absent_is_not_empty() {
    for (more, sent, expected) in [
        ("", r#","c":null"#, r#"{"city":null}"#),
        (r#","null":"clear""#, r#","c":null"#, r#"{"city":null}"#),
        (r#","null":"keep""#, r#","c":null"#, "{}"),
        (r#","null":"default","default":"?""#, r#","c":null"#, r#"{"city":"?"}"#),
        (r#","null":"default","default":"?","required":true"#, r#","c":null"#, r#"{"city":"?"}"#),
        (r#","null":"default","default":"?""#, "", "{}"),
        ("", "", "{}"),
        ("", r#","c":"""#, r#"{"city":""}"#),
    ] {
        let found = map(&[&text("city", "c", more)], &format!(r#"{{"id":"a"{sent}}}"#));
        assert_eq!(found.as_deref(), Ok(expected), "{more} {sent}");
    }
}

#[test]
fn required_names_field_and_property() {
    let rule = text("username", "userPrincipalName", r#","required":true"#);
    for (sent, what) in [
        ("", "nothing"),
        (r#","userPrincipalName":null"#, "null"),
        (r#","userPrincipalName":"""#, "an empty text"),
        (r#","userPrincipalName":" \t""#, "an empty text"),
    ] {
        let bad = map_record(&mapping(&[&rule]), &format!(r#"{{"id":"a"{sent}}}"#)).unwrap_err();
        let reason = format!("required, but the source sent {what} for `userPrincipalName`");
        assert_eq!(bad.reason, reason);
        assert_eq!((bad.id.as_deref(), bad.field.as_deref()), (Some("a"), Some("username")));
    }
}

#[test]
fn types_that_do_not_fit() {
    for (rule, value, reason) in [
        (text("department", "x", ""), "12", "department: expected text, the source sent the number 12"),
        (text("department", "x", ""), "[1]", "department: expected text, the source sent a list"),
        (
            r#"{"target":"f","type":"flag","source":["x"]}"#.to_owned(),
            "\"true\"",
            "f: expected true or false, the source sent the text \"true\"",
        ),
        (
            r#"{"target":"n","type":"number","source":["x"]}"#.to_owned(),
            "\"007\"",
            "n: expected a number, the source sent the text \"007\"",
        ),
        (
            r#"{"target":"t","type":"time","source":["x"]}"#.to_owned(),
            "\"2024\"",
            "t: expected a time by RFC 3339, the source sent the text \"2024\"",
        ),
        (
            r#"{"target":"d","type":"text","source":["x","y"]}"#.to_owned(),
            "7",
            "d: expected an object on the way to `x.y`, the source sent the number 7",
        ),
    ] {
        let found = map(&[&rule], &format!(r#"{{"id":"a","x":{value}}}"#));
        assert_eq!(found.unwrap_err(), reason);
    }
}

#[test]
fn paths() {
    let rule = r#"{"target":"d","type":"text","source":["x","y"]}"#;
    for (raw, expected) in [
        (r#"{"id":"a","x":null}"#, r#"{"d":null}"#),
        (r#"{"id":"a","x":{}}"#, "{}"),
        (r#"{"id":"a"}"#, "{}"),
        (r#"{"id":"a","y":"no","x":{"x":{"y":"no"},"y":"yes"}}"#, r#"{"d":"yes"}"#),
        // The last of two counts, whole.
        (r#"{"id":"a","x":{"y":"old"},"x":{}}"#, "{}"),
        (r#"{"id":"b","id":"a","x":7,"\u0078":{"y":"old","y":"new"}}"#, r#"{"d":"new"}"#),
    ] {
        let record = map_record(&mapping(&[rule]), raw).unwrap();
        assert_eq!((record.id.as_str(), record.fields.as_str()), ("a", expected), "{raw}");
    }
}

#[test]
fn what_is_no_record() {
    for raw in ["", "null", "[]", "12", "{", r#"{"id":"a"} x"#, r#"{"id":"a",}"#] {
        assert!(map(&[], raw).unwrap_err().starts_with("expected a JSON object"), "{raw}");
    }
    assert_eq!(map(&[], "{}").unwrap_err(), "id: the record has none");
    assert!(map(&[], r#"{"id":7}"#).unwrap_err().starts_with("id: expected a text"));
    assert!(map(&[], r#"{"id":null}"#).is_err());
}

#[test]
fn a_mapping_that_is_none_is_everybodys_error() {
    let bad = map_record("{}", r#"{"id":"a"}"#).unwrap_err();
    assert!(bad.reason.starts_with("the mapping itself: "));
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::vec(("[a-c]", inner), 0..4).prop_map(|entries| {
                let entries = entries.iter().map(|(k, v)| format!("\"{k}\":{v}"));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics(mapping in ".{0,120}", raw in ".{0,200}") {
        let _ = map_record(&mapping, &raw);
    }

    #[test]
    fn never_panics_on_json(raw in json(), value in json()) {
        let rules = [
            r#"{"target":"a","type":"text","source":["a"]}"#,
            r#"{"target":"ab","type":"number","source":["a","b"],"null":"keep"}"#,
            r#"{"target":"c","type":"time","source":["c"]}"#,
        ];
        let _ = map_record(&mapping(&rules), &raw);
        let _ = map_record(&mapping(&rules), &format!(r#"{{"id":"x","a":{value},"b":{raw}}}"#));
    }

    #[test]
    fn any_text_arrives(value: String, escape: bool) {
        let sent = if escape {
            let units = value.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<String>())
        } else {
            serde_json::Value::from(value.as_str()).to_string()
        };
        let raw = format!(r#"{{"id":"a","x":{sent}}}"#);
        let fields = map(&[&text("t", "x", "")], &raw).unwrap();
        let canonical = serde_json::Value::from(value.as_str()).to_string();
        prop_assert_eq!(fields, format!(r#"{{"t":{canonical}}}"#));
    }

    #[test]
    fn any_number_arrives(number in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?") {
        let raw = format!(r#"{{"id":"a","x":{number}}}"#);
        let rule = r#"{"target":"n","type":"number","source":["x"]}"#;
        prop_assert_eq!(map(&[rule], &raw).unwrap(), format!(r#"{{"n":{number}}}"#));
    }
}
