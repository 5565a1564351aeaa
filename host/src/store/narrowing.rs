//! What a run over some people needs of what it has staged: less of a change, a username of somebody who has left.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::settle::KeyConflict;
use super::{HeldPart, Result, RunId, Store};
use crate::model::{Millis, Outcome};

/// What is left of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The ledger row.
    pub change: i64,
    /// What becomes of it.
    pub outcome: Outcome,
    /// JSON list of the differences that are left.
    pub differences: Option<String>,
    /// The status stays as it is.
    pub drop_status: bool,
    /// Why, when it is another reason now.
    pub reason: Option<&'static str>,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRow {
    /// Its outcome.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Leaves only a part of changes in a staged run.
    ///
    /// # Errors
    /// When the store cannot be written; then all is as it was.
    pub fn narrow(&mut self, narrowed: &[Narrowed]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut change = tx.prepare_cached(
                "UPDATE change SET outcome = ?2, state = ?3, differences = ?4, reason = coalesce(?6, reason),
                   active_after = CASE WHEN ?5 THEN NULL ELSE active_after END,
                   evidence = CASE WHEN ?5 THEN NULL ELSE evidence END
                 WHERE id = ?1",
            )?;
            let mut staged = tx.prepare_cached("UPDATE staged SET open = 1, keys = ?2 WHERE id = ?1")?;
            for it in narrowed {
                let state = if it.outcome.changes_someone() { "flows" } else { "none" };
                change.execute(params![
                    it.change,
                    it.outcome.name(),
                    state,
                    it.differences,
                    it.drop_status,
                    it.reason
                ])?;
                let keys =
                    it.differences.as_deref().map(|it| self.keys.of_differences(it)).transpose()?.flatten();
                staged.execute(params![it.change, keys])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Asks a standing question again, with what the source says by now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_again(
        &mut self,
        run: RunId,
        source_id: &str,
        person: Option<i64>,
        part: &HeldPart,
    ) -> Result<()> {
        self.sql
            .prepare_cached(
                "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run.row, source_id, part.cause, person, part.reason, part.differences])?;
        Ok(())
    }

    /// What became of the rows of a run, by id at the source.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_outcomes(&self, run: RunId) -> Result<HashMap<String, EndedRow>> {
        let mut query = self.sql.prepare(
            "SELECT source_id, outcome, reason FROM change WHERE run = ?1 AND source_id IS NOT NULL ORDER BY id DESC",
        )?;
        query
            .query_map([run.row], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?
            .map(|row| {
                let (id, outcome, reason) = row?;
                Ok((id, EndedRow { outcome: outcome.parse()?, reason }))
            })
            .collect()
    }

    /// Whether somebody becomes inactive in a staged run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn leaves(&self, run: RunId, person: i64) -> Result<bool> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM change
                   WHERE person = ?2 AND run = ?1 AND state = 'flows' AND active_after = 0)",
            )?
            .query_row(params![run.row, person], |row| row.get(0))?)
    }

    /// Does not make a new person, and says why.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn refuse_creation(&mut self, change: i64, why: &str) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        super::holding::stop(&tx, change, Outcome::Held, "none", why)?;
        tx.commit()?;
        Ok(())
    }

    /// Takes the username from its owner, as a row of the ledger; with what else becomes of them in this run.
    /// Gives back how many rows the run has more by it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn take_username(&mut self, run: RunId, conflict: &KeyConflict, at: Millis) -> Result<u64> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (fields, version, id): (String, i64, String) = tx.query_row(
            "SELECT p.fields, p.version,
                    coalesce((SELECT source_id FROM link l WHERE l.person = p.id ORDER BY id LIMIT 1), p.uid)
             FROM person p WHERE p.id = ?1",
            [conflict.owner],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let there: Option<(i64, Option<String>)> = tx
            .query_row(
                "SELECT id, differences FROM change WHERE run = ?1 AND person = ?2 AND state = 'flows'",
                params![run.row, conflict.owner],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let map = super::fields::parse(&fields)?;
        let value = map.get("username").map_or("null", |raw| raw.get());
        let taken = format!("[\"username\",{value},null]");
        if let Some((change, differences)) = there {
            let list = match differences.as_deref().and_then(|it| it.strip_suffix(']')) {
                Some(list) if list != "[" => format!("{list},{taken}]"),
                _ => format!("[{taken}]"),
            };
            tx.execute("UPDATE change SET differences = ?2 WHERE id = ?1", params![change, list])?;
            tx.execute(
                "UPDATE staged SET keys = json_set(coalesce(keys, '{}'), '$.username', json('null')) WHERE id = ?1",
                [change],
            )?;
            tx.commit()?;
            return Ok(0);
        }
        let change: i64 = tx.query_row(
            "UPDATE sequence SET next = next + 1 WHERE name = 'change' RETURNING next - 1",
            [],
            |row| row.get(0),
        )?;
        let to = conflict.source_id.as_str();
        tx.execute(
            "INSERT INTO change (id, tenant, run, integration, source_id, person, outcome, state, cause, reason,
                                 differences, base_version, at)
             SELECT ?1, ?2, ?3, integration, ?4, ?5, 'updated', 'flows', 'key:username', ?6, ?7, ?8, ?9
             FROM run WHERE id = ?3",
            params![
                change,
                tenant,
                run.row,
                id,
                conflict.owner,
                format!("gave the username up to {to}, as was approved"),
                format!("[{taken}]"),
                version,
                at
            ],
        )?;
        tx.execute(
            "INSERT INTO staged (id, run, source_id, person, linking, open, digest, keys)
             VALUES (?1, ?2, ?3, ?4, 0, 1, x'', '{\"username\":null}')",
            params![change, run.row, id, conflict.owner],
        )?;
        tx.commit()?;
        Ok(1)
    }

    /// What somebody is called.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn name_of(&self, person: i64) -> Result<String> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT coalesce(json_extract(fields, '$.display_name'), json_extract(fields, '$.username'), uid)
                 FROM person WHERE id = ?1",
            )?
            .query_row([person], |row| row.get(0))
            .optional()?
            .unwrap_or_else(|| "a person who is not there any more".to_owned()))
    }
}
