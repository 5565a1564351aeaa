//! `userload init` at a terminal: arrow keys choose, and a secret is never on the screen.

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT};
use userload_tests::program::{Answer, Contoso, DOWN, Forms, Origin, Terminal, add_credential};

use super::Beginning;

/// `init` at a terminal, with these arguments besides where the source is.
fn begin(start: &Beginning, arguments: &[&str]) -> Terminal {
    let origin = start.sim.origin();
    let mut all = vec!["init", "--domain", &origin, "--login", &origin, "--grant", &origin];
    all.extend(arguments);
    start.home.call(&all).at_terminal()
}

#[test]
fn arrow_keys_choose_and_the_secret_is_never_shown() {
    let start = Beginning::new();
    let mut terminal = begin(&start, &[]);
    terminal.sees("Credential (a name of yours) [entra]: ");
    terminal.types("\n");
    terminal.sees("Directory (tenant) ID: ");
    terminal.types(&format!("{DEFAULT_TENANT}\n"));
    terminal.sees("Application (client) ID: ");
    terminal.types(&format!("{DEFAULT_CLIENT_ID}\n"));
    terminal.sees("Name of the integration [people]: ");
    terminal.types("\n");
    terminal.sees("Access role of everybody whom it loads");
    terminal.sees("Administrator");
    terminal.types(DOWN);
    terminal.sees("> Contractor");
    terminal.types("\r");
    terminal.sees("Whom to load");
    terminal.types("\n");
    terminal.sees("Client secret (not shown)");
    terminal.types(&format!("{DEFAULT_SECRET}\n"));
    terminal.sees("userload launch people");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    assert!(start.file("people.toml").unwrap().contains("access-role = \"Contractor\""), "{screen}");
    // The terminal shows what is typed, but for the secret.
    assert!(screen.contains(DEFAULT_CLIENT_ID), "{screen}");
    Forms::of("the secret", DEFAULT_SECRET).are_not_in("the screen", screen.as_bytes());
    // The next call chooses among what is there: the second entry is a new one.
    let mut terminal = start.home.call(&["init", "more", "--access-role", "Guest"]).at_terminal();
    terminal.sees("Credential");
    terminal.sees("> entra");
    terminal.types(DOWN);
    terminal.sees("> a new one");
    terminal.types("\r");
    terminal.sees("a name for a new one");
    terminal.types("other\n");
    terminal.sees("Directory (tenant) ID: ");
}

#[test]
fn a_terminal_without_arrow_keys_is_asked_for_a_line() {
    let start = Beginning::new();
    let ids = ["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID, "--credential", "entra"];
    let origin = start.sim.origin();
    let source = ["init", "people", "--domain", &origin, "--login", &origin, "--grant", &origin];
    let call = start.home.call(&[&source[..], &ids].concat()).env("TERM", "dumb");
    let mut terminal = call.at_terminal();
    terminal.sees("Access role of everybody whom it loads (Employee, Contractor, External, Guest, Administrator) [Employee]: ");
    terminal.types("boss\n");
    terminal.sees("`boss` is no access role");
    terminal.types("guest\n");
    terminal.sees("Whom to load");
}

#[test]
fn ctrl_c_at_a_choice_ends_it_and_gives_the_cursor_back() {
    let start = Beginning::new();
    let ids =
        ["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID, "--credential", "entra", "people"];
    let mut terminal = begin(&start, &ids);
    terminal.sees("Administrator");
    terminal.types("\u{3}");
    let (code, screen) = terminal.ends();
    assert_ne!(code, 0, "{screen}");
    assert!(screen.rfind("\u{1b}[?25h") > screen.rfind("\u{1b}[?25l"), "{screen:?}");
    assert!(start.home.contents().is_empty());
}

/// Somebody adds a credential of the same name while the secret is asked for: theirs stays.
#[test]
fn what_another_added_meanwhile_is_not_removed() {
    let start = Beginning::new();
    let ids =
        ["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID, "--credential", "entra", "people"];
    let known = ["--access-role", "Employee", "--filter", "Default"];
    let mut terminal = begin(&start, &[&ids[..], &known].concat());
    terminal.sees("Client secret (not shown)");
    let origin = start.sim.origin();
    let theirs = Origin { origin: &origin, tenant: DEFAULT_TENANT, secret: DEFAULT_SECRET };
    add_credential(&start.home, "entra", &theirs).run().ended(0);
    let before = start.home.done("credential list --json").out;
    terminal.types(&format!("{DEFAULT_SECRET}\n"));
    terminal.sees("there is a credential `entra` already");
    assert_eq!(terminal.ends().0, 2);
    assert_eq!(start.home.done("credential list --json").out, before);
    assert_eq!(start.file("people.toml"), None);
    // The next call uses it.
    let again = ["init", "people", "--access-role", "Employee", "--grant", &origin];
    start.home.call(&again).run().ended(0);
}

/// What fails at its end leaves the old file as it was, and no credential that it had added.
#[test]
fn a_forced_init_that_fails_loses_nothing() {
    let contoso = Contoso::launched(5);
    let ranked = contoso.document("priority = 1");
    let start = Beginning { sim: contoso.sim, home: contoso.home };
    start.home.write("more.toml", "mine");
    let before = start.home.contents();
    let origin = start.sim.origin();
    let call = |more: &[&str]| -> Answer {
        let source = ["init", "more", "--domain", &origin, "--login", &origin, "--grant", &origin, "--force"];
        let ids = ["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID, "--credential", "second"];
        let rest = ["--secret-env", "THE_SECRET", "--access-role", "Employee"];
        start.home.call(&[&source[..], &ids, &rest, more].concat()).env("THE_SECRET", DEFAULT_SECRET).run()
    };
    // Another integration fills the same fields, and nobody says who wins.
    let told = call(&[]).ended(2).err;
    assert!(told.contains("--priority NUMBER"), "{told}");
    assert_eq!(start.file("more.toml").unwrap(), "mine");
    assert_eq!(names(&start), ["entra"]);
    assert_eq!(start.home.contents().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    let left: Vec<_> =
        std::fs::read_dir(start.home.around()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert!(!left.iter().any(|it| it.to_string_lossy().ends_with(".new")), "{left:?}");
    // Put right, it takes the file's place.
    start.home.write("contoso.toml", ranked);
    start.home.done("integration save -f contoso.toml");
    call(&["--priority", "7"]).ended(0);
    assert!(start.file("more.toml").unwrap().contains("priority = 7"));
    assert_eq!(names(&start), ["entra", "second"]);
}

fn names(start: &Beginning) -> Vec<String> {
    let all = start.home.done("credential list --json").json();
    all["credentials"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}
