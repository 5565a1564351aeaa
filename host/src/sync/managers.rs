//! Managers: a pass of its own after everything else is settled, best effort.
//!
//! The field `manager` holds the manager's username, as it will be when the run is applied: a renamed manager
//! is renamed for everybody in the same night. A manager who is not linked, or of whom the source told
//! nothing, is unknown, and what is known stays. None at the source clears the field, under the guard.

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
use crate::store::{Flowing, MANAGER_CAUSES, Managed, ManagerChange, ManagerHold, Progress as Staged};

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
    if !terms.integration.manager {
        return Ok(None);
    }
    job.progress.stage("managers", staged.total);
    job.store.begin_managers(terms.run)?;
    let mut pass = Pass { told: Managers::default(), touched: Vec::new() };
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
            if after == managed.before || !may(terms, &managed) {
                continue;
            }
            if managed.pinned.as_ref().is_some_and(|pinned| *pinned == after) {
                continue;
            }
            if managed.barred || terms.owned_by_other(job.store, managed.person, MANAGER)? {
                self.told.barred += 1;
                continue;
            }
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
        let mut coming = Tally::default();
        for one in &flowing {
            coming.add(one, |cause| open.contains(&(one.source_id.clone(), cause.to_owned())))?;
        }
        let mut recent = Tally::default();
        if !touched.is_empty() {
            for run in job.store.applied_since(name, at - DAY)? {
                job.store.each_flowing(run, |flowing| recent.add(&flowing, |_| false))?;
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
        let approved = job.store.approved_managers(name)?;
        let (mut flows, mut held) = (Vec::new(), Vec::new());
        for (change, one) in touched.into_iter().zip(&flowing) {
            let is = |cause: &str| {
                approved.get(&(one.source_id.clone(), cause.to_owned())) == Some(&change.difference)
            };
            if MANAGER_CAUSES.iter().any(|cause| is(cause)) {
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
        if !self.told.complete {
            // Nothing was learnt about those who wait.
            job.store.keep_holds(terms.run, name, &MANAGER_CAUSES)?;
        }
        self.stage(job, terms, &flows, at)
    }
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
