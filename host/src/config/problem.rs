//! What is wrong with a document: everything at once, each with its place.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What to write instead, when there is something to say.
    pub help: Option<String>,
}

/// Why a document was not taken. Nothing was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigReport {
    /// The document's name, as the operator gave it.
    pub file: String,
    /// All problems, from top to bottom.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let plural = if count == 1 { "problem" } else { "problems" };
        write!(out, "`{}` has {count} {plural}", self.file)?;
        for problem in &self.problems {
            write!(out, "\n  {}:{}:{}: {}", self.file, problem.line, problem.column, problem.what)?;
            if let Some(help) = &problem.help {
                write!(out, "\n    help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigReport {}

/// Collects problems while a document is read.
pub(super) struct Problems<'t> {
    text: &'t str,
    list: Vec<(usize, Problem)>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new() }
    }

    /// Notes a problem at a place of the text.
    pub(super) fn add(&mut self, span: Range<usize>, what: impl Into<String>) {
        self.push(span, what.into(), None);
    }

    /// Notes a problem and what to do about it.
    pub(super) fn add_with_help(
        &mut self,
        span: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(span, what.into(), Some(help.into()));
    }

    fn push(&mut self, span: Range<usize>, what: String, help: Option<String>) {
        let (line, column) = place(self.text, span.start);
        self.list.push((span.start, Problem { line, column, what, help }));
    }

    /// All of them, from top to bottom; none when the document is sound.
    pub(super) fn into_report(mut self, file: &str) -> Option<ConfigReport> {
        if self.list.is_empty() {
            return None;
        }
        self.list.sort_by_key(|(start, _)| *start);
        let mut problems: Vec<Problem> = self.list.into_iter().map(|(_, problem)| problem).collect();
        problems.dedup();
        Some(ConfigReport { file: file.to_owned(), problems })
    }
}

/// Line and column of a byte of a text.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_count_characters() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("a\nbc", 3), (2, 2));
        assert_eq!(place("é = 1", 3), (1, 3));
        assert_eq!(place("é", 1), (1, 1), "inside of a character is at it");
        assert_eq!(place("a", 99), (1, 2));
    }
}
