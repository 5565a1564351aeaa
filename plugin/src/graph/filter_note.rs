//! What is to be said about a filter, where, and what to write instead.

use std::ops::Range;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It can only mean one thing, and that is what is sent.
    Corrected,
    /// Graph may take it.
    Suspicious,
    /// Graph refuses it for sure.
    Refused,
}

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) weight: Weight,
    /// Bytes of the filter.
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
    /// What to write in which place instead.
    edit: Option<(Range<usize>, String)>,
}

impl Note {
    fn new(weight: Weight, span: Range<usize>, text: impl Into<String>) -> Self {
        Self { weight, span, text: text.into(), edit: None }
    }

    pub(crate) fn corrected(span: Range<usize>, text: impl Into<String>) -> Self {
        Self::new(Weight::Corrected, span, text)
    }

    pub(crate) fn suspicious(span: Range<usize>, text: impl Into<String>) -> Self {
        Self::new(Weight::Suspicious, span, text)
    }

    pub(crate) fn refused(span: Range<usize>, text: impl Into<String>) -> Self {
        Self::new(Weight::Refused, span, text)
    }

    /// In another place.
    pub(crate) fn at(self, span: Range<usize>) -> Self {
        Self { span, ..self }
    }

    /// With what to write in a place.
    pub(crate) fn edit(self, span: Range<usize>, with: &str) -> Self {
        Self { edit: Some((span, with.to_owned())), ..self }
    }

    /// With what to write in its own place.
    pub(crate) fn edit_here(self, with: &str) -> Self {
        let span = self.span.clone();
        self.edit(span, with)
    }
}

/// All that is to be said about one filter.
#[derive(Debug, Default)]
pub(crate) struct Notes(pub(crate) Vec<Note>);

impl Notes {
    pub(crate) fn add(&mut self, note: Note) {
        self.0.push(note);
    }

    /// Whether Graph would refuse it.
    pub(crate) fn refused(&self) -> bool {
        self.0.iter().any(|note| note.weight == Weight::Refused)
    }

    /// The filter with everything written as it should be. None when something that is refused has no
    /// remedy, or two remedies meet in one place.
    pub(crate) fn corrected(&self, filter: &str) -> Option<String> {
        if self.0.iter().any(|note| note.weight == Weight::Refused && note.edit.is_none()) {
            return None;
        }
        let mut edits: Vec<&(Range<usize>, String)> =
            self.0.iter().filter_map(|note| note.edit.as_ref()).collect();
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut text = String::with_capacity(filter.len() + 16);
        let mut at = 0;
        for (span, with) in edits {
            text.push_str(filter.get(at..span.start)?);
            text.push_str(with);
            at = span.end;
        }
        text.push_str(filter.get(at..)?);
        Some(text.trim().to_owned())
    }
}
