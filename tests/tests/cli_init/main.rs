//! `userload init`: the guided first run, by flags and without a terminal. What it says is held against the
//! simulator's own people, and against what the first run then does.

mod tenants;
mod terminal;

use std::collections::{BTreeMap, BTreeSet};

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim, SimConfig, World};
use serde_json::Value;
use userload_tests::program::{Answer, Home};

/// A source, and a home that has nothing yet.
struct Beginning {
    sim: Sim,
    home: Home,
}

fn world() -> World {
    let mut world = World::empty(7);
    for n in 0..14 {
        let id = world.hire(&format!("p{n}@contoso.example"), &format!("Person {n}"));
        world.update_text(&id, "department", ["Sales", "IT"][n % 2]).unwrap();
        world.update_text(&id, "mail", &format!("Mail.{n}@contoso.example")).unwrap();
        match n {
            11 | 12 => world.update_text(&id, "userType", "Guest").unwrap(),
            13 => world.disable(&id).unwrap(),
            _ => {}
        }
    }
    world
}

impl Beginning {
    fn new() -> Self {
        let sim = Sim::start(SimConfig::default(), world()).expect("a simulator");
        Self { sim, home: Home::new() }
    }

    /// `init` with a new credential, and these arguments.
    fn init(&self, arguments: &[&str]) -> Answer {
        self.init_at(&self.sim.origin(), DEFAULT_SECRET, arguments)
    }

    fn init_at(&self, origin: &str, secret: &str, arguments: &[&str]) -> Answer {
        let mut all = vec!["init", "--domain", origin, "--login", origin, "--grant", origin];
        all.extend(["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID]);
        all.extend(["--secret-env", "THE_SECRET"]);
        all.extend(arguments);
        self.home.call(&all).env("THE_SECRET", secret).run()
    }

    fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.home.around().join(name)).ok()
    }

    /// How many users the source has of whom this is true.
    fn count(&self, is: impl Fn(&graph_sim::User) -> bool) -> u64 {
        self.sim.look(|world| world.users().filter(|it| is(it)).count() as u64)
    }
}

const WHOLE: [&str; 3] = ["contoso", "--access-role", "Employee"];

