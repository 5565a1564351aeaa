//! The tables of `tests/seed.md` and `tests/hostile.md`: every test that they name is there, every command exists.

use std::fs;
use std::path::Path;

use userload_tests::program::Home;

fn table(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the table")
}

/// The texts between backticks of the table's rows.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("| ")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Fails when the file names a test that is not there, or hardly any.
fn all_there(file: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = table(file);
    let mut named = 0;
    let mut missing = Vec::new();
    for (file, test) in quoted(&text).filter_map(|it| it.split_once("::")) {
        named += 1;
        let path = [format!("tests/tests/{file}"), file.to_owned()].map(|it| root.join(it));
        let code = path.iter().find_map(|it| fs::read_to_string(it).ok()).unwrap_or_default();
        if !code.contains(&format!("fn {test}(")) {
            missing.push(format!("{file}::{test}"));
        }
    }
    assert!(named >= at_least, "only {named} tests are named");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_test_that_the_sentences_name_is_there() {
    all_there("seed.md", 49);
}

#[test]
fn every_hostile_case_is_there() {
    all_there("hostile.md", 80);
}

#[test]
fn every_command_that_the_table_names_exists() {
    let home = Home::new();
    let text = table("seed.md");
    let mut named = 0;
    for command in quoted(&text).filter_map(|it| it.strip_prefix("userload ")) {
        named += 1;
        let words: Vec<&str> = command
            .split(' ')
            .take_while(|it| it.starts_with(char::is_lowercase) && !it.contains('='))
            .collect();
        let told = home.run(&format!("{} --help", words.join(" ")));
        assert_eq!(told.code, 0, "`userload {command}`: {}", told.err);
        for flag in command.split(' ').filter(|it| it.starts_with("--")) {
            assert!(told.out.contains(flag), "`userload {command}` has no {flag}:\n{}", told.out);
        }
    }
    assert!(named > 23, "only {named} commands are named");
}
