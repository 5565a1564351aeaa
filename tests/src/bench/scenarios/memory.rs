//! Memory at two sizes.

use anyhow::Result;

use super::Scenario;
use super::loads::fast;
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "memory", about: "peak memory (RssAnon) of loads of 10,000 and of 200,000", run };

fn run(_: &Options) -> Result<Vec<Row>> {
    let (small, large) = (peak(10_000)?, peak(200_000)?);
    Ok(vec![
        Row::new("10,000 users", "MiB", vec![small]),
        Row::new("200,000 users", "MiB", vec![large]),
        Row::new("apart", "MiB", vec![large - small]),
    ])
}

fn peak(people: usize) -> Result<f64> {
    let sim = fast(people)?;
    let program = Program::new(&sim)?;
    let first = program.sync()?.peak;
    let again = program.sync()?.peak;
    Ok(first.max(again) as f64 / 1_048_576.0)
}
