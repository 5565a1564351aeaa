//! Words to a tree. What is surely meant is read as it was meant, and noted with what to write instead; what
//! cannot be gone on from ends the reading.

use std::ops::Range;

use crate::graph::filter_expr::{Expr, Function};
use crate::graph::filter_fields::{Named, label_of, named};
use crate::graph::filter_judge::Judge;
use crate::graph::filter_note::{Note, Notes};
use crate::graph::filter_words::{Kind, Word, words};
use crate::manifest::SYNC_TIME;

/// Deeper than anybody types; it keeps hostile input from exhausting the stack.
const DEEPEST: usize = 64;

const STAMP: &str = "Connector Sync Time is set by userload: Graph has none";

/// The reading ended; the last note says why.
#[derive(Debug)]
pub(super) struct Stopped;

pub(super) type Read<T> = Result<T, Stopped>;

/// Reads a filter. None when the reading ended early.
pub(crate) fn parse(filter: &str, notes: &mut Notes) -> Option<Parsed> {
    let words = words(filter, notes)?;
    let judge = Judge { notes, unsure: false };
    let mut parser = Parser { filter, words: &words, at: 0, depth: 0, deepest: 0, lambda: 0, judge };
    let expr = parser.whole().ok()?;
    Some(Parsed { expr, unsure: parser.judge.unsure, brackets: parser.deepest })
}

/// What was read.
pub(crate) struct Parsed {
    pub(crate) expr: Expr,
    /// Something in it may need an advanced query for reasons that the tree does not tell.
    pub(crate) unsure: bool,
    /// How deep brackets stand in each other.
    pub(crate) brackets: usize,
}

pub(super) struct Parser<'a, 'n> {
    pub(super) filter: &'a str,
    pub(super) words: &'a [Word<'a>],
    pub(super) at: usize,
    depth: usize,
    deepest: usize,
    /// Inside of so many lambdas: their properties are those of another type.
    pub(super) lambda: usize,
    pub(super) judge: Judge<'n>,
}

