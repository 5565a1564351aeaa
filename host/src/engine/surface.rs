//! What a component imports and exports, held against the contract. Pure.

use super::error::LoadError;

/// The version of `userload:directory` that this host speaks. Versions that agree in the first digit that
/// is not zero understand each other.
pub const CONTRACT_VERSION: &str = "0.2.0";

/// The package of the contract.
const PACKAGE: &str = "userload:directory";

/// World `plugin`: the whole list of what a plugin may import.
const POWERS: [(&str, &str); 9] = [
    ("userload:directory/types", CONTRACT_VERSION),
    ("userload:directory/secrets", CONTRACT_VERSION),
    ("userload:directory/log", CONTRACT_VERSION),
    ("wasi:http/types", WASI),
    ("wasi:http/outgoing-handler", WASI),
    ("wasi:io/error", WASI),
    ("wasi:io/poll", WASI),
    ("wasi:io/streams", WASI),
    ("wasi:clocks/monotonic-clock", WASI),
];

/// The point release of WASI 0.2 that the host provides at least.
const WASI: &str = "0.2.2";

/// Checks names and versions; the types are checked by the linker afterwards. Returns the version of the
/// contract that the component speaks.
pub(super) fn check(imports: &[String], exports: &[String]) -> Result<String, LoadError> {
    let version = spoken(imports, exports)?;
    let forbidden: Vec<String> = imports.iter().filter(|import| !allowed(import)).cloned().collect();
    if !forbidden.is_empty() {
        return Err(LoadError::AsksTooMuch { imports: forbidden });
    }
    let has = |interface: &str| exports.iter().any(|export| split(export).0 == interface);
    for interface in ["connector", "transform"] {
        if !has(&format!("{PACKAGE}/{interface}")) {
            return Err(LoadError::NotAPlugin {
                missing: format!("{PACKAGE}/{interface}@{CONTRACT_VERSION}"),
            });
        }
    }
    Ok(version)
}

fn spoken(imports: &[String], exports: &[String]) -> Result<String, LoadError> {
    let ours = |name: &&String| split(name).0.starts_with("userload:directory/");
    let mut version = None;
    for name in exports.iter().chain(imports).filter(ours) {
        let spoken = split(name).1.unwrap_or("(none)");
        if !compatible(spoken, CONTRACT_VERSION) {
            return Err(LoadError::Contract { component: spoken.to_owned(), host: CONTRACT_VERSION });
        }
        version.get_or_insert_with(|| spoken.to_owned());
    }
    version
        .ok_or_else(|| LoadError::NotAPlugin { missing: format!("{PACKAGE}/connector@{CONTRACT_VERSION}") })
}

fn allowed(import: &str) -> bool {
    let (interface, version) = split(import);
    let power = POWERS.iter().find(|(name, _)| *name == interface);
    power.is_some_and(|(_, provided)| version.is_some_and(|asked| compatible(asked, provided)))
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    }
}

/// The component model's rule: the first digit that is not zero must agree; pre-releases and 0.0.x only
/// with themselves.
fn compatible(one: &str, other: &str) -> bool {
    fn key(version: &str) -> Option<Vec<u64>> {
        let numbers: Vec<u64> = version.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        match numbers[..] {
            [0, 0, _] => None,
            [0, minor, _] => Some(vec![0, minor]),
            [major, _, _] => Some(vec![major]),
            _ => None,
        }
    }
    one == other || key(one).is_some_and(|one| Some(one) == key(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const BOTH: [&str; 2] = ["userload:directory/connector@0.2.0", "userload:directory/transform@0.2.0"];

    #[test]
    fn the_version_is_the_one_in_wit() {
        let world = include_str!("../../../wit/world.wit");
        assert!(world.contains(&format!("package userload:directory@{CONTRACT_VERSION};")));
    }

    #[test]
    fn the_world_plugin_is_let_in() {
        let imports = names(&[
            "userload:directory/types@0.2.0",
            "userload:directory/secrets@0.2.3",
            "wasi:http/types@0.2.12",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:io/poll@0.2.2",
            "wasi:clocks/monotonic-clock@0.2.2",
        ]);
        assert_eq!(check(&imports, &names(&BOTH)).unwrap(), "0.2.0");
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for import in [
            "wasi:filesystem/types@0.2.2",
            "wasi:sockets/tcp@0.2.2",
            "wasi:cli/environment@0.2.2",
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-11-10",
            "wasi:clocks/wall-clock@0.2.2",
            "wasi:random/random@0.2.2",
            "env",
            "wasi:http/types",
        ] {
            let error = check(&names(&[import]), &names(&BOTH)).unwrap_err().to_string();
            assert!(error.contains(import), "{error}");
        }
    }

    #[test]
    fn another_contract_names_both_versions() {
        let error = check(&[], &names(&["userload:directory/connector@0.3.0"])).unwrap_err().to_string();
        assert!(error.contains("0.3.0") && error.contains("0.2.0"), "{error}");
        assert!(matches!(
            check(&names(&["userload:directory/log@1.0.0"]), &names(&BOTH)),
            Err(LoadError::Contract { .. })
        ));
        assert!(matches!(check(&[], &names(&["wasi:cli/run@0.2.2"])), Err(LoadError::NotAPlugin { .. })));
        assert!(matches!(check(&[], &names(&BOTH[..1])), Err(LoadError::NotAPlugin { .. })));
    }

    #[test]
    fn compatibility_is_the_component_models() {
        for (one, other, fits) in [
            ("0.1.0", "0.1.9", true),
            ("0.1.0", "0.2.0", false),
            ("1.2.0", "1.0.0", true),
            ("1.0.0", "2.0.0", false),
            ("0.0.1", "0.0.1", true),
            ("0.0.1", "0.0.2", false),
            ("0.1.0-rc", "0.1.0", false),
            ("x", "0.1.0", false),
        ] {
            assert_eq!(compatible(one, other), fits, "{one} {other}");
        }
    }
}
