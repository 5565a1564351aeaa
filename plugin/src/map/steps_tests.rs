//! What each converter makes of a value, and what it does not take.

use proptest::prelude::*;

use super::*;

fn steps(text: &str) -> Result<Vec<Step>, Vec<(u32, Refused)>> {
    let texts: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
    read(&texts)
}

/// What steps make of a JSON text, as JSON text; `null` and `absent` by name.
fn made(text: &str, value: &str) -> Result<String, String> {
    let work = convert(&steps(text).unwrap(), Work::of_json(value).unwrap())?;
    Ok(match &work {
        Work::Null => "null".to_owned(),
        Work::Absent => "absent".to_owned(),
        _ => work.json().unwrap(),
    })
}

fn refused(step: &str) -> String {
    let (number, (problem, help)) = steps(&format!("[{step}]")).unwrap_err().remove(0);
    format!("{number}: {problem} | {}", help.unwrap_or_default())
}

#[test]
fn each_converter() {
    for (step, value, expected) in [
        (r#""trim""#, r#"" a b ""#, r#""a b""#),
        (r#""squeeze""#, r#"" a \t b ""#, r#""a b""#),
        (r#""upper""#, r#""straße""#, r#""STRASSE""#),
        (r#""lower""#, r#""ANA""#, r#""ana""#),
        (r#""title""#, r#""ANA o'BRIEN""#, r#""Ana O'Brien""#),
        (r#""first-name""#, r#""Ana Perez""#, r#""Ana""#),
        (r#""last-name""#, r#""Perez, Ana""#, r#""Perez""#),
        (r#""mail-local""#, r#""ana@x.example""#, r#""ana""#),
        (r#""mail-domain""#, r#""ana@x.example""#, r#""x.example""#),
        (r#""digits""#, r#""+49 (30) 12-7""#, r#""4930127""#),
        (r#""date""#, r#""2024-01-31T23:00:00.1234567Z""#, r#""2024-01-31""#),
        (r#""time""#, r#""2024-01-31""#, r#""2024-01-31T00:00:00Z""#),
        (r#""time""#, r#""2024-01-31T05:00:00.70+01:00""#, r#""2024-01-31T05:00:00.70+01:00""#),
        (r#""text""#, "1e5", r#""1e5""#),
        (r#""text""#, "12345678901234567890", r#""12345678901234567890""#),
        (r#""text""#, "true", r#""true""#),
        (r#""number""#, r#"" 12345678901234567890 ""#, "12345678901234567890"),
        (r#""number""#, "1.50", "1.50"),
        (r#""flag""#, r#""Yes""#, "true"),
        (r#""flag""#, "0", "false"),
        (r#""blank-is-null""#, r#"" ""#, "null"),
        (r#""blank-is-null""#, r#""a""#, r#""a""#),
        (r#"{"replace":"-","with":""}"#, r#""312-800-9919""#, r#""3128009919""#),
        (r#"{"replace":"a"}"#, r#""banana""#, r#""bnn""#),
        (r#"{"prefix":"E"}"#, r#""007""#, r#""E007""#),
        (r#"{"suffix":"!"}"#, r#""007""#, r#""007!""#),
        (r#"{"date":"DD.MM.YYYY"}"#, r#""2024-01-31T00:00:00Z""#, r#""31.01.2024""#),
        (r#"{"date":"YYYY"}"#, r#""2024-01-31""#, r#""2024""#),
        (r#"{"parse-date":"MM/DD/YYYY"}"#, r#""01/31/2024""#, r#""2024-01-31""#),
        (r#"{"truncate":2}"#, r#""äöü""#, r#""äö""#),
        (r#"{"split":"/","part":2}"#, r#""a/b/c""#, r#""b""#),
        (r#"{"lookup":{"Sales":"S"}}"#, r#""Sales""#, r#""S""#),
        (r#"{"lookup":{"sales":"S"},"ignore-case":true}"#, r#""SALES""#, r#""S""#),
        (r#"{"lookup":{"7":1e5,"true":false}}"#, "7", "1e5"),
        (r#"{"lookup":{"7":1e5,"true":false}}"#, "true", "false"),
        (r#"{"lookup":{},"else":"keep"}"#, "12345678901234567890", "12345678901234567890"),
        (r#"{"lookup":{},"else":"null"}"#, r#""x""#, "null"),
    ] {
        assert_eq!(made(&format!("[{step}]"), value).as_deref(), Ok(expected), "{step} {value}");
    }
    let several = r#"["trim","lower",{"lookup":{"a b":"x"}},"upper",{"prefix":"-"}]"#;
    assert_eq!(made(several, r#"" A B ""#).as_deref(), Ok(r#""-X""#));
}

#[test]
fn nothing_and_null_pass_by() {
    for step in [r#""trim""#, r#""text""#, r#"{"lookup":{"null":"x"}}"#, r#"{"prefix":"E"}"#] {
        assert_eq!(made(&format!("[{step}]"), "null").as_deref(), Ok("null"));
    }
    let after_null = r#"[{"lookup":{},"else":"null"},{"prefix":"E"}]"#;
    assert_eq!(made(after_null, r#""x""#).as_deref(), Ok("null"));
}

#[test]
fn what_does_not_fit_is_said() {
    for (step, value, expected) in [
        (r#""trim""#, "12", "`trim` expects text, found the number 12; `text` before it makes it one"),
        (r#""upper""#, "[]", "`upper` expects text, found a list"),
        (r#""text""#, "{}", "`text` expects a value, found an object"),
        (
            r#""last-name""#,
            r#""Cher""#,
            "`last-name` expects a first and a last name, found the text \"Cher\"",
        ),
        (r#""mail-local""#, r#""ana""#, "`mail-local` expects a mail address, found the text \"ana\""),
        (r#""digits""#, r#""none""#, "`digits` expects text with digits, found the text \"none\""),
        (r#""date""#, r#""soon""#, "`date` expects a date or a time (RFC 3339), found the text \"soon\""),
        (
            r#"{"parse-date":"DD/MM/YYYY"}"#,
            r#""31/02/2024""#,
            "`parse-date` expects a date such as DD/MM/YYYY, found the text \"31/02/2024\"",
        ),
        (r#""number""#, r#""007""#, "`number` expects the digits of a number, found the text \"007\""),
        (r#""number""#, r#""0x1F""#, "`number` expects the digits of a number, found the text \"0x1F\""),
        (r#""number""#, r#""1_000""#, "`number` expects the digits of a number, found the text \"1_000\""),
        (r#""number""#, "true", "`number` expects the digits of a number, found true"),
        (r#""flag""#, r#""maybe""#, "`flag` expects true, false, yes, no, 1 or 0, found the text \"maybe\""),
        (
            r#"{"split":"-","part":3}"#,
            r#""a-b""#,
            "`split` expects 3 parts, divided by `-`, found the text \"a-b\"",
        ),
        (r#"{"lookup":{"a":"b"}}"#, r#""c""#, "`lookup` does not have the text \"c\""),
        (r#"{"lookup":{"a":"b"}}"#, "[]", "`lookup` expects a value, found a list"),
    ] {
        assert_eq!(made(&format!("[{step}]"), value).unwrap_err(), expected, "{step} {value}");
    }
}

#[test]
fn steps_that_are_none() {
    for (step, part) in [
        (r#""lowr""#, "0: there is no converter `lowr` | did you mean `lower`?"),
        (r#""lookp""#, "did you mean a table such as `{ lookup = … }`?"),
        (r#""sum""#, "converters: trim, squeeze"),
        ("12", "a converter is a name or a table, found the number 12"),
        (r#"{"lookpu":{}}"#, "unknown field `lookpu`"),
        (r#"{}"#, "expected exactly one of lookup"),
        (r#"{"prefix":"a","suffix":"b"}"#, "expected exactly one of"),
        (r#"{"prefix":"a","part":1}"#, "`part` says nothing in this step"),
        (r#"{"suffix":"a","else":"keep"}"#, "`else` says nothing in this step"),
        (r#"{"replace":""}"#, "`replace` is empty"),
        (r#"{"date":"hh"}"#, "`date` is `hh`, which is no form of a date"),
        (r#"{"parse-date":"MM.DD"}"#, "has not all of YYYY, MM and DD"),
        (r#"{"split":"-"}"#, "`split` needs `part`"),
        (r#"{"truncate":0}"#, "`truncate` is 0"),
        (r#"{"lookup":{"a":[]}}"#, "`lookup` gives a list for `a`"),
        (r#"{"lookup":{"a":null}}"#, "`lookup` gives nothing for `a`"),
        (r#"{"lookup":{"a":"1","A":"2"},"ignore-case":true}"#, "`lookup` has two keys"),
        (r#"{"lookup":{},"else":"maybe"}"#, "unknown variant `maybe`"),
    ] {
        let found = refused(step);
        assert!(found.contains(part), "{step}: {found}");
    }
    for key in ["prefix", "suffix"] {
        let found = refused(&format!(r#"{{"{key}":"{}"}}"#, "x".repeat(MOST_TEXT + 1)));
        assert!(found.contains("has 1025 bytes, more than 1024"), "{found}");
    }
    let many: Vec<&str> = vec![r#""trim""#; 17];
    assert!(steps(&format!("[{}]", many.join(","))).is_err());
}

#[test]
fn tables_are_bounded() {
    let table = |entries: usize| {
        let entries: Vec<String> = (0..entries).map(|n| format!("\"{n}\":\"v{n}\"")).collect();
        format!(r#"[{{"lookup":{{{}}}}}]"#, entries.join(","))
    };
    assert_eq!(made(&table(10_000), "9999").as_deref(), Ok(r#""v9999""#));
    let (_, (problem, _)) = steps(&table(100_000)).unwrap_err().remove(0);
    assert_eq!(problem, "`lookup` has 100000 entries, more than 10000");
}

proptest! {
    /// A table that has not the value, and keeps it, retypes nothing; neither does `text` with text.
    #[test]
    fn nothing_is_retyped(
        number in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        text: String,
    ) {
        let keep = r#"[{"lookup":{"no such":"x"},"else":"keep"}]"#;
        prop_assert_eq!(made(keep, &number).unwrap(), number.clone());
        prop_assert_eq!(made(r#"["number"]"#, &number).unwrap(), number.clone());
        let quoted = format!("\"{number}\"");
        prop_assert_eq!(made(keep, &quoted).unwrap(), quoted.clone());
        prop_assert_eq!(made(r#"["text"]"#, &number).unwrap(), quoted);
        prop_assert_eq!(made(r#"["text","number"]"#, &number).unwrap(), number);
        let text = serde_json::Value::from(text).to_string();
        prop_assert_eq!(made(r#"["text"]"#, &text).unwrap(), text);
    }

    #[test]
    fn no_step_panics(value: String, step in 0..WORDS.len()) {
        let word = WORDS[step].0;
        let value = serde_json::Value::from(value).to_string();
        let _ = made(&format!("[\"{word}\"]"), &value);
    }
}
