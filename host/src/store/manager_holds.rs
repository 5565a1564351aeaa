//! Managers that wait: what was said of them, and what goes on waiting.

use std::collections::{HashMap, HashSet};

use rusqlite::params;

use super::{MANAGER_CAUSES, ManagerHold, Result, RunId, Store, fields};
use crate::model::MANAGER;

impl Store {
    /// What was approved of managers and has not been done yet: the difference, by source id and cause.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn approved_managers(&self, integration: &str) -> Result<HashMap<(String, String), String>> {
        let mut query = self.sql.prepare(
            "SELECT source_id, cause, differences FROM hold
             WHERE tenant = ?1 AND integration = ?2 AND state = 'approved' AND closed_run IS NULL
               AND differences IS NOT NULL ORDER BY id",
        )?;
        let rows = query.query_map(params![self.tenant.0, integration], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What a run did of managers because somebody had said yes: the differences that were approved, by source id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn approved_managers_of(&self, run: RunId) -> Result<HashMap<String, Vec<String>>> {
        let mut query = self.sql.prepare_cached(
            "SELECT source_id, differences FROM hold
             WHERE closed_run = ?1 AND state = 'approved' AND differences IS NOT NULL
               AND cause IN (SELECT value FROM json_each(?2))",
        )?;
        let mut rows = query.query(params![run.row, serde_json::to_string(&MANAGER_CAUSES)?])?;
        let mut done = HashMap::<String, Vec<String>>::new();
        while let Some(row) = rows.next()? {
            done.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(done)
    }

    /// Lets managers wait.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_managers(&mut self, run: RunId, held: &[ManagerHold]) -> Result<()> {
        for hold in held {
            self.hold_people(run, &[(hold.source_id.clone(), hold.person)], &hold.part)?;
        }
        Ok(())
    }

    /// Open questions about the managers of these people go on standing: this run has not compared them with what
    /// the source says.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_managers(
        &mut self,
        run: RunId,
        integration: &str,
        uncompared: &HashSet<String>,
    ) -> Result<()> {
        if uncompared.is_empty() {
            return Ok(());
        }
        self.sql.execute(
            "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
             SELECT ?1, source_id, cause, person, 'held before', differences FROM hold
             WHERE tenant = ?2 AND integration = ?3 AND state = 'open'
               AND cause IN (SELECT value FROM json_each(?4)) AND source_id IN (SELECT value FROM json_each(?5))
             ON CONFLICT DO NOTHING",
            params![
                run.row,
                self.tenant.0,
                integration,
                serde_json::to_string(&MANAGER_CAUSES)?,
                serde_json::to_string(uncompared)?
            ],
        )?;
        Ok(())
    }
}

/// What happens to the manager in these differences: before and after, JSON text; none = nothing.
///
/// # Errors
/// When the text is not a list of differences.
pub fn manager_change(differences: &str) -> Result<Option<(Option<String>, Option<String>)>> {
    let list: Vec<fields::Difference<'_>> = serde_json::from_str(differences)?;
    let text = |raw: Option<&serde_json::value::RawValue>| raw.map(|it| it.get().to_owned());
    Ok(list.into_iter().find(|it| it.0 == MANAGER).map(|(_, before, after)| (text(before), text(after))))
}
