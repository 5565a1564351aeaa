//! Shows that a build can be repeated: the components, built again from a copy of the sources in another folder, have
//! the same digests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::component::{self, PLUGINS};
use crate::toolchain::Toolchain;

/// What a component is made of, and the other members, without which the lock file is another one.
const SOURCES: [&str; 6] = ["Cargo.toml", "Cargo.lock", "plugin", "wit", "host", "tests"];

/// Builds the components here and in a copy, and compares their digests.
pub(crate) fn check(root: &Path, toolchain: Toolchain) -> Result<()> {
    component::build(root, toolchain)?;
    let copy = root.join("target/reproduce/elsewhere/a folder of another name");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_sources(root, &copy)?;
    let mut different = Vec::new();
    for plugin in PLUGINS {
        let again = component::make(&copy, toolchain, plugin, &copy.join("target"))?;
        let here = component::digest(&fs::read(plugin.path(root))?);
        let there = component::digest(&again);
        crate::say(&format!("{here}  {}\n{there}  the same, built elsewhere", plugin.path(root).display()));
        for name in [root, &copy] {
            let name = name.to_string_lossy();
            if again.windows(name.len()).any(|it| it == name.as_bytes()) {
                bail!("the component holds the path `{name}`");
            }
        }
        if here != there {
            different.push(plugin);
        }
    }
    fs::remove_dir_all(root.join("target/reproduce"))?;
    if different.is_empty() { Ok(()) } else { bail!("built elsewhere they are others: {different:?}") }
}

fn copy_sources(root: &Path, to: &Path) -> Result<()> {
    // Committed or not: what was built here is what is built there.
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
        .args(SOURCES)
        .output()
        .context("running git")?;
    for file in String::from_utf8(listed.stdout)?.split('\0').filter(|it| !it.is_empty()) {
        let (from, to): (PathBuf, PathBuf) = (root.join(file), to.join(file));
        fs::create_dir_all(to.parent().context("no folder")?)?;
        // A file that was removed and not yet committed is listed too.
        if from.exists() {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
