//! `undo RUN`: what a run did is taken back, person by person and field by field, as far as it still stands.
//!
//! Each row of the ledger that did something gets a row of the undo that points to it (`change.undoes`). Undos
//! are undone in the same way. What an odd number of undos has taken back from the source is pinned, so that
//! the next night does not do it again; an even number lifts these pins.

mod deed;
mod names;
mod pinning;
mod saas;
mod target;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, TransactionBehavior, params};

use super::{Alteration, Hand, Order, Present, Row};
use crate::model::{Millis, Outcome};
use crate::store::pins::{STATUS, WHOLE};
use crate::store::{Result, RunId, Store, StoreError, fields};
use crate::sync::{CauseGroup, RunKind, RunReport, RunState, Sample};
use deed::{Deed, Done};
use names::Claims;
use target::{Target, deeds, nothing_to_undo, target, undone_already};
use verdict::{Plan, Verdict};

/// People of a group that are named.
const SAMPLES: usize = 3;

/// What is to be undone.
#[derive(Clone, Debug, Default)]
pub struct UndoOrder {
    /// The number of the run.
    pub run: i64,
    /// Only rows with one of these outcomes; empty = all.
    pub only: Vec<Outcome>,
    /// Only these fields, `status` among them; empty = everything.
    pub fields: BTreeSet<String>,
    /// Only this person.
    pub person: Option<i64>,
    /// Everything is tried, nothing is kept.
    pub dry_run: bool,
}

/// What an undo came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// Its report. What had to stay as it is stands in the groups of the outcome `kept`.
    pub report: RunReport,
}

/// What had to stay, by why.
#[derive(Default)]
struct Kept {
    groups: BTreeMap<String, CauseGroup>,
    /// People and SaaS users, each once, however much of them had to stay.
    whom: u64,
}

impl Kept {
    fn add(&mut self, why: &str, sample: Sample) {
        let group = self.groups.entry(why.to_owned()).or_insert_with(|| CauseGroup {
            outcome: Outcome::Kept,
            cause: why.to_owned(),
            count: 0,
            samples: Vec::new(),
        });
        group.count += 1;
        if group.samples.len() < SAMPLES {
            group.samples.push(sample);
        }
    }
}

impl Store {
    /// Undoes a run, as a run of its own and in one transaction.
    ///
    /// # Errors
    /// When there is nothing to undo (no such run, not applied, undone already, of a kind that has a command of
    /// its own), saying what to do instead; or the store cannot be written. Nothing was changed then.
    pub fn undo(&mut self, order: &UndoOrder, now: Millis) -> Result<Undone> {
        // A power cut must not lose an applied run; set outside of the transaction, as SQLite wants it.
        self.sql.pragma_update(None, "synchronous", "FULL")?;
        let done = self.undo_now(order, now);
        self.sql.pragma_update(None, "synchronous", "NORMAL")?;
        done.map_err(|error| error.at(&self.path))
    }

    fn undo_now(&self, order: &UndoOrder, now: Millis) -> Result<Undone> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let target = target(&tx, self.tenant.0, order.run)?;
        let deeds = deeds(&tx, &target, order)?;
        let hand = Hand::begin(&tx, self, RunKind::Undo, now)?;
        let undo = Undoing { hand: &hand, target: &target, order };
        let claims = undo.claims(&deeds)?;
        claims.give_up(&hand)?;
        let (mut kept, mut already) = (Kept::default(), 0_u64);
        for id in &deeds {
            match undo.one(*id, &claims, &mut kept)? {
                Some(()) => {}
                None => already += 1,
            }
        }
        let saas = undo.saas(&mut kept)?;
        already += saas.already as u64;
        if already == (deeds.len() + saas.rows) as u64 {
            return Err(match deeds.len() + saas.rows {
                0 => nothing_to_undo(&target, order),
                _ => undone_already(&tx, &target)?,
            });
        }
        let run = RunId { row: hand.run, number: hand.number, basis: 0 };
        let mut causes = self.cause_groups(run)?;
        let mut groups: Vec<CauseGroup> = kept.groups.into_values().collect();
        groups.sort_by(|a, b| b.count.cmp(&a.count).then(a.cause.cmp(&b.cause)));
        causes.extend(groups);
        let mut report = hand.finish(|report| {
            report.undoes = Some(target.number);
            report.causes = causes;
            report.kept = Some(kept.whom);
            report.saas = saas.told;
            if already > 0 {
                report.notes.push(format!("{already} of its changes were undone before, and stay undone"));
            }
        })?;
        if order.dry_run {
            report.state = RunState::Planned;
            return Ok(Undone { report });
        }
        tx.commit()?;
        Ok(Undone { report })
    }
}

