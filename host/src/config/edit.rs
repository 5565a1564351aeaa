//! Changes to a document that leave everything else in it as it was written: comments, order, blanks.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// One rule of a mapping, as the document says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRule {
    /// The field of people.
    pub target: String,
    /// Where its value comes from: the source's name, or what else the rule says, in TOML.
    pub source: String,
    /// What the rule says of `null`, `write` and `required`, as far as it says anything.
    pub options: Vec<(String, String)>,
}

/// Keys of a rule that say how, not where from.
const OPTIONS: [&str; 4] = ["null", "write", "required", "default"];

fn read(document: &str) -> Result<DocumentMut, String> {
    document.parse().map_err(|error: toml_edit::TomlError| error.to_string())
}

fn mapping(document: &mut DocumentMut) -> Result<&mut dyn TableLike, String> {
    let item = document.as_table_mut().entry("mapping").or_insert_with(|| Item::Table(Table::new()));
    item.as_table_like_mut().ok_or_else(|| "`mapping` is no table".to_owned())
}

/// The rules of a document, in its order.
///
/// # Errors
/// When the document cannot be read.
pub fn written_rules(document: &str) -> Result<Vec<WrittenRule>, String> {
    let document = read(document)?;
    let mut rules = Vec::new();
    if let Some(role) = document.get("access-role").and_then(Item::as_str) {
        rules.push(WrittenRule {
            target: "access_role".to_owned(),
            source: format!("constant {}", Value::from(role).to_string().trim()),
            options: Vec::new(),
        });
    }
    let Some(table) = document.get("mapping").and_then(Item::as_table_like) else { return Ok(rules) };
    for (target, item) in table.iter() {
        rules.push(written(target, item));
    }
    Ok(rules)
}

fn written(target: &str, item: &Item) -> WrittenRule {
    let plain = |item: &Item| match item.as_str() {
        Some(text) => text.to_owned(),
        None => item.to_string().trim().to_owned(),
    };
    let mut rule = WrittenRule { target: target.to_owned(), source: plain(item), options: Vec::new() };
    let Some(table) = item.as_table_like() else { return rule };
    let (options, origin): (Vec<_>, Vec<_>) = table.iter().partition(|(key, _)| OPTIONS.contains(key));
    rule.options = options.into_iter().map(|(key, item)| (key.to_owned(), plain(item))).collect();
    rule.source = match origin.as_slice() {
        [("source", item)] => plain(item),
        origin => {
            let parts = origin.iter().map(|(key, item)| format!("{key} {}", item.to_string().trim()));
            parts.collect::<Vec<_>>().join(", ")
        }
    };
    rule
}

/// A rule as it is typed: a source's name or label, or a value in TOML when it begins like one.
fn typed(source: &str) -> Result<Value, String> {
    let source = source.trim();
    if !source.starts_with(['{', '[', '"', '\'']) {
        return Ok(Value::from(source));
    }
    source
        .parse()
        .map_err(|error: toml_edit::TomlError| format!("`{source}` is no TOML: {}", error.message()))
}

/// The document with these rules set: target, and source as it is typed.
///
/// # Errors
/// When the document or a rule cannot be read.
pub fn set_rules(document: &str, rules: &[(String, String)]) -> Result<String, String> {
    let mut document = read(document)?;
    let table = mapping(&mut document)?;
    for (target, source) in rules {
        let mut value = typed(source)?;
        match table.get_mut(target).and_then(Item::as_value_mut) {
            // What stands around the old value stays, a comment behind it for one.
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => drop(table.insert(target, Item::Value(value))),
        }
    }
    Ok(document.to_string())
}

/// The document without the rules of these targets.
///
/// # Errors
/// When the document cannot be read; the first target that has no rule.
pub fn unset_rules(document: &str, targets: &[String]) -> Result<Result<String, String>, String> {
    let mut document = read(document)?;
    let table = mapping(&mut document)?;
    for target in targets {
        if table.remove(target).is_none() {
            return Ok(Err(target.clone()));
        }
    }
    Ok(Ok(document.to_string()))
}

/// The document with rules for targets that have none, and with match keys when it names none. Gives back
/// the targets that were added.
///
/// # Errors
/// When the document cannot be read.
pub fn add_rules(
    document: &str,
    rules: &[(String, String)],
    match_keys: &[&str],
) -> Result<(String, Vec<String>), String> {
    let mut document = read(document)?;
    let mut added = Vec::new();
    let table = mapping(&mut document)?;
    for (target, source) in rules {
        if !table.contains_key(target) {
            table.insert(target, Item::Value(Value::from(source.as_str())));
            added.push(target.clone());
        }
    }
    if !match_keys.is_empty() && !document.contains_key("match-keys") {
        document
            .insert("match-keys", Item::Value(Value::Array(match_keys.iter().copied().collect::<Array>())));
    }
    Ok((document.to_string(), added))
}

