//! Standing questions to a person in charge: opened, kept, amended and withdrawn by runs; answered by people.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, named_params, params};

use super::apply::Apply;
use super::fields::Difference;
use super::runs::{discard_open, next_number};
use super::{AMBIGUOUS, NewPin, Result, RunId, Store, StoreError, pins};
use crate::model::{Millis, Outcome};
use crate::sync::{RunKind, RunReport, RunState};

/// An open hold, as an answer to it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// Its number.
    pub id: i64,
    /// The user at the source.
    pub source_id: String,
    /// The person; none = nobody yet.
    pub person: Option<i64>,
    /// The cause.
    pub cause: String,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// Of a record that is nobody yet: the digest of its mapped fields.
    pub digest: Option<String>,
}

/// How a question ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is no question any more.
    Withdrawn,
    /// Somebody said yes.
    Approved,
}

/// An answer to a standing question, to be written when its run is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The hold.
    pub hold: i64,
    /// How it ends.
    pub state: Held,
    /// For people.
    pub note: String,
}

/// What a rejection did.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Its report.
    pub report: RunReport,
    /// Holds that stay open: their number, and why.
    pub left: Vec<(i64, &'static str)>,
}

impl Store {
    /// All open holds of an integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn questions(&self, integration: &str) -> Result<Vec<OpenHold>> {
        questions(&self.sql, self.tenant.0, integration)
    }

    /// Notes which questions a run over some people answers.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_closings(&mut self, run: RunId, closings: &[Closing]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO staged_close (run, hold, state, note) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            for closing in closings {
                let state = match closing.state {
                    Held::Withdrawn => "withdrawn",
                    Held::Approved => "approved",
                };
                insert.execute(params![run.row, closing.hold, state, closing.note])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Says no to holds: what they would have changed is pinned until the source says something else.
    ///
    /// # Errors
    /// When the store cannot be written, or none of them can be rejected. Then nothing has changed.
    pub fn reject_holds(&mut self, integration: &str, holds: &[i64], at: Millis) -> Result<Rejected> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let wanted: HashSet<i64> = holds.iter().copied().collect();
        // What was staged before the answer would ask again.
        discard_open(&tx, tenant, integration, at)?;
        let number = next_number(&tx, tenant)?;
        tx.execute(
            "INSERT INTO run (tenant, number, integration, kind, state, started_at, ended_at)
             VALUES (?1, ?2, ?3, 'reject', 'applied', ?4, ?4)",
            params![tenant, number, integration, at],
        )?;
        let run = tx.last_insert_rowid();
        let reason = format!("rejected in run {number}");
        let mut rejected = 0;
        let mut left = Vec::new();
        for hold in questions(&tx, tenant, integration)?.into_iter().filter(|it| wanted.contains(&it.id)) {
            let pins = match pinned(&hold)? {
                Ok(pins) => pins,
                Err(why) => {
                    left.push((hold.id, why));
                    continue;
                }
            };
            for (field, value) in &pins {
                let pin = NewPin {
                    tenant,
                    integration,
                    source_id: &hold.source_id,
                    person: hold.person,
                    field,
                    source_value: value.as_deref(),
                    reason: &reason,
                    run,
                    at,
                };
                pins::insert(&tx, &pin)?;
            }
            tx.prepare_cached(
                "UPDATE hold SET state = 'rejected', closed_at = ?2, closed_note = ?3, closed_run = ?4
                 WHERE id = ?1",
            )?
            .execute(params![hold.id, at, reason, run])?;
            rejected += 1;
        }
        if rejected == 0 {
            let why = left.first().map_or("none of them is open any more", |(_, why)| *why);
            return Err(StoreError::Refused(format!("nothing can be rejected: {why}")));
        }
        let report = report(number, integration, at, rejected);
        tx.execute(
            "UPDATE run SET report = ?2 WHERE id = ?1",
            params![run, serde_json::to_string(&report)?],
        )?;
        tx.commit()?;
        Ok(Rejected { report, left })
    }

    /// What became of a hold: its state and the note of whoever closed it. None when there is none of that number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hold_state(&self, id: i64) -> Result<Option<(String, Option<String>)>> {
        Ok(self
            .sql
            .query_row(
                "SELECT state, closed_note FROM hold WHERE tenant = ?1 AND id = ?2",
                params![self.tenant.0, id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?)
    }
}

