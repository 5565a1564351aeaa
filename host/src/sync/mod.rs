//! A run: from the source, page by page, to the directory. Read `run.rs` first.

mod enumeration;
mod evidence;
mod report;

pub use enumeration::{CompleteEnumeration, Listing, judge};
pub use evidence::{Evidence, GraceOver};
pub use report::{
    CauseGroup, Completeness, Cost, FailedRow, HeldGroup, PlannedChange, RunKind, RunReport, RunState,
    Sample, Timings,
};
