//! Settling a staged run: statements over all of it at once.

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::runs::RunId;
use super::{Counts, Result, Store};
use crate::model::{Millis, Outcome};

/// One staged change that would do something to somebody known.
#[derive(Clone, Debug)]
pub struct Flowing {
    /// The ledger row.
    pub change: i64,
    /// The id at the source.
    pub source_id: String,
    /// The person.
    pub person: i64,
    /// What would become of the row.
    pub outcome: Outcome,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// The cause of a deactivation, when it is one.
    pub deactivation: Option<String>,
    /// The status would change in any way.
    pub status: bool,
    /// The row was linked before this run.
    pub linked: bool,
}

/// What was learnt about somebody who was not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The link.
    pub link: i64,
    /// It counts towards the grace.
    pub counts: bool,
    /// The source knows them: the grace begins anew.
    pub back: bool,
    /// Nothing more is to be learnt: not asked about again until they are listed.
    pub gone: bool,
}

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

/// A row that claims what somebody else claims or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The ledger row.
    pub change: i64,
    /// The id at the source.
    pub source_id: String,
    /// The folded username, or nothing when it is the person who is claimed.
    pub key: String,
    /// How many claim it.
    pub claimants: u64,
}

/// A staged username that somebody has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConflict {
    /// The ledger row.
    pub change: i64,
    /// The id at the source.
    pub source_id: String,
    /// What would become of the row.
    pub outcome: Outcome,
    /// The person of the row; for a creation, the one to be.
    pub person: i64,
    /// The folded username.
    pub key: String,
    /// Who has it.
    pub owner: i64,
    /// Their username as it is shown.
    pub owner_name: String,
    /// Whether they are active.
    pub owner_active: bool,
    /// This integration's link to them, if it has one.
    pub owner_link: Option<i64>,
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
    /// Rows that would adopt a person whom another row of the run means as well. A row that is linked already
    /// is not among them: an id beats a match.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn claimed_people(&self, run: RunId) -> Result<Vec<Claim>> {
        let mut query = self.sql.prepare(
            "WITH twice (person, claimants) AS (
               SELECT person, count(*) FROM staged WHERE run = ?1 AND person IS NOT NULL
               GROUP BY person HAVING count(*) > 1)
             SELECT c.id, s.source_id, '', t.claimants FROM staged s
             JOIN change c ON c.id = s.id
             JOIN twice t ON t.person = s.person
             WHERE s.run = ?1 AND s.link IS NULL",
        )?;
        claims(&mut query, run)
    }

    /// Rows that would give somebody a username that another row of the run gives as well.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn claimed_usernames(&self, run: RunId) -> Result<Vec<Claim>> {
        let mut query = self.sql.prepare(
            "WITH claim (change, source_id, key) AS MATERIALIZED (
               SELECT c.id, s.source_id, json_extract(s.keys, '$.username') FROM staged s
               JOIN change c ON c.id = s.id AND c.state = 'flows'
               WHERE s.run = ?1 AND s.keys IS NOT NULL),
             twice (key, claimants) AS (
               SELECT key, count(*) FROM claim WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)
             SELECT c.change, c.source_id, t.key, t.claimants FROM twice t JOIN claim c ON c.key = t.key",
        )?;
        claims(&mut query, run)
    }

    /// Flowing rows whose username somebody else has now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn key_conflicts(&self, run: RunId, integration: &str) -> Result<Vec<KeyConflict>> {
        if !self.has_people()? {
            return Ok(Vec::new());
        }
        let mut query = self.sql.prepare(
            "SELECT c.id, s.source_id, c.outcome, s.person, k.key, k.person,
                    coalesce(json_extract(p.fields, '$.username'), k.key), p.active, l.id
             FROM staged s
             JOIN change c ON c.id = s.id AND c.state = 'flows'
             JOIN person_key k ON k.tenant = ?2 AND k.field = 'username'
                              AND k.key = json_extract(s.keys, '$.username') AND k.person != s.person
             JOIN person p ON p.id = k.person
             LEFT JOIN link l ON l.person = k.person AND l.tenant = ?2 AND l.integration = ?3
             WHERE s.run = ?1 AND s.keys IS NOT NULL
             ORDER BY s.id",
        )?;
        query
            .query_map(params![run.row, self.tenant.0, integration], |row| {
                Ok((
                    row.get::<_, String>(2)?,
                    KeyConflict {
                        change: row.get(0)?,
                        source_id: row.get(1)?,
                        outcome: Outcome::Held,
                        person: row.get(3)?,
                        key: row.get(4)?,
                        owner: row.get(5)?,
                        owner_name: row.get(6)?,
                        owner_active: row.get(7)?,
                        owner_link: row.get(8)?,
                    },
                ))
            })?
            .map(|row| {
                let (outcome, conflict) = row?;
                Ok(KeyConflict { outcome: outcome.parse()?, ..conflict })
            })
            .collect()
    }

    /// Whether the run itself gives somebody another username, so that theirs becomes free.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn gives_up(&self, run: RunId, owner: i64, key: &str) -> Result<bool> {
        let other: Option<String> = self
            .sql
            .prepare_cached(
                "SELECT json_extract(s.keys, '$.username') FROM staged s
                 JOIN change c ON c.id = s.id AND c.state = 'flows'
                 WHERE s.run = ?1 AND s.person = ?2 AND s.link IS NOT NULL",
            )?
            .query_row(params![run.row, owner], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(other.is_some_and(|other| other != key))
    }

    /// Makes a staged row ambiguous: nothing of it flows.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn make_ambiguous(&mut self, change: i64, reason: &str) -> Result<()> {
        self.stop(change, Outcome::Ambiguous, "none", reason)
    }

    /// Passes over rows whose source id an earlier row of the run has already. Gives back how many of them had
    /// no change, and were counted as unchanged when their page was staged.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn skip_twice(&mut self, run: RunId) -> Result<u64> {
        let again: Vec<(i64, bool)> = self
            .sql
            .prepare(
                "SELECT s.id, c.id IS NULL FROM (
                   SELECT source_id, min(id) AS first FROM staged WHERE run = ?1
                   GROUP BY source_id HAVING count(*) > 1) t
                 JOIN staged s ON s.run = ?1 AND s.source_id = t.source_id AND s.id != t.first
                 LEFT JOIN change c ON c.id = s.id",
            )?
            .query_map([run.row], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, _) in &again {
            self.stop(*id, Outcome::Skipped, "none", "listed on an earlier page already")?;
        }
        Ok(again.iter().filter(|(_, quiet)| *quiet).count() as u64)
    }

    /// Calls `each` with every flowing change to somebody known, in order.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn each_flowing(&self, run: RunId, mut each: impl FnMut(Flowing) -> Result<()>) -> Result<()> {
        let mut query = self.sql.prepare(&format!(
            "{FLOWING} WHERE c.run = ?1 AND c.outcome != 'created' AND c.state = 'flows' ORDER BY c.id"
        ))?;
        let mut rows = query.query([run.row])?;
        while let Some(row) = rows.next()? {
            each(read_flowing(row)?)?;
        }
        Ok(())
    }

    /// One flowing change.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn flowing(&self, change: i64) -> Result<Option<Flowing>> {
        let mut query =
            self.sql.prepare_cached(&format!("{FLOWING} WHERE c.id = ?1 AND c.state = 'flows'"))?;
        let mut rows = query.query([change])?;
        rows.next()?.map(read_flowing).transpose()
    }

    /// Applied runs of an integration that ended after a moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn applied_since(&self, integration: &str, since: Millis) -> Result<Vec<RunId>> {
        Ok(self
            .sql
            .prepare(
                "SELECT id, number, basis FROM run
                 WHERE tenant = ?1 AND integration = ?2 AND state = 'applied' AND ended_at > ?3",
            )?
            .query_map(params![self.tenant.0, integration, since], |row| {
                Ok(RunId { row: row.get(0)?, number: row.get(1)?, basis: row.get(2)? })
            })?
            .collect::<rusqlite::Result<_>>()?)
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

    /// Leaves a person out of a staged run; their link stays as it was, so that the next run looks again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn leave_out(&mut self, flowing: &Flowing) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        super::apply::leave_out(&tx, flowing.change)?;
        tx.commit()?;
        Ok(())
    }

    /// Lets a creation wait as a whole.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_creation(&mut self, run: RunId, conflict: &KeyConflict, part: &HeldPart) -> Result<()> {
        self.sql.prepare_cached(HOLD)?.execute(params![
            run.row,
            conflict.source_id,
            part.cause,
            None::<i64>,
            part.reason,
            None::<String>
        ])?;
        self.stop(conflict.change, Outcome::Held, "held", &part.reason)
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

    /// Notes what was learnt about people who were not listed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_absent(&mut self, run: RunId, absent: &[Mark]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO staged_absent (run, link, count, back, gone) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?;
            for mark in absent {
                insert.execute(params![run.row, mark.link, mark.counts, mark.back, mark.gone])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Changes of a run, by outcome.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn change_counts(&self, run: RunId) -> Result<Counts> {
        self.sql
            .prepare("SELECT outcome, count(*) FROM change WHERE run = ?1 GROUP BY outcome")?
            .query_map([run.row], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?
            .map(|row| {
                let (outcome, count) = row?;
                Ok((outcome.parse()?, u64::try_from(count).unwrap_or(0)))
            })
            .collect()
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

    fn stop(&mut self, change: i64, outcome: Outcome, state: &str, reason: &str) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached(
            "UPDATE change SET outcome = ?2, state = ?3, reason = ?4, cause = NULL, fields = NULL,
               differences = NULL, active_after = NULL, evidence = NULL, uid = NULL,
               person = CASE WHEN outcome = 'created' THEN NULL ELSE person END
             WHERE id = ?1",
        )?
        .execute(params![change, outcome.name(), state, reason])?;
        tx.prepare_cached(
            "DELETE FROM document WHERE id =
               (SELECT document FROM staged WHERE id = ?1 AND link IS NULL)",
        )?
        .execute([change])?;
        tx.prepare_cached(
            "UPDATE staged SET keys = NULL, open = 1, linking = link IS NOT NULL,
               document = CASE WHEN link IS NULL THEN NULL ELSE document END,
               person = CASE WHEN link IS NULL THEN NULL ELSE person END
             WHERE id = ?1",
        )?
        .execute([change])?;
        tx.commit()?;
        Ok(())
    }
}

const FLOWING: &str = "SELECT c.id, c.source_id, c.person, c.outcome, c.differences,
        CASE WHEN c.active_after = 0 THEN c.cause END, c.active_after IS NOT NULL,
        s.link IS NOT NULL OR s.id IS NULL
     FROM change c LEFT JOIN staged s ON s.id = c.id";

fn read_flowing(row: &rusqlite::Row<'_>) -> Result<Flowing> {
    Ok(Flowing {
        change: row.get(0)?,
        source_id: row.get(1)?,
        person: row.get(2)?,
        outcome: row.get::<_, String>(3)?.parse()?,
        differences: row.get(4)?,
        deactivation: row.get(5)?,
        status: row.get(6)?,
        linked: row.get(7)?,
    })
}

const HOLD: &str = "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

fn claims(query: &mut rusqlite::Statement<'_>, run: RunId) -> Result<Vec<Claim>> {
    Ok(query
        .query_map([run.row], |row| {
            Ok(Claim {
                change: row.get(0)?,
                source_id: row.get(1)?,
                key: row.get(2)?,
                claimants: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
            })
        })?
        .collect::<rusqlite::Result<_>>()?)
}
