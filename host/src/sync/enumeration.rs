//! Whether a listing proves who is absent.

use super::report::Completeness;

/// The proof that a listing returned everybody. Only [`judge`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompleteEnumeration {
    rows: u64,
}

impl CompleteEnumeration {
    /// Rows that it had.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// What an absence was learnt from, before the source was asked about it by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    rows: Option<u64>,
}

impl Ground {
    /// Changes that were read to their end.
    pub(super) fn changes() -> Self {
        Self { rows: None }
    }

    /// Rows of the listing, when it was one.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }
}

impl From<&CompleteEnumeration> for Ground {
    fn from(listing: &CompleteEnumeration) -> Self {
        Self { rows: Some(listing.rows) }
    }
}

/// What is known of a listing when its last page is staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Every page was followed to its end.
    pub ended: bool,
    /// Rows that it had, those that failed included.
    pub rows: u64,
    /// Entries that were no user at all, or rows listed twice: signs of a truncated or shifting page.
    pub broken: u64,
    /// Rows that the source said there would be.
    pub expected: Option<u64>,
    /// Rows of the last complete listing of this integration, applied with the same filter.
    pub last: Option<u64>,
}

/// How far rows and the source's own count may differ: 0.5%. People come and go while a listing runs.
const TOLERANCE_PER_MILLE: u128 = 5;

/// Judges a listing, by `semantics` section 2.1: followed to its end, neither empty nor under half of the
/// last complete one, and no more than 0.5% away from the source's own count.
#[must_use]
pub fn judge(listing: Listing) -> (Option<CompleteEnumeration>, Completeness) {
    let Listing { ended, rows, broken, expected, last } = listing;
    let reason = if !ended {
        Some("the listing did not come to its end".to_owned())
    } else if rows == 0 {
        Some("the listing was empty".to_owned())
    } else if broken > 0 {
        Some(format!("entries of the listing that are no users: {broken}"))
    } else if let Some(expected) =
        expected.filter(|it| u128::from(it.abs_diff(rows)) * 1000 > u128::from(*it) * TOLERANCE_PER_MILLE)
    {
        Some(format!("the listing had {rows} rows, but the source counts {expected}"))
    } else {
        last.filter(|last| rows.saturating_mul(2) < *last).map(|last| {
            format!("the listing had {rows} rows, less than half of the {last} of the last complete one")
        })
    };
    let completeness = Completeness { complete: reason.is_none(), reason, rows, expected, last };
    (completeness.complete.then_some(CompleteEnumeration { rows }), completeness)
}

#[cfg(test)]
mod tests {
    use super::{Listing, judge};

    const WHOLE: Listing =
        Listing { ended: true, rows: 1000, broken: 0, expected: Some(1000), last: Some(1000) };

    fn complete(listing: Listing) -> bool {
        judge(listing).0.is_some()
    }

    #[test]
    fn a_whole_listing_is_complete() {
        assert!(complete(WHOLE));
        assert!(
            complete(Listing { expected: None, last: None, ..WHOLE }),
            "the first, from a source without count"
        );
    }

    #[test]
    fn an_empty_cut_or_halved_listing_judges_nobody() {
        assert!(!complete(Listing { ended: false, ..WHOLE }));
        assert!(!complete(Listing { rows: 0, expected: Some(0), last: None, ..WHOLE }));
        assert!(!complete(Listing { broken: 1, ..WHOLE }));
        assert!(!complete(Listing { last: Some(2001), ..WHOLE }));
        assert!(complete(Listing { last: Some(2000), ..WHOLE }));
    }

    #[test]
    fn the_count_may_differ_by_half_a_percent() {
        assert!(complete(Listing { expected: Some(1005), ..WHOLE }));
        assert!(!complete(Listing { expected: Some(1006), ..WHOLE }));
        assert!(complete(Listing { rows: 1005, ..WHOLE }));
        assert!(!complete(Listing { rows: 1006, ..WHOLE }));
        assert!(!complete(Listing { rows: 9, expected: Some(10), last: None, ..WHOLE }));
    }
}
