//! What each record means for the people who are already known. Pure, and without a memory: everything that
//! a decision rests on is handed in. Nobody is ever taken for absent here; the absent come with evidence.
//!
//! The rules are those of `transform.wit`; `present` judges records, `absent` judges the absent.

mod absent;
mod diff;
mod policy;
mod present;
mod status;

use std::cell::RefCell;

use crate::bindings::exports::userload::directory::transform::{Decision, Incoming, Situation};
use crate::bindings::userload::directory::types::Error;
use crate::map::Memo;

use policy::Policy;

thread_local! {
    static POLICIES: RefCell<Memo<Policy>> = const { RefCell::new(Memo::new()) };
}

/// One decision for each record, in order, then one for each absent person, in order. The policy is read
/// once and remembered by its text; one that cannot be read is a `settings` error named `policy`.
pub fn reconcile(policy: &str, incoming: &Incoming) -> Result<Vec<Decision>, Error> {
    let policy = POLICIES.with_borrow_mut(|memo| memo.get(policy, policy::read))?;
    let mut decisions = Vec::with_capacity(incoming.present.len() + incoming.absent.len());
    for set in &incoming.present {
        decisions.push(present::judge(&policy, set)?);
    }
    for absent in &incoming.absent {
        decisions.push(absent::judge(&policy, absent));
    }
    Ok(decisions)
}

/// A decision that changes nothing about anybody.
fn nothing(person: Option<u32>, situation: Situation, reason: impl Into<String>) -> Decision {
    Decision {
        person,
        situation,
        active: None,
        reason: reason.into(),
        differences: Vec::new(),
        not_applied: Vec::new(),
    }
}

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod testing;
