//! The names in an expression, and where they stand: the engine looks filters, tests and functions up only
//! when it meets them, and a document is to be refused when it is saved.

/// What a name is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Behind `|`.
    Filter,
    /// Behind `is` or `is not`.
    Test,
    /// Before `(`.
    Function,
    /// Behind `.` and before `(`.
    Method,
}

impl Kind {
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Function => "function",
            Self::Method => "method",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Filter => "filters",
            Self::Test => "tests",
            Self::Function => "functions",
            Self::Method => "methods",
        }
    }
}

/// What stands in an expression.
pub(super) struct Scan<'t> {
    /// Place in bytes, use, name.
    pub(super) names: Vec<(usize, Kind, &'t str)>,
    /// Whether anything is compared.
    pub(super) compares: bool,
}

const KEYWORDS: [&str; 12] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False"];

#[derive(Clone, Copy, PartialEq)]
enum Token<'t> {
    Word(usize, &'t str),
    Sign(char),
    Text,
}

/// Finds the names. The expression is one that the engine has read already.
pub(super) fn scan(text: &str) -> Scan<'_> {
    let tokens = tokens(text);
    let mut names = Vec::new();
    let mut compares = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|at| tokens[at]);
        match token {
            Token::Sign('=' | '<' | '>' | '!') => compares |= compares_here(&tokens, at),
            Token::Sign(_) | Token::Text => {}
            Token::Word(_, word @ ("in" | "is")) if before(1) != Some(Token::Sign('.')) => {
                // `is defined` asks nothing of the value.
                let next = tokens[at + 1..].iter().find(|it| !matches!(it, Token::Word(_, "not")));
                let asks = ["defined", "undefined", "none"];
                compares |=
                    *word == "in" || !matches!(next, Some(Token::Word(_, test)) if asks.contains(test));
            }
            Token::Word(place, word) => {
                let called = tokens.get(at + 1) == Some(&Token::Sign('('));
                let tested = matches!(before(1), Some(Token::Word(_, "is")))
                    || (matches!(before(1), Some(Token::Word(_, "not")))
                        && matches!(before(2), Some(Token::Word(_, "is"))));
                let kind = match before(1) {
                    Some(Token::Sign('|')) => Some(Kind::Filter),
                    Some(Token::Sign('.')) if called => Some(Kind::Method),
                    Some(Token::Sign('.')) => None,
                    _ if tested && *word != "not" => Some(Kind::Test),
                    _ if called && !KEYWORDS.contains(word) => Some(Kind::Function),
                    _ => None,
                };
                if let Some(kind) = kind {
                    compares |= ["sort", "unique", "min", "max"].contains(word);
                    names.push((*place, kind, *word));
                }
            }
        }
    }
    Scan { names, compares }
}

/// A single `=` only names an argument.
fn compares_here(tokens: &[Token<'_>], at: usize) -> bool {
    let is = |at: Option<usize>, sign: &[char]| matches!(at.and_then(|at| tokens.get(at)), Some(Token::Sign(found)) if sign.contains(found));
    tokens[at] != Token::Sign('=') || is(Some(at + 1), &['=']) || is(at.checked_sub(1), &['=', '<', '>', '!'])
}

/// Where a name stands that is no part of another and in no text.
pub(super) fn place(text: &str, name: &str) -> Option<usize> {
    tokens(text).into_iter().find_map(|token| match token {
        Token::Word(place, word) if word == name => Some(place),
        _ => None,
    })
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, letter)) = rest.next() {
        if letter == '"' || letter == '\'' {
            while let Some((_, inner)) = rest.next() {
                if inner == '\\' {
                    rest.next();
                } else if inner == letter {
                    break;
                }
            }
            tokens.push(Token::Text);
        } else if letter.is_alphanumeric() || letter == '_' {
            let mut end = start + letter.len_utf8();
            while let Some((at, more)) = rest.next_if(|(_, it)| it.is_alphanumeric() || *it == '_') {
                end = at + more.len_utf8();
            }
            tokens.push(Token::Word(start, &text[start..end]));
        } else if !letter.is_whitespace() {
            tokens.push(Token::Sign(letter));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_use() {
        let scan = scan(
            r#"a|lower == 'x|no(1)' and b is not defined or text(c).split("\"|")[0] not in (d) if e.f is starting("x") else g.h|default(i=1)"#,
        );
        let names: Vec<_> = scan.names.iter().map(|(_, kind, name)| (*kind, *name)).collect();
        assert_eq!(
            names,
            [
                (Kind::Filter, "lower"),
                (Kind::Test, "defined"),
                (Kind::Function, "text"),
                (Kind::Method, "split"),
                (Kind::Test, "starting"),
                (Kind::Filter, "default"),
            ]
        );
        assert_eq!(scan.names[0].0, 2);
    }

    #[test]
    fn what_compares() {
        for (text, expected) in [
            ("a", false),
            ("a|default('<')", false),
            ("a|default(value=1)", false),
            ("a ~ b", false),
            ("a if b is defined else c", false),
            ("a == 1", true),
            ("a != 1", true),
            ("a >= 1", true),
            ("a < 1", true),
            ("a in [1]", true),
            ("a is not number", true),
            ("[a, b]|max", true),
        ] {
            assert_eq!(scan(text).compares, expected, "{text}");
        }
    }

    #[test]
    fn places() {
        assert_eq!(place("'ab' ~ xab ~ ab", "ab"), Some(13));
        assert_eq!(place("é ~ ab", "ab"), Some(5));
        assert_eq!(place("x", "ab"), None);
    }
}
