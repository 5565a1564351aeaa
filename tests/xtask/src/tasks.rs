//! The tasks themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::toolchain::{Toolchain, cargo_program};
use crate::{component, fuzz as inputs, portability, released as contract, reproduce as repeat};

/// The workspace's root.
fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("no workspace root")
}

/// The value behind `--toolchain`, else that of `USERLOAD_TOOLCHAIN`.
fn toolchain(args: &[String]) -> Result<Toolchain> {
    let asked = args.iter().position(|arg| arg == "--toolchain").map(|at| args.get(at + 1));
    let from_env = std::env::var("USERLOAD_TOOLCHAIN").ok();
    match asked {
        Some(None) => bail!("`--toolchain` needs a value: rustup or debian"),
        Some(Some(name)) => Toolchain::choose(Some(name)),
        None => Toolchain::choose(from_env.as_deref()),
    }
}

/// A cargo without what `cargo run` tells its program: build scripts of dependencies look at it, and would run
/// again whenever somebody calls cargo by hand in between.
fn clean_cargo() -> Command {
    let mut cargo = Command::new(cargo_program());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

fn cargo(args: &[&str]) -> Result<()> {
    let status = clean_cargo().current_dir(root()?).args(args).status().context("running cargo")?;
    if !status.success() {
        bail!("`cargo {}` failed ({status})", args.join(" "));
    }
    Ok(())
}

/// The component and every program of the workspace.
pub(crate) fn build(args: &[String]) -> Result<()> {
    component::build(&root()?, toolchain(args)?)?;
    cargo(&["build", "--workspace", "--bins", "--locked"])
}

/// Builds, and runs `userload demo`.
pub(crate) fn demo(args: &[String]) -> Result<()> {
    build(&[])?;
    let args: Vec<&String> = args.iter().filter(|arg| *arg != "--").collect();
    let status = Command::new(root()?.join("target/debug/userload")).arg("demo").args(args).status()?;
    if !status.success() {
        bail!("`userload demo` failed ({status})");
    }
    Ok(())
}

/// Builds, and runs every test of the workspace.
pub(crate) fn test(args: &[String]) -> Result<()> {
    build(&[])?;
    let mut all = vec!["test", "--workspace", "--locked", "--no-fail-fast"];
    all.extend(args.iter().map(String::as_str));
    cargo(&all)
}

/// Builds, and measures.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    build(&[])?;
    let status = Command::new(root()?.join("target/debug/userload-bench")).args(args).status()?;
    if !status.success() {
        bail!("the benchmark failed ({status})");
    }
    Ok(())
}

/// Everything that must hold before a change lands.
pub(crate) fn ci() -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("paths", || crate::paths::check(&root()?))?;
    step("contract", released)?;
    step("build", || build(&[]))?;
    step("test", || test(&[]))?;
    step("clippy", || cargo(&clippy))?;
    step("fuzz", || fuzz(&["--seconds".to_owned(), "20".to_owned()]))?;
    step("reproduce", || reproduce(&[]))?;
    // What a registry does not give is said, and no fault of the change.
    step("portability", || portability::check(&root()?, false))?;
    step("documentation", document)?;
    step("licences", deny)
}

/// Does one step, and says how long it took.
fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let started = std::time::Instant::now();
    let done = work().with_context(|| format!("step `{name}`"));
    let end = if done.is_ok() { "done" } else { "failed" };
    crate::say(&format!("step {name}: {end} after {} s", started.elapsed().as_secs()));
    done
}

/// Builds, and runs every other host.
pub(crate) fn portability() -> Result<()> {
    build(&[])?;
    portability::check(&root()?, true)
}

/// Builds the components twice.
pub(crate) fn reproduce(args: &[String]) -> Result<()> {
    repeat::check(&root()?, toolchain(args)?)
}

/// Builds, and gives everything that reads bytes from outside made-up ones for so many seconds.
pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    let seconds = match args {
        [] => 60,
        [flag, value] if flag == "--seconds" => value.parse().context("`--seconds` needs a whole number")?,
        _ => bail!("usage: cargo xtask fuzz [--seconds N]"),
    };
    build(&[])?;
    inputs::run(&root()?, clean_cargo, std::time::Duration::from_secs(seconds))
}

/// Holds the contract against the last released one.
pub(crate) fn released() -> Result<()> {
    contract::check(&root()?)
}

/// The documentation, with warnings as errors.
fn document() -> Result<()> {
    let status = clean_cargo()
        .current_dir(root()?)
        .args(["doc", "--workspace", "--no-deps", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()?;
    if !status.success() {
        bail!("the documentation did not build ({status})");
    }
    Ok(())
}

/// Licences, bans and sources, by cargo-deny, which is installed when it is not there.
pub(crate) fn deny() -> Result<()> {
    let there = Command::new(cargo_program())
        .args(["deny", "--version"])
        .output()
        .is_ok_and(|it| it.status.success());
    if !there {
        crate::say("installing cargo-deny");
        cargo(&["install", "--locked", "--debug", "cargo-deny"])?;
    }
    cargo(&["deny", "--locked", "--config", ".config/deny.toml", "check", "licenses", "bans", "sources"])
}
