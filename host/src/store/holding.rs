//! Letting things wait in a staged run: parts of changes, creations, records that could be several people.

use rusqlite::{Transaction, TransactionBehavior, params};

use super::fields::Difference;
use super::settle::KeyConflict;
use super::{Flowing, Result, RunId, Store};
use crate::model::Outcome;

/// A part of a change that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPart {
    /// The cause that it is held for.
    pub cause: String,
    /// Why, for people.
    pub reason: String,
    /// JSON list of the differences that wait; none when it is the status.
    pub differences: Option<String>,
}

/// What of a change is left when parts of it wait.
#[derive(Clone, Debug)]
pub struct Rest<'a> {
    /// The outcome of what is left.
    pub outcome: Outcome,
    /// JSON list of what still flows.
    pub differences: Option<&'a str>,
    /// The status waits too.
    pub hold_status: bool,
}

impl Store {
    /// Makes a staged row ambiguous: nothing of it flows, and somebody is asked which of the candidates it is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn make_ambiguous(
        &mut self,
        run: RunId,
        change: i64,
        reason: &str,
        candidates: &[i64],
    ) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (source_id, fields, differences): (Option<String>, Option<String>, Option<String>) = tx
            .query_row(
                "SELECT source_id, fields, differences FROM change WHERE id = ?1",
                [change],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
        let doubt = Doubt {
            candidates: candidates.to_vec(),
            record: fields.as_deref().map(record_of).transpose()?.or(differences),
            digest: fields.as_deref().map(super::fields_digest).transpose()?,
        };
        stop(&tx, change, Outcome::Ambiguous, "none", reason)?;
        if let Some(source_id) = source_id {
            doubtful(&tx, run, &source_id, reason, &doubt)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Lets parts of changes wait; what is left goes on flowing.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing waits.
    pub fn hold_parts(&mut self, run: RunId, held: &[(Flowing, Vec<HeldPart>, Rest<'_>)]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut hold = tx.prepare_cached(HOLD)?;
            let mut change = tx.prepare_cached(
                "UPDATE change SET outcome = ?2, state = ?3, differences = ?4,
                   active_after = CASE WHEN ?5 THEN NULL ELSE active_after END,
                   evidence = CASE WHEN ?5 THEN NULL ELSE evidence END
                 WHERE id = ?1",
            )?;
            let mut staged = tx.prepare_cached("UPDATE staged SET open = 1, keys = ?2 WHERE id = ?1")?;
            let mut absent = tx.prepare_cached(
                "UPDATE staged_absent SET gone = 0 WHERE run = ?1 AND link IN
                   (SELECT id FROM link WHERE tenant = ?2 AND person = ?3)",
            )?;
            for (flowing, parts, rest) in held {
                for part in parts {
                    hold.execute(params![
                        run.row,
                        flowing.source_id,
                        part.cause,
                        flowing.person,
                        part.reason,
                        part.differences
                    ])?;
                }
                let state = if rest.outcome.changes_someone() { "flows" } else { "held" };
                change.execute(params![
                    flowing.change,
                    rest.outcome.name(),
                    state,
                    rest.differences,
                    rest.hold_status
                ])?;
                let keys = rest.differences.map(|it| self.keys.of_differences(it)).transpose()?.flatten();
                staged.execute(params![flowing.change, keys])?;
                if rest.hold_status {
                    absent.execute(params![run.row, self.tenant.0, flowing.person])?;
                }
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Lets a creation wait as a whole.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_creation(&mut self, run: RunId, conflict: &KeyConflict, part: &HeldPart) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let fields: Option<String> =
            tx.query_row("SELECT fields FROM change WHERE id = ?1", [conflict.change], |row| row.get(0))?;
        tx.prepare_cached(DOUBT)?.execute(params![
            run.row,
            conflict.source_id,
            part.cause,
            part.reason,
            fields.as_deref().map(record_of).transpose()?,
            serde_json::to_string(&[conflict.owner])?,
            fields.as_deref().map(super::fields_digest).transpose()?,
        ])?;
        stop(&tx, conflict.change, Outcome::Held, "held", &part.reason)?;
        tx.commit()?;
        Ok(())
    }

    /// Holds without a change of their own: people of whom the source has not answered for.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_people(&mut self, run: RunId, people: &[(String, i64)], part: &HeldPart) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut hold = tx.prepare_cached(HOLD)?;
            for (source_id, person) in people {
                hold.execute(params![run.row, source_id, part.cause, person, part.reason, part.differences])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Passes over a row that stands twice in the listing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn pass_over(&mut self, change: i64, reason: &str) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        stop(&tx, change, Outcome::Skipped, "none", reason)?;
        tx.commit()?;
        Ok(())
    }

    /// Fields whose overwriting waits for consent, by source id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn overwrites(&self, integration: &str) -> Result<std::collections::HashMap<String, Vec<String>>> {
        let mut query = self.sql.prepare_cached(
            "SELECT source_id, substr(cause, length('overwrite:') + 1) FROM hold
             WHERE tenant = ?1 AND integration = ?2 AND state = 'open' AND cause LIKE 'overwrite:%'",
        )?;
        let mut rows = query.query(params![self.tenant.0, integration])?;
        let mut waiting = std::collections::HashMap::<String, Vec<String>>::new();
        while let Some(row) = rows.next()? {
            waiting.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(waiting)
    }

    /// Open holds of an integration, as pairs of source id and cause.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn standing_holds(&self, integration: &str) -> Result<std::collections::HashSet<(String, String)>> {
        Ok(self
            .sql
            .prepare(
                "SELECT source_id, cause FROM hold WHERE tenant = ?1 AND integration = ?2 AND state = 'open'",
            )?
            .query_map(params![self.tenant.0, integration], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?)
    }
}

/// Why nobody can tell who a record is, as somebody in charge needs it to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// Rows of the people it could be.
    pub candidates: Vec<i64>,
    /// What tells the record from others: JSON list of `[field, null, value]`.
    pub record: Option<String>,
    /// [`super::fields_digest`] of its mapped fields.
    pub digest: Option<String>,
}

/// The cause under which records wait that could be several people.
pub const AMBIGUOUS: &str = "ambiguous";

/// The fields by which people tell a record from others, as a JSON list of `[field, null, value]`.
///
/// # Errors
/// When the text is not a JSON object.
pub fn record_of(fields: &str) -> Result<String> {
    let map = super::fields::parse(fields)?;
    let telling = ["display_name", "username", "email", "employee_id"];
    let list: Vec<Difference<'_>> = telling
        .iter()
        .filter_map(|field| Some((*field, None, Some(*map.get(field)?))))
        .filter(|(_, _, value)| value.is_some_and(|it| it.get() != "null"))
        .collect();
    Ok(serde_json::to_string(&list)?)
}

/// Asks somebody in charge who a record is.
pub(super) fn doubtful(
    tx: &Transaction<'_>,
    run: RunId,
    source_id: &str,
    reason: &str,
    doubt: &Doubt,
) -> Result<()> {
    tx.prepare_cached(DOUBT)?.execute(params![
        run.row,
        source_id,
        AMBIGUOUS,
        reason,
        doubt.record,
        serde_json::to_string(&doubt.candidates)?,
        doubt.digest,
    ])?;
    Ok(())
}

/// Takes everything out of a change; its link, when it has one, is looked at again.
pub(super) fn stop(
    tx: &Transaction<'_>,
    change: i64,
    outcome: Outcome,
    state: &str,
    reason: &str,
) -> Result<()> {
    for (sql, all) in [
        (
            "UPDATE change SET outcome = ?2, state = ?3, reason = ?4, cause = NULL, fields = NULL,
               differences = NULL, active_after = NULL, evidence = NULL, uid = NULL,
               person = CASE WHEN outcome = 'created' THEN NULL ELSE person END
             WHERE id = ?1",
            true,
        ),
        (
            "DELETE FROM staged_unlink WHERE (run, link) IN
            (SELECT s.run, l.id FROM staged s JOIN link l ON l.person = s.person WHERE s.id = ?1)",
            false,
        ),
        (
            "DELETE FROM document WHERE id = (SELECT document FROM staged WHERE id = ?1 AND link IS NULL)",
            false,
        ),
        (
            "UPDATE staged SET keys = NULL, open = 1, linking = link IS NOT NULL,
               document = CASE WHEN link IS NULL THEN NULL ELSE document END,
               person = CASE WHEN link IS NULL THEN NULL ELSE person END
             WHERE id = ?1",
            false,
        ),
    ] {
        let mut statement = tx.prepare_cached(sql)?;
        if all {
            statement.execute(params![change, outcome.name(), state, reason])?;
        } else {
            statement.execute([change])?;
        }
    }
    Ok(())
}

const DOUBT: &str = "INSERT INTO staged_hold (run, source_id, cause, reason, differences, candidates, digest)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";

const HOLD: &str = "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
