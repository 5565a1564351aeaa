//! The few things that we do with JSON text without building a tree of it.
//!
//! Values stay the source's own bytes: `serde_json` is used to find where they begin and end, never to turn
//! a number into a float and back.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The keys and values of one object, in the order in which they stand. A key may stand twice.
pub struct Entries<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Entries<'a> {
    /// Takes the text of one object apart.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The last value of a key; JSON readers commonly let the last one win, and so do we.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(name, _)| name == key);
        found.map(|(_, value)| *value)
    }

    /// The text of a key, if it is one.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(|value| decode(value.get()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(40);
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Object).map(Entries)
    }
}

/// A key, borrowed wherever it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Key)
    }
}

/// The items of one list, in order.
pub fn items(list: &RawValue) -> Result<Vec<&RawValue>, serde_json::Error> {
    if list.get().starts_with('[') {
        serde_json::from_str(list.get())
    } else {
        Err(serde_json::Error::custom("expected a list"))
    }
}

/// The text that a JSON text value stands for. None when it is no text, or none that Unicode has (half of a
/// surrogate pair).
pub fn decode(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(value).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Writes a text as JSON in its one canonical form: escapes only where JSON asks for them.
pub(crate) fn write_text(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// A value in words, for an error: `the number 12`, `the text "abc"`, `a list`.
pub fn in_words(value: &str) -> String {
    let short = shorten(value, 80);
    match value.as_bytes().first() {
        Some(b'"') => format!("the text {short}"),
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "a list".to_owned(),
        Some(b'-' | b'0'..=b'9') => format!("the number {short}"),
        Some(_) => short.into_owned(),
        None => "nothing".to_owned(),
    }
}

/// At most so many bytes of a text, cut between characters, with `…` where something was cut.
pub fn shorten(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let mut end = bytes.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_borrow_and_the_last_of_two_wins() {
        let entries = Entries::parse(r#"{"a": 1, "\u0062": 2, "a": 0x}"#);
        assert!(entries.is_err());
        let entries = Entries::parse(r#"{"a": 1, "\u0062": 2.50, "a": 3}"#).unwrap();
        assert_eq!(entries.get("a").unwrap().get(), "3");
        assert_eq!(entries.get("b").unwrap().get(), "2.50");
        assert!(matches!(entries.0[0].0, Cow::Borrowed("a")));
    }

    #[test]
    fn text_has_one_form() {
        let mut out = String::new();
        write_text(&mut out, "a\"b\\c\u{1}é\u{7f}");
        assert_eq!(out, "\"a\\\"b\\\\c\\u0001é\u{7f}\"");
        assert_eq!(decode(&out).unwrap(), "a\"b\\c\u{1}é\u{7f}");
        assert_eq!(decode(r#""\ud800""#), None);
        assert_eq!(decode("12"), None);
    }

    #[test]
    fn shortening_keeps_characters_whole() {
        assert_eq!(shorten("äöü", 6), "äöü");
        assert_eq!(shorten("äöüß", 6), "ä…");
        assert_eq!(shorten("äöüß", 2), "…");
    }
}
