//! Killed at any instant, nobody has changed, and the next start ends in the same directory as a run that
//! nobody disturbed, byte for byte.

#[path = "kill/tenants.rs"]
mod tenants;

use std::path::Path;
use std::time::{Duration, Instant};

use graph_sim::{Action, On, Rule, Schedule, Sim, SimConfig, World};
use rusqlite::{Connection, OpenFlags};
use userload_tests::program::{Contoso, Home, Running};

/// How long a test waits for a moment.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until something is so. Gives false when the program ended before.
fn until(running: &mut Running, mut so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !so() {
        if running.ended() {
            return false;
        }
        assert!(Instant::now() < end, "the moment never came");
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// How many pages of the listing were answered.
fn pages(sim: &Sim) -> usize {
    sim.journal().iter().filter(|it| it.target.contains("/users?") && it.status == 200).count()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.len())
}

/// A home at which something has happened, and a day of changes before it: joiners, leavers, renames.
fn second_day(people: usize, latency: u64) -> (Contoso, Home) {
    let config = SimConfig { latency: Duration::from_millis(latency), ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, people), "page-size = 100");
    contoso.home.done("launch contoso");
    let other = contoso.another_home("page-size = 100");
    for home in [&contoso.home, &other] {
        home.call(&["sync"]).at("2026-11-22T04:05:06Z").run().ended(0);
    }
    contoso.sim.change(|world| {
        let ids = world.ids();
        for id in &ids[20..25] {
            world.delete(id).unwrap();
        }
        for (at, id) in ids.iter().enumerate().skip(30).step_by(3) {
            world.update_text(id, "jobTitle", &format!("Keeper of number {at}")).unwrap();
        }
        for id in &ids[40..45] {
            let name = format!("new-{}", world.user(id).unwrap().upn());
            world.rename(id, &name).unwrap();
        }
        for number in 0..30 {
            world.hire(&format!("joiner{number}@contoso.example"), &format!("Joiner {number}"));
        }
    });
    (contoso, other)
}

/// Killed after each of several pages, in one and the same run.
#[test]
fn killed_while_staging() {
    let (contoso, undisturbed) = second_day(900, 15);
    let before = contoso.home.people();
    undisturbed.done("sync");
    let wanted = undisturbed.people();
    assert_ne!(before, wanted);
    let mut resumed = 0;
    for page in [1, 2, 2, 3, 1] {
        contoso.sim.clear_journal();
        let mut running = contoso.home.call(&["sync"]).spawn();
        let hit = until(&mut running, || pages(&contoso.sim) >= page);
        let said = running.kill();
        assert!(hit && said.code == -1, "it ended before page {page}: {}{}", said.out, said.err);
        resumed += usize::from(said.err.contains("was interrupted after page"));
        assert_eq!(contoso.home.people(), before, "nobody has changed before the next start");
    }
    assert!(resumed > 0, "no start went on where the last one was stopped");
    let last = contoso.home.done("sync --json").run();
    assert!(last["cost"]["resumed_pages"].as_u64().unwrap() > 0, "{last}");
    assert_eq!(contoso.home.people(), wanted);
    // As many rows in the ledger, too: nothing was done twice.
    let counts = |home: &Home| home.done("sync --json").run()["outcomes"].clone();
    assert_eq!(counts(&contoso.home), counts(&undisturbed));
}

/// The same with signals that ask: they end it as well, and the next start goes on. Started where hang-ups are ignored
/// (`nohup`), the program ignores them too, and its run goes on to its end.
#[test]
fn stopped_by_a_signal() {
    for signal in ["TERM", "INT", "HUP"] {
        let (contoso, undisturbed) = second_day(900, 15);
        let before = contoso.home.people();
        undisturbed.done("sync");
        contoso.sim.clear_journal();
        let mut running = contoso.home.call(&["sync"]).spawn();
        assert!(until(&mut running, || pages(&contoso.sim) >= 2), "{signal}");
        running.signal(signal);
        let said = running.wait();
        if signal == "HUP" && hang_ups_are_ignored() {
            assert_eq!(said.code, 0, "{signal}: {}{}", said.out, said.err);
        } else {
            assert_ne!(said.code, 0, "{signal}: {}{}", said.out, said.err);
            assert_eq!(contoso.home.people(), before, "{signal}");
            contoso.home.done("sync");
        }
        assert_eq!(contoso.home.people(), undisturbed.people(), "{signal}");
    }
}

