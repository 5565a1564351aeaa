//! Converters: named steps between the source's value and the field. A value that a step cannot take is the
//! error of its row; nothing becomes null by itself.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::dates::{Day, Form};
use super::near::nearest;
use super::words;
use super::work::Work;
use crate::json::in_words;

/// Steps of one rule.
const MOST_STEPS: usize = 16;

/// Entries of one table.
const MOST_ENTRIES: usize = 10_000;

/// Bytes of a text that is put before or behind, or in the place of another.
const MOST_TEXT: usize = 1024;

/// The steps that are only a word, in the order in which they are explained.
const WORDS: [(&str, Word); 16] = [
    ("trim", Word::Trim),
    ("squeeze", Word::Squeeze),
    ("upper", Word::Upper),
    ("lower", Word::Lower),
    ("title", Word::Title),
    ("first-name", Word::FirstName),
    ("last-name", Word::LastName),
    ("mail-local", Word::MailLocal),
    ("mail-domain", Word::MailDomain),
    ("digits", Word::Digits),
    ("date", Word::Date),
    ("time", Word::Time),
    ("text", Word::Text),
    ("number", Word::Number),
    ("flag", Word::Flag),
    ("blank-is-null", Word::BlankIsNull),
];

/// The keys that begin a step that is a table.
const TABLES: [&str; 8] =
    ["lookup", "replace", "prefix", "suffix", "date", "parse-date", "truncate", "split"];

#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Trim,
    Squeeze,
    Upper,
    Lower,
    Title,
    FirstName,
    LastName,
    MailLocal,
    MailDomain,
    Digits,
    Date,
    Time,
    Text,
    Number,
    Flag,
    BlankIsNull,
}

/// One step, ready.
#[derive(Debug)]
pub(super) enum Step {
    Word(&'static str, Word),
    Lookup { table: HashMap<String, Work>, ignore_case: bool, otherwise: Else },
    Replace { what: String, with: String },
    Prefix(String),
    Suffix(String),
    Date(Form),
    ParseDate(String, Form),
    Truncate(usize),
    Split { by: String, part: usize },
}

/// What becomes of a value that a table does not have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Else {
    /// It stays.
    Keep,
    /// It becomes null, and the rule for nulls decides.
    Null,
    /// The row fails.
    Fail,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TableText {
    lookup: Option<HashMap<String, Box<RawValue>>>,
    #[serde(rename = "else")]
    otherwise: Option<Else>,
    #[serde(default)]
    ignore_case: bool,
    replace: Option<String>,
    with: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    date: Option<String>,
    parse_date: Option<String>,
    truncate: Option<usize>,
    split: Option<String>,
    part: Option<usize>,
}

/// Why a step is none, and what to write instead.
pub(super) type Refused = (String, Option<String>);

/// Reads the steps of a rule. What is wrong comes with the number of the step.
pub(super) fn read(texts: &[Box<RawValue>]) -> Result<Vec<Step>, Vec<(u32, Refused)>> {
    let mut faults = Vec::new();
    if texts.len() > MOST_STEPS {
        faults.push((0, (format!("{} steps, more than {MOST_STEPS}", texts.len()), None)));
    }
    let mut steps = Vec::new();
    for (number, text) in texts.iter().enumerate().take(MOST_STEPS) {
        match step(text.get()) {
            Ok(step) => steps.push(step),
            Err(refused) => faults.push((u32::try_from(number).unwrap_or(u32::MAX), refused)),
        }
    }
    if faults.is_empty() { Ok(steps) } else { Err(faults) }
}

fn step(text: &str) -> Result<Step, Refused> {
    if let Ok(Work::Text(name)) = Work::of_json(text) {
        if let Some((name, word)) = WORDS.iter().find(|(known, _)| *known == name) {
            return Ok(Step::Word(name, *word));
        }
        let names = WORDS.iter().map(|(name, _)| *name);
        let help = match nearest(&name, names.clone().chain(TABLES)) {
            Some(near) if TABLES.contains(&near) && near != "date" => {
                format!("did you mean a table such as `{{ {near} = … }}`?")
            }
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("converters: {}; tables: {}", names.collect::<Vec<_>>().join(", "), TABLES.join(", "))
            }
        };
        return Err((format!("there is no converter `{name}`"), Some(help)));
    }
    if !text.starts_with('{') {
        return Err((format!("a converter is a name or a table, found {}", in_words(text)), None));
    }
    let table: TableText = serde_json::from_str(text).map_err(|error| {
        let error = error.to_string();
        let words = error.split(" at line ").next().unwrap_or_default().to_owned();
        (words, Some(format!("tables begin with one of {}", TABLES.join(", "))))
    })?;
    build(table)
}

