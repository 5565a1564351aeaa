//! People entered by hand, from a file: one run of the ledger, all of it or nothing.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde_json::value::RawValue;

use crate::model::{Millis, Outcome, PersonUid, fold_key};
use crate::store::{KeyFields, Result, Store, StoreError, fields};
use crate::sync::{Completeness, Cost, RunKind, RunReport, RunState, Timings};

/// One row of the file, checked.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// Its line, for the ledger and for errors.
    pub line: u64,
    /// Fields with a value, as JSON texts. An empty cell is not here: it leaves the field as it is.
    pub fields: BTreeMap<String, Box<RawValue>>,
    /// The status, when the file says one.
    pub active: Option<bool>,
}

/// A file of people.
#[derive(Clone, Debug)]
pub struct Import {
    /// What the file is called, for the ledger.
    pub file: String,
    /// Its rows; no username stands twice.
    pub rows: Vec<ImportRow>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The run's number.
    pub run: i64,
    /// Its report, as the store has it.
    pub report: RunReport,
}

impl Store {
    /// Creates and updates people by username, in one transaction and one run. Where nothing differs,
    /// nothing is written.
    ///
    /// # Errors
    /// When a new person has no access role, naming every such line; nothing was changed then.
    pub fn import_people(&mut self, import: &Import, now: Millis) -> Result<Imported> {
        let tenant = self.tenant.0;
        let tenant_name = self.tenant_name.clone();
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number: i64 = tx.query_row(
            "SELECT coalesce(max(number), 0) + 1 FROM run WHERE tenant = ?1",
            [tenant],
            |row| row.get(0),
        )?;
        tx.execute(
            "INSERT INTO run (tenant, number, kind, state, started_at) VALUES (?1, ?2, 'import', 'staging', ?3)",
            params![tenant, number, now],
        )?;
        let mut writer = Writer {
            run: tx.last_insert_rowid(),
            tx: &tx,
            tenant,
            tenant_name: &tenant_name,
            key_fields: &self.keys,
            file: &import.file,
            now,
            refused: Vec::new(),
        };
        let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
        for row in &import.rows {
            let outcome = writer.row(row)?;
            *outcomes.entry(outcome).or_default() += 1;
        }
        if !writer.refused.is_empty() {
            return Err(StoreError::Refused(format!(
                "`{}` was not imported:\n  {}",
                import.file,
                writer.refused.join("\n  ")
            )));
        }
        let run = writer.run;
        let report = report(number, now, outcomes);
        tx.execute(
            "UPDATE run SET state = 'applied', ended_at = ?2, report = ?3 WHERE id = ?1",
            params![run, now, serde_json::to_string(&report)?],
        )?;
        tx.commit()?;
        Ok(Imported { run: number, report })
    }
}

/// Writes the rows of one import.
struct Writer<'tx> {
    tx: &'tx Transaction<'tx>,
    tenant: i64,
    tenant_name: &'tx str,
    key_fields: &'tx KeyFields,
    run: i64,
    file: &'tx str,
    now: Millis,
    refused: Vec<String>,
}

/// A person who is there.
struct Present {
    id: i64,
    active: bool,
    fields: String,
    version: i64,
}

