//! Everybody is new.

use anyhow::Result;

use super::Scenario;
use super::loads::{Beside, warmed};
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "first-load", about: "a load into an empty directory, beside the native floor", run };

fn run(options: &Options) -> Result<Vec<Row>> {
    let (sim, listing) = warmed(options.people)?;
    let mut beside = Beside::new();
    for _ in 0..options.runs {
        beside.run(&sim, &listing, &Program::new(&sim)?)?;
    }
    Ok(beside.rows("first load", options.people))
}
