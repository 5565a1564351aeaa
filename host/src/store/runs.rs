//! Runs: begun, found again after an interruption, ended.

use roaring::RoaringTreemap;
use rusqlite::{OptionalExtension as _, TransactionBehavior, named_params, params};

use super::{Result, Store, StoreError};
use crate::model::Millis;
use crate::sync::{RunKind, RunReport, RunState};

/// What a new run is.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// The integration.
    pub integration: &'a str,
    /// Plan or sync.
    pub kind: RunKind,
    /// Digest of everything that was configured, the plugin included.
    pub config: &'a str,
    /// Digest of filter, mapping and match keys.
    pub shape: &'a str,
    /// Digest of everything but the record that decides an outcome.
    pub basis: &'a str,
    /// Now.
    pub at: Millis,
}

/// A run's row, and its number for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId {
    /// The row.
    pub row: i64,
    /// The number, counted for each tenant.
    pub number: i64,
    /// The row of the run's basis.
    pub basis: i64,
}

/// A run that ended neither well nor badly.
#[derive(Debug)]
pub struct Interrupted {
    /// Which.
    pub id: RunId,
    /// Its configuration, to compare with today's.
    pub config: String,
    /// When it started.
    pub started_at: Millis,
    /// What it had staged.
    pub progress: Progress,
}

/// How far a listing has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Pages that are staged.
    pub pages: u32,
    /// Where the next one starts; none before the first page and after the last.
    pub cursor: Option<String>,
    /// The last page is staged.
    pub ended: bool,
    /// Rows of these pages.
    pub rows: u64,
    /// How many rows the source said that there are.
    pub total: Option<u64>,
    /// Links that were seen.
    pub seen: RoaringTreemap,
    /// Those of them whom the filter after the fetch dropped.
    pub filtered: RoaringTreemap,
    /// Rows that left no change behind, by outcome.
    pub counts: super::Counts,
}

/// What a planned run must still be true of to be applied.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Which.
    pub id: RunId,
    /// The integration.
    pub integration: String,
    /// Where it stands.
    pub state: String,
    /// Its configuration.
    pub config: String,
    /// When it started.
    pub started_at: Millis,
    /// What it told.
    pub report: RunReport,
}

