//! The records that links keep: what the source last sent of each person.

use rusqlite::{OptionalExtension as _, params};

use crate::store::{Result, Store};

/// A linked person with their record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// The user's id at the source.
    pub source_id: String,
    /// The person's row.
    pub person: i64,
    /// The record as it was sent.
    pub raw: String,
}

impl Store {
    /// Every record that an integration's links keep, one by one, by source id. `each` may stop it by an
    /// error.
    ///
    /// # Errors
    /// When the store cannot be read; the error of `each` in its own place.
    pub fn each_document<E>(
        &self,
        integration: &str,
        mut each: impl FnMut(DocumentRow) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let mut statement = self.sql.prepare(
            "SELECT l.source_id, l.person, d.raw FROM link l JOIN document d ON d.id = l.document
             WHERE l.tenant = ?1 AND l.integration = ?2 ORDER BY l.source_id",
        )?;
        let mut rows = statement.query(params![self.tenant.0, integration])?;
        while let Some(row) = rows.next()? {
            let row = DocumentRow { source_id: row.get(0)?, person: row.get(1)?, raw: row.get(2)? };
            if let Err(stop) = each(row) {
                return Ok(Err(stop));
            }
        }
        Ok(Ok(()))
    }

    /// The record that an integration's link to a person keeps.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn document_of(&self, integration: &str, person: i64) -> Result<Option<DocumentRow>> {
        Ok(self
            .sql
            .query_row(
                "SELECT l.source_id, l.person, d.raw FROM link l JOIN document d ON d.id = l.document
                 WHERE l.tenant = ?1 AND l.integration = ?2 AND l.person = ?3 LIMIT 1",
                params![self.tenant.0, integration, person],
                |row| Ok(DocumentRow { source_id: row.get(0)?, person: row.get(1)?, raw: row.get(2)? }),
            )
            .optional()?)
    }
}
