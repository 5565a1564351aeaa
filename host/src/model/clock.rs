//! Time, injected: a run that is repeated with the same clock gives the same directory.

use jiff::Timestamp;

/// A moment: milliseconds since 1970 in UTC.
pub type Millis = i64;

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's.
    System,
    /// Always the same moment, for demonstrations and tests.
    Fixed(Millis),
}

impl Clock {
    /// The clock named by a text: an RFC 3339 time fixes it.
    ///
    /// # Errors
    /// When the text is not such a time.
    pub fn fixed(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<Timestamp>().map(|at| Self::Fixed(at.as_millisecond()))
    }

    /// This moment.
    #[must_use]
    pub fn now(self) -> Millis {
        match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Fixed(at) => at,
        }
    }
}
