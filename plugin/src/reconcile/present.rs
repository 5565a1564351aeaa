//! What a record means: for the person whom it belongs to, or for nobody yet.

use crate::bindings::exports::userload::directory::transform::{
    CandidateSet, Decision, KnownPerson, MappedRecord, Situation, Tie,
};
use crate::bindings::userload::directory::types::Error;
use crate::json::Entries;

use super::diff::{diff, names};
use super::nothing;
use super::policy::{DisabledNew, Mode, Policy};
use super::status::{Status, status};

/// Judges one record and everybody it could be.
pub(super) fn judge(policy: &Policy, set: &CandidateSet) -> Result<Decision, Error> {
    let linked = set.known.iter().find(|known| matches!(known.tie, Tie::Linked));
    if set.incoming.filtered.is_some() {
        return Ok(of_filtered(policy, &set.incoming, linked));
    }
    if let Some(known) = linked {
        // The link decides; whoever else has the same key is not asked.
        return of_linked(policy, &set.incoming, known);
    }
    let Some(first) = set.known.first() else {
        return Ok(of_nobody(policy, &set.incoming));
    };
    if let Some(known) = set.known.iter().find(|known| matches!(known.tie, Tie::Decided)) {
        return of_matched(policy, set, known);
    }
    let others = set.known.iter().filter(|known| known.person != first.person);
    if others.count() > 0 {
        return Ok(nothing(None, Situation::Ambiguous, several(&set.known)));
    }
    of_matched(policy, set, first)
}

/// Dropped by the filter after the fetch: nothing happens, but for what disabled at the source means to
/// somebody who is linked.
fn of_filtered(policy: &Policy, incoming: &MappedRecord, linked: Option<&KnownPerson>) -> Decision {
    let why = incoming.filtered.clone().unwrap_or_default();
    let known = linked.filter(|_| policy.mode != Mode::CreateOnly && incoming.enabled == Some(false));
    if let Some((known, Status::Deactivate(reason))) =
        known.map(|known| (known, status(policy, incoming.enabled, known)))
    {
        let reason = format!("{reason}; {why}, so that no field is written");
        return Decision {
            active: Some(false),
            ..nothing(Some(known.person), Situation::Deactivate, reason)
        };
    }
    nothing(linked.map(|known| known.person), Situation::Filtered, why)
}

fn of_nobody(policy: &Policy, incoming: &MappedRecord) -> Decision {
    let disabled = incoming.enabled == Some(false);
    if policy.mode == Mode::UpdateOnly {
        return nothing(None, Situation::Skip, "mode is update-only");
    }
    if disabled && policy.disabled_new == DisabledNew::Skip {
        let reason = "new, and disabled at the source; disabled-new is skip";
        return nothing(None, Situation::Skip, reason);
    }
    let reason =
        if disabled { "new at the source, disabled there: created inactive" } else { "new at the source" };
    Decision { active: Some(!disabled), ..nothing(None, Situation::Create, reason) }
}

fn of_linked(policy: &Policy, incoming: &MappedRecord, known: &KnownPerson) -> Result<Decision, Error> {
    let person = Some(known.person);
    if policy.mode == Mode::CreateOnly {
        return Ok(nothing(person, Situation::Skip, "mode is create-only"));
    }
    let diff = diff(policy, incoming, known)?;
    let mut decision = nothing(person, Situation::Unchanged, "");
    decision.not_applied = diff.not_applied;
    let mut reasons = Vec::new();
    if !diff.differences.is_empty() {
        decision.situation = match diff.rename {
            true => Situation::Rename,
            false => Situation::Update,
        };
        let names = names(&diff.differences);
        let verb = if diff.differences.len() == 1 { "differs" } else { "differ" };
        reasons.push(format!("{names} {verb}"));
    }
    decision.differences = diff.differences;
    take_status(status(policy, incoming.enabled, known), &mut decision, &mut reasons);
    if decision.situation == Situation::Unchanged {
        if !reasons.is_empty() || !decision.not_applied.is_empty() {
            decision.situation = Situation::Keep;
        }
        if reasons.is_empty() && !decision.not_applied.is_empty() {
            reasons.push(decision.not_applied.join("; "));
        }
    }
    decision.reason = match reasons.is_empty() {
        true => "nothing differs".to_owned(),
        false => reasons.join("; "),
    };
    Ok(decision)
}

fn of_matched(policy: &Policy, set: &CandidateSet, known: &KnownPerson) -> Result<Decision, Error> {
    let decided = matches!(known.tie, Tie::Decided);
    let same = match decided {
        true => format!("decided to be {}", name(known)),
        false => format!("the same {} as a known person", keys(&set.known)),
    };
    if !known.active && !decided {
        let who = name(known);
        let keys = keys(&set.known);
        let reason = format!("matches {who} by {keys}, who is inactive: a rehire or a namesake");
        return Ok(nothing(None, Situation::Ambiguous, reason));
    }
    let person = Some(known.person);
    if policy.mode == Mode::CreateOnly {
        let reason = format!("{same}; mode is create-only: linked, nothing is written");
        return Ok(nothing(person, Situation::Adopt, reason));
    }
    let diff = diff(policy, &set.incoming, known)?;
    let mut decision = nothing(person, Situation::Adopt, "");
    decision.differences = diff.differences;
    decision.not_applied = diff.not_applied;
    let mut reasons = vec![same];
    take_status(status(policy, set.incoming.enabled, known), &mut decision, &mut reasons);
    decision.reason = reasons.join("; ");
    Ok(decision)
}

/// A change of status is named before any other.
fn take_status(status: Status, decision: &mut Decision, reasons: &mut Vec<String>) {
    match status {
        Status::AsItIs => {}
        Status::Kept(reason, barred) => {
            reasons.push(reason);
            decision.not_applied.extend(barred);
        }
        Status::Deactivate(reason) => {
            decision.situation = Situation::Deactivate;
            decision.active = Some(false);
            reasons.insert(0, reason.to_owned());
        }
        Status::Reactivate(reason) => {
            decision.situation = Situation::Reactivate;
            decision.active = Some(true);
            reasons.insert(0, reason.to_owned());
        }
    }
}

fn several(known: &[KnownPerson]) -> String {
    let mut persons: Vec<u32> = known.iter().map(|known| known.person).collect();
    persons.sort_unstable();
    persons.dedup();
    format!("matches {} persons, by {}", persons.len(), keys(known))
}

/// The names of the match keys, each once, in the order of the candidates.
fn keys(known: &[KnownPerson]) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for known in known {
        if let Tie::Matched(key) = &known.tie
            && !keys.contains(&key.as_str())
        {
            keys.push(key);
        }
    }
    keys.join(" and ")
}

/// What to call somebody in a reason.
fn name(known: &KnownPerson) -> String {
    let fields = Entries::parse(&known.fields).ok();
    let text = |key: &str| fields.as_ref().and_then(|fields| fields.text(key));
    let named = ["display_name", "username", "email"].into_iter().filter_map(text);
    let named = named.into_iter().find(|name| !name.is_empty());
    named.map_or_else(|| "a known person".to_owned(), |name| name.into_owned())
}

#[cfg(test)]
#[path = "present_tests.rs"]
mod tests;
