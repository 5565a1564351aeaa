//! Reading changes: from where, who has to be looked at beside those whom the source names, and what an applied
//! run leaves for the next one.

use roaring::RoaringTreemap;
use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::apply::{Apply, Scope};
use super::known::Unlisted;
use super::runs::RunId;
use super::{Result, Store};
use crate::model::Millis;

/// From where changes can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaState {
    /// The plugin's cursor.
    pub cursor: String,
    /// Digest of all that a record is read and judged by.
    pub terms: String,
    /// When the source gave the cursor.
    pub at: Millis,
    /// When the last complete listing, applied, began.
    pub listed_at: Millis,
    /// Runs that read changes only, applied since that listing.
    pub runs: u32,
    /// The number of the last applied run.
    pub run: i64,
}

/// What a run will leave when it is applied.
#[derive(Clone, Copy, Debug)]
pub struct Leaves<'a> {
    /// It reads changes only.
    pub changes_only: bool,
    /// The cursor of the next run; none = that one lists everybody.
    pub cursor: Option<&'a str>,
    /// Digest of all that a record is read and judged by.
    pub terms: &'a str,
    /// When the source gave the cursor.
    pub at: Millis,
}

/// A link, and the record as the source last told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The link.
    pub link: i64,
    /// The record; none when it is not known what the source last told.
    pub raw: Option<String>,
    /// The link was not in the last listing, or the source says that they are gone.
    pub late: bool,
}

/// Links whose people were not there when the integration was last applied.
const LATE: &str = "(l.sync_time IS NOT NULL OR l.absent_runs > 0 OR l.gone = 1)";

