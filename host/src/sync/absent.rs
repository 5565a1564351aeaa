//! People whom a complete listing did not return: asked about by id, then judged by what the source says.
//! Who was not listed is not gone for that.

use std::collections::HashMap;

use tokio::runtime::Handle;

use super::allowed;
use super::bars::{Pins, Word};
use super::enumeration::CompleteEnumeration;
use super::error::RunError;
use super::evidence::{Evidence, GraceOver};
use super::page::PageWorker;
use super::progress::Progress;
use super::retry::Retry;
use super::stage::call;
use super::terms::Terms;
use crate::engine::contract::{
    AbsentPerson, Decision, Evidence as Told, Incoming, PageUser, Presence, Situation, Tie,
};
use crate::engine::{Connector, Transformer};
use crate::model::{Millis, Outcome};
use crate::store::{Counts, Deed, HeldPart, Mark, NewChange, StagedRow, Status, Store, Unlisted};

/// How many people a run asks about; the rest stay unconfirmed, and are held.
pub(super) const ASK_AT_MOST: usize = 2000;

/// How many in one call.
pub(super) const ASK_AT_ONCE: usize = 200;

/// The cause under which people are held of whom the source gave no answer.
pub(super) const UNCONFIRMED: &str = "deactivate:unconfirmed";

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Absence {
    /// People who were not listed.
    pub(super) people: u64,
    /// Of these, those who left no change behind.
    pub(super) counts: Counts,
    /// Worth saying in the report.
    pub(super) notes: Vec<String>,
}

/// What asking and judging needs.
pub(super) struct Judge<'a> {
    /// Where calls run.
    pub(super) net: &'a Handle,
    /// The run's terms.
    pub(super) terms: &'a Terms,
    /// The store.
    pub(super) store: &'a mut Store,
    /// To ask the source.
    pub(super) connector: &'a mut Connector,
    /// To judge.
    pub(super) transformer: Transformer,
    /// What is left of the run's patience.
    pub(super) retry: &'a mut Retry,
    /// Now.
    pub(super) at: Millis,
    /// Hears of it.
    pub(super) progress: &'a dyn Progress,
}

