//! What a call of the program gave.

use serde_json::Value;

/// Both streams and the exit code.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its arguments, for messages.
    pub arguments: String,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it answered.
    pub out: String,
    /// What it told on the way.
    pub err: String,
}

impl Answer {
    /// Itself, if it ended with this code.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "`userload {}` ended with another code\nstdout:\n{}\nstderr:\n{}",
            self.arguments, self.out, self.err
        );
        self
    }

    /// The answer as JSON, version 1.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}\n{}", self.arguments, self.out, self.err));
        assert_eq!(value["version"], 1, "{}: {}", self.arguments, self.out);
        value
    }

    /// The run that a JSON answer is about.
    #[must_use]
    #[track_caller]
    pub fn run(&self) -> Value {
        self.json()["run"].clone()
    }

    /// Fails unless every text stands in what it told.
    ///
    /// # Panics
    /// When one does not.
    #[track_caller]
    pub fn tells(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.err.contains(text),
                "`userload {}` does not tell `{text}`:\n{}",
                self.arguments,
                self.err
            );
        }
    }

    /// Fails unless every text stands in its answer.
    ///
    /// # Panics
    /// When one does not.
    #[track_caller]
    pub fn answers(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.out.contains(text),
                "`userload {}` does not answer `{text}`:\n{}\n{}",
                self.arguments,
                self.out,
                self.err
            );
        }
    }
}
