//! Many tenants in one process (`sync --all`): the hostile ones end as a row each and change nothing in the others,
//! byte for byte.

use std::time::Instant;

use graph_sim::{Sim, SimConfig, World};
use serde_json::Value;
use userload_tests::program::{Home, dripping, launched_tenant as tenant};

use crate::shell::shell;
use crate::{BOUND, FOREVER, GREEDY};

const HONEST: [&str; 7] = ["ada", "bert", "cora", "dirk", "elsa", "finn", "gwen"];

/// A source of somebody's own for each of the honest seven.
fn sources() -> Vec<Sim> {
    let start = |(at, _)| {
        Sim::start(SimConfig::default(), World::contoso(20 + at as u64, 40 + 10 * at)).expect("a simulator")
    };
    HONEST.iter().enumerate().map(start).collect()
}

fn export(home: &Home, tenant: &str) -> String {
    home.call(&["--tenant", tenant, "people", "export", "--json"]).run().ended(0).out
}

/// The row of one tenant.
fn row<'a>(answer: &'a Value, tenant: &str) -> &'a Value {
    let rows = answer["runs"].as_array().expect("rows");
    rows.iter().find(|it| it["tenant"] == tenant).unwrap_or_else(|| panic!("no row of {tenant}"))
}

fn night(home: &Home, day: u32, code: i32) -> Value {
    home.call(&["sync", "--all", "--jobs", "10", "--json"])
        .at(&format!("2026-11-{day}T04:05:06Z"))
        .run()
        .ended(code)
        .json()
}

#[test]
fn seven_tenants_are_none_the_worse_for_three_hostile_ones() {
    let sources = sources();
    let (mixed, alone) = (Home::new(), Home::new());
    for home in [&alone, &mixed] {
        for (name, sim) in HONEST.iter().zip(&sources) {
            tenant(home, name, &sim.origin(), None);
        }
    }
    // Their names put one before, one among and one behind the others.
    tenant(&mixed, "aaa-loops", &dripping(), Some(&shell(&[]).export("identify", FOREVER).component()));
    tenant(&mixed, "eats", &dripping(), Some(&shell(&[]).export("identify", GREEDY).component()));
    tenant(&mixed, "zzz-drips", &dripping(), None);

    for (day, changes) in [(23, true), (24, false)] {
        night(&alone, day, 0);
        let started = Instant::now();
        let answer = night(&mixed, day, 1);
        assert!(started.elapsed() < BOUND, "it took {:?}", started.elapsed());
        assert_eq!(answer["exit"], 1);
        assert_eq!(answer["runs"].as_array().map(Vec::len), Some(10));
        for name in HONEST {
            let row = row(&answer, name);
            assert_eq!(row["exit"], 0, "{row}");
            assert_eq!(
                row["run"]["outcomes"]["created"].as_u64().is_some_and(|it| it > 30),
                changes,
                "{row}"
            );
            let people = export(&mixed, name);
            assert!(people.len() > 10_000, "{people}");
            assert_eq!(people, export(&alone, name), "{name} on day {day}");
        }
        for (name, why) in [
            ("aaa-loops", "`identify` computed for longer than 10s"),
            ("eats", "`identify` needed more than 67108864 bytes of memory"),
            ("zzz-drips", "proving the credential"),
        ] {
            let row = row(&answer, name);
            assert_eq!((&row["exit"], &row["run"]["state"]), (&1.into(), &"failed".into()), "{row}");
            let told = row["run"]["error"].as_str().unwrap_or_default();
            assert!(told.contains(why), "{told}");
            let people: Value = serde_json::from_str(&export(&mixed, name)).expect("JSON");
            assert_eq!(people["people"].as_array().map(Vec::len), Some(0), "{people}");
        }
    }
}

#[test]
fn a_table_for_people_and_one_tenant_alone() {
    let home = Home::new();
    let told = home.refused(2, "sync --all");
    assert!(told.contains("there is nothing in"), "{told}");
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 30)).expect("a simulator");
    tenant(&home, "one", &sim.origin(), None);
    tenant(&home, "two", &sim.origin(), None);
    let answer = home.run("sync --all --tenant two").ended(0);
    answer.answers(&["Tenant", "two", "done", "30"]);
    assert!(!answer.out.lines().any(|line| line.starts_with("one")), "{}", answer.out);
    // Nobody has looked at the other one.
    let runs = home.done("runs list --tenant one --json").json();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(0), "{runs}");
    let people: Value = serde_json::from_str(&export(&home, "one")).expect("JSON");
    assert_eq!(people["people"].as_array().map(Vec::len), Some(0), "{people}");
    home.done("sync --all --jobs 1").answers(&["one", "two", "done"]);
    for name in ["one", "two"] {
        let people: Value = serde_json::from_str(&export(&home, name)).expect("JSON");
        assert_eq!(people["people"].as_array().map(Vec::len), Some(30), "{name}");
    }

    // A lock that another process has is that integration's own trouble.
    let lock = home.home().join("locks/one.contoso.lock");
    let file = std::fs::File::open(lock).expect("the lock");
    file.lock().expect("nobody has it");
    let answer = home.run("sync --all").ended(1);
    answer.answers(&["one", "failed", "two", "done"]);
    answer.tells(&["one/contoso: another process is running `contoso`", "help: wait until"]);
    drop(file);

    for wrong in ["sync contoso --all", "sync --jobs 3", "sync --all --jobs 0"] {
        home.refused(2, wrong);
    }
    let told = home.refused(2, "sync --all --tenant three");
    assert!(told.contains("there is no tenant `three`"), "{told}");
    home.done("integration remove contoso --tenant one");
    let told = home.refused(2, "sync --all --tenant one");
    assert!(
        told.contains("there is no launched integration")
            && told.contains("`userload --tenant one launch NAME`"),
        "{told}"
    );
}
