//! A value on its way from the source to a field.

use crate::json::{decode, in_words, write_text};

/// A value while converters work on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// The source did not send it: the field is kept.
    Absent,
    /// Null, by the source or by a rule: the rule for nulls decides.
    Null,
    /// Text, decoded.
    Text(String),
    /// Anything else, as JSON text: numbers in the source's own digits.
    Other(String),
}

impl Work {
    /// What a JSON text says.
    pub(super) fn of_json(raw: &str) -> Result<Self, String> {
        match raw.as_bytes().first() {
            Some(b'n') => Ok(Self::Null),
            Some(b'"') => match decode(raw) {
                Some(text) => Ok(Self::Text(text.into_owned())),
                None => Err("the text holds half a surrogate pair, which is no character".to_owned()),
            },
            _ => Ok(Self::Other(raw.to_owned())),
        }
    }

    /// The value as JSON text; none when there is none.
    pub(super) fn json(&self) -> Option<String> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Text(text) => {
                let mut out = String::with_capacity(text.len() + 2);
                write_text(&mut out, text);
                Some(out)
            }
            Self::Other(raw) => Some(raw.clone()),
        }
    }

    /// For errors.
    pub(super) fn in_words(&self) -> String {
        self.json().map_or_else(|| "nothing".to_owned(), |raw| in_words(&raw))
    }

    /// Nothing, null, or text without a letter in it.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Absent | Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Other(_) => false,
        }
    }

    /// The text of a text, or the digits of a number and the word of a flag; none for lists and objects.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(raw) if !raw.starts_with(['[', '{']) => Some(raw),
            _ => None,
        }
    }
}
