//! What the store knows of the people on a page.

use rusqlite::{OptionalExtension as _, params};

use super::{Result, Store};

/// Why the last run may let a record be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The link.
    pub link: i64,
    /// The person.
    pub person: i64,
    /// Of the record that the link has.
    pub digest: [u8; 16],
    /// Nothing but the record could change the outcome: same basis, same version, nothing open.
    pub settled: bool,
}

/// A person who may be the one that a record means.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The row.
    pub person: i64,
    /// Their version.
    pub version: i64,
    /// Their status.
    pub active: bool,
    /// Who ended it: `integration:NAME` or `hand`.
    pub ended_by: Option<String>,
    /// Their fields, JSON.
    pub fields: String,
    /// What the source last said of signing in, through this integration's link.
    pub was_enabled: Option<bool>,
    /// They were absent when this integration was last applied.
    pub was_absent: bool,
}

/// A link that a complete listing did not return.
#[derive(Clone, Debug, PartialEq)]
pub struct Unlisted {
    /// The link.
    pub link: i64,
    /// The id at the source.
    pub source_id: String,
    /// The person.
    pub person: i64,
    /// Complete, applied runs that had not found them before this one.
    pub absent_runs: u32,
    /// When the first of these was.
    pub absent_since: Option<i64>,
    /// Whether the person is active.
    pub active: bool,
    /// When the source was last asked about them; none = never.
    pub asked_at: Option<i64>,
}

impl Store {
    /// The links that an integration has to these source ids, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known<'a>(
        &self,
        integration: &str,
        basis: i64,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<Known>>> {
        let mut query = self.sql.prepare_cached(
            "SELECT l.id, l.person, l.digest, l.basis = ?4 AND l.open = 0 AND l.absent_runs = 0 AND l.gone = 0
                    AND l.person_version = p.version
             FROM link l JOIN person p ON p.id = l.person
             WHERE l.tenant = ?1 AND l.integration = ?2 AND l.source_id = ?3",
        )?;
        ids.map(|id| {
            Ok(query
                .query_row(params![self.tenant.0, integration, id, basis], |row| {
                    Ok(Known {
                        link: row.get(0)?,
                        person: row.get(1)?,
                        digest: row.get(2)?,
                        settled: row.get(3)?,
                    })
                })
                .optional()?)
        })
        .collect()
    }

