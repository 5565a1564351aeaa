//! A run: from the source, page by page, to the directory. Read `run.rs` first.

mod absent;
mod absent_row;
pub mod adoption;
mod allowed;
mod approve;
mod bars;
mod delta;
mod disk;
mod enumeration;
mod error;
mod evidence;
mod filter;
pub mod guard;
pub mod look;
mod managers;
pub mod mapping_diff;
pub mod mapping_smart;
pub mod mapping_test;
mod merge;
mod page;
pub mod preflight;
mod progress;
mod report;
mod retry;
mod row;
mod run;
mod saas;
mod saas_absent;
mod saas_kept;
mod saas_leaving;
pub mod saas_link;
mod saas_user;
pub mod sample;
mod settle;
mod some;
mod stage;
mod take_name;
mod take_up;
mod terms;

pub use delta::{Wanted, Way, choose};
pub use enumeration::{CompleteEnumeration, Ground, Listing, judge};
pub use error::RunError;
pub use evidence::{Approval, Evidence, GoneAnswer, GraceOver};
pub use filter::FilterCheck;
pub use progress::{Progress, Silent};
pub use report::{
    CauseGroup, Completeness, Cost, FailedRow, HeldGroup, Managers, Parity, PlannedChange, Reading, RunKind,
    RunReport, RunState, SaasPass, Sample, Timings,
};
pub use retry::{Disposition, Retry};
pub use run::{Job, LastApplied, OVERDUE, run};
pub use some::{Order, run_some};
pub use stage::call as ask;
pub use take_up::apply_run;
pub use terms::{Feeder, Terms, Wish};
