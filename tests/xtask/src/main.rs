//! A developer's tasks, as `cargo xtask TASK`. Each does its own set-up.

mod component;
mod fuzz;
mod paths;
mod portability;
mod released;
mod reproduce;
mod tasks;
mod toolchain;
mod world;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  demo    build everything and run `userload demo` (arguments after -- go to it)
  test    build everything and run every test
  build   build the component and the program   [--toolchain rustup|debian]
  bench   build everything and measure          [arguments go to the benchmark]
  portability
          the component in other hosts (wasmtime, Node, Python): the same results as in ours
  reproduce
          the components, built again in another folder: the same digests   [--toolchain …]
  fuzz    all that reads bytes from outside, with made-up ones   [--seconds N: 60]
  released
          the contract is the last released one, or that with additions
  deny    licences, bans and sources of everything that is linked
  ci      format, lints, tests, component, contract, portability, documentation, paths, licences
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match args.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let done = match task {
        "build" => tasks::build(rest),
        "demo" => tasks::demo(rest),
        "test" => tasks::test(rest),
        "bench" => tasks::bench(rest),
        "ci" => tasks::ci(),
        "deny" => tasks::deny(),
        "portability" => tasks::portability(),
        "reproduce" => tasks::reproduce(rest),
        "fuzz" => tasks::fuzz(rest),
        "released" => tasks::released(),
        _ => {
            say(USAGE);
            return if task == "help" { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The one place that prints.
#[expect(clippy::print_stderr, reason = "the one place that prints")]
fn say(line: &str) {
    eprintln!("{line}");
}
