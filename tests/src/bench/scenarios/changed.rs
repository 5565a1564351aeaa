//! Some have another job title than the night before.

use anyhow::Result;

use super::Scenario;
use super::loads::{Beside, warm, warmed};
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const ONE: Scenario = Scenario {
    name: "changed-1",
    about: "a load in which one of a hundred has changed",
    run: |options| run(options, 100, "1% changed reload"),
};

pub(super) const TEN: Scenario = Scenario {
    name: "changed-10",
    about: "a load in which one of ten has changed",
    run: |options| run(options, 10, "10% changed reload"),
};

fn run(options: &Options, step: usize, name: &str) -> Result<Vec<Row>> {
    let (sim, listing) = warmed(options.people)?;
    let program = Program::new(&sim)?;
    program.sync()?;
    let mut beside = Beside::new();
    for round in 0..options.runs {
        sim.change(|world| -> Result<()> {
            for (number, id) in world.ids().iter().step_by(step).enumerate() {
                world.update_text(id, "jobTitle", &format!("Title {round}.{number}"))?;
            }
            Ok(())
        })?;
        warm(&sim)?;
        beside.run(&sim, &listing, &program)?;
    }
    Ok(beside.rows(name, options.people))
}
