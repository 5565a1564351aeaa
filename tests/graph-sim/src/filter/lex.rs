//! From text to words.

use super::Refusal;

/// A word of a filter, with the byte where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) at: usize,
    pub(crate) word: Word,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    Open,
    Close,
    Comma,
    /// In single quotes, quotes inside doubled; here without them.
    Quoted(String),
    /// Anything else: names, operators, numbers, times.
    Bare(String),
}

/// The words of a filter.
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let word = match letter {
            ' ' | '\t' | '\r' | '\n' => continue,
            '(' => Word::Open,
            ')' => Word::Close,
            ',' => Word::Comma,
            '\'' => {
                let mut inside = String::new();
                loop {
                    match letters.next() {
                        Some((_, '\'')) => match letters.next_if(|(_, next)| *next == '\'') {
                            Some(_) => inside.push('\''),
                            None => break,
                        },
                        Some((_, other)) => inside.push(other),
                        None => {
                            return Err(Refusal::invalid(format!(
                                "There is an unterminated string literal at position {} in '{text}'.",
                                text.len()
                            )));
                        }
                    }
                }
                Word::Quoted(inside)
            }
            first if is_bare(first) => {
                let mut bare = String::from(first);
                while let Some((_, next)) = letters.next_if(|(_, next)| is_bare(*next)) {
                    bare.push(next);
                }
                Word::Bare(bare)
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "Syntax error: character '{letter}' is not valid at position {at} in '{text}'."
                )));
            }
        };
        tokens.push(Token { at, word });
    }
    Ok(tokens)
}

fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || "_.-:/+$@".contains(letter)
}
