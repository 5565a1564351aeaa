//! The ways in which a secret could be written down.

use std::fmt::Write as _;
use std::path::Path;

/// A secret in all its forms: raw, percent-encoded, form-encoded, in JSON, in base64 and in hexadecimal.
pub struct Forms {
    what: &'static str,
    forms: Vec<(String, Vec<u8>)>,
}

impl Forms {
    /// Of this value. `what` says what it is, for messages: the value itself is never said.
    #[must_use]
    pub fn of(what: &'static str, value: &str) -> Self {
        let mut forms = vec![("raw".to_owned(), value.as_bytes().to_vec())];
        let mut add = |name: &str, text: String| forms.push((name.to_owned(), text.into_bytes()));
        add("percent-encoded", percent(value, "%20", true));
        add("percent-encoded, small", percent(value, "%20", false));
        add("form-encoded", percent(value, "+", true));
        add("form-encoded twice", percent(&percent(value, "+", true), "+", true));
        add("JSON", value.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"));
        add("hexadecimal", value.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}")));
        for shift in 0..3 {
            for (alphabet, name) in [(STANDARD, "standard"), (URL_SAFE, "url")] {
                add(
                    &format!("base64 ({name}, shifted by {shift})"),
                    base64(value.as_bytes(), alphabet, shift),
                );
            }
        }
        Self { what, forms }
    }

    /// Every form with its name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.forms.iter().map(|(name, form)| (name.as_str(), &form[..]))
    }

    /// In which forms it stands in these bytes.
    #[must_use]
    pub fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let stands = |form: &[u8]| bytes.windows(form.len()).any(|window| window == form);
        self.forms.iter().filter(|(_, form)| stands(form)).map(|(name, _)| name.as_str()).collect()
    }

    /// Fails when it stands in these bytes.
    ///
    /// # Panics
    /// When it does.
    #[track_caller]
    pub fn are_not_in(&self, place: &str, bytes: &[u8]) {
        let found = self.found_in(bytes);
        assert!(found.is_empty(), "{} stands in {place}: {found:?}", self.what);
    }

    /// Fails when it stands in a file under this folder, or in a file's name. Gives how many were read.
    ///
    /// # Panics
    /// When it does, or a file cannot be read.
    #[track_caller]
    pub fn are_not_under(&self, folder: &Path) -> usize {
        let mut read = 0;
        for entry in std::fs::read_dir(folder).expect("a folder of ours").flatten() {
            let path = entry.path();
            let name = path.display().to_string();
            self.are_not_in(&format!("the name {name}"), name.as_bytes());
            if path.is_dir() {
                read += self.are_not_under(&path);
            } else {
                self.are_not_in(&name, &std::fs::read(&path).expect("a file of ours"));
                read += 1;
            }
        }
        read
    }
}

/// Percent-encoding of all but the letters that need none anywhere.
fn percent(value: &str, blank: &str, large: bool) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => text.push(byte.into()),
            b' ' => text.push_str(blank),
            _ if large => drop(write!(text, "%{byte:02X}")),
            _ => drop(write!(text, "%{byte:02x}")),
        }
        text
    })
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letters that depend on `bytes` alone when they stand `shift` bytes after a border of three.
fn base64(bytes: &[u8], alphabet: &[u8; 64], shift: usize) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    // Bits until the first letter that begins inside.
    let skip = (6 - shift * 8 % 6) % 6;
    bits[skip..]
        .chunks_exact(6)
        .map(|six| alphabet[six.iter().fold(0_usize, |sum, bit| sum * 2 + usize::from(*bit))] as char)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found() {
        let forms = Forms::of("it", "a~b+c/d=e&f%g 1");
        let found = |text: &str| forms.found_in(text.as_bytes()).len();
        for text in [
            "xa~b+c/d=e&f%g 1x",
            "xa%7Eb%2Bc%2Fd%3De%26f%25g%201",
            "xa%7eb%2bc%2fd%3de%26f%25g%201",
            "client_secret=a%7Eb%2Bc%2Fd%3De%26f%25g+1&x",
            "YX5iK2MvZD1lJmYlZyAx",     // it
            "eGF+YitjL2Q9ZSZmJWcgMQ==", // x before it
            "eHhhfmIrYy9kPWUmZiVnIDE=", // xx before it
            "eGF-YitjL2Q9ZSZmJWcgMQ",
        ] {
            assert!(found(text) > 0, "{text}");
        }
        assert_eq!(found("a~b+c/d=e&f%g"), 0);
    }
}
