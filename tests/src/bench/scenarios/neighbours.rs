//! What three hostile tenants cost the honest seven beside them, in one process (`sync --all`).
//!
//! A request is timed as its source sees it: from its coming to the coming of the next one of the same run. That is the
//! answer's way, the plugin's work on it, and the wait for a place where one is short.

use std::time::Duration;

use anyhow::{Context as _, Result};
use graph_sim::{Sim, SimConfig, World};
use userload_tests::program::{Home, dripping, launched_tenant};

use super::Scenario;
use crate::Options;
use crate::report::{Row, ratios};
use crate::shell::shell;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "neighbours",
    about: "requests of seven honest tenants, alone and beside three hostile ones: 95th percentiles",
    run,
};

const HONEST: u64 = 7;

/// Takes both in turns, so that a machine that gets slower is so for both.
fn run(options: &Options) -> Result<Vec<Row>> {
    let (mut alone, mut mixed) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        alone.push(percentile(turns(false)?)?);
        mixed.push(percentile(turns(true)?)?);
    }
    let ratios = ratios(&mixed, &alone);
    Ok(vec![
        Row::new("seven tenants alone", "ms", alone),
        Row::new("beside three hostile ones", "ms", mixed).against("alone", ratios),
    ])
}

/// The 95th.
fn percentile(mut all: Vec<u64>) -> Result<f64> {
    all.sort_unstable();
    Ok(*all.get(all.len() * 95 / 100).context("no request was made")? as f64)
}

/// What each request of the honest seven took, in milliseconds.
fn turns(hostile: bool) -> Result<Vec<u64>> {
    let home = Home::new();
    let mut sources = Vec::new();
    for number in 0..HONEST {
        // As far away as a service on the net.
        let config = SimConfig { latency: Duration::from_millis(40), ..SimConfig::default() };
        let sim = Sim::start(config, World::contoso(20 + number, 600))?;
        launched_tenant(&home, &format!("honest{number}"), &sim.origin(), None);
        sources.push(sim);
    }
    if hostile {
        let loops = shell(&[]).export("identify", "(loop (br 0)) unreachable").component();
        let eats = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
        let eats = shell(&[]).export("identify", eats).component();
        launched_tenant(&home, "aaa-loops", &dripping(), Some(&loops));
        launched_tenant(&home, "eats", &dripping(), Some(&eats));
        launched_tenant(&home, "zzz-drips", &dripping(), None);
    }
    for sim in &sources {
        sim.clear_journal();
    }
    let ended = home.call(&["sync", "--all", "--jobs", "10"]).run();
    anyhow::ensure!(ended.code == i32::from(hostile), "`sync --all` ended with {}", ended.code);
    let times = sources.iter().map(|sim| {
        let came: Vec<u64> = sim.journal().iter().map(|it| it.millis).collect();
        came.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect::<Vec<_>>()
    });
    Ok(times.flatten().collect())
}
