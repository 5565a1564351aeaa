//! A filter as a tree, and the tree as a text.

use std::fmt;

/// What a filter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Both or more, joined by `and`.
    All(Vec<Expr>),
    /// One of these, joined by `or`.
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Compare {
        property: String,
        operator: Operator,
        value: Value,
    },
    In {
        property: String,
        values: Vec<Value>,
    },
    Function {
        function: Function,
        property: String,
        text: String,
    },
    /// What is only passed on: a lambda, or a function that we do not know. Its own text.
    Opaque(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Has,
}

impl Operator {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
        ("has", Self::Has),
    ];

    /// The operator of that name, in any case.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, it)| *it)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    StartsWith,
    EndsWith,
}

impl Function {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Text(String),
    /// A number, a time or a GUID: as it was typed.
    Bare(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Bare(text) => f.write_str(text),
        }
    }
}

/// A text in single quotes, those inside doubled.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

impl Expr {
    /// Every property that is compared.
    pub(crate) fn properties(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.each(&mut |part| {
            if let Self::Compare { property, .. }
            | Self::In { property, .. }
            | Self::Function { property, .. } = part
                && !found.contains(&property.as_str())
            {
                found.push(property);
            }
        });
        found
    }

    /// Visits every part.
    pub(crate) fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::Not(inner) => inner.each(visit),
            _ => {}
        }
    }

    /// How high the tree is: a comparison alone is 1.
    pub(crate) fn height(&self) -> usize {
        1 + match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::height).max().unwrap_or(0),
            Self::Not(inner) => inner.height(),
            _ => 0,
        }
    }

    fn needs_brackets(&self) -> bool {
        matches!(self, Self::All(_) | Self::Any(_))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { property, operator, value } => {
                write!(f, "{property} {} {value}", operator.name())
            }
            Self::In { property, values } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "{property} in ({})", values.join(", "))
            }
            Self::Function { function, property, text } => {
                write!(f, "{}({property},{})", function.name(), Quoted(text))
            }
            Self::Opaque(text) => f.write_str(text),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(word)?;
        }
        if part.needs_brackets() { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}
