//! What `--json` gives, version 1. Frozen: a field is never renamed, retyped or removed; additions are
//! allowed. Types of the program change freely, these do not follow them by themselves.
//!
//! Times are RFC 3339 in UTC. Values of fields are the source's own JSON texts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::difference::stored_differences;
use super::text::hostile;
use crate::model::{CONNECTOR_SYNC_TIME, Millis};
use crate::store::{ChangeRow, HoldGroup, HoldRow, LinkRow, PersonRow, RunRow};
use crate::sync::{CauseGroup, FailedRow, HeldGroup, PlannedChange, RunReport, Sample};

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

fn raw_list(json: Option<&str>) -> Box<RawValue> {
    raw(json.unwrap_or("[]"))
}

/// A run.
#[derive(Serialize)]
pub(crate) struct Run<'a> {
    number: i64,
    integration: Option<&'a str>,
    kind: String,
    state: &'a str,
    started_at: String,
    ended_at: Option<String>,
    complete: bool,
    incomplete_because: Option<&'a str>,
    rows_seen: u64,
    rows_expected: Option<u64>,
    absent: u64,
    outcomes: BTreeMap<&'static str, u64>,
    causes: Vec<Cause<'a>>,
    held: Vec<Held<'a>>,
    newly_held: u64,
    withdrawn: u64,
    failed: Vec<Row<'a>>,
    ambiguous: Vec<Row<'a>>,
    notes: &'a [String],
    milliseconds: Milliseconds,
    cost: Cost,
    receipt: &'a serde_json::Value,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Milliseconds {
    stage: u64,
    judge: u64,
    apply: u64,
    waited: u64,
}

#[derive(Serialize)]
struct Cost {
    retries: u32,
    throttled: u32,
    restarts: u32,
    resumed_pages: u32,
}

#[derive(Serialize)]
struct Cause<'a> {
    outcome: &'static str,
    cause: &'a str,
    count: u64,
    samples: Vec<Example<'a>>,
}

#[derive(Serialize)]
struct Held<'a> {
    cause: &'a str,
    reason: &'a str,
    count: u64,
    new: u64,
    since: String,
    samples: Vec<Example<'a>>,
}

#[derive(Serialize)]
struct Example<'a> {
    source_id: Option<&'a str>,
    name: &'a str,
    reason: &'a str,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    field: &'a str,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Row<'a> {
    source_id: Option<&'a str>,
    reason: &'a str,
}

impl<'a> From<&'a RunReport> for Run<'a> {
    fn from(it: &'a RunReport) -> Self {
        Self {
            number: it.run,
            integration: Some(it.integration.as_str()).filter(|name| !name.is_empty()),
            kind: format!("{:?}", it.kind).to_lowercase(),
            state: it.state.name(),
            started_at: moment(it.started_at),
            ended_at: it.ended_at.map(moment),
            complete: it.completeness.complete,
            incomplete_because: it.completeness.reason.as_deref(),
            rows_seen: it.rows_seen,
            rows_expected: it.completeness.expected,
            absent: it.absent,
            outcomes: it.outcomes.iter().map(|(outcome, count)| (outcome.name(), *count)).collect(),
            causes: it.causes.iter().map(cause).collect(),
            held: it.held.iter().map(held).collect(),
            newly_held: it.newly_held,
            withdrawn: it.withdrawn,
            failed: it.failed.iter().map(row).collect(),
            ambiguous: it.ambiguous.iter().map(row).collect(),
            notes: &it.notes,
            milliseconds: Milliseconds {
                stage: it.timings.stage,
                judge: it.timings.judge,
                apply: it.timings.apply,
                waited: it.cost.waited,
            },
            cost: Cost {
                retries: it.cost.retries,
                throttled: it.cost.throttled,
                restarts: it.cost.restarts,
                resumed_pages: it.cost.resumed_pages,
            },
            receipt: &it.receipt,
            error: it.error.as_deref(),
        }
    }
}

fn cause(it: &CauseGroup) -> Cause<'_> {
    Cause {
        outcome: it.outcome.name(),
        cause: &it.cause,
        count: it.count,
        samples: it.samples.iter().map(example).collect(),
    }
}

fn held(it: &HeldGroup) -> Held<'_> {
    Held {
        cause: &it.cause,
        reason: &it.reason,
        count: it.count,
        new: it.new,
        since: moment(it.since),
        samples: it.samples.iter().map(example).collect(),
    }
}

fn example(it: &Sample) -> Example<'_> {
    Example {
        source_id: it.source_id.as_deref(),
        name: &it.name,
        reason: &it.reason,
        changes: it.changes.iter().map(change).collect(),
    }
}

fn change(it: &PlannedChange) -> Change<'_> {
    Change { field: &it.field, before: it.before.as_deref().map(raw), after: it.after.as_deref().map(raw) }
}

fn row(it: &FailedRow) -> Row<'_> {
    Row { source_id: it.source_id.as_deref(), reason: &it.reason }
}

/// A run in a list.
#[derive(Serialize)]
pub(crate) struct RunLine<'a> {
    number: i64,
    integration: Option<&'a str>,
    kind: &'a str,
    state: &'a str,
    started_at: String,
    ended_at: Option<String>,
    outcomes: BTreeMap<&'static str, u64>,
}