fn questions(sql: &rusqlite::Connection, tenant: i64, integration: &str) -> Result<Vec<OpenHold>> {
    let mut query = sql.prepare_cached(
        "SELECT id, source_id, person, cause, differences, digest FROM hold
         WHERE tenant = ?1 AND integration = ?2 AND state = 'open' ORDER BY id",
    )?;
    let rows = query.query_map(params![tenant, integration], |row| {
        Ok(OpenHold {
            id: row.get(0)?,
            source_id: row.get(1)?,
            person: row.get(2)?,
            cause: row.get(3)?,
            differences: row.get(4)?,
            digest: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Fields with what the source says of them, as pins keep it.
type Pinned = Vec<(String, Option<String>)>;

/// What a rejection of a hold pins, or why it cannot be rejected.
fn pinned(hold: &OpenHold) -> Result<std::result::Result<Pinned, &'static str>> {
    if hold.cause.starts_with(super::SAAS_LEAVING) {
        // Nothing of the person: the pass over SaaS users looks at the hold itself.
        return Ok(Ok(Vec::new()));
    }
    if let Some(word) = hold.cause.strip_prefix("deactivate:") {
        if word == "unconfirmed" {
            return Ok(Err("the source gave no answer about them yet; `userload held approve` asks again"));
        }
        return Ok(Ok(vec![(pins::STATUS.to_owned(), Some(word.to_owned()))]));
    }
    if hold.person.is_none() {
        return Ok(match &hold.digest {
            Some(digest) => Ok(vec![(pins::WHOLE.to_owned(), Some(digest.clone()))]),
            None if hold.cause == AMBIGUOUS => Err("who they are is decided: `userload held decide`"),
            None => Err("what they would become is not known"),
        });
    }
    let list: Vec<Difference<'_>> =
        hold.differences.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    if list.is_empty() || hold.cause == AMBIGUOUS {
        return Ok(Err("two people of the source claim one username: that is settled there"));
    }
    let value = |after: Option<&serde_json::value::RawValue>| after.map(|it| it.get().to_owned());
    Ok(Ok(list.into_iter().map(|(field, _, after)| (field.to_owned(), value(after))).collect()))
}

fn report(run: i64, integration: &str, at: Millis, rejected: u64) -> RunReport {
    RunReport {
        state: RunState::Applied,
        ended_at: Some(at),
        rows_seen: rejected,
        outcomes: BTreeMap::from([(Outcome::Kept, rejected)]),
        ..RunReport::new(run, integration, RunKind::Reject, at)
    }
}

/// Closes what a run over some people answers, but for those who were left out because they moved. Gives back
/// how many were withdrawn.
pub(super) fn close(tx: &Transaction<'_>, apply: &Apply<'_>) -> Result<u64> {
    tx.execute(
        "UPDATE hold SET state = a.state, closed_at = :at, closed_note = a.note, closed_run = :run
         FROM staged_close a
         WHERE a.run = :run AND hold.id = a.hold AND hold.state = 'open' AND hold.source_id NOT IN (
           SELECT c.source_id FROM change c WHERE c.run = :run AND c.state = 'moved' AND c.source_id IS NOT NULL)",
        named_params! { ":run": apply.run.row, ":at": apply.at },
    )?;
    let withdrawn: i64 = tx.query_row(
        "SELECT count(*) FROM hold WHERE closed_run = ?1 AND state = 'withdrawn'",
        [apply.run.row],
        |row| row.get(0),
    )?;
    Ok(withdrawn.unsigned_abs())
}

/// Amends the questions that a run asks again, and opens the others. Gives back how many were opened.
pub(super) fn open(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<u64> {
    // `held before` says nothing: why it was held then is what somebody has to decide.
    tx.execute(
        "UPDATE hold SET reason = CASE h.reason WHEN 'held before' THEN hold.reason ELSE h.reason END,
           differences = h.differences, person = h.person, candidates = h.candidates, digest = h.digest
         FROM staged_hold h
         WHERE h.run = ?1 AND hold.tenant = ?2 AND hold.integration = ?3 AND hold.state = 'open'
           AND hold.source_id = h.source_id AND hold.cause = h.cause",
        params![apply.run.row, tenant, apply.integration],
    )?;
    let opened = tx.execute(
        "INSERT INTO hold (tenant, integration, source_id, person, cause, state, reason, differences, candidates,
                           digest, opened_run, opened_at)
         SELECT :tenant, :integration, h.source_id, h.person, h.cause, 'open', h.reason, h.differences,
                h.candidates, h.digest, :run, :at
         FROM staged_hold h WHERE h.run = :run AND NOT EXISTS (
           SELECT 1 FROM hold o WHERE o.tenant = :tenant AND o.integration = :integration AND o.state = 'open'
             AND o.source_id = h.source_id AND o.cause = h.cause)",
        named_params! {
            ":tenant": tenant, ":integration": apply.integration, ":run": apply.run.row, ":at": apply.at,
        },
    )?;
    Ok(opened as u64)
}
