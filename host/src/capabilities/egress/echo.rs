//! Does a reply hold a secret that was sent, in any of the usual disguises? Pure.
//!
//! The reply is read once, byte by byte, whatever its type is. Beside its text as it stands, it is read with its
//! escapes resolved, up to two layers of them: JSON in a form, an encoded URL in JSON. Memory is a small multiple of
//! the secrets' length, not of the reply's.

use super::disguise::{Decoder, Writing};
use crate::capabilities::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Shorter pieces of base64 would be found by chance.
const SHORTEST: usize = 6;

/// How many layers of escapes are resolved.
const LAYERS: usize = 2;

/// The most bytes that one is written with: `\uXXXX`.
const WIDEST: usize = 6;

/// What to look for.
pub(super) struct Needles {
    exact: Vec<Zeroizing<Vec<u8>>>,
    /// Lower case; compared without regard to case.
    hex: Vec<Zeroizing<Vec<u8>>>,
    /// Which pairs of bytes a needle ends with: the one look that most bytes get.
    ends: Vec<bool>,
    longest: usize,
}

impl Needles {
    /// Each secret as itself, in hex, and in base64 at each of the three alignments.
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let (mut exact, mut hex) = (Vec::new(), Vec::new());
        for secret in secrets {
            let raw = secret.expose().as_bytes();
            exact.push(Zeroizing::new(raw.to_vec()));
            let digits = raw.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
            hex.push(Zeroizing::new(digits));
            for shift in 0..3 {
                // What stands before the secret fills up a group of three bytes; the letters that mix bits of
                // the secret with bits of its neighbours say nothing and are left out.
                let mut padded = Zeroizing::new(vec![0_u8; shift]);
                padded.extend_from_slice(raw);
                let first = (shift * 8).div_ceil(6);
                let last = padded.len() * 8 / 6;
                for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                    let coded = Zeroizing::new(alphabet.encode(&*padded));
                    if let Some(middle) =
                        coded.as_bytes().get(first..last).filter(|middle| middle.len() >= SHORTEST)
                    {
                        exact.push(Zeroizing::new(middle.to_vec()));
                    }
                }
            }
        }
        Self::new(exact, hex)
    }

    /// Texts as they are.
    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let exact = texts.into_iter().map(|it| Zeroizing::new(it.as_bytes().to_vec()));
        Self::new(exact.collect(), Vec::new())
    }

    fn new(mut exact: Vec<Zeroizing<Vec<u8>>>, mut hex: Vec<Zeroizing<Vec<u8>>>) -> Self {
        exact.retain(|it| !it.is_empty());
        hex.retain(|it| !it.is_empty());
        let mut ends = vec![false; 1 << 16];
        for needle in exact.iter().chain(&hex) {
            match needle.last_chunk::<2>() {
                Some(&[before, last]) => {
                    let cases = [before, before.to_ascii_uppercase()];
                    for (before, last) in
                        cases.iter().flat_map(|it| [(*it, last), (*it, last.to_ascii_uppercase())])
                    {
                        ends[pair(before, last)] = true;
                    }
                }
                // One byte: whatever stands before it.
                None => (0..=u8::MAX).for_each(|before| ends[pair(before, needle[0])] = true),
            }
        }
        let longest = exact.iter().chain(&hex).map(|it| it.len()).max().unwrap_or(0);
        Self { exact, hex, ends, longest }
    }

    /// Whether a text holds one of them, as it stands or behind escapes.
    pub(super) fn found_in(&self, text: &[u8]) -> bool {
        let mut search = self.search();
        search.push(text) || search.finish()
    }

    /// A search through a text that comes piece by piece.
    pub(super) fn search(&self) -> Search<'_> {
        Search { needles: self, view: View::new(self, LAYERS) }
    }

    /// Whether one of them ends where this tail does.
    fn end_here(&self, tail: &Tail) -> bool {
        let ends = |needle: &[u8], same: fn(u8, u8) -> bool| {
            needle.len() <= tail.length && needle.iter().rev().zip(tail.back()).all(|(a, b)| same(*a, b))
        };
        self.exact.iter().any(|needle| ends(needle, |a, b| a == b))
            || self.hex.iter().any(|needle| ends(needle, |a, b| a.eq_ignore_ascii_case(&b)))
    }
}

