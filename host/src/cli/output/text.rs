//! Texts, numbers and times for people. What comes from the directory is hostile: it never reaches a
//! terminal as anything but letters.

use std::borrow::Cow;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::model::Millis;

/// A text from outside, safe to show: control characters and those that turn the direction of writing
/// around are written as escapes.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if hostile(letter) {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// Whether a character does something to a terminal: C0, DEL, C1, line and paragraph separators, and the
/// overrides and isolates of the bidirectional algorithm (UAX 9).
pub(super) fn hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text that takes at most so many columns, with `…` where it was cut.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut end = 0;
    let mut width = 0;
    for (at, letter) in text.char_indices() {
        let wide = letter.width().unwrap_or(0);
        // A letter of no width belongs to the one before it.
        if wide > 0 {
            if width + wide > columns.saturating_sub(1) {
                break;
            }
            width += wide;
        }
        end = at + letter.len_utf8();
    }
    // A joiner at the end would join with the `…`.
    Cow::Owned(format!("{}…", text[..end].trim_end_matches('\u{200d}').trim_end()))
}

/// A number with separators: `9,554`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 person`, `2 people`.
pub(crate) fn count(many: u64, one: &str, more: &str) -> String {
    format!("{} {}", number(many), if many == 1 { one } else { more })
}

/// A moment, in UTC: `2026-11-23 04:05 UTC`.
pub(crate) fn time(at: Millis) -> String {
    Timestamp::from_millisecond(at)
        .map_or_else(|_| format!("{at} ms"), |it| it.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// How long ago: `3 days ago`.
pub(crate) fn age(now: Millis, then: Millis) -> String {
    let seconds = now.saturating_sub(then) / 1000;
    let (many, one, more) = match seconds {
        ..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute", "minutes"),
        3_600..86_400 => (seconds / 3_600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    format!("{} ago", count(many.unsigned_abs(), one, more))
}

/// A value, as JSON has it, for people: texts in quotes, nothing = `empty`.
pub(crate) fn value(json: Option<&str>) -> String {
    /// Columns of a value in a line.
    const WIDTH: usize = 48;
    match json {
        None | Some("null") => "empty".to_owned(),
        Some(json) => match serde_json::from_str::<String>(json) {
            Ok(text) => format!("\"{}\"", cut(&shown(&text), WIDTH)),
            Err(_) => cut(&shown(json), WIDTH).into_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_letters() {
        assert_eq!(shown("a\u{1b}[2Jb\r\n\u{9b}c\u{7f}"), "a\\u{1b}[2Jb\\r\\n\\u{9b}c\\u{7f}");
        assert_eq!(shown("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        for fine in ["O'Hara \u{1f469}\u{200d}\u{1f52c}", "\u{645}\u{631}\u{64a}\u{645}", "Z\u{fc}rich"] {
            assert_eq!(shown(fine), fine);
        }
    }

    #[test]
    fn cutting_counts_columns_and_keeps_letters_whole() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("\u{65e5}\u{672c}\u{8a9e}", 5), "\u{65e5}\u{672c}…");
        assert_eq!(cut("ab\u{1f469}\u{200d}\u{1f52c}cd", 5), "ab\u{1f469}…");
        for columns in 0..12 {
            assert!(cut("a\u{301}b\u{1f469}\u{200d}\u{1f52c}\u{65e5}xyz", columns).width() <= columns.max(1));
        }
    }

    #[test]
    fn numbers_ages_and_values() {
        let all = [0, 7, 999, 1000, 12_345, 1_234_567].map(number);
        assert_eq!(all, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        let ages = [0, 59, 60, 7_200, 90_000, 900_000].map(|seconds| age(seconds * 1000, 0));
        assert_eq!(ages, ["just now", "just now", "1 minute ago", "2 hours ago", "1 day ago", "10 days ago"]);
        assert_eq!(value(Some("\"a\\u001b\"")), "\"a\\u{1b}\"");
        assert_eq!((value(Some("1e5")), value(None)), ("1e5".into(), "empty".into()));
        assert_eq!(time(1_700_000_000_000), "2023-11-14 22:13 UTC");
    }
}
