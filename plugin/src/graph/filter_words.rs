//! A filter expression taken apart into words (OData 4.01 ABNF, as far as Graph uses it).

use crate::json::shorten;

/// One word and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) kind: Kind,
    /// As it stands in the filter.
    pub(crate) text: &'a str,
    /// Counted in characters, from 1.
    pub(crate) column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, number, date, GUID or keyword.
    Name,
    /// A text in straight single quotes; `''` inside stands for one quote.
    Quoted,
    Open,
    Close,
    Comma,
    Colon,
    /// What people write who know SQL or a programming language: `=`, `!=`, `<>`, `&&`.
    Symbol,
    End,
}

/// What is wrong with a filter, and where.
pub(crate) type Misfit = String;

/// Says what was expected at a column.
pub(crate) fn misfit(column: usize, text: impl std::fmt::Display) -> Misfit {
    format!("column {column}: {text}")
}

/// Takes a filter apart. The last word is an `End`.
pub(crate) fn words(filter: &str) -> Result<Vec<Word<'_>>, Misfit> {
    let mut words = Vec::new();
    let mut rest = filter;
    let mut column = 1;
    let mut open: Vec<usize> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (kind, bytes) = match first {
            c if c.is_whitespace() => {
                rest = &rest[c.len_utf8()..];
                column += 1;
                continue;
            }
            '(' => {
                open.push(column);
                (Kind::Open, 1)
            }
            ')' => {
                if open.pop().is_none() {
                    return Err(misfit(column, "`)` without a `(` before it"));
                }
                (Kind::Close, 1)
            }
            ',' => (Kind::Comma, 1),
            ':' => (Kind::Colon, 1),
            '\'' => match quoted(rest) {
                Some(bytes) => (Kind::Quoted, bytes),
                None => {
                    let text = "a quote that is not closed; expected `'` behind the value (a quote inside \
                                of a value is doubled: `'O''Brien'`)";
                    return Err(misfit(column, text));
                }
            },
            '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '´' | '`' | '"' => {
                let text = format!("expected a straight single quote `'`, found `{first}`");
                return Err(misfit(column, text));
            }
            '=' | '!' | '<' | '>' | '&' | '|' | '~' => {
                let symbol = |c: char| "=!<>&|~".contains(c);
                let end = rest.find(|c| !symbol(c)).unwrap_or(rest.len());
                (Kind::Symbol, end)
            }
            c if is_name(c) => {
                let end = rest.find(|c| !is_name_inside(c)).unwrap_or(rest.len());
                (Kind::Name, end)
            }
            other => {
                let text = format!("expected a property, an operator or a value, found `{other}`");
                return Err(misfit(column, text));
            }
        };
        let (text, after) = rest.split_at(bytes);
        // The colons of a time belong to it: `2024-01-01T00:00:00Z`.
        words.push(Word { kind, text, column });
        column += text.chars().count();
        rest = after;
    }
    if let Some(column) = open.pop() {
        return Err(misfit(column, "a `(` that is not closed"));
    }
    words.push(Word { kind: Kind::End, text: "", column });
    Ok(words)
}

/// The length of a quoted text, both quotes included. None when it is not closed.
fn quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        let next = bytes[at..].iter().position(|b| *b == b'\'')? + at;
        if bytes.get(next + 1) != Some(&b'\'') {
            return Some(next + 1);
        }
        at = next + 2;
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || "_-+$@.".contains(c)
}

fn is_name_inside(c: char) -> bool {
    is_name(c) || c == '/'
}

impl Word<'_> {
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

    /// The text between the quotes, its doubled quotes still doubled.
    pub(crate) fn inside(&self) -> &str {
        self.text.trim_matches('\'')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(filter: &str) -> Vec<Kind> {
        words(filter).unwrap().iter().map(|w| w.kind).collect()
    }

    #[test]
    fn words_and_columns() {
        let found = words("a/b in ('x''y', 'ü')").unwrap();
        let texts: Vec<_> = found.iter().map(|w| (w.text, w.column)).collect();
        assert_eq!(
            texts,
            [("a/b", 1), ("in", 5), ("(", 8), ("'x''y'", 9), (",", 15), ("'ü'", 17), (")", 20), ("", 21)]
        );
        assert_eq!(kinds("''''"), [Kind::Quoted, Kind::End]);
        assert_eq!(kinds("a != 1"), [Kind::Name, Kind::Symbol, Kind::Name, Kind::End]);
    }

    #[test]
    fn quotes_and_parentheses() {
        for (filter, part) in [
            ("city eq 'Paris", "column 9: a quote that is not closed"),
            ("city eq ‘Paris’", "column 9: expected a straight single quote `'`, found `‘`"),
            ("city eq \"Paris\"", "column 9: expected a straight single quote"),
            ("(city eq 'Paris'", "column 1: a `(` that is not closed"),
            ("city eq 'Paris')", "column 16: `)` without a `(`"),
            ("city eq 'x'; drop", "column 12: expected a property"),
        ] {
            let error = words(filter).unwrap_err();
            assert!(error.starts_with(part), "{error}");
        }
    }
}