impl<'a> From<&'a RunRow> for RunLine<'a> {
    fn from(it: &'a RunRow) -> Self {
        Self {
            number: it.number,
            integration: it.integration.as_deref(),
            kind: &it.kind,
            state: &it.state,
            started_at: moment(it.started_at),
            ended_at: it.ended_at.map(moment),
            outcomes: it
                .report
                .iter()
                .flat_map(|report| report.outcomes.iter().map(|(outcome, count)| (outcome.name(), *count)))
                .collect(),
        }
    }
}

/// A person.
#[derive(Serialize)]
pub(crate) struct Person<'a> {
    uid: &'a str,
    status: &'static str,
    ended_by: Option<&'a str>,
    version: i64,
    created_at: String,
    fields: Fields<'a>,
}

impl<'a> From<&'a PersonRow> for Person<'a> {
    fn from(it: &'a PersonRow) -> Self {
        Self {
            uid: &it.uid,
            status: if it.active { "active" } else { "inactive" },
            ended_by: it.ended_by.as_deref(),
            version: it.version,
            created_at: moment(it.created_at),
            fields: Fields { stored: &it.fields, sync_time: it.sync_time },
        }
    }
}

/// The fields of a person by name, with the stamp that is no value of theirs.
struct Fields<'a> {
    stored: &'a str,
    sync_time: Option<Millis>,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let stored = crate::store::fields::parse(self.stored).map_err(serde::ser::Error::custom)?;
        let stamp = self.sync_time.map(|at| raw(&format!("\"{}\"", moment(at))));
        let mut all = stored;
        if let Some(stamp) = &stamp {
            all.insert(CONNECTOR_SYNC_TIME, stamp);
        }
        let mut map = to.serialize_map(Some(all.len()))?;
        for (name, value) in &all {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A link of a person.
#[derive(Serialize)]
pub(crate) struct Link<'a> {
    integration: &'a str,
    source_tenant: &'a str,
    cloud: &'a str,
    source_id: &'a str,
    enabled: Option<bool>,
    absent_since: Option<String>,
    gone: bool,
    seen_at: Option<String>,
}

impl<'a> From<&'a LinkRow> for Link<'a> {
    fn from(it: &'a LinkRow) -> Self {
        Self {
            integration: &it.integration,
            source_tenant: &it.source_tenant,
            cloud: &it.cloud,
            source_id: &it.source_id,
            enabled: it.enabled,
            absent_since: it.absent_since.map(moment),
            gone: it.gone,
            seen_at: it.sync_time.map(moment),
        }
    }
}

/// A row of the ledger.
#[derive(Serialize)]
pub(crate) struct LedgerRow<'a> {
    run: i64,
    integration: Option<&'a str>,
    source_id: Option<&'a str>,
    name: Option<&'a str>,
    outcome: &'a str,
    state: &'a str,
    applied: bool,
    reason: &'a str,
    active_after: Option<bool>,
    fields: Option<Box<RawValue>>,
    changes: Vec<OwnedChange>,
    not_applied: Box<RawValue>,
    evidence: Option<Box<RawValue>>,
    at: String,
}

#[derive(Serialize)]
struct OwnedChange {
    field: String,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

fn owned_changes(differences: Option<&str>) -> Vec<OwnedChange> {
    stored_differences(differences)
        .into_iter()
        .map(|it| OwnedChange {
            before: it.before.as_deref().map(raw),
            after: it.after.as_deref().map(raw),
            field: it.field,
        })
        .collect()
}

impl<'a> From<&'a ChangeRow> for LedgerRow<'a> {
    fn from(it: &'a ChangeRow) -> Self {
        Self {
            run: it.run,
            integration: it.integration.as_deref(),
            source_id: it.source_id.as_deref(),
            name: it.name.as_deref(),
            outcome: &it.outcome,
            state: &it.state,
            applied: it.was_applied(),
            reason: &it.reason,
            active_after: it.active_after,
            fields: it.fields.as_deref().map(raw),
            changes: owned_changes(it.differences.as_deref()),
            not_applied: raw_list(it.not_applied.as_deref()),
            evidence: it.evidence.as_deref().map(raw),
            at: moment(it.at),
        }
    }
}

/// An open hold.
#[derive(Serialize)]
pub(crate) struct Hold<'a> {
    id: i64,
    integration: &'a str,
    source_id: &'a str,
    name: Option<&'a str>,
    uid: Option<&'a str>,
    cause: &'a str,
    reason: &'a str,
    changes: Vec<OwnedChange>,
    opened_run: i64,
    opened_at: String,
}

impl<'a> From<&'a HoldRow> for Hold<'a> {
    fn from(it: &'a HoldRow) -> Self {
        Self {
            id: it.id,
            integration: &it.integration,
            source_id: &it.source_id,
            name: it.name.as_deref(),
            uid: it.uid.as_deref(),
            cause: &it.cause,
            reason: &it.reason,
            changes: owned_changes(it.differences.as_deref()),
            opened_run: it.opened_run,
            opened_at: moment(it.opened_at),
        }
    }
}

/// Open holds with one cause.
#[derive(Serialize)]
pub(crate) struct HoldCause<'a> {
    integration: &'a str,
    cause: &'a str,
    reason: &'a str,
    count: u64,
    since: String,
}

impl<'a> From<&'a HoldGroup> for HoldCause<'a> {
    fn from(it: &'a HoldGroup) -> Self {
        Self {
            integration: &it.integration,
            cause: &it.cause,
            reason: &it.reason,
            count: it.count,
            since: moment(it.since),
        }
    }
}
