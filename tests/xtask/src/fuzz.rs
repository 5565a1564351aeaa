//! Everything that reads bytes from outside, with as many made-up inputs as fit into a given time.
//!
//! The targets are the property tests of the plugin and the host (`proptest!`): documents, filters, expressions,
//! pages, cursors, patterns of the policy, compiled files, CSV, replies. `cargo xtask test` gives each of them a few
//! hundred inputs; here each round gives new ones. What fails is shrunk and shown as an input by proptest.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The inputs of a property in one round.
const CASES: u32 = 4_096;

/// Where properties stand, so that only they run: `proptest!` is looked for in these folders.
const FOLDERS: [&str; 3] = ["plugin/src", "plugin/scim/src", "host/src"];

/// Runs rounds until the time is over: at least one.
pub(crate) fn run(root: &Path, cargo: impl Fn() -> Command, time: Duration) -> Result<()> {
    let properties = properties(root)?;
    let started = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || started.elapsed() < time {
        let status = cargo()
            .current_dir(root)
            .args(["test", "--workspace", "--lib", "--locked", "--quiet", "--"])
            .args(&properties)
            .env("PROPTEST_CASES", CASES.to_string())
            .stdout(std::process::Stdio::null())
            .status()?;
        if !status.success() {
            bail!("an input was found that fails; `cargo test --workspace --lib` shows it ({status})");
        }
        rounds += 1;
    }
    crate::say(&format!("{} properties, {rounds} rounds of {CASES} inputs: nothing found", properties.len()));
    Ok(())
}

/// The names of all property tests.
fn properties(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders: Vec<_> = FOLDERS.iter().map(|it| root.join(it)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                names.extend(in_text(&std::fs::read_to_string(&path)?));
            }
        }
    }
    names.sort();
    names.dedup();
    if names.len() < 15 {
        bail!("only {} properties were found: {names:?}", names.len());
    }
    Ok(names)
}

/// The names of the tests within `proptest! { … }`, whose end is a brace at the indentation of its start.
fn in_text(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut end = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        match end {
            None if words.ends_with("proptest! {") => end = Some(indent),
            Some(at) if at == indent && words == "}" => end = None,
            Some(_) => names.extend(
                words.strip_prefix("fn ").and_then(|it| it.split_once('(')).map(|(it, _)| it.to_owned()),
            ),
            None => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    #[test]
    fn tests_within_properties_and_no_others() {
        let text = "fn a() {}\n    proptest! {\n        #[test]\n        fn b(x in 0..1) {\n        }\n    }\nfn c() {}";
        assert_eq!(super::in_text(text), ["b"]);
    }
}
