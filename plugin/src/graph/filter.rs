//! A filter is sent as it was typed. Here it is only read: to refuse what Graph would refuse with words that
//! help nobody, and to see whether it needs an advanced query (`ConsistencyLevel: eventual` and
//! `$count=true`). When unsure: let it pass, and ask advanced.

use crate::bindings::userload::directory::types::SettingProblem;
use crate::error::problem;
use crate::graph::filter_rules::{self as rules, Test};
use crate::graph::filter_words::{Kind, Misfit, Word, misfit, words};

/// Default-mode limits: alternatives, nesting, length of a value
/// (<https://learn.microsoft.com/graph/known-issues>, and the service's own messages).
const ALTERNATIVES: usize = 15;
const DEPTH: usize = 3;
const VALUE_CHARS: usize = 120;

/// Deeper than anybody types; it keeps hostile input from exhausting the stack.
const DEEPEST: usize = 64;

const OPERATORS: &str = "eq, ne, gt, ge, lt, le, in";

/// A filter that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// As it was typed, without blanks around it.
    pub(crate) text: String,
    /// It works as an advanced query only, or may.
    pub(crate) advanced: bool,
    /// It looks at the sign-in activity, which is read in smaller pages.
    pub(crate) sign_in: bool,
}

/// Checks a filter. `Default`, in any case, is what the vendor's page tells people to type for "everybody".
pub(crate) fn check(filter: Option<&str>) -> Result<Option<Filter>, SettingProblem> {
    let text = filter.unwrap_or_default().trim();
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return Ok(None);
    }
    let seen = words(text).and_then(|words| {
        let mut reader = Reader { words: &words, at: 0, depth: 0, seen: Seen::default() };
        reader.whole()?;
        Ok(reader.seen)
    });
    let seen = seen.map_err(|text| problem("filter", text))?;
    if seen.sign_in && seen.comparisons > 1 {
        let text = "Graph combines `signInActivity` with no other property; expected it alone";
        return Err(problem("filter", text));
    }
    let advanced = seen.advanced
        || seen.alternatives > ALTERNATIVES
        || seen.deepest > DEPTH
        || seen.longest > VALUE_CHARS;
    Ok(Some(Filter { text: text.to_owned(), advanced: advanced && !seen.sign_in, sign_in: seen.sign_in }))
}

/// What was met while reading.
#[derive(Default)]
struct Seen {
    advanced: bool,
    sign_in: bool,
    comparisons: usize,
    alternatives: usize,
    deepest: usize,
    longest: usize,
}

