//! From words to a condition. `not` binds strongest, then `and`, then `or`; keywords are lower
//! case, as in the OData standard.

use super::lex::{Token, Word, lex};
use super::{Expr, Func, Literal, Op, Refusal};
use crate::clock;

/// Deeper than any honest filter; keeps the reader from recursing without end.
const DEEPEST: usize = 64;

/// Reads a filter.
pub(crate) fn parse(text: &str) -> Result<Expr, Refusal> {
    let mut reader = Reader { text, tokens: lex(text)?, next: 0, depth: 0 };
    let expr = reader.any()?;
    match reader.peek() {
        None => Ok(expr),
        Some(_) => Err(reader.syntax()),
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.next).map(|token| &token.word)
    }

    fn take(&mut self) -> Option<Word> {
        let word = self.peek().cloned();
        self.next += 1;
        word
    }

    fn takes_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Word::Bare(bare)) if bare == keyword);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Word) -> Result<(), Refusal> {
        if self.peek() == Some(wanted) {
            self.next += 1;
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    /// The complaint about the word that comes next.
    fn syntax(&self) -> Refusal {
        let at = self.tokens.get(self.next).map_or(self.text.len(), |token| token.at);
        Refusal::invalid(format!("Syntax error at position {at} in '{}'.", self.text))
    }

    fn any(&mut self) -> Result<Expr, Refusal> {
        let mut parts = vec![self.all()?];
        while self.takes_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    fn all(&mut self) -> Result<Expr, Refusal> {
        let mut parts = vec![self.unary()?];
        while self.takes_keyword("and") {
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, Expr::And))
    }

    fn unary(&mut self) -> Result<Expr, Refusal> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::invalid("Recursion depth exceeded allowed limit."));
        }
        let expr = if self.takes_keyword("not") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.peek() == Some(&Word::Open) {
            self.next += 1;
            let inner = self.any()?;
            self.expect(&Word::Close)?;
            inner
        } else {
            self.leaf()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn leaf(&mut self) -> Result<Expr, Refusal> {
        let begin = self.next;
        let Some(Word::Bare(name)) = self.take() else {
            self.next = begin;
            return Err(self.syntax());
        };
        if self.peek() == Some(&Word::Open) {
            return self.call(&name);
        }
        if !is_path(&name) {
            self.next = begin;
            return Err(self.syntax());
        }
        if self.takes_keyword("in") {
            return Ok(Expr::In(name, self.list()?));
        }
        for (word, op) in
            [("eq", Op::Eq), ("ne", Op::Ne), ("ge", Op::Ge), ("le", Op::Le), ("gt", Op::Gt), ("lt", Op::Lt)]
        {
            if self.takes_keyword(word) {
                return Ok(Expr::Compare(name, op, self.literal()?));
            }
        }
        Err(self.syntax())
    }

    fn call(&mut self, name: &str) -> Result<Expr, Refusal> {
        let func = match name {
            "startsWith" | "startswith" => Func::StartsWith,
            "endsWith" | "endswith" => Func::EndsWith,
            "contains" => Func::Contains,
            _ if name.ends_with("/any") || name.ends_with("/all") => {
                return Err(Refusal::unsupported("Unsupported Query."));
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "An unknown function with name '{name}' was found. This may also be a \
                     function import or a key lookup on a navigation property, which is not \
                     allowed."
                )));
            }
        };
        self.expect(&Word::Open)?;
        let path = match self.take() {
            Some(Word::Bare(path)) if is_path(&path) => path,
            _ => {
                self.next -= 1;
                return Err(self.syntax());
            }
        };
        self.expect(&Word::Comma)?;
        let Some(Word::Quoted(text)) = self.take() else {
            self.next -= 1;
            return Err(self.syntax());
        };
        self.expect(&Word::Close)?;
        Ok(Expr::Call(func, path, text))
    }

    fn list(&mut self) -> Result<Vec<Literal>, Refusal> {
        self.expect(&Word::Open)?;
        let mut values = vec![self.literal()?];
        while self.peek() == Some(&Word::Comma) {
            self.next += 1;
            values.push(self.literal()?);
        }
        self.expect(&Word::Close)?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        let begin = self.next;
        match self.take() {
            Some(Word::Quoted(text)) => Ok(Literal::Text(text)),
            Some(Word::Bare(bare)) => bare_literal(&bare).ok_or_else(|| {
                Refusal::invalid(format!(
                    "Could not find a property named '{bare}' on type 'microsoft.graph.user'."
                ))
            }),
            _ => {
                self.next = begin;
                Err(self.syntax())
            }
        }
    }
}

fn bare_literal(bare: &str) -> Option<Literal> {
    match bare {
        "true" => Some(Literal::Flag(true)),
        "false" => Some(Literal::Flag(false)),
        "null" => Some(Literal::Null),
        _ if clock::parse(bare).is_some() => clock::parse(bare).map(Literal::Time),
        _ if bare.parse::<f64>().is_ok() && bare.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(Literal::Number(bare.to_owned()))
        }
        _ => None,
    }
}

fn is_path(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.split('/')
        .all(|part| part.bytes().all(letter) && part.starts_with(|first: char| first.is_ascii_alphabetic()))
}

fn one_or(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    #[test]
    fn precedence_and_quotes() {
        let read = parse("a eq 'O''Brien' or b eq true and not (c eq null)").unwrap();
        let Expr::Or(parts) = read else { panic!() };
        assert_eq!(parts[0], Expr::Compare("a".into(), Op::Eq, Literal::Text("O'Brien".into())));
        let Expr::And(parts) = &parts[1] else { panic!() };
        assert!(matches!(&parts[1], Expr::Not(_)));
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            "",
            "a",
            "a eq",
            "a eq Sales",
            "eq 'x'",
            "a in ()",
            "a in ('x'",
            "(a eq 'x'",
            "a eq 'x') ",
            "a eq 'x",
            "a eq \"x\"",
            "'x' eq a",
            "a EQ 'x'",
            "startsWith(a)",
            "tolower(a) eq 'x'",
            "a eq 'x' and",
            "not",
            "a/any(b:b eq 'x')",
            "a eq 2026-01-01",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let deep = format!("{}a eq 'x'{}", "(".repeat(9999), ")".repeat(9999));
        assert!(parse(&deep).unwrap_err().message.contains("Recursion"));
        assert!(parse(&"not ".repeat(9999)).is_err());
    }

    /// No text makes the reader panic: words thrown together, then letters thrown together.
    #[test]
    fn never_panics() {
        let words = [
            "and",
            "or",
            "not",
            "(",
            ")",
            ",",
            "'",
            "''",
            "'x'",
            "eq",
            "ne",
            "in",
            "city",
            "null",
            "true",
            "1",
            "2026-01-01T00:00:00Z",
            "startsWith",
            "contains",
            " ",
            "é",
            "🦊",
            "/",
            "\"",
            "\u{202e}",
            "a/b",
            "-",
            "T",
            ":",
            "+",
            "%",
            "\0",
        ];
        let mut prng = Prng::new(11);
        for round in 0..40_000 {
            let mut text = String::new();
            for _ in 0..prng.below(14) {
                text.push_str(prng.pick(&words));
                if round % 2 == 0 {
                    text.push(' ');
                }
            }
            let _ = parse(&text);
            let letters: String =
                (0..prng.below(20)).filter_map(|_| char::from_u32(prng.below(0x300) as u32)).collect();
            let _ = parse(&letters);
        }
    }
}
