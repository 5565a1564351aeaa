//! The walls of the house, as a scan of what each file names: who may open sockets, who may write SQL, who
//! may print, and which way data walks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file under a folder of the workspace, by its path from there; without comments.
fn files(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.extend((entry.file_name() != "target").then_some(path));
            } else if path.extension().is_some_and(|it| it == "rs") {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                let text = fs::read_to_string(&path).unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.insert(name, code.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    assert!(found.len() > 5, "nothing to look at in {folder}");
    found
}

/// Files of the program itself: neither tests beside the code nor what stands behind `#[cfg(test)]`.
fn program() -> BTreeMap<String, String> {
    let mut files = files("host/src");
    files.retain(|name, _| !name.contains("tests"));
    for text in files.values_mut() {
        if let Some(at) = text.find("#[cfg(test)]\nmod") {
            text.truncate(at);
        }
    }
    files
}

/// The files outside of `home` in which one of the words stands.
fn strangers(words: &[&str], home: &[&str]) -> Vec<String> {
    let away = |name: &str| !home.iter().any(|it| name.starts_with(it));
    let named = |text: &str| words.iter().find(|word| text.contains(**word)).copied();
    program()
        .iter()
        .filter(|(name, _)| away(name))
        .filter_map(|(name, text)| named(text).map(|word| format!("{name} names `{word}`")))
        .collect()
}

#[test]
fn one_door_to_the_network() {
    let clients =
        ["TcpStream", "hyper_util::client", "hyper::client", "UdpSocket", "UnixStream", "lookup_host"];
    assert_eq!(strangers(&clients, &["capabilities/egress/"]), Vec::<String>::new());
}

#[test]
fn sql_is_the_stores() {
    assert_eq!(strangers(&["rusqlite", "SELECT ", "INSERT INTO"], &["store/"]), Vec::<String>::new());
}

#[test]
fn only_the_command_line_prints() {
    let printing = ["println!", "print!(", "eprint", "io::stdout", "io::stderr", "std::io::stdout"];
    assert_eq!(strangers(&printing, &["cli/"]), Vec::<String>::new());
    assert_eq!(strangers(&["io::stdout()"], &["cli/output/"]), Vec::<String>::new());
    assert_eq!(strangers(&["process::exit", "dialoguer", "clap::"], &["cli/"]), Vec::<String>::new());
}

/// `cli → explain → sync → engine, store`; nobody looks back. What they share (`model`, `config`, `credential`) looks
/// at none of them.
#[test]
fn data_walks_one_way() {
    let walls: [(&str, &[&str]); 8] = [
        ("explain/", &["cli", "capabilities", "credential"]),
        ("capabilities/", &["engine", "sync", "store", "cli", "config", "credential", "model"]),
        ("engine/", &["sync", "store", "cli", "config", "credential"]),
        ("store/", &["cli", "engine", "capabilities", "explain"]),
        ("sync/", &["cli", "explain"]),
        ("model/", &["capabilities", "engine", "sync", "store", "cli", "config", "credential"]),
        // The operator's grants and limits are read as the policy has them.
        ("config/", &["engine", "sync", "store", "cli"]),
        ("credential/", &["capabilities", "engine", "sync", "store", "cli"]),
    ];
    let mut broken = Vec::new();
    for (name, text) in program() {
        for (home, never) in walls.iter().filter(|(home, _)| name.starts_with(home)) {
            let looks = |it: &&&str| text.contains(&format!("crate::{it}::"));
            broken.extend(never.iter().filter(looks).map(|it| format!("{name} in {home} looks at {it}")));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// What decides (policy), what it decides by (origins, networks) and what it says (denial) are data: they look at one
/// another and at nothing else of ours, and can neither wait nor ask.
#[test]
fn the_policy_depends_on_nothing_of_ours() {
    let pure = ["policy", "origin", "networks", "denial"];
    for name in pure {
        let text = &program()[&format!("capabilities/{name}.rs")];
        for line in text.lines().filter(|line| line.contains("super::") || line.contains("crate::")) {
            assert!(pure.iter().any(|it| line.contains(&format!("super::{it}::"))), "{name}: {line}");
        }
        for word in ["async ", "tokio", "hyper", "wasmtime", "std::fs", "std::env"] {
            assert!(!text.contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let all = ["host", "plugin/src", "tests"].map(files).into_iter().flatten();
    let long: Vec<String> = all
        .filter(|(_, text)| text.lines().count() > 600)
        .map(|(name, text)| format!("{name}: {}", text.lines().count()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}
