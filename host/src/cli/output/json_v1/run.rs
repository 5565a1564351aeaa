//! Runs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::saas::{ManagersRun, SaasRun};
use super::{moment, raw};
use crate::store::RunRow;
use crate::sync::{CauseGroup, FailedRow, HeldGroup, PlannedChange, Reading, RunReport, Sample};

/// A run.
#[derive(Serialize)]
pub(crate) struct Run<'a> {
    number: i64,
    undoes: Option<i64>,
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
    reading: Option<Read<'a>>,
    managers: Option<ManagersRun>,
    saas: Option<SaasRun<'a>>,
    milliseconds: Milliseconds,
    cost: Cost,
    receipt: &'a serde_json::Value,
    error: Option<&'a str>,
}

/// Which way the source was read. Null in the run = everybody is listed every time.
#[derive(Serialize)]
struct Read<'a> {
    /// `changes` or `listing`.
    way: &'static str,
    why: Option<&'a str>,
    told: u64,
    asked: u64,
    unanswered: u64,
    looked_at_again: u64,
    next_lists_because: Option<&'a str>,
    parity: Option<Proven<'a>>,
}

/// How a listing compares with what reading changes had come to.
#[derive(Serialize)]
struct Proven<'a> {
    equal: bool,
    people: u64,
    properties: &'a [String],
    samples: &'a [String],
}

impl<'a> From<&'a Reading> for Read<'a> {
    fn from(it: &'a Reading) -> Self {
        Self {
            way: if it.changes_only { "changes" } else { "listing" },
            why: it.why.as_deref(),
            told: it.told,
            asked: it.asked,
            unanswered: it.unanswered,
            looked_at_again: it.again,
            next_lists_because: it.next.as_deref(),
            parity: it.parity.as_ref().map(|it| Proven {
                equal: it.people == 0,
                people: it.people,
                properties: &it.properties,
                samples: &it.samples,
            }),
        }
    }
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
            undoes: it.undoes,
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
            reading: it.reading.as_ref().map(Read::from),
            managers: it.managers.as_ref().map(ManagersRun::from),
            saas: it.saas.as_ref().map(SaasRun::from),
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
