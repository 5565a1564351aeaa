//! Settling a staged run: statements over all of it at once.

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::runs::RunId;
use super::{Counts, Result, Store};
use crate::model::Outcome;

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
    /// The person, when it is one who is claimed.
    pub person: Option<i64>,
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
             SELECT c.id, s.source_id, '', t.claimants, t.person FROM staged s
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
             SELECT c.change, c.source_id, t.key, t.claimants, NULL FROM twice t JOIN claim c ON c.key = t.key",
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
        let other: Option<Option<String>> = self
            .sql
            .prepare_cached(
                "SELECT json_extract(s.keys, '$.username') FROM staged s
                 JOIN change c ON c.id = s.id AND c.state = 'flows' AND c.outcome != 'created'
                 WHERE s.run = ?1 AND s.person = ?2 AND json_type(s.keys, '$.username') IS NOT NULL",
            )?
            .query_row(params![run.row, owner], |row| row.get(0))
            .optional()?;
        // Nothing is another name too: it was taken away.
        Ok(other.is_some_and(|other| other.as_deref() != Some(key)))
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
            self.pass_over(*id, "listed on an earlier page already")?;
        }
        Ok(again.iter().filter(|(_, quiet)| *quiet).count() as u64)
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
}

fn claims(query: &mut rusqlite::Statement<'_>, run: RunId) -> Result<Vec<Claim>> {
    Ok(query
        .query_map([run.row], |row| {
            Ok(Claim {
                change: row.get(0)?,
                source_id: row.get(1)?,
                key: row.get(2)?,
                claimants: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                person: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?)
}