struct Reader<'a> {
    words: &'a [Word<'a>],
    at: usize,
    depth: usize,
    seen: Seen,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Word<'a> {
        // The last word is the end, and nobody goes beyond it.
        self.words[self.at.min(self.words.len() - 1)]
    }

    fn next(&mut self) -> Word<'a> {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn expect(&mut self, kind: Kind, what: &str) -> Result<Word<'a>, Misfit> {
        let word = self.next();
        if word.kind == kind {
            Ok(word)
        } else {
            Err(misfit(word.column, format!("expected {what}, {}", word.found())))
        }
    }

    fn whole(&mut self) -> Result<(), Misfit> {
        self.expression()?;
        self.expect(Kind::End, "`and`, `or` or the end").map(|_| ())
    }

    fn expression(&mut self) -> Result<(), Misfit> {
        self.depth += 1;
        self.seen.deepest = self.seen.deepest.max(self.depth);
        if self.depth > DEEPEST {
            return Err(misfit(self.peek().column, "nested too deeply"));
        }
        loop {
            self.term()?;
            let word = self.peek();
            if word.is("or") {
                self.seen.alternatives += 1;
            } else if !word.is("and") {
                break;
            }
            self.at += 1;
        }
        self.depth -= 1;
        Ok(())
    }

    fn term(&mut self) -> Result<(), Misfit> {
        while self.peek().is("not") {
            self.seen.advanced = true;
            self.at += 1;
        }
        let word = self.next();
        match word.kind {
            Kind::Open => {
                self.expression()?;
                self.expect(Kind::Close, "`)`").map(|_| ())
            }
            Kind::Name if self.peek().kind == Kind::Open && !self.operator_follows(word) => self.call(word),
            Kind::Name => self.comparison(word),
            _ => Err(misfit(
                word.column,
                format!("expected a property such as `department`, {}", word.found()),
            )),
        }
    }

    /// `in(` without a blank is an operator, not a function, but it cannot stand first.
    fn operator_follows(&self, word: Word<'_>) -> bool {
        word.is("in")
    }

    /// `startsWith(property, 'x')`, or a lambda: `property/any(x:x eq 'y')`.
    fn call(&mut self, name: Word<'a>) -> Result<(), Misfit> {
        self.expect(Kind::Open, "`(`")?;
        let (path, function) = name.text.rsplit_once('/').unwrap_or(("", name.text));
        let function = function.to_ascii_lowercase();
        match function.as_str() {
            "contains" | "substringof" => {
                let text = format!(
                    "Graph does not filter users by `{function}`; expected `startsWith(PROPERTY, 'x')`, \
                     `endsWith` (mail and userPrincipalName) or `eq`"
                );
                return Err(misfit(name.column, text));
            }
            "startswith" | "endswith" => {
                let property = self.expect(Kind::Name, "a property")?;
                self.expect(Kind::Comma, "`,`")?;
                let value = self.expect(Kind::Quoted, "a text in single quotes")?;
                let test = match function.as_str() {
                    "startswith" => Test::StartsWith,
                    _ => Test::Other,
                };
                self.compared(property, test)?;
                self.value_length(value);
                self.expect(Kind::Close, "`)`")?;
            }
            "any" if !path.is_empty() => {
                self.seen.advanced = true;
                if self.peek().kind != Kind::Close {
                    self.expect(Kind::Name, "a name such as `x`")?;
                    self.expect(Kind::Colon, "`:`")?;
                    self.expression()?;
                }
                self.expect(Kind::Close, "`)`")?;
                return Ok(());
            }
            "all" if !path.is_empty() => {
                let text = "Graph filters users by no `all`; expected `any`";
                return Err(misfit(name.column, text));
            }
            _ => {
                // A function that we do not know: Graph may.
                self.seen.advanced = true;
                self.skip_to_close();
            }
        }
        // `startsWith(x, 'y') eq true` is legal.
        if self.peek().is("eq") || self.peek().is("ne") {
            self.seen.advanced = true;
            self.at += 1;
            self.expect(Kind::Name, "`true` or `false`")?;
        }
        Ok(())
    }

    /// Parentheses are balanced: `words` saw to it.
    fn skip_to_close(&mut self) {
        let mut open = 1;
        while open > 0 && self.peek().kind != Kind::End {
            match self.next().kind {
                Kind::Open => open += 1,
                Kind::Close => open -= 1,
                _ => {}
            }
        }
    }

    fn comparison(&mut self, property: Word<'a>) -> Result<(), Misfit> {
        let operator = self.next();
        let name = operator.text.to_ascii_lowercase();
        let test = match name.as_str() {
            "eq" => Test::Equal,
            "in" => return self.list(property),
            "ge" | "le" => Test::Bound,
            "ne" | "gt" | "lt" | "has" => Test::Other,
            _ => {
                let hint = match name.as_str() {
                    "=" | "==" | "is" | "equals" => "; `eq` is equal",
                    "!=" | "<>" => "; `ne` is unequal",
                    "contains" | "like" => "; there is `startsWith(PROPERTY, 'x')`",
                    "startswith" | "endswith" => "; it is written `startsWith(PROPERTY, 'x')`",
                    _ => "",
                };
                let at = format!("expected an operator ({OPERATORS}) behind `{}`", property.text);
                return Err(misfit(operator.column, format!("{at}, {}{hint}", operator.found())));
            }
        };
        let value = self.value(property)?;
        let test = if value.is("null") { Test::Other } else { test };
        self.compared(property, test)
    }

    fn list(&mut self, property: Word<'a>) -> Result<(), Misfit> {
        self.expect(Kind::Open, "`(` and the values behind `in`")?;
        loop {
            let value = self.value(property)?;
            self.seen.advanced |= value.is("null");
            self.seen.alternatives += 1;
            let word = self.next();
            match word.kind {
                Kind::Comma => {}
                Kind::Close => break,
                _ => {
                    let text = format!("expected `,` or `)`, {}", word.found());
                    return Err(misfit(word.column, text));
                }
            }
        }
        self.compared(property, Test::In)
    }

    fn value(&mut self, property: Word<'a>) -> Result<Word<'a>, Misfit> {
        let word = self.next();
        match word.kind {
            Kind::Quoted => {
                let inside = word.inside().to_ascii_lowercase();
                if rules::is_flag(property.text) && (inside == "true" || inside == "false") {
                    let text = format!("expected `{inside}` without quotes, {}", word.found());
                    return Err(misfit(word.column, text));
                }
                self.value_length(word);
            }
            Kind::Name if !["and", "or", "not"].iter().any(|k| word.is(k)) => {
                // The rest of a time: `2024-01-01T00:00:00Z` has colons.
                while self.peek().kind == Kind::Colon {
                    self.at += 1;
                    self.expect(Kind::Name, "the rest of a time")?;
                }
            }
            _ => {
                let text = format!(
                    "expected a value: a text in single quotes, a number, a time, `true`, `false` or \
                     `null`, {}",
                    word.found()
                );
                return Err(misfit(word.column, text));
            }
        }
        Ok(word)
    }

    fn value_length(&mut self, value: Word<'_>) {
        self.seen.longest = self.seen.longest.max(value.inside().chars().count());
    }

    fn compared(&mut self, property: Word<'_>, test: Test) -> Result<(), Misfit> {
        if rules::never(property.text) {
            let text = format!("Graph does not filter users by `{}`", property.text);
            return Err(misfit(property.column, text));
        }
        self.seen.comparisons += 1;
        self.seen.sign_in |= rules::of_sign_in(property.text);
        self.seen.advanced |= !rules::by_default(property.text, test);
        Ok(())
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
