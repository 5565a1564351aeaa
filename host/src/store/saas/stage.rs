//! A pass over SaaS users: staged page by page, judged at its end, applied with its run.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, named_params, params};

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
            .query_row(params![application, source_id], |row| {
                Ok(KnownSaas {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    role: row.get(2)?,
                    last_activity: row.get(3)?,
                    active: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// Whether somebody was erased and must not come back.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_tombstoned(&self, source_id: &str) -> Result<bool> {
        Ok(self
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tombstone WHERE tenant = ?1 AND source_id = ?2)")?
            .query_row(params![self.tenant.0, source_id], |row| row.get(0))?)
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
        tx.execute("DELETE FROM saas_change WHERE run = ?1", [run.row])?;
        tx.commit()?;
        Ok(())
    }

    /// Active SaaS users who were not listed, in order.
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
            "SELECT u.id, u.source_id, u.role, l.id, l.person FROM saas_user u
             LEFT JOIN link l ON l.tenant = ?2 AND l.source_id = u.source_id AND l.integration = ?3
             WHERE u.application = ?1 AND u.active = 1 ORDER BY u.id",
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
            });
        }
        Ok(found)
    }

    /// How many users of an application are active.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn active_saas(&self, application: i64) -> Result<u64> {
        self.counted("SELECT count(*) FROM saas_user WHERE application = ?1 AND active = 1", [application])
    }

    /// SaaS users whom applied runs have made inactive since a moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_deactivated_since(&self, application: i64, since: Millis) -> Result<u64> {
        self.counted(
            "SELECT count(*) FROM saas_change c JOIN run r ON r.id = c.run
             WHERE c.application = ?1 AND c.outcome = 'deactivated' AND c.state = 'flows'
               AND r.state = 'applied' AND r.ended_at > ?2",
            [application, since],
        )
    }

    /// What was decided about holds of a cause, by user: `approved` or `rejected`, as long as nothing has
    /// become of the user since.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_decided(
        &self,
        integration: &str,
        cause: &str,
        application: i64,
    ) -> Result<HashMap<String, String>> {
        Ok(self
            .sql
            .prepare(
                "SELECT h.source_id, h.state FROM hold h
                 WHERE h.tenant = ?1 AND h.integration = ?2 AND h.cause = ?3 AND h.state IN ('approved', 'rejected')
                   AND h.id = (SELECT max(o.id) FROM hold o WHERE o.tenant = h.tenant
                     AND o.integration = h.integration AND o.cause = h.cause AND o.source_id = h.source_id)
                   AND NOT EXISTS (SELECT 1 FROM saas_change c JOIN run r ON r.id = c.run
                     WHERE c.application = ?4 AND c.source_id = h.source_id AND r.state = 'applied'
                       AND r.ended_at >= coalesce(h.closed_at, h.opened_at))",
            )?
            .query_map(params![self.tenant.0, integration, cause, application], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Holds of a cause that stand go on standing: this run has learnt nothing about them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_holds(&mut self, run: RunId, integration: &str, causes: &[&str]) -> Result<()> {
        let mut keep = self.sql.prepare(
            "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
             SELECT ?1, source_id, cause, person, 'held before', differences FROM hold
             WHERE tenant = ?2 AND integration = ?3 AND state = 'open' AND cause = ?4
             ON CONFLICT DO NOTHING",
        )?;
        for cause in causes {
            keep.execute(params![run.row, self.tenant.0, integration, cause])?;
        }
        Ok(())
    }

    /// Lets SaaS users wait: the source id, and the person if there is one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_saas(
        &mut self,
        run: RunId,
        cause: &str,
        held: &[(String, Option<i64>, String)],
    ) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut hold = tx.prepare_cached(
                "INSERT INTO staged_hold (run, source_id, cause, person, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?;
            for (source_id, person, reason) in held {
                hold.execute(params![run.row, source_id, cause, person, reason])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Source ids of those of whom a cause is held.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn standing_of(&self, integration: &str, cause: &str) -> Result<HashSet<String>> {
        let all = self.standing_holds(integration)?;
        Ok(all.into_iter().filter(|(_, it)| it == cause).map(|(source_id, _)| source_id).collect())
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

    fn counted(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<u64> {
        let count: i64 = self.sql.prepare_cached(sql)?.query_row(parameters, |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

/// Applies a pass with its run, after people and links. Gives back how many followed a person who is not
/// deactivated after all, and how many users of the application have no person.
///
/// # Errors
/// When the store cannot be written.
pub(in crate::store) fn apply(
    tx: &Transaction<'_>,
    tenant: i64,
    run: i64,
    at: Millis,
) -> Result<Option<(u64, u64)>> {
    let pass: Option<i64> = tx
        .query_row("SELECT application FROM staged_saas_pass WHERE run = ?1", [run], |row| row.get(0))
        .optional()?;
    let Some(application) = pass else { return Ok(None) };
    let moved = tx.execute(
        "UPDATE saas_change SET state = 'moved' WHERE run = ?1 AND follows = 1 AND NOT EXISTS (
           SELECT 1 FROM link l JOIN person p ON p.id = l.person
           WHERE l.tenant = ?2 AND l.source_id = saas_change.source_id AND p.active = 0)",
        params![run, tenant],
    )?;
    tx.execute(
        "INSERT INTO saas_user (application, source_id, name, role, last_activity, active)
         SELECT :application, s.source_id, s.name, s.role, s.last_activity, 1 FROM staged_saas s
         WHERE s.run = :run ORDER BY s.source_id
         ON CONFLICT (application, source_id) DO UPDATE SET
           name = excluded.name, role = excluded.role, last_activity = excluded.last_activity",
        named_params! { ":application": application, ":run": run },
    )?;
    tx.execute(
        "UPDATE saas_user SET active = c.active_after FROM saas_change c
         WHERE c.run = ?1 AND c.state = 'flows' AND c.active_after IS NOT NULL
           AND saas_user.application = c.application AND saas_user.source_id = c.source_id",
        [run],
    )?;
    tx.execute(
        "UPDATE saas_application SET read_at = :at, roles_from = p.roles_from,
           complete_rows = coalesce(p.complete_rows, saas_application.complete_rows)
         FROM staged_saas_pass p WHERE p.run = :run AND saas_application.id = p.application",
        named_params! { ":run": run, ":at": at },
    )?;
    let unmatched: i64 = tx.query_row(
        "SELECT count(*) FROM saas_user u WHERE u.application = ?1 AND NOT EXISTS (
           SELECT 1 FROM link l WHERE l.tenant = ?2 AND l.source_id = u.source_id)",
        params![application, tenant],
        |row| row.get(0),
    )?;
    Ok(Some((moved as u64, unmatched.unsigned_abs())))
}
