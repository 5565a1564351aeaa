//! Whether a record makes a person active or inactive.

use crate::bindings::exports::userload::directory::transform::{DeactivatedBy, KnownPerson, Tie};

use super::policy::{Policy, Reactivate, Then};

/// What a record does to a person's status.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing to say.
    AsItIs,
    /// Something would change, but a rule keeps it: why. The other text is for `not-applied`, when the rule
    /// is that this integration may not write the status.
    Kept(String, Option<String>),
    /// Becomes inactive: why.
    Deactivate(&'static str),
    /// Becomes active: why.
    Reactivate(&'static str),
}

/// Judges a person whose record is there. `enabled` none changes no status.
pub(super) fn status(policy: &Policy, enabled: Option<bool>, known: &KnownPerson) -> Status {
    match (enabled, known.active) {
        (Some(false), true) => disabled(policy, known),
        (Some(true), false) => enabled_again(policy, known),
        _ => Status::AsItIs,
    }
}

fn disabled(policy: &Policy, known: &KnownPerson) -> Status {
    let kept = |why: &str| Status::Kept(format!("disabled at the source; {why}"), None);
    if !policy.deactivate {
        return kept("deactivate is off");
    }
    if policy.on_disabled == Then::Keep {
        return kept("on-disabled is keep");
    }
    match &known.status_barred {
        Some(reason) => barred("disabled at the source", reason),
        None => Status::Deactivate("disabled at the source"),
    }
}

fn enabled_again(policy: &Policy, known: &KnownPerson) -> Status {
    let kept = |text: &str| Status::Kept(text.to_owned(), None);
    if !policy.deactivate {
        return kept("inactive while enabled at the source; deactivate is off, so nobody is reactivated");
    }
    let why = match policy.reactivate {
        Reactivate::Never => return kept("inactive while enabled at the source; reactivate is never"),
        Reactivate::Always => "enabled at the source",
        // What ended the person was about another record.
        Reactivate::Own if matches!(known.tie, Tie::Decided) => "enabled at the source",
        // The source changed its mind since this integration last looked.
        Reactivate::Own if known.was_enabled == Some(false) => "enabled at the source again",
        Reactivate::Own if known.was_absent => "back at the source",
        Reactivate::Own => match known.inactive_since {
            Some(DeactivatedBy::ThisIntegration) => "enabled at the source again",
            Some(DeactivatedBy::AnotherIntegration) => {
                return kept("made inactive by another integration while enabled at the source");
            }
            Some(DeactivatedBy::APerson) => {
                return kept("inactive by hand while enabled at the source");
            }
            None => return kept("inactive while enabled at the source, and nobody knows since when"),
        },
    };
    match &known.status_barred {
        Some(reason) => barred(why, reason),
        None => Status::Reactivate(why),
    }
}

fn barred(why: &str, reason: &str) -> Status {
    Status::Kept(format!("{why}; the status is {reason}"), Some(format!("status: {reason}")))
}
