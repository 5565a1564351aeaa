//! A first load is taken back.

use anyhow::Result;

use super::Scenario;
use super::loads::{of_loads, warmed};
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "undo", about: "the undo of a first load: everybody is taken out again", run };

fn run(options: &Options) -> Result<Vec<Row>> {
    let (sim, _) = warmed(options.people)?;
    let mut loads = Vec::new();
    for _ in 0..options.runs {
        let program = Program::new(&sim)?;
        program.sync()?;
        let number = program.last_run()?.to_string();
        loads.push(program.timed(&["undo", &number, "--json"])?);
    }
    Ok(of_loads("undo", options.people, &loads))
}
