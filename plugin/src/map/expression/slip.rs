//! Operators of other languages, for whoever comes from a filter of Graph, from SQL or from C.

/// An operator that expressions do not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// Where it stands, in bytes.
    pub(super) offset: usize,
    /// As it is written.
    pub(super) found: &'static str,
    /// What expressions have in its place.
    pub(super) instead: &'static str,
}

const WORDS: [(&str, &str); 11] = [
    ("eq", "=="),
    ("ne", "!="),
    ("ge", ">="),
    ("gt", ">"),
    ("le", "<="),
    ("lt", "<"),
    ("AND", "and"),
    ("OR", "or"),
    ("NOT", "not"),
    ("IN", "in"),
    ("null", "none"),
];

const SIGNS: [(&str, &str); 4] = [("<>", "!="), ("&&", "and"), ("||", "or"), ("=", "==")];

/// Signs that are expressions' own, and begin or end with one of the others'.
const OWN: [&str; 4] = ["==", "!=", "<=", ">="];

/// The first one outside of texts in quotes.
pub(super) fn of_another_language(text: &str) -> Option<Slip> {
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        if letter == '\'' || letter == '"' {
            let inside = rest[1..].find(letter)?;
            at += inside + 2;
        } else if letter.is_alphanumeric() || letter == '_' {
            let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
            let word = &rest[..end];
            if let Some((found, instead)) = WORDS.into_iter().find(|(found, _)| *found == word) {
                return Some(Slip { offset: at, found, instead });
            }
            at += end;
        } else if let Some(own) = OWN.into_iter().find(|it| rest.starts_with(it)) {
            at += own.len();
        } else if let Some((found, instead)) = SIGNS.into_iter().find(|(found, _)| rest.starts_with(found)) {
            return Some(Slip { offset: at, found, instead });
        } else {
            at += letter.len_utf8();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Option<(usize, &str, &str)> {
        of_another_language(text).map(|it| (it.offset, it.found, it.instead))
    }

    #[test]
    fn what_others_write() {
        assert_eq!(found("department = 'Sales'"), Some((11, "=", "==")));
        assert_eq!(found("department eq 'Sales'"), Some((11, "eq", "==")));
        assert_eq!(found("a == 'x && y' && b"), Some((14, "&&", "and")));
        assert_eq!(found("level <> 3"), Some((6, "<>", "!=")));
        assert_eq!(found("a == 'eq' and b != 'x = y' or request >= 3"), None);
        assert_eq!(found("a == 'never closed"), None);
    }

    proptest! {
        #[test]
        fn what_is_found_stands_there(text in "[a-z'\"=<>&| éNOT]{0,40}") {
            if let Some(slip) = of_another_language(&text) {
                prop_assert!(text[slip.offset..].starts_with(slip.found));
            }
        }
    }
}
