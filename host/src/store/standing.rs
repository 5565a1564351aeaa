//! What people in charge have decided and every run respects: locks, pins, tombstones, decisions. They are rare,
//! so a run asks once whether there are any, and looks them up person by person only then.

use rusqlite::{OptionalExtension as _, params};

use super::{Result, Store};

/// Which kinds there are at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Somebody is locked.
    pub locks: bool,
    /// Something of the integration is pinned.
    pub pins: bool,
    /// Somebody was erased.
    pub tombstones: bool,
    /// It was decided who a record of the integration is.
    pub decisions: bool,
}

/// A pin as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The row.
    pub id: i64,
    /// A target field, `status` or `*`.
    pub field: String,
    /// See [`super::NewPin::source_value`].
    pub source_value: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// Who an ambiguous record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This person.
    Link(i64),
    /// Nobody who is known: a new person.
    New,
}

impl Store {
    /// What there is to respect.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn standing(&self, integration: &str) -> Result<Standing> {
        Ok(self.sql.query_row(
            "SELECT EXISTS (SELECT 1 FROM lock WHERE tenant = ?1),
                    EXISTS (SELECT 1 FROM pin WHERE tenant = ?1 AND integration = ?2),
                    EXISTS (SELECT 1 FROM tombstone WHERE tenant = ?1),
                    EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND integration = ?2)",
            params![self.tenant.0, integration],
            |row| {
                Ok(Standing {
                    locks: row.get(0)?,
                    pins: row.get(1)?,
                    tombstones: row.get(2)?,
                    decisions: row.get(3)?,
                })
            },
        )?)
    }

    /// What is locked of a person: fields, `status`, or the empty text for all of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn locked_fields(&self, person: i64) -> Result<Vec<String>> {
        let mut query =
            self.sql.prepare_cached("SELECT field FROM lock WHERE tenant = ?1 AND person = ?2")?;
        let rows = query.query_map(params![self.tenant.0, person], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The pins of a record.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pins_of(&self, integration: &str, source_id: &str) -> Result<Vec<Pin>> {
        let mut query = self.sql.prepare_cached(
            "SELECT id, field, source_value, reason FROM pin
             WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 ORDER BY field",
        )?;
        let rows = query.query_map(params![self.tenant.0, integration, source_id], |row| {
            Ok(Pin { id: row.get(0)?, field: row.get(1)?, source_value: row.get(2)?, reason: row.get(3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether the person of a record was erased.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_erased(&self, source_id: &str) -> Result<bool> {
        Ok(self
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tombstone WHERE tenant = ?1 AND source_id = ?2)")?
            .query_row(params![self.tenant.0, source_id], |row| row.get(0))?)
    }

    /// Who a record is, when somebody has decided it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn choice(&self, integration: &str, source_id: &str) -> Result<Option<Choice>> {
        let found: Option<(String, Option<i64>)> = self
            .sql
            .prepare_cached(
                "SELECT d.kind, p.id FROM decision d LEFT JOIN person p ON p.id = d.person
                 WHERE d.tenant = ?1 AND d.integration = ?2 AND d.source_id = ?3",
            )?
            .query_row(params![self.tenant.0, integration, source_id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(match found {
            Some((kind, _)) if kind == "new" => Some(Choice::New),
            // Somebody who is not there any more is nobody: the question is open again.
            Some((_, person)) => person.map(Choice::Link),
            None => None,
        })
    }

    /// Notes which pins the source has outlived; they are lifted when the run is applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_unpins(&mut self, run: super::RunId, pins: &[i64]) -> Result<()> {
        if pins.is_empty() {
            return Ok(());
        }
        let tx = self.sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        unpin_later(&tx, run, pins)?;
        tx.commit()?;
        Ok(())
    }
}

/// The same within a transaction.
pub(super) fn unpin_later(tx: &rusqlite::Transaction<'_>, run: super::RunId, pins: &[i64]) -> Result<()> {
    let mut insert =
        tx.prepare_cached("INSERT INTO staged_unpin (run, pin) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for pin in pins {
        insert.execute(params![run.row, pin])?;
    }
    Ok(())
}
