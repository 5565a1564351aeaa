//! Expressions: the language of Jinja without its templates. A text goes in, a typed value comes out; nothing
//! is ever rendered to text and read again, so that a value which is passed on arrives as it was sent.
//!
//! There is no file, clock or random number to be had, and fuel bounds what one evaluation may cost.

mod functions;
mod scan;
mod slip;
mod values;

use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, Value};
use minijinja::{Environment, ErrorKind, Expression, UndefinedBehavior};

use super::near::nearest;
use super::work::Work;
use crate::json::shorten;
use values::from_value;
pub(super) use values::to_value;

/// Longer expressions belong into a converter or into a table.
const MOST_TEXT: usize = 4096;

/// Steps and bytes that one evaluation may cost, in the engine's measure: about 10,000 steps, or half a
/// megabyte of text.
const FUEL: u64 = 10_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    functions::register(&mut environment);
    environment
});

/// An expression that is ready.
pub(super) struct Compiled {
    text: String,
    expression: Expression<'static, 'static>,
    /// Names that it reads, sorted.
    roots: Vec<Arc<str>>,
    /// It compares, so that a number which is carried as its digits could be compared wrongly.
    compares: bool,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Compiled").field(&self.text).finish()
    }
}

/// What is wrong with an expression.
#[derive(Debug)]
pub(super) struct Refused {
    /// Where, in bytes of its text.
    pub(super) offset: u32,
    pub(super) problem: String,
    pub(super) help: Option<String>,
}

impl Compiled {
    /// Reads an expression; also one in the braces that templates have around it. All unknown names at once.
    pub(super) fn new(text: &str) -> Result<Self, Vec<Refused>> {
        let one = |offset: usize, problem: String, help: Option<String>| {
            vec![Refused { offset: u32::try_from(offset).unwrap_or(u32::MAX), problem, help }]
        };
        if text.len() > MOST_TEXT {
            let what = format!("the expression has {} bytes, more than {MOST_TEXT}", text.len());
            return Err(one(0, what, None));
        }
        let inner = text.trim().strip_prefix("{{").and_then(|it| it.strip_suffix("}}")).unwrap_or(text);
        let start = text.find(inner).unwrap_or(0);
        if inner.trim().is_empty() {
            return Err(one(0, "the expression is empty".to_owned(), None));
        }
        let expression = ENVIRONMENT.compile_expression_owned(inner.to_owned()).map_err(|error| {
            let offset = error.range().map_or(0, |range| range.start);
            if inner.contains("{%") || inner.contains("{{") {
                let help = "an expression is no template: leave `{{ }}` and `{% %}` out";
                return one(start + offset, words(&error), Some(help.to_owned()));
            }
            match slip::of_another_language(inner) {
                Some(slip) => {
                    let help = format!("write `{}` for `{}`", slip.instead, slip.found);
                    one(start + slip.offset, words(&error), Some(help))
                }
                None => one(start + offset, words(&error), None),
            }
        })?;
        let scan = scan::scan(inner);
        let mut faults = Vec::new();
        for (offset, kind, name) in scan.names {
            let known = functions::names(kind);
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{}: {}", kind.plural(), known.join(", ")),
            };
            faults.extend(one(
                start + offset,
                format!("there is no {} `{name}`", kind.singular()),
                Some(help),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let functions = functions::names(scan::Kind::Function);
        let mut roots: Vec<Arc<str>> = expression
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !functions.contains(&name.as_str()))
            .map(Arc::from)
            .collect();
        roots.sort_unstable();
        Ok(Self { text: inner.trim().to_owned(), expression, roots, compares: scan.compares })
    }

    /// The names that it reads: properties of the source, or fields.
    pub(super) fn roots(&self) -> &[Arc<str>] {
        &self.roots
    }

    /// Where a name stands in the text as it was given.
    pub(super) fn place_of(text: &str, name: &str) -> u32 {
        let found = scan::place(text, name).unwrap_or(0);
        u32::try_from(found).unwrap_or(0)
    }

    /// The text, shortened, for people.
    pub(super) fn shown(&self) -> String {
        shorten(&self.text, 200).into_owned()
    }

    /// Evaluates to a value. `raw` gives the JSON text of each root, in order; none = it is not there.
    pub(super) fn value<'a>(&self, raw: impl Fn(usize) -> Option<&'a str>) -> Result<Work, String> {
        from_value(&self.eval(&raw)?)
    }

    /// Evaluates to a condition.
    pub(super) fn holds<'a>(&self, raw: impl Fn(usize) -> Option<&'a str>) -> Result<bool, String> {
        Ok(self.eval(&raw)?.is_true())
    }

    fn eval<'a>(&self, raw: &impl Fn(usize) -> Option<&'a str>) -> Result<Value, String> {
        let mut values = Vec::with_capacity(self.roots.len());
        let mut as_sent = None;
        for (at, root) in self.roots.iter().enumerate() {
            if let Some(raw) = raw(at) {
                let value = to_value(raw).map_err(|error| format!("`{root}`: {error}"))?;
                if values::has_digits(&value) {
                    as_sent = Some(root);
                }
                values.push((Arc::clone(root), value));
            }
        }
        let numbers = as_sent.filter(|_| self.compares).map(|root| {
            let plain = values.iter().map(|(name, value)| (Arc::clone(name), values::plain(value)));
            (root, Scope(plain.collect()))
        });
        let result = self.run(Scope(values))?;
        // A number that the engine cannot write again digit for digit is carried as its digits. Comparing
        // those would compare texts: then numbers must lead to the same result, or the row is refused.
        if let Some((root, scope)) = numbers {
            let also = self.run(scope)?;
            if !values::same(&result, &also) {
                return Err(format!(
                    "`{root}` is a number that is passed on digit for digit; to compare it, write \
                     `number({root})`"
                ));
            }
        }
        Ok(result)
    }

    fn run(&self, scope: Scope) -> Result<Value, String> {
        self.expression.eval(Value::from_object(scope)).map_err(|error| match error.kind() {
            ErrorKind::OutOfFuel => "the expression costs more than one row may".to_owned(),
            _ => words(&error),
        })
    }
}

/// The engine's error, in one clause.
fn words(error: &minijinja::Error) -> String {
    let kind = match error.kind() {
        ErrorKind::SyntaxError => "syntax".to_owned(),
        other => other.to_string(),
    };
    match error.detail() {
        Some(detail) => format!("{kind}: {}", shorten(detail, 400)),
        None => kind,
    }
}

/// What an expression may name.
#[derive(Debug)]
struct Scope(Vec<(Arc<str>, Value)>);

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests;
