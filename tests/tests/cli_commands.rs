//! The commands as somebody new types them: help, mistakes, `--json`, tables, exit codes.

use userload_tests::program::{Contoso, Home};

/// Every command that only looks, in a home in which something has happened.
const LOOKING: [&str; 17] = [
    "status",
    "check",
    "credential list",
    "credential test entra",
    "integration list",
    "integration show",
    "held list",
    "fields list",
    "people list",
    "people list --inactive",
    "people list --search o'",
    "people show 007",
    "people export",
    "runs list",
    "runs show",
    "runs show 1 --changes",
    "plugin inspect",
];

/// Loaded once, then a day with something held: a column wiped.
fn lived_in() -> Contoso {
    let contoso = Contoso::launched(300);
    let first = contoso.sync(0);
    assert_eq!(first["outcomes"]["created"], 300);
    contoso.sim.change(|world| world.wipe("department"));
    assert!(contoso.sync(3)["newly_held"].as_u64().unwrap() > 200);
    contoso
}

#[test]
fn an_empty_home_is_no_riddle() {
    let home = Home::new();
    for command in ["", "status"] {
        home.done(command).answers(&["There is nothing in", "userload demo", "userload credential add"]);
    }
    assert_eq!(home.done("status --json").json()["integrations"], serde_json::json!([]));
    let looking = ["held list", "people list", "people export", "runs list", "runs show", "credential list"];
    let acting = ["check", "plan", "sync", "launch", "apply 1", "integration list", "integration show"];
    for command in looking.iter().chain(&acting) {
        let told = home.refused(2, command);
        assert!(told.starts_with("error: there is nothing in `TMP/home` yet\nhelp: "), "{command}: {told}");
    }
    assert!(!home.home().exists(), "looking makes nothing");
    home.done("plugin inspect").answers(&["Microsoft Entra ID", "built in"]);
    assert!(!home.home().exists(), "looking makes nothing");
}

#[test]
fn help_goes_to_stdout_and_mistakes_to_stderr() {
    let home = Home::new();
    for command in ["--help", "-h", "credential --help", "people list --help", "--version"] {
        let help = home.done(command);
        assert!(help.err.is_empty() && !help.out.is_empty(), "{command}");
    }
    home.done("--help").answers(&["Exit codes: 0 done, 1 failed, 2 usage"]);
    for (mistyped, meant) in
        [("stauts", "status"), ("sinc", "sync"), ("people lst", "list"), ("--jsn status", "--json")]
    {
        let told = home.refused(2, mistyped);
        assert!(told.contains(&format!("'{meant}'")), "{mistyped}: {told}");
    }
    for incomplete in ["credential", "credential add", "apply", "integration save"] {
        assert!(home.refused(2, incomplete).to_lowercase().contains("usage"), "{incomplete}");
    }
    assert!(home.refused(2, "apply seven").contains("invalid value 'seven' for '<RUN>'"));
}

#[test]
fn names_that_are_nearly_right_are_guessed() {
    let contoso = lived_in();
    for (command, sentence) in [
        ("sync contosso", "there is no integration `contosso`\nhelp: did you mean `contoso`?"),
        ("plan contosso", "there is no integration `contosso`\nhelp: did you mean `contoso`?"),
        ("credential test entr", "there is no credential `entr`\nhelp: did you mean `entra`?"),
        ("held list --cause clear:departmet", "did you mean `clear:department`?"),
        ("apply 99", "there is no run 99\nhelp: `userload runs list` lists them"),
        ("runs show 99", "there is no run 99"),
        ("people show nobody@nowhere", "there is nobody `nobody@nowhere`"),
    ] {
        let told = contoso.home.refused(2, command);
        assert!(told.contains(sentence), "{command}: {told}");
    }
}

#[test]
fn every_answer_is_json_with_a_version() {
    let contoso = lived_in();
    for command in LOOKING.iter().chain(&["launch", "sync", "plan"]) {
        let answer = contoso.home.run(&format!("{command} --json"));
        assert!([0, 3].contains(&answer.code), "{command}: {answer:?}");
        let value = answer.json();
        assert!(value.as_object().unwrap().len() > 1, "{command} says nothing: {value}");
        assert!(!answer.out.contains('\u{1b}'), "{command}");
    }
}

