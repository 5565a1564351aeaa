//! Where an enumeration stands: the link that continues it, and what Graph's link does not carry.
//!
//! A host keeps a cursor over its own restarts and hands it back, to this version of the plugin or another.
//! Whatever is not ours, or not this version's, is `cursor-expired`: the enumeration starts over, and
//! nothing is lost.

use serde::{Deserialize, Serialize};

use crate::bindings::userload::directory::types::Error;
use crate::error::malformed;
use crate::graph::url;

/// The version of what is written here.
const VERSION: u32 = 1;

/// The most that a cursor may be, in bytes (`types.wit`).
pub(crate) const CURSOR_BYTES: usize = 16 << 10;

/// More pages than 999 users each fill in the largest directory: 20 million.
const PAGES: u32 = 20_000;

/// What is being enumerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Users,
    Delta,
    Saas,
    Roles,
    Managers,
}

/// A position in an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    #[serde(rename = "v")]
    version: u32,
    pub(crate) kind: Kind,
    /// The pages before this one.
    page: u32,
    /// The hash of an earlier link, to see a loop; see [`Cursor::after`].
    mark: u64,
    /// The query is an advanced one: each page needs its header again.
    pub(crate) advanced: bool,
    /// What `saas` carries along; empty for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) saas: Option<Saas>,
    /// What the listing of roles carries along; empty for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Roles>,
    /// Graph's link, whole.
    pub(crate) link: String,
}

/// What the listing of SaaS users needs on every page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saas {
    /// Licence id and name of each licence of the tenant. None when they did not fit.
    pub(crate) names: Option<Vec<(String, String)>>,
    /// Why there is no activity, if so.
    pub(crate) no_activity: Option<String>,
    /// Why licences have no names, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_names: Option<String>,
}

/// What the listing of roles needs on every page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roles {
    /// The object id of the enterprise application whose roles they are; none for those of the directory.
    pub(crate) principal: Option<String>,
    /// The next page of assignments; none when all were read.
    pub(crate) assignments: Option<String>,
    /// Role names that the groups below have.
    pub(crate) names: Vec<String>,
    /// Groups whose members are still to be read: object id, and the place of the role in `names`.
    pub(crate) groups: Vec<(String, usize)>,
}

impl Cursor {
    /// The position behind the first page.
    pub(crate) fn first(kind: Kind, advanced: bool, link: String) -> Self {
        Self { version: VERSION, kind, page: 1, mark: hash(&link), advanced, saas: None, roles: None, link }
    }

    /// The position one page on. A link that was followed before is `cursor-expired`, and so is an
    /// enumeration that does not end.
    ///
    /// The loop is found as by R. P. Brent (An improved Monte Carlo factorization algorithm, 1980): one link
    /// is remembered, and replaced whenever the number of pages is a power of two.
    pub(crate) fn after(&self, link: String) -> Result<Self, Error> {
        let hash = hash(&link);
        let page = self.page.saturating_add(1);
        if hash == self.mark || link == self.link || page > PAGES {
            return Err(Error::CursorExpired);
        }
        let mark = if page.is_power_of_two() { hash } else { self.mark };
        Ok(Self { page, mark, link, ..self.clone() })
    }

    /// The position at the beginning of another listing, which belongs to the same enumeration.
    pub(crate) fn elsewhere(&self, link: String) -> Result<Self, Error> {
        let page = self.page.saturating_add(1);
        if page > PAGES {
            return Err(Error::CursorExpired);
        }
        Ok(Self { page, mark: hash(&link), link, ..self.clone() })
    }

    /// The text of the cursor. One that is too long is the source's fault: its link was.
    pub(crate) fn encode(&self) -> Result<String, Error> {
        let text = serde_json::to_string(self).map_err(|e| Error::Internal(e.to_string()))?;
        if text.len() > CURSOR_BYTES {
            let reason = format!("a link of {} bytes is longer than a cursor may be", self.link.len());
            return Err(malformed(Some("@odata.nextLink"), reason));
        }
        Ok(text)
    }

    /// Reads a cursor back. `domain` is where its link must lead.
    pub(crate) fn decode(text: &str, kind: Kind, domain: &str) -> Result<Self, Error> {
        if text.len() > CURSOR_BYTES {
            return Err(Error::CursorExpired);
        }
        let cursor: Self = serde_json::from_str(text).map_err(|_| Error::CursorExpired)?;
        let ours = cursor.version == VERSION && cursor.kind == kind;
        // Where a cursor of roles leads depends on what it carries: its own module looks.
        let leads = kind == Kind::Roles || url::follow(domain, "/v1.0/users", &cursor.link).is_ok();
        if !ours || !leads {
            return Err(Error::CursorExpired);
        }
        Ok(cursor)
    }
}

/// FNV-1a: the same in every build and version, which `std`'s hashes are not.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOMAIN: &str = "https://graph.microsoft.com";

    fn link(n: usize) -> String {
        format!("{DOMAIN}/v1.0/users?$skiptoken={n}")
    }

    #[test]
    fn there_and_back() {
        let mut cursor = Cursor::first(Kind::Users, true, link(0));
        cursor.saas = Some(Saas::default());
        let text = cursor.encode().unwrap();
        assert_eq!(Cursor::decode(&text, Kind::Users, DOMAIN).unwrap(), cursor);
    }

    #[test]
    fn foreign_cursors_start_over() {
        let text = Cursor::first(Kind::Users, false, link(0)).encode().unwrap();
        let is = |text: &str, kind, domain| Cursor::decode(text, kind, domain);
        assert!(is(&text, Kind::Delta, DOMAIN).is_err());
        assert!(is(&text, Kind::Users, "https://graph.microsoft.us").is_err());
        let newer = text.replace("\"v\":1", "\"v\":2");
        let more = text.replace("\"v\":1", "\"v\":1,\"x\":1");
        let long = text.replace("skiptoken=", &"x".repeat(CURSOR_BYTES));
        for text in [newer.as_str(), &more, &long, "", "null", "https://x"] {
            assert_eq!(is(text, Kind::Users, DOMAIN), Err(Error::CursorExpired));
        }
    }

    #[test]
    fn a_link_that_is_too_long() {
        let cursor = Cursor::first(Kind::Users, false, link(0) + &"x".repeat(CURSOR_BYTES));
        assert!(matches!(cursor.encode(), Err(Error::Malformed(_))));
    }

    #[test]
    fn an_enumeration_ends() {
        let mut cursor = Cursor::first(Kind::Users, false, link(0));
        let mut pages = 1;
        while let Ok(next) = cursor.after(link(pages)) {
            cursor = next;
            pages += 1;
        }
        assert_eq!(pages, PAGES as usize);
    }

    proptest! {
        #[test]
        fn loops_are_seen(lead in 0usize..40, length in 1usize..40) {
            let step = |n: usize| if n < lead { n } else { lead + (n - lead) % length };
            let mut cursor = Cursor::first(Kind::Users, false, link(step(0)));
            let mut pages = 1;
            while let Ok(next) = cursor.after(link(step(pages))) {
                cursor = next;
                pages += 1;
                prop_assert!(pages <= 4 * (lead + length) + 4);
            }
            prop_assert!(pages >= lead + length, "a link that is new is no loop");
        }

        #[test]
        fn decoding_never_panics(text in ".{0,200}") {
            let _ = Cursor::decode(&text, Kind::Users, DOMAIN);
        }
    }
}
