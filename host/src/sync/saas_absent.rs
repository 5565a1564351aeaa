//! SaaS users whom a whole listing did not return. Who is linked to a person that may be deactivated is judged
//! as a person, by the evidence for that; all others are asked about by id. Not being listed ends nobody.

use super::absent::{ASK_AT_MOST, ASK_AT_ONCE};
use super::retry::Retry;
use super::run::Job;
use super::stage::call;
use crate::engine::contract::{Presence, Source};
use crate::store::{NewSaas, SaasCandidate, SaasOutcome};

/// Somebody who is no SaaS user any more, as far as is known.
pub(super) struct Leaver {
    /// What would be written.
    pub(super) row: NewSaas,
    /// Why somebody in charge is asked first, however few they are.
    pub(super) doubt: Option<Doubt>,
}

/// What keeps a SaaS user from leaving by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The source does not know them. Of people that counts after days and runs only; nobody counts them here.
    NotFound,
    /// The source gave no answer.
    Unanswered,
}

impl Doubt {
    /// Why they wait.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "not listed, and not found at the source",
            Self::Unanswered => "not listed, and the source gave no answer about them",
        }
    }
}

impl Leaver {
    /// One about whom there is no doubt.
    pub(super) fn sure(row: NewSaas) -> Self {
        Self { row, doubt: None }
    }

    /// One who was not listed, and whose person is deactivated.
    pub(super) fn follows(one: SaasCandidate) -> Self {
        Self { row: row(one, "the user is deactivated", true), doubt: None }
    }

    /// One who was not listed, by what the source answered. None: they are there.
    pub(super) fn answered(one: SaasCandidate, answer: Option<&Presence>) -> Option<Self> {
        let doubt = match answer {
            Some(Presence::Present(_)) => return None,
            Some(Presence::Deleted(_)) => None,
            Some(Presence::NotFound) => Some(Doubt::NotFound),
            Some(Presence::Unknown(_)) | None => Some(Doubt::Unanswered),
        };
        let reason = match doubt {
            None => "deleted at the source",
            Some(doubt) => doubt.reason(),
        };
        Some(Self { row: row(one, reason, false), doubt })
    }
}

fn row(one: SaasCandidate, reason: &str, follows: bool) -> NewSaas {
    NewSaas {
        source_id: one.source_id,
        values: None,
        outcome: Some(SaasOutcome::Deactivated),
        reason: reason.to_owned(),
        role_after: one.role.clone(),
        role_before: one.role,
        active_after: Some(false),
        follows,
    }
}

/// The answers about the first of them, in order, as far as the source gave any.
pub(super) fn ask(
    job: &mut Job<'_>,
    source: &Source,
    retry: &mut Retry,
    unlisted: &[SaasCandidate],
    notes: &mut Vec<String>,
) -> Vec<Presence> {
    let mut answers = Vec::new();
    for chunk in unlisted[..unlisted.len().min(ASK_AT_MOST)].chunks(ASK_AT_ONCE) {
        let ids: Vec<String> = chunk.iter().map(|it| it.source_id.clone()).collect();
        let connector = &mut job.ready.connector;
        let asked = call(job.net, retry, "asking about absent SaaS users", job.progress, async || {
            connector.confirm_absent(source, &ids).await
        });
        match asked {
            Ok(told) if told.len() == ids.len() => answers.extend(told),
            Ok(told) => {
                notes.push(format!(
                    "asked about {} SaaS users, the plugin answered {}",
                    ids.len(),
                    told.len()
                ));
                break;
            }
            Err(error) => {
                retry.success();
                notes.push(format!("SaaS users who were not listed were not all asked about: {error}"));
                break;
            }
        }
    }
    answers
}
