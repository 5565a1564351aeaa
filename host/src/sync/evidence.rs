//! Why somebody counts as gone. A deactivation cannot be written without one of these, and each is made
//! only from its proof.

use serde::Serialize;

use super::enumeration::Ground;
use crate::engine::contract::Presence;
use crate::store::OpenHold;

/// What proves that somebody is to be deactivated. There is no way to make one but those below, and it is
/// never read back from text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    #[serde(flatten)]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<Approval>,
}

/// The cause of a deactivation because somebody left the filter.
pub(super) const LEFT_FILTER: &str = "deactivate:left-filter";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum Kind {
    Disabled,
    Deleted {
        #[serde(skip_serializing_if = "Option::is_none")]
        listing_rows: Option<u64>,
        deleted_at: Option<String>,
    },
    NotFound {
        #[serde(skip_serializing_if = "Option::is_none")]
        listing_rows: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        runs: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
    },
    LeftFilter {
        #[serde(skip_serializing_if = "Option::is_none")]
        listing_rows: Option<u64>,
    },
}

/// The order of a person in charge: an open hold that was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    hold: i64,
}

impl Approval {
    /// Of this question.
    #[must_use]
    pub fn of(hold: &OpenHold) -> Self {
        Self { hold: hold.id }
    }
}

/// What the source answered about somebody who is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneAnswer(Kind);

impl GoneAnswer {
    /// None unless the answer says that they are gone.
    #[must_use]
    pub fn of(presence: &Presence) -> Option<Self> {
        match presence {
            Presence::Deleted(time) => {
                Some(Self(Kind::Deleted { listing_rows: None, deleted_at: time.clone() }))
            }
            Presence::NotFound => Some(Self(Kind::NotFound { listing_rows: None, runs: None, since: None })),
            // That somebody may be outside of the filter is no answer: the record has to prove it.
            Presence::Present(user) => {
                (user.inside_filter == Some(false)).then_some(Self(Kind::LeftFilter { listing_rows: None }))
            }
            Presence::Unknown(_) => None,
        }
    }
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
        (enabled == Some(false)).then_some(Self::plain(Kind::Disabled))
    }

    /// Not in a complete listing, or named in the changes as removed, and deleted when asked for by id.
    #[must_use]
    pub fn deleted(ground: impl Into<Ground>, deleted_at: Option<&str>) -> Self {
        Self::plain(Kind::Deleted {
            listing_rows: ground.into().rows(),
            deleted_at: deleted_at.map(str::to_owned),
        })
    }

    /// Not in a complete listing, not found when asked for by id, and the grace is over.
    #[must_use]
    pub fn not_found(ground: impl Into<Ground>, grace: GraceOver) -> Self {
        Self::plain(Kind::NotFound {
            listing_rows: ground.into().rows(),
            runs: Some(grace.runs),
            since: Some(grace.since),
        })
    }

    /// Gone when asked for by id, and a person in charge has approved it: no listing and no grace is needed.
    #[must_use]
    pub fn approved(answer: GoneAnswer, approval: Approval) -> Self {
        Self { kind: answer.0, approved: Some(approval) }
    }

    /// The same proof, with the order of a person in charge.
    #[must_use]
    pub fn with(self, approval: Approval) -> Self {
        Self { approved: Some(approval), ..self }
    }

    fn plain(kind: Kind) -> Self {
        Self { kind, approved: None }
    }

    /// Not in a complete listing, there when asked for by id, and the record proves that the filter does not
    /// let it through. Not being able to tell proves nothing.
    #[must_use]
    pub fn left_filter(ground: impl Into<Ground>, inside: Option<bool>) -> Option<Self> {
        let kind = Kind::LeftFilter { listing_rows: ground.into().rows() };
        (inside == Some(false)).then_some(Self::plain(kind))
    }

    /// The cause, as guard, holds and reports group it.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self.kind {
            Kind::Disabled => "deactivate:disabled",
            Kind::Deleted { .. } => "deactivate:deleted",
            Kind::NotFound { .. } => "deactivate:not-found",
            Kind::LeftFilter { .. } => LEFT_FILTER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Approval, Evidence, GoneAnswer, GraceOver};
    use crate::config::Grace;
    use crate::engine::contract::{Presence, PresentUser};

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

    #[test]
    fn an_approval_needs_an_answer() {
        let there = |inside_filter| {
            let user = PresentUser { raw: "{}".into(), inside_filter, outside_because: None };
            GoneAnswer::of(&Presence::Present(user))
        };
        assert_eq!((there(None), there(Some(true))), (None, None));
        assert!(there(Some(false)).is_some());
        let silence = crate::engine::contract::Error::CursorExpired;
        assert_eq!(GoneAnswer::of(&Presence::Unknown(silence)), None);
        let gone = GoneAnswer::of(&Presence::Deleted(None)).unwrap();
        let text = serde_json::to_string(&Evidence::approved(gone, Approval { hold: 7 })).unwrap();
        assert_eq!(text, r#"{"kind":"deleted","deleted_at":null,"approved":{"hold":7}}"#);
        let disabled = Evidence::disabled(Some(false)).unwrap();
        assert_eq!(serde_json::to_string(&disabled).unwrap(), r#"{"kind":"disabled"}"#);
        let text = serde_json::to_string(&disabled.with(Approval { hold: 8 })).unwrap();
        assert_eq!(text, r#"{"kind":"disabled","approved":{"hold":8}}"#);
    }
}
