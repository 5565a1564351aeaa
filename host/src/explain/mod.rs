//! Why somebody is as they are: everything that the store knows of one person or one user of the source, put
//! in the order of a run. Reads the store and asks the component's pure half; writes, sends and prints nothing.
//!
//! [`subject`] finds who is meant, [`why`] tells the story. What comes next is in `next.rs`.

mod fields;
mod gather;
mod next;
mod pretty;
mod rule;
mod subject;

pub use fields::{FieldChange, FieldStory, Mapped, RuleStory, status_history, values};
pub use gather::{Place, Pure, why};
pub use pretty::pretty;
pub use subject::{Subject, subject};

use crate::engine::contract::Presence;
use crate::model::{Millis, Outcome};
use crate::store::{Account, ChangeRow, DecisionRow, PersonRow, Question, StandingLock, StandingPin};

/// The whole story.
#[derive(Clone, Debug)]
pub struct Why {
    /// The person; none = nobody yet.
    pub person: Option<PersonRow>,
    /// One story for each user of the source that the person is, or may be.
    pub tales: Vec<Tale>,
    /// Fields of the person and of the mappings, in the order in which a person is shown.
    pub fields: Vec<FieldStory>,
    /// What happened to the status, the oldest first.
    pub status: Vec<ChangeRow>,
    /// What a hand has locked.
    pub locks: Vec<StandingLock>,
    /// Integrations that have not met them, and what can be said about that.
    pub unseen: Vec<Unseen>,
    /// Sentences about the story as a whole.
    pub notes: Vec<String>,
}

/// The story of one user of the source, for one integration and one run.
#[derive(Clone, Debug)]
pub struct Tale {
    /// Who, and whose.
    pub account: Account,
    /// The run that the story is about; none = there was none.
    pub run: Option<RunBrief>,
    /// What the source said.
    pub record: Record,
    /// Whether the filter let them through.
    pub filter: Filter,
    /// Who the record is.
    pub matching: Matching,
    /// What the run decided.
    pub decision: Decision,
    /// What today's rules make of the record; none when no record is kept or the rules cannot be read.
    pub today: Option<Today>,
    /// Open questions.
    pub held: Vec<Question>,
    /// The grace, while it runs.
    pub waiting: Option<Waiting>,
    /// What may not be written again.
    pub pins: Vec<StandingPin>,
    /// What the source answered just now, when it was asked.
    pub asked: Option<Asked>,
    /// What comes next and when: a sentence each.
    pub next: Vec<String>,
}

/// A run, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBrief {
    /// Its number.
    pub number: i64,
    /// `sync`, `plan`, `import` and so on.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// When it started.
    pub at: Millis,
}

/// The record, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The source's own text; none = none is kept.
    pub raw: Option<String>,
    /// Which one it is, or why there is none.
    pub note: String,
}

/// The filter's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The source's filter; none = everybody.
    pub text: Option<String>,
    /// What it came to.
    pub verdict: String,
}

/// Who the record is.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// The person to whom it is linked: name and lasting id.
    pub linked: Option<(String, String)>,
    /// The run that made the link, and when; none when the ledger no longer tells.
    pub linked_by: Option<(i64, Millis)>,
    /// The match keys, where there is no link.
    pub keys: Vec<KeyStory>,
    /// What somebody decided.
    pub decided: Option<DecisionRow>,
}

/// A match key and whom it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStory {
    /// The field.
    pub field: String,
    /// Its value; none = empty, matches nobody.
    pub value: Option<String>,
    /// The people who have it: name and lasting id.
    pub people: Vec<(String, String)>,
}

/// What a run decided about the record.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What became of it; none when the run left no word.
    pub outcome: Option<String>,
    /// Why, or why there is no outcome.
    pub reason: String,
    /// The row of the ledger, when there is one.
    pub row: Option<ChangeRow>,
}

/// What today's rules make of a record.
#[derive(Clone, Debug)]
pub struct Today {
    /// What would become of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// What a rule keeps from being written.
    pub not_applied: Vec<String>,
    /// Filter, mapping or match keys are others than those of the run.
    pub rules_changed: bool,
}

/// The grace of somebody who is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Complete, applied runs that have not found them.
    pub runs: u32,
    /// How many it takes.
    pub of_runs: u32,
    /// When the first of them was.
    pub since: Millis,
    /// When the days of the grace are over.
    pub until: Millis,
}

/// What the source answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `present`, `deleted`, `not-found` or `unknown`.
    pub answer: &'static str,
    /// The record, when they are there.
    pub raw: Option<String>,
    /// What a run would make of the answer.
    pub verdict: String,
}

/// An integration that has not met them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// Its name.
    pub integration: String,
    /// What can be said about it.
    pub why: String,
    /// The source id that it was asked about, and its answer.
    pub asked: Option<String>,
}

/// The source is asked about one user: by the caller, who owns the way to it.
pub type Ask<'a> = dyn Fn(&Account) -> Result<Presence, String> + 'a;
