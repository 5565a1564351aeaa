//! What became of one row of a run. Every row has exactly one outcome.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// In the order of precedence: of several that fit, the first is the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The row could not be read or mapped. Whoever it is, is present.
    Failed,
    /// It could be more than one person. Never guessed.
    Ambiguous,
    /// A new person.
    Created,
    /// Active again.
    Reactivated,
    /// No longer active.
    Deactivated,
    /// Linked to a person who was already there.
    Adopted,
    /// The username or email changed.
    Renamed,
    /// Other fields changed.
    Updated,
    /// Nothing flowed: everything that would change waits for a person in charge.
    Held,
    /// Gone, but the grace is not over.
    Waiting,
    /// A rule keeps what would change.
    Kept,
    /// Dropped by the filter after the fetch.
    Filtered,
    /// Passed over by the mode or a setting.
    Skipped,
    /// Nothing differs.
    Unchanged,
    /// No longer there: by hand only, in the ledger (an undone creation, a merge, an erasure).
    Removed,
}

impl Outcome {
    /// All, in order of precedence.
    pub const ALL: [Self; 15] = [
        Self::Failed,
        Self::Ambiguous,
        Self::Created,
        Self::Reactivated,
        Self::Deactivated,
        Self::Adopted,
        Self::Renamed,
        Self::Updated,
        Self::Held,
        Self::Waiting,
        Self::Kept,
        Self::Filtered,
        Self::Skipped,
        Self::Unchanged,
        Self::Removed,
    ];

    /// Its name, as the store, tables and JSON have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Ambiguous => "ambiguous",
            Self::Created => "created",
            Self::Reactivated => "reactivated",
            Self::Deactivated => "deactivated",
            Self::Adopted => "adopted",
            Self::Renamed => "renamed",
            Self::Updated => "updated",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Kept => "kept",
            Self::Filtered => "filtered",
            Self::Skipped => "skipped",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
        }
    }

    /// Whether a person changes when this is applied.
    #[must_use]
    pub fn changes_someone(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::Reactivated
                | Self::Deactivated
                | Self::Adopted
                | Self::Renamed
                | Self::Updated
                | Self::Removed
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// The text is not the name of an outcome.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an outcome, expected one of {all}", all = Outcome::ALL.map(Outcome::name).join(", "))]
pub struct UnknownOutcome(String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL.into_iter().find(|it| it.name() == text).ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn names_lead_back() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.name().parse::<Outcome>().unwrap(), outcome);
        }
        assert!("gone".parse::<Outcome>().is_err());
    }

    #[test]
    fn precedence_is_the_order_of_the_list() {
        assert!(Outcome::ALL.is_sorted());
    }
}
