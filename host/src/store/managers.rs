//! Managers: who somebody is once the run is applied, and the one field that the pass of managers writes.

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Apply, Deed, HeldPart, NewChange, Result, RunId, StagedRow, Status, Store, fields};
use crate::model::{MANAGER, Millis, Outcome};

/// The causes that a manager can wait for.
pub const MANAGER_CAUSES: [&str; 3] = ["clear:manager", "change:manager", "overwrite:manager"];

/// Somebody whose manager is looked at.
#[derive(Clone, Debug)]
pub struct Managed {
    /// The id at the source.
    pub source_id: String,
    /// The person; for a creation, the one to be.
    pub person: i64,
    /// The link that is there already.
    pub link: Option<i64>,
    /// The manager as the person has it: JSON text; none = empty.
    pub before: Option<String>,
    /// What becomes of the person in this run; none = nothing.
    pub outcome: Option<Outcome>,
    /// This run writes the manager already, or a lock forbids it.
    pub barred: bool,
    /// What the source says while the field is pinned: JSON text, or empty.
    pub pinned: Option<Option<String>>,
    change: Option<i64>,
    differences: Option<String>,
    version: i64,
    digest: [u8; 16],
    enabled: Option<bool>,
}

/// A manager to be written.
#[derive(Clone, Debug)]
pub struct ManagerChange {
    /// Of whom.
    pub managed: Managed,
    /// JSON list of the one difference.
    pub difference: String,
    /// Why, for people.
    pub reason: &'static str,
}

/// A manager that waits.
#[derive(Clone, Debug)]
pub struct ManagerHold {
    /// The id at the source.
    pub source_id: String,
    /// The person.
    pub person: i64,
    /// What waits.
    pub part: HeldPart,
}

impl Store {
    /// Prepares the look at usernames as they will be when the run is applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_managers(&mut self, run: RunId) -> Result<()> {
        self.sql.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS coming (
               source_id TEXT PRIMARY KEY, person INTEGER NOT NULL, username TEXT) WITHOUT ROWID;
             DELETE FROM temp.coming;",
        )?;
        self.sql.execute(
            "INSERT OR IGNORE INTO temp.coming (source_id, person, username)
             SELECT c.source_id, c.person, coalesce(
               json_extract(c.fields, '$.username'),
               (SELECT json_extract(d.value, '$[2]') FROM json_each(c.differences) d
                WHERE json_extract(d.value, '$[0]') = 'username'),
               (SELECT json_extract(p.fields, '$.username') FROM person p WHERE p.id = c.person))
             FROM change c
             WHERE c.run = ?1 AND c.state = 'flows' AND c.source_id IS NOT NULL AND c.person IS NOT NULL
               AND (c.outcome IN ('created', 'adopted') OR c.differences LIKE '%\"username\"%')",
            [run.row],
        )?;
        Ok(())
    }

    /// The username that a user's person will have; none = nobody is linked to that user.
    ///
    /// # Errors
    /// When the store cannot be read, or [`Store::begin_managers`] was not called.
    pub fn coming_username(&self, integration: &str, source_id: &str) -> Result<Option<String>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT coalesce(
                   (SELECT username FROM temp.coming WHERE source_id = ?3),
                   (SELECT json_extract(p.fields, '$.username') FROM link l JOIN person p ON p.id = l.person
                    WHERE l.tenant = ?1 AND l.source_id = ?3 AND l.integration = ?2))",
            )?
            .query_row(params![self.tenant.0, integration, source_id], |row| row.get(0))?)
    }

    /// The person of a user, as far as a manager is concerned; none = nobody is linked, nor will be.
    ///
    /// # Errors
    /// As for [`Store::coming_username`].
    pub fn managed(&self, run: RunId, integration: &str, source_id: &str) -> Result<Option<Managed>> {
        let linked = self
            .sql
            .prepare_cached(
                "SELECT l.id, l.person, l.digest, l.enabled FROM link l
                 WHERE l.tenant = ?1 AND l.integration = ?2 AND l.source_id = ?3",
            )?
            .query_row(params![self.tenant.0, integration, source_id], |row| {
                Ok((Some(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let (link, person, digest, enabled): (Option<i64>, i64, [u8; 16], Option<bool>) = match linked {
            Some(linked) => linked,
            None => {
                let coming = self
                    .sql
                    .prepare_cached("SELECT person FROM temp.coming WHERE source_id = ?1")?
                    .query_row([source_id], |row| row.get(0))
                    .optional()?;
                let Some(person) = coming else { return Ok(None) };
                (None, person, [0; 16], None)
            }
        };
        let now = self
            .sql
            .prepare_cached("SELECT fields, version FROM person WHERE id = ?1")?
            .query_row([person], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
            .optional()?;
        let (was, version) = now.unwrap_or_else(|| ("{}".to_owned(), 0));
        let before = fields::parse(&was)?.get(MANAGER).map(|raw| raw.get().to_owned());
        let change = self
            .sql
            .prepare_cached(
                "SELECT id, outcome, differences FROM change WHERE person = ?1 AND run = ?2 LIMIT 1",
            )?
            .query_row(params![person, run.row], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
            })
            .optional()?;
        let staged = match (&change, link) {
            (None, Some(_)) => self
                .sql
                .prepare_cached(
                    "SELECT id FROM staged WHERE run = ?1 AND person = ?2 AND link IS NOT NULL LIMIT 1",
                )?
                .query_row(params![run.row, person], |row| row.get::<_, i64>(0))
                .optional()?,
            _ => None,
        };
        let locked: bool = self
            .sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM lock WHERE tenant = ?1 AND person = ?2 AND field IN ('', ?3))",
            )?
            .query_row(params![self.tenant.0, person, MANAGER], |row| row.get(0))?;
        let pinned = self
            .sql
            .prepare_cached(
                "SELECT source_value FROM pin
                 WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 AND field = ?4",
            )?
            .query_row(params![self.tenant.0, integration, source_id, MANAGER], |row| row.get(0))
            .optional()?;
        let (id, outcome, differences) = match change {
            Some((id, outcome, differences)) => (Some(id), Some(outcome.parse()?), differences),
            None => (staged, None, None),
        };
        let list: Vec<fields::Difference<'_>> =
            differences.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        let barred = locked || list.iter().any(|(field, ..)| *field == MANAGER);
        Ok(Some(Managed {
            source_id: source_id.to_owned(),
            person,
            link,
            before,
            outcome,
            barred,
            pinned,
            change: id,
            differences,
            version,
            digest,
            enabled,
        }))
    }

    /// Stages managers: with what becomes of the person in this run already, or as a change of its own.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_managers(
        &mut self,
        run: RunId,
        integration: &str,
        changes: &[ManagerChange],
        at: Millis,
    ) -> Result<()> {
        let mut own = Vec::new();
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in changes {
            let managed = &change.managed;
            match (managed.change, managed.outcome) {
                (Some(id), Some(Outcome::Created)) => {
                    let fields: String =
                        tx.query_row("SELECT fields FROM change WHERE id = ?1", [id], |row| row.get(0))?;
                    let fields = fields::merge(&fields, Some(&change.difference))?;
                    tx.prepare_cached("UPDATE change SET fields = ?2 WHERE id = ?1")?
                        .execute(params![id, fields])?;
                }
                (Some(id), Some(outcome)) => {
                    let list = joined(managed, change)?;
                    // Nothing of the row flowed until now.
                    let only = matches!(outcome, Outcome::Held | Outcome::Kept);
                    tx.prepare_cached(
                        "UPDATE change SET differences = ?2, state = 'flows',
                           outcome = CASE WHEN ?3 THEN 'updated' ELSE outcome END,
                           cause = CASE WHEN ?3 AND outcome = 'kept' THEN ?4 ELSE cause END,
                           reason = CASE WHEN ?3 THEN ?4 ELSE reason END,
                           base_version = coalesce(base_version, ?5)
                         WHERE id = ?1",
                    )?
                    .execute(params![id, list, only, change.reason, managed.version])?;
                }
                (Some(id), None) => {
                    tx.prepare_cached(
                        "INSERT INTO change (id, tenant, run, integration, source_id, person, outcome, state, cause,
                           reason, differences, base_version, at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'updated', 'flows', ?7, ?7, ?8, ?9, ?10)",
                    )?
                    .execute(params![
                        id,
                        tenant,
                        run.row,
                        integration,
                        managed.source_id,
                        managed.person,
                        change.reason,
                        change.difference,
                        managed.version,
                        at
                    ])?;
                }
                (None, _) => own.push(row(change)),
            }
        }
        tx.commit()?;
        self.stage_rows(run, integration, &own, at)
    }
}

