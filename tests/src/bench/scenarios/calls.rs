//! What it takes to have the component and to call it.

use std::time::Instant;

use anyhow::{Result, anyhow};
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer};

use super::Scenario;
use crate::Options;
use crate::report::Row;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "calls",
    about: "compiling and loading the component, a new instance, a call into it that does next to nothing",
    run,
};

const TIMES: u32 = 2_000;
const MAPPING: &str = r#"{"version":1,"fields":[]}"#;
const RECORD: &str = r#"{"id":"1"}"#;

fn run(options: &Options) -> Result<Vec<Row>> {
    let bytes = super::boundary::component()?;
    let (mut compile, mut load, mut instance, mut call, mut native) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.runs {
        let folder = tempfile::tempdir()?;
        let kept = EngineOptions { cache_dir: Some(folder.path().join("cache")), ..EngineOptions::default() };
        let engine = Engine::new(kept)?;
        let millis = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
        let start = Instant::now();
        Plugin::load(&engine, &bytes)?;
        compile.push(millis(start));
        let start = Instant::now();
        let plugin = Plugin::load(&engine, &bytes)?;
        load.push(millis(start));
        anyhow::ensure!(plugin.from_cache(), "the compiled form was not kept");

        let quiet = || Log::new(LogLimits::default(), SecretSet::none());
        let one = |transformer: &mut Transformer| -> Result<()> {
            transformer.map_record(MAPPING, RECORD)?.map(drop).map_err(|bad| anyhow!(bad.reason))
        };
        let micros = |start: Instant| start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
        let start = Instant::now();
        for _ in 0..TIMES {
            one(&mut Transformer::new(&plugin, quiet()))?;
        }
        instance.push(micros(start));
        let mut transformer = Transformer::new(&plugin, quiet());
        let start = Instant::now();
        for _ in 0..TIMES {
            one(&mut transformer)?;
        }
        call.push(micros(start));
        let start = Instant::now();
        for _ in 0..TIMES {
            let mapped = userload_plugin::map_record(MAPPING, std::hint::black_box(RECORD));
            mapped.map(drop).map_err(|bad| anyhow!(bad.reason))?;
        }
        native.push(micros(start));
    }
    Ok(vec![
        Row::new("compile, once for each version", "ms", compile),
        Row::new("load the compiled form", "ms", load),
        Row::new("new instance and its first call", "µs", instance),
        Row::new("a further call", "µs", call),
        Row::new("the same call, native", "µs", native),
    ])
}
