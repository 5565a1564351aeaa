//! Who is no SaaS user any more: what of it flows, and what waits for somebody to decide.

use super::error::RunError;
use super::retry::Retry;
use super::run::{Job, LastApplied};
use super::saas::{Pass, cause};
use super::saas_absent::{Doubt, Leaver, ask};
use crate::model::Millis;
use crate::store::{Progress as Staged, Store};

const DAY: Millis = 24 * 60 * 60 * 1000;

impl Pass<'_> {
    /// Makes inactive who is no user any more, as far as the guard lets it flow.
    pub(super) fn deactivate(
        &mut self,
        job: &mut Job<'_>,
        staged: &Staged,
        retry: &mut Retry,
    ) -> Result<(), RunError> {
        let (terms, cause) = (self.terms, cause(&self.feed.name));
        let name = &terms.integration.name;
        if !self.load.deactivate {
            // Holds of this cause are withdrawn: nothing would happen any more.
            return Ok(());
        }
        if !self.told.complete {
            job.store.keep_holds(terms.run, name, &[&cause])?;
            return Ok(());
        }
        let mut leaving = std::mem::take(&mut self.roleless);
        leaving.extend(self.unlisted(job, staged, retry)?);
        // Whom the source does not list has said something else as well.
        job.store.stage_saas_unpins(terms.run, &self.kept.lifted())?;
        let standing = job.store.standing_of(name, &cause)?;
        let decided = job.store.saas_decided(name, &cause, self.feed.id)?;
        let said = |it: &Leaver| decided.get(&it.row.source_id).map(String::as_str);
        let approved = |it: &Leaver| said(it) == Some("approved");
        // What was said yes to is not done without an answer of the source, and not asked again either.
        leaving.retain(|it| {
            said(it) != Some("rejected") && !(approved(it) && it.doubt == Some(Doubt::Unanswered))
        });
        let by_itself =
            |it: &&Leaver| it.doubt.is_none() && !approved(it) && !standing.contains(&it.row.source_id);
        let new = leaving.iter().filter(by_itself).count();
        let tripped = self.trips(job.store, &job.ready.applied, new as u64)?;
        let (mut flows, mut held) = (Vec::new(), Vec::new());
        for one in leaving {
            let reason = match (&tripped, one.doubt) {
                _ if approved(&one) => None,
                _ if standing.contains(&one.row.source_id) => Some("held before".to_owned()),
                (_, Some(doubt)) => Some(doubt.reason().to_owned()),
                (tripped, None) => tripped.clone(),
            };
            match reason {
                None => flows.push(one.row),
                Some(reason) => {
                    let person = job.store.person_of(&one.row.source_id)?;
                    held.push((one.row.source_id, person, reason));
                }
            }
        }
        self.told.held = held.len() as u64;
        // Of somebody whose role had been noted as changed nothing is staged twice: leaving comes alone.
        job.store.stage_saas(terms.run, self.feed.id, &flows, self.at)?;
        job.store.hold_saas(terms.run, &cause, &held)?;
        Ok(())
    }

    fn trips(&self, store: &Store, applied: &LastApplied, new: u64) -> Result<Option<String>, RunError> {
        if new == 0 {
            return Ok(None);
        }
        if let Some(reason) = self.new_shape(applied) {
            return Ok(Some(reason.to_owned()));
        }
        let guard = &self.terms.integration.guard;
        let active = store.active_saas(self.feed.id)?;
        let limit = guard.deactivate.of(active).min(u64::from(guard.deactivate_most));
        let day = new + store.saas_deactivated_since(self.feed.id, self.at - DAY)?;
        Ok((day > limit).then(|| {
            format!("{day} SaaS users of {} leave in 24 hours; {limit} of {active} may", self.feed.name)
        }))
    }

    /// Why all who leave wait, however few they are.
    fn new_shape(&self, applied: &LastApplied) -> Option<&'static str> {
        if self.new_source() {
            return Some("SaaS roles come from elsewhere since the last run");
        }
        match &applied.shape {
            None => Some("the first run of an integration ends no SaaS user by itself"),
            Some(applied) if *applied != self.terms.shape => {
                Some("filter, mapping or match keys have changed since the last run")
            }
            Some(_) if self.feed.complete_rows.is_none() => {
                Some("the first whole listing of SaaS users ends none of them by itself")
            }
            Some(_) => None,
        }
    }

    /// Active SaaS users whom a complete listing did not return. Whoever is linked to somebody that may be
    /// deactivated is judged as a person, by the evidence for that; a user whom the other listing did return was
    /// missed by this one. The others are asked about by id.
    fn unlisted(
        &mut self,
        job: &mut Job<'_>,
        staged: &Staged,
        retry: &mut Retry,
    ) -> Result<Vec<Leaver>, RunError> {
        let integration = &self.terms.integration;
        let (mut leaving, mut unknown) = (Vec::new(), Vec::new());
        let mut missed = 0_u64;
        for one in job.store.unlisted_saas(self.feed.id, &integration.name, &self.listed)? {
            let seen =
                one.link.is_some_and(|(link, _)| staged.seen.contains(u64::try_from(link).unwrap_or(0)));
            if self.person_ended(job.store, &one.source_id)? {
                if !self.kept.stays(&one.source_id) && one.active {
                    leaving.push(Leaver::follows(one));
                }
            } else if seen {
                missed += u64::from(one.active);
            } else if one.link.is_none() || !integration.deactivate {
                unknown.push(one);
            }
        }
        // Of whom something may become comes first.
        unknown.sort_by_key(|one| !one.active);
        let answers = ask(job, &self.source, retry, &unknown, &mut self.notes);
        let (mut answers, mut silent) = (answers.into_iter(), 0_u64);
        for one in unknown {
            let active = one.active;
            let Some(leaver) = Leaver::answered(one, answers.next().as_ref()) else {
                missed += u64::from(active);
                continue;
            };
            if !active {
                // What an undo keeps is over when the source says that they have left, and not before.
                if leaver.doubt.is_none() {
                    self.kept.stays(&leaver.row.source_id);
                }
                continue;
            }
            if !self.kept.stays(&leaver.row.source_id) {
                silent += u64::from(leaver.doubt == Some(Doubt::Unanswered));
                leaving.push(leaver);
            }
        }
        if silent > 0 {
            self.notes.push(format!("{silent} SaaS users were {}", Doubt::Unanswered.reason()));
        }
        if missed > 0 {
            self.notes
                .push(format!("{missed} SaaS users were not in their listing, but are users: not judged"));
        }
        Ok(leaving)
    }
}
