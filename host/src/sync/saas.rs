//! SaaS users: the last pass of a run, best effort. Whatever becomes of it, the people are loaded.
//!
//! Everybody who has a licence (or a role, when roles come from elsewhere) is a SaaS user of the application
//! that the integration feeds. What the source does not tell is unknown and changes nothing: a blank role
//! does not overwrite a known one, and no activity is not "never". Nobody is made inactive by a listing that
//! is not whole, nor by a lack of roles that nobody could read, nor by not being listed ([`super::saas_absent`]).

use std::collections::{HashMap, HashSet};

use roaring::RoaringTreemap;

use super::enumeration::{Listing, judge};
use super::error::RunError;
use super::report::SaasPass;
use super::retry::Retry;
use super::run::{Job, LastApplied};
use super::saas_absent::{Doubt, Leaver, ask};
use super::saas_kept::Kept;
use super::saas_user::{Told, Verdict, verdict};
use super::stage::call;
use super::terms::Terms;
use crate::config::{RoleSource, SaasLoad};
use crate::engine::contract::{Next, RoleSource as WireRoles, SaasPage, Source};
use crate::model::Millis;
use crate::store::{Progress as Staged, RunId, SAAS_LEAVING, SaasFeed, SaasOutcome, Store};

/// No listing has more pages: with sign-in activity they have 100 users each.
const MOST_PAGES: u32 = 200_000;

/// How often the listing may start over.
const RESTARTS: u32 = 2;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// The cause under which the deactivation of an application's users waits.
fn cause(application: &str) -> String {
    format!("{SAAS_LEAVING}{application}")
}

/// Reads SaaS users and stages what changes. A source that does not answer is a note, not an error.
///
/// # Errors
/// When the store fails.
pub(super) fn pass(
    job: &mut Job<'_>,
    terms: &Terms,
    staged: &Staged,
    retry: &mut Retry,
    at: Millis,
) -> Result<Option<(SaasPass, Vec<String>)>, RunError> {
    let Some(load) = &terms.integration.saas else { return Ok(None) };
    let name = &terms.integration.name;
    let Some(feed) = job.store.saas_feed(name)? else {
        let note = "SaaS users were not read: no SaaS application is linked; save the integration again";
        return Ok(Some((SaasPass::default(), vec![note.to_owned()])));
    };
    job.progress.stage("saas", staged.total);
    let told = SaasPass { application: feed.name.clone(), ..SaasPass::default() };
    let mut pass = Pass {
        terms,
        load,
        // Of the source only the settings are used: no filter, no selection.
        source: Source { filter: None, select: Vec::new(), ..terms.source.clone() },
        statuses: job.store.coming_statuses(terms.run)?,
        kept: Kept::new(job.store.saas_pins(feed.id)?),
        answered: job.store.saas_answered(name, &cause(&feed.name))?,
        outlived: Vec::new(),
        feed,
        at,
        told,
        notes: Vec::new(),
        listed: RoaringTreemap::new(),
        roleless: Vec::new(),
        known_roles: true,
    };
    pass.roles(job, retry)?;
    let listing = pass.users(job, retry)?;
    let (proof, completeness) = judge(listing);
    pass.told.complete = proof.is_some() && pass.known_roles;
    pass.told.reason = completeness
        .reason
        .or_else(|| (!pass.known_roles).then(|| "who has which role could not be read".to_owned()));
    pass.deactivate(job, staged, retry)?;
    if pass.told.complete {
        job.store.stage_saas_outlived(terms.run, &pass.outlived)?;
    }
    let rows = pass.told.complete.then_some(pass.told.read);
    job.store.end_saas_pass(terms.run, pass.feed.id, &load.role.text(), rows)?;
    let mut counts = job.store.saas_counts(terms.run)?;
    let mut count = |outcome: SaasOutcome| counts.remove(outcome.name()).unwrap_or(0);
    pass.told.created = count(SaasOutcome::Created);
    pass.told.updated = count(SaasOutcome::Updated);
    pass.told.deactivated = count(SaasOutcome::Deactivated);
    pass.told.reactivated = count(SaasOutcome::Reactivated);
    Ok(Some((pass.told, pass.notes)))
}

