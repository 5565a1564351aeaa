//! A source that takes its time: how much a load adds to what its pages take.

use std::time::Duration;

use anyhow::Result;
use graph_sim::{Sim, SimConfig, World};

use super::Scenario;
use super::loads::warm;
use crate::Options;
use crate::program::Program;
use crate::report::Row;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "slow-server",
    about: "a first load and an unchanged one, each page 300 ms away, beside pages × 300 ms",
    run,
};

const LATENCY: Duration = Duration::from_millis(300);

fn run(options: &Options) -> Result<Vec<Row>> {
    let config = SimConfig { fast: true, latency: LATENCY, ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(11, options.people))?;
    let (mut first, mut unchanged) = (Vec::new(), Vec::new());
    let mut pages = 0.0;
    for _ in 0..options.runs {
        let program = Program::new(&sim)?;
        program.listing(&sim)?;
        warm(&sim)?;
        for times in [&mut first, &mut unchanged] {
            sim.clear_journal();
            times.push(program.sync()?.wall.as_secs_f64());
            pages = sim.journal().iter().filter(|it| it.target.starts_with("/v1.0/users?")).count() as f64;
        }
    }
    let row = |name: &str, times: Vec<f64>| {
        let ratios = times.iter().map(|it| it / (pages * LATENCY.as_secs_f64())).collect();
        Row::new(name, "s", times).against("pages × latency", ratios)
    };
    Ok(vec![Row::new("pages", "", vec![pages]), row("first load", first), row("unchanged reload", unchanged)])
}
