//! People whom a complete listing did not return: asked about by id, then judged by what the source says.
//! Who was not listed is not gone for that.

use std::collections::HashMap;

use tokio::runtime::Handle;

use super::absent_row::{Proof, kept, note, only_status, row};
use super::allowed;
use super::bars::{Pins, Word};
use super::enumeration::{CompleteEnumeration, Ground};
use super::error::RunError;
use super::evidence::{Evidence, GraceOver};
use super::page::PageWorker;
use super::progress::Progress;
use super::retry::Retry;
use super::stage::call;
use super::terms::Terms;
use crate::config::Action;
use crate::engine::contract::{
    AbsentPerson, Evidence as Told, Incoming, PageUser, Presence, PresentUser, Situation, Tie,
};
use crate::engine::{Connector, Transformer};
use crate::model::{Millis, Outcome};
use crate::store::{Counts, HeldPart, Mark, StagedRow, Store, Unlisted};

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
        let left = self.present(listing, sorted.present, worker, &mut absence)?;
        self.judge_cases(left, &mut absence)?;
        let gone = self.gone(listing.into(), sorted.gone);
        self.judge_cases(gone, &mut absence)?;
        self.unconfirmed(sorted.unconfirmed, &mut absence)?;
        Ok(absence)
    }

    /// Judges people of whom the source has said, when only changes were read, that they are not there; none = it
    /// gave no answer. Whoever is there was judged with the changes.
    ///
    /// # Errors
    /// When the store or the plugin fails.
    pub(super) fn judge_told(
        &mut self,
        ground: Ground,
        people: Vec<(Unlisted, Option<Presence>)>,
    ) -> Result<Absence, RunError> {
        let mut absence = Absence { people: people.len() as u64, ..Absence::default() };
        if people.is_empty() {
            return Ok(absence);
        }
        if !self.terms.integration.deactivate {
            let reason = "gone at the source; deactivation is off";
            let kept: Vec<StagedRow> =
                people.iter().map(|(person, _)| note(person, Outcome::Kept, reason.to_owned())).collect();
            self.store.stage_rows(self.terms.run, &self.terms.integration.name, &kept, self.at)?;
            return Ok(absence);
        }
        let mut sorted = Sorted::default();
        for (person, answer) in people {
            sorted.put(person, answer);
        }
        let gone = self.gone(ground, sorted.gone);
        self.judge_cases(gone, &mut absence)?;
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

    /// There when asked for: disabled counts as disabled, whatever the filter says. Gives back those whom the
    /// filter demonstrably does not let through; the others were missed by the listing, and are kept.
    fn present(
        &mut self,
        listing: &CompleteEnumeration,
        present: Vec<(Unlisted, PresentUser)>,
        worker: &mut PageWorker<'_>,
        absence: &mut Absence,
    ) -> Result<Vec<Case>, RunError> {
        let mut left = Vec::new();
        if present.is_empty() {
            return Ok(left);
        }
        let users: Vec<PageUser> = present
            .iter()
            .map(|(person, user)| PageUser { id: person.source_id.clone(), raw: user.raw.clone() })
            .collect();
        let staged = worker.work_present(&users)?;
        let mut judged: HashMap<String, StagedRow> =
            staged.rows.into_iter().filter_map(|row| Some((row.source_id.clone()?, row))).collect();
        let filtered = self.terms.integration.filter.is_some();
        let mut rows = Vec::new();
        let mut marks = Vec::with_capacity(present.len());
        let (mut gaps, mut untold) = (0_u64, 0_u64);
        for (person, user) in present {
            let mut ended = false;
            let row = judged.remove(&person.source_id).map(only_status);
            let enabled = row.as_ref().and_then(|row| row.enabled);
            match row {
                Some(row) if row.enabled == Some(false) || row.is(Outcome::Failed) => {
                    ended =
                        row.enabled == Some(false) && (row.change.is_none() || row.is(Outcome::Deactivated));
                    match &row.change {
                        None => *absence.counts.entry(Outcome::Unchanged).or_default() += 1,
                        Some(_) => rows.push(row),
                    }
                }
                _ => match Evidence::left_filter(listing, user.inside_filter).filter(|_| filtered) {
                    Some(proof) => {
                        let why = user.outside_because.unwrap_or_else(|| "it is outside now".to_owned());
                        left.push(Case {
                            person,
                            told: Told::LeftFilter(why),
                            word: Word::Unlisted(enabled),
                            proof: Some(proof),
                            action: self.terms.integration.on_left_filter,
                        });
                        continue;
                    }
                    None if filtered && user.inside_filter.is_none() => {
                        untold += 1;
                        rows.push(kept(&person, UNTOLD, enabled));
                    }
                    None => {
                        gaps += 1;
                        rows.push(kept(&person, GAP, enabled));
                    }
                },
            }
            // The source knows them: whatever was counted towards the grace is void.
            marks.push(Mark { link: person.link, counts: false, back: true, gone: ended });
        }
        for (many, reason) in [(gaps, GAP), (untold, UNTOLD)] {
            if many > 0 {
                absence.notes.push(format!("{many} people were not listed, but are {reason}"));
            }
        }
        self.store.stage_rows(self.terms.run, &self.terms.integration.name, &rows, self.at)?;
        self.store.stage_absent(self.terms.run, &marks)?;
        self.store.stage_unpins(self.terms.run, &staged.unpins)?;
        Ok(left)
    }

    /// Deleted, or unknown to the source.
    fn gone(&self, listing: Ground, gone: Vec<(Unlisted, Option<Option<String>>)>) -> Vec<Case> {
        let integration = &self.terms.integration;
        let case = |(person, deleted): (Unlisted, Option<Option<String>>)| match deleted {
            Some(time) => {
                let proof = Some(Evidence::deleted(listing, time.as_deref()));
                Case {
                    person,
                    told: Told::Deleted(time),
                    word: Word::Deleted,
                    proof,
                    action: integration.on_deleted,
                }
            }
            None => {
                let over =
                    GraceOver::check(integration.grace, person.absent_runs, person.absent_since, self.at);
                let proof = over.map(|over| Evidence::not_found(listing, over));
                Case {
                    person,
                    told: Told::NotFound(proof.is_some()),
                    word: Word::NotFound,
                    proof,
                    action: integration.on_not_found,
                }
            }
        };
        gone.into_iter().map(case).collect()
    }

    /// What becomes of those about whom the source gave a clear answer.
    fn judge_cases(&mut self, cases: Vec<Case>, absence: &mut Absence) -> Result<(), RunError> {
        if cases.is_empty() {
            return Ok(());
        }
        let integration = &self.terms.integration;
        let mut absent = Vec::with_capacity(cases.len());
        let mut versions = Vec::with_capacity(cases.len());
        let mut unpins = Vec::new();
        for (number, Case { person, told, word, .. }) in cases.iter().enumerate() {
            let candidate = self.store.candidate(&integration.name, person.person)?;
            let mut known = self.terms.known_person(self.store, number, Tie::Linked, &candidate)?;
            let pins = Pins::of(self.terms, self.store, &person.source_id, *word, None, true)?;
            pins.bar(&mut known);
            // Those of people who are there were looked at with their record.
            if !matches!(told, Told::LeftFilter(_)) {
                unpins.extend(pins.lifted);
            }
            if let Some(other) = self.store.seen_by_others(&integration.name, person.person)?.first() {
                known.status_barred = Some(format!("still seen by {other}"));
            }
            absent.push(AbsentPerson { id: person.source_id.clone(), known, evidence: told.clone() });
            versions.push(candidate.version);
        }
        let incoming = Incoming { present: Vec::new(), absent };
        let doing = "reconciling absent people";
        let decisions = allowed::decisions(&mut self.transformer, self.terms, &incoming, doing)?;
        let mut rows = Vec::new();
        let mut marks = Vec::with_capacity(cases.len());
        let judged = cases.into_iter().zip(versions).zip(decisions).zip(&incoming.absent);
        for (((case, version), decision), told) in judged {
            let Case { person, told: evidence, word, proof, action } = case;
            let proof = Proof { terms: self.terms, known: &told.known, action, evidence: proof };
            let ended = matches!(decision.situation, Situation::Deactivate | Situation::Unchanged);
            marks.push(Mark {
                link: person.link,
                counts: matches!(evidence, Told::NotFound(_)),
                // The source knows them: whatever was counted towards the grace is void.
                back: matches!(evidence, Told::LeftFilter(_)),
                gone: ended,
            });
            match row(&person, decision, proof, version)? {
                Some(mut row) => {
                    if let Word::Unlisted(enabled) = word {
                        row.enabled = enabled;
                    }
                    rows.push(row);
                }
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

/// Why somebody is kept who is there, enabled and inside of the filter, and was not listed.
const GAP: &str = "there when asked for by id: the listing missed them";

/// Why somebody is kept who is there, enabled, and may be outside of the filter.
const UNTOLD: &str =
    "there when asked for by id, and the record does not tell whether the filter lets them through";

/// Somebody who was not listed, and what is known of it.
struct Case {
    person: Unlisted,
    told: Told,
    word: Word,
    proof: Option<Evidence>,
    action: Action,
}

/// The people by what the source said of them.
#[derive(Default)]
struct Sorted {
    present: Vec<(Unlisted, PresentUser)>,
    /// With the time of the deletion; none = not found.
    gone: Vec<(Unlisted, Option<Option<String>>)>,
    unconfirmed: Vec<Unlisted>,
}

impl Sorted {
    fn put(&mut self, person: Unlisted, answer: Option<Presence>) {
        match answer {
            Some(Presence::Present(user)) => self.present.push((person, user)),
            Some(Presence::Deleted(time)) => self.gone.push((person, Some(time))),
            Some(Presence::NotFound) => self.gone.push((person, None)),
            Some(Presence::Unknown(_)) | None => self.unconfirmed.push(person),
        }
    }
}
