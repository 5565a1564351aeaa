//! One user of the source, in the words of the people directory. Pure.
//!
//! This runs once for every user: one pass over the raw text, values borrowed from it, one text written.
//! A key that stands twice in an object counts with its last value, as in the page's own reading.

mod compile;
mod dates;
mod expression;
mod faults;
mod memo;
mod near;
mod rules;
mod steps;
mod value;
mod walk;
mod words;
mod work;

pub(crate) use memo::Memo;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::value::RawValue;

use crate::bindings::exports::userload::directory::transform::{MappedRecord, MappingFault, MappingNeeds};
use crate::bindings::userload::directory::types::BadRecord;
use crate::json::{decode, in_words};

use compile::{Mapping, Origin, Reading, Rule, WhenNull};

/// The property by which Graph says whether a user may sign in.
const ENABLED_AT_GRAPH: &str = "accountEnabled";
use value::Misfit;
use walk::Found;
use work::Work;

/// The most text that the fields of one person may have.
const MOST_FIELDS: usize = 256 * 1024;

thread_local! {
    static MAPPINGS: RefCell<Memo<Mapping>> = const { RefCell::new(Memo::new()) };
}

/// Maps one record. The mapping is compiled once and remembered by its text; its form stands in
/// `transform.wit`, and a mapping that has another is the error of every record.
pub fn map_record(mapping: &str, raw: &str) -> Result<MappedRecord, BadRecord> {
    map_record_of(ENABLED_AT_GRAPH, mapping, raw)
}

/// As [`map_record`], for a source that says by another property, a flag at the record's root, whether a user
/// may sign in. The id is always the text `id`.
pub fn map_record_of(enabled: &'static str, mapping: &str, raw: &str) -> Result<MappedRecord, BadRecord> {
    apply(&*compiled(enabled, mapping).map_err(unusable)?, raw)
}

/// Maps many records by one mapping, each as [`map_record`] does.
pub fn map_records(mapping: &str, raws: &[String]) -> Vec<Result<MappedRecord, BadRecord>> {
    map_records_of(ENABLED_AT_GRAPH, mapping, raws)
}

/// As [`map_records`], for a source with another flag, see [`map_record_of`].
pub fn map_records_of(
    enabled: &'static str,
    mapping: &str,
    raws: &[String],
) -> Vec<Result<MappedRecord, BadRecord>> {
    match compiled(enabled, mapping) {
        Ok(mapping) => raws.iter().map(|raw| apply(&mapping, raw)).collect(),
        Err(faults) => vec![Err(unusable(faults)); raws.len()],
    }
}

/// What a mapping needs, or everything that is wrong with it.
pub fn examine_mapping(mapping: &str) -> Result<MappingNeeds, Vec<MappingFault>> {
    examine_mapping_of(ENABLED_AT_GRAPH, mapping)
}

/// As [`examine_mapping`], for a source with another flag, see [`map_record_of`].
pub fn examine_mapping_of(enabled: &'static str, mapping: &str) -> Result<MappingNeeds, Vec<MappingFault>> {
    Ok(MappingNeeds { properties: compiled(enabled, mapping)?.properties() })
}

fn compiled(enabled: &'static str, mapping: &str) -> Result<Rc<Mapping>, Vec<MappingFault>> {
    let known = MAPPINGS.with_borrow_mut(|memo| memo.get(mapping, |text| compile::compile(text, enabled)))?;
    // A component has one source, so that this is only ever asked in tests of several.
    if known.enabled == enabled { Ok(known) } else { Ok(Rc::new(compile::compile(mapping, enabled)?)) }
}

/// The first fault of a mapping, as the error of a record.
fn unusable(faults: Vec<MappingFault>) -> BadRecord {
    let first = faults.into_iter().next();
    let (field, problem) = first.map_or((None, String::new()), |it| (it.target, it.problem));
    let reason = match &field {
        Some(target) => format!("the mapping itself: {target}: {problem}"),
        None => format!("the mapping itself: {problem}"),
    };
    BadRecord { id: None, field, reason }
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
                return Err(bad(Some(&id), Some(mapping.enabled), reason));
            }
        },
        _ => None,
    };
    let mut fields = String::with_capacity(raw.len() + 64);
    fields.push('{');
    let mut watched = vec![None; mapping.only_if.as_ref().map_or(0, |it| it.roots().len())];
    for rule in &mapping.rules {
        let before = fields.len();
        fields.push_str(&rule.key);
        let value = fields.len();
        match write(rule, &found, &mut fields) {
            Ok(true) => {
                if let Some(number) = rule.watched {
                    watched[number] = Some(value..fields.len());
                }
                fields.push(',');
            }
            Ok(false) => fields.truncate(before),
            Err(reason) => {
                return Err(bad(Some(&id), Some(&rule.target), reason));
            }
        }
        if fields.len() > MOST_FIELDS {
            let reason = format!("the fields have more than {MOST_FIELDS} bytes, up to this one");
            return Err(bad(Some(&id), Some(&rule.target), reason));
        }
    }
    if fields.ends_with(',') {
        fields.pop();
    }
    fields.push('}');
    let mut filtered = None;
    if let Some(only_if) = &mapping.only_if {
        let mapped = |number: usize| Some(watched[number].clone().map_or("null", |range| &fields[range]));
        match only_if.holds(mapped) {
            Ok(true) => {}
            Ok(false) => filtered = Some(format!("only-if is not true: {}", only_if.shown())),
            Err(reason) => return Err(bad(Some(&id), Some("only-if"), reason)),
        }
    }
    Ok(MappedRecord { id: id.into_owned(), enabled, fields, filtered })
}