impl<'a> Parser<'a, '_> {
    pub(super) fn peek(&self) -> &'a Word<'a> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> &'a Word<'a> {
        // The last word is the end, and nobody goes beyond it.
        &self.words[(self.at + by).min(self.words.len() - 1)]
    }

    pub(super) fn next(&mut self) -> &'a Word<'a> {
        let word = self.peek();
        self.at += 1;
        word
    }

    pub(super) fn note(&mut self, note: Note) {
        self.judge.notes.add(note);
    }

    pub(super) fn stop<T>(&mut self, span: Range<usize>, text: impl Into<String>) -> Read<T> {
        self.note(Note::refused(span, text));
        Err(Stopped)
    }

    pub(super) fn expect(&mut self, kind: Kind, what: &str) -> Read<&'a Word<'a>> {
        let word = self.next();
        if word.kind == kind {
            return Ok(word);
        }
        self.stop(word.span(), format!("expected {what}, {}", word.found()))
    }

    fn whole(&mut self) -> Read<Expr> {
        let expr = self.either()?;
        self.expect(Kind::End, "`and`, `or` or the end")?;
        Ok(expr)
    }

    /// `and` and `or`, however they are spelt. The word is consumed.
    fn joint(&mut self, name: &str, symbols: &[&str]) -> bool {
        let word = self.peek();
        let symbol = word.kind == Kind::Symbol && symbols.contains(&word.text);
        if !symbol && !word.is(name) {
            return false;
        }
        self.at += 1;
        if symbol {
            let text = format!("expected `{name}`, {}", word.found());
            let blank = |before: bool| if before { " " } else { "" };
            let (start, end) = (word.start, word.start + word.text.len());
            let tight = |at: &str| !at.starts_with(char::is_whitespace) && !at.is_empty();
            let behind = tight(&self.filter[end..]);
            let before = !self.filter[..start].ends_with(char::is_whitespace);
            let with = format!("{}{name}{}", blank(before), blank(behind));
            self.note(Note::refused(word.span(), text).edit(word.span(), &with));
        } else if word.text != name {
            self.spelt(word, name);
        }
        true
    }

    /// A keyword in another case is written as it should be.
    pub(super) fn spelt(&mut self, word: &Word<'_>, name: &str) {
        let text = format!("`{name}` is written so");
        self.note(Note::corrected(word.span(), text).edit(word.span(), name));
    }

    fn either(&mut self) -> Read<Expr> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > DEEPEST {
            return self.stop(self.peek().span(), "nested too deeply");
        }
        let mut parts = vec![self.both()?];
        while self.joint("or", &["||", "|"]) {
            parts.push(self.both()?);
        }
        self.depth -= 1;
        Ok(if parts.len() > 1 { Expr::Any(flat(parts, true)) } else { parts.remove(0) })
    }

    fn both(&mut self) -> Read<Expr> {
        let mut parts = vec![self.term()?];
        while self.joint("and", &["&&", "&"]) {
            parts.push(self.term()?);
        }
        Ok(if parts.len() > 1 { Expr::All(flat(parts, false)) } else { parts.remove(0) })
    }

    fn term(&mut self) -> Read<Expr> {
        let mut nots = 0;
        loop {
            let word = self.peek();
            if word.is("not") {
                if word.text != "not" {
                    self.spelt(word, "not");
                }
            } else if word.kind == Kind::Symbol && word.text == "!" {
                let text = format!("expected `not`, {}", word.found());
                self.note(Note::refused(word.span(), text).edit(word.span(), "not "));
            } else {
                break;
            }
            self.at += 1;
            nots += 1;
        }
        let mut expr = self.plain_term()?;
        for _ in 0..nots {
            expr = Expr::Not(Box::new(expr));
            if nots > DEEPEST {
                return self.stop(self.peek().span(), "nested too deeply");
            }
        }
        Ok(expr)
    }

    fn plain_term(&mut self) -> Read<Expr> {
        let word = self.peek();
        match word.kind {
            Kind::Open => {
                self.at += 1;
                let expr = self.either()?;
                self.expect(Kind::Close, "`)`")?;
                Ok(expr)
            }
            // `in(` without a blank is an operator, but it cannot stand first.
            Kind::Name if self.ahead(1).kind == Kind::Open && !word.is("in") => self.call(),
            Kind::Name => self.comparison(),
            _ => {
                self.stop(word.span(), format!("expected a property such as `department`, {}", word.found()))
            }
        }
    }

    /// A property by its name or label; labels may have several words.
    pub(super) fn property(&mut self) -> Read<(String, Range<usize>)> {
        let first = self.expect(Kind::Name, "a property such as `department`")?;
        if self.lambda > 0 {
            return Ok((first.text.to_owned(), first.span()));
        }
        for more in (1..=4).rev() {
            let words: Vec<&Word<'_>> = (0..=more).map(|n| self.ahead(n)).take(more).collect();
            if words.iter().any(|word| word.kind != Kind::Name) {
                continue;
            }
            let texts: Vec<&str> =
                std::iter::once(first.text).chain(words.iter().map(|it| it.text)).collect();
            let Some(property) = label_of(&texts) else { continue };
            let span = first.start..words[more - 1].span().end;
            if property == SYNC_TIME {
                return self.stop(span, STAMP);
            }
            self.at += more;
            return Ok((self.known(property, span.clone(), &texts.join(" ")), span));
        }
        let (head, rest) = first
            .text
            .split_once('/')
            .map_or((first.text, ""), |(head, _)| (head, &first.text[head.len()..]));
        let span = first.start..first.start + head.len();
        let name = match named(head) {
            Named::Property(property) => self.known(property, span, head),
            Named::Stamp => return self.stop(span, STAMP),
            Named::Slip(property) => {
                let text = format!("users have no `{head}`; did you mean `{property}`?");
                self.note(Note::refused(span.clone(), text).edit(span, property));
                property.to_owned()
            }
            Named::Perhaps => {
                if let Some(with) = with_slashes(head) {
                    let text = format!("a part of a property stands behind `/` here: `{with}`");
                    self.note(Note::corrected(span.clone(), text).edit(span, &with));
                    return Ok((format!("{with}{rest}"), first.span()));
                }
                if !head.starts_with("ext") {
                    let text = format!("`{head}` is no property of users that is known here");
                    self.note(Note::suspicious(span, text));
                }
                head.to_owned()
            }
        };
        Ok((format!("{name}{rest}"), first.span()))
    }

    /// Notes a label, or another case.
    fn known(&mut self, property: &str, span: Range<usize>, typed: &str) -> String {
        if property != typed {
            let text = format!("`{typed}` is `{property}` at the source");
            self.note(Note::corrected(span.clone(), text).edit(span, property));
        }
        property.to_owned()
    }

    /// `startsWith(property, 'x')`, or a lambda: `property/any(x:x eq 'y')`.
    fn call(&mut self) -> Read<Expr> {
        let name = self.next();
        let start = name.start;
        self.expect(Kind::Open, "`(`")?;
        let (path, function) = name.text.rsplit_once('/').unwrap_or(("", name.text));
        match function.to_ascii_lowercase().as_str() {
            "contains" | "substringof" if path.is_empty() => {
                let text = format!(
                    "Graph does not filter users by `{function}`; there is `startsWith(PROPERTY, 'x')`, and \
                     after the fetch `only-if`"
                );
                let note = Note::refused(name.span(), text);
                // `substringof('x', property)` has them the other way round: nothing is proposed.
                let fixed = function.eq_ignore_ascii_case("contains");
                self.note(if fixed { note.edit(name.span(), "startsWith") } else { note });
                if fixed { self.function(Function::StartsWith) } else { Err(Stopped) }
            }
            "startswith" if path.is_empty() => self.function(Function::StartsWith),
            "endswith" if path.is_empty() => self.function(Function::EndsWith),
            "any" if !path.is_empty() => self.lambda(start),
            "all" if !path.is_empty() => {
                self.stop(name.span(), "Graph filters users by no `all`; expected `any`")
            }
            _ => {
                // A function that we do not know: Graph may.
                self.judge.opaque();
                let mut open = 1;
                while open > 0 && self.peek().kind != Kind::End {
                    match self.next().kind {
                        Kind::Open => open += 1,
                        Kind::Close => open -= 1,
                        _ => {}
                    }
                }
                let text = self.text_from(start);
                self.equals_flag(Expr::Opaque(text))
            }
        }
    }

    /// The text from a place to the last word that was read.
    fn text_from(&self, start: usize) -> String {
        let end = self.words[self.at.min(self.words.len()) - 1].span().end;
        self.filter[start..end.max(start)].to_owned()
    }

    fn function(&mut self, function: Function) -> Read<Expr> {
        let (property, span) = self.property()?;
        self.expect(Kind::Comma, "`,`")?;
        let value = self.expect(Kind::Quoted, "a text in single quotes")?;
        self.expect(Kind::Close, "`)`")?;
        if self.lambda == 0 {
            self.judge.function(function, &property, span);
        }
        self.equals_flag(Expr::Function { function, property, text: value.inside.clone() })
    }

    /// `startsWith(x, 'y') eq true` is legal.
    fn equals_flag(&mut self, expr: Expr) -> Read<Expr> {
        let equal = self.peek().is("eq");
        if !equal && !self.peek().is("ne") {
            return Ok(expr);
        }
        self.judge.opaque();
        self.at += 1;
        let word = self.expect(Kind::Name, "`true` or `false`")?;
        if word.is("true") || word.is("false") {
            let as_it_is = word.is("true") == equal;
            return Ok(if as_it_is { expr } else { Expr::Not(Box::new(expr)) });
        }
        if matches!(expr, Expr::Opaque(_)) {
            // A function that gives no flag: nothing is known of it.
            let Expr::Opaque(text) = expr else { return Err(Stopped) };
            let operator = if equal { "eq" } else { "ne" };
            return Ok(Expr::Opaque(format!("{text} {operator} {}", word.text)));
        }
        self.stop(word.span(), format!("expected `true` or `false`, {}", word.found()))
    }

    fn lambda(&mut self, start: usize) -> Read<Expr> {
        self.judge.opaque();
        if self.peek().kind != Kind::Close {
            self.expect(Kind::Name, "a name such as `x`")?;
            self.expect(Kind::Colon, "`:`")?;
            self.lambda += 1;
            self.either()?;
            self.lambda -= 1;
        }
        self.expect(Kind::Close, "`)`")?;
        Ok(Expr::Opaque(self.text_from(start)))
    }
}

/// `property.part`, as a mapping writes it: with the property as it is spelled, and `/`.
fn with_slashes(name: &str) -> Option<String> {
    let (head, rest) = name.split_once('.')?;
    match named(head) {
        Named::Property(property) => Some(format!("{property}/{}", rest.replace('.', "/"))),
        _ => None,
    }
}

/// Parts of the same kind are one list.
fn flat(parts: Vec<Expr>, any: bool) -> Vec<Expr> {
    let mut all = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Expr::Any(inner) if any => all.extend(inner),
            Expr::All(inner) if !any => all.extend(inner),
            other => all.push(other),
        }
    }
    all
}
