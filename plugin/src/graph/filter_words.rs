//! A filter expression taken apart into words (OData 4.01 ABNF, as far as Graph uses it). Quotes and brackets
//! of the wrong kind are read as what was meant, and noted.

use crate::graph::filter_note::{Note, Notes};
use crate::json::shorten;

/// One word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) kind: Kind,
    /// As it stands in the filter.
    pub(crate) text: &'a str,
    /// Its first byte.
    pub(crate) start: usize,
    /// What a quoted text stands for, its doubled quotes single.
    pub(crate) inside: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, number, date, GUID or keyword.
    Name,
    /// A text in quotes.
    Quoted,
    Open,
    Close,
    Comma,
    Colon,
    /// What people write who know SQL or a programming language: `=`, `!=`, `<>`, `&&`.
    Symbol,
    End,
}

const SINGLE: &str = "'‘’‚‛´`";
const DOUBLE: &str = "\"“”„";

/// Takes a filter apart. The last word is an `End`. None when it cannot be gone on: the last note says why.
pub(crate) fn words<'a>(filter: &'a str, notes: &mut Notes) -> Option<Vec<Word<'a>>> {
    let mut words = Vec::new();
    let mut at = 0;
    let mut open: Vec<usize> = Vec::new();
    while let Some(first) = filter[at..].chars().next() {
        let rest = &filter[at..];
        let one = first.len_utf8();
        let mut inside = String::new();
        let (kind, bytes) = match first {
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {
                notes.add(Note::corrected(at..at + one, "an invisible character").edit(at..at + one, ""));
                at += one;
                continue;
            }
            c if c.is_whitespace() => {
                if c != ' ' {
                    let note = Note::corrected(at..at + one, "a blank of another kind");
                    notes.add(note.edit(at..at + one, " "));
                }
                at += one;
                continue;
            }
            '(' | '[' | '{' => {
                open.push(at);
                wrong_bracket(first, '(', at, notes);
                (Kind::Open, 1)
            }
            ')' | ']' | '}' => {
                if open.pop().is_none() {
                    let text = format!("`{first}` without a `(` before it");
                    notes.add(Note::refused(at..at + 1, text).edit(at..at + 1, ""));
                    at += 1;
                    continue;
                }
                wrong_bracket(first, ')', at, notes);
                (Kind::Close, 1)
            }
            ',' => (Kind::Comma, 1),
            ';' if !open.is_empty() => {
                notes.add(Note::refused(at..at + 1, "expected `,`, found `;`").edit(at..at + 1, ","));
                (Kind::Comma, 1)
            }
            ':' => (Kind::Colon, 1),
            c if SINGLE.contains(c) || DOUBLE.contains(c) => {
                let Some((bytes, text)) = quoted(rest, first, at, notes) else {
                    let text = "a quote that is not closed; expected `'` behind the value (a quote inside of \
                                a value is doubled: `'O''Brien'`)";
                    notes.add(Note::refused(at..at + one, text));
                    return None;
                };
                inside = text;
                (Kind::Quoted, bytes)
            }
            '=' | '!' | '<' | '>' | '&' | '|' | '~' => {
                let symbol = |c: char| "=!<>&|~".contains(c);
                (Kind::Symbol, rest.find(|c| !symbol(c)).unwrap_or(rest.len()))
            }
            c if is_name(c) => (Kind::Name, rest.find(|c| !is_name_inside(c)).unwrap_or(rest.len())),
            other => {
                let text = format!("expected a property, an operator or a value, found `{other}`");
                notes.add(Note::refused(at..at + one, text));
                return None;
            }
        };
        words.push(Word { kind, text: &rest[..bytes], start: at, inside });
        at += bytes;
    }
    while let Some(start) = open.pop() {
        let note = Note::refused(start..start + 1, "a `(` that is not closed");
        notes.add(note.edit(filter.len()..filter.len(), ")"));
        words.push(Word { kind: Kind::Close, text: "", start: filter.len(), inside: String::new() });
    }
    words.push(Word { kind: Kind::End, text: "", start: filter.len(), inside: String::new() });
    Some(words)
}

fn wrong_bracket(found: char, wanted: char, at: usize, notes: &mut Notes) {
    if found != wanted {
        let text = format!("expected `{wanted}`, found `{found}`");
        notes.add(Note::refused(at..at + 1, text).edit(at..at + 1, &wanted.to_string()));
    }
}

/// The length of a quoted text, both quotes included, and what it stands for. None when it is not closed.
fn quoted(rest: &str, first: char, at: usize, notes: &mut Notes) -> Option<(usize, String)> {
    let family = if SINGLE.contains(first) { SINGLE } else { DOUBLE };
    let own = first.len_utf8();
    if first == '\'' {
        if let Some(found) = doubled(rest, at, notes) {
            return Some(found);
        }
        let strict = straight(rest);
        // `'Admin’, 'Staff'`: closed by a curly quote, though a straight one follows somewhere.
        let curly = closing(&rest[own..], "‘’‛´`").map(|(end, close)| (own + end, close));
        let closed = strict.is_some_and(|end| ends_a_value(&rest[end..]));
        if let (Some((end, close)), false) = (curly, closed) {
            return Some(replaced(rest, own, end, close, at, notes));
        }
        let end = strict?;
        return Some((end, rest[1..end - 1].replace("''", "'")));
    }
    let (end, close) = closing(&rest[own..], family)?;
    Some(replaced(rest, own, own + end, close, at, notes))
}

