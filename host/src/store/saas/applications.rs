//! The software catalog, and the SaaS applications that are linked to it.

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::model::{Millis, fold_key};
use crate::store::{Result, Store, StoreError};

/// An entry of the software catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Its name.
    pub name: String,
    /// Whose software it is; may be empty.
    pub publisher: String,
    /// What kind of software it is; may be empty.
    pub category: String,
    /// Somebody added it; otherwise a plugin brought it.
    pub by_hand: bool,
}

/// A SaaS application, linked to the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasApplication {
    /// The row.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The entry of the catalog.
    pub entry: String,
    /// The integration that loads its users; none = none does.
    pub integration: Option<String>,
}

/// What a run must know of the application that it feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasFeed {
    /// The row.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Where roles came from in the last applied pass.
    pub roles_from: Option<String>,
    /// Rows of the last complete listing.
    pub complete_rows: Option<u64>,
}

impl Store {
    /// Entries of the catalog, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn catalog(&self) -> Result<Vec<CatalogEntry>> {
        Ok(self
            .sql
            .prepare("SELECT name, publisher, category, by_hand FROM catalog_entry WHERE tenant = ?1 ORDER BY name")?
            .query_map([self.tenant.0], |row| {
                Ok(CatalogEntry {
                    name: row.get(0)?,
                    publisher: row.get(1)?,
                    category: row.get(2)?,
                    by_hand: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Adds what a plugin brings, and what somebody adds; an entry that is there stays as it is. Returns how
    /// many are new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn add_to_catalog(&mut self, entries: &[CatalogEntry], now: Millis) -> Result<usize> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let added = add(&tx, self.tenant.0, entries, now)?;
        tx.commit()?;
        Ok(added)
    }

    /// SaaS applications, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_applications(&self) -> Result<Vec<SaasApplication>> {
        Ok(self
            .sql
            .prepare(
                "SELECT id, name, entry, integration FROM saas_application WHERE tenant = ?1 ORDER BY name",
            )?
            .query_map([self.tenant.0], |row| {
                Ok(SaasApplication {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    entry: row.get(2)?,
                    integration: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// The SaaS application of that name, however it is written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_application(&self, name: &str) -> Result<Option<SaasApplication>> {
        let wanted = fold_key(name);
        Ok(self.saas_applications()?.into_iter().find(|it| fold_key(&it.name) == wanted))
    }

    /// Links an application to an entry of the catalog. Returns whether it is new.
    ///
    /// # Errors
    /// When the application is linked to another entry, or there is no such entry.
    pub fn link_saas(&mut self, name: &str, entry: &str, now: Millis) -> Result<bool> {
        let wanted = fold_key(entry);
        let found = self.catalog()?.into_iter().find(|it| fold_key(&it.name) == wanted);
        let Some(found) = found else {
            return Err(StoreError::Refused(format!("there is no `{entry}` in the software catalog")));
        };
        if let Some(there) = self.saas_application(name)? {
            if there.entry == found.name {
                return Ok(false);
            }
            return Err(StoreError::Refused(format!(
                "`{}` is linked to `{}` of the catalog already",
                there.name, there.entry
            )));
        }
        self.sql.execute(
            "INSERT INTO saas_application (tenant, name, entry, linked_at) VALUES (?1, ?2, ?3, ?4)",
            params![self.tenant.0, name, found.name, now],
        )?;
        Ok(true)
    }

    /// Who would load the users of an application beside this integration, and is still there to do so.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_fed_by_other(&self, application: &str, integration: &str) -> Result<Option<String>> {
        let found = self.saas_application(application)?.and_then(|it| it.integration);
        let Some(other) = found.filter(|other| other != integration) else { return Ok(None) };
        Ok(self.integration(&other)?.map(|row| row.name))
    }

    /// From now on an integration loads the users of this application; none = of none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn feed_saas(&mut self, integration: &str, application: Option<i64>) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "UPDATE saas_application SET integration = NULL WHERE tenant = ?1 AND integration = ?2 AND id IS NOT ?3",
            params![self.tenant.0, integration, application],
        )?;
        tx.execute(
            "UPDATE saas_application SET integration = ?2 WHERE tenant = ?1 AND id = ?3 AND integration IS NOT ?2",
            params![self.tenant.0, integration, application],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// The application whose users an integration loads.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_feed(&self, integration: &str) -> Result<Option<SaasFeed>> {
        Ok(self
            .sql
            .query_row(
                "SELECT id, name, roles_from, complete_rows FROM saas_application
                 WHERE tenant = ?1 AND integration = ?2",
                params![self.tenant.0, integration],
                |row| {
                    Ok(SaasFeed {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        roles_from: row.get(2)?,
                        complete_rows: row.get::<_, Option<i64>>(3)?.and_then(|it| u64::try_from(it).ok()),
                    })
                },
            )
            .optional()?)
    }
}

fn add(tx: &Transaction<'_>, tenant: i64, entries: &[CatalogEntry], now: Millis) -> Result<usize> {
    let there: Vec<String> = tx
        .prepare("SELECT name FROM catalog_entry WHERE tenant = ?1")?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut insert = tx.prepare(
        "INSERT INTO catalog_entry (tenant, name, publisher, category, by_hand, added_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?;
    let mut added = 0;
    for entry in entries {
        if there.iter().any(|name| fold_key(name) == fold_key(&entry.name)) {
            continue;
        }
        added += insert.execute(params![
            tenant,
            entry.name,
            entry.publisher,
            entry.category,
            entry.by_hand,
            now
        ])?;
    }
    Ok(added)
}
