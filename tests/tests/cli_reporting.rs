//! What is said of runs, people and mistakes: failed beginnings, errors as JSON, tenants, Ctrl-C, the daily
//! screen, comparisons.

use std::time::{Duration, Instant};

use graph_sim::{Action, On, Rule, Schedule, SimConfig, World};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use userload_tests::program::{Contoso, Home};

/// What stands on stderr, as JSON.
#[track_caller]
fn told(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(value["version"], 1);
    value["error"].clone()
}

#[test]
fn a_run_that_cannot_prove_its_credential_is_a_failed_run() {
    let contoso = Contoso::launched(20);
    contoso.sync(0);
    contoso.home.run("plan").ended(0);
    contoso.sim.change(|world| world.apps[0].secret_expired = true);
    let people = contoso.home.people();
    let failed = contoso.sync(1);
    assert_eq!((&failed["number"], &failed["state"]), (&3.into(), &"failed".into()));
    assert!(failed["error"].as_str().unwrap().contains("AADSTS7000222"), "{failed}");
    let runs = contoso.home.run("runs list --json").ended(0).json();
    let states: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().filter_map(|it| it["state"].as_str()).collect();
    assert_eq!(states, ["failed", "planned", "applied"], "the plan still stands");
    contoso.home.done("runs show 3").answers(&["failed: nobody was changed", "AADSTS7000222", "help: "]);
    contoso.home.done("status").answers(&["failed", "userload runs show 3 says why"]);
    assert_eq!(contoso.home.people(), people);
    // The next night goes on as if nothing had been, and the plan can still be applied.
    contoso.sim.change(|world| world.apps[0].secret_expired = false);
    contoso.home.done("apply 2");
    assert_eq!(contoso.sync(0)["number"], 4);
}

/// What an interrupted run had staged outlives a run that could not begin.
#[test]
fn an_interrupted_run_outlives_a_failed_beginning() {
    let contoso = Contoso::of(SimConfig::default(), World::contoso(7, 300), "page-size = 100");
    contoso.home.done("launch contoso");
    interrupt(&contoso);
    contoso.sim.change(|world| world.apps[0].secret_expired = true);
    contoso.sync(1);
    contoso.sim.change(|world| world.apps[0].secret_expired = false);
    let run = contoso.sync(0);
    assert_eq!(run["number"], 1, "the interrupted one");
    assert!(run["cost"]["resumed_pages"].as_u64().unwrap() > 0, "{run}");
    assert_eq!(run["outcomes"]["created"], 300);
}

/// Begins a run that stops after its first page, and presses Ctrl-C; what it tells.
fn interrupt(contoso: &Contoso) -> String {
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::Stall).page(2).always()));
    let mut running = contoso.home.call(&["sync"]).spawn();
    let end = Instant::now() + Duration::from_secs(60);
    let staged = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = Connection::open_with_flags(contoso.home.store(), flags).ok()?;
        sql.query_row("SELECT count(*) FROM run_page", [], |row| row.get::<_, i64>(0)).ok()
    };
    while staged().unwrap_or(0) == 0 {
        assert!(!running.ended() && Instant::now() < end, "the first page was never staged");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal("INT");
    let answer = running.wait().ended(130);
    assert_eq!(answer.out, "");
    contoso.sim.clear_faults();
    answer.err
}

#[test]
fn ctrl_c_says_how_things_stand() {
    let contoso = Contoso::of(SimConfig::default(), World::contoso(7, 300), "page-size = 100");
    contoso.home.done("launch contoso");
    let told = interrupt(&contoso);
    assert_eq!(told.trim(), "stopped: nobody was changed; the next run goes on from there");
    contoso.home.done("people list").answers(&["nobody"]);
    let sync = contoso.home.run("sync").ended(0);
    sync.tells(&["run 1 was interrupted after page 1: it goes on from there"]);
    sync.answers(&["+300 created"]);
}

