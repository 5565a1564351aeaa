//! What people do by hand: every deed is a run of its own with rows in the ledger, so that people can be
//! rebuilt from it. Imports, edits, locks, merges, erasures and undos write through one [`Hand`].

mod edit;
mod erase;
mod erase_managers;
pub(super) mod links;
mod locks;
mod merge;
mod read;
mod undo;

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::runs::next_number;
use super::{KeyFields, Result, Store, StoreError, fields};
use crate::model::{Millis, Outcome, PersonUid, Targets};
use crate::sync::{RunKind, RunReport, RunState};

pub use edit::{Edit, Edited};
pub use locks::{Locking, Unpinning};
pub use merge::Merging;
pub use read::{LockRow, PinRow};
pub use undo::{UndoOrder, Undone};

/// Writes one run of the hand, inside of its transaction.
pub(super) struct Hand<'tx> {
    pub(super) tx: &'tx Transaction<'tx>,
    pub(super) tenant: i64,
    tenant_name: &'tx str,
    key_fields: &'tx KeyFields,
    /// The fields that people can have.
    pub(super) targets: &'tx Targets,
    /// The row of the run.
    pub(super) run: i64,
    /// Its number.
    pub(super) number: i64,
    kind: RunKind,
    pub(super) now: Millis,
}

/// A person as they are now.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) id: i64,
    pub(super) uid: String,
    pub(super) active: bool,
    pub(super) ended_by: Option<String>,
    pub(super) fields: String,
    pub(super) version: i64,
    pub(super) created_at: Millis,
}

impl Present {
    /// The text of a field.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let map = fields::parse(&self.fields).ok()?;
        serde_json::from_str(map.get(field)?.get()).ok()
    }

    /// What people call them.
    pub(super) fn name(&self) -> String {
        self.text("username").or_else(|| self.text("display_name")).unwrap_or_else(|| self.uid.clone())
    }
}

/// A row of the ledger to be. What is none is left out.
#[derive(Clone, Copy, Default)]
pub(super) struct Row<'a> {
    pub(super) integration: Option<&'a str>,
    pub(super) source_id: Option<&'a str>,
    pub(super) person: Option<i64>,
    pub(super) uid: Option<&'a str>,
    /// What changes with one cause have in common.
    pub(super) cause: &'a str,
    /// Why, for people.
    pub(super) reason: &'a str,
    pub(super) fields: Option<&'a str>,
    pub(super) differences: Option<&'a str>,
    pub(super) not_applied: Option<&'a str>,
    pub(super) active_after: Option<bool>,
    pub(super) evidence: Option<&'a str>,
    pub(super) base_version: Option<i64>,
    pub(super) undoes: Option<i64>,
    /// Nothing was done: the row only tells why.
    pub(super) idle: bool,
}

/// What happens to a person who is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Alteration<'a> {
    /// JSON list of `[field, before, after]`.
    pub(super) differences: Option<&'a str>,
    /// The status afterwards, when it changes.
    pub(super) active: Option<bool>,
    /// Who is said to have made them inactive, when they become so.
    pub(super) ended_by: Option<&'a str>,
}

/// A person's order, which is evidence by itself (design.md, invariant 1). Only a run of the hand makes one.
pub(super) struct Order(String);

impl Order {
    /// By whom: `hand`, `import`, `undo of run 5`; and who had made the person inactive before, when that comes
    /// back.
    pub(super) fn by(who: &str, ended_by: Option<&str>) -> Result<Self> {
        let mut order = serde_json::json!({ "kind": "ordered", "by": who });
        if let (Some(ended_by), Some(order)) = (ended_by, order.as_object_mut()) {
            order.insert("ended_by".to_owned(), ended_by.into());
        }
        Ok(Self(serde_json::to_string(&order)?))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl<'tx> Hand<'tx> {
    /// Begins a run.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn begin(
        tx: &'tx Transaction<'tx>,
        store: &'tx Store,
        kind: RunKind,
        now: Millis,
    ) -> Result<Self> {
        let tenant = store.tenant.0;
        let number = next_number(tx, tenant)?;
        tx.execute(
            "INSERT INTO run (tenant, number, kind, state, started_at) VALUES (?1, ?2, ?3, 'staging', ?4)",
            params![tenant, number, kind.name(), now],
        )?;
        Ok(Self {
            run: tx.last_insert_rowid(),
            tx,
            tenant,
            tenant_name: &store.tenant_name,
            key_fields: &store.keys,
            targets: &store.targets,
            number,
            kind,
            now,
        })
    }

    /// Ends the run with what its rows come to; the transaction is the caller's to commit.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn finish(&self, change: impl FnOnce(&mut RunReport)) -> Result<RunReport> {
        let mut report = RunReport::new(self.number, "", self.kind, self.now);
        let mut counts =
            self.tx.prepare_cached("SELECT outcome, count(*) FROM change WHERE run = ?1 GROUP BY outcome")?;
        let mut rows = counts.query([self.run])?;
        while let Some(row) = rows.next()? {
            let outcome: Outcome = row.get::<_, String>(0)?.parse()?;
            report.outcomes.insert(outcome, row.get::<_, i64>(1)?.unsigned_abs());
        }
        report.state = RunState::Applied;
        report.ended_at = Some(self.now);
        change(&mut report);
        report.rows_seen = report.outcomes.values().sum();
        self.tx.execute(
            "UPDATE run SET state = 'applied', ended_at = ?2, report = ?3 WHERE id = ?1",
            params![self.run, self.now, serde_json::to_string(&report)?],
        )?;
        Ok(report)
    }

