//! Page tokens: where to go on, sealed so that nobody can read or forge them by accident.
//!
//! A token needs no memory on the server: it holds the place in the list, the number of the page
//! and when it was issued. Without a page lifetime the last is zero, so that the same listing
//! gives the same bytes. A token goes with the very query that it was issued for.

use super::{Refused, Site};
use crate::base64;
use crate::prng::{Prng, digest};

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageToken {
    /// Hash of the collection and the query without the token.
    pub(crate) query: u64,
    /// Where the page begins.
    pub(crate) place: u64,
    /// Which page it is; the one without a token is 1.
    pub(crate) page: u32,
    /// When it was issued, in milliseconds since the start; 0 if tokens do not age.
    pub(crate) issued: u64,
    /// Whether it continues an advanced query.
    pub(crate) advanced: bool,
}

/// How Graph's tokens happen to begin.
const PREFIX: &str = "RFNwdAIAAQAAAB";
const KEY: u64 = 0x6a09_e667_f3bc_c908;
const LENGTH: usize = 29;

impl PageToken {
    /// The text for a link.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(150);
        bytes.extend(self.query.to_le_bytes());
        bytes.extend(self.place.to_le_bytes());
        bytes.extend(self.page.to_le_bytes());
        bytes.extend(self.issued.to_le_bytes());
        bytes.push(u8::from(self.advanced));
        let seal = digest(&bytes) ^ KEY;
        let mut noise = Prng::new(seal);
        for byte in &mut bytes {
            *byte ^= noise.next() as u8;
        }
        bytes.extend(seal.to_le_bytes());
        // Graph's tokens are long; nobody should get used to short ones.
        bytes.extend((0..96).map(|_| noise.next() as u8));
        format!("{PREFIX}{}", base64::url(&bytes))
    }

    fn decode(text: &str) -> Option<Self> {
        let mut bytes = base64::decode(text.strip_prefix(PREFIX)?)?;
        let rest = bytes.split_off_checked(LENGTH)?;
        let seal = word(&rest, 0)?;
        let mut noise = Prng::new(seal);
        for byte in &mut bytes {
            *byte ^= noise.next() as u8;
        }
        let token = Self {
            query: word(&bytes, 0)?,
            place: word(&bytes, 8)?,
            page: word(&bytes, 16)? as u32,
            issued: word(&bytes, 20)?,
            advanced: bytes.get(28) == Some(&1),
        };
        (digest(&bytes) ^ KEY == seal && token.encode() == text).then_some(token)
    }

    /// The token of a request, if it still is good for this query.
    pub(crate) fn read(text: &str, query: u64, site: &Site<'_>) -> Result<Self, Refused> {
        let token = Self::decode(text).filter(|token| token.query == query);
        let token = token.ok_or_else(|| {
            Refused::new(
                400,
                "DirectoryPageTokenNotFoundException",
                "The specified page token was not found or does not belong to this query.",
            )
        })?;
        let age = site.uptime.saturating_sub(token.issued);
        if site.page_lifetime.is_some_and(|lifetime| age > lifetime) {
            return Err(expired());
        }
        Ok(token)
    }
}

/// What Graph says when a page token was not used in time.
pub(crate) fn expired() -> Refused {
    Refused::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
}

/// The page that a query asks for: 1 without a token, 0 with one that is no token.
pub(crate) fn page_of(query: &str) -> u32 {
    let mut options = form_urlencoded::parse(query.as_bytes());
    match options.find(|(name, _)| name == "$skiptoken") {
        None => 1,
        Some((_, token)) => {
            let page = PageToken::decode(&token).map(|token| token.page);
            page.or_else(|| super::delta::page_of(&token)).unwrap_or(0)
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let mut word = [0; 8];
    let end = bytes.len().min(at + 8);
    let part = bytes.get(at..end)?;
    word[..part.len()].copy_from_slice(part);
    Some(u64::from_le_bytes(word))
}

/// `Vec::split_off` that refuses what is too short.
trait SplitOff {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>>;
}

impl SplitOff for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>> {
        (self.len() > at).then(|| self.split_off(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_and_not_forged() {
        let token = PageToken { query: u64::MAX - 3, place: 998_001, page: 1000, issued: 77, advanced: true };
        let text = token.encode();
        assert!(text.len() > 150);
        assert_eq!(PageToken::decode(&text), Some(token));
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(PageToken::decode(&forged), None, "letter {at}");
        }
        assert_eq!(PageToken::decode(&text[..40]), None);
        assert_eq!(page_of(&format!("$top=5&$skiptoken={text}")), 1000);
        assert_eq!((page_of("$top=5"), page_of("$skiptoken=x")), (1, 0));
    }
}
