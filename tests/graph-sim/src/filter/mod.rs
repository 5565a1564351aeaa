//! OData `$filter` as far as Graph understands it on users: read, judged, evaluated.

mod check;
mod eval;
mod lex;
mod parse;

pub(crate) use check::check;
pub(crate) use eval::{ids, matches};
pub(crate) use parse::parse;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare(String, Op, Literal),
    In(String, Vec<Literal>),
    Call(Func, String, String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Ge,
    Le,
    Gt,
    Lt,
}

/// A function of two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Func {
    StartsWith,
    EndsWith,
    Contains,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Flag(bool),
    Null,
    /// Ticks of 100 ns since 1970.
    Time(i64),
    Number(String),
}

/// Why Graph refuses a filter: always with status 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// A filter that is not OData, or not of the right types.
    fn invalid(message: impl AsRef<str>) -> Self {
        Self { code: "BadRequest", message: format!("Invalid filter clause: {}", message.as_ref()) }
    }

    /// A filter that the directory store does not support.
    fn unsupported(message: impl Into<String>) -> Self {
        Self { code: "Request_UnsupportedQuery", message: message.into() }
    }
}