struct Pass<'a> {
    terms: &'a Terms,
    load: &'a SaasLoad,
    source: Source,
    feed: SaasFeed,
    at: Millis,
    /// Users whose person this run makes inactive, or active again.
    statuses: HashMap<String, bool>,
    /// What an undo keeps.
    kept: Kept,
    /// Users of whom somebody has said that they leave, or do not.
    answered: HashSet<String>,
    /// Those of them who are users now: what was said was about another time.
    outlived: Vec<String>,
    told: SaasPass,
    notes: Vec<String>,
    /// Rows of SaaS users that were listed.
    listed: RoaringTreemap,
    /// Active SaaS users who are to become inactive, as far as their listing says.
    roleless: Vec<Leaver>,
    /// Roles are known, or come with the licences.
    known_roles: bool,
}

impl Pass<'_> {
    /// Notes once what a page lacks.
    fn lacks(&mut self, what: &str, why: Option<String>) {
        if let Some(why) = why {
            let note = format!("{what}: {why}");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Reads who has which role, when that is not what the licences say.
    fn roles(&mut self, job: &mut Job<'_>, retry: &mut Retry) -> Result<(), RunError> {
        let wire = match &self.load.role {
            RoleSource::Licences => return Ok(()),
            RoleSource::DirectoryRoles => WireRoles::DirectoryRoles,
            RoleSource::AppRoles(id) => WireRoles::AppRoles(id.clone()),
        };
        self.known_roles = false;
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let (source, connector) = (&self.source, &mut job.ready.connector);
            let asked = call(job.net, retry, "reading SaaS roles", job.progress, async || {
                connector.fetch_saas_roles(source, &wire, cursor.as_deref()).await
            });
            let page = match asked {
                Ok(page) => page,
                Err(error) => {
                    retry.success();
                    self.lacks("SaaS roles are unknown", Some(error.to_string()));
                    return Ok(());
                }
            };
            if page.missing.is_some() {
                self.lacks("SaaS roles are unknown", page.missing);
                return Ok(());
            }
            let holders = page.holders.iter().map(|it| (it.id.as_str(), it.role.as_str()));
            job.store.stage_saas_roles(self.terms.run, holders)?;
            match page.next {
                Next::Complete(_) => {
                    self.known_roles = true;
                    return Ok(());
                }
                Next::More(next) => cursor = Some(next),
            }
        }
        self.lacks("SaaS roles are unknown", Some("their listing does not end".to_owned()));
        Ok(())
    }

    /// Reads the users, page by page, and stages what changes of each.
    fn users(&mut self, job: &mut Job<'_>, retry: &mut Retry) -> Result<Listing, RunError> {
        let last = self.feed.complete_rows.filter(|_| !self.new_source());
        let mut listing = Listing { ended: false, rows: 0, broken: 0, expected: None, last };
        let mut cursor: Option<String> = None;
        let (mut pages, mut restarts) = (0, 0);
        loop {
            let (source, connector) = (&self.source, &mut job.ready.connector);
            let asked = call(job.net, retry, "reading SaaS users", job.progress, async || {
                connector.fetch_saas_users(source, cursor.as_deref()).await
            });
            let page = match asked {
                Ok(page) => page,
                Err(RunError::Restarts(_)) if restarts < RESTARTS => {
                    restarts += 1;
                    job.store.restart_saas(self.terms.run)?;
                    self.listed.clear();
                    self.roleless.clear();
                    self.outlived.clear();
                    listing = Listing { ended: false, rows: 0, broken: 0, expected: None, last };
                    (cursor, pages) = (None, 0);
                    continue;
                }
                Err(error) => {
                    retry.success();
                    self.notes.push(format!("SaaS users were not read to the end: {error}"));
                    break;
                }
            };
            pages += 1;
            listing.rows += page.users.len() as u64 + u64::from(page.broken);
            listing.broken += u64::from(page.broken);
            listing.expected = listing.expected.or(page.total);
            job.progress.advance(page.users.len() as u64);
            self.lacks("the last activity of SaaS users is unknown", page.activity_missing.clone());
            if self.load.role == RoleSource::Licences {
                self.lacks("SaaS roles are unknown", page.roles_missing.clone());
            }
            self.page(job.store, &page)?;
            match page.next {
                Next::Complete(_) => {
                    listing.ended = true;
                    break;
                }
                Next::More(next) if cursor.as_ref() == Some(&next) || pages >= MOST_PAGES => {
                    self.notes.push("the listing of SaaS users goes round in circles".to_owned());
                    break;
                }
                Next::More(next) => cursor = Some(next),
            }
        }
        self.told.read = listing.rows;
        Ok(listing)
    }

    fn page(&mut self, store: &mut Store, page: &SaasPage) -> Result<(), RunError> {
        let mut rows = Vec::new();
        for user in &page.users {
            let (holds, role) = self.role(store, self.terms.run, user)?;
            let known = store.known_saas(self.feed.id, &user.id)?;
            if let Some(known) = &known
                && !self.listed.insert(u64::try_from(known.id).unwrap_or(0))
            {
                // Listed twice: what was said first counts.
                continue;
            }
            if store.is_erased(&user.id)? {
                continue;
            }
            let mut told = Told {
                source_id: &user.id,
                name: user.name.clone(),
                holds,
                role,
                last_activity: user.last_activity.as_deref().and_then(millis),
                person_ended: self.person_ended(store, &user.id)?,
                deactivate: self.load.deactivate,
            };
            if told.holds == Some(true) && !told.person_ended && self.answered.contains(&user.id) {
                self.outlived.push(user.id.clone());
            }
            if !self.kept.narrow(&mut told, known.is_some()) {
                continue;
            }
            let Verdict { row, leaves } = verdict(&told, known.as_ref());
            rows.extend(row);
            self.roleless.extend(leaves.map(Leaver::sure));
        }
        store.stage_saas(self.terms.run, self.feed.id, &rows, self.at)?;
        store.stage_saas_unpins(self.terms.run, &self.kept.lifted())?;
        Ok(())
    }

    /// Whether somebody is a user, and with which role; none = unknown.
    fn role(
        &self,
        store: &Store,
        run: RunId,
        user: &crate::engine::contract::SaasUser,
    ) -> Result<(Option<bool>, Option<String>), RunError> {
        if self.load.role == RoleSource::Licences {
            return Ok((Some(user.holds), user.role.clone().filter(|role| !role.trim().is_empty())));
        }
        if !self.known_roles {
            return Ok((None, None));
        }
        let mut roles = store.staged_saas_roles(run, &user.id)?;
        roles.sort_by_cached_key(|role| (role.to_lowercase(), role.clone()));
        Ok((Some(!roles.is_empty()), (!roles.is_empty()).then(|| roles.join(", "))))
    }

    /// Whether the person is inactive by what a source said, once the run is applied.
    fn person_ended(&self, store: &Store, source_id: &str) -> Result<bool, RunError> {
        match self.statuses.get(source_id) {
            Some(active) => Ok(!active),
            None => Ok(store.person_ended(source_id)?),
        }
    }

    /// The roles come from elsewhere than in the last pass.
    fn new_source(&self) -> bool {
        self.feed.roles_from.as_ref().is_some_and(|from| *from != self.load.role.text())
    }

    /// Makes inactive who is no user any more, as far as the guard lets it flow.
    fn deactivate(&mut self, job: &mut Job<'_>, staged: &Staged, retry: &mut Retry) -> Result<(), RunError> {
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
                if !self.kept.stays(&one.source_id) {
                    leaving.push(Leaver::follows(one));
                }
            } else if seen {
                missed += 1;
            } else if one.link.is_none() || !integration.deactivate {
                unknown.push(one);
            }
        }
        let answers = ask(job, &self.source, retry, &unknown, &mut self.notes);
        let (mut answers, mut silent) = (answers.into_iter(), 0_u64);
        for one in unknown {
            let Some(leaver) = Leaver::answered(one, answers.next().as_ref()) else {
                missed += 1;
                continue;
            };
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

fn millis(time: &str) -> Option<Millis> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
