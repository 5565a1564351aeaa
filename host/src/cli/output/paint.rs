//! Colours, where they are wanted.

use anstyle::{AnsiColor, Style};

use crate::model::Outcome;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn colour(self, colour: AnsiColor, text: &str) -> String {
        self.with(colour.on_default(), text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.colour(AnsiColor::Green, text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.colour(AnsiColor::Yellow, text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// A text in the colour of an outcome.
    pub(crate) fn outcome(self, outcome: Outcome, text: &str) -> String {
        match outcome {
            Outcome::Failed => self.bad(text),
            Outcome::Created | Outcome::Reactivated => self.good(text),
            Outcome::Deactivated | Outcome::Removed => self.colour(AnsiColor::Red, text),
            Outcome::Adopted | Outcome::Renamed | Outcome::Updated | Outcome::Ambiguous => self.warn(text),
            Outcome::Held => self.colour(AnsiColor::Magenta, text),
            _ => self.dim(text),
        }
    }
}
