//! Managers: a pass of its own after everything else is settled, best effort.
//!
//! The field `manager` holds the manager's username, as it will be when the run is applied: a renamed manager
//! is renamed for everybody in the same night. A manager who is not linked, or of whom the source told
//! nothing, is unknown, and what is known stays. None at the source clears the field, under the guard.

use std::collections::HashSet;

use super::error::RunError;
use super::guard::{Concerned, Tally, split};
use super::report::Managers;
use super::retry::Retry;
use super::run::Job;
use super::stage::call;
use super::terms::Terms;
use crate::config::Mode;
use crate::engine::contract::{ManagedUser, Next, Source};
use crate::model::{MANAGER, Millis, Outcome};
use crate::store::{
    Flowing, MANAGER_CAUSES, Managed, ManagerChange, ManagerHold, Progress as Staged, RunId, Store,
    StoreError, manager_change,
};

const DAY: Millis = 24 * 60 * 60 * 1000;

/// No listing has more pages.
const MOST_PAGES: u32 = 20_000;

/// Why, when it is the source's doing.
const REASON: &str = "changed at the source";

/// Reads managers and stages what changes. A source that does not answer is a note, not an error.
///
/// # Errors
/// When the store fails.
pub(super) fn pass(
    job: &mut Job<'_>,
    terms: &Terms,
    staged: &Staged,
    retry: &mut Retry,
    at: Millis,
) -> Result<Option<(Managers, Vec<String>)>, RunError> {
    let name = &terms.integration.name;
    if !terms.integration.manager {
        // Nobody is looked at: that answers nothing.
        job.store.keep_holds(terms.run, name, &MANAGER_CAUSES)?;
        return Ok(None);
    }
    job.progress.stage("managers", staged.total);
    job.store.begin_managers(terms.run)?;
    let open = job.store.standing_holds(name)?;
    let waiting = open.into_iter().filter(|(_, cause)| MANAGER_CAUSES.contains(&cause.as_str()));
    let uncompared = waiting.map(|(source_id, _)| source_id).collect();
    let mut pass = Pass { told: Managers::default(), touched: Vec::new(), uncompared };
    let mut notes = Vec::new();
    // Of the source only the settings and the page size are used: no filter, no selection.
    let source = Source { filter: None, select: Vec::new(), ..terms.source.clone() };
    let mut cursor: Option<String> = None;
    let mut pages = 0;
    loop {
        let connector = &mut job.ready.connector;
        let asked = call(job.net, retry, "reading managers", job.progress, async || {
            connector.fetch_managers(&source, cursor.as_deref()).await
        });
        let page = match asked {
            Ok(page) => page,
            Err(error) => {
                retry.success();
                notes.push(format!("managers were not read to the end, and stay as they are known: {error}"));
                break;
            }
        };
        pages += 1;
        job.progress.advance(page.users.len() as u64);
        pass.page(job, terms, staged, &page.users, at)?;
        match page.next {
            Next::Complete(_) => {
                pass.told.complete = true;
                break;
            }
            Next::More(next) if cursor.as_ref() == Some(&next) || pages >= MOST_PAGES => {
                notes.push("managers were not read to the end: the listing goes round in circles".to_owned());
                break;
            }
            Next::More(next) => cursor = Some(next),
        }
    }
    pass.settle(job, terms, at)?;
    if pass.told.unresolved > 0 {
        notes.push(format!("{} managers are not among the loaded people: unknown", pass.told.unresolved));
    }
    Ok(Some((pass.told, notes)))
}

struct Pass {
    told: Managers,
    /// Changes of values that are there: the guard looks at them as a whole.
    touched: Vec<ManagerChange>,
    /// Those of whom something waits, and whose manager was not compared yet. Who is not listed, is dropped by the
    /// filter after the fetch, may not be written to or has an unknown manager is not compared at all.
    uncompared: HashSet<String>,
}

impl Pass {
    fn page(
        &mut self,
        job: &mut Job<'_>,
        terms: &Terms,
        staged: &Staged,
        users: &[ManagedUser],
        at: Millis,
    ) -> Result<(), RunError> {
        let name = &terms.integration.name;
        let mut fills = Vec::new();
        for user in users {
            let Some(managed) = job.store.managed(terms.run, name, &user.id)? else { continue };
            let looked_at = |link: i64| {
                let link = u64::try_from(link).unwrap_or(0);
                staged.seen.contains(link) && !staged.filtered.contains(link)
            };
            if !managed.link.is_none_or(looked_at) {
                // Not of this integration's listing, or dropped by the filter after the fetch.
                continue;
            }
            self.told.read += 1;
            let after = match &user.manager {
                None => None,
                Some(manager) => match job.store.coming_username(name, manager)? {
                    Some(username) => Some(serde_json::Value::from(username).to_string()),
                    None => {
                        self.told.unresolved += 1;
                        continue;
                    }
                },
            };
            if after == managed.before {
                self.uncompared.remove(&user.id);
                continue;
            }
            if !may(terms, &managed) {
                continue;
            }
            if managed.pinned.as_ref().is_some_and(|pinned| *pinned == after) {
                // Somebody has said already what becomes of this value.
                self.uncompared.remove(&user.id);
                continue;
            }
            if managed.barred || terms.owned_by_other(job.store, managed.person, MANAGER)? {
                self.told.barred += 1;
                continue;
            }
            self.uncompared.remove(&user.id);
            let difference = difference(managed.before.as_deref(), after.as_deref());
            let change = ManagerChange { managed, difference, reason: REASON };
            if change.managed.before.is_none() { fills.push(change) } else { self.touched.push(change) }
        }
        self.stage(job, terms, &fills, at)
    }

