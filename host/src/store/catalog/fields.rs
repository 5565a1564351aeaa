//! Fields that a tenant has added to the built-in ones.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::value::RawValue;

use crate::model::{Filled, Millis, Outcome, Target, Targets, TenantId, ValueType};
use crate::store::runs::next_number;
use crate::store::{KeyFields, Result, Store, StoreError, fields};
use crate::sync::{RunKind, RunReport, RunState};

/// The fields that people of a tenant have, custom ones in the order in which they were added.
pub(in crate::store) fn targets(sql: &Connection, tenant: TenantId) -> Result<Targets> {
    let mut query = sql.prepare(
        "SELECT name, label, value_type, key FROM custom_field WHERE tenant = ?1 ORDER BY created_at, name",
    )?;
    let mut rows = query.query([tenant.0])?;
    let mut custom = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(2)?;
        let value_type = ValueType::ALL.into_iter().find(|it| it.name() == word);
        custom.push(Target {
            name: row.get(0)?,
            label: row.get(1)?,
            value_type: value_type
                .ok_or_else(|| StoreError::Corrupt(format!("a field of the type `{word}`")))?,
            key: row.get(3)?,
            mandatory: false,
            filled: Filled::ByMapping,
            custom: true,
        });
    }
    Ok(Targets::with(custom))
}

/// What removing a field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// People who lost a value.
    pub emptied: u64,
    /// The run that emptied it, when anybody did.
    pub run: Option<i64>,
}

impl Store {
    /// Adds a field of the tenant's own.
    ///
    /// # Errors
    /// When the name or label is taken, or a key is no text.
    pub fn add_field(&mut self, field: &Target, now: Millis) -> Result<()> {
        for text in [&field.name, &field.label] {
            if let Some(other) = self.targets.find(text) {
                return Err(taken(text, other));
            }
        }
        if field.key && field.value_type != ValueType::Text {
            return Err(StoreError::Refused(format!(
                "`{}` cannot be a key: people are found by texts, and it holds {}",
                field.name,
                field.value_type.in_words()
            )));
        }
        self.sql.execute(
            "INSERT INTO custom_field (tenant, name, label, value_type, key, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![self.tenant.0, field.name, field.label, field.value_type.name(), field.key, now],
        )?;
        self.read_fields()
    }

    /// Gives a field another label. Its name stays: documents and the ledger know it by that.
    ///
    /// # Errors
    /// When there is no such field, or the label is taken.
    pub fn rename_field(&mut self, name: &str, label: &str) -> Result<()> {
        if let Some(other) = self.targets.find(label).filter(|it| it.name != name) {
            return Err(taken(label, other));
        }
        let changed = self.sql.execute(
            "UPDATE custom_field SET label = ?3 WHERE tenant = ?1 AND name = ?2",
            params![self.tenant.0, name, label],
        )?;
        if changed == 0 {
            return Err(StoreError::Refused(format!("there is no field `{name}` of your own")));
        }
        self.read_fields()
    }

    /// How many people have a value in each field that anybody has a value in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn filled_fields(&self) -> Result<BTreeMap<String, u64>> {
        let mut query = self.sql.prepare(
            "SELECT j.key, count(*) FROM person p, json_each(p.fields) j WHERE p.tenant = ?1 GROUP BY j.key",
        )?;
        let rows = query.query_map([self.tenant.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        let mut filled = BTreeMap::new();
        for row in rows {
            let (name, people) = row?;
            filled.insert(name, people.unsigned_abs());
        }
        Ok(filled)
    }

    /// Removes a field of the tenant's own. `emptying` takes the values away that people have in it: a run of
    /// the ledger, by hand, so that history keeps them.
    ///
    /// # Errors
    /// When there is no such field, or people have values in it and it is not `emptying`. That no mapping
    /// names it any more is for the caller to see to.
    pub fn remove_field(&mut self, name: &str, emptying: bool, now: Millis) -> Result<Removed> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let removed =
            tx.execute("DELETE FROM custom_field WHERE tenant = ?1 AND name = ?2", params![tenant, name])?;
        if removed == 0 {
            return Err(StoreError::Refused(format!("there is no field `{name}` of your own")));
        }
        let people: Vec<(i64, i64, String)> = tx
            .prepare(
                "SELECT id, version, fields FROM person
                 WHERE tenant = ?1 AND json_type(fields, '$.' || ?2) IS NOT NULL ORDER BY id",
            )?
            .query_map(params![tenant, name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let emptied = people.len() as u64;
        if emptied > 0 && !emptying {
            return Err(StoreError::Refused(format!("{emptied} people have a value in `{name}`")));
        }
        let run = if emptied > 0 { Some(empty(&tx, tenant, name, &people, now)?) } else { None };
        tx.execute("DELETE FROM person_key WHERE tenant = ?1 AND field = ?2", params![tenant, name])?;
        tx.commit()?;
        self.read_fields()?;
        Ok(Removed { emptied, run })
    }

    fn read_fields(&mut self) -> Result<()> {
        self.targets = targets(&self.sql, self.tenant)?;
        self.keys = KeyFields::of(&self.targets);
        Ok(())
    }
}

fn taken(text: &str, other: &Target) -> StoreError {
    let whose = if other.custom { "there is" } else { "people have" };
    let name = &other.name;
    let also = if *text == *name { String::new() } else { format!(" (`{text}`)") };
    StoreError::Refused(format!("{whose} a field `{name}`{also} already"))
}

/// Takes the values of a field away, each with its row in the ledger.
fn empty(
    tx: &Transaction<'_>,
    tenant: i64,
    name: &str,
    people: &[(i64, i64, String)],
    now: Millis,
) -> Result<i64> {
    let number = next_number(tx, tenant)?;
    let report = RunReport {
        state: RunState::Applied,
        ended_at: Some(now),
        rows_seen: people.len() as u64,
        outcomes: [(Outcome::Updated, people.len() as u64)].into(),
        ..RunReport::new(number, "", RunKind::Hand, now)
    };
    tx.execute(
        "INSERT INTO run (tenant, number, kind, state, started_at, ended_at, report)
         VALUES (?1, ?2, 'hand', 'applied', ?3, ?3, ?4)",
        params![tenant, number, now, serde_json::to_string(&report)?],
    )?;
    let run = tx.last_insert_rowid();
    let mut change = tx.prepare(
        "INSERT INTO change (id, tenant, run, person, outcome, state, cause, reason, differences, base_version, at)
         VALUES ((SELECT next FROM sequence WHERE name = 'change'), ?1, ?2, ?3, 'updated', 'flows',
                 'field removed', ?4, ?5, ?6, ?7)",
    )?;
    let mut next = tx.prepare("UPDATE sequence SET next = next + 1 WHERE name = 'change'")?;
    let mut person = tx.prepare("UPDATE person SET fields = ?2, version = version + 1 WHERE id = ?1")?;
    let reason = format!("the field {name} was removed");
    for (id, version, stored) in people {
        let before = fields::parse(stored)?.get(name).copied();
        let differences = serde_json::to_string(&[(name, before, None::<&RawValue>)])?;
        change.execute(params![tenant, run, id, reason, differences, version, now])?;
        next.execute([])?;
        person.execute(params![id, fields::merge(stored, Some(&differences))?])?;
    }
    Ok(number)
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
