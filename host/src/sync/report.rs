//! What a run tells at its end. One value, shown as a table or as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Millis, Outcome};

/// What the run was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Stops before it applies.
    Plan,
    /// Applies what flows.
    Sync,
    /// People entered from a file, by hand.
    Import,
    /// One deed of the hand: somebody set, locked, unlinked, merged, erased.
    Hand,
    /// What another run did, taken back.
    Undo,
    /// Applies what was held and somebody in charge has approved.
    Approve,
    /// Takes a record for whom somebody in charge has decided that it is.
    Decide,
    /// Pins what was held and somebody in charge has rejected.
    Reject,
}

impl RunKind {
    /// As the store has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Sync => "sync",
            Self::Import => "import",
            Self::Hand => "hand",
            Self::Undo => "undo",
            Self::Approve => "approve",
            Self::Decide => "decide",
            Self::Reject => "reject",
        }
    }

    /// Whether it reads a whole listing, which says who is absent.
    #[must_use]
    pub fn lists(self) -> bool {
        matches!(self, Self::Plan | Self::Sync)
    }
}

/// Where the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Under way, or interrupted: the next start resumes or discards it.
    Staging,
    /// Staged and judged; `apply RUN` takes it up.
    Planned,
    /// Done.
    Applied,
    /// Ended by an error; nobody was changed.
    Failed,
    /// Given up for a newer one; nobody was changed.
    Discarded,
}

impl RunState {
    /// As the store has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
        }
    }
}

/// Whether the listing proves who is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// Everybody was listed: who was not may be judged.
    pub complete: bool,
    /// Why not, when it is incomplete; one clause.
    pub reason: Option<String>,
    /// Rows that the listing had.
    pub rows: u64,
    /// Rows that the source said it would have.
    pub expected: Option<u64>,
    /// Rows of the last complete listing.
    pub last: Option<u64>,
}

/// One difference of one person, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The field.
    pub field: String,
    /// JSON text; none = empty.
    pub before: Option<String>,
    /// JSON text; none = empty.
    pub after: Option<String>,
}

/// One person of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The source id, when the row has one.
    pub source_id: Option<String>,
    /// The person's display name or username.
    pub name: String,
    /// Why, when it says more than the group does.
    pub reason: String,
    /// What changes; empty for creations.
    pub changes: Vec<PlannedChange>,
}

/// Changes with one cause: `department: "Sales" -> "Revenue"`, `disabled at the source`, `new at the source`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseGroup {
    /// What becomes of them.
    pub outcome: Outcome,
    /// What they have in common.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// The first few.
    pub samples: Vec<Sample>,
}

/// Changes that wait for a person in charge, by cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldGroup {
    /// The cause, such as `deactivate:deleted`, `clear:department`, `overwrite:email`.
    pub cause: String,
    /// Why it is held: the limit that was passed, or the rule.
    pub reason: String,
    /// How many are held now.
    pub count: u64,
    /// How many of them were not held before this run.
    pub new: u64,
    /// When the oldest of them was first held.
    pub since: Millis,
    /// The first few.
    pub samples: Vec<Sample>,
}

/// A row that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRow {
    /// The source id, when the row still told it.
    pub source_id: Option<String>,
    /// What was expected and what was there.
    pub reason: String,
}

/// Milliseconds that the stages took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Fetching, mapping, reconciling and staging, which overlap.
    pub stage: u64,
    /// Settling, asking about the absent, and the guard.
    pub judge: u64,
    /// Applying.
    pub apply: u64,
}

/// What the run cost beyond its plain course.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Calls that were made again.
    pub retries: u32,
    /// Of these, because the source asked to be left alone.
    pub throttled: u32,
    /// Milliseconds spent waiting before calls were made again.
    pub waited: u64,
    /// Times that the listing started over because its cursor had expired.
    pub restarts: u32,
    /// Pages taken over from an interrupted run.
    pub resumed_pages: u32,
}

/// What a pass over managers came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managers {
    /// Every page came.
    pub complete: bool,
    /// People whose manager was looked at.
    pub read: u64,
    /// People who get another manager, or none any more.
    pub changed: u64,
    /// Of these, those in whom nothing else changes.
    pub quiet: u64,
    /// People whose other manager waits for a decision.
    pub held: u64,
    /// Managers who are not among the loaded people: what is known stays.
    pub unresolved: u64,
    /// Managers that were not written because of a lock, or because another integration owns the field.
    pub barred: u64,
}

/// What a pass over SaaS users came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaasPass {
    /// The SaaS application.
    pub application: String,
    /// Its listing proves who is no user any more.
    pub complete: bool,
    /// Why not, when it does not; one clause.
    pub reason: Option<String>,
    /// Users of the source that were looked at.
    pub read: u64,
    /// New SaaS users.
    pub created: u64,
    /// SaaS users with another role.
    pub updated: u64,
    /// SaaS users who become inactive.
    pub deactivated: u64,
    /// SaaS users who become active again.
    pub reactivated: u64,
    /// SaaS users who are none again, because an undo took their creation back.
    #[serde(default)]
    pub removed: u64,
    /// SaaS users whose deactivation waits for a decision.
    pub held: u64,
    /// SaaS users without a person; known once the run is applied.
    pub unmatched: Option<u64>,
}

