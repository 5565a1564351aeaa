//! `userload demo`: what it prints is in a file, what it leaves behind can be explored, and it can be told
//! again.

use std::path::Path;

use userload_tests::program::Home;

/// What the demonstration prints. `USERLOAD_BLESS=1 cargo test --test cli_demo` writes it anew.
const TOLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli_demo.txt");

fn told(home: &Home) -> String {
    let demo = home.done("demo --folder story");
    assert_eq!(demo.err, "", "progress is for terminals");
    demo.out
}

/// Durations, ports, bytes, and what the machine makes of the processor differ from run to run; nothing else
/// does.
fn steady(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("read ") || line.starts_with("plugin: ") {
            without_numbers(line)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Every number as `#`, but for the counts of calls and requests.
fn without_numbers(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut steady = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let counts =
            ["call", "request"].iter().any(|it| words.get(at + 1).is_some_and(|next| next.starts_with(it)));
        let mut text = String::new();
        for letter in word.chars() {
            match letter {
                _ if counts => text.push(letter),
                '0'..='9' if !text.ends_with('#') => text.push('#'),
                '0'..='9' => {}
                '.' | ',' if text.ends_with('#') && !word.ends_with(letter) => {}
                _ => text.push(letter),
            }
        }
        steady.push(text);
    }
    steady.join(" ")
}

#[test]
fn the_story_is_the_one_in_the_file_and_the_same_every_time() {
    let home = Home::new();
    let first = steady(&told(&home));
    if std::env::var_os("USERLOAD_BLESS").is_some() {
        std::fs::write(TOLD, &first).unwrap();
    }
    let expected = std::fs::read_to_string(TOLD).unwrap();
    for (at, (line, wanted)) in first.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, wanted, "line {} of {TOLD}", at + 1);
    }
    assert_eq!(first.lines().count(), expected.lines().count(), "as many lines as in {TOLD}");
    // In the same folder: it is made anew.
    assert_eq!(steady(&told(&home)), first);
}

#[test]
fn what_is_left_behind_can_be_explored() {
    let home = Home::new();
    let text = told(&home);
    // The commands at the end of the story, as they stand there, typed into a shell.
    let (_, end) = text.split_once("What is left behind").unwrap();
    let commands: Vec<&str> =
        end.lines().map(str::trim).filter(|line| line.starts_with("userload ")).collect();
    assert!(commands.len() >= 5, "{end}");
    for command in commands {
        let script = command.replacen("userload", "\"$0\"", 1);
        let answer = home.shell(&script).run().ended(0);
        assert!(!answer.out.is_empty(), "{command}");
        assert!(answer.err.lines().count() <= 1, "{command}: {}", answer.err);
    }
    let at = |rest: &str| home.done(&format!("--home story {rest}"));
    at("status").answers(&["contoso", "launched", "wait for you to decide", "next: userload held list"]);
    let held = at("held list --json").json();
    let causes: Vec<&str> =
        held["causes"].as_array().unwrap().iter().map(|it| it["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["clear:department", "deactivate:deleted"]);
    for (id, name) in [
        ("007", "Bianca Bowen"),
        ("1e5", "Dana Cattaneo"),
        ("0x1F", "Hugo Sayers"),
        ("1_000", "Nina Demir"),
        ("None", "Megan Robbins"),
        ("312-800-9919", "Lidia Lorenz"),
        ("12345678901234567890", "Isaiah Bowen"),
    ] {
        at(&format!("people show {id}")).answers(&[name, id]);
    }
    let runs = at("runs list --json").json();
    let states: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "applied", "applied", "applied", "applied", "discarded"]);
}

/// In both disasters nobody is deactivated but the six who left before; the totals of every run add up.
#[test]
fn the_counts_add_up_and_nobody_is_harmed() {
    let home = Home::new();
    told(&home);
    let at = |rest: &str| home.done(&format!("--home story {rest}")).json();
    let mut deactivated = Vec::new();
    for number in 2..=6 {
        let run = at(&format!("runs show {number} --json"))["run"].clone();
        let outcomes = run["outcomes"].as_object().unwrap();
        let sum: u64 = outcomes.values().map(|it| it.as_u64().unwrap()).sum();
        let rows = run["rows_seen"].as_u64().unwrap() + run["absent"].as_u64().unwrap();
        assert_eq!(sum, rows, "run {number}: {outcomes:?}");
        deactivated.push(outcomes.get("deactivated").and_then(|it| it.as_u64()).unwrap_or(0));
    }
    assert_eq!(deactivated, [0, 0, 6, 0, 0]);
    let status = at("status --json");
    let people = |state: &str| status["people"][state].as_u64().unwrap();
    assert_eq!(people("inactive"), 61 + 6, "61 came disabled, 6 left");
    assert_eq!(people("active"), 2000 + 12 - 61 - 6);
}

#[test]
fn a_folder_of_somebodys_own_is_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.around().join("mine")).unwrap();
    home.write("mine/precious.txt", "mine");
    let told = home.refused(2, "demo --folder mine");
    assert!(told.contains("`mine` is there already, and not from a demonstration"), "{told}");
    assert!(Path::new(&home.around().join("mine/precious.txt")).exists());
}

/// The story itself fails when a disaster is none, such as a listing of one page that cannot be cut short.
#[test]
fn a_small_directory_meets_the_same_disasters() {
    let home = Home::new();
    let told = home.done("demo --people 120 --folder small").out;
    assert!(told.contains("listing incomplete"), "{told}");
}
