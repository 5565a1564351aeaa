//! A plugin that is not the built-in one, end to end: another kind of source (SCIM 2.0), pinned by its digest, through
//! the program as it is.

use serde_json::{Value, json};
use userload_tests::ScimSim;
use userload_tests::program::{Answer, Forms, Home};

/// The component as `cargo xtask build` leaves it.
const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-scim.wasm");

const TOKEN: &str = "Zx9-the-bearer-token-of-the-service";

fn user(id: &str, name: &str, active: bool) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id, "userName": format!("{name}@contoso.example"), "active": active,
        "name": {"givenName": name, "familyName": "Example"}, "title": "Tester",
        "emails": [{"value": format!("{name}@contoso.example"), "primary": true}],
    })
}

struct Office {
    sim: ScimSim,
    home: Home,
}

impl Office {
    /// Seven people, a credential, a launched integration.
    fn new() -> Self {
        let names = ["ana", "ben", "cleo", "dora", "emil", "fay", "gus"];
        let users = names.iter().map(|name| user(&format!("id-{name}"), name, true)).collect();
        let office = Self { sim: ScimSim::start(TOKEN, users), home: Home::new() };
        office.credential(&format!("{}/scim/v2", office.sim.origin())).ended(0);
        office.save(&office.document(&digest())).ended(0);
        office.home.done("launch scim");
        office
    }

    fn credential(&self, base: &str) -> Answer {
        let set = format!("base-url={base}");
        let arguments =
            ["credential", "add", "scim", "--plugin", COMPONENT, "--set", &set, "--secret-env", "T"];
        self.home.call(&arguments).env("T", TOKEN).run()
    }

    fn document(&self, digest: &str) -> String {
        format!(
            "name = \"scim\"\ncredential = \"scim\"\naccess-role = \"Employee\"\ndeactivate = true\n\
             grace = {{ runs = 1, days = 0 }}\nplugin = {{ file = \"{COMPONENT}\", sha256 = \"{digest}\" }}\n\
             grants = [{{ origin = \"{}\", private = true }}]\n\n[mapping]\nusername = \"User Name\"\n\
             email = \"emails[0].value\"\ngiven_name = \"Given Name\"\nsurname = \"name.familyName\"\n\
             job_title = \"title\"\nsource_enabled = \"active\"\n",
            self.sim.origin()
        )
    }

    fn save(&self, document: &str) -> Answer {
        self.home.write("scim.toml", document);
        self.home.run("integration save -f scim.toml")
    }

    /// A run on this day of November, ended with this code.
    #[track_caller]
    fn night(&self, day: u32, code: i32) -> Value {
        let clock = format!("2026-11-{day}T04:05:06Z");
        self.home.call(&["sync", "scim", "--json"]).at(&clock).run().ended(code).run()
    }

    /// Who is there, and whether active.
    fn people(&self) -> Vec<(String, bool)> {
        let people: Value = serde_json::from_str(&self.home.people()).expect("JSON");
        let people = people["people"].as_array().expect("a list").clone();
        let mut people: Vec<(String, bool)> = people
            .iter()
            .map(|it| {
                let name = it["fields"]["username"].as_str().expect("a name");
                (name.to_owned(), it["status"] == "active")
            })
            .collect();
        people.sort();
        people
    }

    fn inactive(&self) -> Vec<String> {
        self.people().into_iter().filter(|(_, active)| !active).map(|(name, _)| name).collect()
    }
}

