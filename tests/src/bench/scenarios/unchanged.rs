//! Nobody has changed.

use anyhow::Result;

use super::Scenario;
use super::loads::{Beside, warmed};
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "unchanged", about: "a load that finds everybody as they were", run };

fn run(options: &Options) -> Result<Vec<Row>> {
    let (sim, listing) = warmed(options.people)?;
    let program = Program::new(&sim)?;
    program.sync()?;
    let mut beside = Beside::new();
    for _ in 0..options.runs {
        beside.run(&sim, &listing, &program)?;
    }
    Ok(beside.rows("unchanged reload", options.people))
}
