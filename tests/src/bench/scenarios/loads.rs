//! What scenarios of loads share.

use std::time::Duration;

use anyhow::{Context as _, Result};
use graph_sim::{Sim, SimConfig, World};

use crate::floor;
use crate::program::{Loaded, Program};
use crate::report::{Row, ratios};

/// A directory that is served as fast as the simulator can.
pub(crate) fn fast(people: usize) -> Result<Sim> {
    Sim::start(SimConfig { fast: true, ..SimConfig::default() }, World::contoso(11, people))
}

/// A simulator with its pages made, and the first request of a listing: nothing of that is the program's time.
pub(crate) fn warmed(people: usize) -> Result<(Sim, String)> {
    let sim = fast(people)?;
    let listing = Program::new(&sim)?.listing(&sim)?;
    warm(&sim)?;
    Ok((sim, listing))
}

/// Lets the simulator make all its pages before the clock starts.
pub(crate) fn warm(sim: &Sim) -> Result<()> {
    let first = sim
        .journal()
        .into_iter()
        .find(|it| it.target.starts_with("/v1.0/users?"))
        .context("no listing was asked for yet")?;
    sim.warm_up(&first.target, first.consistency_level.as_deref())?;
    Ok(())
}

/// Loads with the native floor beside each.
pub(crate) struct Beside {
    pub(crate) loads: Vec<Loaded>,
    pub(crate) floors: Vec<Duration>,
}

impl Beside {
    pub(crate) fn new() -> Self {
        Self { loads: Vec::new(), floors: Vec::new() }
    }

    /// The floor, then the load.
    pub(crate) fn run(&mut self, sim: &Sim, listing: &str, program: &Program) -> Result<()> {
        self.floors.push(floor::load(sim, listing)?);
        self.loads.push(program.sync()?);
        Ok(())
    }

    /// Their rows, and the floor's own.
    pub(crate) fn rows(&self, name: &str, people: usize) -> Vec<Row> {
        let floors: Vec<f64> = self.floors.iter().map(Duration::as_secs_f64).collect();
        let rate = floors.iter().map(|it| people as f64 / it).collect();
        let mut rows = vec![Row::new("native floor: download, parse, insert", "users/s", rate)];
        let mut own = of_loads(name, people, &self.loads).into_iter();
        let times: Vec<f64> = self.loads.iter().map(|it| it.wall.as_secs_f64()).collect();
        rows.extend(own.next().map(|row| row.against("the floor's time", ratios(&times, &floors))));
        rows.extend(own);
        rows
    }
}

/// Speed, processor and memory of calls that each are about `people`.
pub(crate) fn of_loads(name: &str, people: usize, loads: &[Loaded]) -> Vec<Row> {
    let each = |of: fn(&Loaded) -> f64| loads.iter().map(of).collect::<Vec<_>>();
    let speed = each(|it| it.wall.as_secs_f64()).into_iter().map(|it| people as f64 / it).collect();
    let million = 1e6 / people as f64;
    let cpu = each(|it| it.cpu.as_secs_f64()).into_iter().map(|it| it * million).collect();
    vec![
        Row::new(name, "users/s", speed),
        Row::new("  processor, for a million", "s", cpu),
        Row::new("  peak memory (RssAnon)", "MiB", each(|it| it.peak as f64 / 1_048_576.0)),
    ]
}
