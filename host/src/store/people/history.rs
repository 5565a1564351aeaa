//! What is known of one person: links to the source, and the rows of the ledger.

use rusqlite::{Row, params};

use crate::model::Millis;
use crate::store::{Result, Store};

/// A link of a person: a user of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// The integration.
    pub integration: String,
    /// The directory that the user is of.
    pub source_tenant: String,
    /// The cloud of that directory.
    pub cloud: String,
    /// The user.
    pub source_id: String,
    /// What the source last said of `enabled`.
    pub enabled: Option<bool>,
    /// Since when no complete listing has returned the user.
    pub absent_since: Option<Millis>,
    /// The absence is settled.
    pub gone: bool,
    /// When an applied run last saw the user.
    pub sync_time: Option<Millis>,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// The run's number.
    pub run: i64,
    /// `sync`, `plan` or `import`.
    pub kind: String,
    /// The run's state.
    pub run_state: String,
    /// The integration; none = by hand.
    pub integration: Option<String>,
    /// The user at the source.
    pub source_id: Option<String>,
    /// The person's display name or username, as far as there is one.
    pub name: Option<String>,
    /// What became of the row.
    pub outcome: String,
    /// `flows`, `held`, `none` or `moved`.
    pub state: String,
    /// What changes with one cause have in common, as `deactivate:deleted`.
    pub cause: Option<String>,
    /// Why.
    pub reason: String,
    /// Creations: every field, as JSON.
    pub fields: Option<String>,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// JSON list of sentences.
    pub not_applied: Option<String>,
    /// The status afterwards, when it changes.
    pub active_after: Option<bool>,
    /// JSON; what proves an absence.
    pub evidence: Option<String>,
    /// When.
    pub at: Millis,
    /// The number of the run that undid it, if one did.
    pub undone_by: Option<i64>,
}

impl ChangeRow {
    /// Whether this became a fact.
    #[must_use]
    pub fn was_applied(&self) -> bool {
        self.state == "flows" && self.run_state == "applied"
    }
}

pub(super) const SELECT: &str = "SELECT r.number, r.kind, r.state, c.integration, c.source_id,
    coalesce(json_extract(p.fields, '$.display_name'), json_extract(c.fields, '$.display_name'),
      json_extract(p.fields, '$.username'), json_extract(c.fields, '$.username')),
    c.outcome, c.state, c.reason, c.fields, c.differences, c.not_applied, c.active_after, c.evidence, c.at,
    c.cause, (SELECT number FROM run u WHERE u.id = c.undone_by)
  FROM change c JOIN run r ON r.id = c.run LEFT JOIN person p ON p.id = c.person";

impl Store {
    /// The links of a person, by integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn links_of(&self, person: i64) -> Result<Vec<LinkRow>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT l.integration, l.source_tenant, l.cloud, l.source_id, l.enabled, l.absent_since, l.gone,
                    coalesce(l.sync_time, i.sync_time)
             FROM link l LEFT JOIN integration i ON i.tenant = l.tenant AND i.name = l.integration
             WHERE l.tenant = ?1 AND l.person = ?2 ORDER BY l.integration, l.source_id",
        )?;
        let rows = statement.query_map(params![self.tenant.0, person], |row| {
            Ok(LinkRow {
                integration: row.get(0)?,
                source_tenant: row.get(1)?,
                cloud: row.get(2)?,
                source_id: row.get(3)?,
                enabled: row.get(4)?,
                absent_since: row.get(5)?,
                gone: row.get(6)?,
                sync_time: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The history of a person, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn history_of(&self, person: i64, limit: u32) -> Result<Vec<ChangeRow>> {
        let mut statement = self.sql.prepare_cached(&format!(
            "{SELECT} WHERE c.tenant = ?1 AND c.person = ?2 ORDER BY c.id DESC LIMIT ?3"
        ))?;
        let rows = statement.query_map(params![self.tenant.0, person, limit], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The changes of a run, in the order of the ledger. `outcome` narrows them down; none = all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn changes_of_run(
        &self,
        number: i64,
        outcome: Option<crate::model::Outcome>,
        limit: Option<u32>,
    ) -> Result<Vec<ChangeRow>> {
        let mut changes = Vec::new();
        self.each_change(number, outcome, limit, |change| {
            changes.push(change);
            Ok::<(), std::convert::Infallible>(())
        })?
        .unwrap_or_else(|never| match never {});
        Ok(changes)
    }

    /// The same, one by one. `each` may stop it by an error.
    ///
    /// # Errors
    /// When the store cannot be read; the error of `each` in its own place.
    pub fn each_change<E>(
        &self,
        number: i64,
        outcome: Option<crate::model::Outcome>,
        limit: Option<u32>,
        mut each: impl FnMut(ChangeRow) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let mut statement = self.sql.prepare_cached(&format!(
            "{SELECT} WHERE r.tenant = ?1 AND r.number = ?2 AND (?3 IS NULL OR c.outcome = ?3)
             ORDER BY c.id LIMIT ?4"
        ))?;
        let mut rows = statement.query(params![
            self.tenant.0,
            number,
            outcome.map(crate::model::Outcome::name),
            limit.map_or(-1, i64::from)
        ])?;
        while let Some(row) = rows.next()? {
            if let Err(stop) = each(read(row)?) {
                return Ok(Err(stop));
            }
        }
        Ok(Ok(()))
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        run: row.get(0)?,
        kind: row.get(1)?,
        run_state: row.get(2)?,
        integration: row.get(3)?,
        source_id: row.get(4)?,
        name: row.get(5)?,
        outcome: row.get(6)?,
        state: row.get(7)?,
        reason: row.get(8)?,
        fields: row.get(9)?,
        differences: row.get(10)?,
        not_applied: row.get(11)?,
        active_after: row.get(12)?,
        evidence: row.get(13)?,
        at: row.get(14)?,
        cause: row.get(15)?,
        undone_by: row.get(16)?,
    })
}
