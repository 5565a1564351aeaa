//! A pass over SaaS users, staged page by page.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use crate::model::Millis;
use crate::store::{Result, RunId, Store};

/// What is known of a SaaS user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSaas {
    /// The row.
    pub id: i64,
    /// What people know the user by.
    pub name: Option<String>,
    /// The last known role.
    pub role: Option<String>,
    /// The last known activity.
    pub last_activity: Option<Millis>,
    /// Their status.
    pub active: bool,
}

impl KnownSaas {
    /// From a row with its columns in order.
    pub(in crate::store) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            role: row.get(2)?,
            last_activity: row.get(3)?,
            active: row.get(4)?,
        })
    }
}

/// What becomes of a SaaS user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaasOutcome {
    /// New.
    Created,
    /// Another role.
    Updated,
    /// No longer a user.
    Deactivated,
    /// A user again.
    Reactivated,
}

impl SaasOutcome {
    /// As the store has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
        }
    }
}

/// What a run would write of one SaaS user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSaas {
    /// The id at the source.
    pub source_id: String,
    /// The values as they are to be; none = only the status changes.
    pub values: Option<(Option<String>, Option<String>, Option<Millis>)>,
    /// The row of the ledger; none = a stamp.
    pub outcome: Option<SaasOutcome>,
    /// Why, for people.
    pub reason: String,
    /// The role before.
    pub role_before: Option<String>,
    /// The role afterwards.
    pub role_after: Option<String>,
    /// The status afterwards; none = as it is.
    pub active_after: Option<bool>,
    /// It is so only because the person is deactivated.
    pub follows: bool,
}

/// Somebody who is a SaaS user, and of whom the listing said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasCandidate {
    /// The row of the SaaS user.
    pub id: i64,
    /// The id at the source.
    pub source_id: String,
    /// The last known role.
    pub role: Option<String>,
    /// The links of this integration to the user, and the person; none = nobody is linked.
    pub link: Option<(i64, i64)>,
    /// A user still. Else an undo keeps them from being one again.
    pub active: bool,
}

