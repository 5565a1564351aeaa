//! The story of `why`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::people::{LedgerRow, OwnedChange, Person, owned_changes};
use super::{Answer, moment, raw};
use crate::explain::{FieldChange, FieldStory, KeyStory, Mapped, RuleStory, Tale, Why};
use crate::store::{Question, StandingLock, StandingPin};

/// The whole answer.
pub(in crate::cli) fn story(why: &Why) -> Answer {
    Answer::new("person", why.person.as_ref().map(Person::from))
        .and("accounts", why.tales.iter().map(account).collect::<Vec<_>>())
        .and("fields", why.fields.iter().map(field).collect::<Vec<_>>())
        .and("status", why.status.iter().map(LedgerRow::from).collect::<Vec<_>>())
        .and("locks", why.locks.iter().map(lock).collect::<Vec<_>>())
        .and("never_seen_by", why.unseen.iter().map(unseen).collect::<Vec<_>>())
        .and("notes", &why.notes)
}

#[derive(Serialize)]
struct Account<'a> {
    integration: &'a str,
    source_id: &'a str,
    run: Option<Run<'a>>,
    record: Option<Box<RawValue>>,
    record_note: &'a str,
    filter: Option<&'a str>,
    filter_verdict: &'a str,
    linked_to: Option<Named<'a>>,
    linked_by: Option<LinkedBy>,
    match_keys: Vec<Key<'a>>,
    decided: Option<DecisionRow<'a>>,
    outcome: Option<&'a str>,
    reason: &'a str,
    ledger: Option<LedgerRow<'a>>,
    today: Option<Today<'a>>,
    held: Vec<Held<'a>>,
    waiting: Option<Waiting>,
    pins: Vec<Pin<'a>>,
    asked: Option<Asked<'a>>,
    next: &'a [String],
}

#[derive(Serialize)]
struct Run<'a> {
    number: i64,
    kind: &'a str,
    state: &'a str,
    started_at: String,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    uid: &'a str,
}

#[derive(Serialize)]
struct LinkedBy {
    run: i64,
    at: String,
}

#[derive(Serialize)]
struct Key<'a> {
    field: &'a str,
    value: Option<&'a str>,
    people: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct DecisionRow<'a> {
    kind: &'a str,
    person: Option<Named<'a>>,
    at: String,
}

#[derive(Serialize)]
struct Today<'a> {
    outcome: &'static str,
    reason: &'a str,
    changes: Vec<OwnedChange>,
    not_applied: &'a [String],
    rules_changed: bool,
}

/// An open question.
#[derive(Serialize)]
pub(in crate::cli) struct Held<'a> {
    id: i64,
    integration: &'a str,
    source_id: &'a str,
    cause: &'a str,
    reason: &'a str,
    changes: Vec<OwnedChange>,
    opened_run: i64,
    opened_at: String,
}

#[derive(Serialize)]
struct Waiting {
    runs: u32,
    of_runs: u32,
    since: String,
    until: String,
}

#[derive(Serialize)]
struct Pin<'a> {
    field: &'a str,
    source_value: Option<&'a str>,
    reason: &'a str,
    at: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    answer: &'static str,
    record: Option<Box<RawValue>>,
    verdict: &'a str,
}

fn named((name, uid): &(String, String)) -> Named<'_> {
    Named { name, uid }
}

