//! The guide `plugin/README.md`: what it tells to type is there.

use std::path::Path;

use userload_tests::program::Home;

const GUIDE: &str = include_str!("../../plugin/README.md");

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The lines of the guide's blocks of one kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let opening = format!("```{kind}\n");
    let blocks = GUIDE.split(opening.as_str()).skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_path_is_there() {
    let named = GUIDE.split('`').skip(1).step_by(2);
    let mut seen = 0;
    for path in
        named.filter(|it| ["wit/", "plugin/", "tests/", "host/"].iter().any(|top| it.starts_with(top)))
    {
        // What the reader makes.
        if path.starts_with("plugin/mine") {
            continue;
        }
        assert!(root().join(path).exists(), "`{path}` is not there");
        seen += 1;
    }
    assert!(seen > 10, "the guide names {seen} paths");
}

#[test]
fn every_task_is_one() {
    let tasks = std::fs::read_to_string(root().join("tests/xtask/src/main.rs")).expect("the tasks");
    let named = GUIDE.split("cargo xtask ").skip(1);
    let mut seen = 0;
    for rest in named {
        let task = rest.split(|it: char| !it.is_ascii_lowercase()).next().unwrap_or_default();
        assert!(tasks.contains(&format!("\"{task}\" =>")), "`cargo xtask {task}` is no task");
        seen += 1;
    }
    assert!(seen > 4, "the guide names {seen} tasks");
    let plugins = std::fs::read_to_string(root().join("tests/xtask/src/component.rs")).expect("the plugins");
    assert!(plugins.contains("PLUGINS: [Plugin;"));
}

/// The commands, as they stand in the guide, but for the folders and the address that are the reader's own.
#[test]
fn every_command_of_the_program_does_what_it_should() {
    let home = Home::new();
    let component =
        root().join("target/component/userload-scim.wasm").canonicalize().expect("a built component");
    let component = component.display().to_string();
    home.write("token.txt", "a-token-of-the-readers");
    let inspect = home.call(&["plugin", "inspect", &component, "--json"]).run().ended(0).json();
    let digest = inspect["plugin"]["digest"].as_str().expect("a digest");
    let document = blocks("toml").concat();
    let document = document.replace("/path/to/target/component/userload-scim.wasm", &component);
    home.write("mine.toml", document.replace(&"0".repeat(64), digest));
    let mut done = Vec::new();
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let Some(words) = line.strip_prefix("target/debug/userload ") else { continue };
        let words: Vec<String> = words
            .split_whitespace()
            .map(|it| it.replace("target/component/userload-scim.wasm", &component))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[0] {
            // They talk to the service, which is the reader's: what they would ask stands in `cli_scim`.
            "check" | "plan" => drop(home.call(&[words[0], "--help"]).run().ended(0)),
            _ => drop(home.call(&words).run().ended(0)),
        }
        done.push(words[0].to_owned());
    }
    assert_eq!(done, ["plugin", "credential", "plugin", "integration", "plugin", "check", "plan"]);
}
