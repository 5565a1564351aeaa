//! The benchmark: the built program against the simulator's fast mode, beside a native floor in the same
//! run. Prints medians with ratios; `--json` prints the same numbers for machines. Nothing here decides a
//! test.
//!
//! `cargo xtask bench [--scenario NAME]… [--list] [--people N] [--runs N] [--json]`
//!
//! A scenario is one file in `scenarios/` and one line in its list.

mod floor;
#[path = "../../../host/src/engine/tests/guest.rs"]
#[allow(dead_code, reason = "the engine's own tests use more of it")]
mod guest;
mod program;
mod report;
mod scenarios;
#[path = "../../tests/cli_hostile/shell.rs"]
#[allow(dead_code, reason = "the suite of hostile plugins uses more of it")]
mod shell;

use anyhow::{Context as _, Result, bail};

use scenarios::{ALL, Scenario};

/// What was asked for.
struct Options {
    /// People in a directory, where the scenario has no number of its own.
    people: usize,
    /// How often each thing is measured.
    runs: usize,
    json: bool,
    list: bool,
    chosen: Vec<&'static Scenario>,
}

fn main() -> Result<()> {
    let options = options()?;
    if options.list {
        report::list();
        return Ok(());
    }
    let mut measured = Vec::new();
    for scenario in &options.chosen {
        let rows = (scenario.run)(&options).with_context(|| format!("scenario `{}`", scenario.name))?;
        if !options.json {
            report::table(scenario, &rows);
        }
        measured.push((*scenario, rows));
    }
    if options.json {
        report::json(&options, &measured);
    }
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options { people: 100_000, runs: 3, json: false, list: false, chosen: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("`{arg}` needs a value"));
        let number = |text: String| text.parse::<usize>().with_context(|| format!("`{text}` is no number"));
        match arg.as_str() {
            "--people" => options.people = number(value()?)?.max(1),
            "--runs" => options.runs = number(value()?)?.max(1),
            "--json" => options.json = true,
            "--list" => options.list = true,
            "--scenario" => {
                let name = value()?;
                let found = ALL.iter().find(|it| it.name == name);
                let names = || ALL.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
                options.chosen.push(found.with_context(|| format!("no scenario `{name}`: {}", names()))?);
            }
            other => bail!(
                "unknown argument `{other}`: [--scenario NAME]… [--list] [--people N] [--runs N] [--json]"
            ),
        }
    }
    if options.chosen.is_empty() {
        options.chosen = ALL.iter().collect();
    }
    Ok(options)
}