impl Judge<'_> {
    /// Judges everybody whom the listing did not return.
    ///
    /// # Errors
    /// When the store or the plugin fails. A source that does not answer is no error: those people are held.
    pub(super) fn judge(
        &mut self,
        listing: &CompleteEnumeration,
        seen: &roaring::RoaringTreemap,
        worker: &mut PageWorker<'_>,
    ) -> Result<Absence, RunError> {
        let mut absence = Absence::default();
        let asks = self.terms.integration.deactivate;
        let mut unlisted = Vec::new();
        self.store.unlisted(&self.terms.integration.name, seen, |person| {
            absence.people += 1;
            if asks {
                unlisted.push(person);
            }
            Ok(())
        })?;
        if !asks {
            // With deactivation off an absence changes nothing, so nobody is asked about.
            if absence.people > 0 {
                absence.counts.insert(Outcome::Kept, absence.people);
                absence.notes.push(format!(
                    "{} linked people were not listed; they are kept, because deactivation is off",
                    absence.people
                ));
            }
            return Ok(absence);
        }
        if unlisted.is_empty() {
            return Ok(absence);
        }
        // Of whom something may become comes first: those who left before must not use up the questions.
        // Among them whoever has waited longest, so that with too many for one night everybody's turn comes.
        unlisted.sort_by_key(|person| (!person.active, person.asked_at));
        self.progress.stage("absent", Some(unlisted.len() as u64));
        let answers = self.ask(&unlisted, &mut absence);
        let mut sorted = Sorted::default();
        for (person, answer) in
            unlisted.into_iter().zip(answers.into_iter().map(Some).chain(std::iter::repeat(None)))
        {
            sorted.put(person, answer);
        }
        self.present(sorted.present, worker, &mut absence)?;
        self.gone(listing, &sorted.gone, &mut absence)?;
        self.unconfirmed(sorted.unconfirmed, &mut absence)?;
        Ok(absence)
    }

    /// The answers about the first of them, as far as the source gave any.
    fn ask(&mut self, unlisted: &[Unlisted], absence: &mut Absence) -> Vec<Presence> {
        let mut answers = Vec::new();
        for chunk in unlisted[..unlisted.len().min(ASK_AT_MOST)].chunks(ASK_AT_ONCE) {
            let ids: Vec<String> = chunk.iter().map(|it| it.source_id.clone()).collect();
            let (source, connector) = (&self.terms.source, &mut *self.connector);
            let asked = call(self.net, self.retry, "asking about absent people", self.progress, async || {
                connector.confirm_absent(source, &ids).await
            });
            match asked {
                Ok(told) if told.len() == ids.len() => answers.extend(told),
                Ok(told) => {
                    absence.notes.push(format!(
                        "asked about {} people, the plugin answered {}",
                        ids.len(),
                        told.len()
                    ));
                    break;
                }
                Err(error) => {
                    absence.notes.push(format!("{error}; those who were not asked about are held"));
                    break;
                }
            }
            self.progress.advance(ids.len() as u64);
        }
        answers
    }

    /// There when asked for: disabled counts as disabled; the others were missed by the listing, or left the
    /// filter, and are kept.
    fn present(
        &mut self,
        present: Vec<(Unlisted, String)>,
        worker: &mut PageWorker<'_>,
        absence: &mut Absence,
    ) -> Result<(), RunError> {
        if present.is_empty() {
            return Ok(());
        }
        let reason = if self.terms.integration.filter.is_some() {
            "there when asked for by id, but outside the filter, or missed by the listing"
        } else {
            "there when asked for by id: the listing missed them"
        };
        let users: Vec<PageUser> = present
            .iter()
            .map(|(person, raw)| PageUser { id: person.source_id.clone(), raw: raw.clone() })
            .collect();
        let staged = worker.work_present(&users)?;
        let mut judged: HashMap<String, StagedRow> =
            staged.rows.into_iter().filter_map(|row| Some((row.source_id.clone()?, row))).collect();
        let mut rows = Vec::new();
        let mut marks = Vec::with_capacity(present.len());
        let mut gaps = 0;
        for (person, _) in present {
            let mut ended = false;
            match judged.remove(&person.source_id).map(only_status) {
                Some(row) if row.enabled == Some(false) || row.is(Outcome::Failed) => {
                    ended =
                        row.enabled == Some(false) && (row.change.is_none() || row.is(Outcome::Deactivated));
                    match &row.change {
                        None => *absence.counts.entry(Outcome::Unchanged).or_default() += 1,
                        Some(_) => rows.push(row),
                    }
                }
                _ => {
                    gaps += 1;
                    rows.push(kept(&person, reason));
                }
            }
            // The source knows them: whatever was counted towards the grace is void.
            marks.push(Mark { link: person.link, counts: false, back: true, gone: ended });
        }
        if gaps > 0 {
            absence.notes.push(format!("{gaps} people were not listed, but are {reason}"));
        }
        self.store.stage_rows(self.terms.run, &self.terms.integration.name, &rows, self.at)?;
        self.store.stage_absent(self.terms.run, &marks)?;
        self.store.stage_unpins(self.terms.run, &staged.unpins)?;
        Ok(())
    }

    /// Deleted, or unknown to the source.
    fn gone(
        &mut self,
        listing: &CompleteEnumeration,
        gone: &[(Unlisted, Option<Option<String>>)],
        absence: &mut Absence,
    ) -> Result<(), RunError> {
        if gone.is_empty() {
            return Ok(());
        }
        let integration = &self.terms.integration;
        let mut absent = Vec::with_capacity(gone.len());
        let mut proofs = Vec::with_capacity(gone.len());
        let mut unpins = Vec::new();
        for (number, (person, deleted)) in gone.iter().enumerate() {
            let (told, proof) = match deleted {
                Some(time) => {
                    (Told::Deleted(time.clone()), Some(Evidence::deleted(listing, time.as_deref())))
                }
                None => {
                    let over =
                        GraceOver::check(integration.grace, person.absent_runs, person.absent_since, self.at);
                    (Told::NotFound(over.is_some()), over.map(|over| Evidence::not_found(listing, over)))
                }
            };
            let candidate = self.store.candidate(&integration.name, person.person)?;
            let mut known = self.terms.known_person(self.store, number, Tie::Linked, &candidate)?;
            let word = if deleted.is_some() { Word::Deleted } else { Word::NotFound };
            let pins = Pins::of(self.terms, self.store, &person.source_id, word, None, true)?;
            pins.bar(&mut known);
            unpins.extend(pins.lifted);
            if let Some(other) = self.store.seen_by_others(&integration.name, person.person)?.first() {
                known.status_barred = Some(format!("still seen by {other}"));
            }
            absent.push(AbsentPerson { id: person.source_id.clone(), known, evidence: told });
            proofs.push((proof, candidate.version));
        }
        let incoming = Incoming { present: Vec::new(), absent };
        let doing = "reconciling absent people";
        let decisions = allowed::decisions(&mut self.transformer, self.terms, &incoming, doing)?;
        let mut rows = Vec::new();
        let mut marks = Vec::with_capacity(gone.len());
        let judged = gone.iter().zip(proofs).zip(decisions).zip(&incoming.absent);
        for ((((person, deleted), (proof, version)), decision), told) in judged {
            let action = if deleted.is_some() { integration.on_deleted } else { integration.on_not_found };
            let proof = proof.filter(|_| allowed::deactivates(self.terms, &told.known, action));
            let ended = matches!(decision.situation, Situation::Deactivate | Situation::Unchanged);
            marks.push(Mark { link: person.link, counts: deleted.is_none(), back: false, gone: ended });
            match row(person, decision, proof, version)? {
                Some(row) => rows.push(row),
                None => *absence.counts.entry(Outcome::Unchanged).or_default() += 1,
            }
        }
        self.store.stage_rows(self.terms.run, &integration.name, &rows, self.at)?;
        self.store.stage_absent(self.terms.run, &marks)?;
        self.store.stage_unpins(self.terms.run, &unpins)?;
        Ok(())
    }

    fn unconfirmed(&mut self, mut people: Vec<Unlisted>, absence: &mut Absence) -> Result<(), RunError> {
        // Nothing can become of somebody who is inactive already: no answer is needed.
        let all = people.len();
        people.retain(|person| person.active);
        if people.len() < all {
            *absence.counts.entry(Outcome::Unchanged).or_default() += (all - people.len()) as u64;
        }
        if people.is_empty() {
            return Ok(());
        }
        let reason = "not listed, and the source gave no answer about them";
        absence.notes.push(format!("{} people were {reason}: held", people.len()));
        let rows: Vec<StagedRow> =
            people.iter().map(|person| note(person, Outcome::Held, reason.to_owned())).collect();
        self.store.stage_rows(self.terms.run, &self.terms.integration.name, &rows, self.at)?;
        let held: Vec<(String, i64)> = people.into_iter().map(|it| (it.source_id, it.person)).collect();
        let part = HeldPart { cause: UNCONFIRMED.into(), reason: reason.into(), differences: None };
        self.store.hold_people(self.terms.run, &held, &part)?;
        Ok(())
    }
}