    fn stage(
        &mut self,
        job: &mut Job<'_>,
        terms: &Terms,
        changes: &[ManagerChange],
        at: Millis,
    ) -> Result<(), RunError> {
        self.told.changed += changes.len() as u64;
        self.told.quiet += changes.iter().filter(|it| it.managed.is_quiet()).count() as u64;
        job.store.stage_managers(terms.run, &terms.integration.name, changes, at)?;
        Ok(())
    }

    /// Holds what passes a limit or waits already, and stages the rest.
    fn settle(&mut self, job: &mut Job<'_>, terms: &Terms, at: Millis) -> Result<(), RunError> {
        let name = &terms.integration.name;
        let open = job.store.standing_holds(name)?;
        let touched = std::mem::take(&mut self.touched);
        let flowing: Vec<Flowing> = touched.iter().map(flowing).collect();
        let approved = job.store.approved_managers(name)?;
        let approves = |change: &ManagerChange| {
            let source_id = &change.managed.source_id;
            let is = |cause: &&str| {
                approved.get(&(source_id.clone(), (*cause).to_owned())) == Some(&change.difference)
            };
            MANAGER_CAUSES.iter().any(is)
        };
        let mut coming = Tally::default();
        // Only what flows unheld uses up the limits.
        for (_, one) in touched.iter().zip(&flowing).filter(|(change, _)| !approves(change)) {
            coming.add(one, |cause| open.contains(&(one.source_id.clone(), cause.to_owned())))?;
        }
        let mut recent = Tally::default();
        if !touched.is_empty() {
            for run in job.store.applied_since(name, at - DAY)? {
                count_unheld(job.store, run, &mut recent)?;
            }
        }
        let linked_active = job.store.linked_active(name)?;
        let store = &*job.store;
        let tripped = coming.trips(
            &recent,
            &terms.integration.guard,
            Concerned {
                linked_active,
                filled: &mut |field| store.linked_filled(name, field),
                new_shape: None,
            },
        )?;
        let (mut flows, mut held) = (Vec::new(), Vec::new());
        for (change, one) in touched.into_iter().zip(&flowing) {
            if approves(&change) {
                flows.push(change);
                continue;
            }
            let standing = |cause: &str| open.contains(&(one.source_id.clone(), cause.to_owned()));
            match split(one, &tripped, standing)? {
                None => flows.push(change),
                Some(split) => held.extend(split.held.into_iter().map(|part| ManagerHold {
                    source_id: one.source_id.clone(),
                    person: one.person,
                    part,
                })),
            }
        }
        self.told.held = held.len() as u64;
        job.store.hold_managers(terms.run, &held)?;
        job.store.keep_managers(terms.run, name, &self.uncompared)?;
        self.stage(job, terms, &flows, at)
    }
}

/// Counts what a run did, but for the managers that somebody had said yes to.
fn count_unheld(store: &Store, run: RunId, tally: &mut Tally) -> Result<(), StoreError> {
    let approved = store.approved_managers_of(run)?;
    store.each_flowing(run, |flowing| {
        let done = flowing.differences.as_deref().map(manager_change).transpose()?.flatten();
        let mut consented = false;
        for difference in approved.get(&flowing.source_id).into_iter().flatten() {
            consented |= done.is_some() && manager_change(difference)? == done;
        }
        tally.add(&flowing, |cause| consented && MANAGER_CAUSES.contains(&cause))
    })
}

/// Whether this run may write to the person at all. Whoever fails, leaves or waits is left as they are. What a
/// rule keeps of the other fields, or of the status, says nothing of the manager: a lock of that bars it itself.
fn may(terms: &Terms, managed: &Managed) -> bool {
    match managed.outcome {
        Some(Outcome::Created) => true,
        _ if terms.integration.mode == Mode::CreateOnly => false,
        None => managed.link.is_some(),
        Some(
            Outcome::Updated
            | Outcome::Renamed
            | Outcome::Adopted
            | Outcome::Reactivated
            | Outcome::Held
            | Outcome::Kept,
        ) => true,
        Some(_) => false,
    }
}

fn difference(before: Option<&str>, after: Option<&str>) -> String {
    format!("[[\"{MANAGER}\",{},{}]]", before.unwrap_or("null"), after.unwrap_or("null"))
}

fn flowing(change: &ManagerChange) -> Flowing {
    let managed = &change.managed;
    Flowing {
        change: 0,
        source_id: managed.source_id.clone(),
        person: managed.person,
        outcome: managed.outcome.unwrap_or(Outcome::Updated),
        differences: Some(change.difference.clone()),
        deactivation: None,
        status: false,
        linked: managed.outcome != Some(Outcome::Adopted),
    }
}
