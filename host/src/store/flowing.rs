//! Changes of a staged run that would do something to somebody known.

use rusqlite::{TransactionBehavior, params};

use super::{Result, RunId, Store};
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

impl Store {
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
                 WHERE tenant = ?1 AND integration = ?2 AND state = 'applied' AND ended_at > ?3
                   -- A rejection reads nothing of the source, and changes nobody.
                   AND basis IS NOT NULL
                   -- What somebody has approved or decided was held: only what flowed unheld counts.
                   AND kind NOT IN ('approve', 'decide')",
            )?
            .query_map(params![self.tenant.0, integration, since], |row| {
                Ok(RunId { row: row.get(0)?, number: row.get(1)?, basis: row.get(2)? })
            })?
            .collect::<rusqlite::Result<_>>()?)
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
