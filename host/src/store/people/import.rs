//! People entered by hand, from a file: one run of the ledger, all of it or nothing.

use std::collections::BTreeMap;

use rusqlite::{Transaction, TransactionBehavior};
use serde_json::value::RawValue;

use crate::model::{Millis, Outcome, fold_key};
use crate::store::hand::{Alteration, Hand, Order, Present, Row};
use crate::store::{Result, Store, StoreError, fields};
use crate::sync::{RunKind, RunReport};

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
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Import, now)?;
        let mut writer = Writer {
            hand: &hand,
            file: &import.file,
            refused: Vec::new(),
            unchanged: 0,
            order: Order::by("import", None)?,
        };
        for row in &import.rows {
            writer.row(row)?;
        }
        if !writer.refused.is_empty() {
            return Err(StoreError::Refused(format!(
                "`{}` was not imported:\n  {}",
                import.file,
                writer.refused.join("\n  ")
            )));
        }
        let unchanged = writer.unchanged;
        let report = hand.finish(|report| {
            if unchanged > 0 {
                report.outcomes.insert(Outcome::Unchanged, unchanged);
            }
        })?;
        tx.commit()?;
        Ok(Imported { run: report.run, report })
    }
}

/// Writes the rows of one import.
struct Writer<'a> {
    hand: &'a Hand<'a>,
    file: &'a str,
    refused: Vec<String>,
    unchanged: u64,
    order: Order,
}

impl Writer<'_> {
    fn row(&mut self, row: &ImportRow) -> Result<()> {
        let key = row
            .fields
            .get("username")
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .and_then(|name| fold_key(&name).map(std::borrow::Cow::into_owned))
            .ok_or_else(|| StoreError::Refused(format!("line {} has no username", row.line)))?;
        match self.hand.named(&key)? {
            Some(present) => self.update(row, &present),
            None if !row.fields.contains_key(crate::model::ACCESS_ROLE) => {
                self.refused.push(format!(
                    "line {}, column `access_role`: a new person needs an access role, such as Employee",
                    row.line
                ));
                Ok(())
            }
            None => self.create(row, &key),
        }
    }

    fn create(&self, row: &ImportRow, key: &str) -> Result<()> {
        let map = row.fields.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let active = row.active.unwrap_or(true);
        let person = Present {
            id: self.hand.next("person")?,
            uid: self.hand.free_uid(key)?,
            active,
            ended_by: (!active).then(|| "hand".to_owned()),
            fields: fields::write(&map),
            version: 1,
            created_at: self.hand.now,
        };
        self.hand.insert(&person)?;
        self.ledger(
            row,
            Outcome::Created,
            Row {
                person: Some(person.id),
                uid: Some(&person.uid),
                fields: Some(&person.fields),
                active_after: Some(active),
                ..Row::default()
            },
        )
    }

    fn update(&mut self, row: &ImportRow, present: &Present) -> Result<()> {
        let before = fields::parse(&present.fields)?;
        let differences: Vec<fields::Difference<'_>> = row
            .fields
            .iter()
            .filter(|(name, after)| before.get(name.as_str()).map(|it| it.get()) != Some(after.get()))
            .map(|(name, after)| (name.as_str(), before.get(name.as_str()).copied(), Some(&**after)))
            .collect();
        let active = row.active.filter(|active| *active != present.active);
        if differences.is_empty() && active.is_none() {
            self.unchanged += 1;
            return Ok(());
        }
        let outcome = match active {
            Some(true) => Outcome::Reactivated,
            Some(false) => Outcome::Deactivated,
            None => Outcome::Updated,
        };
        let differences = serde_json::to_string(&differences)?;
        self.hand
            .alter(present, Alteration { differences: Some(&differences), active, ended_by: Some("hand") })?;
        self.ledger(
            row,
            outcome,
            Row {
                person: Some(present.id),
                differences: Some(&differences),
                active_after: active,
                evidence: (active == Some(false)).then(|| self.order.text()),
                base_version: Some(present.version),
                ..Row::default()
            },
        )
    }

    fn ledger(&self, row: &ImportRow, outcome: Outcome, change: Row<'_>) -> Result<()> {
        let reason = format!("imported from {}, line {}", self.file, row.line);
        self.hand.ledger(outcome, &Row { cause: "imported", reason: &reason, ..change })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
