//! One user of the source, in the words of the people directory. Pure.
//!
//! This runs once for every user: one pass over the raw text, values borrowed from it, one text written.
//! A key that stands twice in an object counts with its last value, as in the page's own reading.

mod compile;
mod memo;
mod value;
mod walk;

pub(crate) use memo::Memo;

use std::cell::RefCell;

use crate::bindings::exports::userload::directory::transform::MappedRecord;
use crate::bindings::userload::directory::types::BadRecord;
use crate::json::{decode, in_words};

use compile::{Mapping, Origin, WhenNull};
use value::Misfit;
use walk::Found;

thread_local! {
    static MAPPINGS: RefCell<Memo<Mapping>> = const { RefCell::new(Memo::new()) };
}

/// Maps one record. The mapping is compiled once and remembered by its text; its form stands in
/// `transform.wit`, and a mapping that has another is the error of every record.
pub fn map_record(mapping: &str, raw: &str) -> Result<MappedRecord, BadRecord> {
    let compiled = MAPPINGS.with_borrow_mut(|memo| memo.get(mapping, compile::compile))?;
    apply(&compiled, raw)
}

fn bad(id: Option<&str>, field: Option<&str>, reason: String) -> BadRecord {
    BadRecord { id: id.map(str::to_owned), field: field.map(str::to_owned), reason }
}

fn apply(mapping: &Mapping, raw: &str) -> Result<MappedRecord, BadRecord> {
    let mut found = vec![Found::Absent; mapping.slots];
    walk::walk(&mapping.root, raw, &mut found).map_err(|error| {
        let reason = format!("expected a JSON object: {error}");
        bad(None, None, reason)
    })?;
    let id = match found[compile::ID] {
        Found::Value(value) => decode(value.get()).filter(|id| !id.is_empty()).ok_or_else(|| {
            let sent = in_words(value.get());
            bad(None, Some("id"), format!("expected a text, the source sent {sent}"))
        })?,
        _ => return Err(bad(None, Some("id"), "the record has none".to_owned())),
    };
    let enabled = match found[compile::ENABLED] {
        Found::Value(value) => match value.get() {
            "true" => Some(true),
            "false" => Some(false),
            "null" => None,
            other => {
                let sent = in_words(other);
                let reason = format!("expected true, false or null, the source sent {sent}");
                return Err(bad(Some(&id), Some("accountEnabled"), reason));
            }
        },
        _ => None,
    };
    let mut fields = String::with_capacity(raw.len() + 64);
    fields.push('{');
    for rule in &mapping.rules {
        let before = fields.len();
        fields.push_str(&rule.key);
        let written = match &rule.origin {
            Origin::Constant(text) => {
                fields.push_str(text);
                Ok(true)
            }
            Origin::Source(slot) => source_value(rule, &found[*slot], &mut fields),
        };
        match written {
            Ok(true) => fields.push(','),
            Ok(false) => fields.truncate(before),
            Err(reason) => {
                return Err(bad(Some(&id), Some(&rule.target), reason));
            }
        }
    }
    if fields.ends_with(',') {
        fields.pop();
    }
    fields.push('}');
    Ok(MappedRecord { id: id.into_owned(), enabled, fields })
}

/// Writes what the source sent for a field. False: nothing is to be written.
fn source_value(rule: &compile::Rule, found: &Found<'_>, out: &mut String) -> Result<bool, String> {
    let required = |what: &str| format!("required, but the source sent {what} for `{}`", rule.path);
    let value = match found {
        Found::Absent if rule.required => return Err(required("nothing")),
        Found::Absent => return Ok(false),
        Found::NoObject { value } => {
            let sent = in_words(value.get());
            return Err(format!("expected an object on the way to `{}`, the source sent {sent}", rule.path));
        }
        Found::Value(value) => value.get(),
    };
    if value == "null" {
        return match &rule.null {
            WhenNull::Default(text) => {
                out.push_str(text);
                Ok(true)
            }
            _ if rule.required => Err(required("null")),
            WhenNull::Clear => {
                out.push_str("null");
                Ok(true)
            }
            WhenNull::Keep => Ok(false),
        };
    }
    match value::write(rule.kind, value, out) {
        Ok(empty) if empty && rule.required => Err(required("an empty text")),
        Ok(_) => Ok(true),
        Err(Misfit::Type) => {
            let (expected, sent) = (rule.kind.in_words(), in_words(value));
            Err(format!("expected {expected}, the source sent {sent}"))
        }
        Err(Misfit::Text) => Err("the text holds half a surrogate pair, which is no character".to_owned()),
        Err(Misfit::Time) => {
            let sent = in_words(value);
            Err(format!("expected a time by RFC 3339, the source sent {sent}"))
        }
    }
}

#[cfg(test)]
mod tests;