fn build(table: TableText) -> Result<Step, Refused> {
    let heads = [
        table.lookup.is_some(),
        table.replace.is_some(),
        table.prefix.is_some(),
        table.suffix.is_some(),
        table.date.is_some(),
        table.parse_date.is_some(),
        table.truncate.is_some(),
        table.split.is_some(),
    ];
    if heads.iter().filter(|it| **it).count() != 1 {
        return Err((format!("expected exactly one of {} in a step", TABLES.join(", ")), None));
    }
    for (there, owner, key) in [
        (table.otherwise.is_some(), table.lookup.is_some(), "else"),
        (table.ignore_case, table.lookup.is_some(), "ignore-case"),
        (table.with.is_some(), table.replace.is_some(), "with"),
        (table.part.is_some(), table.split.is_some(), "part"),
    ] {
        if there && !owner {
            return Err((format!("`{key}` says nothing in this step"), None));
        }
    }
    let bounded = |text: String, key: &str| {
        if text.len() <= MOST_TEXT {
            Ok(text)
        } else {
            Err((format!("`{key}` has {} bytes, more than {MOST_TEXT}", text.len()), None))
        }
    };
    if let Some(entries) = table.lookup {
        return lookup(entries, table.ignore_case, table.otherwise.unwrap_or(Else::Fail));
    }
    if let Some(what) = table.replace {
        if what.is_empty() {
            return Err(("`replace` is empty: there is nothing to look for".to_owned(), None));
        }
        let with = bounded(table.with.unwrap_or_default(), "with")?;
        return Ok(Step::Replace { what: bounded(what, "replace")?, with });
    }
    if let Some(text) = table.prefix {
        return Ok(Step::Prefix(bounded(text, "prefix")?));
    }
    if let Some(text) = table.suffix {
        return Ok(Step::Suffix(bounded(text, "suffix")?));
    }
    if let Some(text) = table.date {
        let form = form(&text, "date")?;
        return Ok(Step::Date(form));
    }
    if let Some(text) = table.parse_date {
        let form = form(&text, "parse-date")?;
        if !form.is_whole() {
            return Err((format!("`{text}` has not all of YYYY, MM and DD"), None));
        }
        return Ok(Step::ParseDate(text, form));
    }
    if let Some(length) = table.truncate {
        if length == 0 {
            return Err(("`truncate` is 0: nothing would be left".to_owned(), None));
        }
        return Ok(Step::Truncate(length));
    }
    let by = bounded(table.split.unwrap_or_default(), "split")?;
    match table.part {
        _ if by.is_empty() => Err(("`split` is empty: there is nothing to split by".to_owned(), None)),
        Some(part @ 1..=100) => Ok(Step::Split { by, part }),
        _ => Err((
            "`split` needs `part`, 1 to 100".to_owned(),
            Some("such as `{ split = \"-\", part = 1 }`".to_owned()),
        )),
    }
}

fn form(text: &str, key: &str) -> Result<Form, Refused> {
    Form::read(text).ok_or_else(|| {
        let help = "made of YYYY, MM, DD and what stands between, such as `DD.MM.YYYY`".to_owned();
        (format!("`{key}` is `{text}`, which is no form of a date"), Some(help))
    })
}

fn lookup(
    entries: HashMap<String, Box<RawValue>>,
    ignore_case: bool,
    otherwise: Else,
) -> Result<Step, Refused> {
    if entries.len() > MOST_ENTRIES {
        return Err((format!("`lookup` has {} entries, more than {MOST_ENTRIES}", entries.len()), None));
    }
    let mut table = HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        let value = Work::of_json(value.get()).map_err(|error| (error, None))?;
        if value.as_text().is_none() {
            return Err((format!("`lookup` gives {} for `{key}`, expected a value", value.in_words()), None));
        }
        let key = if ignore_case { key.to_lowercase() } else { key };
        if let Some(twice) = table.insert(key, value) {
            return Err((format!("`lookup` has two keys for {}", twice.in_words()), None));
        }
    }
    Ok(Step::Lookup { table, ignore_case, otherwise })
}

