//! What a text says once its escapes are resolved, byte by byte as it comes: JSON's and percent encoding. Pure.

/// How a byte may be written otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// JSON's escapes (RFC 8259 section 7), wherever they stand.
    Json,
    /// Percent encoding (RFC 3986 section 2.1).
    Percent,
    /// That of forms, where `+` is a blank.
    Form,
}

impl Writing {
    /// Whether this byte may begin something that reads otherwise.
    pub(super) fn begins_at(self, byte: u8) -> bool {
        match self {
            Self::Json => byte == b'\\',
            Self::Percent => byte == b'%',
            Self::Form => byte == b'%' || byte == b'+',
        }
    }
}

/// The longest that waits for its end: `\uXXXX`.
const LONGEST: usize = 6;

/// Bytes that one byte brought out: those that waited, or one character.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Out {
    bytes: [u8; 16],
    length: usize,
}

impl Out {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn put(&mut self, more: &[u8]) {
        for byte in more {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length += 1;
            }
        }
    }

    fn put_char(&mut self, it: char) {
        self.put(it.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Resolves one writing. What is no escape passes as it is.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    writing: Writing,
    held: [u8; LONGEST],
    holds: usize,
    /// The first half of a character that JSON writes as two.
    half: Option<u16>,
}

impl Decoder {
    pub(super) fn new(writing: Writing) -> Self {
        Self { writing, held: [0; LONGEST], holds: 0, half: None }
    }

    pub(super) fn feed(&mut self, byte: u8) -> Out {
        let mut out = Out::default();
        match self.writing {
            Writing::Json => self.json(byte, &mut out),
            Writing::Percent | Writing::Form => self.percent(byte, &mut out),
        }
        out
    }

    /// What still waits for an end that does not come.
    pub(super) fn finish(&mut self) -> Out {
        let mut out = Out::default();
        self.let_go(&mut out);
        out
    }

    fn hold(&mut self, byte: u8) {
        self.held[self.holds] = byte;
        self.holds += 1;
    }

    /// What was held is no escape.
    fn let_go(&mut self, out: &mut Out) {
        out.put(&self.held[..self.holds]);
        self.holds = 0;
    }

    fn percent(&mut self, byte: u8, out: &mut Out) {
        match self.holds {
            1 if byte.is_ascii_hexdigit() => self.hold(byte),
            2 if byte.is_ascii_hexdigit() => {
                let digit = |it: u8| char::from(it).to_digit(16).unwrap_or_default() as u8;
                out.put(&[digit(self.held[1]) << 4 | digit(byte)]);
                self.holds = 0;
            }
            _ => {
                self.let_go(out);
                match byte {
                    b'%' => self.hold(byte),
                    b'+' if self.writing == Writing::Form => out.put(b" "),
                    _ => out.put(&[byte]),
                }
            }
        }
    }

    fn json(&mut self, byte: u8, out: &mut Out) {
        if self.holds >= 2 && byte.is_ascii_hexdigit() {
            self.hold(byte);
            if self.holds == LONGEST {
                let digits = std::str::from_utf8(&self.held[2..]).unwrap_or_default();
                let unit = u16::from_str_radix(digits, 16).unwrap_or_default();
                self.holds = 0;
                self.unit(unit, out);
            }
            return;
        }
        if self.holds == 1 {
            let plain = match byte {
                b'u' => return self.hold(byte),
                b'"' | b'\\' | b'/' => Some(byte),
                b'b' => Some(8),
                b'f' => Some(12),
                b'n' => Some(b'\n'),
                b'r' => Some(b'\r'),
                b't' => Some(b'\t'),
                _ => None,
            };
            if let Some(plain) = plain {
                (self.holds, self.half) = (0, None);
                return out.put(&[plain]);
            }
        }
        self.let_go(out);
        if byte == b'\\' {
            self.hold(byte);
        } else {
            self.half = None;
            out.put(&[byte]);
        }
    }

    /// A unit of UTF-16; a half without its other half says nothing.
    fn unit(&mut self, unit: u16, out: &mut Out) {
        let first = self.half.take();
        if (0xd800..0xdc00).contains(&unit) {
            self.half = Some(unit);
            return;
        }
        let units = [first.unwrap_or(unit), unit];
        let units = if first.is_some() { &units[..] } else { &units[1..] };
        for it in char::decode_utf16(units.iter().copied()).flatten() {
            out.put_char(it);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(writing: Writing, text: &[u8]) -> Vec<u8> {
        let mut decoder = Decoder::new(writing);
        let mut all = Vec::new();
        for byte in text {
            all.extend_from_slice(decoder.feed(*byte).as_slice());
        }
        all.extend_from_slice(decoder.finish().as_slice());
        all
    }

    fn json(text: &str) -> String {
        String::from_utf8(read(Writing::Json, text.as_bytes())).unwrap()
    }

    #[test]
    fn escapes_are_resolved_and_what_is_none_stays() {
        assert_eq!(json(r#"a\u0062\n\/\"\\\ud83d\ude00\u00fc"#), "ab\n/\"\\\u{1f600}\u{fc}");
        assert_eq!(json(r"\x \u12 \u12g4 \\u0041 \"), r"\x \u12 \u12g4 \u0041 \");
        assert_eq!(json(r"\ud83d\u0041 \ud83dA"), "A A", "half a character says nothing");
        assert_eq!(read(Writing::Percent, b"a%62%c3%BC+%%41%4x%4"), "abü+%A%4x%4".as_bytes());
        assert_eq!(read(Writing::Form, b"a+%2b"), b"a +");
    }

    proptest! {
        #[test]
        fn a_text_of_json_reads_as_the_library_reads_it(text: String) {
            let written = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(json(&written[1..written.len() - 1]), text);
        }

        #[test]
        fn percent_encoding_reads_as_the_library_reads_it(text: Vec<u8>) {
            let expected: Vec<u8> = percent_encoding::percent_decode(&text).collect();
            prop_assert_eq!(read(Writing::Percent, &text), expected);
        }

        #[test]
        fn nothing_makes_it_fail(text: Vec<u8>) {
            for writing in [Writing::Json, Writing::Percent, Writing::Form] {
                read(writing, &text);
            }
        }
    }
}
