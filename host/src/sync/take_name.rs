//! Usernames that were approved to change hands.

use std::collections::HashMap;

use super::approve::Wanted;
use super::error::RunError;
use super::guard;
use super::terms::Terms;
use crate::model::{Millis, Outcome};
use crate::store::{KeyConflict, Narrowed, Store};

/// Why an approved username cannot flow, by id at the source.
pub(super) type Refused = HashMap<String, String>;

/// Gives usernames to whom they were approved for: somebody who is inactive, or leaves in this run, gives theirs
/// up. Gives back who cannot have theirs, and how many people gave one up who were not asked about.
pub(super) fn usernames(
    terms: &Terms,
    store: &mut Store,
    wanted: &Wanted<'_>,
    at: Millis,
) -> Result<(Refused, u64), RunError> {
    let mut refused = Refused::new();
    let mut given_up = 0;
    loop {
        let mut changed = false;
        for conflict in store.key_conflicts(terms.run, &terms.integration.name)? {
            if store.gives_up(terms.run, conflict.owner, &conflict.key)? {
                continue;
            }
            let leaves = store.leaves(terms.run, conflict.owner)?;
            let locked = terms.standing.locks
                && store.locked_fields(conflict.owner)?.iter().any(|it| it.is_empty() || it == "username");
            let owner = &conflict.owner_name;
            let why = if conflict.owner_active && !leaves {
                Some(format!(
                    "the username `{owner}` belongs to somebody who is active: decide first what becomes of them"
                ))
            } else if locked {
                Some(format!(
                    "the username `{owner}` belongs to somebody who is locked: `userload people unlock` first"
                ))
            } else if !wanted.takes_name(&conflict.source_id) {
                Some(format!(
                    "the username `{owner}` belongs to somebody who is inactive; the next run asks about it"
                ))
            } else {
                None
            };
            changed = true;
            match why {
                Some(why) => refuse(store, &mut refused, &conflict, why)?,
                None => given_up += store.take_username(terms.run, &conflict, at)?,
            }
        }
        if !changed {
            return Ok((refused, given_up));
        }
    }
}

fn refuse(
    store: &mut Store,
    refused: &mut Refused,
    conflict: &KeyConflict,
    why: String,
) -> Result<(), RunError> {
    if conflict.outcome == Outcome::Created {
        store.refuse_creation(conflict.change, &why)?;
    } else if let Some(flowing) = store.flowing(conflict.change)? {
        let mut rest = guard::differences(&flowing)?;
        rest.retain(|it| it.0 != "username");
        let leaves = flowing.deactivation.is_some();
        let outcome = guard::outcome_of(&flowing, &rest, !leaves);
        let differences = (!rest.is_empty())
            .then(|| serde_json::to_string(&rest))
            .transpose()
            .map_err(crate::store::StoreError::from)?;
        let reason = (outcome == Outcome::Held).then_some("the username is somebody else's");
        store.narrow(&[Narrowed {
            change: conflict.change,
            outcome,
            differences,
            drop_status: flowing.status && !leaves,
            reason,
        }])?;
    }
    refused.insert(conflict.source_id.clone(), why);
    Ok(())
}