fn pair(before: u8, last: u8) -> usize {
    usize::from(before) << 8 | usize::from(last)
}

/// A search under way.
pub(super) struct Search<'a> {
    needles: &'a Needles,
    view: View,
}

impl Search<'_> {
    /// Takes the next piece; true when one of the needles was whole with it.
    pub(super) fn push(&mut self, piece: &[u8]) -> bool {
        self.needles.longest > 0 && piece.iter().any(|byte| self.view.push(*byte, self.needles))
    }

    /// Whether one of them is whole now that nothing follows: what waited for the end of an escape stands as it is.
    pub(super) fn finish(mut self) -> bool {
        self.needles.longest > 0 && self.view.finish(self.needles)
    }
}

/// The last bytes of a text. As long as what a needle could be behind a layer of escapes.
struct Tail {
    ring: Zeroizing<Vec<u8>>,
    at: usize,
    length: usize,
}

impl Tail {
    fn push(&mut self, byte: u8) {
        self.ring[self.at] = byte;
        self.at = if self.at + 1 == self.ring.len() { 0 } else { self.at + 1 };
        self.length = (self.length + 1).min(self.ring.len());
    }

    /// From the last byte to the first.
    fn back(&self) -> impl Iterator<Item = u8> {
        let size = self.ring.len();
        (1..=self.length).map(move |n| self.ring[(self.at + size - n) % size])
    }

    /// From the first byte to the last.
    fn forth(&self) -> impl Iterator<Item = u8> {
        let size = self.ring.len();
        (0..self.length).map(move |n| self.ring[(self.at + size - self.length + n) % size])
    }
}

/// One reading of the text, and the readings behind it.
struct View {
    tail: Tail,
    last: u8,
    layers: usize,
    behind: Vec<Behind>,
}

/// A reading with one more layer resolved. It sleeps where it would read the same.
struct Behind {
    writing: Writing,
    /// None while it sleeps.
    awake: Option<(Decoder, Box<View>)>,
    /// How many bytes came since the last escape.
    quiet: usize,
}

impl View {
    fn new(needles: &Needles, layers: usize) -> Self {
        let room = needles.longest.max(1) * WIDEST.pow(layers as u32);
        let tail = Tail { ring: Zeroizing::new(vec![0; room]), at: 0, length: 0 };
        let writings: &[Writing] =
            if layers == 0 { &[] } else { &[Writing::Json, Writing::Percent, Writing::Form] };
        let behind = writings.iter().map(|it| Behind { writing: *it, awake: None, quiet: 0 });
        Self { tail, last: 0, layers, behind: behind.collect() }
    }

    fn push(&mut self, byte: u8, needles: &Needles) -> bool {
        for behind in &mut self.behind {
            if behind.push(byte, &self.tail, needles, self.layers - 1) {
                return true;
            }
        }
        self.tail.push(byte);
        let near = needles.ends[pair(self.last, byte)];
        self.last = byte;
        near && needles.end_here(&self.tail)
    }

    fn finish(&mut self, needles: &Needles) -> bool {
        self.behind.iter_mut().any(|behind| {
            behind.awake.as_mut().is_some_and(|(decoder, view)| {
                decoder.finish().as_slice().iter().any(|byte| view.push(*byte, needles))
                    || view.finish(needles)
            })
        })
    }
}

impl Behind {
    /// Takes a byte that follows on `before`.
    fn push(&mut self, byte: u8, before: &Tail, needles: &Needles, layers: usize) -> bool {
        let begins = self.writing.begins_at(byte);
        if self.awake.is_none() {
            if !begins {
                return false;
            }
            // What came so far has no escapes of this kind: it reads as it stands.
            let mut view = Box::new(View::new(needles, layers));
            if before.forth().any(|byte| view.push(byte, needles)) {
                return true;
            }
            self.awake = Some((Decoder::new(self.writing), view));
        }
        self.quiet = if begins { 0 } else { self.quiet + 1 };
        if self.quiet > before.ring.len() {
            self.awake = None;
            return false;
        }
        let Some((decoder, view)) = &mut self.awake else { return false };
        decoder.feed(byte).as_slice().iter().any(|byte| view.push(*byte, needles))
    }
}

#[cfg(test)]
#[path = "echo_tests.rs"]
mod tests;
