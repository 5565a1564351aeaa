//! Does a reply hold a secret that was sent, in any of the usual disguises? Pure.

use crate::capabilities::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// What to look for: one secret as itself, in hex, and in base64 at each of the three alignments.
pub(super) struct Needles {
    exact: Vec<Zeroizing<Vec<u8>>>,
    /// Lower case; compared without regard to case.
    hex: Zeroizing<Vec<u8>>,
}

/// Shorter pieces of base64 would be found by chance.
const SHORTEST: usize = 6;

impl Needles {
    pub(super) fn of(secret: &Secret) -> Self {
        let raw = secret.expose().as_bytes();
        let mut exact = vec![Zeroizing::new(raw.to_vec())];
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
        let hex = raw.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        Self { exact, hex: Zeroizing::new(hex) }
    }

    /// Whether `text` holds it, as it stands or percent-decoded (the form's `+` included).
    pub(super) fn found_in(&self, text: &[u8]) -> bool {
        let decoded = percent_decode(text).collect::<Vec<_>>();
        let spaced = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>();
        let spaced = percent_decode(&spaced).collect::<Vec<_>>();
        [text, &decoded, &spaced].into_iter().any(|text| self.stands_in(text))
    }

    /// Whether any text in a JSON value holds it, once its escapes are resolved.
    pub(super) fn found_in_json(&self, value: &serde_json::Value) -> bool {
        use serde_json::Value;
        match value {
            Value::String(text) => self.found_in(text.as_bytes()),
            Value::Array(items) => items.iter().any(|item| self.found_in_json(item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| self.found_in(name.as_bytes()) || self.found_in_json(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn stands_in(&self, text: &[u8]) -> bool {
        self.exact.iter().any(|needle| contains(text, needle))
            || contains(&text.to_ascii_lowercase(), &self.hex)
    }
}

/// Whether `needle` stands in `text`.
pub(super) fn contains(text: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    const SECRET: &str = "Q~8 \"s/e+c\\ret?&ü~longEnough";

    fn found(text: &str) -> bool {
        Needles::of(&Secret::new(SECRET)).found_in(text.as_bytes())
    }

    #[test]
    fn every_disguise_is_found() {
        assert!(found(&format!("before {SECRET} after")));
        assert!(found(&utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string()));
        assert!(found(
            &utf8_percent_encode(SECRET, NON_ALPHANUMERIC)
                .to_string()
                .to_lowercase()
                .replace("q", "Q")
                .replace("longenough", "longEnough")
        ));
        assert!(found(&form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>()));
        let every_byte: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert!(found(&every_byte));
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(found(&hex) && found(&hex.to_uppercase()));
        for before in ["", "a", "ab", "abc", "client_secret="] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{SECRET}{after}");
                assert!(found(&base64::engine::general_purpose::STANDARD.encode(&text)), "{text}");
                assert!(found(&base64::engine::general_purpose::URL_SAFE.encode(&text)), "{text}");
            }
        }
    }

    #[test]
    fn json_escapes_are_resolved_first() {
        let needles = Needles::of(&Secret::new(SECRET));
        let escaped: String = SECRET.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for text in [format!("[\"{escaped}\"]"), serde_json::json!({"a": {"b": [SECRET]}}).to_string()] {
            assert!(needles.found_in_json(&serde_json::from_str(&text).unwrap()), "{text}");
        }
        assert!(needles.found_in_json(&serde_json::json!({SECRET: 1})));
        assert!(!needles.found_in_json(&serde_json::json!({"a": "nothing here", "b": 1})));
    }

    #[test]
    fn other_texts_are_not_found() {
        assert!(!found("{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215\"}"));
        assert!(!found(&SECRET[1..]));
    }
}
