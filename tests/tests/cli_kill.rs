//! Killed at any instant, nobody has changed, and the next start ends in the same directory as a run that
//! nobody disturbed, byte for byte.

use std::path::Path;
use std::time::{Duration, Instant};

use graph_sim::{Action, On, Rule, Schedule, Sim, SimConfig, World};
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

/// The same with signals that ask: they end it as well, and the next start goes on.
#[test]
fn stopped_by_a_signal() {
    for signal in ["TERM", "INT", "HUP"] {
        let (contoso, undisturbed) = second_day(300, 15);
        let before = contoso.home.people();
        undisturbed.done("sync");
        contoso.sim.clear_journal();
        let mut running = contoso.home.call(&["sync"]).spawn();
        assert!(until(&mut running, || pages(&contoso.sim) >= 2), "{signal}");
        running.signal(signal);
        let said = running.wait();
        assert_ne!(said.code, 0, "{signal}: {}{}", said.out, said.err);
        assert_eq!(contoso.home.people(), before, "{signal}");
        contoso.home.done("sync");
        assert_eq!(contoso.home.people(), undisturbed.people(), "{signal}");
    }
}

/// People in the directory that is killed while it is applied: enough that applying takes a while.
const MANY: usize = 20_000;

/// Killed while the one transaction is under way, at several moments of it: the write-ahead log grows far
/// beyond what staging leaves behind, and how far tells the moment.
#[test]
fn killed_while_applying() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, MANY), "");
    contoso.home.done("launch contoso");
    let undisturbed = contoso.another_home("");
    undisturbed.done("sync");
    let wanted = undisturbed.people();
    drop(undisturbed);
    let empty = contoso.home.people();
    let wal = contoso.home.home().join("userload.sqlite-wal");
    let last_page = MANY.div_ceil(999);
    let mut hits = 0;
    for megabytes in [1_u64, 8, 16, 24, 40] {
        contoso.sim.clear_journal();
        let mut running = contoso.home.call(&["sync"]).spawn();
        // A run that was killed after its last page was staged asks for no page again.
        let staged = state(&contoso.home) == "judging";
        until(&mut running, || staged || pages(&contoso.sim) >= last_page);
        let grown = |since: u64| size(&wal) > since + (megabytes << 20);
        let since = if staged { 0 } else { steady(&wal) };
        until(&mut running, || grown(since));
        let said = running.kill();
        if said.code != -1 {
            break; // It was faster: it has applied, and is what the end of this test looks at.
        }
        if contoso.home.people() == empty {
            hits += u32::from(state(&contoso.home) == "judging");
        } else {
            assert_eq!(contoso.home.people(), wanted, "it was killed after its transaction");
            break;
        }
    }
    assert!(hits >= 2, "only {hits} kills fell between the last page and the end of the transaction");
    contoso.home.run("sync").ended(0);
    assert_eq!(contoso.home.people(), wanted);
    let again = contoso.sync(0);
    assert_eq!(again["outcomes"], serde_json::json!({"unchanged": MANY}));
}

/// The size of a file once it has stopped growing for a moment.
fn steady(path: &Path) -> u64 {
    let mut last = size(path);
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(10));
        let now = size(path);
        if now == last {
            break;
        }
        last = now;
    }
    last
}

/// The state of the newest run.
fn state(home: &Home) -> String {
    let runs = home.done("runs list --limit 1 --json").json();
    runs["runs"][0]["state"].as_str().unwrap_or("none").to_owned()
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