fn account(it: &Tale) -> Account<'_> {
    Account {
        integration: &it.account.integration,
        source_id: &it.account.source_id,
        run: it.run.as_ref().map(|run| Run {
            number: run.number,
            kind: &run.kind,
            state: &run.state,
            started_at: moment(run.at),
        }),
        record: it.record.raw.as_deref().map(raw),
        record_note: &it.record.note,
        filter: it.filter.text.as_deref(),
        filter_verdict: &it.filter.verdict,
        linked_to: it.matching.linked.as_ref().map(named),
        linked_by: it.matching.linked_by.map(|(run, at)| LinkedBy { run, at: moment(at) }),
        match_keys: it.matching.keys.iter().map(key).collect(),
        decided: it.matching.decided.as_ref().map(|it| DecisionRow {
            kind: &it.kind,
            person: it.person.as_ref().map(named),
            at: moment(it.at),
        }),
        outcome: it.decision.outcome.as_deref(),
        reason: &it.decision.reason,
        ledger: it.decision.row.as_ref().map(LedgerRow::from),
        today: it.today.as_ref().map(|it| Today {
            outcome: it.outcome.name(),
            reason: &it.reason,
            changes: owned_changes(it.differences.as_deref()),
            not_applied: &it.not_applied,
            rules_changed: it.rules_changed,
        }),
        held: it.held.iter().map(Held::from).collect(),
        waiting: it.waiting.map(|it| Waiting {
            runs: it.runs,
            of_runs: it.of_runs,
            since: moment(it.since),
            until: moment(it.until),
        }),
        pins: it.pins.iter().map(pin).collect(),
        asked: it.asked.as_ref().map(|it| Asked {
            answer: it.answer,
            record: it.raw.as_deref().map(raw),
            verdict: &it.verdict,
        }),
        next: &it.next,
    }
}

fn key(it: &KeyStory) -> Key<'_> {
    Key { field: &it.field, value: it.value.as_deref(), people: it.people.iter().map(named).collect() }
}

impl<'a> From<&'a Question> for Held<'a> {
    fn from(it: &'a Question) -> Self {
        Self {
            id: it.id,
            integration: &it.integration,
            source_id: &it.source_id,
            cause: &it.cause,
            reason: &it.reason,
            changes: owned_changes(it.differences.as_deref()),
            opened_run: it.opened_run,
            opened_at: moment(it.opened_at),
        }
    }
}

fn pin(it: &StandingPin) -> Pin<'_> {
    Pin { field: &it.field, source_value: it.source_value.as_deref(), reason: &it.reason, at: moment(it.at) }
}

#[derive(Serialize)]
struct Lock<'a> {
    field: &'a str,
    note: Option<&'a str>,
    at: String,
}

fn lock(it: &StandingLock) -> Lock<'_> {
    Lock { field: &it.field, note: it.note.as_deref(), at: moment(it.at) }
}

#[derive(Serialize)]
struct Unseen<'a> {
    integration: &'a str,
    why: &'a str,
    asked: Option<&'a str>,
}

fn unseen(it: &crate::explain::Unseen) -> Unseen<'_> {
    Unseen { integration: &it.integration, why: &it.why, asked: it.asked.as_deref() }
}

/// A field.
#[derive(Serialize)]
pub(super) struct Field<'a> {
    field: &'a str,
    value: Option<Box<RawValue>>,
    rules: Vec<Rule<'a>>,
    history: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    integration: &'a str,
    rule: &'a str,
    mapped: &'static str,
    mapped_value: Option<Box<RawValue>>,
    failed: Option<&'a str>,
    not_applied: &'a [String],
}

/// One change of a field.
#[derive(Serialize)]
pub(in crate::cli) struct Step<'a> {
    run: i64,
    at: String,
    who: &'a str,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
    undone_by: Option<i64>,
}

pub(super) fn field(it: &FieldStory) -> Field<'_> {
    Field {
        field: &it.field,
        value: it.value.as_deref().map(raw),
        rules: it.rules.iter().map(rule).collect(),
        history: it.history.iter().map(Step::from).collect(),
    }
}

fn rule(it: &RuleStory) -> Rule<'_> {
    let (mapped, mapped_value, failed) = match &it.mapped {
        Mapped::Value(value) => ("value", Some(raw(value)), None),
        Mapped::Empty => ("empty", None, None),
        Mapped::Kept => ("kept", None, None),
        Mapped::Failed(reason) => ("failed", None, Some(reason.as_str())),
        Mapped::Stamp => ("stamp", None, None),
        Mapped::Unknown => ("unknown", None, None),
    };
    Rule {
        integration: &it.integration,
        rule: &it.rule,
        mapped,
        mapped_value,
        failed,
        not_applied: &it.not_applied,
    }
}

impl<'a> From<&'a FieldChange> for Step<'a> {
    fn from(it: &'a FieldChange) -> Self {
        Self {
            run: it.run,
            at: moment(it.at),
            who: &it.who,
            before: it.before.as_deref().map(raw),
            after: it.after.as_deref().map(raw),
            undone_by: it.undone_by,
        }
    }
}