/// Writes the value of a field. False: nothing is to be written.
fn write(rule: &Rule, found: &[Found<'_>], out: &mut String) -> Result<bool, String> {
    if let Some(when) = &rule.when
        && !when.holds(found).map_err(|reason| format!("`when`: {reason}"))?
    {
        return Ok(false);
    }
    match &rule.origin {
        Origin::Constant(text) => {
            out.push_str(text);
            Ok(true)
        }
        // What most rules are: nothing is allocated, nothing copied but into the output.
        Origin::Source(slot) if rule.steps.is_empty() => source_value(rule, &found[*slot], out),
        origin => {
            let work = steps::convert(&rule.steps, worked(rule, origin, found)?)?;
            made_value(rule, &work, out)
        }
    }
}

/// The value that a rule begins with.
fn worked(rule: &Rule, origin: &Origin, found: &[Found<'_>]) -> Result<Work, String> {
    match origin {
        Origin::Constant(text) => Work::of_json(text),
        Origin::Source(slot) => of_found(&found[*slot], &rule.path),
        Origin::Expression(reading) => reading.value(found),
        Origin::First(slots) => {
            let mut nothing = Work::Absent;
            for slot in slots {
                let work = of_found(&found[*slot], &rule.path)?;
                if !work.is_blank() {
                    return Ok(work);
                }
                if work != Work::Absent {
                    nothing = Work::Null;
                }
            }
            Ok(nothing)
        }
        Origin::Join(slots, separator) => {
            let (mut text, mut nothing) = (String::new(), Work::Absent);
            for slot in slots {
                let work = of_found(&found[*slot], &rule.path)?;
                if work.is_blank() {
                    nothing = if work == Work::Absent { nothing } else { Work::Null };
                    continue;
                }
                let Some(part) = work.as_text() else {
                    return Err(format!("`join` expects texts, the source sent {}", work.in_words()));
                };
                if !text.is_empty() {
                    text.push_str(separator);
                }
                text.push_str(part);
            }
            Ok(if text.is_empty() { nothing } else { Work::Text(text) })
        }
    }
}

fn of_found(found: &Found<'_>, path: &str) -> Result<Work, String> {
    match found {
        Found::Absent => Ok(Work::Absent),
        Found::Null => Ok(Work::Null),
        Found::Value(value) => Work::of_json(value.get()),
        Found::NoObject { value } => Err(no_object(value, path)),
    }
}

fn no_object(value: &RawValue, path: &str) -> String {
    let sent = in_words(value.get());
    format!("expected an object or a list on the way to `{path}`, the source sent {sent}")
}

impl Reading {
    fn raw<'a>(&self, found: &[Found<'a>], number: usize) -> Option<&'a str> {
        match found[self.slots[number]] {
            Found::Value(value) => Some(value.get()),
            _ => None,
        }
    }

    fn value(&self, found: &[Found<'_>]) -> Result<Work, String> {
        self.expression.value(|number| self.raw(found, number))
    }

    fn holds(&self, found: &[Found<'_>]) -> Result<bool, String> {
        self.expression.holds(|number| self.raw(found, number))
    }
}

/// Writes what the source sent for a field. False: nothing is to be written.
fn source_value(rule: &Rule, found: &Found<'_>, out: &mut String) -> Result<bool, String> {
    let value = match found {
        Found::Absent => return absent(rule),
        Found::Null => return null(rule, out),
        Found::NoObject { value } => return Err(no_object(value, &rule.path)),
        Found::Value(value) => value.get(),
    };
    if value == "null" {
        return null(rule, out);
    }
    fitting(rule, value, "the source sent", out)
}

/// Writes what converters made of it. False: nothing is to be written.
fn made_value(rule: &Rule, work: &Work, out: &mut String) -> Result<bool, String> {
    match work.json() {
        Some(value) => fitting(rule, &value, "the rule gave", out),
        None if *work == Work::Absent => absent(rule),
        None => null(rule, out),
    }
}

fn required(rule: &Rule, what: &str) -> String {
    format!("required, but the source sent {what} for `{}`", rule.path)
}

fn absent(rule: &Rule) -> Result<bool, String> {
    if rule.required { Err(required(rule, "nothing")) } else { Ok(false) }
}

fn null(rule: &Rule, out: &mut String) -> Result<bool, String> {
    match &rule.null {
        WhenNull::Default(text) => {
            out.push_str(text);
            Ok(true)
        }
        _ if rule.required => Err(required(rule, "null")),
        WhenNull::Clear => {
            out.push_str("null");
            Ok(true)
        }
        WhenNull::Keep => Ok(false),
    }
}

fn fitting(rule: &Rule, value: &str, gave: &str, out: &mut String) -> Result<bool, String> {
    match value::write(rule.kind, value, out) {
        Ok(empty) if empty && rule.required => Err(required(rule, "an empty text")),
        Ok(_) => Ok(true),
        Err(Misfit::Type) => {
            let (expected, sent) = (rule.kind.in_words(), in_words(value));
            Err(format!("expected {expected}, {gave} {sent}"))
        }
        Err(Misfit::Text) => Err("the text holds half a surrogate pair, which is no character".to_owned()),
        Err(Misfit::Time) => {
            let sent = in_words(value);
            Err(format!("expected a time by RFC 3339, {gave} {sent}"))
        }
    }
}

#[cfg(test)]
mod tests;
