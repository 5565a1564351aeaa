//! Why somebody counts as gone. A deactivation cannot be written without one of these, and each is made
//! only from its proof.

use serde::Serialize;

use super::enumeration::CompleteEnumeration;

/// What proves that somebody is to be deactivated. There is no way to make one but those below, and it is
/// never read back from text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Evidence(Kind);

/// The cause of a deactivation because somebody left the filter.
pub(super) const LEFT_FILTER: &str = "deactivate:left-filter";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum Kind {
    Disabled,
    Deleted { listing_rows: u64, deleted_at: Option<String> },
    NotFound { listing_rows: u64, runs: u32, since: i64 },
    LeftFilter { listing_rows: u64 },
}

/// Absent from a complete listing, and not found when asked for by id, for as long as the grace says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraceOver {
    runs: u32,
    since: i64,
}

impl GraceOver {
    /// When `runs` complete, applied runs before this one did not find them, the first at `since`.
    /// None while the grace is not over.
    #[must_use]
    pub fn check(
        grace: crate::config::Grace,
        runs: u32,
        since: Option<crate::model::Millis>,
        now: crate::model::Millis,
    ) -> Option<Self> {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        // This run counts too: it has asked and was told the same.
        let runs = runs + 1;
        let since = since.unwrap_or(now);
        let waited = now.saturating_sub(since) >= i64::from(grace.days) * DAY;
        (runs >= grace.runs && waited).then_some(Self { runs, since })
    }
}

impl Evidence {
    /// The record itself says that the user may not sign in. Null and missing say nothing.
    #[must_use]
    pub fn disabled(enabled: Option<bool>) -> Option<Self> {
        (enabled == Some(false)).then_some(Self(Kind::Disabled))
    }

    /// Not in a complete listing, and deleted when asked for by id.
    #[must_use]
    pub fn deleted(listing: &CompleteEnumeration, deleted_at: Option<&str>) -> Self {
        Self(Kind::Deleted { listing_rows: listing.rows(), deleted_at: deleted_at.map(str::to_owned) })
    }

    /// Not in a complete listing, not found when asked for by id, and the grace is over.
    #[must_use]
    pub fn not_found(listing: &CompleteEnumeration, grace: GraceOver) -> Self {
        Self(Kind::NotFound { listing_rows: listing.rows(), runs: grace.runs, since: grace.since })
    }

    /// Not in a complete listing, there when asked for by id, and the record proves that the filter does not
    /// let it through. Not being able to tell proves nothing.
    #[must_use]
    pub fn left_filter(listing: &CompleteEnumeration, inside: Option<bool>) -> Option<Self> {
        (inside == Some(false)).then(|| Self(Kind::LeftFilter { listing_rows: listing.rows() }))
    }

    /// The cause, as guard, holds and reports group it.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self.0 {
            Kind::Disabled => "deactivate:disabled",
            Kind::Deleted { .. } => "deactivate:deleted",
            Kind::NotFound { .. } => "deactivate:not-found",
            Kind::LeftFilter { .. } => LEFT_FILTER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Evidence, GraceOver};
    use crate::config::Grace;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    #[test]
    fn only_false_is_disabled() {
        assert!(Evidence::disabled(Some(false)).is_some());
        assert_eq!(Evidence::disabled(Some(true)), None);
        assert_eq!(Evidence::disabled(None), None);
    }

    #[test]
    fn grace_wants_runs_and_days() {
        let grace = Grace { runs: 3, days: 3 };
        assert_eq!(GraceOver::check(grace, 0, None, 10 * DAY), None);
        assert_eq!(GraceOver::check(grace, 1, Some(0), 10 * DAY), None, "two runs are not three");
        assert_eq!(GraceOver::check(grace, 2, Some(0), 3 * DAY - 1), None, "three days are not over");
        assert!(GraceOver::check(grace, 2, Some(0), 3 * DAY).is_some());
    }
}