/// An undo under way.
struct Undoing<'a> {
    hand: &'a Hand<'a>,
    target: &'a Target,
    order: &'a UndoOrder,
}

impl Undoing<'_> {
    /// Which usernames the undo frees and wants, and whose it cannot have.
    fn claims(&self, deeds: &[i64]) -> Result<Claims> {
        let mut claims = Claims::default();
        for id in deeds {
            let deed = Deed::read(self.hand.tx, *id)?;
            let verdict = self.judge(&deed, &Claims::default())?;
            claims.of(&deed, verdict)?;
        }
        claims.settle(self.hand)?;
        Ok(claims)
    }

    fn judge(&self, deed: &Deed, claims: &Claims) -> Result<Option<Verdict>> {
        let present = deed.person.map(|id| self.hand.person(id)).transpose()?.flatten();
        let done = Done::of(self.hand.tx, deed)?;
        verdict::judge(self.hand, deed, present, &done, &self.order.fields, claims)
    }

    /// Undoes one row. None: it was undone before.
    fn one(&self, id: i64, claims: &Claims, kept: &mut Kept) -> Result<Option<()>> {
        let deed = Deed::read(self.hand.tx, id)?;
        let Some(verdict) = self.judge(&deed, claims)? else { return Ok(None) };
        let name = verdict.name(&deed);
        kept.whom += u64::from(!verdict.kept.is_empty());
        for why in &verdict.kept {
            let sample = Sample {
                source_id: deed.source_id.clone(),
                name: name.clone(),
                reason: why.detail.clone(),
                changes: Vec::new(),
            };
            kept.add(&why.group, sample);
        }
        let not_applied: Vec<String> = verdict.kept.iter().map(verdict::Why::sentence).collect();
        let not_applied =
            (!not_applied.is_empty()).then(|| serde_json::to_string(&not_applied)).transpose()?;
        let reason = format!("run {} undone: {}", self.target.number, deed.reason);
        let row = Row {
            integration: deed.integration.as_deref(),
            source_id: deed.source_id.as_deref(),
            person: deed.person,
            reason: &reason,
            not_applied: not_applied.as_deref(),
            base_version: verdict.present.as_ref().map(|it| it.version),
            undoes: Some(deed.id),
            ..Row::default()
        };
        match (&verdict.plan, &verdict.present) {
            (Plan::Keep, _) => {
                let reason = format!(
                    "kept: {}",
                    verdict.kept.iter().map(|it| it.sentence()).collect::<Vec<_>>().join("; ")
                );
                self.hand
                    .ledger(Outcome::Kept, &Row { cause: "kept", reason: &reason, idle: true, ..row })?;
                return Ok(Some(()));
            }
            (Plan::Remove, Some(present)) => self.remove(&deed, present, row)?,
            (Plan::Restore(person), _) => self.restore(&deed, person, row)?,
            (Plan::Alter { .. }, Some(present)) => self.alter(&deed, present, &verdict, row)?,
            (Plan::Remove | Plan::Alter { .. }, None) => {
                return Err(StoreError::Corrupt("an undo of nobody".into()));
            }
        }
        self.mark(&deed)?;
        Ok(Some(()))
    }

    fn remove(&self, deed: &Deed, present: &Present, row: Row<'_>) -> Result<()> {
        let order = self.order_with(serde_json::json!({
            "active": present.active, "ended_by": present.ended_by, "created_at": present.created_at,
        }))?;
        let cause = format!("run {} had created them", self.target.number);
        let change = self.hand.ledger(
            Outcome::Removed,
            &Row {
                uid: Some(&present.uid),
                cause: &cause,
                fields: Some(&present.fields),
                evidence: Some(&order),
                ..row
            },
        )?;
        for link in self.hand.links(present.id)? {
            self.hand.put_away(&link, change, present.version)?;
        }
        self.hand.remove(present.id)?;
        match &deed.pins {
            true => self.pin(deed, None, WHOLE, deed.whole()?.as_deref()),
            false => self.unpin(deed, WHOLE),
        }
    }

    fn restore(&self, deed: &Deed, person: &Present, row: Row<'_>) -> Result<()> {
        let cause = format!("run {} had removed them", self.target.number);
        self.hand.insert(person)?;
        self.hand.ledger(
            Outcome::Created,
            &Row {
                uid: Some(&person.uid),
                cause: &cause,
                fields: Some(&person.fields),
                active_after: Some(person.active),
                base_version: None,
                ..row
            },
        )?;
        self.hand.bring_back(deed.id, false)?;
        match &deed.pins {
            true => self.pin(deed, Some(person.id), WHOLE, deed.whole()?.as_deref()),
            false => self.unpin(deed, WHOLE),
        }
    }

    fn alter(&self, deed: &Deed, present: &Present, verdict: &Verdict, row: Row<'_>) -> Result<()> {
        let Plan::Alter { differences, active, unlink, relink } = &verdict.plan else { return Ok(()) };
        let text = (!differences.is_empty()).then(|| serde_json::to_string(differences)).transpose()?;
        let ended_by = match active {
            Some(false) => Some(deed.ended_by_before(self.hand.tx)?),
            _ => None,
        };
        self.hand.alter(
            present,
            Alteration { differences: text.as_deref(), active: *active, ended_by: ended_by.as_deref() },
        )?;
        let renames = |field: &str| crate::sync::guard::RENAME_FIELDS.contains(&field);
        let outcome = match active {
            Some(true) => Outcome::Reactivated,
            Some(false) => Outcome::Deactivated,
            None if differences.iter().any(|(field, ..)| renames(field)) => Outcome::Renamed,
            None => Outcome::Updated,
        };
        let order = match &ended_by {
            Some(ended_by) => Some(self.order_with(serde_json::json!({ "ended_by": ended_by }))?),
            None => None,
        };
        let number = self.target.number;
        let cause = match (active, deed.outcome, unlink, relink) {
            (Some(false), Outcome::Created, ..) => {
                format!("run {number} had created them, and they were changed since")
            }
            (Some(true), ..) => format!("run {number} had deactivated them"),
            (Some(false), ..) => format!("run {number} had reactivated them"),
            (None, _, Some(_), _) => "unlinked, nothing to take back".to_owned(),
            (None, _, _, true) => "linked again".to_owned(),
            (None, ..) => "undone".to_owned(),
        };
        let change = self.hand.ledger(
            outcome,
            &Row {
                cause: &cause,
                differences: text.as_deref(),
                active_after: *active,
                evidence: order.as_deref(),
                ..row
            },
        )?;
        if let Some(link) = unlink {
            self.hand.put_away(link, change, present.version)?;
        }
        if *relink {
            // Taking it away was the last that happened to the person.
            let touched =
                deed.base_version.map(|it| it + 1) != Some(present.version) || !verdict.kept.is_empty();
            self.hand.bring_back(deed.id, touched)?;
        }
        self.pins(deed, present, verdict)
    }

    /// The order of this undo as evidence, with what is needed to take it back.
    fn order_with(&self, more: serde_json::Value) -> Result<String> {
        let order = Order::by(&format!("undo of run {}", self.target.number), None)?;
        let mut order: serde_json::Value = serde_json::from_str(order.text())?;
        if let (Some(order), serde_json::Value::Object(more)) = (order.as_object_mut(), more) {
            order.extend(more);
        }
        Ok(serde_json::to_string(&order)?)
    }

    /// Says on a row that it was undone, and on the row that it had undone that this one stands again.
    fn mark(&self, deed: &Deed) -> Result<()> {
        let tx = self.hand.tx;
        tx.prepare_cached("UPDATE change SET undone_by = ?2 WHERE id = ?1")?
            .execute(params![deed.id, self.hand.run])?;
        if let Some(first) = deed.undoes {
            let first = Deed::read(tx, first)?;
            if Done::of(tx, &first)?.is_nothing() {
                tx.prepare_cached("UPDATE change SET undone_by = NULL WHERE id = ?1")?.execute([first.id])?;
            }
        }
        Ok(())
    }
}

/// `[field, before, after]`, owned.
type Swap = (String, Option<Box<serde_json::value::RawValue>>, Option<Box<serde_json::value::RawValue>>);

/// The differences of a row.
fn swaps(text: Option<&str>) -> Result<Vec<Swap>> {
    let list: Vec<Swap> = text.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let filled = |value: Option<Box<serde_json::value::RawValue>>| value.filter(|it| it.get() != "null");
    Ok(list.into_iter().map(|(field, before, after)| (field, filled(before), filled(after))).collect())
}

/// The text of a value of fields.
fn value_of<'a>(map: &fields::FieldMap<'a>, field: &str) -> Option<&'a str> {
    map.get(field).map(|raw| raw.get())
}
