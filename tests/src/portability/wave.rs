//! WAVE, the notation of component values on wasmtime's command line, from and to the JSON of `main`.
//!
//! No types are at hand here, and none are needed: `some(x)` is `x`, `none` is left out, and of texts those that are
//! cases are known by their field.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

/// Fields whose texts are cases, and whose objects are cases with a payload.
const CASES: [&str; 3] = ["tie", "evidence", "inactive-since"];

/// A value as WAVE; `field` is the field that it stands in.
pub(crate) fn render(field: &str, value: &Value) -> String {
    let is_case = CASES.contains(&field);
    match value {
        Value::String(text) if is_case => text.clone(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| render("", item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) if is_case => {
            let cases = fields.iter().map(|(tag, payload)| format!("{tag}({})", render("", payload)));
            cases.collect()
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", render(name, value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Null => "none".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// What a call printed.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value()?;
    if !reader.rest.trim().is_empty() {
        bail!("behind the value stands `{}`", reader.rest);
    }
    Ok(value)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<()> {
        if self.take(sign) { Ok(()) } else { bail!("expected `{sign}` before `{}`", self.rest) }
    }

    /// A name or a number.
    fn word(&mut self) -> Result<String> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|it: char| !(it.is_ascii_alphanumeric() || "-.%+".contains(it)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            bail!("expected a name before `{rest}`");
        }
        self.rest = rest;
        Ok(word.trim_start_matches('%').to_owned())
    }

    fn value(&mut self) -> Result<Value> {
        if self.take('"') {
            return self.text().map(Value::String);
        }
        if self.take('[') {
            let mut items = Vec::new();
            while !self.take(']') {
                items.push(self.value()?);
                self.take(',');
            }
            return Ok(Value::Array(items));
        }
        if self.take('{') {
            let mut fields = Map::new();
            while !self.take('}') {
                let name = self.word()?;
                self.expect(':')?;
                let value = self.value()?;
                if !value.is_null() {
                    fields.insert(name, value);
                }
                self.take(',');
            }
            return Ok(Value::Object(fields));
        }
        let word = self.word()?;
        if let Ok(number) = serde_json::from_str::<serde_json::Number>(&word) {
            return Ok(Value::Number(number));
        }
        let payload = if self.take('(') {
            let value = self.value()?;
            self.expect(')')?;
            Some(value)
        } else {
            None
        };
        Ok(match (word.as_str(), payload) {
            ("none", None) => Value::Null,
            ("true", None) => Value::Bool(true),
            ("false", None) => Value::Bool(false),
            ("some", Some(value)) => value,
            (_, Some(value)) => Value::Object([(word, value)].into_iter().collect()),
            (_, None) => Value::String(word),
        })
    }

    /// The rest of a text, behind its first quote.
    fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match letters.next().map(|(_, letter)| letter) {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('u') => {
                        let code: String =
                            letters.by_ref().map(|(_, it)| it).skip(1).take_while(|it| *it != '}').collect();
                        text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                    }
                    Some(plain) => text.push(plain),
                    None => break,
                },
                plain => text.push(plain),
            }
        }
        bail!("a text without an end")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_there_and_come_back() {
        let value =
            json!({"id": "a\"\\\n\u{1}ä", "list": [1, true, {"tie": {"matched": "x"}}], "tie": "linked"});
        let text = render("", &value);
        assert!(text.contains("tie: matched(\"x\")") && text.contains("tie: linked"), "{text}");
        assert_eq!(parse(&text).unwrap(), value);
        assert_eq!(parse("ok({a: some(1), b: none})").unwrap(), json!({"ok": {"a": 1}}));
        for bad in ["", "{a 1}", "[1", "\"x", "1 2", "a(1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
