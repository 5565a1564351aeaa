//! `people lock`, `unlock` and `unpin`.

use rusqlite::{Transaction, TransactionBehavior, params};

use super::{Hand, PinRow, Row, still_there};
use crate::model::{Millis, Outcome};
use crate::store::{Result, Store};
use crate::sync::{RunKind, RunReport};

/// What is locked or unlocked.
#[derive(Clone, Debug)]
pub struct Locking<'a> {
    /// Target fields, `status`, or empty for the person wholly.
    pub fields: &'a [String],
    /// Why, in the words of whoever locks.
    pub note: Option<&'a str>,
}

/// Whose pins are lifted.
#[derive(Clone, Copy, Debug)]
pub struct Unpinning<'a> {
    /// The person; none = records that are nobody.
    pub person: Option<i64>,
    /// The pins, as [`Store::person_pins`] gave them.
    pub pins: &'a [PinRow],
}

/// Fields for people: the empty one is everything.
fn listed(fields: &[String]) -> String {
    let names: Vec<&str> =
        fields.iter().map(|it| if it.is_empty() { "everything" } else { it.as_str() }).collect();
    names.join(", ")
}

impl Store {
    /// Locks fields of a person: no run writes them until they are unlocked. A lock that is there already gets
    /// the note.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was changed then.
    pub fn lock_person(&mut self, person: i64, locking: &Locking<'_>, now: Millis) -> Result<RunReport> {
        let note = locking.note.map(|it| format!(": {it}")).unwrap_or_default();
        let reason = format!("locked by hand: {}{note}", listed(locking.fields));
        self.locking(person, "locked", &reason, now, |hand| {
            let mut lock = hand.tx.prepare_cached(
                "INSERT INTO lock (tenant, person, field, note, run, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (tenant, person, field) DO UPDATE SET
                   note = coalesce(excluded.note, note), run = excluded.run, at = excluded.at",
            )?;
            for field in locking.fields {
                lock.execute(params![hand.tenant, person, field, locking.note, hand.run, hand.now])?;
            }
            Ok(())
        })
    }

    /// Takes locks of a person away.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was changed then.
    pub fn unlock_person(&mut self, person: i64, fields: &[String], now: Millis) -> Result<RunReport> {
        let reason = format!("unlocked by hand: {}", listed(fields));
        self.locking(person, "unlocked", &reason, now, |hand| {
            let mut unlock = hand
                .tx
                .prepare_cached("DELETE FROM lock WHERE tenant = ?1 AND person = ?2 AND field = ?3")?;
            for field in fields {
                unlock.execute(params![hand.tenant, person, field])?;
            }
            Ok(())
        })
    }

    fn locking(
        &mut self,
        person: i64,
        cause: &str,
        reason: &str,
        now: Millis,
        work: impl FnOnce(&Hand<'_>) -> Result<()>,
    ) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let present = still_there(&hand, person)?;
        work(&hand)?;
        hand.touch(person)?;
        hand.ledger(
            Outcome::Updated,
            &Row {
                person: Some(person),
                cause,
                reason,
                base_version: Some(present.version),
                ..Row::default()
            },
        )?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }

    /// Lifts pins: the next run writes what the source says.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was changed then.
    pub fn unpin(&mut self, order: &Unpinning<'_>, now: Millis) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        for pin in order.pins {
            tx.prepare_cached("DELETE FROM pin WHERE id = ?1")?.execute([pin.id])?;
        }
        let fields: Vec<&str> = order.pins.iter().map(|it| it.field_for_people()).collect();
        let reason = format!("unpinned by hand: {}", fields.join(", "));
        let present = order.person.map(|person| still_there(&hand, person)).transpose()?;
        if let Some(present) = &present {
            hand.touch(present.id)?;
        }
        hand.ledger(
            Outcome::Updated,
            &Row {
                person: present.as_ref().map(|it| it.id),
                source_id: order.pins.first().map(|it| it.source_id.as_str()),
                cause: "unpinned",
                reason: &reason,
                base_version: present.as_ref().map(|it| it.version),
                idle: present.is_none(),
                ..Row::default()
            },
        )?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }
}