impl Store {
    /// Begins a run. Earlier plans of the integration lose what they had staged.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_run(&mut self, new: &NewRun<'_>) -> Result<RunId> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        discard_open(&tx, tenant, new.integration, new.at)?;
        tx.execute("INSERT INTO basis (digest) VALUES (?1) ON CONFLICT DO NOTHING", [new.basis])?;
        let basis: i64 =
            tx.query_row("SELECT id FROM basis WHERE digest = ?1", [new.basis], |row| row.get(0))?;
        let number = next_number(&tx, tenant)?;
        tx.execute(
            "INSERT INTO run (tenant, number, integration, kind, state, started_at, config, shape, basis)
             VALUES (:tenant, :number, :integration, :kind, 'staging', :at, :config, :shape, :basis)",
            named_params! {
                ":tenant": tenant, ":number": number, ":integration": new.integration,
                ":kind": new.kind.name(),
                ":at": new.at, ":config": new.config, ":shape": new.shape, ":basis": basis,
            },
        )?;
        let row = tx.last_insert_rowid();
        tx.commit()?;
        Ok(RunId { row, number, basis })
    }

    /// Stores a run that failed before it began; its report gets the number. Nothing else is touched.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn add_failed_run(&mut self, new: &NewRun<'_>, mut report: RunReport) -> Result<RunReport> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        report.run = next_number(&tx, tenant)?;
        tx.execute(
            "INSERT INTO run (tenant, number, integration, kind, state, started_at, ended_at, config, shape, report)
             VALUES (?1, ?2, ?3, ?4, 'failed', ?5, ?5, ?6, ?7, ?8)",
            params![
                tenant,
                report.run,
                new.integration,
                new.kind.name(),
                new.at,
                new.config,
                new.shape,
                serde_json::to_string(&report)?
            ],
        )?;
        tx.commit()?;
        Ok(report)
    }

    /// The run that was interrupted while it staged, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn interrupted(&self, integration: &str) -> Result<Option<Interrupted>> {
        let found = self
            .sql
            .query_row(
                "SELECT id, number, basis, config, started_at FROM run
                 WHERE tenant = ?1 AND integration = ?2 AND state = 'staging' AND kind IN ('sync', 'plan')
                   -- A run that reads changes is short, and reads them anew.
                   AND changes_only = 0
                 ORDER BY id DESC LIMIT 1",
                params![self.tenant.0, integration],
                |row| {
                    Ok((
                        RunId { row: row.get(0)?, number: row.get(1)?, basis: row.get(2)? },
                        row.get::<_, String>(3)?,
                        row.get(4)?,
                    ))
                },
            )
            .optional()?;
        found
            .map(|(id, config, started_at)| {
                Ok(Interrupted { id, config, started_at, progress: self.progress(id)? })
            })
            .transpose()
    }

    /// What a run has staged so far.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn progress(&self, run: RunId) -> Result<Progress> {
        let mut progress = Progress::default();
        let mut pages = self.sql.prepare_cached(
            "SELECT cursor, total, seen, counts, rows, filtered FROM run_page WHERE run = ?1 ORDER BY page",
        )?;
        let mut rows = pages.query([run.row])?;
        while let Some(row) = rows.next()? {
            progress.pages += 1;
            progress.cursor = row.get(0)?;
            progress.ended = progress.cursor.is_none();
            if let Some(total) = row.get::<_, Option<i64>>(1)? {
                progress.total = u64::try_from(total).ok();
            }
            progress.rows += u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0);
            progress.seen |= bitmap(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            if let Some(filtered) = row.get_ref(5)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
                progress.filtered |= bitmap(filtered)?;
            }
            let counts: super::Counts =
                serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?;
            for (outcome, count) in counts {
                *progress.counts.entry(outcome).or_default() += count;
            }
        }
        Ok(progress)
    }

    /// Takes up an interrupted run, for what it is wanted now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn take_up(&mut self, run: RunId, kind: RunKind) -> Result<()> {
        self.sql.execute("UPDATE run SET kind = ?2 WHERE id = ?1", params![run.row, kind.name()])?;
        Ok(())
    }

    /// The listing is staged; what follows is not taken up again after an interruption.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_judging(&mut self, run: RunId) -> Result<()> {
        let there = self.sql.execute(
            "UPDATE run SET state = 'judging' WHERE id = ?1 AND state IN ('staging', 'judging')",
            [run.row],
        )?;
        if there == 0 {
            return Err(StoreError::Refused(format!("run {} was stopped from outside", run.number)));
        }
        Ok(())
    }

    /// Forgets what a run has staged, so that its listing can start over.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn restart_run(&mut self, run: RunId) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        clear(&tx, run.row)?;
        tx.execute("DELETE FROM change WHERE run = ?1", [run.row])?;
        tx.execute("DELETE FROM saas_change WHERE run = ?1", [run.row])?;
        tx.commit()?;
        Ok(())
    }

    /// Ends a run that is not applied: planned (what it staged stays), failed or discarded.
    ///
    /// # Errors
    /// When the store cannot be written, or the run is applied: what it did stays in the ledger.
    pub fn end_run(&mut self, run: RunId, state: RunState, report: &RunReport) -> Result<()> {
        let text = serde_json::to_string(report)?;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let was: String = tx.query_row("SELECT state FROM run WHERE id = ?1", [run.row], |row| row.get(0))?;
        if was == "applied" {
            return Err(StoreError::Refused(format!("run {} is applied already", run.number)));
        }
        if state != RunState::Planned {
            clear(&tx, run.row)?;
            tx.execute("DELETE FROM change WHERE run = ?1", [run.row])?;
            tx.execute("DELETE FROM saas_change WHERE run = ?1", [run.row])?;
        }
        tx.execute(
            "UPDATE run SET state = ?2, ended_at = ?3, report = ?4 WHERE id = ?1",
            params![run.row, state.name(), report.ended_at, text],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// Replaces what an applied run told, once its last timings are known.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_report(&mut self, run: RunId, report: &RunReport) -> Result<()> {
        let text = serde_json::to_string(report)?;
        self.sql.execute("UPDATE run SET report = ?2 WHERE id = ?1", params![run.row, text])?;
        Ok(())
    }

    /// A run by its number, to be applied.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no such run with a report.
    pub fn planned(&self, number: i64) -> Result<Planned> {
        let found = self
            .sql
            .query_row(
                "SELECT id, number, coalesce(basis, 0), integration, state, coalesce(config, ''), started_at, report
                 FROM run WHERE tenant = ?1 AND number = ?2 AND integration IS NOT NULL",
                params![self.tenant.0, number],
                |row| {
                    Ok((
                        RunId { row: row.get(0)?, number: row.get(1)?, basis: row.get(2)? },
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                        row.get::<_, Option<String>>(7)?,
                    ))
                },
            )
            .optional()?;
        let Some((id, integration, state, config, started_at, report)) = found else {
            return Err(StoreError::Refused(format!("there is no run {number}")));
        };
        let report: Option<String> = report;
        let report = report.ok_or_else(|| {
            StoreError::Refused(format!(
                "run {number} was interrupted; the next run of `{integration}` takes it up"
            ))
        })?;
        Ok(Planned { id, integration, state, config, started_at, report: serde_json::from_str(&report)? })
    }

    /// The tenant and cloud that an integration's links belong to, when it has any.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn links_belong_to(&self, integration: &str) -> Result<(Option<String>, Option<String>)> {
        let found = self
            .sql
            .query_row(
                "SELECT source_tenant, cloud FROM link WHERE tenant = ?1 AND integration = ?2 LIMIT 1",
                params![self.tenant.0, integration],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        Ok(found.unwrap_or_default())
    }

    /// The last applied run of an integration: its row.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last_applied(&self, integration: &str) -> Result<Option<i64>> {
        Ok(self
            .sql
            .query_row(
                "SELECT applied_run FROM integration WHERE tenant = ?1 AND name = ?2",
                params![self.tenant.0, integration],
                |row| row.get(0),
            )
            .optional()?
            .flatten())
    }

    /// Empties what ended runs left in the staging tables.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn sweep(&mut self) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done: Vec<(i64, bool)> = tx
            .prepare(
                "SELECT DISTINCT p.run, r.state = 'applied' FROM run_page p JOIN run r ON r.id = p.run
                 WHERE r.state IN ('applied', 'failed', 'discarded')",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (run, applied) in done {
            // What an applied run staged stands in links now.
            if applied { empty(&tx, run)? } else { clear(&tx, run)? }
        }
        tx.commit()?;
        Ok(())
    }
}