impl Store {
    /// From where the changes of an integration can be read; none = no applied run has left a point.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn delta_state(&self, integration: &str) -> Result<Option<DeltaState>> {
        Ok(self
            .sql
            .query_row(
                "SELECT delta_cursor, delta_terms, delta_at, listed_at, delta_runs,
                        (SELECT number FROM run WHERE id = applied_run)
                 FROM integration
                 WHERE tenant = ?1 AND name = ?2 AND delta_cursor IS NOT NULL AND delta_terms IS NOT NULL
                   AND delta_at IS NOT NULL AND listed_at IS NOT NULL AND applied_run IS NOT NULL",
                params![self.tenant.0, integration],
                |row| {
                    Ok(DeltaState {
                        cursor: row.get(0)?,
                        terms: row.get(1)?,
                        at: row.get(2)?,
                        listed_at: row.get(3)?,
                        runs: row.get(4)?,
                        run: row.get(5)?,
                    })
                },
            )
            .optional()?)
    }

    /// Notes what a run reads, and what it will leave when it is applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_leaves(&mut self, run: RunId, leaves: &Leaves<'_>) -> Result<()> {
        self.sql.execute(
            "UPDATE run SET changes_only = ?2, delta_cursor = ?3, delta_terms = ?4, delta_at = ?5 WHERE id = ?1",
            params![run.row, leaves.changes_only, leaves.cursor, leaves.terms, leaves.at],
        )?;
        Ok(())
    }

    /// Links and records of these users, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn bases<'a>(
        &self,
        integration: &str,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<Base>>> {
        let mut query = self.sql.prepare_cached(&format!(
            "SELECT l.id, {LATE}, CASE WHEN NOT {LATE} AND NOT EXISTS (
               SELECT 1 FROM unread u WHERE u.tenant = l.tenant AND u.integration = l.integration
                 AND u.source_id = l.source_id) THEN d.raw END
             FROM link l LEFT JOIN document d ON d.id = l.document
             WHERE l.tenant = ?1 AND l.integration = ?2 AND l.source_id = ?3"
        ))?;
        ids.map(|id| {
            Ok(query
                .query_row(params![self.tenant.0, integration, id], |row| {
                    Ok(Base { link: row.get(0)?, late: row.get(1)?, raw: row.get(2)? })
                })
                .optional()?)
        })
        .collect()
    }

    /// Users who are asked about in any case: of whom the last run could not make anything of lasting worth, and,
    /// with `absent`, who were not there and of whom something may still become.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn to_ask(&self, integration: &str, absent: bool) -> Result<Vec<String>> {
        let mut query = self.sql.prepare(&format!(
            "SELECT source_id FROM unread WHERE tenant = ?1 AND integration = ?2 AND again = 1
             UNION
             SELECT l.source_id FROM link l WHERE l.tenant = ?1 AND l.integration = ?2 AND {LATE} AND ?3
               AND (l.gone = 0 OR (SELECT active FROM person p WHERE p.id = l.person))"
        ))?;
        let rows = query.query_map(params![self.tenant.0, integration, absent], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Users whose record is judged again though the source says nothing new: something of them is open, or their
    /// person has changed since.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn to_look_at(&self, integration: &str) -> Result<Vec<String>> {
        let mut query = self.sql.prepare(&format!(
            "SELECT l.source_id FROM link l
             WHERE l.tenant = ?1 AND l.integration = ?2 AND l.open = 1 AND NOT {LATE}
             UNION
             -- Whatever changes a person is a row of an applied run.
             SELECT l.source_id FROM run r
             JOIN change c ON c.run = r.id AND c.person IS NOT NULL
             JOIN link l ON l.person = c.person AND l.tenant = ?1 AND l.integration = ?2
             JOIN person p ON p.id = l.person
             WHERE r.tenant = ?1 AND r.state = 'applied' AND l.person_version != p.version AND NOT {LATE}
               AND r.ended_at >= (SELECT o.started_at FROM integration i JOIN run o ON o.id = i.applied_run
                                  WHERE i.tenant = ?1 AND i.name = ?2)"
        ))?;
        let rows = query.query_map(params![self.tenant.0, integration], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What is known of somebody who is not there; none = nobody is linked to that user, or their absence is settled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unlisted_one(&self, integration: &str, source_id: &str) -> Result<Option<Unlisted>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT l.id, l.source_id, l.person, l.absent_runs, l.absent_since, p.active, l.asked_at
                 FROM link l JOIN person p ON p.id = l.person
                 WHERE l.tenant = ?1 AND l.integration = ?2 AND l.source_id = ?3 AND (l.gone = 0 OR p.active)",
            )?
            .query_row(params![self.tenant.0, integration, source_id], |row| {
                Ok(Unlisted {
                    link: row.get(0)?,
                    source_id: row.get(1)?,
                    person: row.get(2)?,
                    absent_runs: row.get(3)?,
                    absent_since: row.get(4)?,
                    active: row.get(5)?,
                    asked_at: row.get(6)?,
                })
            })
            .optional()?)
    }

    /// Links whose people were not there when the integration was last applied.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn late_links(&self, integration: &str) -> Result<RoaringTreemap> {
        let sql = format!("SELECT l.id FROM link l WHERE l.tenant = ?1 AND l.integration = ?2 AND {LATE}");
        self.bitmap_of(&sql, integration)
    }

    /// Every link of an integration, but for those of whom the filter after the fetch wants nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unfiltered_links(&self, integration: &str) -> Result<RoaringTreemap> {
        let sql = "SELECT l.id FROM link l WHERE l.tenant = ?1 AND l.integration = ?2 AND NOT EXISTS (
                     SELECT 1 FROM unread u WHERE u.tenant = l.tenant AND u.integration = l.integration
                       AND u.source_id = l.source_id AND u.again = 0)";
        self.bitmap_of(sql, integration)
    }

    fn bitmap_of(&self, sql: &str, integration: &str) -> Result<RoaringTreemap> {
        let mut query = self.sql.prepare(sql)?;
        let mut rows = query.query(params![self.tenant.0, integration])?;
        let mut links = RoaringTreemap::new();
        while let Some(row) = rows.next()? {
            links.insert(number(row.get(0)?));
        }
        Ok(links)
    }

    /// Notes about whom a run has asked in vain.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_unread(&mut self, run: RunId, ids: &[String]) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in ids {
            tx.prepare_cached("INSERT OR IGNORE INTO staged_unread (run, source_id) VALUES (?1, ?2)")?
                .execute(params![run.row, id])?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Users of whom a listing says something else than what reading changes had come to, and which properties.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn parity_of(&self, run: RunId) -> Result<Vec<(String, Vec<String>)>> {
        let mut query =
            self.sql.prepare("SELECT source_id, properties FROM staged_parity WHERE run = ?1 ORDER BY 1")?;
        let rows = query.query_map([run.row], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (id, names) = row?;
            Ok((id, serde_json::from_str(&names)?))
        })
        .collect()
    }
}

/// Notes of a page where it says something else than what reading changes had come to.
pub(super) fn stage_parity(tx: &Transaction<'_>, run: RunId, found: &[(String, Vec<String>)]) -> Result<()> {
    for (id, names) in found {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO staged_parity (run, source_id, properties) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![run.row, id, serde_json::to_string(names)?])?;
    }
    Ok(())
}