#[test]
fn a_source_that_is_away_is_a_failure_and_a_wrong_secret_is_a_mistake() {
    let contoso = Contoso::launched(5);
    let Contoso { sim, home } = contoso;
    sim.change(|world| world.apps[0].secret_expired = true);
    home.run("check").ended(2);
    home.run("credential test entra").ended(2);
    sim.change(|world| world.apps[0].secret_expired = false);
    home.run("check").ended(0);
    drop(sim);
    let away = home.run("check --json").ended(1).json();
    assert_eq!(away["ok"], false);
    let last = away["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["verdict"]), (&"credential".into(), &"problem".into()), "{away}");
}

#[test]
fn errors_are_json_for_those_who_ask_for_it() {
    let contoso = Contoso::launched(5);
    let home = &contoso.home;
    for (command, code, message, help) in [
        ("sync nobody --json", 2, "there is no integration `nobody`", "contoso"),
        ("--json runs show 9", 2, "there is no run 9", "runs list"),
        ("runs show nine --json", 2, "invalid value 'nine' for '[RUN]'", "--help"),
        ("stauts --json", 2, "unrecognized subcommand 'stauts'", "status"),
        ("--tenant contosso status --json", 2, "there is no tenant `contosso`", "`default`"),
        ("apply 1 --json", 2, "there is no run 1", "runs list"),
    ] {
        let answer = home.run(command).ended(code);
        assert_eq!(answer.out, "", "{command}");
        let error = told(&answer.err);
        assert!(error["message"].as_str().unwrap().contains(message), "{command}: {error}");
        assert!(error["help"].as_str().unwrap().contains(help), "{command}: {error}");
        // And for people without it.
        let plain = home.run(&command.replace("--json", "")).ended(code);
        assert!(plain.err.starts_with("error: "), "{command}: {}", plain.err);
    }
}

#[test]
fn a_mistyped_tenant_makes_no_tenant() {
    let contoso = Contoso::launched(5);
    contoso.sync(0);
    let home = &contoso.home;
    let before = home.contents();
    for command in [
        "status",
        "people list",
        "people export",
        "runs list",
        "held list",
        "check",
        "plan",
        "sync",
        "launch",
        "integration list",
        "credential list",
        "credential test entra",
        "why ana",
        "credential remove entra",
    ] {
        let said = home.refused(2, &format!("{command} --tenant defualt"));
        assert!(said.contains("there is no tenant `defualt`"), "{command}: {said}");
        assert!(said.contains("did you mean `--tenant default`?"), "{command}: {said}");
    }
    assert!(home.contents() == before);
    // What sets something up makes it, and says so.
    home.write("people.csv", "username,access_role\nbo@contoso.example,Employee\n");
    let import = home.run("people import people.csv --tenant fabrikam").ended(0);
    import.tells(&["`fabrikam` is a new tenant of this store"]);
    home.done("people list --tenant fabrikam").answers(&["bo@contoso.example"]);
    assert!(!home.done("people list").out.contains("bo@contoso.example"));
    let again = home.run("people import people.csv --tenant fabrikam").ended(0);
    assert!(!again.err.contains("new tenant"), "{}", again.err);
}

#[test]
fn help_for_a_command() {
    let home = Home::new();
    for command in ["help", "help why", "help people show", "help sync", "credential help add"] {
        let help = home.done(command);
        assert!(help.err.is_empty() && help.out.contains("Usage: userload"), "{command}: {}", help.out);
    }
    home.done("help why").answers(&["Example: userload why"]);
    assert!(home.refused(2, "help sinc").contains("sinc"));
}

#[test]
fn the_daily_screen() {
    let contoso = Contoso::launched(300);
    contoso.sync(0);
    let quiet = contoso.home.done("status --json").json();
    let line = &quiet["integrations"][0];
    assert_eq!((&line["held"], &line["waiting"]), (&0.into(), &0.into()));
    contoso.home.run("credential edit entra --expires-on 2027-06-30").ended(0);
    contoso.sim.change(|world| {
        world.wipe("department");
        let gone = world.ids()[20].clone();
        world.purge(&gone).unwrap();
    });
    let run = contoso.home.call(&["sync", "--json"]).at("2026-11-24T04:05:06Z").run().ended(3).run();
    let held = run["newly_held"].as_u64().unwrap();
    let status = contoso.home.call(&["status", "--json"]).at("2026-11-27T04:05:06Z").run().ended(0).json();
    let line = &status["integrations"][0];
    assert_eq!((&line["held"], &line["waiting"]), (&held.into(), &1.into()));
    assert_eq!(line["oldest_held"], "2026-11-24T04:05:06Z");
    assert_eq!(line["expires_on"], "2027-06-30");
    assert_eq!(status["next"][0], "userload held list");
    let screen = contoso.home.call(&["status"]).at("2026-11-27T04:05:06Z").run().ended(0);
    screen.answers(&["Held", "Waiting", "Secret until", &format!("{held}, oldest 3 days ago"), "2027-06-30"]);
    assert!(screen.out.lines().count() < 15, "{}", screen.out);
}

#[test]
fn a_run_is_compared_with_the_one_before_it() {
    let contoso = Contoso::launched(100);
    contoso.sync(0);
    let first = contoso.home.done("runs show 1");
    assert!(!first.out.contains("Compared with"), "{}", first.out);
    contoso.sim.change(|world| {
        let id = world.ids()[20].clone();
        world.update_text(&id, "jobTitle", "Somebody else").unwrap();
        world.hire("joiner@contoso.example", "Joiner");
    });
    contoso.sync(0);
    let second = contoso.home.done("runs show 2");
    second.answers(&["Compared with run 1 (sync, ", "listed", "101", "+1", "created", "-99"]);
    let json = contoso.home.done("runs show 2 --json").json();
    assert_eq!(json["previous"]["number"], 1);
    assert_eq!(json["previous"]["outcomes"]["created"], 100);

    // One person of a run.
    let joiner = contoso.home.done("runs show 2 --person joiner@contoso.example");
    joiner.answers(&["created", "Joiner", "new at the source"]);
    assert_eq!(joiner.out.lines().count(), 2, "{}", joiner.out);
    let silent = contoso.home.done("runs show 1 --person joiner@contoso.example");
    silent.answers(&["run 1 left no word about joiner@contoso.example"]);
    let json = contoso.home.done("runs show 2 --person joiner@contoso.example --json").json();
    assert_eq!(json["changes"][0]["outcome"], "created");
    assert!(contoso.home.refused(2, "runs show 2 --person nobody").contains("there is nobody `nobody`"));
    assert!(contoso.home.refused(2, "runs show 9 --person joiner").contains("there is no run 9"));
}

#[test]
fn people_show_where_their_values_come_from() {
    let contoso = Contoso::launched(50);
    contoso.sync(0);
    let home = &contoso.home;
    let username = contoso.sim.look(|world| world.user(&world.ids()[20]).unwrap().upn().to_string());
    home.write("hand.csv", format!("username,office\n{username},Corner\n"));
    home.done("people import hand.csv");
    contoso.sim.change(|world| {
        let id = world.ids()[20].clone();
        world.update_text(&id, "jobTitle", "Somebody else").unwrap();
    });
    contoso.sync(0);
    let card = home.done(&format!("people show {username}"));
    card.answers(&["From", "Before", "contoso, run 1", "contoso, run 3", "Links", "Status", "userload why"]);
    let json = home.done(&format!("people show {username} --json")).json();
    assert_eq!(json["origins"]["job_title"]["run"], 3);
    assert_eq!(json["origins"]["job_title"]["who"], "contoso");
    assert!(json["origins"]["job_title"]["before"].is_string(), "{}", json["origins"]);
    assert_eq!(json["status_history"][0]["outcome"], "created");
    assert_eq!(json["held"], serde_json::json!([]));

    // Lists that are narrowed down.
    home.write("by-hand.csv", "username,access_role\nbo@contoso.example,Employee\n");
    home.done("people import by-hand.csv");
    let total =
        |arguments: &str| home.done(&format!("people list --json {arguments}")).json()["total"].clone();
    assert_eq!(
        (total(""), total("--integration contoso"), total("--held")),
        (51.into(), 50.into(), 0.into())
    );
    contoso.sim.change(|world| world.wipe("department"));
    contoso.home.run("sync").ended(3);
    let held = total("--held").as_u64().unwrap();
    assert!(held > 30, "{held}");
    assert_eq!(
        total("--held --inactive --integration contoso").as_u64().unwrap()
            + total("--held --active").as_u64().unwrap(),
        held
    );
    let csv = home.done("people list --held --csv --limit 1000").out;
    assert_eq!(csv.lines().count() as u64, held + 1);
    let told = home.refused(2, "people list --integration contosso");
    assert!(told.contains("did you mean `contoso`?"), "{told}");
    home.done(&format!("people show {username}")).answers(&["Held for you to decide", "clear:department"]);
}

/// What else differs about somebody is in the plugin's free text, and makes no group of its own.
#[test]
fn those_who_come_back_are_one_group() {
    let contoso = Contoso::launched(100);
    contoso.sync(0);
    let ids = contoso.sim.look(|world| world.ids())[20..23].to_vec();
    contoso.sim.change(|world| ids.iter().for_each(|id| world.disable(id).unwrap()));
    contoso.sync(0);
    contoso.sim.change(|world| {
        ids.iter().for_each(|id| world.enable(id).unwrap());
        world.update_text(&ids[0], "jobTitle", "Somebody else").unwrap();
    });
    let run = contoso.sync(0);
    let back: Vec<&Value> =
        run["causes"].as_array().unwrap().iter().filter(|it| it["outcome"] == "reactivated").collect();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((&back[0]["cause"], &back[0]["count"]), (&"enabled at the source again".into(), &3.into()));
}
