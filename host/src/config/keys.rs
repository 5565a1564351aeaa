//! Reading a TOML table key by key: every value has a type, unknown keys are refused.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::near::nearest;
use super::problem::Problems;

/// A value of a document, with its place.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// One table, while it is read. Keys that were asked for are known; the others are refused at the end.
pub(super) struct Keys<'a, 'i> {
    table: &'a DeTable<'i>,
    asked: Vec<&'static str>,
}

impl<'a, 'i> Keys<'a, 'i> {
    pub(super) fn new(table: &'a DeTable<'i>) -> Self {
        Self { table, asked: Vec::new() }
    }

    /// The value of a key.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Value<'i>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// The text of a key.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<(String, Range<usize>)> {
        let value = self.get(key)?;
        Some((text(value, key, problems)?, value.span()))
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            wrong_type(value, key, "true or false", problems);
        }
        flag
    }

    /// A whole number between two bounds.
    pub(super) fn integer(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<i64>,
        problems: &mut Problems<'_>,
    ) -> Option<i64> {
        integer(self.get(key)?, key, bounds, problems)
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let (word, span) = self.text(key, problems)?;
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let what = format!("`{key}` is `{word}`, expected {}", one_of(&names));
            match nearest(&word, names) {
                Some(near) => problems.add_with_help(span, what, format!("did you mean `\"{near}\"`?")),
                None => problems.add(span, what),
            }
        }
        found
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<(String, Range<usize>)>> {
        let value = self.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            wrong_type(value, key, "a list of texts", problems);
            return None;
        };
        Some(items.iter().filter_map(|item| Some((text(item, key, problems)?, item.span()))).collect())
    }

    /// A table inside this one.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'a DeTable<'i>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            wrong_type(value, key, &format!("a table such as `{example}`"), problems);
        }
        table
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn finish(self, place: &str, problems: &mut Problems<'_>) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let what = format!("unknown key `{name}`{place}");
            let help = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.asked.join(", ")),
            };
            problems.add_with_help(key.span(), what, help);
        }
    }
}

/// The text that a value is.
pub(super) fn text(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<String> {
    match value.get_ref().as_str() {
        Some(text) if text.trim().is_empty() => {
            problems.add(value.span(), format!("`{key}` is empty, expected a text"));
            None
        }
        Some(text) if text.chars().any(char::is_control) => {
            problems.add(value.span(), format!("`{key}` has a control character, expected plain text"));
            None
        }
        Some(text) => Some(text.trim().to_owned()),
        None => {
            wrong_type(value, key, "a text in quotes", problems);
            None
        }
    }
}

/// The whole number that a value is.
pub(super) fn integer(
    value: &Value<'_>,
    key: &str,
    bounds: RangeInclusive<i64>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let Some(digits) = value.get_ref().as_integer() else {
        wrong_type(value, key, "a whole number", problems);
        return None;
    };
    let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|it| bounds.contains(it));
    if number.is_none() {
        let (low, high) = bounds.into_inner();
        problems.add(value.span(), format!("`{key}` is {digits}, expected {low} to {high}"));
    }
    number
}

/// Notes that a value has the wrong type.
pub(super) fn wrong_type(value: &Value<'_>, key: &str, expected: &str, problems: &mut Problems<'_>) {
    let found = match value.get_ref().type_str() {
        "string" => "a text",
        "integer" => "a whole number",
        "float" => "a number",
        "boolean" => "true or false",
        "datetime" => "a time",
        "array" => "a list",
        _ => "a table",
    };
    problems.add(value.span(), format!("`{key}` is {found}, expected {expected}"));
}

/// `a`, `b` or `c`.
pub(super) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