    /// One person, as a candidate of this integration.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no such person.
    pub fn candidate(&self, integration: &str, person: i64) -> Result<Candidate> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT p.version, p.active, p.ended_by, p.fields, l.enabled,
                        coalesce(l.gone = 1 OR l.absent_since IS NOT NULL, 0)
                 FROM person p LEFT JOIN link l ON l.person = p.id AND l.integration = ?2 AND l.tenant = p.tenant
                 WHERE p.id = ?1",
            )?
            .query_row(params![person, integration], |row| {
                Ok(Candidate {
                    person,
                    version: row.get(0)?,
                    active: row.get(1)?,
                    ended_by: row.get(2)?,
                    fields: row.get(3)?,
                    was_enabled: row.get(4)?,
                    was_absent: row.get(5)?,
                })
            })?)
    }

    /// The person to whom another integration has linked the same user of the same tenant and cloud.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked_elsewhere(&self, source_tenant: &str, cloud: &str, source_id: &str) -> Result<Option<i64>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT person FROM link
                 WHERE tenant = ?1 AND source_id = ?2 AND source_tenant = ?3 AND cloud = ?4 LIMIT 1",
            )?
            .query_row(params![self.tenant.0, source_id, source_tenant, cloud], |row| row.get(0))
            .optional()?)
    }

    /// The other user of the same tenant and cloud to whom any integration has linked a person.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked_to_another(
        &self,
        person: i64,
        source_tenant: &str,
        cloud: &str,
        source_id: &str,
    ) -> Result<Option<String>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT source_id FROM link
                 WHERE tenant = ?1 AND person = ?2 AND source_tenant = ?3 AND cloud = ?4 AND source_id != ?5
                 ORDER BY id LIMIT 1",
            )?
            .query_row(params![self.tenant.0, person, source_tenant, cloud, source_id], |row| row.get(0))
            .optional()?)
    }

    /// The other user to whom this integration has linked a person, and whether that user is gone for good: then
    /// the person's new user can take the place.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn own_link(
        &self,
        integration: &str,
        person: i64,
        source_id: &str,
    ) -> Result<Option<(String, bool)>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT source_id, gone = 1 FROM link
                 WHERE tenant = ?1 AND integration = ?2 AND person = ?3 AND source_id != ?4",
            )?
            .query_row(params![self.tenant.0, integration, person, source_id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?)
    }

    /// The people who have this folded value in a key field; three are as good as many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn people_by_key(&self, field: &str, key: &str) -> Result<Vec<i64>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT person FROM person_key WHERE tenant = ?1 AND field = ?2 AND key = ?3 LIMIT 3",
            )?
            .query_map(params![self.tenant.0, field, key], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Whether somebody has this lasting id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_uid(&self, uid: &crate::model::PersonUid) -> Result<bool> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM person WHERE tenant = ?1 AND uid = ?2")?
            .exists(params![self.tenant.0, uid.to_string()])?)
    }

    /// Whether anybody is there who could be adopted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_people(&self) -> Result<bool> {
        Ok(self.sql.query_row(
            "SELECT EXISTS (SELECT 1 FROM person WHERE tenant = ?1)",
            [self.tenant.0],
            |row| row.get(0),
        )?)
    }

    /// Links of an integration that are not in `seen`, but for those whose absence is settled: it is not for
    /// somebody who is active. `each` is called in the order of the links.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn unlisted(
        &self,
        integration: &str,
        seen: &roaring::RoaringTreemap,
        mut each: impl FnMut(Unlisted) -> Result<()>,
    ) -> Result<()> {
        let mut query = self.sql.prepare_cached(
            "SELECT id, source_id, person, absent_runs, absent_since, asked_at FROM link
             WHERE tenant = ?1 AND integration = ?2
               AND (gone = 0 OR (SELECT active FROM person p WHERE p.id = link.person)) ORDER BY id",
        )?;
        let mut active = self.sql.prepare_cached("SELECT active FROM person WHERE id = ?1")?;
        let mut rows = query.query(params![self.tenant.0, integration])?;
        while let Some(row) = rows.next()? {
            let link: i64 = row.get(0)?;
            if seen.contains(u64::try_from(link).unwrap_or(0)) {
                continue;
            }
            let person: i64 = row.get(2)?;
            each(Unlisted {
                link,
                source_id: row.get(1)?,
                person,
                absent_runs: row.get(3)?,
                absent_since: row.get(4)?,
                active: active.query_row([person], |row| row.get(0))?,
                asked_at: row.get(5)?,
            })?;
        }
        Ok(())
    }

    /// Names of the launched integrations, other than this one, through which somebody is still seen: their
    /// last complete listing had them, whatever they made of it when it had not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn seen_by_others(&self, integration: &str, person: i64) -> Result<Vec<String>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT l.integration FROM link l
                 JOIN integration i ON i.tenant = l.tenant AND i.name = l.integration AND i.launched_at IS NOT NULL
                 WHERE l.person = ?1 AND l.integration != ?2 AND l.gone = 0 AND l.absent_since IS NULL
                 ORDER BY l.integration",
            )?
            .query_map(params![person, integration], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// People whom this integration has linked and who are active.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked_active(&self, integration: &str) -> Result<u64> {
        count(self.sql.query_row(
            "SELECT count(*) FROM link l JOIN person p ON p.id = l.person
             WHERE l.tenant = ?1 AND l.integration = ?2 AND p.active = 1",
            params![self.tenant.0, integration],
            |row| row.get(0),
        ))
    }

    /// Of the people whom this integration has linked, how many have a value in a field.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked_filled(&self, integration: &str, field: &str) -> Result<u64> {
        count(self.sql.query_row(
            "SELECT count(*) FROM link l JOIN person p ON p.id = l.person
             WHERE l.tenant = ?1 AND l.integration = ?2
               AND json_type(p.fields, '$.' || ?3) IS NOT NULL",
            params![self.tenant.0, integration, field],
            |row| row.get(0),
        ))
    }
}

fn count(number: rusqlite::Result<i64>) -> Result<u64> {
    Ok(u64::try_from(number?).unwrap_or(0))
}
