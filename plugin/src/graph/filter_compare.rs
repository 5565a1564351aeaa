//! Comparisons and their values, with what people write instead of them.

use std::ops::Range;

use crate::graph::filter_expr::{Expr, Function, Operator, Quoted, Value};
use crate::graph::filter_note::Note;
use crate::graph::filter_parse::{Parser, Read};
use crate::graph::filter_words::{Kind, Word};

const OPERATORS: &str = "eq, ne, ge, le, in";

/// What people write for an operator, and what it is called.
const ALIASES: [(&str, &str); 16] = [
    ("=", "eq"),
    ("==", "eq"),
    ("===", "eq"),
    ("is", "eq"),
    ("equal", "eq"),
    ("equals", "eq"),
    ("-eq", "eq"),
    ("!=", "ne"),
    ("<>", "ne"),
    ("-ne", "ne"),
    (">", "ge"),
    (">=", "ge"),
    ("-in", "in"),
    ("<", "le"),
    ("<=", "le"),
    ("=<", "le"),
];

impl Parser<'_, '_> {
    pub(super) fn comparison(&mut self) -> Read<Expr> {
        let (property, span) = self.property()?;
        let word = self.next();
        let typed = word.text.to_ascii_lowercase();
        if matches!(typed.as_str(), "contains" | "like" | "startswith" | "endswith" | "-like")
            && word.kind == Kind::Name
        {
            return self.infix(&property, span, word, &typed);
        }
        let spelt = matches!(word.kind, Kind::Name | Kind::Symbol);
        let alias = ALIASES.iter().find(|(alias, _)| spelt && *alias == typed).map(|(_, name)| *name);
        let known = |name: &str| Operator::of(name).is_some() || name == "in";
        let near = || {
            let near = |it: &&str| strsim::damerau_levenshtein(it, &typed) <= 1;
            (word.kind == Kind::Name && typed.len() > 1)
                .then(|| ["eq", "ne", "ge", "le", "in"].into_iter().find(near))
                .flatten()
        };
        let name = if word.kind == Kind::Name && known(&typed) {
            if word.text != typed {
                self.spelt(word, &typed);
            }
            typed.clone()
        } else if let Some(name) = alias.or_else(near) {
            let text = format!(
                "expected an operator ({OPERATORS}) behind `{property}`, {}; `{name}` is it",
                word.found()
            );
            // `=` may stand without blanks around it.
            self.note(Note::refused(word.span(), text).edit(word.span(), &self.spaced(word, name)));
            name.to_owned()
        } else {
            let text = format!("expected an operator ({OPERATORS}) behind `{property}`, {}", word.found());
            return self.stop(word.span(), text);
        };
        let Some(operator) = Operator::of(&name) else { return self.list(property, span) };
        let value = self.value(&property)?;
        if self.lambda == 0 {
            let operator = self.judge.comparison(&property, span, operator, word.span(), &value);
            return Ok(Expr::Compare { property, operator, value });
        }
        Ok(Expr::Compare { property, operator, value })
    }

    fn spaced(&self, word: &Word<'_>, name: &str) -> String {
        let before = self.filter[..word.start].chars().next_back();
        let behind = self.filter[word.span().end..].chars().next();
        let blank = |next: Option<char>| if next.is_none_or(char::is_whitespace) { "" } else { " " };
        format!("{}{name}{}", blank(before), blank(behind))
    }

    /// `displayName contains 'x'`: a function written as an operator.
    fn infix(&mut self, property: &str, span: Range<usize>, word: &Word<'_>, typed: &str) -> Read<Expr> {
        let function = if typed == "endswith" { Function::EndsWith } else { Function::StartsWith };
        let text = match typed {
            "startswith" | "endswith" => {
                format!("it is written `{}({property}, 'x')`", function.name())
            }
            _ => format!(
                "expected an operator ({OPERATORS}) behind `{property}`, {}; Graph does not filter users by \
                 `contains`: there is `startsWith({property}, 'x')`, and after the fetch `only-if`",
                word.found()
            ),
        };
        let value = self.peek();
        if value.kind != Kind::Quoted {
            return self.stop(word.span(), text);
        }
        self.at += 1;
        // The label or quotes inside may have remedies of their own: this one stands for all of them.
        let whole = span.start..value.span().end;
        self.judge.notes.0.retain(|note| note.span.start < whole.start || note.span.end > whole.end);
        let inside = value.inside.trim_matches(['%', '*']).to_owned();
        let with = format!("{}({property},{})", function.name(), Quoted(&inside));
        self.note(Note::refused(word.span(), text).edit(whole, &with));
        self.judge.function(function, property, span);
        Ok(Expr::Function { function, property: property.to_owned(), text: inside })
    }

    fn list(&mut self, property: String, span: Range<usize>) -> Read<Expr> {
        let word = self.peek();
        if word.kind == Kind::Quoted {
            // `department in 'HR'`, or `in 'HR', 'IT'`.
            let mut values = Vec::new();
            let start = word.start;
            loop {
                values.push(self.value(&property)?);
                if self.peek().kind != Kind::Comma || self.ahead(1).kind != Kind::Quoted {
                    break;
                }
                self.at += 1;
            }
            let end = self.words[self.at - 1].span().end;
            let text = format!("expected `(` and the values behind `in`, {}", word.found());
            self.note(Note::refused(word.span(), text).edit(start..start, "("));
            self.note(Note::refused(end..end, "expected `)` behind the values").edit(end..end, ")"));
            self.judge.list(&property, span, &values);
            return Ok(Expr::In { property, values });
        }
        self.expect(Kind::Open, "`(` and the values behind `in`")?;
        let mut values = Vec::new();
        loop {
            values.push(self.value(&property)?);
            let word = self.next();
            match word.kind {
                Kind::Comma if self.peek().kind == Kind::Close => {
                    self.at += 1;
                    let text = "a `,` behind the last value";
                    self.note(Note::refused(word.span(), text).edit(word.span(), ""));
                    break;
                }
                Kind::Comma => {}
                Kind::Close => break,
                Kind::Quoted => {
                    self.at -= 1;
                    let text = format!("expected `,` or `)`, {}", word.found());
                    // Behind the value before it.
                    let end = self.words[self.at - 1].span().end;
                    self.note(Note::refused(word.span(), text).edit(end..end, ","));
                }
                _ => return self.stop(word.span(), format!("expected `,` or `)`, {}", word.found())),
            }
        }
        if self.lambda == 0 {
            self.judge.list(&property, span, &values);
        }
        Ok(Expr::In { property, values })
    }

    fn value(&mut self, property: &str) -> Read<Value> {
        let word = self.next();
        let keyword = ["and", "or", "not"].iter().any(|it| word.is(it));
        if word.kind == Kind::Quoted {
            return Ok(if self.lambda > 0 {
                Value::Text(word.inside.clone())
            } else {
                self.judge.quoted(property, word)
            });
        }
        if word.kind != Kind::Name || keyword {
            let text = format!(
                "expected a value: a text in single quotes, a number, a time, `true`, `false` or `null`, {}",
                word.found()
            );
            return self.stop(word.span(), text);
        }
        // The rest of a time: `2024-01-01T00:00:00Z` has colons.
        while self.peek().kind == Kind::Colon {
            self.at += 1;
            self.expect(Kind::Name, "the rest of a time")?;
        }
        let end = self.words[self.at - 1].span().end;
        let typed = &self.filter[word.start..end];
        match typed.to_ascii_lowercase().as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            _ if self.lambda > 0 => Ok(Value::Bare(typed.to_owned())),
            _ => Ok(self.judge.bare(property, typed, word.start..end)),
        }
    }
}