impl Managed {
    /// Whether the run passed the person over until now, so that they were counted as unchanged.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.outcome.is_none()
    }
}

fn joined(managed: &Managed, change: &ManagerChange) -> Result<String> {
    let mut list: Vec<fields::Difference<'_>> =
        managed.differences.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let more: Vec<fields::Difference<'_>> = serde_json::from_str(&change.difference)?;
    list.extend(more);
    Ok(serde_json::to_string(&list)?)
}

/// The row of somebody whom the run had passed over. It refreshes the link too, so that the next run may pass
/// them over again.
fn row(change: &ManagerChange) -> StagedRow {
    let managed = &change.managed;
    StagedRow {
        source_id: Some(managed.source_id.clone()),
        link: managed.link,
        person: Some(managed.person),
        raw: None,
        digest: managed.digest,
        enabled: managed.enabled,
        keys: None,
        linking: true,
        open: false,
        doubt: None,
        relinks: None,
        change: Some(NewChange {
            outcome: Outcome::Updated,
            deed: Deed::Alter { person: managed.person, version: managed.version, status: Status::Stays },
            cause: change.reason.to_owned(),
            reason: change.reason.to_owned(),
            fields: None,
            differences: Some(change.difference.clone()),
            not_applied: None,
        }),
    }
}

/// Lifts the pins of managers that this run writes, as the source says something else now, and notes what was
/// approved as done.
pub(super) fn settle(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    tx.execute(
        "DELETE FROM pin WHERE tenant = ?1 AND integration = ?2 AND field = ?4 AND source_id IN (
           SELECT c.source_id FROM change c, json_each(c.differences) d
           WHERE c.run = ?3 AND c.state = 'flows' AND json_extract(d.value, '$[0]') = ?4)",
        params![tenant, apply.integration, apply.run.row, MANAGER],
    )?;
    let mut done = tx.prepare(
        "UPDATE hold SET closed_run = ?3
         WHERE tenant = ?1 AND integration = ?2 AND state = 'approved' AND closed_run IS NULL AND cause = ?5
           AND source_id IN (SELECT c.source_id FROM change c, json_each(c.differences) d
             WHERE c.run = ?3 AND c.state = 'flows' AND json_extract(d.value, '$[0]') = ?4)",
    )?;
    for cause in MANAGER_CAUSES {
        done.execute(params![tenant, apply.integration, apply.run.row, MANAGER, cause])?;
    }
    Ok(())
}
