//! What `--json` gives, version 1. Frozen: a field is never renamed, retyped or removed; additions are
//! allowed. Types of the program change freely, these do not follow them by themselves.
//!
//! Times are RFC 3339 in UTC. Values of fields are the source's own JSON texts.

mod hand;
mod people;
mod run;
mod saas;
mod why;

use serde::Serialize;
use serde_json::value::RawValue;

pub(in crate::cli) use hand::{Lock, Pin};
pub(in crate::cli) use people::{Candidate, CandidateLink, Hold, HoldCause, LedgerRow, Link, Person};
pub(in crate::cli) use run::{Run, RunLine};
pub(in crate::cli) use saas::{SaasApplication, SaasUser};
pub(in crate::cli) use why::{Held as Question, Step as Origin, story};

use super::text::hostile;
use crate::model::Millis;

/// One answer: `{"version": 1, NAME: VALUE, …}`.
pub(crate) struct Answer(Vec<(&'static str, serde_json::Result<Box<RawValue>>)>);

impl Answer {
    pub(crate) fn new(name: &'static str, value: impl Serialize) -> Self {
        Self(Vec::new()).and(name, value)
    }

    pub(crate) fn and(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.0.push((name, pretty(&value, 1)));
        self
    }

    /// Its text.
    pub(crate) fn text(self) -> serde_json::Result<String> {
        let mut text = String::from("{\n  \"version\": 1");
        for (name, value) in self.0 {
            text.push_str(&format!(",\n  \"{name}\": {}", value?.get()));
        }
        text.push_str("\n}\n");
        Ok(plain(&text))
    }
}

/// What went wrong, on stderr.
#[derive(Serialize)]
pub(crate) struct Failure<'a> {
    version: u32,
    error: FailureText<'a>,
}

#[derive(Serialize)]
struct FailureText<'a> {
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> Failure<'a> {
    pub(crate) fn new(message: &'a str, help: Option<&'a str>) -> Self {
        Self { version: 1, error: FailureText { message, help } }
    }
}

/// JSON over several lines, indented by `depth`.
fn pretty(value: &impl Serialize, depth: usize) -> serde_json::Result<Box<RawValue>> {
    let text = serde_json::to_string_pretty(value)?;
    RawValue::from_string(text.replace('\n', &format!("\n{}", "  ".repeat(depth))))
}

/// JSON on one line, for answers that are streamed.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| plain(&text))
}

/// The same JSON, with every character that acts on a terminal written as an escape. Such characters stand
/// in texts only, where the escape means the same.
fn plain(json: &str) -> String {
    if !json.chars().any(|it| hostile(it) && it != '\n') {
        return json.to_owned();
    }
    json.chars().fold(String::with_capacity(json.len() + 32), |mut text, letter| {
        if hostile(letter) && letter != '\n' {
            text.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            text.push(letter);
        }
        text
    })
}

/// A moment.
pub(crate) fn moment(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|it| it.to_string()).unwrap_or_default()
}

/// The JSON text of a value. What is none becomes a text.
pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned())
        .or_else(|_| serde_json::value::to_raw_value(json))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}
