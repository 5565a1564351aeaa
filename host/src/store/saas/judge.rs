//! What judging SaaS users asks of the store: how many leave, what is held, what was decided.

use std::collections::{HashMap, HashSet};

use rusqlite::{TransactionBehavior, params};

use crate::model::Millis;
use crate::store::{Result, RunId, Store};

/// How the causes of leaving an application begin; its name follows.
pub const SAAS_LEAVING: &str = "saas-deactivate:";

impl Store {
    /// Says yes to holds of passes, which the next run then does.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn approve_for_next_run(&mut self, holds: &[i64], at: Millis) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for hold in holds {
            tx.prepare_cached(
                "UPDATE hold SET state = 'approved', closed_at = ?2, closed_note = 'approved: the next run does it'
                 WHERE id = ?1 AND state = 'open'",
            )?
            .execute(params![hold, at])?;
        }
        tx.commit()?;
        Ok(())
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
               AND c.undoes IS NULL AND r.state = 'applied' AND r.ended_at > ?2
               -- What was held and approved does not count: only what flowed unheld does.
               AND NOT EXISTS (SELECT 1 FROM hold h JOIN saas_application a ON a.id = c.application
                 WHERE h.tenant = r.tenant AND h.integration = r.integration AND h.cause = ?3 || a.name
                   AND h.source_id = c.source_id AND h.state = 'approved' AND h.outlived_run IS NULL
                   AND h.closed_at <= r.ended_at)",
            params![application, since, SAAS_LEAVING],
        )
    }

    /// What was decided about holds of a cause, by user: `approved` or `rejected`, as long as nothing has
    /// become of the user since, and no whole listing has seen them hold again.
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
                   AND h.outlived_run IS NULL
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

    /// Users of whom somebody has said yes or no to a hold of a cause, and who were not seen to hold since.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_answered(&self, integration: &str, cause: &str) -> Result<HashSet<String>> {
        Ok(self
            .sql
            .prepare(
                "SELECT DISTINCT source_id FROM hold
                 WHERE tenant = ?1 AND integration = ?2 AND cause = ?3 AND state IN ('approved', 'rejected')
                   AND outlived_run IS NULL",
            )?
            .query_map(params![self.tenant.0, integration, cause], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Notes of whom what was said yes or no to is over once the run is applied: they are users again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_saas_outlived(&mut self, run: RunId, source_ids: &[String]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for source_id in source_ids {
            tx.prepare_cached(
                "INSERT INTO staged_saas_outlived (run, source_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run.row, source_id])?;
        }
        tx.commit()?;
        Ok(())
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

    fn counted(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<u64> {
        let count: i64 = self.sql.prepare_cached(sql)?.query_row(parameters, |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}
