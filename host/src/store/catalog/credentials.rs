//! Credentials: settings in clear, secrets as they were sealed. The store never sees a secret.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};

use crate::credential::About;
use crate::model::Millis;
use crate::store::{Result, Store, StoreError};

/// A credential as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// Its name.
    pub name: String,
    /// Settings in clear.
    pub settings: BTreeMap<String, String>,
    /// Secrets, sealed by [`crate::credential::seal`].
    pub sealed: Vec<u8>,
    /// The day on which its secret expires, as the administrator said (YYYY-MM-DD).
    pub expires_on: Option<String>,
    /// When it was saved.
    pub saved_at: Millis,
    /// What is known about it beside.
    pub about: About,
}

const COLUMNS: &str = "name, settings, sealed, expires_on, saved_at, about";

impl Store {
    /// Adds a credential.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn add_credential(&mut self, row: &CredentialRow) -> Result<()> {
        let added = self.sql.execute(
            "INSERT INTO credential (tenant, name, settings, sealed, expires_on, saved_at, about)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![
                self.tenant.0,
                row.name,
                serde_json::to_string(&row.settings)?,
                row.sealed,
                row.expires_on,
                row.saved_at,
                serde_json::to_string(&row.about)?
            ],
        )?;
        if added == 0 {
            return Err(StoreError::Refused(format!("there is a credential `{}` already", row.name)));
        }
        Ok(())
    }

    /// Puts a credential in the place of the one of the same name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn replace_credential(&mut self, row: &CredentialRow) -> Result<()> {
        let changed = self.sql.execute(
            "UPDATE credential SET settings = ?3, sealed = ?4, expires_on = ?5, saved_at = ?6, about = ?7
             WHERE tenant = ?1 AND name = ?2",
            params![
                self.tenant.0,
                row.name,
                serde_json::to_string(&row.settings)?,
                row.sealed,
                row.expires_on,
                row.saved_at,
                serde_json::to_string(&row.about)?
            ],
        )?;
        if changed == 0 {
            return Err(StoreError::Refused(format!("there is no credential `{}`", row.name)));
        }
        Ok(())
    }

    /// All credentials, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn credentials(&self) -> Result<Vec<CredentialRow>> {
        let mut statement =
            self.sql.prepare(&format!("SELECT {COLUMNS} FROM credential WHERE tenant = ?1 ORDER BY name"))?;
        let rows = statement.query_map([self.tenant.0], raw)?;
        rows.map(|row| parsed(row?)).collect()
    }

    /// The credential of that name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn credential(&self, name: &str) -> Result<Option<CredentialRow>> {
        self.sql
            .query_row(
                &format!("SELECT {COLUMNS} FROM credential WHERE tenant = ?1 AND name = ?2"),
                params![self.tenant.0, name],
                raw,
            )
            .optional()?
            .map(parsed)
            .transpose()
    }

    /// Whether any tenant of the file has sealed secrets: then a missing key is lost, not new.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_sealed(&self) -> Result<bool> {
        Ok(self.sql.query_row("SELECT EXISTS (SELECT 1 FROM credential)", [], |row| row.get(0))?)
    }

    /// Removes a credential.
    ///
    /// # Errors
    /// When there is none of that name, or an integration uses it.
    pub fn remove_credential(&mut self, name: &str) -> Result<()> {
        let tx = self.sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let users: Vec<String> = tx
            .prepare("SELECT name FROM integration WHERE tenant = ?1 AND credential = ?2 ORDER BY name")?
            .query_map(params![self.tenant.0, name], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if !users.is_empty() {
            return Err(StoreError::Refused(format!(
                "the credential `{name}` is in use by the integration `{}`",
                users.join("`, `")
            )));
        }
        let removed = tx.execute(
            "DELETE FROM credential WHERE tenant = ?1 AND name = ?2",
            params![self.tenant.0, name],
        )?;
        if removed == 0 {
            return Err(StoreError::Refused(format!("there is no credential `{name}`")));
        }
        tx.commit()?;
        Ok(())
    }
}

type Raw = (String, String, Vec<u8>, Option<String>, Millis, String);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn parsed((name, settings, sealed, expires_on, saved_at, about): Raw) -> Result<CredentialRow> {
    let (settings, about) = (serde_json::from_str(&settings)?, serde_json::from_str(&about)?);
    Ok(CredentialRow { name, settings, sealed, expires_on, saved_at, about })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_replaced_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("s"), "default").unwrap();
        assert!(!store.has_sealed().unwrap());
        let row = CredentialRow {
            name: "entra".into(),
            settings: BTreeMap::from([("domain".into(), "https://graph.microsoft.com".into())]),
            sealed: vec![1, 2],
            expires_on: Some("2027-01-31".into()),
            saved_at: 5,
            about: About { told_end: Some("2027-02-01".into()), ..About::default() },
        };
        assert!(store.replace_credential(&row).is_err(), "there is none yet");
        store.add_credential(&row).unwrap();
        assert!(store.add_credential(&row).unwrap_err().to_string().contains("already"));
        let changed = CredentialRow { sealed: vec![3], ..row };
        store.replace_credential(&changed).unwrap();
        assert_eq!(store.credentials().unwrap(), [changed]);
        let other = Store::open(store.path(), "other").unwrap();
        assert_eq!(other.credential("entra").unwrap(), None, "tenants do not see each other's");
        assert!(other.has_sealed().unwrap());
        store.remove_credential("entra").unwrap();
        assert!(store.remove_credential("entra").is_err());
    }
}
