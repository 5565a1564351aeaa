//! Standing locks, pins and tombstones.

use rusqlite::{OptionalExtension as _, params};

use crate::model::Millis;
use crate::store::{Result, Store};

/// A lock of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    /// A target field, `status`, or empty: the person wholly.
    pub field: String,
    /// Why, in the words of whoever locked it.
    pub note: Option<String>,
    /// The number of the run that made it.
    pub run: i64,
    /// When.
    pub at: Millis,
}

/// A standing pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinRow {
    /// The row.
    pub id: i64,
    /// The integration that it binds.
    pub integration: String,
    /// The user at the source.
    pub source_id: String,
    /// A target field, `status`, or `*`: the record as a whole.
    pub field: String,
    /// What the source says while the pin holds; see [`crate::store::NewPin`].
    pub source_value: Option<String>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Millis,
}

impl PinRow {
    /// The field, as people read it.
    #[must_use]
    pub fn field_for_people(&self) -> &str {
        if self.field == "*" { "the record as a whole" } else { &self.field }
    }
}

const PIN: &str = "SELECT id, integration, source_id, field, source_value, reason, at FROM pin";

fn pin(row: &rusqlite::Row<'_>) -> rusqlite::Result<PinRow> {
    Ok(PinRow {
        id: row.get(0)?,
        integration: row.get(1)?,
        source_id: row.get(2)?,
        field: row.get(3)?,
        source_value: row.get(4)?,
        reason: row.get(5)?,
        at: row.get(6)?,
    })
}

impl Store {
    /// The locks of a person, by field.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn locks_of(&self, person: i64) -> Result<Vec<LockRow>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT l.field, l.note, r.number, l.at FROM lock l JOIN run r ON r.id = l.run
                 WHERE l.tenant = ?1 AND l.person = ?2 ORDER BY l.field",
            )?
            .query_map(params![self.tenant.0, person], |row| {
                Ok(LockRow { field: row.get(0)?, note: row.get(1)?, run: row.get(2)?, at: row.get(3)? })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// The pins of a person and of their records at the source, by field.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn person_pins(&self, person: i64) -> Result<Vec<PinRow>> {
        Ok(self
            .sql
            .prepare_cached(&format!(
                "{PIN} WHERE tenant = ?1 AND (person = ?2 OR (integration, source_id) IN
                   (SELECT integration, source_id FROM link WHERE person = ?2))
                 ORDER BY field, integration, source_id"
            ))?
            .query_map(params![self.tenant.0, person], pin)?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// The pins of a record at the source.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn record_pins(&self, source_id: &str) -> Result<Vec<PinRow>> {
        Ok(self
            .sql
            .prepare_cached(&format!(
                "{PIN} WHERE tenant = ?1 AND source_id = ?2 ORDER BY field, integration"
            ))?
            .query_map(params![self.tenant.0, source_id], pin)?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// The uid of the person who was erased under a source id, or whose uid this is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tombstone(&self, id: &str) -> Result<Option<String>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT uid FROM tombstone WHERE tenant = ?1 AND (source_id = ?2 OR uid = lower(?2)) LIMIT 1",
            )?
            .query_row(params![self.tenant.0, id], |row| row.get(0))
            .optional()?)
    }
}