impl Writer<'_> {
    fn row(&mut self, row: &ImportRow) -> Result<Outcome> {
        let key = row
            .fields
            .get("username")
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .and_then(|name| fold_key(&name).map(std::borrow::Cow::into_owned))
            .ok_or_else(|| StoreError::Refused(format!("line {} has no username", row.line)))?;
        let present = self
            .tx
            .prepare_cached(
                "SELECT p.id, p.active, p.fields, p.version FROM person_key k JOIN person p ON p.id = k.person
                 WHERE k.tenant = ?1 AND k.field = 'username' AND k.key = ?2",
            )?
            .query_row(params![self.tenant, key], |found| {
                Ok(Present {
                    id: found.get(0)?,
                    active: found.get(1)?,
                    fields: found.get(2)?,
                    version: found.get(3)?,
                })
            })
            .optional()?;
        match present {
            Some(present) => self.update(row, &present),
            None if !row.fields.contains_key(crate::model::ACCESS_ROLE) => {
                self.refused.push(format!(
                    "line {}, column `access_role`: a new person needs an access role, such as Employee",
                    row.line
                ));
                Ok(Outcome::Failed)
            }
            None => self.create(row, &key),
        }
    }

    fn create(&self, row: &ImportRow, key: &str) -> Result<Outcome> {
        let map = row.fields.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let fields = fields::write(&map);
        let active = row.active.unwrap_or(true);
        let id = self.next("person")?;
        let uid = self.free_uid(key)?;
        self.tx
            .prepare_cached(
                "INSERT INTO person (id, tenant, uid, active, ended_by, fields, version, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)",
            )?
            .execute(params![id, self.tenant, uid, active, (!active).then_some("hand"), fields, self.now])?;
        self.keys(id, &fields)?;
        self.ledger(
            row,
            Outcome::Created,
            &Change {
                person: id,
                uid: Some(&uid),
                fields: Some(&fields),
                active_after: Some(active),
                ..Change::default()
            },
        )?;
        Ok(Outcome::Created)
    }

    fn update(&self, row: &ImportRow, present: &Present) -> Result<Outcome> {
        let before = fields::parse(&present.fields)?;
        let differences: Vec<fields::Difference<'_>> = row
            .fields
            .iter()
            .filter(|(name, after)| before.get(name.as_str()).map(|it| it.get()) != Some(after.get()))
            .map(|(name, after)| (name.as_str(), before.get(name.as_str()).copied(), Some(&**after)))
            .collect();
        let active = row.active.filter(|active| *active != present.active);
        if differences.is_empty() && active.is_none() {
            return Ok(Outcome::Unchanged);
        }
        let outcome = match active {
            Some(true) => Outcome::Reactivated,
            Some(false) => Outcome::Deactivated,
            None => Outcome::Updated,
        };
        let differences = serde_json::to_string(&differences)?;
        let fields = fields::merge(&present.fields, Some(&differences))?;
        self.tx
            .prepare_cached(
                "UPDATE person SET fields = ?2, version = version + 1,
                   ended_by = CASE ?3 WHEN 1 THEN NULL WHEN 0 THEN 'hand' ELSE ended_by END,
                   active = coalesce(?3, active)
                 WHERE id = ?1",
            )?
            .execute(params![present.id, fields, active])?;
        self.keys(present.id, &fields)?;
        self.ledger(
            row,
            outcome,
            &Change {
                person: present.id,
                differences: Some(&differences),
                active_after: active,
                // A person's order is evidence by itself (design.md, invariant 1).
                evidence: (active == Some(false)).then_some(r#"{"kind":"ordered","by":"import"}"#),
                base_version: Some(present.version),
                ..Change::default()
            },
        )?;
        Ok(outcome)
    }

    /// The values that the person is found by.
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

    /// The id that follows from the username; a further one when somebody had that username before.
    fn free_uid(&self, key: &str) -> Result<String> {
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

    fn next(&self, of: &str) -> Result<i64> {
        Ok(self
            .tx
            .prepare_cached("UPDATE sequence SET next = next + 1 WHERE name = ?1 RETURNING next - 1")?
            .query_row([of], |row| row.get(0))?)
    }

    fn ledger(&self, row: &ImportRow, outcome: Outcome, change: &Change<'_>) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO change (id, tenant, run, person, uid, outcome, state, cause, reason, fields,
                   differences, active_after, evidence, base_version, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'flows', 'imported', ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                self.next("change")?,
                self.tenant,
                self.run,
                change.person,
                change.uid,
                outcome.name(),
                format!("imported from {}, line {}", self.file, row.line),
                change.fields,
                change.differences,
                change.active_after,
                change.evidence,
                change.base_version,
                self.now
            ])?;
        Ok(())
    }
}

#[derive(Default)]
struct Change<'a> {
    person: i64,
    uid: Option<&'a str>,
    fields: Option<&'a str>,
    differences: Option<&'a str>,
    active_after: Option<bool>,
    evidence: Option<&'a str>,
    base_version: Option<i64>,
}

/// The report of what was done by hand.
pub(in crate::store) fn report(run: i64, now: Millis, outcomes: BTreeMap<Outcome, u64>) -> RunReport {
    RunReport {
        run,
        integration: String::new(),
        kind: RunKind::Import,
        state: RunState::Applied,
        started_at: now,
        ended_at: Some(now),
        completeness: Completeness::default(),
        rows_seen: outcomes.values().sum(),
        absent: 0,
        outcomes,
        causes: Vec::new(),
        held: Vec::new(),
        newly_held: 0,
        withdrawn: 0,
        failed: Vec::new(),
        ambiguous: Vec::new(),
        notes: Vec::new(),
        timings: Timings::default(),
        cost: Cost::default(),
        receipt: serde_json::Value::Null,
        error: None,
    }
}

#[cfg(test)]
mod tests;
