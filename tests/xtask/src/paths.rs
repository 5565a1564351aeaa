//! Every path of the repository that the README or a module's documentation names must be there.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The folders that a path begins with when it is one of ours.
const ROOTS: [&str; 6] = ["wit/", "plugin/", "host/", "tests/", ".ci/", ".config/"];

/// Fails when a documented path is missing.
pub(crate) fn check(root: &Path) -> Result<()> {
    let listed =
        Command::new("git").current_dir(root).args(["ls-files", "-z"]).output().context("running git")?;
    let files = String::from_utf8(listed.stdout)?;
    let mut missing = Vec::new();
    for file in files.split('\0').filter(|it| it.ends_with(".rs") || it.ends_with(".md")) {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let documents = file.ends_with(".md") || line.trim_start().starts_with("//!");
            if !documents {
                continue;
            }
            for path in named(line).filter(|path| !root.join(path).exists()) {
                missing.push(format!("{file}:{}: `{path}`", number + 1));
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { bail!("paths that are not there:\n  {}", missing.join("\n  ")) }
}

/// The paths between backticks of a line that look like ours.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|text| {
        ROOTS.iter().any(|root| text.starts_with(root))
            && text.chars().all(|it| it.is_ascii_alphanumeric() || "_-./".contains(it))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_between_backticks_are_found() {
        let line = "see `host/src/sync/run.rs`, `cargo xtask`, `host/src/{a,b}.rs` and host/src";
        assert_eq!(super::named(line).collect::<Vec<_>>(), ["host/src/sync/run.rs"]);
    }
}