fn digest() -> String {
    let home = Home::new();
    let answer = home.call(&["plugin", "inspect", COMPONENT, "--json"]).run().ended(0).json();
    answer["plugin"]["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn nights_of_a_foreign_source() {
    let office = Office::new();
    office.home.done("credential test scim").answers(&["opens tenant", "/scim/v2", "users can be read"]);
    office.home.done("check scim").answers(&["the first 2 users can be mapped"]);

    // A first load, and a service that asks to wait.
    office.sim.world().busy = 2;
    office.night(24, 0);
    assert_eq!(office.people().len(), 7);
    assert!(office.inactive().is_empty());

    // An unchanged night.
    let before = office.people();
    let run = office.night(25, 0);
    assert_eq!(office.people(), before);
    assert_eq!(run["complete"], true, "{run}");

    // One leaves, one is disabled.
    office.sim.world().users.retain(|it| it["id"] != "id-gus");
    office.sim.world().users[0]["active"] = json!(false);
    // A gateway's 404 proves nothing: it is held.
    office.sim.world().bare_404 = true;
    office.night(26, 3);
    assert_eq!(office.inactive(), ["ana@contoso.example"]);
    office.sim.world().bare_404 = false;
    office.night(27, 0);
    office.night(28, 0);
    assert_eq!(office.inactive(), ["ana@contoso.example", "gus@contoso.example"]);
    assert!(office.sim.world().asked.iter().any(|it| it == "GET /scim/v2/Users/id-gus"));

    // The next night does nothing more.
    let before = office.people();
    office.night(29, 0);
    assert_eq!(office.people(), before);
}

#[test]
fn a_service_that_counts_wrongly_loses_nobody() {
    let office = Office::new();
    office.night(24, 0);
    // As services do that give the number of the page.
    office.sim.world().total = Some(2);
    office.sim.world().users.push(user("id-hal", "hal", true));
    office.night(25, 3);
    assert_eq!(office.people().len(), 8, "a total ends no listing");
    // Nobody is judged by a listing that does not add up, and one without an id is told.
    office.sim.world().users.retain(|it| it["id"] != "id-gus");
    office.sim.world().users.push(json!({"userName": "nobody@contoso.example"}));
    office.night(26, 3);
    assert!(office.inactive().is_empty());
    office.sim.world().users.pop();
    office.sim.world().total = None;
    office.night(27, 0);
    office.night(28, 0);
    assert_eq!(office.inactive(), ["gus@contoso.example"]);
}

#[test]
fn the_token_stays_outside() {
    let office = Office::new();
    office.night(24, 0);
    office.sim.world().echoes = true;
    let answer = office.home.run("sync scim --json").ended(1);
    let forms = Forms::of("the bearer token", TOKEN);
    forms.are_not_in("the answer", answer.out.as_bytes());
    forms.are_not_in("the story", answer.err.as_bytes());
    forms.are_not_under(office.home.home());
    office.sim.world().echoes = false;
    assert!(office.sim.world().asked.iter().all(|it| it.starts_with("GET /scim/v2/Users")));
}

#[test]
fn a_plugin_is_the_one_that_was_pinned_or_none() {
    let office = Office::new();
    office.home.done("plugin verify").answers(&["scim", "ok"]);
    let copy = office.home.write("other.wasm", std::fs::read(COMPONENT).expect("the component"));
    let document = office.document(&digest()).replace(COMPONENT, &copy.display().to_string());
    office.save(&document).ended(0);
    office.night(24, 0);

    // Another program lies there one night.
    let entra = COMPONENT.replace("userload-scim", "userload-entra");
    office.home.write("other.wasm", std::fs::read(entra).expect("the other component"));
    let before = office.home.people();
    let told = office.home.told(office.home.run("sync scim").ended(2));
    assert!(told.contains("is not the one that is pinned") && told.contains(&digest()), "{told}");
    let verified = office.home.run("plugin verify").ended(2);
    verified.answers(&["problem"]);
    verified.tells(&["is not the one that is pinned"]);
    office.home.done("integration show scim").answers(&["sha256"]);
    assert_eq!(office.home.people(), before);

    let told = office
        .home
        .told(office.save("name = \"x\"\ncredential = \"scim\"\nplugin = \"other.wasm\"\n").ended(2));
    assert!(told.contains("without a digest") && told.contains("plugin inspect"), "{told}");
}

#[test]
fn what_a_plugin_needs_stands_in_its_manifest() {
    let office = Office::new();
    let refused = |arguments: &[&str]| {
        let all =
            [&["credential", "add", "x", "--plugin", COMPONENT, "--secret-env", "T"], arguments].concat();
        office.home.told(office.home.call(&all).env("T", TOKEN).run().ended(2))
    };
    assert!(refused(&[]).contains("--set base-url=VALUE missing"));
    assert!(refused(&["--set", "base-ulr=x"]).contains("did you mean `base-url`?"));
    assert!(refused(&["--set", "base-url"]).contains("expected NAME=VALUE"));
    assert!(refused(&["--tenant-id", "x"]).contains("takes no setting `tenant`"));
    let told = office.home.told(office.home.run("credential edit scim --next-secret").ended(2));
    assert!(told.contains("no room for a next secret"), "{told}");
    let filter = office.document(&digest()).replace("[mapping]", "filter = \"x eq 1\"\n[mapping]");
    assert!(office.home.told(office.save(&filter).ended(2)).contains("takes no filter"));
}
