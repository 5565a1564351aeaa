//! A source in trouble: what passes is waited out, and the report says what it cost; what does not pass ends
//! the run, and nobody has changed.

use std::time::Duration;

use graph_sim::{Action, On, Rule, Schedule, SimConfig, Throttle, World};
use serde_json::Value;
use userload_tests::program::Contoso;

/// Five pages of people, loaded once, and everybody is to be renamed by the next run.
fn five_pages() -> Contoso {
    let contoso = Contoso::of(SimConfig::default(), World::contoso(7, 500), "page-size = 100");
    contoso.home.done("launch contoso");
    contoso.sync(0);
    contoso.sim.change(|world| {
        let ids = world.ids();
        for id in ids.iter().step_by(50) {
            world.update_text(id, "jobTitle", "Somebody else").unwrap();
        }
    });
    contoso
}

/// The run went well and found all that there was to find.
#[track_caller]
fn is_whole(contoso: &Contoso, run: &Value) {
    assert_eq!(contoso.sim.unfired(), Vec::<String>::new(), "a fault was not met");
    assert_eq!(run["state"], "applied");
    assert_eq!(run["complete"], true, "{run}");
    assert_eq!(run["rows_seen"], 500);
    assert_eq!(run["outcomes"], serde_json::json!({"updated": 10, "unchanged": 490}));
}

#[test]
fn page_three_of_five_fails_for_good() {
    let contoso = five_pages();
    let people = contoso.home.people();
    let broken = Action::Status {
        code: 500,
        error_code: Some("UnknownError".to_owned()),
        message: Some("the directory is on fire".to_owned()),
        retry_after: None,
    };
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, broken).page(3).always()));
    let failed = contoso.home.run("sync").ended(1);
    let told = failed.out + &failed.err;
    for text in
        ["reading page 3 of the listing", "500", "`UnknownError`", "the directory is on fire", "(request "]
    {
        assert!(told.contains(text), "`{text}` is not in\n{told}");
    }
    assert!(told.contains("nothing was changed; run the same command again later"), "{told}");
    assert_eq!(contoso.home.people(), people, "nothing was applied");
    let run = contoso.home.run("runs show --json").ended(0).run();
    assert_eq!(run["state"], "failed");
    assert!(run["error"].as_str().unwrap().contains("page 3"), "{run}");
    contoso.home.done("status").answers(&[
        "failed",
        "userload runs show 2 says why",
        "userload sync contoso tries again",
    ]);
    contoso.sim.clear_faults();
    is_whole(&contoso, &contoso.sync(0));
}

#[test]
fn a_storm_of_429() {
    let contoso = five_pages();
    let storm = Schedule::one(Rule::new(On::Users, Action::throttled("0.2")).page(2).times(4).min_fires(4))
        .and(Rule::new(On::Users, Action::throttled("1")).page(4).times(2).min_fires(2));
    contoso.sim.set_faults(storm);
    let sync = contoso.home.run("sync --json").ended(0);
    let run = sync.run();
    is_whole(&contoso, &run);
    assert_eq!((&run["cost"]["throttled"], &run["cost"]["retries"]), (&6.into(), &6.into()), "{run}");
    assert!(run["milliseconds"]["waited"].as_u64().unwrap() >= 2_800, "{run}");
    contoso.home.done("runs show").answers(&["6 retries (6 throttled), 2."]);
}

/// The simulator's own bucket of resource units instead of a schedule.
#[test]
fn a_tenant_with_little_quota() {
    let throttle = Throttle { units: 3, window: Duration::from_secs(2) };
    let config = SimConfig { throttle: Some(throttle), ..SimConfig::default() };
    let contoso = Contoso::of(config, World::contoso(7, 500), "page-size = 100");
    contoso.home.done("launch contoso");
    let run = contoso.sync(0);
    assert_eq!(run["outcomes"]["created"], 500);
    assert!(run["cost"]["throttled"].as_u64().unwrap() > 0, "{run}");
}

#[test]
fn a_token_that_is_revoked_on_the_way() {
    let contoso = five_pages();
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::RevokeToken).page(3)));
    contoso.sim.clear_journal();
    is_whole(&contoso, &contoso.sync(0));
    let tokens = contoso.sim.journal().iter().filter(|it| it.target.contains("/token")).count();
    assert_eq!(tokens, 2, "one renewal");
}

#[test]
fn a_page_token_that_expires_on_the_way() {
    let contoso = five_pages();
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::ExpiredPageToken).page(4)));
    let run = contoso.sync(0);
    is_whole(&contoso, &run);
    assert_eq!(run["cost"]["restarts"], 1);
    contoso.home.done("runs show").answers(&["listing restarted 1 time"]);
}

#[test]
fn a_page_token_that_always_expires() {
    let contoso = five_pages();
    let people = contoso.home.people();
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::ExpiredPageToken).page(4).always()));
    let failed = contoso.home.run("sync").ended(1);
    let told = failed.out + &failed.err;
    assert!(told.contains("the source gave up the listing 4 times"), "{told}");
    assert!(told.contains("help: "), "{told}");
    assert_eq!(contoso.home.people(), people);
}

#[test]
fn connections_that_break() {
    let contoso = five_pages();
    for action in [Action::Reset, Action::ResetMidBody, Action::Truncate, Action::Html200, Action::NotJson] {
        contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, action).page(2)));
        let run = contoso.sync(0);
        assert_eq!(contoso.sim.unfired(), Vec::<String>::new());
        assert_eq!((&run["complete"], &run["rows_seen"]), (&true.into(), &500.into()), "{run}");
        assert_eq!(run["cost"]["retries"], 1, "{run}");
    }
}

/// Answers are asked for compressed, and a small one that unpacks to a huge one ends the call.
#[test]
fn gzip_and_a_bomb_of_it() {
    let contoso = five_pages();
    let people = contoso.home.people();
    let bomb = Action::GzipBomb { decoded_bytes: 300 << 20 };
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, bomb).page(2).always()));
    let failed = contoso.home.run("sync").ended(1);
    let told = failed.out + &failed.err;
    assert!(told.contains("page 2") && told.contains("help: "), "{told}");
    assert_eq!(contoso.home.people(), people);
    contoso.sim.clear_faults();
    contoso.sim.clear_journal();
    let run = contoso.sync(0);
    is_whole(&contoso, &run);
    let journal = contoso.sim.journal();
    assert!(journal.iter().all(|it| it.accept_encoding.as_deref() == Some("gzip")));
    let traffic = &run["receipt"]["traffic"];
    assert!(
        traffic["wire_bytes"].as_u64() < traffic["received_bytes"].as_u64(),
        "it came compressed: {traffic}"
    );
}

/// What a run used is in its report: requests by host and status, bytes, processor, memory.
#[test]
fn the_report_has_a_receipt() {
    let contoso = five_pages();
    contoso.sim.clear_journal();
    let run = contoso.sync(0);
    let asked = contoso.sim.journal().len();
    let receipt = &run["receipt"];
    let traffic = &receipt["traffic"];
    assert_eq!(traffic["requests"], asked, "{receipt}");
    assert_eq!(traffic["origins"][contoso.sim.origin()]["statuses"]["200"], asked, "{receipt}");
    for number in ["calls", "memory_peak"] {
        assert!(receipt[number].as_u64().unwrap() > 0, "{number}: {receipt}");
    }
    assert!(traffic["received_bytes"].as_u64().unwrap() > 100_000, "{receipt}");
    let line = format!("{asked} requests to {}", contoso.sim.origin());
    contoso.home.done("runs show").answers(&[&line, "ms of processor", "MiB of memory"]);
}
