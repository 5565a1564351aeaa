//! Records that are kept beside a mapping, with what it is to make of them.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::keys::{Keys, Value, wrong_type};
use super::problem::{ConfigReport, Problems};

/// The most tests that one document keeps.
const MOST: usize = 1000;

const EXAMPLE: &str = "add `raw = '''{\"id\": \"1\", \"mail\": \"ann@contoso.example\"}'''`";

/// One record, and what the mapping is to make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingTest {
    /// What it is about, for people.
    pub name: String,
    /// The record as the source would send it: the text of a JSON object.
    pub raw: String,
    /// Target fields and the JSON text of their values. Fields that are not named may be anything.
    pub expect: BTreeMap<String, String>,
    /// Target fields that are to be empty or not written.
    pub empty: Vec<String>,
    /// The field that the record is to fail for.
    pub fails: Option<String>,
}

/// The tests of a document.
pub(super) fn read(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Vec<MappingTest> {
    let Some(value) = keys.get("mapping-test") else {
        return Vec::new();
    };
    let Some(items) = value.get_ref().as_array() else {
        wrong_type(value, "mapping-test", "tables that begin with `[[mapping-test]]`", problems);
        return Vec::new();
    };
    if items.len() > MOST {
        problems.add(value.span(), format!("{} mapping tests, expected at most {MOST}", items.len()));
        return Vec::new();
    }
    let tests: Vec<MappingTest> = items.iter().filter_map(|item| test(item, problems)).collect();
    for (number, test) in tests.iter().enumerate() {
        if tests[..number].iter().any(|it| it.name == test.name) {
            problems.add(value.span(), format!("two mapping tests are called `{}`", test.name));
        }
    }
    tests
}

/// Reads a file that holds mapping tests and nothing else.
///
/// # Errors
/// Every problem of the file, with its line and column.
pub fn read_file(name_of_file: &str, text: &str) -> Result<Vec<MappingTest>, ConfigReport> {
    let mut problems = Problems::new(text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        problems.add(error.span().unwrap_or(0..0), error.message());
    }
    let mut tests = Vec::new();
    if syntax.is_empty() {
        let mut keys = Keys::new(table.get_ref());
        tests = read(&mut keys, &mut problems);
        keys.finish("", &mut problems);
        if table.get_ref().get("mapping-test").is_none() {
            problems.add(0..0, "there is no `[[mapping-test]]`");
        }
    }
    match problems.into_report(name_of_file) {
        Some(report) => Err(report),
        None => Ok(tests),
    }
}

fn test(item: &Value<'_>, problems: &mut Problems<'_>) -> Option<MappingTest> {
    let Some(table) = item.get_ref().as_table() else {
        wrong_type(item, "mapping-test", "a table that begins with `[[mapping-test]]`", problems);
        return None;
    };
    let mut keys = Keys::new(table);
    let name = keys.text("name", problems);
    if table.get("name").is_none() {
        problems.add_with_help(item.span(), "a mapping test without `name`", "add `name = \"a guest\"`");
    }
    let raw = match keys.get("raw") {
        None => {
            problems.add_with_help(item.span(), "a mapping test without `raw`", EXAMPLE);
            None
        }
        Some(value) => raw(value, problems),
    };
    let mut expect = BTreeMap::new();
    if let Some(wanted) = keys.table("expect", "{ username = \"ann@contoso.example\" }", problems) {
        for (key, value) in wanted {
            match json(value) {
                Some(text) => drop(expect.insert(key.get_ref().to_string(), text)),
                None => wrong_type(value, key.get_ref(), "a text, a number, a time, true or false", problems),
            }
        }
    }
    let empty = keys.texts("empty", problems).unwrap_or_default().into_iter().map(|(it, _)| it).collect();
    let fails = keys.text("fails", problems).map(|(it, _)| it);
    keys.finish(" in `mapping-test`", problems);
    let test = MappingTest { name: name?.0, raw: raw?, expect, empty, fails };
    if test.expect.is_empty() && test.empty.is_empty() && test.fails.is_none() {
        problems.add_with_help(
            item.span(),
            format!("the mapping test `{}` expects nothing", test.name),
            "add `expect = { username = \"ann@contoso.example\" }`, `empty = [\"department\"]` or `fails = \
             \"username\"`",
        );
    }
    Some(test)
}

fn raw(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let Some(text) = value.get_ref().as_str() else {
        wrong_type(value, "raw", "the text of a JSON object", problems);
        return None;
    };
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Some(text.trim().to_owned()),
        Err(error) => {
            problems.add_with_help(value.span(), format!("`raw` is no JSON object: {error}"), EXAMPLE);
            None
        }
    }
}

/// A TOML value as JSON text; numbers keep their digits.
fn json(value: &Value<'_>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(serde_json::Value::from(text.as_ref()).to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(digits) => number(digits.as_str()),
        DeValue::Float(digits) => number(digits.as_str()),
        DeValue::Datetime(time) => Some(serde_json::Value::from(time.to_string()).to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn number(digits: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Number>(digits).ok().map(|_| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::read_file;

    #[test]
    fn tests_are_read() {
        let text = r#"
[[mapping-test]]
name = "a guest"
raw = '''
{"id": "1", "mail": null}
'''
expect = { username = "a#EXT#@contoso.example", level = 1.50, on = true }
empty = ["email"]
"#;
        let tests = read_file("t.toml", text).unwrap();
        assert_eq!(tests[0].raw, r#"{"id": "1", "mail": null}"#);
        assert_eq!(tests[0].expect["level"], "1.50", "digits are kept");
        assert_eq!(tests[0].expect["username"], r#""a#EXT#@contoso.example""#);
        assert_eq!(tests[0].empty, ["email"]);
    }

    #[test]
    fn bad_tests_say_what_is_wrong() {
        let refused = |text: &str| read_file("t.toml", text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("a = 1"), @r"
        `t.toml` has 2 problems
          t.toml:1:1: unknown key `a`
            help: known keys: mapping-test
          t.toml:1:1: there is no `[[mapping-test]]`
        ");
        let text = "[[mapping-test]]\nraw = \"[]\"\nexpect = { a = [] }\n[[mapping-test]]\nname = \"x\"\nraw = \"{}\"";
        insta::assert_snapshot!(refused(text), @r#"
        `t.toml` has 4 problems
          t.toml:1:1: a mapping test without `name`
            help: add `name = "a guest"`
          t.toml:2:7: `raw` is no JSON object: invalid type: sequence, expected a map at line 1 column 0
            help: add `raw = '''{"id": "1", "mail": "ann@contoso.example"}'''`
          t.toml:3:16: `a` is a list, expected a text, a number, a time, true or false
          t.toml:4:1: the mapping test `x` expects nothing
            help: add `expect = { username = "ann@contoso.example" }`, `empty = ["department"]` or `fails = "username"`
        "#);
    }
}
