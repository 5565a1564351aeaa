//! What an undo keeps of SaaS users while the source says what it said.

use std::collections::HashMap;

use rusqlite::{Transaction, TransactionBehavior, params};

use crate::model::Millis;
use crate::store::{Result, RunId, Store};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaasPinned {
    /// The role; the word of the source is the role that it told.
    Role,
    /// The status; the word of the source is `user` or `left`.
    Status,
    /// That the user is none; the word of the source is the role that it told.
    Whole,
}

impl SaasPinned {
    /// The source says that somebody is a user.
    pub const USER: &'static str = "user";
    /// The source says that somebody is no user any more.
    pub const LEFT: &'static str = "left";

    /// As the store has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Status => "status",
            Self::Whole => "*",
        }
    }
}

/// The word of the source under which something is kept, by user and what is kept.
pub type SaasPins = HashMap<(String, SaasPinned), Option<String>>;

impl Store {
    /// What is kept of an application's users.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_pins(&self, application: i64) -> Result<SaasPins> {
        Ok(self
            .sql
            .prepare("SELECT source_id, field, source_value FROM saas_pin WHERE application = ?1")?
            .query_map([application], |row| {
                let what = match row.get::<_, String>(1)?.as_str() {
                    "role" => SaasPinned::Role,
                    "status" => SaasPinned::Status,
                    _ => SaasPinned::Whole,
                };
                Ok(((row.get(0)?, what), row.get(2)?))
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Notes of what the source says something else by now: it is kept no longer once the run is applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn stage_saas_unpins(&mut self, run: RunId, lifted: &[(String, SaasPinned)]) -> Result<()> {
        if lifted.is_empty() {
            return Ok(());
        }
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (source_id, what) in lifted {
            tx.prepare_cached(
                "INSERT INTO staged_saas_unpin (run, source_id, field) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run.row, source_id, what.name()])?;
        }
        tx.commit()?;
        Ok(())
    }
}

/// Keeps something of a user.
///
/// # Errors
/// When the store cannot be written.
pub(in crate::store) fn pin(
    tx: &Transaction<'_>,
    application: i64,
    source_id: &str,
    what: SaasPinned,
    word: Option<&str>,
    (run, at): (i64, Millis),
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO saas_pin (application, source_id, field, source_value, run, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET source_value = excluded.source_value, run = excluded.run, at = excluded.at",
    )?
    .execute(params![application, source_id, what.name(), word, run, at])?;
    Ok(())
}

/// Lifts what a run has kept of a user.
///
/// # Errors
/// When the store cannot be written.
pub(in crate::store) fn unpin(
    tx: &Transaction<'_>,
    application: i64,
    source_id: &str,
    run: i64,
) -> Result<()> {
    tx.prepare_cached("DELETE FROM saas_pin WHERE application = ?1 AND source_id = ?2 AND run = ?3")?
        .execute(params![application, source_id, run])?;
    Ok(())
}
