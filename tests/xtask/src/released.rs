//! Holds the contract against the last released one, by wit-component's `semver_check`.
//!
//! `semver_check` asks whether a component of the old world would fit the new one: the new world may import more and
//! export less. For a host that runs plugins this is half of the answer. What plugins import may grow: older plugins
//! do not call what is new. What they export may grow as well, but older plugins lack what is new and are refused with
//! words, while newer plugins fit older hosts: that is the same question the other way round. Anything else (a
//! parameter, a field, a case, something taken away) is another contract, and needs another version: before 1.0
//! another minor one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wit_component::semver_check;
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

/// Worlds for each half of the check.
const HALVES: &str = "\nworld all-imports { import secrets; import log; }\n\
                      world all-exports { export connector; export transform; }\n";

/// Fails when the contract under the released version's number is not the released one with additions.
pub(crate) fn check(root: &Path) -> Result<()> {
    let released = newest(&root.join("tests/released-wit"))?;
    let now = version(&root.join("wit"))?;
    let was = version(&released)?;
    if line(&now) != line(&was) {
        crate::say(&format!("contract {now} is another line than the released {was}: nothing to compare"));
        return Ok(());
    }
    let folder = root.join("target/released-wit");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // Two packages of one name must differ in their version; the check itself looks at none.
    let old = stage(&released, &folder.join("old"), &was, "0.0.1-released")?;
    let new = stage(&root.join("wit"), &folder.join("new"), &now, "0.0.1-now")?;
    let worlds = |name: &str| both(root, &old, &new, name);
    let (resolve, old_imports, new_imports) = worlds("all-imports")?;
    semver_check(resolve, old_imports, new_imports)
        .with_context(|| format!("what plugins import is not that of {was} with additions; {HELP}"))?;
    let (resolve, old_exports, new_exports) = worlds("all-exports")?;
    if semver_check(resolve.clone(), old_exports, new_exports).is_ok() {
        crate::say(&format!("contract: plugins of {was} fit"));
        return Ok(());
    }
    semver_check(resolve, new_exports, old_exports)
        .with_context(|| format!("what plugins export is not that of {was} with additions; {HELP}"))?;
    crate::say(&format!("contract: {was} with more exports; older plugins have to be built again"));
    Ok(())
}

const HELP: &str =
    "raise the version in every file of `wit`, and keep the released one under `tests/released-wit`";

fn both(root: &Path, old: &Path, new: &Path, world: &str) -> Result<(Resolve, WorldId, WorldId)> {
    let mut resolve = Resolve::default();
    // The dependencies come with `wit` itself.
    resolve.push_dir(root.join("wit")).context("reading `wit`")?;
    let mut push = |folder: &Path| {
        let group = UnresolvedPackageGroup::parse_dir(folder)?;
        resolve.push_group(group).map_err(|error| anyhow::anyhow!("{}: {error}", folder.display()))
    };
    let (old, new) = (push(old)?, push(new)?);
    let (old, new) = (resolve.select_world(&[old], Some(world))?, resolve.select_world(&[new], Some(world))?);
    Ok((resolve, old, new))
}

/// A copy under another version, with the halves.
fn stage(from: &Path, to: &Path, version: &str, alias: &str) -> Result<PathBuf> {
    fs::create_dir_all(to)?;
    for file in wit_files(from)? {
        let mut text = fs::read_to_string(&file)?;
        text = text.replace(&format!("package {PACKAGE}@{version};"), &format!("package {PACKAGE}@{alias};"));
        let name = file.file_name().context("a file without a name")?;
        if name == "world.wit" {
            text.push_str(HALVES);
        }
        fs::write(to.join(name), text)?;
    }
    Ok(to.to_path_buf())
}

const PACKAGE: &str = "userload:directory";

fn wit_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))?;
    let paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "wit")).collect())
}

/// The version that the world's file says.
fn version(folder: &Path) -> Result<String> {
    let text = fs::read_to_string(folder.join("world.wit"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("package {PACKAGE}@")));
    Ok(line.context("`world.wit` names no package")?.trim_end_matches(';').to_owned())
}

/// The digits that must agree: up to the first that is not zero.
fn line(version: &str) -> Vec<&str> {
    let digits: Vec<&str> = version.split('.').collect();
    let first = digits.iter().position(|it| *it != "0").unwrap_or(digits.len() - 1);
    digits[..=first].to_vec()
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let numbers = |path: &Path| -> Vec<u64> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').map(|it| it.parse().unwrap_or(0)).collect()
    };
    let versions = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    match versions.into_iter().max_by_key(|path| numbers(path)) {
        Some(newest) => Ok(newest),
        None => bail!("no released contract under `{}`", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds a changed copy of the contract against the contract.
    fn changed(name: &str, file: &str, from: &str, to: &str) -> (bool, bool) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join("target/released-wit-tests").join(name);
        drop(fs::remove_dir_all(&folder));
        let now = version(&root.join("wit")).unwrap();
        let old = stage(&root.join("wit"), &folder.join("old"), &now, "0.0.1-released").unwrap();
        let new = stage(&root.join("wit"), &folder.join("new"), &now, "0.0.1-now").unwrap();
        let text = fs::read_to_string(new.join(file)).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(new.join(file), text.replacen(from, to, 1)).unwrap();
        let world = if file == "host.wit" { "all-imports" } else { "all-exports" };
        let (resolve, old, new) = both(&root, &old, &new, world).unwrap();
        (semver_check(resolve.clone(), old, new).is_ok(), semver_check(resolve, new, old).is_ok())
    }

    #[test]
    fn what_may_change_and_what_may_not() {
        let identify = "identify: func(source: source)";
        let more = format!("another: func() -> u32;\n  {identify}");
        assert_eq!(changed("export", "connector.wit", identify, &more), (false, true), "a new export");
        let log = "log: func(level: level, message: string);";
        let flush = format!("{log}\n  flush: func();");
        assert!(changed("import", "host.wit", log, &flush).0, "a new import");
        let field = "record setting { name: string, value: string }";
        let wider = "record setting { name: string, value: string, more: u32 }";
        assert_eq!(changed("field", "types.wit", field, wider), (false, false), "a new field");
        assert_eq!(
            changed("case", "types.wit", "    cursor-expired,", "    cursor-expired, lost,"),
            (false, false)
        );
        assert_eq!(changed("same", "types.wit", field, field), (true, true));
    }

    #[test]
    fn lines_of_versions() {
        assert_eq!(line("0.2.0"), line("0.2.7"));
        assert_ne!(line("0.2.0"), line("0.1.0"));
        assert_eq!(line("1.2.0"), line("1.9.1"));
        assert_ne!(line("1.2.0"), line("2.0.0"));
    }
}