/// Links of a page, as the store has them.
pub(super) fn bitmap(bytes: &[u8]) -> Result<RoaringTreemap> {
    RoaringTreemap::deserialize_from(bytes)
        .map_err(|error| StoreError::Corrupt(format!("links of a page: {error}")))
}

/// Gives up what an integration has staged and not applied. Gives back how many runs that were.
///
/// # Errors
/// When the store cannot be written.
pub(super) fn discard_open(
    tx: &rusqlite::Transaction<'_>,
    tenant: i64,
    integration: &str,
    at: Millis,
) -> Result<u64> {
    let stale: Vec<i64> = tx
        .prepare("SELECT id FROM run WHERE tenant = ?1 AND integration = ?2 AND state IN ('staging', 'judging', 'planned')")?
        .query_map(params![tenant, integration], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for run in &stale {
        clear(tx, *run)?;
        tx.execute("UPDATE run SET state = 'discarded', ended_at = ?2 WHERE id = ?1", params![run, at])?;
    }
    Ok(stale.len() as u64)
}

/// Empties the staging tables of a run that was not applied, with the documents it brought.
fn clear(tx: &rusqlite::Transaction<'_>, run: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM document WHERE id IN (
           SELECT s.document FROM staged s LEFT JOIN link l ON l.id = s.link
           WHERE s.run = ?1 AND s.document IS NOT NULL AND s.document IS NOT l.document)",
        [run],
    )?;
    empty(tx, run)
}

/// The number of the next run of a tenant.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn next_number(tx: &rusqlite::Transaction<'_>, tenant: i64) -> Result<i64> {
    Ok(tx.query_row("SELECT coalesce(max(number), 0) + 1 FROM run WHERE tenant = ?1", [tenant], |row| {
        row.get(0)
    })?)
}

/// Empties the staging tables of a run.
fn empty(tx: &rusqlite::Transaction<'_>, run: i64) -> Result<()> {
    for table in [
        "staged",
        "staged_absent",
        "staged_hold",
        "staged_saas",
        "staged_saas_role",
        "staged_saas_pass",
        "staged_saas_unpin",
        "staged_saas_outlived",
        "staged_unpin",
        "staged_unlink",
        "staged_close",
        "staged_unread",
        "staged_parity",
        "run_page",
    ] {
        tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}
