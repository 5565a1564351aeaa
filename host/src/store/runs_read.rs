//! Reading runs and holds.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Result, Store};
use crate::model::Millis;
use crate::sync::RunReport;

/// A run as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its number.
    pub number: i64,
    /// The integration; none = by hand.
    pub integration: Option<String>,
    /// See [`crate::sync::RunKind::name`].
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// When it started.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// What it told; none before it has ended.
    pub report: Option<RunReport>,
}

/// Open holds with one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldGroup {
    /// The integration.
    pub integration: String,
    /// The cause.
    pub cause: String,
    /// Why it is held.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// When the oldest was opened.
    pub since: Millis,
}

/// One open hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number.
    pub id: i64,
    /// The integration.
    pub integration: String,
    /// The user at the source.
    pub source_id: String,
    /// The person's display name or username; none = nobody yet.
    pub name: Option<String>,
    /// The person's lasting id.
    pub uid: Option<String>,
    /// The cause.
    pub cause: String,
    /// Why it is held.
    pub reason: String,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// The number of the run that opened it.
    pub opened_run: i64,
    /// When.
    pub opened_at: Millis,
    /// Rows of the people that the record could be, or whose username it needs; JSON list.
    pub candidates: Option<String>,
}

const RUN: &str = "SELECT number, integration, kind, state, started_at, ended_at, report FROM run";

type RawRun = (i64, Option<String>, String, String, Millis, Option<Millis>, Option<String>);

impl Store {
    /// Runs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self, integration: Option<&str>, limit: u32) -> Result<Vec<RunRow>> {
        let mut statement = self.sql.prepare_cached(&format!(
            "{RUN} WHERE tenant = ?1 AND (?2 IS NULL OR integration = ?2) ORDER BY number DESC LIMIT ?3"
        ))?;
        let rows = statement.query_map(params![self.tenant.0, integration, limit], raw_run)?;
        rows.map(|row| parsed(row?)).collect()
    }

    /// The run of that number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run(&self, number: i64) -> Result<Option<RunRow>> {
        self.sql
            .prepare_cached(&format!("{RUN} WHERE tenant = ?1 AND number = ?2"))?
            .query_row(params![self.tenant.0, number], raw_run)
            .optional()?
            .map(parsed)
            .transpose()
    }

    /// Open holds by cause, the oldest first. `integration` narrows them down.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hold_groups(&self, integration: Option<&str>) -> Result<Vec<HoldGroup>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT integration, cause, min(reason), count(*), min(opened_at) FROM hold
             WHERE tenant = ?1 AND state = 'open' AND (?2 IS NULL OR integration = ?2)
             GROUP BY integration, cause ORDER BY min(opened_at), integration, cause",
        )?;
        let rows = statement.query_map(params![self.tenant.0, integration], |row| {
            Ok(HoldGroup {
                integration: row.get(0)?,
                cause: row.get(1)?,
                reason: row.get(2)?,
                count: row.get::<_, i64>(3)?.unsigned_abs(),
                since: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Open holds, the oldest first. `integration` and `cause` narrow them down.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open_holds(
        &self,
        integration: Option<&str>,
        cause: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Vec<HoldRow>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT h.id, h.integration, h.source_id,
                    coalesce(json_extract(p.fields, '$.display_name'), json_extract(p.fields, '$.username'),
                      -- Who is nobody yet has told a name.
                      (SELECT json_extract(d.value, '$[2]')
                       FROM json_each(CASE WHEN h.person IS NULL THEN h.differences END) d
                       WHERE json_extract(d.value, '$[0]') IN ('display_name', 'username')
                       ORDER BY d.key LIMIT 1)),
                    p.uid, h.cause, h.reason, h.differences, r.number, h.opened_at, h.candidates
             FROM hold h JOIN run r ON r.id = h.opened_run LEFT JOIN person p ON p.id = h.person
             WHERE h.tenant = ?1 AND h.state = 'open' AND (?2 IS NULL OR h.integration = ?2)
               AND (?3 IS NULL OR h.cause = ?3)
             ORDER BY h.opened_at, h.integration, h.cause, h.source_id LIMIT ?4",
        )?;
        let rows = statement.query_map(
            params![self.tenant.0, integration, cause, limit.map_or(-1, i64::from)],
            |row| {
                Ok(HoldRow {
                    id: row.get(0)?,
                    integration: row.get(1)?,
                    source_id: row.get(2)?,
                    name: row.get(3)?,
                    uid: row.get(4)?,
                    cause: row.get(5)?,
                    reason: row.get(6)?,
                    differences: row.get(7)?,
                    opened_run: row.get(8)?,
                    opened_at: row.get(9)?,
                    candidates: row.get(10)?,
                })
            },
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn raw_run(row: &Row<'_>) -> rusqlite::Result<RawRun> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn parsed((number, integration, kind, state, started_at, ended_at, report): RawRun) -> Result<RunRow> {
    let report = report.map(|text| serde_json::from_str(&text)).transpose()?;
    Ok(RunRow { number, integration, kind, state, started_at, ended_at, report })
}