/// Which way a run has read the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Changes only; else everybody was listed.
    pub changes_only: bool,
    /// Why this way; one clause.
    pub why: Option<String>,
    /// Users whom the source named as changed.
    pub told: u64,
    /// Users who were asked about by id.
    pub asked: u64,
    /// Of these, of whom there was no answer: they are asked about again.
    pub unanswered: u64,
    /// Users who were looked at again though the source named nothing new.
    pub again: u64,
    /// Why the next run will have to list everybody, when that is known; one clause.
    pub next: Option<String>,
    /// What the listing proved of the runs before it that had read changes; none = there was nothing to prove.
    pub parity: Option<Parity>,
}

/// How a listing compares with what reading changes had come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parity {
    /// Users of whom it says something else.
    pub people: u64,
    /// The properties in which they differ.
    pub properties: Vec<String>,
    /// Source ids of the first of them.
    pub samples: Vec<String>,
}

/// Everything that a run tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run's number, counted for each tenant.
    pub run: i64,
    /// Undos: the number of the run that is undone.
    #[serde(default)]
    pub undoes: Option<i64>,
    /// Undos: people and SaaS users of whom something had to stay as it is, each counted once. The groups of the outcome
    /// `kept` count each field. None = no undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
    /// The integration's name; empty = by hand.
    pub integration: String,
    /// What it was for.
    pub kind: RunKind,
    /// Where it stands.
    pub state: RunState,
    /// When it started.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Whether the listing proves absence.
    pub completeness: Completeness,
    /// Rows seen in the listing.
    pub rows_seen: u64,
    /// People absent from it, when it was complete.
    pub absent: u64,
    /// Rows by outcome; they add up to `rows_seen + absent`.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// What changes, by cause, most first.
    pub causes: Vec<CauseGroup>,
    /// What is held, by cause.
    pub held: Vec<HeldGroup>,
    /// Held changes that were not held before this run.
    pub newly_held: u64,
    /// Held changes that this run withdrew (`came back`).
    pub withdrawn: u64,
    /// The first rows that failed.
    pub failed: Vec<FailedRow>,
    /// The first rows that are ambiguous.
    pub ambiguous: Vec<FailedRow>,
    /// Sentences worth reading: incomplete listing, people left out because they moved, listing gaps.
    pub notes: Vec<String>,
    /// Which way the source was read; none = everybody is listed every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// What became of managers; none = they were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managers: Option<Managers>,
    /// What became of SaaS users; none = they were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saas: Option<SaasPass>,
    /// Where the time went.
    pub timings: Timings,
    /// What it cost.
    pub cost: Cost,
    /// What the plugin used: requests, bytes, CPU, memory, hosts. As the engine gives it.
    pub receipt: serde_json::Value,
    /// Why it failed, when it did: what, where, why, what next.
    pub error: Option<String>,
}

impl RunReport {
    /// Of a run that begins: nothing has happened yet.
    #[must_use]
    pub fn new(run: i64, integration: &str, kind: RunKind, started_at: Millis) -> Self {
        Self {
            run,
            undoes: None,
            kept: None,
            integration: integration.to_owned(),
            kind,
            state: RunState::Staging,
            started_at,
            ended_at: None,
            completeness: Completeness::default(),
            rows_seen: 0,
            absent: 0,
            outcomes: BTreeMap::new(),
            causes: Vec::new(),
            held: Vec::new(),
            newly_held: 0,
            withdrawn: 0,
            failed: Vec::new(),
            ambiguous: Vec::new(),
            notes: Vec::new(),
            reading: None,
            managers: None,
            saas: None,
            timings: Timings::default(),
            cost: Cost::default(),
            receipt: serde_json::Value::Null,
            error: None,
        }
    }

    /// Whether only changes were read.
    #[must_use]
    pub fn changes_only(&self) -> bool {
        self.reading.as_ref().is_some_and(|it| it.changes_only)
    }

    /// Rows of the listing, when it was a complete one.
    #[must_use]
    pub fn complete_rows(&self, rows: u64) -> Option<u64> {
        (self.completeness.complete && !self.changes_only()).then_some(rows)
    }

    /// How many rows ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// How many SaaS users change.
    #[must_use]
    pub fn saas_changes(&self) -> u64 {
        let changed = |it: &SaasPass| it.created + it.updated + it.deactivated + it.reactivated + it.removed;
        self.saas.as_ref().map_or(0, changed)
    }

    /// How many people change.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| outcome.changes_someone()).map(|(_, count)| count).sum()
    }
}
