//! What expressions make of values, and what they refuse.

use proptest::prelude::*;

use super::*;

/// What an expression makes of one record, as JSON text; `null` for nothing.
fn made(text: &str, raw: &str) -> Result<String, String> {
    let compiled = Compiled::new(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let entries = crate::json::Entries::parse(raw).unwrap();
    let value = |at: usize| entries.get(&compiled.roots()[at]).map(serde_json::value::RawValue::get);
    Ok(compiled.value(value)?.json().unwrap_or_else(|| "null".to_owned()))
}

fn refused(text: &str) -> String {
    let faults = Compiled::new(text).unwrap_err();
    let line = |it: &Refused| format!("{}: {} | {}", it.offset, it.problem, it.help.as_deref().unwrap_or(""));
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

const RECORD: &str = r#"{"id":"a","mail":"Ana.Perez@X.example","jobTitle":null,"employeeId":"007",
    "badge":12345678901234567890,"level":5,"ratio":1.50,"big":1e5,"half":5.5,"on":true,
    "wide":1234567890123456789012345678901234567890123,
    "org":{"division":"R&D","costCenter":null},"phones":["+49 1","+49 2"],"nobody":[],
    "proxies":["smtp:b@x","SMTP:a@x"]}"#;

#[test]
fn values_come_out_with_their_type_and_text() {
    for (text, expected) in [
        ("mail", r#""Ana.Perez@X.example""#),
        ("{{ mail }}", r#""Ana.Perez@X.example""#),
        ("employeeId", r#""007""#),
        ("badge", "12345678901234567890"),
        ("wide", "1234567890123456789012345678901234567890123"),
        ("ratio", "1.50"),
        ("big", "1e5"),
        ("half", "5.5"),
        ("on", "true"),
        ("jobTitle", "null"),
        ("nowhere", "null"),
        ("org.division", r#""R&D""#),
        ("org.costCenter", "null"),
        ("org['division']", r#""R&D""#),
        ("phones[0]", r#""+49 1""#),
        ("phones[-1]", r#""+49 2""#),
        ("phones[7]", "null"),
        ("nobody|first", "null"),
        ("phones|join(' / ')", r#""+49 1 / +49 2""#),
        ("'/'.join(phones)", r#""+49 1/+49 2""#),
        ("proxies|starting('SMTP:')|first|replace('SMTP:', '')", r#""a@x""#),
        ("mail|lower", r#""ana.perez@x.example""#),
        ("mail.lower().split('@')[0]", r#""ana.perez""#),
        ("mail.split('@')[1]|upper", r#""X.EXAMPLE""#),
        ("jobTitle|default('none')", r#""none""#),
        ("nowhere|default('none')", r#""none""#),
        ("nowhere|default(badge)", "12345678901234567890"),
        ("big if on else ratio", "1e5"),
        ("'E' ~ employeeId", r#""E007""#),
        ("'E' ~ big ~ '/' ~ ratio ~ '/' ~ badge", r#""E1e5/1.50/12345678901234567890""#),
        ("level + 1", "6"),
        ("level > 4 and on", "true"),
        ("level / 2", "2.5"),
        ("badge > 5", "true"),
        ("number(ratio) > 1", "true"),
        ("number(big) == 100000", "true"),
        ("number(employeeId)", "7"),
        ("text(level)", r#""5""#),
        ("text(big)", r#""1e5""#),
        ("badge|string", r#""12345678901234567890""#),
        ("'VIP' if level >= 5 else 'staff'", r#""VIP""#),
        ("mail.endswith('.example')", "true"),
        ("'@' in mail", "true"),
        ("level in [1, 5]", "true"),
        ("jobTitle is none", "true"),
        ("jobTitle is blank and nowhere is not defined", "true"),
        ("org.division is starting('R')", "true"),
        ("'ana o\\'brien'|title", r#""Ana O'Brien""#),
        ("[level, 2]|max", "5"),
        ("mail|length", "19"),
        ("none", "null"),
        ("(jobTitle or employeeId)", r#""007""#),
    ] {
        let found = made(text, RECORD);
        // `none` is a word of the language.
        assert_eq!(found.as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_is_an_error_of_the_row() {
    for (text, part) in [
        ("nowhere.x", "undefined value"),
        ("nowhere ~ 'x'", "undefined value"),
        ("nowhere|lower", "expected a text, found a value that is not there"),
        ("jobTitle|lower", "expected a text, found null"),
        ("level|lower", "expected a text, found the number 5"),
        ("big|lower", "expected a text, found the number 1e5"),
        ("phones", "the expression gives a list"),
        ("org", "the expression gives a map"),
        ("level + mail", "invalid operation"),
        ("big + 1", "invalid operation"),
        ("big == 100000", "`big` is a number that is passed on digit for digit"),
        ("ratio == 1.5", "write `number(ratio)`"),
        ("'x' if ratio in [1.5] else 'y'", "write `number(ratio)`"),
        ("number('0x1F')", "expected the digits of a number"),
        ("number('1_000')", "expected the digits of a number"),
        ("number('None')", "expected the digits of a number"),
        ("number('inf')", "expected the digits of a number"),
        ("text(org)", "expected a value, found an object"),
        ("mail|replace('a')", "`replace` takes 2 to 2 arguments"),
        ("mail.split('')", "nothing to split by"),
    ] {
        let found = made(text, RECORD).unwrap_err();
        assert!(found.contains(part), "{text}: {found}");
    }
}

#[test]
fn faults_are_found_before_the_first_row() {
    for (text, expected) in [
        ("", "0: the expression is empty | "),
        ("{{ }}", "0: the expression is empty | "),
        ("mail|lowr", "5: there is no filter `lowr` | did you mean `lower`?"),
        ("{{ mail|lowr }}", "8: there is no filter `lowr` | did you mean `lower`?"),
        ("mail.lowr()", "5: there is no method `lowr` | did you mean `lower`?"),
        ("'a' if mail is definde else 'b'", "15: there is no test `definde` | did you mean `defined`?"),
        ("nmber(mail)", "0: there is no function `nmber` | did you mean `number`?"),
        ("now()", "0: there is no function `now` | functions: text, number"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    let both = refused("a|lowr ~ b|uper");
    assert_eq!(both.lines().count(), 2, "{both}");
    for text in ["mail ~", "mail)", "{% if a %}", "'open", "a b", "include 'x'", "1 +* 2"] {
        assert!(refused(text).contains("syntax"), "{text}: {}", refused(text));
    }
    assert!(refused("mail ~ )").starts_with("7: "), "{}", refused("mail ~ )"));
    assert!(refused(&"a ~ ".repeat(2000)).contains("more than 4096"));
    assert!(Compiled::new(&format!("{}a{}", "(".repeat(1000), ")".repeat(1000))).is_err(), "deep");
}

#[test]
fn what_it_reads() {
    let compiled = Compiled::new("mail ~ text(org.division) ~ phones[0] ~ org.x").unwrap();
    let roots: Vec<&str> = compiled.roots().iter().map(|it| &**it).collect();
    assert_eq!(roots, ["mail", "org", "phones"]);
}

#[test]
fn one_row_may_cost_only_so_much() {
    for text in [
        "'x' * 100000000",
        "('x' * 100000) * 100000",
        "[1] * 100000000",
        "('x' * 60000)|upper|lower|title ~ 'x' * 600000",
    ] {
        let found = made(text, "{}");
        assert!(found.is_err(), "{text}: {} bytes", found.unwrap().len());
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    let twice = "a ~ a ~ a ~ a ~ a ~ a ~ a ~ a";
    assert!(made(twice, &long).unwrap_err().contains("more than one row may"));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(made("a is defined", &deep).unwrap_err().contains("32 deep"));
}

proptest! {
    /// Whatever number the source sends arrives digit for digit when it is passed on, in whatever way.
    #[test]
    fn a_number_that_is_passed_on_is_not_retyped(
        number in "-?(0|[1-9][0-9]{0,45})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
    ) {
        let raw = format!(r#"{{"a":{number},"b":{{"c":[{number}]}}}}"#);
        for text in ["a", "{{a}}", "nowhere|default(a)", "a if a is defined else 0", "b.c[0]", "b.c|first"] {
            prop_assert_eq!(made(text, &raw).unwrap(), number.clone(), "{}", text);
        }
        let quoted = format!("\"{number}\"");
        prop_assert_eq!(made("'' ~ a", &raw).unwrap(), quoted.clone());
        prop_assert_eq!(made("text(a)", &raw).unwrap(), quoted);
    }

    #[test]
    fn a_text_that_is_passed_on_is_not_retyped(text: String) {
        let json = serde_json::Value::from(text).to_string();
        let raw = format!(r#"{{"a":{json},"b":{{"c":[{json}]}}}}"#);
        for text in ["a", "nowhere|default(a)", "a ~ ''", "b.c[0]", "a|text"] {
            prop_assert_eq!(made(text, &raw).unwrap(), json.clone(), "{}", text);
        }
    }

    #[test]
    fn never_panics(text in "[a-c.|()\\[\\]'\"~+*=<> 0-9{}%_inso!-]{0,40}", any in ".{0,40}") {
        for text in [text, any] {
            if let Ok(compiled) = Compiled::new(&text) {
                let _ = compiled.value(|_| Some(r#"{"a":[1e5,"x",{"b":null}]}"#));
                let _ = compiled.holds(|_| None);
            }
        }
    }
}
