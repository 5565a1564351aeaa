//! A plan of everybody.

use anyhow::Result;

use super::Scenario;
use super::loads::{of_loads, warmed};
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "plan", about: "a plan in which everybody is new", run };

fn run(options: &Options) -> Result<Vec<Row>> {
    let (sim, _) = warmed(options.people)?;
    let mut loads = Vec::new();
    for _ in 0..options.runs {
        loads.push(Program::new(&sim)?.timed(&["plan", "sim", "--json"])?);
    }
    Ok(of_loads("plan", options.people, &loads))
}
