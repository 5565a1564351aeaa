//! Why a run ended without being applied. Nobody was changed.

use crate::engine::CallError;
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
    #[error("the outcomes of the run do not add up: {rows} rows and {absent} absent people, but {outcomes} outcomes")]
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
    /// What to do about it, when there is something.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Call { error, .. } => error.help(),
            Self::Store(error) => error.help(),
            Self::Refused { help, .. } => help.clone(),
            Self::Restarts(_) => Some("run it again when the source is less busy; a smaller `page-size` helps too".into()),
            Self::Misbehaved(_) => Some("use another version of the plugin; the store is as it was".into()),
            Self::Totals { .. } | Self::Panic(_) => Some("this is a bug of userload: please report it".into()),
        }
    }
}