/// Links of people who are not there, as this run has found.
pub(super) fn absent(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<Vec<i64>> {
    let mut query = tx.prepare(
        "SELECT link FROM staged WHERE run = ?1 AND link IS NOT NULL
         UNION SELECT link FROM staged_absent WHERE run = ?1
         UNION SELECT l.id FROM staged_hold h JOIN link l ON l.tenant = ?2 AND l.integration = ?3
                 AND l.source_id = h.source_id
               WHERE h.run = ?1 AND h.cause = 'deactivate:unconfirmed'",
    )?;
    let rows = query.query_map(params![apply.run.row, tenant, apply.integration], |row| row.get(0))?;
    let links: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(links.into_iter().filter(|link| !apply.seen.contains(number(*link))).collect())
}

/// Whether every user whom the run asked about was answered for.
pub(super) fn answered(tx: &Transaction<'_>, run: RunId) -> Result<bool> {
    Ok(tx.query_row("SELECT NOT EXISTS (SELECT 1 FROM staged_unread WHERE run = ?1)", [run.row], |row| {
        row.get(0)
    })?)
}

/// Leaves for the next run from where it can read changes, and whom it has to ask about.
pub(super) fn settle(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let own = params![tenant, apply.integration, apply.run.row];
    match apply.scope {
        Scope::Some { .. } => return Ok(()),
        Scope::Listing => {
            tx.execute(
                "UPDATE integration SET (delta_cursor, delta_terms, delta_at) =
                   (SELECT delta_cursor, delta_terms, delta_at FROM run WHERE id = ?3 AND ?4),
                   listed_at = CASE WHEN ?4 THEN (SELECT started_at FROM run WHERE id = ?3) ELSE listed_at END,
                   delta_runs = 0
                 WHERE tenant = ?1 AND name = ?2",
                // Whom an incomplete listing has left out, no change will name.
                params![tenant, apply.integration, apply.run.row, apply.complete_rows.is_some()],
            )?;
            tx.execute(
                "DELETE FROM unread WHERE tenant = ?1 AND integration = ?2",
                params![tenant, apply.integration],
            )?;
        }
        Scope::Changes => {
            tx.execute(
                "UPDATE integration SET (delta_cursor, delta_terms, delta_at) =
                   (SELECT delta_cursor, delta_terms, delta_at FROM run WHERE id = ?3),
                   delta_runs = delta_runs + 1
                 WHERE tenant = ?1 AND name = ?2",
                own,
            )?;
            tx.execute(
                "DELETE FROM unread WHERE tenant = ?1 AND integration = ?2 AND again = 1",
                params![tenant, apply.integration],
            )?;
            let mut read = tx.prepare_cached(
                "DELETE FROM unread WHERE tenant = ?1 AND integration = ?2
                   AND source_id = (SELECT source_id FROM link WHERE id = ?3)",
            )?;
            if filtered_before(tx, tenant, apply)? {
                for link in apply.seen {
                    read.execute(params![tenant, apply.integration, i64::try_from(link).unwrap_or(0)])?;
                }
            }
            tx.execute(
                "INSERT OR REPLACE INTO unread SELECT ?1, ?2, source_id, 1 FROM staged_unread WHERE run = ?3",
                own,
            )?;
        }
    }
    again(tx, tenant, apply)
}

fn filtered_before(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<bool> {
    Ok(tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM unread WHERE tenant = ?1 AND integration = ?2)",
        params![tenant, apply.integration],
        |row| row.get(0),
    )?)
}

/// Records that were read and left nothing of lasting worth: without a link, or with one that stays as it was.
fn again(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let mut note = tx.prepare_cached("INSERT OR REPLACE INTO unread VALUES (?1, ?2, ?3, ?4)")?;
    let mut rows = tx.prepare("SELECT source_id, link FROM staged WHERE run = ?1 AND linking = 0")?;
    let mut rows = rows.query([apply.run.row])?;
    while let Some(row) = rows.next()? {
        let (id, link): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        // Whoever was not there is found by the link.
        if link.is_none_or(|link| apply.seen.contains(number(link))) {
            note.execute(params![tenant, apply.integration, id, true])?;
        }
    }
    // What the filter after the fetch dropped is dropped again as long as the source says nothing else.
    let mut pages = tx.prepare("SELECT filtered FROM run_page WHERE run = ?1 AND filtered IS NOT NULL")?;
    let mut pages = pages.query([apply.run.row])?;
    let mut of_link = tx.prepare_cached("SELECT source_id FROM link WHERE id = ?1")?;
    while let Some(row) = pages.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        for link in super::runs::bitmap(bytes)? {
            let link = i64::try_from(link).unwrap_or(0);
            let id: Option<String> = of_link.query_row([link], |row| row.get(0)).optional()?;
            if let Some(id) = id {
                note.execute(params![tenant, apply.integration, id, false])?;
            }
        }
    }
    Ok(())
}

fn number(link: i64) -> u64 {
    u64::try_from(link).unwrap_or(0)
}
