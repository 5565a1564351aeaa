//! A value that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// The text of a secret. Wiped when dropped; never shown, cloned, compared or serialised.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the value over.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Every call of this is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::SecretText;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Some(SecretText::new("hunter2".into()))), "Some(***)");
    }
}
