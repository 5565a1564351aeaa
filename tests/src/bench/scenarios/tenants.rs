//! Many small tenants in one process: `sync --all`, each page far away.

use std::time::Duration;

use anyhow::Result;
use graph_sim::{Sim, SimConfig, World};

use super::Scenario;
use super::loads::warm;
use crate::Options;
use crate::program::Program;
use crate::report::{Row, ratios};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "tenants",
    about: "`sync --all`: tenants of 1,000 people, as many as make --people, each page 200 ms away",
    run,
};

const LATENCY: Duration = Duration::from_millis(200);

/// People in one tenant's directory.
const SIZE: usize = 1_000;

fn run(options: &Options) -> Result<Vec<Row>> {
    let count = (options.people / SIZE).max(1);
    let config = SimConfig { fast: true, latency: LATENCY, ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(11, SIZE))?;
    Program::new(&sim)?.listing(&sim)?;
    warm(&sim)?;
    let mut rows = vec![Row::new("tenants", "", vec![count as f64])];
    let (mut first, mut again) = (Nights::default(), Nights::default());
    for _ in 0..options.runs {
        let program = Program::tenants(&sim, count)?;
        for nights in [&mut first, &mut again] {
            let took = program.timed(&["sync", "--all", "--json"])?;
            nights.wall.push(took.wall.as_secs_f64());
            nights.cpu.push(took.cpu.as_secs_f64());
            nights.peak.push(took.peak as f64 / 1024.0 / 1024.0);
        }
    }
    rows.extend(first.rows("first load", count));
    rows.extend(again.rows("unchanged reload", count));
    Ok(rows)
}

/// What `sync --all` took, one number for each time.
#[derive(Default)]
struct Nights {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    peak: Vec<f64>,
}

impl Nights {
    fn rows(&self, what: &str, count: usize) -> [Row; 3] {
        // No night is shorter than its work on all processors.
        let cores = std::thread::available_parallelism().map_or(1.0, |it| it.get() as f64);
        let floor: Vec<f64> = self.cpu.iter().map(|it| it / cores).collect();
        let rate = self.wall.iter().map(|it| (count * SIZE) as f64 / it).collect();
        [
            Row::new(format!("{what}: wall"), "s", self.wall.clone())
                .against("its processor time over all cores", ratios(&self.wall, &floor)),
            Row::new(format!("{what}: rate"), "users/s", rate),
            Row::new(format!("{what}: peak memory"), "MiB", self.peak.clone()),
        ]
    }
}
