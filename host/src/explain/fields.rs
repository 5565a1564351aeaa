//! Each field: the rules that fill it, the value that stands, where that comes from, and what was not applied.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::rule;
use crate::engine::contract::{BadRecord, MappedRecord};
use crate::model::{CONNECTOR_SYNC_TIME, MANAGER, Millis, Targets};
use crate::store::{ChangeRow, PersonRow, Question, StandingLock, StandingPin, fields};

/// One field.
#[derive(Clone, Debug)]
pub struct FieldStory {
    /// Its name.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// The JSON text of the value that stands; none = empty.
    pub value: Option<String>,
    /// What happened to it, the oldest first.
    pub history: Vec<FieldChange>,
    /// The rules that fill it, one for each integration.
    pub rules: Vec<RuleStory>,
}

/// One change of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The run.
    pub run: i64,
    /// When.
    pub at: Millis,
    /// Who: an integration's name, `import`, `undo`, `hand`.
    pub who: String,
    /// The value before, JSON; none = empty.
    pub before: Option<String>,
    /// The value after, JSON; none = empty.
    pub after: Option<String>,
    /// The run that undid it.
    pub undone_by: Option<i64>,
}

/// A rule, and what it makes of the record.
#[derive(Clone, Debug)]
pub struct RuleStory {
    /// The integration.
    pub integration: String,
    /// The rule, in a clause.
    pub rule: String,
    /// What it gives.
    pub mapped: Mapped,
    /// Why what it gives was not written: owned, locked, pinned, held, a write rule.
    pub not_applied: Vec<String>,
}

/// What a rule makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// This value, JSON.
    Value(String),
    /// Empty: the field is cleared.
    Empty,
    /// Nothing is written: the source did not send it, or the rule says keep.
    Kept,
    /// The row fails.
    Failed(String),
    /// The stamp of the run, no value of the person.
    Stamp,
    /// No record is kept.
    Unknown,
}

/// What one integration brings into the story of the fields.
pub(super) struct Feed<'a> {
    pub(super) integration: &'a str,
    pub(super) mapping: &'a str,
    pub(super) stamps: bool,
    /// A pass of its own fills the field `manager`.
    pub(super) managers: bool,
    pub(super) mapped: Option<&'a Result<MappedRecord, BadRecord>>,
    pub(super) barred: Vec<(String, String)>,
    pub(super) held: &'a [Question],
    pub(super) pins: &'a [StandingPin],
    pub(super) not_applied: &'a [String],
}

/// Who made a row of the ledger.
pub(super) fn who(row: &ChangeRow) -> String {
    match (&row.integration, row.kind.as_str()) {
        (Some(name), _) => name.clone(),
        (None, kind @ ("import" | "undo")) => kind.to_owned(),
        (None, _) => "hand".to_owned(),
    }
}

/// The changes of every field, the oldest first. `rows` are the newest first.
#[must_use]
pub fn values(rows: &[ChangeRow]) -> BTreeMap<String, Vec<FieldChange>> {
    let mut changes: BTreeMap<String, Vec<FieldChange>> = BTreeMap::new();
    for row in rows.iter().rev().filter(|row| row.was_applied()) {
        let mut add = |field: &str, before: Option<&RawValue>, after: Option<&RawValue>| {
            let text = |raw: Option<&RawValue>| raw.map(|it| it.get().to_owned()).filter(|it| it != "null");
            changes.entry(field.to_owned()).or_default().push(FieldChange {
                run: row.run,
                at: row.at,
                who: who(row),
                before: text(before),
                after: text(after),
                undone_by: row.undone_by,
            });
        };
        if let Some(created) = row.fields.as_deref() {
            for (field, value) in fields::parse(created).unwrap_or_default() {
                add(field, None, Some(value));
            }
        }
        let list: Vec<fields::Difference<'_>> =
            row.differences.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        for (field, before, after) in list {
            add(field, before, after);
        }
    }
    changes
}

/// The rows that changed the status, the oldest first. `rows` are the newest first.
#[must_use]
pub fn status_history(rows: &[ChangeRow]) -> Vec<ChangeRow> {
    rows.iter().rev().filter(|row| row.was_applied() && row.active_after.is_some()).cloned().collect()
}

