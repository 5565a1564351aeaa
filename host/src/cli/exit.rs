//! How the program ends.

use std::process::ExitCode;

/// The exit code, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done.
    Done,
    /// It failed; what was there is as it was.
    Failed,
    /// The command line or a document is not right.
    Usage,
    /// Done, but something is newly held, or the listing was incomplete: somebody should look.
    Attention,
    /// Done, but rows failed.
    FailedRows,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Attention => 3,
            Self::FailedRows => 4,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
