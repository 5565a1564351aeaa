//! One value of the source, checked against the type of its field and written in our form.

use serde::Deserialize;

use crate::json::{decode, write_text};
use crate::time::rfc3339;

/// The type of a target field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
    Time,
}

impl Kind {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Time => "a time",
        }
    }
}

/// Why a value cannot stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// Another JSON type.
    Type,
    /// Text, but not one that Unicode has.
    Text,
    /// Text, but no time.
    Time,
}

/// Writes a value that is not null. A number keeps its digits; a text is written in the one canonical form,
/// so that two texts are equal when their bytes are. Tells whether it was blank text.
pub(super) fn write(kind: Kind, value: &str, out: &mut String) -> Result<bool, Misfit> {
    let first = value.as_bytes().first();
    match (kind, first) {
        (Kind::Text, Some(b'"')) => text(value, out),
        (Kind::Time, Some(b'"')) => {
            let time = decode(value).ok_or(Misfit::Text)?;
            rfc3339(&time).ok_or(Misfit::Time)?;
            write_text(out, &time);
            Ok(false)
        }
        (Kind::Number, Some(b'-' | b'0'..=b'9')) | (Kind::Flag, Some(b't' | b'f')) => {
            out.push_str(value);
            Ok(false)
        }
        _ => Err(Misfit::Type),
    }
}

fn text(value: &str, out: &mut String) -> Result<bool, Misfit> {
    if !value.contains('\\') {
        // Valid JSON without escapes is canonical already.
        out.push_str(value);
        let inner = value.get(1..value.len().saturating_sub(1)).unwrap_or_default();
        return Ok(inner.trim_start().is_empty());
    }
    let decoded = decode(value).ok_or(Misfit::Text)?;
    write_text(out, &decoded);
    Ok(decoded.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: Kind, value: &str) -> Result<String, Misfit> {
        let mut out = String::new();
        write(kind, value, &mut out).map(|_| out)
    }

    #[test]
    fn digits_and_texts_arrive() {
        for number in ["12345678901234567890", "1e5", "-0", "1.50", "1E+400"] {
            assert_eq!(written(Kind::Number, number).as_deref(), Ok(number));
        }
        for text in ["\"007\"", "\"0x1F\"", "\"1_000\"", "\"None\"", "\"312-800-9919\"", "\"\""] {
            assert_eq!(written(Kind::Text, text).as_deref(), Ok(text));
        }
        assert_eq!(written(Kind::Text, r#""\u00e9\/\"""#).as_deref(), Ok(r#""é/\"""#));
        let time = "\"2024-01-01T00:00:00.1234567Z\"";
        assert_eq!(written(Kind::Time, time).as_deref(), Ok(time));
    }

    #[test]
    fn misfits() {
        for (kind, value, misfit) in [
            (Kind::Text, "12", Misfit::Type),
            (Kind::Text, "[]", Misfit::Type),
            (Kind::Text, r#""\udc00""#, Misfit::Text),
            (Kind::Number, "\"12\"", Misfit::Type),
            (Kind::Flag, "\"true\"", Misfit::Type),
            (Kind::Flag, "1", Misfit::Type),
            (Kind::Time, "1700000000", Misfit::Type),
            (Kind::Time, "\"yesterday\"", Misfit::Time),
        ] {
            assert_eq!(written(kind, value), Err(misfit), "{value}");
        }
    }
}
