//! Mappings that are refused, and where.

use super::*;

/// All faults of a mapping with these rules: `target.part: problem`.
fn reasons(fields: &str) -> String {
    let text = format!(r#"{{"version":1,"fields":[{fields}]}}"#);
    let line = |it: &MappingFault| {
        format!("{}.{}: {}", it.target.as_deref().unwrap_or_default(), it.part, it.problem)
    };
    compile(&text, "accountEnabled").unwrap_err().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn unknown_and_contradicting_keys_are_refused() {
    for (rule, part) in [
        (r#"{"target":"a","type":"text","source":["a"],"sauce":1}"#, "unknown field `sauce`"),
        (r#"{"target":"a","type":"word","source":["a"]}"#, "unknown variant `word`"),
        (r#"{"target":"a","source":["a"]}"#, "missing field `type`"),
        (r#"{"target":"a","type":"text"}"#, "a.: expected exactly one of"),
        (r#"{"target":"a","type":"text","source":["a"],"constant":"b"}"#, "a.: expected exactly one of"),
        (r#"{"target":"a","type":"text","constant":null}"#, "a.: expected exactly one of"),
        (r#"{"target":"a","type":"text","source":[]}"#, "a.source: expected a source of"),
        (r#"{"target":"a","type":"text","source":["a",""]}"#, "a.source: expected a source of"),
        (r#"{"target":"a","type":"text","source":[0,"a"]}"#, "a.source: expected a source of"),
        (r#"{"target":"a","type":"text","source":["a",1000]}"#, "a.source: expected a source of"),
        (r#"{"target":"a","type":"text","source":["a",-1]}"#, "did not match any variant"),
        (r#"{"target":"a","type":"text","first":[]}"#, "a.first: expected 1 to 16 sources, found 0"),
        (r#"{"target":"a","type":"text","join":{"sources":[["a"]]}}"#, "missing field `separator`"),
        (
            r#"{"target":"a","type":"text","constant":"x","convert":["trim"]}"#,
            "a.convert: a constant is what it is",
        ),
        (
            r#"{"target":"a","type":"text","constant":12}"#,
            "a.constant: expected text as its constant, found the number 12",
        ),
        (
            r#"{"target":"a","type":"time","source":["a"],"null":"default","default":"soon"}"#,
            "a.default: expected a time as its default",
        ),
        (r#"{"target":"a","type":"text","source":["a"],"null":"default"}"#, "but there is none"),
        (r#"{"target":"a","type":"text","source":["a"],"default":"x"}"#, "is not `default`"),
        (r#"{"target":"a","type":"text","source":["a"],"null":"zero"}"#, "unknown variant `zero`"),
        (r#"{"target":"","type":"text","source":["a"]}"#, "empty target"),
        (r#"{"target":"a","type":"text","constant":" ","required":true}"#, "empty constant"),
        (
            r#"{"target":"a","type":"text","source":["a"],"null":"default","default":" ","required":true}"#,
            "a.default: a required field has an empty default",
        ),
        (
            r#"{"target":"a","type":"text","source":["a"]},{"target":"a","type":"text","source":["b"]}"#,
            "two rules",
        ),
    ] {
        let found = reasons(rule);
        assert!(found.contains(part), "{rule}: {found}");
    }
    let only = |text: &str| compile(text, "accountEnabled").unwrap_err().remove(0).problem;
    assert!(only(r#"{"version":2,"fields":[]}"#).contains("version 1"));
    assert!(compile(r#"{"version":1,"fields":[],"x":1}"#, "accountEnabled").is_err());
    assert!(compile("", "accountEnabled").is_err());
    assert!(only(&" ".repeat(MOST_TEXT + 1)).contains("more than 1048576"));
}

#[test]
fn paths_and_separators_are_bounded() {
    let path = |keys: usize| {
        format!(r#"{{"target":"a","type":"text","source":[{}]}}"#, vec![r#""k""#; keys].join(","))
    };
    assert!(compile(&format!(r#"{{"version":1,"fields":[{}]}}"#, path(PATH_KEYS)), "accountEnabled").is_ok());
    assert!(reasons(&path(PATH_KEYS + 1)).contains("a source of 1 to 16 keys"));
    let separator = "-".repeat(101);
    let join =
        format!(r#"{{"target":"a","type":"text","join":{{"sources":[["a"]],"separator":"{separator}"}}}}"#);
    assert!(reasons(&join).contains("the separator has more than 100 bytes"));
}

#[test]
fn all_faults_at_once_with_their_places() {
    let text = r#"{"version":1,"fields":[
        {"target":"a","type":"text","expression":"mail|lowr","when":"x ~"},
        {"target":"b","type":"text","source":["b"],"convert":["trim","lowr"]}],
        "only-if":"a == 1 and deprtment"}"#;
    let faults = compile(text, "accountEnabled").unwrap_err();
    let places: Vec<_> =
        faults.iter().map(|it| (it.target.as_deref(), it.part.as_str(), it.step, it.offset)).collect();
    assert_eq!(
        places,
        [
            (Some("a"), "when", None, faults[0].offset),
            (Some("a"), "expression", None, Some(5)),
            (Some("b"), "convert", Some(1), None),
            (None, "only-if", None, Some(11)),
        ]
    );
    assert_eq!(faults[3].problem, "the mapping fills no field `deprtment`");
    assert_eq!(faults[1].help.as_deref(), Some("did you mean `lower`?"));
}

#[test]
fn two_rules_may_read_one_property() {
    let text = r#"{"version":1,"fields":[{"target":"a","type":"text","source":["id"]},{"target":"b","type":"text","source":["x"]},{"target":"c","type":"text","source":["x"]},{"target":"d","type":"text","expression":"x ~ y.z"}]}"#;
    let mapping = compile(text, "accountEnabled").unwrap();
    assert_eq!(mapping.slots, 4);
    assert_eq!(mapping.properties(), ["accountEnabled", "id", "x", "y"]);
}
