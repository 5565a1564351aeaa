//! What can be measured. Each scenario is one file with one `SCENARIO` in it.

mod boundary;
mod calls;
mod changed;
mod cold_start;
mod door;
mod first_load;
mod loads;
mod memory;
mod neighbours;
mod plan;
mod slow_server;
mod tenants;
mod unchanged;
mod undo;

use anyhow::Result;

use crate::Options;
use crate::report::Row;

/// One thing to measure.
pub(crate) struct Scenario {
    /// What it is chosen by.
    pub(crate) name: &'static str,
    /// What is measured, and against what.
    pub(crate) about: &'static str,
    /// Measures.
    pub(crate) run: fn(&Options) -> Result<Vec<Row>>,
}

/// All of them, in the order in which they run when none is chosen.
pub(crate) const ALL: &[Scenario] = &[
    first_load::SCENARIO,
    unchanged::SCENARIO,
    changed::ONE,
    changed::TEN,
    plan::SCENARIO,
    undo::SCENARIO,
    slow_server::SCENARIO,
    tenants::SCENARIO,
    cold_start::SCENARIO,
    boundary::SCENARIO,
    calls::SCENARIO,
    door::SCENARIO,
    neighbours::SCENARIO,
    memory::SCENARIO,
];
