//! A mapping as it is when it is ready: what is looked for, and what becomes of it.

use super::expression::Compiled;
use super::steps::Step;
use super::value::Kind;
use super::walk::Node;

/// A mapping that is ready.
#[derive(Debug)]
pub(super) struct Mapping {
    /// The property that says whether a user may sign in.
    pub(super) enabled: &'static str,
    /// Where values are found.
    pub(super) root: Node,
    /// How many values are looked for.
    pub(super) slots: usize,
    pub(super) rules: Vec<Rule>,
    pub(super) only_if: Option<Compiled>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) target: String,
    /// `"target":`, as it is written.
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) origin: Origin,
    /// What it reads, for people; empty for a constant.
    pub(super) path: String,
    pub(super) steps: Vec<Step>,
    pub(super) when: Option<Reading>,
    pub(super) null: WhenNull,
    /// The number of the field among the names that `only-if` reads.
    pub(super) watched: Option<usize>,
}

#[derive(Debug)]
pub(super) enum Origin {
    /// The value itself, as it is written.
    Constant(String),
    /// The number of a slot.
    Source(usize),
    /// The first slot that has something.
    First(Vec<usize>),
    /// All slots that have something.
    Join(Vec<usize>, String),
    Expression(Reading),
}

/// An expression, and the slots of the properties that it reads.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) expression: Compiled,
    pub(super) slots: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum WhenNull {
    Keep,
    Clear,
    /// The value itself, as it is written.
    Default(String),
}
