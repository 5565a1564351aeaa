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
            "d: expected an object or a list on the way to `x.y`, the source sent the number 7",
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
fn items_of_lists() {
    let rules = [
        r#"{"target":"a","type":"text","source":["phones",0]}"#,
        r#"{"target":"b","type":"text","source":["phones",1]}"#,
        r#"{"target":"c","type":"text","source":["deep",1,"x",0]}"#,
    ];
    for (raw, expected) in [
        (r#"{"id":"a"}"#, "{}"),
        (r#"{"id":"a","phones":[]}"#, r#"{"a":null,"b":null}"#),
        (r#"{"id":"a","phones":null}"#, r#"{"a":null,"b":null}"#),
        (r#"{"id":"a","phones":["1"]}"#, r#"{"a":"1","b":null}"#),
        (r#"{"id":"a","phones":["1"],"phones":["2","3"]}"#, r#"{"a":"2","b":"3"}"#),
        (r#"{"id":"a","deep":[{"x":["0"]},{"y":1,"x":["7"]}]}"#, r#"{"c":"7"}"#),
        (r#"{"id":"a","deep":[0,{}]}"#, "{}"),
        (r#"{"id":"a","deep":[0]}"#, r#"{"c":null}"#),
    ] {
        assert_eq!(map(&rules, raw).as_deref(), Ok(expected), "{raw}");
    }
    let wrong = map(&rules, r#"{"id":"a","phones":{"0":"x"}}"#).unwrap_err();
    assert_eq!(wrong, "a: expected an object or a list on the way to `phones[0]`, the source sent an object");
    let wrong = map(&rules, r#"{"id":"a","deep":[0,7]}"#).unwrap_err();
    assert_eq!(
        wrong,
        "c: expected an object or a list on the way to `deep[1].x[0]`, the source sent the number 7"
    );
    // One property can be a list to one rule and an object to another: only one of them is right.
    let both = [
        r#"{"target":"a","type":"text","source":["x",0],"when":"x is defined"}"#,
        r#"{"target":"b","type":"text","source":["x","y"],"when":"false"}"#,
    ];
    assert_eq!(map(&both, r#"{"id":"a","x":["1"]}"#).as_deref(), Ok(r#"{"a":"1"}"#));
}

#[test]
fn several_sources() {
    let join = r#"{"target":"n","type":"text","join":{"sources":[["a"],["b"],["c"]],"separator":", "}}"#;
    let first = r#"{"target":"n","type":"text","first":[["a"],["b"],["c"]],"null":"default","default":"?"}"#;
    for (sent, joined, picked) in [
        ("", "{}", "{}"),
        (r#","a":null"#, r#"{"n":null}"#, r#"{"n":"?"}"#),
        (r#","a":" ","b":"x""#, r#"{"n":"x"}"#, r#"{"n":"x"}"#),
        (r#","a":"x","b":null,"c":"y""#, r#"{"n":"x, y"}"#, r#"{"n":"x"}"#),
        (r#","a":"","b":"""#, r#"{"n":null}"#, r#"{"n":"?"}"#),
    ] {
        let raw = format!(r#"{{"id":"a"{sent}}}"#);
        assert_eq!(map(&[join], &raw).as_deref(), Ok(joined), "{sent}");
        assert_eq!(map(&[first], &raw).as_deref(), Ok(picked), "{sent}");
    }
    let numbers = r#"{"id":"a","a":12345678901234567890,"b":1e5,"c":true}"#;
    assert_eq!(map(&[join], numbers).as_deref(), Ok(r#"{"n":"12345678901234567890, 1e5, true"}"#));
    assert_eq!(
        map(&[join], r#"{"id":"a","a":[1]}"#).unwrap_err(),
        "n: `join` expects texts, the source sent a list"
    );
    assert_eq!(
        map(&[first], r#"{"id":"a","a":1}"#).unwrap_err(),
        "n: expected text, the rule gave the number 1"
    );
    let required = join.replace("\"target\"", "\"required\":true,\"target\"");
    assert_eq!(
        map(&[&required], r#"{"id":"a","a":null}"#).unwrap_err(),
        "n: required, but the source sent null for `a, b, c`"
    );
}

#[test]
fn conditions_expressions_and_converters() {
    let rules = [
        r#"{"target":"mail","type":"text","source":["m"],"convert":["trim","lower"],"required":true}"#,
        r#"{"target":"vip","type":"flag","expression":"level >= 5","when":"level is defined"}"#,
        r#"{"target":"n","type":"number","expression":"level"}"#,
        r#"{"target":"since","type":"time","source":["d"],"convert":[{"parse-date":"DD.MM.YYYY"},"time"]}"#,
        r#"{"target":"kind","type":"text","constant":"x","when":"m is containing('@')"}"#,
        r#"{"target":"code","type":"text","source":["c"],"convert":[{"lookup":{"a":"b"},"else":"null"}],"null":"default","default":"-"}"#,
    ];
    assert_eq!(
        map(&rules, r#"{"id":"a","m":" A@X ","level":5.50,"d":"31.12.2024","c":"q"}"#).as_deref(),
        Ok(r#"{"mail":"a@x","vip":true,"n":5.50,"since":"2024-12-31T00:00:00Z","kind":"x","code":"-"}"#)
    );
    assert_eq!(
        map(&rules, r#"{"id":"a","m":"B"}"#).as_deref(),
        Ok(r#"{"mail":"b","n":null}"#),
        "conditions that are not true keep, an expression of nothing is null, and what is absent is kept"
    );
    for (raw, expected) in [
        (
            r#"{"id":"a","m":7}"#,
            "mail: `trim` expects text, found the number 7; `text` before it makes it one",
        ),
        (r#"{"id":"a","m":" "}"#, "mail: required, but the source sent an empty text for `m`"),
        (r#"{"id":"a","m":"x","level":"5"}"#, "n: expected a number, the rule gave the text \"5\""),
        (
            r#"{"id":"a","m":"x","d":"31.02.2024"}"#,
            "since: `parse-date` expects a date such as DD.MM.YYYY, found the text \"31.02.2024\"",
        ),
        (r#"{"id":"a","m":null}"#, "mail: required, but the source sent null for `m`"),
    ] {
        assert_eq!(map(&rules, raw).unwrap_err(), expected, "{raw}");
    }
    let when = r#"{"target":"a","type":"text","source":["a"],"when":"b == 'x'"}"#;
    assert_eq!(map(&[when], r#"{"id":"a","a":"1","b":null}"#).as_deref(), Ok("{}"));
    let broken = r#"{"target":"a","type":"text","source":["a"],"when":"b|lower == 'x'"}"#;
    assert_eq!(
        map(&[broken], r#"{"id":"a","a":"1"}"#).unwrap_err(),
        "a: `when`: invalid operation: expected a text, found a value that is not there"
    );
}

#[test]
fn only_if_sees_what_was_mapped() {
    let text = |only_if: &str| {
        let rules = [
            r#"{"target":"kind","type":"text","source":["k"],"convert":["lower"]}"#,
            r#"{"target":"on","type":"flag","source":["e"],"null":"keep"}"#,
            r#"{"target":"level","type":"number","source":["l"]}"#,
        ];
        format!(r#"{{"version":1,"fields":[{}],"only-if":"{only_if}"}}"#, rules.join(","))
    };
    let filtered = |only_if: &str, sent: &str| {
        let record = map_record(&text(only_if), &format!(r#"{{"id":"a"{sent}}}"#));
        record.map(|it| it.filtered).map_err(|it| format!("{}: {}", it.field.unwrap(), it.reason))
    };
    let no = |text: &str| Ok(Some(format!("only-if is not true: {text}")));
    assert_eq!(filtered("kind == 'staff'", r#","k":"STAFF""#), Ok(None));
    assert_eq!(filtered("kind == 'staff'", r#","k":"guest""#), no("kind == 'staff'"));
    assert_eq!(filtered("kind == 'staff'", ""), no("kind == 'staff'"), "what is kept is none");
    assert_eq!(filtered("kind is none and on is none", r#","e":null"#), Ok(None));
    assert_eq!(filtered("on and level > 3", r#","e":true,"l":4"#), Ok(None));
    assert_eq!(filtered("kind", r#","k":"""#), no("kind"));
    assert_eq!(
        filtered("kind|length > 2", r#","l":1"#),
        Err("only-if: invalid operation: expected a text or a list, found null".to_owned())
    );
    assert_eq!(
        filtered("level in [1.5]", r#","l":1.50"#).unwrap_err(),
        "only-if: `level` is a number that is passed on digit for digit; to compare it, write `number(level)`"
    );
}

#[test]
fn one_record_is_bounded() {
    let long = "x".repeat(200_000);
    let raw = format!(r#"{{"id":"a","x":"{long}"}}"#);
    assert!(map(&[&text("a", "x", "")], &raw).is_ok());
    let twice = map(&[&text("a", "x", ""), &text("b", "x", "")], &raw).unwrap_err();
    assert_eq!(twice, "b: the fields have more than 262144 bytes, up to this one");
    let burning = r#"{"target":"a","type":"text","expression":"('x' * 300000) ~ ('y' * 300000) ~ x"}"#;
    assert_eq!(map(&[burning], &raw).unwrap_err(), "a: the expression costs more than one row may");
    let deep = format!(r#"{{"id":"a","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let reads = r#"{"target":"a","type":"text","expression":"x[0]"}"#;
    assert!(map(&[reads], &deep).is_err());
    let entries: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":\"v\"")).collect();
    let huge = format!(
        r#"{{"target":"a","type":"text","source":["x"],"convert":[{{"lookup":{{{}}}}}]}}"#,
        entries.join(",")
    );
    assert!(map(&[&huge], &raw).unwrap_err().contains("more than"));
}

#[test]
fn what_is_no_record() {
    for raw in ["", "null", "[]", "12", "{", r#"{"id":"a"} x"#, r#"{"id":"a",}"#] {
        assert!(map(&[], raw).unwrap_err().starts_with("expected a JSON object"), "{raw}");
    }
    assert_eq!(map(&[], "{}").unwrap_err(), "id: the record has none");
    assert!(map(&[], r#"{"id":7}"#).unwrap_err().starts_with("id: expected a text"));
    assert!(map(&[], r#"{"id":null}"#).is_err());
    assert!(map(&[], r#"{"id":""}"#).unwrap_err().starts_with("id: expected a text"));
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

    /// Whatever a property holds, a rule that has nothing to do with it takes no harm; and a value that a rule
    /// passes on, by whatever way, is the one that a plain source gives.
    #[test]
    fn every_way_gives_the_same(value in json(), kind in prop::sample::select(vec!["text", "number", "flag"])) {
        let raw = format!(r#"{{"id":"a","x":{value}}}"#);
        let rule = |origin: &str| {
            let rule = format!(r#"{{"target":"t","type":"{kind}",{origin}}}"#);
            map(&[&rule], &raw).ok()
        };
        let plain = rule(r#""source":["x"]"#);
        prop_assert_eq!(&rule(r#""source":["x"],"convert":[{"lookup":{"no such":"1"},"else":"keep"}]"#), &plain);
        prop_assert_eq!(&rule(r#""source":["x"],"when":"x is defined""#), &plain);
        prop_assert_eq!(&rule(r#""expression":"x""#), &plain);
        prop_assert_eq!(&rule(r#""expression":"nothing|default(x)""#), &plain);
        prop_assert_eq!(&rule(r#""expression":"x if x is defined else nothing""#), &plain);
        if !value.trim_matches('"').trim().is_empty() && !value.contains('\\') {
            prop_assert_eq!(&rule(r#""first":[["nothing"],["x"]]"#), &plain);
        }
    }

    #[test]
    fn any_number_arrives(number in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?") {
        let raw = format!(r#"{{"id":"a","x":{number}}}"#);
        let rule = r#"{"target":"n","type":"number","source":["x"]}"#;
        prop_assert_eq!(map(&[rule], &raw).unwrap(), format!(r#"{{"n":{number}}}"#));
    }
}