    /// A person by their row.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn person(&self, id: i64) -> Result<Option<Present>> {
        present(self.tx, id)
    }

    /// The person who has a folded username.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn named(&self, key: &str) -> Result<Option<Present>> {
        let id: Option<i64> = self
            .tx
            .prepare_cached(
                "SELECT person FROM person_key WHERE tenant = ?1 AND field = 'username' AND key = ?2",
            )?
            .query_row(params![self.tenant, key], |row| row.get(0))
            .optional()?;
        id.map_or(Ok(None), |id| self.person(id))
    }

    /// Writes a new person; the ledger's row is the caller's.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn insert(&self, person: &Present) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO person (id, tenant, uid, active, ended_by, fields, version, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                person.id,
                self.tenant,
                person.uid,
                person.active,
                person.ended_by,
                person.fields,
                person.version,
                person.created_at
            ])?;
        self.keys(person.id, &person.fields)
    }

    /// Changes a person; the ledger's row is the caller's. The version goes up, so that the next run looks
    /// again. Gives back the fields afterwards.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn alter(&self, present: &Present, with: Alteration<'_>) -> Result<String> {
        let after = match with.differences {
            Some(differences) => fields::merge(&present.fields, Some(differences))?,
            None => present.fields.clone(),
        };
        self.tx
            .prepare_cached(
                "UPDATE person SET fields = ?2, version = version + 1,
                   ended_by = CASE ?3 WHEN 1 THEN NULL WHEN 0 THEN ?4 ELSE ended_by END,
                   active = coalesce(?3, active)
                 WHERE id = ?1",
            )?
            .execute(params![present.id, after, with.active, with.ended_by])?;
        if with.differences.is_some() {
            self.keys(present.id, &after)?;
        }
        Ok(after)
    }

    /// The version of a person goes up: the next run looks again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn touch(&self, person: i64) -> Result<()> {
        self.tx.prepare_cached("UPDATE person SET version = version + 1 WHERE id = ?1")?.execute([person])?;
        Ok(())
    }

    /// Takes a person away with keys and locks; links and the ledger's row are the caller's.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn remove(&self, person: i64) -> Result<()> {
        for sql in [
            "DELETE FROM person_key WHERE person = ?1",
            "DELETE FROM lock WHERE person = ?1",
            "DELETE FROM person WHERE id = ?1",
        ] {
            self.tx.prepare_cached(sql)?.execute([person])?;
        }
        Ok(())
    }

    /// The values that a person is found by, written anew.
    fn keys(&self, person: i64, fields: &str) -> Result<()> {
        self.tx.prepare_cached("DELETE FROM person_key WHERE person = ?1")?.execute([person])?;
        let keys: BTreeMap<String, String> = serde_json::from_str(&self.key_fields.of_fields(fields)?)?;
        let mut insert = self
            .tx
            .prepare_cached("INSERT INTO person_key (tenant, field, key, person) VALUES (?1, ?2, ?3, ?4)")?;
        for (field, key) in keys {
            insert.execute(params![self.tenant, field, key, person])?;
        }
        Ok(())
    }

    /// The id that follows from a folded username; a further one when somebody had that username before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn free_uid(&self, key: &str) -> Result<String> {
        let mut taken = self.tx.prepare_cached("SELECT 1 FROM person WHERE tenant = ?1 AND uid = ?2")?;
        let mut again = 0_u32;
        loop {
            let name = if again == 0 { key.to_owned() } else { format!("{key}\u{0}{again}") };
            let uid = PersonUid::of_hand(self.tenant_name, &name).to_string();
            if !taken.exists(params![self.tenant, uid])? {
                return Ok(uid);
            }
            again += 1;
        }
    }

    /// The next number of a kind: `person` or `change`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn next(&self, of: &str) -> Result<i64> {
        Ok(self
            .tx
            .prepare_cached("UPDATE sequence SET next = next + 1 WHERE name = ?1 RETURNING next - 1")?
            .query_row([of], |row| row.get(0))?)
    }

    /// Writes a row of the ledger. Gives back its number.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn ledger(&self, outcome: Outcome, row: &Row<'_>) -> Result<i64> {
        let id = self.next("change")?;
        self.tx
            .prepare_cached(
                "INSERT INTO change (id, tenant, run, integration, source_id, person, uid, outcome, state, cause,
                   reason, fields, differences, not_applied, active_after, evidence, base_version, undoes, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )?
            .execute(params![
                id,
                self.tenant,
                self.run,
                row.integration,
                row.source_id,
                row.person,
                row.uid,
                outcome.name(),
                if row.idle { "none" } else { "flows" },
                row.cause,
                row.reason,
                row.fields,
                row.differences,
                row.not_applied,
                row.active_after,
                row.evidence,
                row.base_version,
                row.undoes,
                self.now
            ])?;
        Ok(id)
    }
}

/// A person by their row.
///
/// # Errors
/// When the store cannot be read.
fn present(tx: &Transaction<'_>, id: i64) -> Result<Option<Present>> {
    Ok(tx
        .prepare_cached(
            "SELECT id, uid, active, ended_by, fields, version, created_at FROM person WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(Present {
                id: row.get(0)?,
                uid: row.get(1)?,
                active: row.get(2)?,
                ended_by: row.get(3)?,
                fields: row.get(4)?,
                version: row.get(5)?,
                created_at: row.get(6)?,
            })
        })
        .optional()?)
}

/// Somebody whom a command found a moment ago.
///
/// # Errors
/// When they are gone since.
fn still_there(hand: &Hand<'_>, person: i64) -> Result<Present> {
    hand.person(person)?.ok_or_else(|| {
        StoreError::Refused("this person was removed a moment ago; nothing was changed".into())
    })
}