/// Reads a text in quotes of the wrong kind, and notes it.
fn replaced(
    rest: &str,
    own: usize,
    end: usize,
    close: usize,
    at: usize,
    notes: &mut Notes,
) -> (usize, String) {
    let inside = rest[own..end].replace("''", "'");
    let whole = end + close;
    let found = &rest[..whole];
    let text = format!("expected straight single quotes, found `{}`", shorten(found, 60));
    let right = format!("'{}'", inside.replace('\'', "''"));
    notes.add(Note::corrected(at..at + whole, text).edit(at..at + whole, &right));
    (whole, inside)
}

/// `''Admin''`: a text whose quotes were doubled on the way here.
fn doubled(rest: &str, at: usize, notes: &mut Notes) -> Option<(usize, String)> {
    let inner = rest.strip_prefix("''")?;
    if inner.starts_with('\'') || ends_a_value(inner) {
        return None;
    }
    let end = inner.find('\'')?;
    let behind = inner[end..].strip_prefix("''")?;
    if !ends_a_value(behind) {
        return None;
    }
    let whole = end + 4;
    let text = format!("expected single quotes once, found `{}`", shorten(&rest[..whole], 60));
    let right = format!("'{}'", &inner[..end]);
    notes.add(Note::corrected(at..at + whole, text).edit(at..at + whole, &right));
    Some((whole, inner[..end].to_owned()))
}

/// The length of a text in straight quotes, both included; `''` inside stands for one.
fn straight(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        let next = bytes.get(at..)?.iter().position(|b| *b == b'\'')? + at;
        if bytes.get(next + 1) != Some(&b'\'') {
            return Some(next + 1);
        }
        at = next + 2;
    }
}

/// Where the first quote of the family stands that ends a value, and how long it is.
fn closing(text: &str, family: &str) -> Option<(usize, usize)> {
    let ends = |(at, c): &(usize, char)| family.contains(*c) && ends_a_value(&text[at + c.len_utf8()..]);
    text.char_indices().find(ends).map(|(at, c)| (at, c.len_utf8()))
}

/// Whether a value can have ended before this.
fn ends_a_value(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| c.is_whitespace() || ",;)]}".contains(c))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || "_-+$@.".contains(c)
}

fn is_name_inside(c: char) -> bool {
    is_name(c) || c == '/'
}

impl Word<'_> {
    /// Where it stands.
    pub(crate) fn span(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// What stands there, for people.
    pub(crate) fn found(&self) -> String {
        match self.kind {
            Kind::End => "found the end".to_owned(),
            _ => format!("found `{}`", shorten(self.text, 60)),
        }
    }

    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Name && self.text.eq_ignore_ascii_case(keyword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(filter: &str) -> (Option<Vec<(Kind, String)>>, String) {
        let mut notes = Notes::default();
        let words = words(filter, &mut notes);
        let words = words.map(|w| w.into_iter().map(|w| (w.kind, w.inside)).collect());
        let corrected = notes.corrected(filter).unwrap_or_default();
        (words, corrected)
    }

    #[test]
    fn words_and_places() {
        let found = words("a/b in ('x''y', 'ü')", &mut Notes::default()).unwrap();
        let texts: Vec<_> = found.iter().map(|w| (w.text, w.start)).collect();
        assert_eq!(
            texts,
            [("a/b", 0), ("in", 4), ("(", 7), ("'x''y'", 8), (",", 14), ("'ü'", 16), (")", 20), ("", 21)]
        );
        assert_eq!(found[3].inside, "x'y");
        assert_eq!(read("''''").0.unwrap()[0], (Kind::Quoted, "'".to_owned()));
        let kinds: Vec<_> = read("a != 1").0.unwrap().into_iter().map(|w| w.0).collect();
        assert_eq!(kinds, [Kind::Name, Kind::Symbol, Kind::Name, Kind::End]);
    }

    #[test]
    fn quotes_of_every_kind() {
        for (filter, corrected) in [
            ("city eq ‘Paris’", "city eq 'Paris'"),
            ("city eq “Paris”", "city eq 'Paris'"),
            ("city eq \"Paris\"", "city eq 'Paris'"),
            ("city eq ''Paris''", "city eq 'Paris'"),
            ("city eq 'Paris’", "city eq 'Paris'"),
            ("city in ('Paris’, 'Rome')", "city in ('Paris', 'Rome')"),
            ("surname eq ‘O’Brien’", "surname eq 'O’Brien'"),
            ("surname eq \"O'Brien\"", "surname eq 'O''Brien'"),
            ("surname eq „Müller“", "surname eq 'Müller'"),
            ("city eq\u{a0}'Paris'\u{feff}", "city eq 'Paris'"),
            ("city in ['a'; 'b']", "city in ('a', 'b')"),
            ("(city eq 'Paris'", "(city eq 'Paris')"),
            ("city eq 'Paris')", "city eq 'Paris'"),
        ] {
            assert_eq!(read(filter).1, corrected, "{filter}");
        }
        for filter in ["city eq ''", "surname eq 'O’Brien'", "surname eq 'O''Brien'", "city in ('','x')"] {
            assert_eq!(read(filter).1, filter);
        }
        assert_eq!(read("city eq 'Paris").0, None);
        assert_eq!(read("city eq 'x' % 2").0, None);
    }
}
