//! From the start of the process to its first request.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Scenario;
use super::loads::fast;
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "cold-start",
    about: "from the start of the process to its first request, the compiled component being kept",
    run,
};

/// Each is short: several for each run.
const TIMES: usize = 10;

fn run(options: &Options) -> Result<Vec<Row>> {
    let sim = fast(10)?;
    let program = Program::new(&sim)?;
    program.sync()?;
    let mut times = Vec::new();
    for _ in 0..options.runs * TIMES {
        sim.clear_journal();
        let start = Instant::now();
        let mut child = program.start(&["sync", "sim", "--json"])?;
        while sim.journal().is_empty() {
            ensure!(start.elapsed() < Duration::from_secs(60), "no request came");
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(child.wait()?.success(), "`userload sync` failed");
    }
    Ok(vec![Row::new("start to first request", "ms", times)])
}
