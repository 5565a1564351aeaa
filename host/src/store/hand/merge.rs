//! `people merge KEEP OTHER`.

use std::collections::BTreeMap;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::links::LinkKey;
use super::{Alteration, Hand, Order, Present, Row, still_there};
use crate::model::{Millis, Outcome};
use crate::store::runs::discard_open;
use crate::store::{Result, Store, StoreError, fields};
use crate::sync::{RunKind, RunReport};

/// Who is merged.
#[derive(Clone, Copy, Debug)]
pub struct Merging {
    /// Who stays: their values win.
    pub keep: i64,
    /// Whose values fill what is empty, and who is removed.
    pub other: i64,
}

/// What moves from the one to the other beside values and links.
const MOVES: [&str; 5] = [
    "UPDATE hold SET person = ?1 WHERE person = ?2",
    "UPDATE pin SET person = ?1 WHERE person = ?2",
    "UPDATE decision SET person = ?1 WHERE person = ?2",
    "INSERT OR IGNORE INTO lock (tenant, person, field, note, run, at)
       SELECT tenant, ?1, field, note, run, at FROM lock WHERE person = ?2",
    "UPDATE former_link SET person = ?1 WHERE person = ?2",
];

impl Store {
    /// Makes one person of two.
    ///
    /// # Errors
    /// When one integration still sees both of them, or the store cannot be written; nothing was changed then.
    pub fn merge_people(&mut self, merging: Merging, now: Millis) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let (keep, other) = (still_there(&hand, merging.keep)?, still_there(&hand, merging.other)?);
        let (stays, goes) = sorted(&hand, &keep, &other)?;
        let filled = fill(&keep, &other)?;
        hand.alter(&keep, Alteration { differences: filled.as_deref(), ..Alteration::default() })?;
        hand.ledger(
            Outcome::Updated,
            &Row {
                person: Some(keep.id),
                cause: "merged",
                reason: &format!("merged by hand with {} ({})", other.name(), other.uid),
                differences: filled.as_deref(),
                base_version: Some(keep.version),
                ..Row::default()
            },
        )?;
        let order = Order::by("hand", None)?;
        let removed = hand.ledger(
            Outcome::Removed,
            &Row {
                person: Some(other.id),
                uid: Some(&other.uid),
                cause: "merged",
                reason: &format!("merged by hand into {} ({})", keep.name(), keep.uid),
                fields: Some(&other.fields),
                evidence: Some(order.text()),
                base_version: Some(other.version),
                ..Row::default()
            },
        )?;
        for link in &goes {
            hand.put_away(link, removed, 0)?;
        }
        for link in &stays {
            discard_open(&tx, hand.tenant, &link.integration, now)?;
            tx.execute("UPDATE link SET person = ?1 WHERE id = ?2", params![keep.id, link.id])?;
        }
        for sql in MOVES {
            tx.execute(sql, params![keep.id, other.id])?;
        }
        hand.remove(other.id)?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }
}

/// The links that lead to whoever stays, and those that go: one of each integration stays. It is the one whose
/// user is seen; with none seen the one of whoever stays. Else the one who is gone would end the one who is there.
fn sorted(hand: &Hand<'_>, keep: &Present, other: &Present) -> Result<(Vec<LinkKey>, Vec<LinkKey>)> {
    let mut by_integration: BTreeMap<String, Vec<LinkKey>> = BTreeMap::new();
    for link in hand.links(keep.id)?.into_iter().chain(hand.links(other.id)?) {
        by_integration.entry(link.integration.clone()).or_default().push(link);
    }
    let (mut stays, mut goes) = (Vec::new(), Vec::new());
    for (integration, links) in by_integration {
        let (seen, missing): (Vec<LinkKey>, Vec<LinkKey>) = links.into_iter().partition(|it| it.seen);
        match seen.as_slice() {
            [] => {
                let mut missing = missing.into_iter();
                stays.extend(missing.next());
                goes.extend(missing);
            }
            [_] => {
                stays.extend(seen);
                goes.extend(missing);
            }
            [first, second, ..] => {
                return Err(StoreError::Refused(format!(
                    "`{integration}` sees both of them at the source ({} and {}): the next run could not tell who \
                     is who. Delete one at the source and let it run, or take one link away first: `userload people \
                     unlink {} --integration {integration}`",
                    first.source_id,
                    second.source_id,
                    other.name()
                )));
            }
        }
    }
    Ok((stays, goes))
}

/// What of the other one fills what is empty.
fn fill(keep: &Present, other: &Present) -> Result<Option<String>> {
    let (mine, theirs) = (fields::parse(&keep.fields)?, fields::parse(&other.fields)?);
    let list: Vec<fields::Difference<'_>> = theirs
        .iter()
        .filter(|(name, _)| !mine.contains_key(*name))
        .map(|(name, value)| (*name, None, Some(*value)))
        .collect();
    Ok((!list.is_empty()).then(|| serde_json::to_string(&list)).transpose()?)
}