#[test]
fn tables_line_up_and_nothing_is_coloured_when_nobody_looks() {
    let contoso = lived_in();
    for command in LOOKING {
        let answer = contoso.home.done(command);
        assert!(!answer.out.contains('\u{1b}') && !answer.err.contains('\u{1b}'), "{command}");
        assert!(!answer.out.contains('\r') && !answer.err.contains('\r'), "{command}");
        if !command.contains("export") && !command.contains("integration show") {
            for line in answer.out.lines() {
                assert_eq!(line.trim_end(), line, "{command}: blanks at the end of a line");
            }
        }
    }
    contoso.home.call(&["status", "--color", "always"]).run().ended(0).answers(&["\u{1b}["]);
    let table = contoso.home.done("people list --limit 300").out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 301);
    let status = lines[0].find("Status").unwrap();
    for line in &lines[1..] {
        assert!(line.ends_with("active"), "{line}");
        // Latin lines can be measured by their letters; wide scripts take two columns for one.
        if line.is_ascii() {
            assert!(line[status..].starts_with("active") || line[status..].starts_with("inactive"), "{line}");
        }
    }
}

#[test]
fn the_story_goes_to_stderr_and_is_silent_when_asked() {
    let contoso = lived_in();
    let sync = contoso.home.run("sync").ended(0);
    assert_eq!(sync.err, "", "progress is for terminals, and nothing was worth a note");
    let list = contoso.home.done("people list --limit 3");
    assert!(list.err.contains("3 of 300 people"), "{}", list.err);
    assert_eq!(contoso.home.done("people list --limit 3 --quiet").err, "");
}

#[test]
fn the_exit_codes_say_what_happened() {
    let contoso = Contoso::launched(40);
    contoso.home.done("sync");
    // 1: it failed.
    contoso.sim.change(|world| world.apps[0].granted.clear());
    contoso.home.run("sync").ended(1);
    contoso.sim.change(|world| world.grant("User.Read.All"));
    // 2: usage or configuration.
    contoso.home.run("sync nobody").ended(2);
    // 4: finished, with rows that failed.
    contoso.sim.change(|world| {
        let nameless = world.ids()[20].clone();
        world.update(&nameless, "userPrincipalName", "null").unwrap();
    });
    contoso.home.run("sync").ended(4).answers(&["x failed 1"]);
    // 3: finished, with something newly held; it outranks the row that failed.
    contoso.sim.change(|world| world.wipe("department"));
    contoso.home.run("sync").ended(3);
    // 4 again: what is held now was held before.
    contoso.home.run("sync").ended(4);
}

#[test]
fn an_integrations_life() {
    let contoso = Contoso::draft(30);
    let home = &contoso.home;
    home.done("check").answers(&["✓ credential: opens tenant", "everything is as it should be"]);
    let plan = home.done("plan");
    plan.answers(&["Plan 1 for contoso: nobody was changed yet", "+30 created", "userload launch contoso"]);
    home.done("people list").answers(&["nobody"]);
    home.done("launch").answers(&["contoso is launched"]);
    home.done("launch").answers(&["contoso was launched already"]);
    home.done("apply 1").answers(&["Run 1 of contoso, applied", "+30 created"]);
    home.done("sync").answers(&["=30 unchanged", "Nothing changed."]);
    home.done("status").answers(&["sync 2", "no changes", "people active"]);
    let again = contoso.save("");
    again.ended(0).answers(&["integration contoso is as it was"]);
    let changed = contoso.save("mode = \"update-only\"").ended(0);
    changed.answers(&["+ mode = \"update-only\"", "integration contoso saved"]);
    // The document comes back as it was saved.
    assert_eq!(home.done("integration show").out, contoso.document("mode = \"update-only\""));
    let told = home.refused(2, "credential remove entra");
    assert!(told.contains("contoso"), "{told}");
    home.done("integration remove contoso").answers(&["integration contoso removed"]);
    home.done("people list --json");
    home.done("credential remove entra");
    home.done("status").answers(&["people active"]);
}
