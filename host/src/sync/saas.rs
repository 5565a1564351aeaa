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
use super::run::Job;
use super::saas_absent::Leaver;
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

/// The cause under which the deactivation of an application's users waits.
pub(super) fn cause(application: &str) -> String {
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

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) terms: &'a Terms,
    pub(super) load: &'a SaasLoad,
    pub(super) source: Source,
    pub(super) feed: SaasFeed,
    pub(super) at: Millis,
    /// Users whose person this run makes inactive, or active again.
    pub(super) statuses: HashMap<String, bool>,
    /// What an undo keeps.
    pub(super) kept: Kept,
    /// Users of whom somebody has said that they leave, or do not.
    pub(super) answered: HashSet<String>,
    /// Those of them who are users now: what was said was about another time.
    pub(super) outlived: Vec<String>,
    pub(super) told: SaasPass,
    pub(super) notes: Vec<String>,
    /// Rows of SaaS users that were listed.
    pub(super) listed: RoaringTreemap,
    /// Active SaaS users who are to become inactive, as far as their listing says.
    pub(super) roleless: Vec<Leaver>,
    /// Roles are known, or come with the licences.
    pub(super) known_roles: bool,
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
    pub(super) fn person_ended(&self, store: &Store, source_id: &str) -> Result<bool, RunError> {
        match self.statuses.get(source_id) {
            Some(active) => Ok(!active),
            None => Ok(store.person_ended(source_id)?),
        }
    }

    /// The roles come from elsewhere than in the last pass.
    pub(super) fn new_source(&self) -> bool {
        self.feed.roles_from.as_ref().is_some_and(|from| *from != self.load.role.text())
    }
}

fn millis(time: &str) -> Option<Millis> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
