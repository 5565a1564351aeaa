//! Errors for people: what happened, why, and what to type next.

use std::error::Error;

use super::exit::ExitStatus;
use super::output::Paint;
use crate::config::ConfigReport;
use crate::credential::{KeyError, OutsideError, SealError};
use crate::store::StoreError;
use crate::sync::RunError;

/// An error that the command line itself finds.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct Trouble {
    what: String,
    help: Option<String>,
    exit: ExitStatus,
}

impl Trouble {
    /// Something that was typed is not right.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, exit: ExitStatus::Usage }
    }

    /// Something could not be done.
    #[must_use]
    pub fn failed(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, exit: ExitStatus::Failed }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The text of an error: its causes, then a `help:` line where there is one.
#[must_use]
pub(super) fn describe(error: &anyhow::Error, paint: Paint) -> String {
    let mut text = format!("{} {error}", paint.bad("error:"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors repeat their cause in their own text.
        if !said.contains(&cause) {
            text.push_str(&format!("\n  because: {cause}"));
            said = cause;
        }
    }
    if let Some(help) = error.chain().find_map(help) {
        text.push_str(&format!("\n{} {help}", paint.good("help:")));
    }
    text
}

/// The same as an object: `{"version":1,"error":{"message":…,"help":…}}`, on one line.
#[must_use]
pub(super) fn object(error: &anyhow::Error) -> String {
    let (message, help) = words(error);
    object_of(&message, help.as_deref())
}

/// What an error says in one line, and its help.
#[must_use]
pub(super) fn words(error: &anyhow::Error) -> (String, Option<String>) {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message.push_str(&format!(": {cause}"));
        }
    }
    (message, error.chain().find_map(help))
}

/// The object of an error that is no [`anyhow::Error`].
#[must_use]
pub(super) fn object_of(message: &str, help: Option<&str>) -> String {
    super::output::json_v1::line(&super::output::json_v1::Failure::new(message, help)).unwrap_or_default()
}

fn help(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(it) = error.downcast_ref::<Trouble>() {
        return it.help.clone();
    }
    if let Some(it) = error.downcast_ref::<StoreError>() {
        return it.help();
    }
    if let Some(it) = error.downcast_ref::<KeyError>() {
        return it.help();
    }
    if let Some(it) = error.downcast_ref::<RunError>() {
        return it.help();
    }
    if let Some(it) = error.downcast_ref::<OutsideError>() {
        return it.help();
    }
    error.downcast_ref::<SealError>()?.help()
}

/// The exit status of an error.
#[must_use]
pub(super) fn exit(error: &anyhow::Error) -> ExitStatus {
    error
        .chain()
        .find_map(|it| {
            // What is configured, or asked for, has to be put right first.
            let configured = it.is::<ConfigReport>()
                || it.is::<KeyError>()
                || it.is::<SealError>()
                || it.is::<OutsideError>();
            let refused = matches!(
                it.downcast_ref::<StoreError>(),
                Some(StoreError::Refused(_) | StoreError::NoTenant { .. })
            );
            if configured || refused {
                return Some(ExitStatus::Usage);
            }
            it.downcast_ref::<Trouble>().map(|trouble| trouble.exit)
        })
        .unwrap_or(ExitStatus::Failed)
}

/// Whether an error only says that nobody reads on (`userload people list | head`).
#[must_use]
pub(super) fn nobody_reads(error: &anyhow::Error) -> bool {
    error.chain().any(|it| {
        it.downcast_ref::<std::io::Error>().is_some_and(|it| it.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