/// The people by what the source said of them.
#[derive(Default)]
struct Sorted {
    present: Vec<(Unlisted, String)>,
    /// With the time of the deletion; none = not found.
    gone: Vec<(Unlisted, Option<Option<String>>)>,
    unconfirmed: Vec<Unlisted>,
}

impl Sorted {
    fn put(&mut self, person: Unlisted, answer: Option<Presence>) {
        match answer {
            Some(Presence::Present(raw)) => self.present.push((person, raw)),
            Some(Presence::Deleted(time)) => self.gone.push((person, Some(time))),
            Some(Presence::NotFound) => self.gone.push((person, None)),
            Some(Presence::Unknown(_)) | None => self.unconfirmed.push(person),
        }
    }
}

/// A decision about an absent person, as a row to stage; none when nothing is to be done or said.
pub(super) fn row(
    person: &Unlisted,
    decision: Decision,
    proof: Option<Evidence>,
    version: i64,
) -> Result<Option<StagedRow>, RunError> {
    let broken = |what: String| RunError::Misbehaved(format!("user {}: {what}", person.source_id));
    if !decision.differences.is_empty() {
        return Err(broken("fields of an absent person are to change".into()));
    }
    let outcome = match decision.situation {
        Situation::Unchanged => return Ok(None),
        Situation::Deactivate => {
            let evidence = proof.ok_or_else(|| {
                broken("deactivated before the grace was over, or against the terms".into())
            })?;
            let mut row = note(person, Outcome::Deactivated, decision.reason);
            if let Some(change) = &mut row.change {
                change.cause = evidence.cause().to_owned();
                change.deed =
                    Deed::Alter { person: person.person, version, status: Status::Deactivate(evidence) };
            }
            return Ok(Some(row));
        }
        Situation::Wait => Outcome::Waiting,
        Situation::Keep => Outcome::Kept,
        other => return Err(broken(format!("`{other:?}` does not fit an absent person"))),
    };
    Ok(Some(note(person, outcome, decision.reason)))
}

/// Of somebody who was not listed only the status is judged; everything else about them waits until they are
/// listed again.
fn only_status(mut row: StagedRow) -> StagedRow {
    row.linking = false;
    row.raw = None;
    row.keys = None;
    let fields_only = [Outcome::Updated, Outcome::Renamed, Outcome::Adopted];
    match &mut row.change {
        Some(change) if fields_only.contains(&change.outcome) => row.change = None,
        Some(change) => change.differences = None,
        None => {}
    }
    row
}

fn kept(person: &Unlisted, reason: &str) -> StagedRow {
    note(person, Outcome::Kept, reason.to_owned())
}

/// A row that says something about an absent person and changes nothing.
pub(super) fn note(person: &Unlisted, outcome: Outcome, reason: String) -> StagedRow {
    StagedRow {
        source_id: Some(person.source_id.clone()),
        link: Some(person.link),
        person: Some(person.person),
        raw: None,
        digest: [0; 16],
        enabled: None,
        keys: None,
        linking: false,
        open: true,
        change: Some(NewChange {
            outcome,
            deed: Deed::None { person: Some(person.person) },
            cause: reason.clone(),
            reason,
            fields: None,
            differences: None,
            not_applied: None,
        }),
        doubt: None,
        relinks: None,
    }
}
