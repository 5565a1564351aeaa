//! Settling: what only the whole run can tell. Who is claimed twice, what the guard holds, and which
//! usernames are still somebody else's.

use std::collections::HashSet;

use super::error::RunError;
use super::guard::{Concerned, RENAMING, Tally, split};
use super::terms::Terms;
use crate::model::{Millis, Outcome};
use crate::store::{Flowing, HeldPart, KeyConflict, Rest, Store, StoreError};

/// How the causes of deactivations begin.
pub(super) const LEAVING: &str = "deactivate:";

const DAY: Millis = 24 * 60 * 60 * 1000;

/// A person or username that two records of the run claim is ambiguous for both, whatever page they were on.
/// A record that was listed twice counts once; gives back how many of those were counted as unchanged.
///
/// # Errors
/// When the store fails.
pub(super) fn claims(terms: &Terms, store: &mut Store) -> Result<u64, RunError> {
    let twice = store.skip_twice(terms.run)?;
    for claim in store.claimed_people(terms.run)? {
        let reason = format!("{} records match the same person", claim.claimants);
        store.make_ambiguous(terms.run, claim.change, &reason, claim.person.as_slice())?;
    }
    for claim in store.claimed_usernames(terms.run)? {
        let reason = format!("{} records have the username `{}`", claim.claimants, claim.key);
        store.make_ambiguous(terms.run, claim.change, &reason, &[])?;
    }
    Ok(twice)
}

/// Holds what passes a limit, and what was held before.
///
/// # Errors
/// When the store fails.
pub(super) fn guard(
    terms: &Terms,
    store: &mut Store,
    applied_shape: Option<&str>,
    at: Millis,
) -> Result<(), RunError> {
    let name = &terms.integration.name;
    let open = store.standing_holds(name)?;
    // Whoever waits for one cause of leaving, or for a new name, goes on waiting when it becomes another one.
    let leaving: HashSet<&str> = open
        .iter()
        .filter(|(_, cause)| cause.starts_with(LEAVING) && cause != super::absent::UNCONFIRMED)
        .map(|(source_id, _)| source_id.as_str())
        .collect();
    let renaming: HashSet<&str> = open
        .iter()
        .filter(|(_, cause)| cause.starts_with(RENAMING))
        .map(|(source_id, _)| source_id.as_str())
        .collect();
    let standing = |source_id: &str, cause: &str| {
        open.contains(&(source_id.to_owned(), cause.to_owned()))
            || cause.starts_with(LEAVING) && leaving.contains(source_id)
            || cause.starts_with(RENAMING) && renaming.contains(source_id)
    };
    let mut coming = Tally::default();
    store.each_flowing(terms.run, |flowing| {
        coming.add(&flowing, |cause| standing(&flowing.source_id, cause))
    })?;
    let mut recent = Tally::default();
    let runs = if coming.is_empty() { Vec::new() } else { store.applied_since(name, at - DAY)? };
    for run in runs {
        store.each_flowing(run, |flowing| recent.add(&flowing, |_| false))?;
    }
    let new_shape = match applied_shape {
        None => Some("the first run of an integration deactivates nobody by itself"),
        Some(applied) if applied != terms.shape => {
            Some("filter, mapping or match keys have changed since the last run")
        }
        Some(_) => None,
    };
    let guard = &terms.integration.guard;
    let trips = |linked_active| {
        let filled = &mut |field: &str| store.linked_filled(name, field);
        coming.trips(&recent, guard, Concerned { linked_active, filled, new_shape })
    };
    // A limit is never lower than with nobody: people are counted only when that matters.
    let mut tripped = trips(0)?;
    if !tripped.is_empty() {
        tripped = trips(store.linked_active(name)?)?;
    }
    let mut held = Vec::new();
    store.each_flowing(terms.run, |flowing| {
        if let Some(split) = split(&flowing, &tripped, |cause| standing(&flowing.source_id, cause))? {
            held.push((flowing, split));
        }
        Ok(())
    })?;
    for chunk in held.chunks(1000) {
        let parts: Vec<(Flowing, Vec<HeldPart>, Rest<'_>)> = chunk
            .iter()
            .map(|(flowing, split)| {
                let rest = Rest {
                    outcome: split.outcome,
                    differences: split.differences.as_deref(),
                    hold_status: split.hold_status,
                };
                (flowing.clone(), split.held.clone(), rest)
            })
            .collect();
        store.hold_parts(terms.run, &parts)?;
    }
    Ok(())
}

/// Usernames are checked on the end state, so that swaps and chains of renames apply. A change that needs a
/// username which is still somebody's is held with it, as a joiner who gets a leaver's name is; what is held
/// gives no username up, so this goes on until nothing more has to wait. `listed` tells whether the person of a link
/// is there.
///
/// # Errors
/// When the store fails.
pub(super) fn usernames(
    terms: &Terms,
    store: &mut Store,
    listed: &dyn Fn(i64) -> bool,
) -> Result<(), RunError> {
    let mut settled: HashSet<i64> = HashSet::new();
    loop {
        let mut changed = false;
        for conflict in store.key_conflicts(terms.run, &terms.integration.name)? {
            if settled.contains(&conflict.change)
                || store.gives_up(terms.run, conflict.owner, &conflict.key)?
            {
                continue;
            }
            settled.insert(conflict.change);
            changed = true;
            resolve(terms, store, listed, &conflict)?;
        }
        if !changed {
            return Ok(());
        }
    }
}

fn resolve(
    terms: &Terms,
    store: &mut Store,
    listed: &dyn Fn(i64) -> bool,
    conflict: &KeyConflict,
) -> Result<(), RunError> {
    let listed = conflict.owner_link.is_some_and(listed);
    let name = &conflict.owner_name;
    if conflict.outcome == Outcome::Created
        && conflict.owner_active
        && (listed || conflict.owner_link.is_none())
    {
        // Nobody is on the way out: it is a second claim to one username.
        let reason = format!("the username `{name}` already belongs to somebody");
        store.make_ambiguous(terms.run, conflict.change, &reason, &[conflict.owner])?;
        return Ok(());
    }
    let why = if !conflict.owner_active {
        "who is inactive"
    } else if listed {
        "whose own change is held"
    } else {
        "who was not listed"
    };
    let part = HeldPart {
        cause: "key:username".into(),
        reason: format!("the username `{name}` still belongs to somebody {why}"),
        differences: None,
    };
    if conflict.outcome == Outcome::Created {
        store.hold_creation(terms.run, conflict, &part)?;
        return Ok(());
    }
    hold_username(terms, store, conflict, part)
}

/// Lets only the username of a change wait.
fn hold_username(
    terms: &Terms,
    store: &mut Store,
    conflict: &KeyConflict,
    mut part: HeldPart,
) -> Result<(), RunError> {
    let Some(flowing) = store.flowing(conflict.change)? else { return Ok(()) };
    let tripped = [
        ("rename:username".to_owned(), part.reason.clone()),
        ("overwrite:username".to_owned(), part.reason.clone()),
        ("change:username".to_owned(), part.reason.clone()),
    ]
    .into_iter()
    .collect();
    let Some(split) = split(&flowing, &tripped, |_| false)? else {
        return Err(StoreError::Corrupt("a change without a username claims one".into()).into());
    };
    part.differences = split.held.into_iter().find_map(|it| it.differences);
    let rest = Rest {
        outcome: split.outcome,
        differences: split.differences.as_deref(),
        hold_status: split.hold_status,
    };
    store.hold_parts(terms.run, &[(flowing.clone(), vec![part], rest)])?;
    Ok(())
}
