//! Whether Graph takes a comparison: the property, the operator, the type of the value.

use std::ops::Range;

use crate::graph::filter_expr::{Function, Operator, Quoted, Value};
use crate::graph::filter_fields::{Holds, holds};
use crate::graph::filter_note::{Note, Notes};
use crate::graph::filter_rules as rules;
use crate::graph::filter_words::Word;
use crate::time::rfc3339;

/// Judges while a filter is read.
pub(super) struct Judge<'n> {
    pub(super) notes: &'n mut Notes,
    /// Something was met that may need an advanced query.
    pub(super) unsure: bool,
}

impl Judge<'_> {
    /// Something that is only passed on was met.
    pub(super) fn opaque(&mut self) {
        self.unsure = true;
    }

    /// Notes a property that cannot be filtered. False when it cannot.
    fn filterable(&mut self, property: &str, span: Range<usize>) -> bool {
        if let Some(instead) = rules::never(property) {
            let text = format!("Graph does not filter users by `{property}`: {instead}");
            self.notes.add(Note::refused(span, text));
            return false;
        }
        if holds(property) == Holds::Parts && !property.contains('/') {
            let text = match property {
                "signInActivity" => {
                    "expected one of its parts, such as `signInActivity/lastSignInDateTime`".to_owned()
                }
                "onPremisesExtensionAttributes" => {
                    "expected one of its parts, such as `onPremisesExtensionAttributes/extensionAttribute1`"
                        .to_owned()
                }
                _ => format!(
                    "`{property}` holds a list: expected `{property}/any(x:x eq 'value')`, or `/$count`"
                ),
            };
            self.notes.add(Note::refused(span, text));
            return false;
        }
        true
    }

    /// Judges `property operator value`; gives back the operator that is meant.
    pub(super) fn comparison(
        &mut self,
        property: &str,
        span: Range<usize>,
        operator: Operator,
        at: Range<usize>,
        value: &Value,
    ) -> Operator {
        if !self.filterable(property, span) {
            return operator;
        }
        let kind = holds(property);
        let (instead, name) = match operator {
            Operator::Gt => (Operator::Ge, "gt"),
            Operator::Lt => (Operator::Le, "lt"),
            _ => (operator, ""),
        };
        if instead != operator && matches!(kind, Holds::Text | Holds::Time | Holds::Flag) {
            let text = format!("Graph filters users by no `{name}`; `{}` is the nearest", instead.name());
            self.notes.add(Note::refused(at, text).edit_here(instead.name()));
            return instead;
        }
        if kind == Holds::Flag && matches!(operator, Operator::Ge | Operator::Le | Operator::Has) {
            let text = format!("`{property}` is true or false: expected `eq` or `ne`");
            self.notes.add(Note::refused(at, text));
        } else if property == "passwordPolicies" && *value != Value::Null && operator == Operator::Eq {
            let text = "Graph filters `passwordPolicies` by `ne` and `null` only; there is `only-if`, after the fetch";
            self.notes.add(Note::suspicious(at, text));
        }
        operator
    }

    pub(super) fn list(&mut self, property: &str, span: Range<usize>, values: &[Value]) {
        let there = self.filterable(property, span.clone());
        if there && values.contains(&Value::Null) {
            let text = format!("Graph may refuse `null` in a list; `{property} eq null` stands for itself");
            self.notes.add(Note::suspicious(span, text));
        }
    }

    pub(super) fn function(&mut self, function: Function, property: &str, span: Range<usize>) {
        if !self.filterable(property, span.clone()) {
            return;
        }
        let kind = holds(property);
        if matches!(kind, Holds::Flag | Holds::Time) {
            let text = format!("`{property}` is no text: `{}` does not fit it", function.name());
            self.notes.add(Note::refused(span, text));
        } else if function == Function::EndsWith && kind == Holds::Text && !rules::takes_ends_with(property) {
            let text = format!(
                "Graph knows `endsWith` for mail, otherMails, proxyAddresses and userPrincipalName, not for \
                 `{property}`; there is `only-if`, after the fetch"
            );
            self.notes.add(Note::refused(span, text));
        }
    }

    /// A text in quotes, which may be no text.
    pub(super) fn quoted(&mut self, property: &str, word: &Word<'_>) -> Value {
        let inside = word.inside.trim();
        let plain = inside.to_ascii_lowercase();
        match holds(property) {
            Holds::Flag if plain == "true" || plain == "false" => {
                self.unquote(word, &plain);
                Value::Flag(plain == "true")
            }
            Holds::Flag => {
                let text = format!("`{property}` is true or false, {}", word.found());
                let note = Note::refused(word.span(), text);
                let meant = flag(&plain);
                self.notes.add(match meant {
                    Some(meant) => note.edit_here(meant),
                    None => note,
                });
                Value::Flag(meant != Some("false"))
            }
            Holds::Time => {
                let whole = if is_date(inside) { format!("{inside}T00:00:00Z") } else { inside.to_owned() };
                if rfc3339(&whole).is_some() {
                    self.unquote(word, &whole);
                } else {
                    let text = format!(
                        "`{property}` is a time: expected one such as `2026-01-31T00:00:00Z`, {}",
                        word.found()
                    );
                    self.notes.add(Note::refused(word.span(), text));
                }
                Value::Bare(whole)
            }
            _ => {
                if plain == "null" {
                    let text = "`'null'` is a text of four letters; `null` without quotes is no value";
                    self.notes.add(Note::suspicious(word.span(), text));
                } else if word.inside != inside {
                    let text = "a value with a blank at its beginning or end";
                    self.notes.add(Note::suspicious(word.span(), text));
                }
                Value::Text(word.inside.clone())
            }
        }
    }

    fn unquote(&mut self, word: &Word<'_>, value: &str) {
        let text = format!("expected `{value}` without quotes, {}", word.found());
        // Quotes of the wrong kind are told by this, too.
        self.notes.0.retain(|note| note.span != word.span());
        self.notes.add(Note::refused(word.span(), text).edit_here(value));
    }

    /// A value without quotes that is none of `true`, `false` and `null`.
    pub(super) fn bare(&mut self, property: &str, typed: &str, span: Range<usize>) -> Value {
        let found = format!("found `{typed}`");
        match holds(property) {
            Holds::Text => {
                let text = format!("expected a text in single quotes, {found}");
                self.notes.add(Note::refused(span, text).edit_here(&Quoted(typed).to_string()));
                Value::Text(typed.to_owned())
            }
            Holds::Flag => {
                let folded = typed.to_ascii_lowercase();
                let near = |word: &&str| strsim::damerau_levenshtein(word, &folded) <= 1;
                let meant = flag(&folded).or_else(|| ["true", "false"].into_iter().find(near));
                let note = Note::refused(span, format!("`{property}` is true or false, {found}"));
                self.notes.add(match meant {
                    Some(flag) => note.edit_here(flag),
                    None => note,
                });
                Value::Flag(meant != Some("false"))
            }
            Holds::Time if is_date(typed) => {
                let whole = format!("{typed}T00:00:00Z");
                let text = format!("a time without its hours may be refused; `{whole}` is the whole of it");
                self.notes.add(Note::suspicious(span, text));
                Value::Bare(typed.to_owned())
            }
            Holds::Time if rfc3339(typed).is_none() => {
                let text =
                    format!("`{property}` is a time: expected one such as `2026-01-31T00:00:00Z`, {found}");
                self.notes.add(Note::refused(span, text));
                Value::Bare(typed.to_owned())
            }
            _ => Value::Bare(typed.to_owned()),
        }
    }
}

/// A flag in other words, in lower case.
fn flag(word: &str) -> Option<&'static str> {
    match word {
        "1" | "yes" | "y" | "on" | "enabled" => Some("true"),
        "0" | "no" | "n" | "off" | "disabled" => Some("false"),
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    rfc3339(&format!("{text}T00:00:00Z")).is_some()
}