/// Whether this process ignores `SIGHUP`, the first bit of the mask; what it starts inherits that.
fn hang_ups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel's view of this process");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a mask");
    u64::from_str_radix(mask.trim(), 16).expect("hexadecimal") & 1 == 1
}

/// People in the directory that is killed while it is applied: enough that applying takes a while.
const MANY: usize = 20_000;

/// A write-ahead log of this size is one that a transaction has begun to fill.
const BEGUN: u64 = 1 << 20;

/// Killed while the one transaction is under way, at several moments of it. That it has begun can be seen
/// from outside by the write-ahead log, which it fills; how long it takes from there, a run shows that nobody
/// disturbs; the others, each in a copy of the same home, are killed at parts of that time.
#[test]
fn killed_while_applying() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, MANY), "");
    let home = &contoso.home;
    home.done("launch contoso");
    staged_and_killed(&contoso);
    let empty = home.people();
    assert_eq!(home.done("people list --json").json()["total"], 0);

    copy(home, "whole");
    let mut running = home.call(&["--home", "whole", "sync"]).spawn();
    let wal = |name: &str| home.around().join(name).join("userload.sqlite-wal");
    assert!(until(&mut running, || size(&wal("whole")) > BEGUN));
    let begun = Instant::now();
    running.wait().ended(0);
    let whole = begun.elapsed();
    let people = |name: &str| home.done(&format!("--home {name} people export --json")).out;
    let wanted = people("whole");
    assert_ne!(wanted, empty);

    const MOMENTS: u32 = 12;
    let mut hits = 0;
    for moment in 0..MOMENTS {
        copy(home, "part");
        let mut running = home.call(&["--home", "part", "sync"]).spawn();
        assert!(until(&mut running, || size(&wal("part")) > BEGUN));
        std::thread::sleep(whole * moment / MOMENTS);
        let said = running.kill();
        assert!([-1, 0].contains(&said.code), "{said:?}");
        let now = people("part");
        if said.code == -1 && now == empty {
            hits += 1;
        } else {
            assert!(now == wanted, "neither the old directory nor the new one at {moment}/{MOMENTS}");
        }
        home.done("--home part sync");
        assert!(people("part") == wanted, "another directory than undisturbed, after {moment}/{MOMENTS}");
    }
    assert!(hits >= 4, "only {hits} of {MOMENTS} kills fell into the transaction");
    let again = home.done("--home part sync --json").run();
    assert_eq!(again["outcomes"], serde_json::json!({"unchanged": MANY}));
}

/// Lets a run stage its last page, and kills it before it has applied: as soon as its state says so.
fn staged_and_killed(contoso: &Contoso) {
    let mut running = contoso.home.call(&["sync"]).spawn();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = Connection::open_with_flags(contoso.home.store(), flags).unwrap();
    let judging = || {
        let state = "SELECT count(*) FROM run WHERE state = 'judging'";
        store.query_row(state, [], |row| row.get::<_, u32>(0)).unwrap_or(0) > 0
    };
    assert!(until(&mut running, judging), "it has applied already");
    assert_eq!(running.kill().code, -1);
    drop(store);
    assert_eq!(state(&contoso.home), "judging");
}

/// A copy of the home, in the place of any earlier one of this name.
fn copy(home: &Home, name: &str) {
    let to = home.around().join(name);
    if to.exists() {
        std::fs::remove_dir_all(&to).unwrap();
    }
    let done = std::process::Command::new("cp").arg("-a").arg(home.home()).arg(&to).status().unwrap();
    assert!(done.success());
}

/// The state of the newest run.
fn state(home: &Home) -> String {
    let runs = home.done("runs list --limit 1 --json").json();
    runs["runs"][0]["state"].as_str().unwrap_or("none").to_owned()
}

/// Everybody of an export, but for the number that counts how often a person was written.
fn unversioned(export: &str) -> Vec<serde_json::Value> {
    let mut people: serde_json::Value = serde_json::from_str(export).unwrap();
    let people = people["people"].as_array_mut().unwrap();
    assert_eq!(people.len(), MANY);
    for person in people.iter_mut() {
        assert!(person["version"].take().is_u64());
    }
    std::mem::take(people)
}

