//! `people set` and `people unlink`.

use std::collections::BTreeMap;

use rusqlite::{Transaction, TransactionBehavior};
use serde_json::value::RawValue;

use super::{Alteration, Hand, Order, Row, still_there};
use crate::model::{Millis, Outcome, fold_key};
use crate::store::{LinkRow, Result, Store, StoreError, fields};
use crate::sync::guard::RENAME_FIELDS;
use crate::sync::{RunKind, RunReport};

/// What is to be set.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// JSON texts by field; none empties it.
    pub fields: BTreeMap<String, Option<Box<RawValue>>>,
    /// The status, when it is to be another one.
    pub active: Option<bool>,
}

/// What a deed of the hand came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// Its report; none when nothing differed, and so nothing was written.
    pub report: Option<RunReport>,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// The status afterwards, when it changed.
    pub active: Option<bool>,
}

impl Store {
    /// Sets fields and status of a person, by hand.
    ///
    /// # Errors
    /// When the username is somebody else's, or the store cannot be written; nothing was changed then.
    pub fn set_person(&mut self, person: i64, edit: &Edit, now: Millis) -> Result<Edited> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let present = still_there(&hand, person)?;
        let before = fields::parse(&present.fields)?;
        let list: Vec<fields::Difference<'_>> = edit
            .fields
            .iter()
            .map(|(name, after)| (name.as_str(), before.get(name.as_str()).copied(), after.as_deref()))
            .filter(|(_, before, after)| before.map(RawValue::get) != after.map(RawValue::get))
            .collect();
        let active = edit.active.filter(|active| *active != present.active);
        if list.is_empty() && active.is_none() {
            return Ok(Edited { report: None, differences: None, active: None });
        }
        if let Some((_, _, Some(name))) = list.iter().find(|(field, ..)| *field == "username") {
            let name: String = serde_json::from_str(name.get())?;
            let key = fold_key(&name).unwrap_or_default();
            if let Some(owner) = hand.named(&key)?.filter(|it| it.id != person) {
                return Err(StoreError::Refused(format!(
                    "the username `{}` is somebody else's already ({}); nothing was changed",
                    name.escape_debug(),
                    owner.uid
                )));
            }
        }
        let outcome = match active {
            Some(true) => Outcome::Reactivated,
            Some(false) => Outcome::Deactivated,
            None if list.iter().any(|(field, ..)| RENAME_FIELDS.contains(field)) => Outcome::Renamed,
            None => Outcome::Updated,
        };
        let differences = (!list.is_empty()).then(|| serde_json::to_string(&list)).transpose()?;
        hand.alter(
            &present,
            Alteration { differences: differences.as_deref(), active, ended_by: Some("hand") },
        )?;
        let order = (active == Some(false)).then(|| Order::by("hand", None)).transpose()?;
        hand.ledger(
            outcome,
            &Row {
                person: Some(person),
                cause: "set",
                reason: "set by hand",
                differences: differences.as_deref(),
                active_after: active,
                evidence: order.as_ref().map(Order::text),
                base_version: Some(present.version),
                ..Row::default()
            },
        )?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(Edited { report: Some(report), differences, active })
    }

    /// Takes links of a person away; the person stays as they are.
    ///
    /// # Errors
    /// When a link is gone already, or the store cannot be written; nothing was changed then.
    pub fn unlink_person(&mut self, person: i64, links: &[LinkRow], now: Millis) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let present = still_there(&hand, person)?;
        let there = hand.links(person)?;
        for link in links {
            let found = there
                .iter()
                .find(|it| it.integration == link.integration && it.source_id == link.source_id)
                .ok_or_else(|| StoreError::Refused("the link was taken away a moment ago".into()))?;
            let change = hand.ledger(
                Outcome::Updated,
                &Row {
                    person: Some(person),
                    source_id: Some(&link.source_id),
                    cause: "unlinked",
                    reason: &format!("unlinked from {} ({}) by hand", link.integration, link.source_id),
                    base_version: Some(present.version),
                    ..Row::default()
                },
            )?;
            hand.put_away(found, change, present.version)?;
        }
        hand.touch(person)?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }
}