#[test]
fn from_nothing_to_a_draft_and_on_to_the_next_night() {
    let start = Beginning::new();
    let said = start.init(&[&WHOLE[..], &["--json"]].concat()).ended(0);
    let answer = said.json();
    let guest = |it: &graph_sim::User| it.text("userType").is_some_and(|it| it == "Guest");
    let disabled = |it: &graph_sim::User| it.get("accountEnabled") == Some("false");
    let people = &answer["population"];
    assert_eq!(people["all"], start.count(|_| true));
    assert_eq!(
        (&people["guests"], &people["disabled"]),
        (&start.count(guest).into(), &start.count(disabled).into())
    );
    let left = start.count(|it| !guest(it) && !disabled(it));
    assert_eq!(people["proposed"]["left"], left, "{people}");
    assert_eq!(people["proposed"]["filter"], "userType eq 'Member' and accountEnabled eq true");
    assert_eq!(answer["adoption"]["new"], 14, "{}", answer["adoption"]);
    assert_eq!((&answer["saved"], &answer["missing"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(answer["next"][2]["command"], "userload launch contoso");

    // One document: in the answer, in the file, in the store. No secret is in any of it.
    let document = start.file("contoso.toml").expect("the document");
    assert_eq!(answer["document"].as_str(), Some(document.as_str()));
    assert_eq!(start.home.done("integration show contoso").out, document);
    assert!(!said.out.contains(DEFAULT_SECRET) && !said.err.contains(DEFAULT_SECRET));

    // A draft, nobody changed, not even a run.
    assert_eq!(start.home.done("integration list --json").json()["integrations"][0]["state"], "draft");
    assert_eq!(start.home.done("runs list --json").json()["runs"], serde_json::json!([]));
    assert_eq!(start.home.done("people list --json").json()["total"], 0);

    // What it says to type, in order.
    for step in answer["next"].as_array().unwrap() {
        let command = step["command"].as_str().unwrap().strip_prefix("userload ").unwrap();
        start.home.done(command);
    }
    assert_eq!(start.home.done("people list --json").json()["total"], 14);
    start.home.done("sync").answers(&["=14 unchanged", "Nothing changed."]);
}

/// The mapping language of the README is what the program takes, and makes of a record what the README says.
#[test]
fn the_document_of_the_readme_is_saved_and_passes_its_own_test() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let section = readme.split_once("## The mapping language").expect("the section").1;
    let document = section.split("```").nth(1).unwrap().strip_prefix("toml\n").expect("a document");
    let start = Beginning::new();
    start.home.write("people.toml", document);
    start.home.done("integration save -f people.toml");
    start.home.done("mapping test people").answers(&["1 mapping test passed"]);
    start.home.write("people.toml", document.replace("\"HEAD\"", "\"Head\""));
    let told = start.home.refused(2, "integration save -f people.toml");
    assert!(told.contains("the mapping fails its own tests"), "{told}");
}

#[test]
fn it_is_told_in_words_too() {
    let start = Beginning::new();
    start.init(&WHOLE).ended(0).answers(&[
        "Draft of contoso",
        "✓ credential: opens tenant",
        "✓ users: 14 users",
        "i guests: 2 would be loaded; 12 without them",
        "i guests and disabled: 11 without both",
        "Proposed from 14 users",
        "✓ username: unique, and everybody has one",
        "14  new",
        "written to contoso.toml, saved as a draft, and the credential entra kept",
        "✓ the document has everything that a launch needs",
        "4.  userload sync contoso",
    ]);
    let document = start.file("contoso.toml").unwrap();
    for line in ["access-role = \"Employee\"", "deactivate = false", "username = \"User Principal Name\""] {
        assert!(document.contains(line), "{line}: {document}");
    }
}

/// Somebody who is in the directory already.
struct Person {
    username: &'static str,
    email: &'static str,
    department: &'static str,
}

const STAFF: [Person; 9] = [
    // By the username, whatever its case; the department is the same, another, none.
    Person { username: "P0@contoso.example", email: "", department: "Sales" },
    Person { username: "p1@contoso.example", email: "", department: "Law" },
    Person { username: "p2@contoso.example", email: "mail.2@contoso.example", department: "" },
    // By the mail address alone.
    Person { username: "old.three@contoso.example", email: "mail.3@CONTOSO.example", department: "Law" },
    // One record, two people.
    Person { username: "p4@contoso.example", email: "", department: "" },
    Person { username: "other.four@contoso.example", email: "mail.4@contoso.example", department: "" },
    // Two records, one person.
    Person { username: "p5@contoso.example", email: "mail.6@contoso.example", department: "" },
    // Nobody of the source.
    Person { username: "stranger@contoso.example", email: "stranger@elsewhere.example", department: "Law" },
    Person { username: "p99@contoso.example", email: "", department: "" },
];

/// What becomes of the source's users, worked out from the two lists alone.
fn expected(start: &Beginning) -> (BTreeMap<&'static str, u64>, BTreeMap<String, u64>) {
    let users: Vec<(String, String, String)> = start.sim.look(|world| {
        let text = |user: &graph_sim::User, name: &str| {
            user.text(name).map(|it| it.into_owned()).unwrap_or_default()
        };
        let all = world.users();
        all.map(|it| (text(it, "userPrincipalName"), text(it, "mail"), text(it, "department"))).collect()
    });
    let same = |one: &str, two: &str| !one.is_empty() && one.to_lowercase() == two.to_lowercase();
    let candidates = |(upn, mail, _): &(String, String, String)| -> BTreeSet<usize> {
        let is = |it: &Person| same(it.username, upn) || same(it.email, mail);
        STAFF.iter().enumerate().filter(|(_, it)| is(it)).map(|(at, _)| at).collect()
    };
    let claims = |person: usize| users.iter().filter(|it| candidates(it).contains(&person)).count();
    let (mut fates, mut overwrites) = (BTreeMap::new(), BTreeMap::new());
    for user in &users {
        let found = candidates(user);
        let fate = match found.iter().next() {
            None => "new",
            Some(one) if found.len() == 1 && claims(*one) == 1 => "matched",
            Some(_) => "ambiguous",
        };
        *fates.entry(fate).or_default() += 1;
        if fate != "matched" {
            continue;
        }
        let person = &STAFF[*found.first().unwrap()];
        for (field, is, will) in [
            ("username", person.username, &user.0),
            ("email", person.email, &user.1),
            ("department", person.department, &user.2),
        ] {
            if !is.is_empty() && is != will {
                *overwrites.entry(field.to_owned()).or_default() += 1;
            }
        }
    }
    (fates, overwrites)
}

fn staffed() -> Beginning {
    let start = Beginning::new();
    let rows = STAFF.iter().map(|it| format!("{},{},Employee,{}\n", it.username, it.email, it.department));
    start
        .home
        .write("staff.csv", format!("username,email,access_role,department\n{}", rows.collect::<String>()));
    start.home.done("people import staff.csv");
    start
}

#[test]
fn the_preview_says_what_the_first_run_then_does() {
    let start = staffed();
    let before = start.home.people();
    let answer = start.init(&[&WHOLE[..], &["--json"]].concat()).ended(0).json();
    let (fates, overwrites) = expected(&start);
    let adoption = &answer["adoption"];
    for (fate, many) in &fates {
        assert!(*many > 0 && adoption[fate] == *many, "{fate} is {many}: {adoption}");
    }
    assert_eq!(fates.values().sum::<u64>(), adoption["records"].as_u64().unwrap());
    let told: BTreeMap<String, u64> = serde_json::from_value(adoption["overwrites"].clone()).unwrap();
    assert_eq!(told, overwrites);
    assert_eq!(adoption["doubts"].as_array().unwrap().len() as u64, fates["ambiguous"].min(3));
    assert_eq!(start.home.people(), before, "a preview changes nobody");

    start.home.done("launch contoso");
    let run = start.home.run("sync --json").ended(3).run();
    let outcome = |name: &str| run["outcomes"][name].as_u64().unwrap_or(0);
    assert_eq!(outcome("adopted"), fates["matched"], "{}", run["outcomes"]);
    assert_eq!(outcome("ambiguous"), fates["ambiguous"], "{}", run["outcomes"]);
    assert_eq!(outcome("created"), fates["new"], "{}", run["outcomes"]);
    for (field, many) in overwrites {
        let holds = start.home.done(&format!("held list --cause overwrite:{field} --json")).json();
        assert_eq!(holds["holds"].as_array().unwrap().len() as u64, many, "{field}");
    }
    // The next night asks nothing new.
    let next = start.home.run("sync --json").ended(0).run();
    assert_eq!((&next["newly_held"], next["outcomes"]["created"].is_null()), (&0.into(), true), "{next}");
}

#[test]
fn a_second_integration_sees_whom_the_first_has_linked() {
    let start = Beginning::new();
    start.init(&[&WHOLE[..], &["--priority", "5"]].concat()).ended(0);
    start.home.done("launch contoso");
    start.home.done("sync");
    let origin = start.sim.origin();
    let second = |more: &[&str]| {
        let words = ["init", "second", "--access-role", "Guest", "--grant", &origin];
        start.home.call(&[&words[..], more].concat()).run()
    };
    let before = start.home.contents();
    let told = start.home.told(second(&[]).ended(2));
    assert!(
        told.contains("it is not said whose value counts") && told.contains("--priority NUMBER"),
        "{told}"
    );
    assert!(start.home.contents() == before && start.file("second.toml").is_none(), "half of it was left");
    let answer = second(&["--priority", "1", "--json"]).ended(0).json();
    assert_eq!((&answer["adoption"]["linked"], &answer["adoption"]["new"]), (&14.into(), &0.into()));
    assert_eq!((&answer["credential"], &answer["new_credential"]), (&"entra".into(), &false.into()));
}

#[test]
fn a_dry_run_prints_the_document_and_makes_nothing() {
    let start = Beginning::new();
    let filter = ["--filter", "User Type eq 'Member'"];
    let dry = start.init(&[&WHOLE[..], &["--dry-run"], &filter].concat()).ended(0);
    assert!(!start.home.home().exists() && start.file("contoso.toml").is_none(), "something was made");
    assert!(
        dry.out.contains("filter = \"User Type eq 'Member'\"") && dry.out.contains("[mapping]"),
        "{}",
        dry.out
    );
    // It is what would have been written.
    start.init(&[&WHOLE[..], &filter].concat()).ended(0);
    assert_eq!(start.file("contoso.toml").as_deref(), Some(dry.out.as_str()));
    let json = start.init(&["third", "--access-role", "Guest", "--credential", "new", "--dry-run", "--json"]);
    assert_eq!(json.ended(0).json()["saved"], false);
}

/// Refused with this code and these sentences; nothing is made of it, and nothing that was there is touched.
#[track_caller]
fn refuses(start: &Beginning, code: i32, said: Answer, sentences: &[&str]) {
    let said = said.ended(code);
    let told = format!("{}{}", said.out, said.err);
    for sentence in sentences {
        assert!(told.contains(sentence), "no `{sentence}` in {told}");
    }
    assert!(told.contains("help: "), "{told}");
    assert!(!told.contains(DEFAULT_SECRET), "{told}");
    assert!(!start.home.home().exists(), "something was made");
    assert_eq!(start.file("contoso.toml"), None, "a file was written");
}

#[test]
fn what_the_source_refuses_is_told_and_nothing_is_saved() {
    let start = Beginning::new();
    let origin = start.sim.origin();
    let wrong = start.init_at(&origin, "no secret of anybody", &WHOLE);
    refuses(
        &start,
        2,
        wrong,
        &["AADSTS7000215", "check tenant, client id and secret, and give", "nothing was saved"],
    );
    start.sim.change(|world| world.apps[0].granted.clear());
    let denied = start.init(&WHOLE);
    refuses(
        &start,
        2,
        denied,
        &["403", "Authorization_RequestDenied", "User.Read.All", "consent", "nothing was saved"],
    );
    start.sim.change(|world| world.grant("User.Read.All"));
    let away = start.init_at("http://127.0.0.1:9", DEFAULT_SECRET, &WHOLE);
    refuses(&start, 1, away, &["no connection to `http://127.0.0.1:9`", "nothing was saved"]);
    let filter = start.init(&[&WHOLE[..], &["--filter", "citi eq 'Bonn'"]].concat());
    refuses(&start, 2, filter, &["--filter: the source would refuse it", "did you mean `city`?"]);
    // Put right, the same command does it.
    start.init(&WHOLE).ended(0);
}

#[test]
fn without_a_terminal_every_missing_answer_is_named() {
    let start = Beginning::new();
    refuses(
        &start,
        2,
        start.home.run("init"),
        &[
            "answers are missing",
            "--tenant-id ID",
            "--client-id ID",
            "--secret-file FILE",
            "INTEGRATION",
            "--access-role ROLE",
        ],
    );
    let said = start.home.run("init --json").ended(2);
    let told: Value = serde_json::from_str(&said.err).unwrap();
    assert!(told["error"]["message"].as_str().unwrap().contains("--access-role ROLE"), "{told}");
    refuses(&start, 2, start.init(&["contoso"]), &["an answer is missing", "--access-role ROLE"]);
    refuses(&start, 2, start.init(&["con/toso"]), &["`con/toso` is no name"]);
    refuses(
        &start,
        2,
        start.init(&["contoso", "--access-role", "Boss"]),
        &["`Boss` is no access role", "Employee"],
    );
    let ungranted: Vec<&str> =
        ["init", "contoso", "--access-role", "Employee", "--secret-env", "THE_SECRET"].into();
    let origin = start.sim.origin();
    let ids = [
        "--domain",
        &origin,
        "--login",
        &origin,
        "--tenant-id",
        DEFAULT_TENANT,
        "--client-id",
        DEFAULT_CLIENT_ID,
    ];
    let ungranted = start.home.call(&[&ungranted[..], &ids].concat()).env("THE_SECRET", DEFAULT_SECRET).run();
    refuses(&start, 2, ungranted, &["is not granted", "`--grant ORIGIN` allows it here"]);
    assert!(start.sim.journal().is_empty(), "nothing was asked");
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let start = Beginning::new();
    start.init(&WHOLE).ended(0);
    let document = start.file("contoso.toml");
    let before = start.home.contents();
    for (arguments, sentences) in [
        (
            &["init", "contoso", "--access-role", "Guest"][..],
            &["there is an integration `contoso` already"][..],
        ),
        (
            &["init", "more", "--access-role", "Guest", "--file", "contoso.toml"],
            &["`contoso.toml` is there already", "`--force` overwrites it"],
        ),
        (
            &["init", "more", "--access-role", "Guest", "--credential", "entra", "--client-id", "x"],
            &["there is a credential `entra` already", "userload credential edit entra"],
        ),
        (
            &["init", "more", "--access-role", "Guest", "--credential", "entar"],
            &["there is no credential `entar`", "did you mean `entra`?"],
        ),
    ] {
        let told = start.home.told(start.home.call(arguments).run().ended(2));
        for sentence in sentences {
            assert!(told.contains(sentence), "{arguments:?}: no `{sentence}` in {told}");
        }
    }
    assert!(
        start.home.contents() == before && start.file("contoso.toml") == document,
        "something was written"
    );
    // The file of an integration that is gone.
    start.home.done("integration remove contoso");
    start.home.write("contoso.toml", "mine");
    let origin = start.sim.origin();
    let again = ["init", "contoso", "--access-role", "Guest", "--grant", &origin, "--force"];
    start.home.call(&again).run().ended(0);
    assert!(start.file("contoso.toml").unwrap().contains("access-role = \"Guest\""));
}
