//! Whose manager was erased: the name goes from them as well, from what they are and from what the ledger says
//! that they were.
//!
//! In the ledger it is as if the manager had never been told: a text in its place would come back as a manager
//! when such a row is undone.

use std::collections::BTreeSet;

use rusqlite::params;
use serde_json::value::RawValue;

use super::{Alteration, Hand, Row};
use crate::model::{MANAGER, Outcome, fold_key};
use crate::store::{Result, fields};

/// The names of somebody who is erased, as other people can have them for a manager.
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Of usernames and addresses, whatever their case.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.filter_map(|name| fold_key(name).map(std::borrow::Cow::into_owned)).collect())
    }

    fn has(&self, value: &RawValue) -> bool {
        let text = serde_json::from_str::<String>(value.get()).ok();
        text.as_deref().and_then(fold_key).is_some_and(|key| self.0.contains(key.as_ref()))
    }

    /// Fields without the manager. None: the manager is somebody else.
    fn out_of_fields(&self, text: &str) -> Result<Option<String>> {
        let mut map = fields::parse(text)?;
        if !map.get(MANAGER).is_some_and(|value| self.has(value)) {
            return Ok(None);
        }
        map.remove(MANAGER);
        Ok(Some(fields::write(&map)))
    }

    /// Differences without the manager; the inner none when nothing is left of them. None: nothing of it is
    /// theirs.
    fn out_of_differences(&self, text: &str) -> Result<Option<Option<String>>> {
        let list: Vec<fields::Difference<'_>> = serde_json::from_str(text)?;
        let theirs = |value: Option<&RawValue>| value.is_some_and(|it| self.has(it));
        if !list.iter().any(|(field, before, after)| *field == MANAGER && (theirs(*before) || theirs(*after)))
        {
            return Ok(None);
        }
        let left: Vec<fields::Difference<'_>> = list
            .into_iter()
            .map(|(field, before, after)| match field {
                MANAGER => (field, before.filter(|it| !self.has(it)), after.filter(|it| !self.has(it))),
                _ => (field, before, after),
            })
            .filter(|(field, before, after)| *field != MANAGER || before.is_some() || after.is_some())
            .collect();
        Ok(Some((!left.is_empty()).then(|| serde_json::to_string(&left)).transpose()?))
    }
}

/// Takes the manager out of everybody else's fields, rows of the ledger, holds and pins.
///
/// # Errors
/// When the store cannot be written.
pub(super) fn forget(hand: &Hand<'_>, names: &Names) -> Result<()> {
    ledger(hand, names)?;
    holds(hand, names)?;
    pins(hand, names)?;
    let mut people: Vec<(i64, String)> = Vec::new();
    let mut query = hand.tx.prepare(
        "SELECT id, fields FROM person WHERE tenant = ?1 AND json_type(fields, '$.manager') = 'text'",
    )?;
    let mut rows = query.query([hand.tenant])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        if names.out_of_fields(&text)?.is_some() {
            people.push((row.get(0)?, text));
        }
    }
    drop(rows);
    for (id, text) in people {
        let Some(present) = hand.person(id)? else { continue };
        let map = fields::parse(&text)?;
        let list: [fields::Difference<'_>; 1] = [(MANAGER, map.get(MANAGER).copied(), None)];
        let differences = serde_json::to_string(&list)?;
        hand.alter(&present, Alteration { differences: Some(&differences), ..Alteration::default() })?;
        hand.ledger(
            Outcome::Updated,
            &Row {
                person: Some(id),
                cause: "manager erased",
                reason: "their manager was erased by hand",
                base_version: Some(present.version),
                ..Row::default()
            },
        )?;
    }
    Ok(())
}

fn ledger(hand: &Hand<'_>, names: &Names) -> Result<()> {
    let mut query = hand.tx.prepare(
        "SELECT id, fields, differences FROM change
         WHERE tenant = ?1 AND (fields LIKE '%\"manager\"%' OR differences LIKE '%\"manager\"%')",
    )?;
    let mut rows = query.query([hand.tenant])?;
    let mut found: Vec<(i64, Option<String>, Option<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (all, list): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let fields = all.as_deref().map(|it| names.out_of_fields(it)).transpose()?.flatten();
        let differences = list.as_deref().map(|it| names.out_of_differences(it)).transpose()?.flatten();
        if fields.is_some() || differences.is_some() {
            found.push((row.get(0)?, fields.or(all), differences.unwrap_or(list)));
        }
    }
    let mut write = hand.tx.prepare("UPDATE change SET fields = ?2, differences = ?3 WHERE id = ?1")?;
    for (id, fields, differences) in found {
        write.execute(params![id, fields, differences])?;
    }
    Ok(())
}

/// What waits because of them is no question any more; what was decided keeps its answer.
fn holds(hand: &Hand<'_>, names: &Names) -> Result<()> {
    let mut query = hand.tx.prepare(
        "SELECT id, state, differences FROM hold WHERE tenant = ?1 AND differences LIKE '%\"manager\"%'",
    )?;
    let all: Vec<(i64, String, String)> = query
        .query_map([hand.tenant], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, state, text) in all {
        let Some(left) = names.out_of_differences(&text)? else { continue };
        if state == "open" {
            // The next run asks anew about whatever the source says then.
            hand.tx.execute("DELETE FROM hold WHERE id = ?1", [id])?;
        } else {
            hand.tx.execute("UPDATE hold SET differences = ?2 WHERE id = ?1", params![id, left])?;
        }
    }
    Ok(())
}

fn pins(hand: &Hand<'_>, names: &Names) -> Result<()> {
    let mut query = hand.tx.prepare(
        "SELECT id, source_value FROM pin WHERE tenant = ?1 AND field = ?2 AND source_value IS NOT NULL",
    )?;
    let all: Vec<(i64, String)> = query
        .query_map(params![hand.tenant, MANAGER], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, value) in all {
        if serde_json::from_str::<&RawValue>(&value).is_ok_and(|it| names.has(it)) {
            hand.tx.execute("DELETE FROM pin WHERE id = ?1", [id])?;
        }
    }
    Ok(())
}
