//! A run: from the source, page by page, to the directory. Read `run.rs` first.

mod report;

pub use report::{
    CauseGroup, Completeness, Cost, FailedRow, HeldGroup, PlannedChange, RunKind, RunReport, RunState, Sample,
    Timings,
};
