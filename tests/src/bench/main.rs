//! The benchmark: the built program against the simulator's fast mode, beside a native floor in the same
//! run. Prints medians with ratios; `--json` prints the same numbers for machines. Nothing here decides a
//! test.
//!
//! `cargo xtask bench [--people N] [--runs N] [--no-memory] [--json]`

mod boundary;
mod floor;
#[path = "../../../host/src/engine/tests/guest.rs"]
#[allow(dead_code, reason = "the engine's own tests use more of it")]
mod guest;
mod program;
#[path = "../../tests/cli_hostile/shell.rs"]
#[allow(dead_code, reason = "the suite of hostile plugins uses more of it")]
mod shell;
mod together;

use std::time::Duration;

use anyhow::{Context as _, Result};
use graph_sim::{Sim, SimConfig, World};
use serde_json::{Value, json};

use program::{Loaded, Program};

struct Options {
    people: usize,
    runs: usize,
    memory: bool,
    json: bool,
}

fn main() -> Result<()> {
    let options = options()?;
    let mut rows: Vec<Row> = Vec::new();
    let loads = loads(&options)?;
    let floor = median(loads.iter().map(|it| it.floor).collect());
    let per_second = |time: Duration| options.people as f64 / time.as_secs_f64();
    let mut row = |name: &str, times: Vec<Duration>, against: Option<Duration>| {
        let time = median(times);
        rows.push(Row {
            name: name.to_owned(),
            value: format!("{:.0} users/s", per_second(time)),
            ratio: against.map(|floor| time.as_secs_f64() / floor.as_secs_f64()),
            number: per_second(time),
        });
    };
    row("native floor: download, parse, insert", loads.iter().map(|it| it.floor).collect(), None);
    row("first load", loads.iter().map(|it| it.first).collect(), Some(floor));
    row("unchanged reload", loads.iter().map(|it| it.unchanged).collect(), Some(floor));
    row("1% changed reload", loads.iter().map(|it| it.changed).collect(), Some(floor));
    for cost in boundary::measure()? {
        rows.push(Row {
            name: cost.name.to_owned(),
            value: format!("{:.2} µs/user", cost.component.as_secs_f64() * 1e6),
            ratio: Some(cost.component.as_secs_f64() / cost.native.as_secs_f64()),
            number: cost.component.as_secs_f64() * 1e6,
        });
    }
    let together::Latency { alone, mixed } = together::measure(options.runs)?;
    for (name, millis, ratio) in [
        ("request of seven tenants, p95", alone, None),
        ("the same beside three hostile ones, p95", mixed, Some(mixed / alone)),
    ] {
        rows.push(Row { name: name.into(), value: format!("{millis:.0} ms"), ratio, number: millis });
    }
    if options.memory {
        let small = peak(10_000)?;
        let large = peak(200_000)?;
        for (name, bytes) in [("peak memory, 10,000 users", small), ("peak memory, 200,000 users", large)] {
            let mib = bytes as f64 / 1048576.0;
            rows.push(Row { name: name.into(), value: format!("{mib:.1} MiB"), ratio: None, number: mib });
        }
        let apart = (large as f64 - small as f64) / 1048576.0;
        rows.push(Row { name: "apart".into(), value: format!("{apart:.1} MiB"), ratio: None, number: apart });
    }
    print(&rows, &options);
    Ok(())
}

struct Row {
    name: String,
    value: String,
    /// Against the native floor, or against the same code native.
    ratio: Option<f64>,
    number: f64,
}

/// One round: each load once, and the floor beside them.
struct Round {
    floor: Duration,
    first: Duration,
    unchanged: Duration,
    changed: Duration,
}

fn loads(options: &Options) -> Result<Vec<Round>> {
    let sim = fast(options.people)?;
    let mut rounds = Vec::new();
    for round in 0..options.runs {
        let program = Program::new(&sim)?;
        if round == 0 {
            // The first run makes the pages and the compiled component; it is not counted.
            program.sync()?;
            warm(&sim)?;
        }
        let program = Program::new(&sim)?;
        let floor = floor::load(&sim, &program.listing(&sim)?)?;
        let Loaded { wall: first, .. } = program.sync()?;
        let Loaded { wall: unchanged, .. } = program.sync()?;
        sim.change(|world| -> Result<()> {
            for (number, id) in world.ids().iter().step_by(100).enumerate() {
                world.update_text(id, "jobTitle", &format!("Title {round}.{number}"))?;
            }
            Ok(())
        })?;
        warm(&sim)?;
        let Loaded { wall: changed, .. } = program.sync()?;
        rounds.push(Round { floor, first, unchanged, changed });
    }
    Ok(rounds)
}

fn fast(people: usize) -> Result<Sim> {
    Sim::start(SimConfig { fast: true, ..SimConfig::default() }, World::contoso(11, people))
}

/// Lets the simulator make all its pages before the clock starts.
fn warm(sim: &Sim) -> Result<()> {
    let first = sim
        .journal()
        .into_iter()
        .find(|it| it.target.starts_with("/v1.0/users?"))
        .context("no listing was asked for yet")?;
    sim.warm_up(&first.target, first.consistency_level.as_deref())?;
    Ok(())
}

fn peak(people: usize) -> Result<u64> {
    let sim = fast(people)?;
    let program = Program::new(&sim)?;
    let first = program.sync()?.peak;
    let again = program.sync()?.peak;
    Ok(first.max(again))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn options() -> Result<Options> {
    let mut options = Options { people: 100_000, runs: 3, memory: true, json: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || -> Result<usize> {
            args.next().with_context(|| format!("`{arg}` needs a number"))?.parse().context("a whole number")
        };
        match arg.as_str() {
            "--people" => options.people = number()?,
            "--runs" => options.runs = number()?.max(1),
            "--no-memory" => options.memory = false,
            "--json" => options.json = true,
            other => {
                anyhow::bail!("unknown argument `{other}`: [--people N] [--runs N] [--no-memory] [--json]")
            }
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "the benchmark's answer")]
fn print(rows: &[Row], options: &Options) {
    if options.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({"name": row.name, "value": row.number, "ratio": row.ratio}))
            .collect();
        println!("{}", json!({"version": 1, "people": options.people, "runs": options.runs, "rows": rows}));
        return;
    }
    println!("{} people, medians of {} runs", options.people, options.runs);
    for row in rows {
        let ratio = row.ratio.map(|it| format!("{it:.2}x")).unwrap_or_default();
        println!("{:<42} {:>20} {:>8}", row.name, row.value, ratio);
    }
}