impl Store {
    /// Notes who has which role.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_saas_roles<'a>(
        &mut self,
        run: RunId,
        holders: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO staged_saas_role (run, source_id, role) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?;
            for (source_id, role) in holders {
                insert.execute(params![run.row, source_id, role])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// The roles that were noted of a user.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn staged_saas_roles(&self, run: RunId, source_id: &str) -> Result<Vec<String>> {
        Ok(self
            .sql
            .prepare_cached("SELECT role FROM staged_saas_role WHERE run = ?1 AND source_id = ?2")?
            .query_map(params![run.row, source_id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// What is known of a SaaS user.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known_saas(&self, application: i64, source_id: &str) -> Result<Option<KnownSaas>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT id, name, role, last_activity, active FROM saas_user
                 WHERE application = ?1 AND source_id = ?2",
            )?
            .query_row(params![application, source_id], KnownSaas::read)
            .optional()?)
    }

    /// Whether the person of a user is inactive because a source said so, before this run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn person_ended(&self, source_id: &str) -> Result<bool> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM link l JOIN person p ON p.id = l.person
                   WHERE l.tenant = ?1 AND l.source_id = ?2 AND p.active = 0 AND p.ended_by LIKE 'integration:%')",
            )?
            .query_row(params![self.tenant.0, source_id], |row| row.get(0))?)
    }

    /// The person of a user; none = unmatched.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn person_of(&self, source_id: &str) -> Result<Option<i64>> {
        Ok(self
            .sql
            .prepare_cached("SELECT min(person) FROM link WHERE tenant = ?1 AND source_id = ?2")?
            .query_row(params![self.tenant.0, source_id], |row| row.get(0))?)
    }

    /// Users whose person this run makes inactive (false), or active again (true).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn coming_statuses(&self, run: RunId) -> Result<HashMap<String, bool>> {
        Ok(self
            .sql
            .prepare(
                "SELECT source_id, active_after FROM change
                 WHERE run = ?1 AND state = 'flows' AND source_id IS NOT NULL
                   AND (active_after = 0 OR active_after = 1 AND outcome != 'created')",
            )?
            .query_map([run.row], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Stages what a page of the pass would write.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_saas(&mut self, run: RunId, application: i64, rows: &[NewSaas], at: Millis) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut values = tx.prepare_cached(
                "INSERT INTO staged_saas (run, source_id, name, role, last_activity) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?;
            let mut change = tx.prepare_cached(
                "INSERT INTO saas_change (run, application, source_id, outcome, state, reason, role_before, role_after,
                   active_after, follows, at)
                 VALUES (?1, ?2, ?3, ?4, 'flows', ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            )?;
            for row in rows {
                if let Some((name, role, activity)) = &row.values {
                    values.execute(params![run.row, row.source_id, name, role, activity])?;
                }
                if let Some(outcome) = row.outcome {
                    change.execute(params![
                        run.row,
                        application,
                        row.source_id,
                        outcome.name(),
                        row.reason,
                        row.role_before,
                        row.role_after,
                        row.active_after,
                        row.follows,
                        at,
                    ])?;
                }
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Forgets what the pass has staged, so that it can start over.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn restart_saas(&mut self, run: RunId) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("DELETE FROM staged_saas WHERE run = ?1", [run.row])?;
        tx.execute("DELETE FROM staged_saas_unpin WHERE run = ?1", [run.row])?;
        tx.execute("DELETE FROM saas_change WHERE run = ?1", [run.row])?;
        tx.commit()?;
        Ok(())
    }

    /// SaaS users who were not listed, in order: those who are active, and those whom an undo keeps inactive while the
    /// source says that they are users.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unlisted_saas(
        &self,
        application: i64,
        integration: &str,
        listed: &roaring::RoaringTreemap,
    ) -> Result<Vec<SaasCandidate>> {
        let mut query = self.sql.prepare(
            "SELECT u.id, u.source_id, u.role, l.id, l.person, u.active FROM saas_user u
             LEFT JOIN link l ON l.tenant = ?2 AND l.source_id = u.source_id AND l.integration = ?3
             WHERE u.application = ?1 AND (u.active = 1 OR EXISTS (
               SELECT 1 FROM saas_pin p WHERE p.application = u.application AND p.source_id = u.source_id
                 AND p.field = 'status' AND p.source_value = 'user')) ORDER BY u.id",
        )?;
        let mut rows = query.query(params![application, self.tenant.0, integration])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if listed.contains(u64::try_from(id).unwrap_or(0)) {
                continue;
            }
            let link: Option<i64> = row.get(3)?;
            let person: Option<i64> = row.get(4)?;
            found.push(SaasCandidate {
                id,
                source_id: row.get(1)?,
                role: row.get(2)?,
                link: link.zip(person),
                active: row.get(5)?,
            });
        }
        Ok(found)
    }

    /// Notes how the pass ended.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn end_saas_pass(
        &mut self,
        run: RunId,
        application: i64,
        roles_from: &str,
        complete_rows: Option<u64>,
    ) -> Result<()> {
        self.sql.execute(
            "INSERT INTO staged_saas_pass (run, application, roles_from, complete_rows) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET roles_from = excluded.roles_from, complete_rows = excluded.complete_rows",
            params![run.row, application, roles_from, complete_rows.and_then(|it| i64::try_from(it).ok())],
        )?;
        Ok(())
    }

    /// Rows of the ledger of SaaS users that a run has staged, by outcome.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_counts(&self, run: RunId) -> Result<HashMap<String, u64>> {
        Ok(self
            .sql
            .prepare(
                "SELECT outcome, count(*) FROM saas_change WHERE run = ?1 AND state = 'flows' GROUP BY outcome",
            )?
            .query_map([run.row], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
            .collect::<rusqlite::Result<_>>()?)
    }
}