/// Every field that stands, or that a mapping fills.
pub(super) fn stories(
    person: Option<&PersonRow>,
    rows: &[ChangeRow],
    locks: &[StandingLock],
    feeds: &[Feed<'_>],
    targets: &Targets,
) -> Vec<FieldStory> {
    let mut history = values(rows);
    let stands = person.map(|it| fields::parse(&it.fields).unwrap_or_default()).unwrap_or_default();
    let mut rules: BTreeMap<String, Vec<RuleStory>> = BTreeMap::new();
    for feed in feeds {
        for (field, text) in rule::rules(feed.mapping) {
            let story = feed.rule(&field, text, locks);
            rules.entry(field).or_default().push(story);
        }
        if feed.stamps {
            let stamp = feed.rule(CONNECTOR_SYNC_TIME, "the time of the run".to_owned(), &[]);
            rules
                .entry(CONNECTOR_SYNC_TIME.to_owned())
                .or_default()
                .push(RuleStory { mapped: Mapped::Stamp, ..stamp });
        }
    }
    for feed in feeds.iter().filter(|feed| feed.managers) {
        let rule = "the manager's username, read in a pass of its own (`manager = true`)".to_owned();
        let story = RuleStory { mapped: Mapped::Unknown, ..feed.rule(MANAGER, rule, locks) };
        rules.entry(MANAGER.to_owned()).or_default().push(story);
    }
    let mut names: Vec<(String, String)> =
        targets.iter().map(|it| (it.name.clone(), it.label.clone())).collect();
    let own =
        stands.keys().map(|it| (*it).to_owned()).chain(rules.keys().cloned()).chain(history.keys().cloned());
    for name in own.collect::<std::collections::BTreeSet<String>>() {
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name.clone(), name));
        }
    }
    names
        .into_iter()
        .filter_map(|(field, label)| {
            let value = if field == CONNECTOR_SYNC_TIME {
                person.and_then(|it| it.sync_time).map(|at| format!("\"{}\"", super::next::moment(at)))
            } else {
                stands.get(field.as_str()).map(|it| it.get().to_owned())
            };
            let (rules, history) =
                (rules.remove(&field).unwrap_or_default(), history.remove(&field).unwrap_or_default());
            let said = value.is_some() || !rules.is_empty() || !history.is_empty();
            said.then_some(FieldStory { field, label, value, history, rules })
        })
        .collect()
}

impl Feed<'_> {
    fn rule(&self, field: &str, rule: String, locks: &[StandingLock]) -> RuleStory {
        let mapped = match self.mapped {
            None => Mapped::Unknown,
            Some(Err(bad)) if bad.field.as_deref() == Some(field) => Mapped::Failed(bad.reason.clone()),
            Some(Err(_)) => Mapped::Unknown,
            Some(Ok(mapped)) => {
                match fields::parse(&mapped.fields).ok().and_then(|map| map.get(field).copied()) {
                    None => Mapped::Kept,
                    Some(raw) if raw.get() == "null" => Mapped::Empty,
                    Some(raw) => Mapped::Value(raw.get().to_owned()),
                }
            }
        };
        let mut not_applied: Vec<String> = Vec::new();
        let mut add = |text: String| {
            if !not_applied.contains(&text) {
                not_applied.push(text);
            }
        };
        for lock in locks.iter().filter(|it| it.field == field || it.field.is_empty()) {
            match &lock.note {
                Some(note) => add(format!("locked by hand: {note}")),
                None => add("locked by hand".to_owned()),
            }
        }
        for pin in self.pins.iter().filter(|it| it.field == field || it.field == "*") {
            add(format!("pinned: {}", pin.reason));
        }
        for question in self.held {
            let list: Vec<fields::Difference<'_>> = question
                .differences
                .as_deref()
                .and_then(|it| serde_json::from_str(it).ok())
                .unwrap_or_default();
            if list.iter().any(|(name, ..)| *name == field) {
                add(format!("held since run {}: {}", question.opened_run, question.cause));
            }
        }
        let begin = format!("{field}: ");
        let barred = self.barred.iter().filter(|(name, _)| name == field).map(|(_, reason)| reason.as_str());
        let told: Vec<String> = not_applied.clone();
        for sentence in barred.chain(self.not_applied.iter().filter_map(|it| it.strip_prefix(&begin))) {
            // A lock or a pin is named above, in full.
            let named = ["locked", "pinned"]
                .iter()
                .any(|word| sentence.starts_with(word) && told.iter().any(|it| it.starts_with(word)));
            if !named && !not_applied.iter().any(|it| it == sentence) {
                not_applied.push(sentence.to_owned());
            }
        }
        RuleStory { integration: self.integration.to_owned(), rule, mapped, not_applied }
    }
}
