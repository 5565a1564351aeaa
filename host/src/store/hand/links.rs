//! Links that the hand takes away and brings back.

use rusqlite::{OptionalExtension as _, params};

use super::Hand;
use crate::store::Result;
use crate::store::runs::discard_open;

/// What identifies a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkKey {
    pub(super) id: i64,
    pub(super) integration: String,
    pub(super) source_id: String,
    /// It is neither gone at the source, nor missing from its listing.
    pub(super) seen: bool,
    pub(super) made_by: Option<i64>,
}

impl Hand<'_> {
    /// The links of a person, by integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn links(&self, person: i64) -> Result<Vec<LinkKey>> {
        Ok(self
            .tx
            .prepare_cached(
                "SELECT id, integration, source_id, gone = 0 AND absent_since IS NULL, made_by FROM link
                 WHERE person = ?1 ORDER BY integration, source_id",
            )?
            .query_map([person], |row| {
                Ok(LinkKey {
                    id: row.get(0)?,
                    integration: row.get(1)?,
                    source_id: row.get(2)?,
                    seen: row.get(3)?,
                    made_by: row.get(4)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Takes a link away, and keeps it with the row of the ledger that says so. `version` is the person's before
    /// that. What was staged with the link would bring it back: it is given up.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn put_away(&self, link: &LinkKey, change: i64, version: i64) -> Result<()> {
        discard_open(self.tx, self.tenant, &link.integration, self.now)?;
        self.tx
            .prepare_cached(
                "INSERT INTO former_link (change, tenant, integration, source_tenant, cloud, source_id, person,
                   document, digest, basis, enabled, gone, absent_since, absent_runs, sync_time, made_by, open)
                 SELECT ?2, l.tenant, l.integration, l.source_tenant, l.cloud, l.source_id, l.person, l.document,
                   l.digest, l.basis, l.enabled, l.gone, l.absent_since, l.absent_runs,
                   -- Whoever comes back was not seen meanwhile.
                   coalesce(l.sync_time, i.sync_time), l.made_by, l.open = 1 OR l.person_version != ?3
                 FROM link l LEFT JOIN integration i ON i.tenant = l.tenant AND i.name = l.integration
                 WHERE l.id = ?1",
            )?
            .execute(params![link.id, change, version])?;
        self.tx.prepare_cached("DELETE FROM link WHERE id = ?1")?.execute([link.id])?;
        // Who the record is was decided for this link: without it that is a question again.
        self.tx
            .prepare_cached("DELETE FROM decision WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3")?
            .execute(params![self.tenant, link.integration, link.source_id])?;
        Ok(())
    }

    /// Who has the user now whose link a row of the ledger took away: the name of the first such person.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn relinked_to(&self, change: i64) -> Result<Option<(String, String)>> {
        let mut query = self.tx.prepare_cached(
            "SELECT f.source_id, l.person FROM former_link f
             JOIN link l ON l.tenant = f.tenant AND l.source_id = f.source_id AND l.integration = f.integration
             WHERE f.change = ?1 ORDER BY l.id LIMIT 1",
        )?;
        let mut rows = query.query([change])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (source_id, person): (String, i64) = (row.get(0)?, row.get(1)?);
        Ok(Some((source_id, self.person(person)?.map(|it| it.name()).unwrap_or_default())))
    }

    /// The other user to whom the person of a link that a row of the ledger took away is linked by now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn linked_anew(&self, change: i64) -> Result<Option<String>> {
        Ok(self
            .tx
            .prepare_cached(
                "SELECT l.source_id FROM former_link f
                 JOIN link l ON l.tenant = f.tenant AND l.person = f.person AND l.integration = f.integration
                 WHERE f.change = ?1 AND l.source_id != f.source_id LIMIT 1",
            )?
            .query_row([change], |row| row.get(0))
            .optional()?)
    }

    /// How many links a row of the ledger took away.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn put_away_by(&self, change: i64) -> Result<u64> {
        let count: i64 = self
            .tx
            .prepare_cached("SELECT count(*) FROM former_link WHERE change = ?1")?
            .query_row([change], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Brings back the links that a row of the ledger took away. The next run looks at them again when it had to
    /// before, or when `touched`: somebody has changed the person meanwhile.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn bring_back(&self, change: i64, touched: bool) -> Result<()> {
        let integrations: Vec<String> = self
            .tx
            .prepare_cached("SELECT DISTINCT integration FROM former_link WHERE change = ?1")?
            .query_map([change], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for integration in integrations {
            discard_open(self.tx, self.tenant, &integration, self.now)?;
        }
        self.tx
            .prepare_cached(
                "INSERT INTO link (tenant, integration, source_tenant, cloud, source_id, person, document, digest,
                   basis, person_version, open, enabled, gone, absent_since, absent_runs, sync_time, made_by)
                 SELECT f.tenant, f.integration, f.source_tenant, f.cloud, f.source_id, f.person, f.document,
                   f.digest, f.basis, p.version, f.open OR ?2, f.enabled, f.gone, f.absent_since, f.absent_runs, f.sync_time,
                   f.made_by
                 FROM former_link f JOIN person p ON p.id = f.person WHERE f.change = ?1 ORDER BY f.id",
            )?
            .execute(params![change, touched])?;
        self.tx.prepare_cached("DELETE FROM former_link WHERE change = ?1")?.execute([change])?;
        Ok(())
    }
}