/// An undo of everybody is one transaction as well: killed at parts of it, everybody is there or nobody is, and
/// the next one ends like one that nobody disturbed.
#[test]
fn killed_while_undoing() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, MANY), "");
    let home = &contoso.home;
    home.done("launch contoso");
    home.done("sync");
    let there = home.people();

    copy(home, "whole");
    let begun = Instant::now();
    home.call(&["--home", "whole", "undo", "1"]).run().ended(0);
    let whole = begun.elapsed();
    let people = |name: &str| home.done(&format!("--home {name} people export --json")).out;
    let gone = people("whole");
    assert_ne!(gone, there);

    const MOMENTS: u32 = 8;
    let mut hits = 0;
    for moment in 1..MOMENTS {
        copy(home, "part");
        let running = home.call(&["--home", "part", "undo", "1"]).spawn();
        std::thread::sleep(whole * moment / MOMENTS);
        let said = running.kill();
        assert!([-1, 0].contains(&said.code), "{said:?}");
        let now = people("part");
        if said.code == -1 && now == there {
            hits += 1;
            home.call(&["--home", "part", "undo", "1"]).run().ended(0);
        }
        assert!(people("part") == gone, "neither everybody nor nobody at {moment}/{MOMENTS}");
    }
    assert!(hits >= 3, "only {hits} of {MOMENTS} kills fell into the transaction");
    let undo = home.done("--home part runs list --limit 1 --json").json()["runs"][0]["number"].to_string();
    home.done(&format!("--home part undo {undo}"));
    assert!(unversioned(&people("part")) == unversioned(&there), "an undo of the undo gives back each value");
}

/// Killed at moments that nobody chose, again and again, between the second page and some time after the
/// end: whatever the moment, the directory is the old one or the new one, and in the end the new one.
#[test]
fn killed_at_any_moment() {
    let (contoso, undisturbed) = second_day(600, 0);
    let before = contoso.home.people();
    undisturbed.done("sync");
    let wanted = undisturbed.people();
    for step in 1..=12_u64 {
        let mut running = contoso.home.call(&["sync"]).spawn();
        let end = Instant::now() + Duration::from_millis(step * 37);
        while Instant::now() < end && !running.ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let said = running.kill();
        assert!([-1, 0].contains(&said.code), "{said:?}");
        let now = contoso.home.people();
        assert!(
            now == before || now == wanted,
            "neither the old directory nor the new one after step {step}"
        );
    }
    contoso.home.done("sync");
    assert_eq!(contoso.home.people(), wanted);
}

/// An approval that is killed at any moment has done all of it or nothing, and the next one ends it.
#[test]
fn killed_while_approving() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, 600), "");
    let home = &contoso.home;
    home.done("launch contoso");
    home.call(&["sync"]).at("2026-11-22T04:05:06Z").run().ended(0);
    contoso.sim.change(|world| {
        for id in &world.ids()[20..220] {
            world.delete(id).unwrap();
        }
    });
    home.call(&["sync"]).run().ended(3);
    let (cause, before) = ("deactivate:deleted", home.people());
    let approve = |name: &str| home.call(&["--home", name, "held", "approve", "--cause", cause]);
    let people = |name: &str| home.done(&format!("--home {name} people export --json")).out;

    copy(home, "whole");
    let begun = Instant::now();
    approve("whole").run().ended(0);
    let whole = begun.elapsed();
    let (there, gone) = (home.done("people export --json").out, people("whole"));
    assert_ne!(there, gone);

    const MOMENTS: u32 = 8;
    let mut hits = 0;
    for moment in 1..MOMENTS {
        copy(home, "part");
        let running = approve("part").spawn();
        std::thread::sleep(whole * moment / MOMENTS);
        let said = running.kill();
        assert!([-1, 0].contains(&said.code), "{said:?}");
        if people("part") == there {
            hits += 1;
            approve("part").run().ended(0);
        }
        assert!(people("part") == gone, "neither everybody nor nobody at {moment}/{MOMENTS}");
        assert_eq!(
            home.done("--home part held list --json").json()["holds"].as_array().map(Vec::len),
            Some(0)
        );
    }
    assert!(hits >= 2, "only {hits} of {MOMENTS} kills came before the end");
    assert_eq!(home.people(), before, "the first home was left alone");
}

/// A plan is interrupted as well, and a run of the other kind takes it up.
#[test]
fn a_killed_plan_is_taken_up_by_a_sync() {
    let (contoso, undisturbed) = second_day(400, 0);
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::Stall).page(3)));
    let mut running = contoso.home.call(&["plan"]).spawn();
    assert!(until(&mut running, || contoso.sim.unfired().is_empty()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(running.kill().code, -1);
    contoso.sim.clear_faults();
    undisturbed.done("sync");
    contoso.home.done("sync");
    assert_eq!(contoso.home.people(), undisturbed.people());
}