/// Takes a value through all steps. Nothing and null pass by: the rule for nulls is for them.
pub(super) fn convert(steps: &[Step], mut work: Work) -> Result<Work, String> {
    for step in steps {
        if matches!(work, Work::Absent | Work::Null) {
            return Ok(work);
        }
        work = step.apply(work)?;
    }
    Ok(work)
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Word(name, _) => name,
            Self::Lookup { .. } => "lookup",
            Self::Replace { .. } => "replace",
            Self::Prefix(_) => "prefix",
            Self::Suffix(_) => "suffix",
            Self::Date(_) => "date",
            Self::ParseDate(..) => "parse-date",
            Self::Truncate(_) => "truncate",
            Self::Split { .. } => "split",
        }
    }

    fn apply(&self, work: Work) -> Result<Work, String> {
        let name = self.name();
        match self {
            Self::Word(_, Word::Text) => {
                let text = work.as_text().map(str::to_owned);
                return text.map(Work::Text).ok_or_else(|| misfit(name, "a value", &work));
            }
            Self::Word(_, Word::Number) => return number(work),
            Self::Word(_, Word::Flag) => return flag(work),
            Self::Lookup { table, ignore_case, otherwise } => {
                let key = work.as_text().ok_or_else(|| misfit(name, "a value", &work))?;
                let found = if *ignore_case { table.get(&key.to_lowercase()) } else { table.get(key) };
                return match (found, otherwise) {
                    (Some(value), _) => Ok(value.clone()),
                    (None, Else::Keep) => Ok(work),
                    (None, Else::Null) => Ok(Work::Null),
                    (None, Else::Fail) => Err(format!("`lookup` does not have {}", work.in_words())),
                };
            }
            _ => {}
        }
        let Work::Text(text) = &work else {
            let also = if work.as_text().is_some() { "; `text` before it makes it one" } else { "" };
            return Err(format!("{}{also}", misfit(name, "text", &work)));
        };
        let fits = |made: Option<String>, expected: &str| {
            made.map(Work::Text).ok_or_else(|| misfit(name, expected, &work))
        };
        let own = str::to_owned;
        match self {
            Self::Word(_, word) => match word {
                Word::Trim => fits(Some(own(text.trim())), ""),
                Word::Squeeze => fits(Some(words::squeeze(text)), ""),
                Word::Upper => fits(Some(text.to_uppercase()), ""),
                Word::Lower => fits(Some(text.to_lowercase()), ""),
                Word::Title => fits(Some(words::title(text)), ""),
                Word::FirstName => fits(words::first_name(text).map(own), "a name"),
                Word::LastName => fits(words::last_name(text).map(own), "a first and a last name"),
                Word::MailLocal => fits(words::mail(text).map(|(local, _)| own(local)), "a mail address"),
                Word::MailDomain => fits(words::mail(text).map(|(_, domain)| own(domain)), "a mail address"),
                Word::Digits => {
                    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                    fits(Some(digits).filter(|it| !it.is_empty()), "text with digits")
                }
                Word::Date => fits(Day::of(text).map(Day::iso), "a date or a time (RFC 3339)"),
                Word::Time => {
                    let text = text.trim();
                    if crate::time::rfc3339(text).is_some() {
                        return Ok(Work::Text(own(text)));
                    }
                    let midnight = Day::of(text).map(|day| format!("{}T00:00:00Z", day.iso()));
                    fits(midnight, "a date or a time (RFC 3339)")
                }
                Word::BlankIsNull if text.trim().is_empty() => Ok(Work::Null),
                Word::BlankIsNull => Ok(work),
                Word::Text | Word::Number | Word::Flag => Ok(work),
            },
            Self::Replace { what, with } => fits(Some(text.replace(what, with)), ""),
            Self::Prefix(prefix) => fits(Some(format!("{prefix}{text}")), ""),
            Self::Suffix(suffix) => fits(Some(format!("{text}{suffix}")), ""),
            Self::Date(form) => fits(Day::of(text).map(|day| form.write(day)), "a date or a time (RFC 3339)"),
            Self::ParseDate(words, form) => {
                fits(form.parse(text).map(Day::iso), &format!("a date such as {words}"))
            }
            Self::Truncate(length) => fits(Some(text.chars().take(*length).collect()), ""),
            Self::Split { by, part } => {
                let found = text.split(by.as_str()).nth(part - 1).map(own);
                fits(found, &format!("{part} parts, divided by `{by}`"))
            }
            Self::Lookup { .. } => Ok(work),
        }
    }
}

fn misfit(step: &str, expected: &str, found: &Work) -> String {
    format!("`{step}` expects {expected}, found {}", found.in_words())
}

/// The number that a text is, digit for digit. Only what JSON takes for a number is one: `007` is not.
fn number(work: Work) -> Result<Work, String> {
    let digits = match &work {
        Work::Text(text) => text.trim(),
        other => other.as_text().unwrap_or_default(),
    };
    let is_number = digits.starts_with(|it: char| it == '-' || it.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(digits).is_ok();
    match is_number {
        true => Ok(Work::Other(digits.to_owned())),
        false => Err(misfit("number", "the digits of a number", &work)),
    }
}

fn flag(work: Work) -> Result<Work, String> {
    let word = work.as_text().unwrap_or_default().trim().to_lowercase();
    let flag = match word.as_str() {
        "true" | "yes" | "1" => "true",
        "false" | "no" | "0" => "false",
        _ => return Err(misfit("flag", "true, false, yes, no, 1 or 0", &work)),
    };
    Ok(Work::Other(flag.to_owned()))
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
