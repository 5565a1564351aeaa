//! A run: from the source, page by page, to the directory. Read `run.rs` first.

mod absent;
mod allowed;
mod disk;
mod enumeration;
mod error;
mod evidence;
pub mod guard;
pub mod look;
mod page;
pub mod preflight;
mod progress;
mod report;
mod retry;
mod run;
pub mod sample;
mod settle;
mod stage;
mod take_up;
mod terms;

pub use enumeration::{CompleteEnumeration, Listing, judge};
pub use error::RunError;
pub use evidence::{Evidence, GraceOver};
pub use progress::{Progress, Silent};
pub use report::{
    CauseGroup, Completeness, Cost, FailedRow, HeldGroup, PlannedChange, RunKind, RunReport, RunState,
    Sample, Timings,
};
pub use retry::{Disposition, Retry};
pub use run::{Job, LastApplied, run};
pub use stage::call as ask;
pub use take_up::apply_run;
pub use terms::{Feeder, Terms};