/// A mapping test as a document keeps it. Values are JSON texts; those that TOML cannot say are left out.
#[must_use]
pub fn test_text(name: &str, raw: &str, expect: &[(String, String)], empty: &[String]) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let raw = if raw.contains("'''") || raw.contains(|it: char| it.is_control() && it != '\n') {
        text(raw)
    } else {
        format!("'''\n{raw}\n'''")
    };
    let mut out = format!("[[mapping-test]]\nname = {}\nraw = {raw}\n", text(name));
    if !empty.is_empty() {
        let list: Array = empty.iter().map(String::as_str).collect();
        out.push_str(&format!("empty = {}\n", Value::Array(list)));
    }
    out.push_str("\n[mapping-test.expect]\n");
    for (field, json) in expect {
        let value = match serde_json::from_str::<String>(json) {
            Ok(value) => text(&value),
            Err(_) if json.parse::<Value>().is_ok() => json.clone(),
            Err(_) => continue,
        };
        out.push_str(&format!("{} = {value}\n", toml_edit::Key::new(field)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# ours\nname = \"a\" # short\naccess-role = \"Employee\"\n\n[mapping]\n# the sign-in name\nusername = \"User Principal Name\" # never the mail\ncity = { source = \"City\", null = \"keep\" }\n";

    fn rule(target: &str, source: &str) -> (String, String) {
        (target.to_owned(), source.to_owned())
    }

    #[test]
    fn what_is_not_meant_stays() {
        let set = set_rules(DOCUMENT, &[rule("username", "Mail"), rule("state", "State")]).unwrap();
        assert_eq!(
            set,
            DOCUMENT.replace("\"User Principal Name\" #", "\"Mail\" #").to_owned() + "state = \"State\"\n"
        );
        let detailed =
            set_rules(DOCUMENT, &[rule("city", "{ source = \"City\", required = true }")]).unwrap();
        assert!(detailed.contains("city = { source = \"City\", required = true }\n"), "{detailed}");
        assert!(set_rules(DOCUMENT, &[rule("city", "{ source")]).unwrap_err().contains("is no TOML"));
        let unset = unset_rules(DOCUMENT, &["city".to_owned()]).unwrap().unwrap();
        assert!(!unset.contains("city") && unset.contains("# never the mail"));
        assert_eq!(unset_rules(DOCUMENT, &["state".to_owned()]).unwrap(), Err("state".to_owned()));
    }

    #[test]
    fn proposals_overwrite_nothing() {
        let rules = [rule("username", "Mail"), rule("email", "Mail")];
        let (text, added) = add_rules(DOCUMENT, &rules, &["username"]).unwrap();
        assert_eq!(added, ["email"]);
        assert!(
            text.contains("User Principal Name") && text.contains("match-keys = [\"username\"]"),
            "{text}"
        );
        let (again, added) = add_rules(&text, &rules, &["email"]).unwrap();
        assert_eq!((again, added.len()), (text, 0));
    }

    #[test]
    fn rules_are_shown_as_they_are_written() {
        let rules = written_rules(DOCUMENT).unwrap();
        let told: Vec<_> = rules.iter().map(|it| (it.target.as_str(), it.source.as_str())).collect();
        assert_eq!(
            told,
            [("access_role", "constant \"Employee\""), ("username", "User Principal Name"), ("city", "City")]
        );
        assert_eq!(rules[2].options, [("null".to_owned(), "keep".to_owned())]);
    }

    #[test]
    fn a_test_reads_back() {
        let expect = [rule("username", "\"o'neill\\\"@contoso.example\""), rule("level", "1.50")];
        for raw in ["{\"id\":\"1\"}", "{\"id\":\"'''\"}"] {
            let text = test_text("a \"guest\"", raw, &expect, &["email".to_owned()]);
            let read =
                super::super::read_mapping_tests("t", &text).unwrap_or_else(|it| panic!("{it}\n{text}"));
            assert_eq!((read[0].raw.as_str(), read[0].name.as_str()), (raw, "a \"guest\""));
            assert_eq!(read[0].expect["level"], "1.50");
            assert_eq!(read[0].empty, ["email"]);
        }
    }
}
