//! Why a run ended without being applied. Nobody was changed.

use crate::engine::CallError;
use crate::engine::contract::Error;
use crate::store::StoreError;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A call to the plugin failed for good.
    #[error("{doing}: {error}")]
    Call {
        /// What the run was doing: `reading page 3 of the listing`.
        doing: String,
        /// Why it failed.
        error: CallError,
    },
    /// The listing had to start over too often.
    #[error("the source gave up the listing {0} times before it came to its end (page token expired)")]
    Restarts(u32),
    /// The plugin answered something that its contract does not allow.
    #[error("the plugin broke its contract: {0}")]
    Misbehaved(String),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A rule refuses the run.
    #[error("{message}")]
    Refused {
        /// What and why.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Totals that do not add up: a bug, and reason enough not to apply.
    #[error(
        "the outcomes of the run do not add up: {rows} rows and {absent} absent people, but {outcomes} outcomes"
    )]
    Totals {
        /// Rows that the listing had.
        rows: u64,
        /// People who were absent.
        absent: u64,
        /// The sum of the outcomes.
        outcomes: u64,
    },
    /// A thread of the run ended by a panic: a bug.
    #[error("a part of the run broke down: {0}")]
    Panic(String),
}

impl RunError {
    /// The same error, with the store's file named where it has a place for it.
    #[must_use]
    pub(super) fn at(self, store: &std::path::Path) -> Self {
        match self {
            Self::Store(error) => Self::Store(error.at(store)),
            other => other,
        }
    }

    /// Whether something has to be put right before it can go well: a credential, a permission, a filter, a
    /// grant. Else the source or this machine failed, and the same may go well another time.
    #[must_use]
    pub fn asks_for_change(&self) -> bool {
        match self {
            Self::Refused { .. } => true,
            Self::Call { error, .. } => match error.contract() {
                Some(Error::AuthRejected(_) | Error::DeniedByHost(_) | Error::Settings(_)) => true,
                Some(Error::Upstream(answer)) => {
                    (400..500).contains(&answer.status) && !matches!(answer.status, 408 | 429)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// What to do about it, when there is something.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Call { error, .. } => advice(error),
            Self::Store(error) => error.help(),
            Self::Refused { help, .. } => help.clone(),
            Self::Restarts(_) => {
                Some("run it again when the source is less busy; a smaller `page-size` helps too".into())
            }
            Self::Misbehaved(_) => Some("use another version of the plugin; the store is as it was".into()),
            Self::Totals { .. } | Self::Panic(_) => {
                Some("this is a bug of userload: please report it".into())
            }
        }
    }
}

/// What to do about a failed call.
fn advice(error: &CallError) -> Option<String> {
    let pasted = error.advice();
    if !pasted.is_empty() {
        return Some(format!("if the plugin may do that, add to the integration:\n{}", pasted.join("\n")));
    }
    let text = match error.contract() {
        Some(Error::AuthRejected(_)) => {
            "check tenant, client id and secret: `userload credential test`, `userload credential edit`"
        }
        Some(Error::Upstream(answer)) if answer.status == 403 => {
            "give the app the application permission User.Read.All and grant admin consent, in the Entra admin \
             center under App registrations > API permissions"
        }
        Some(Error::Upstream(answer)) if answer.status == 400 => {
            "the source says which part it does not take: correct `filter` or `[mapping]` there, and save the \
             document again: `userload integration save -f FILE`"
        }
        Some(Error::Settings(_)) => {
            "correct the settings: `userload credential edit`, `userload integration save -f FILE`"
        }
        Some(Error::Upstream(_) | Error::Unreachable(_) | Error::Throttled(_) | Error::Malformed(_)) => {
            "nothing was changed; run the same command again later"
        }
        Some(Error::DeniedByHost(_) | Error::CursorExpired | Error::Internal(_)) => return None,
        None => "the plugin was stopped and nothing was changed; `userload plugin inspect` shows what it is",
    };
    Some(text.to_owned())
}
