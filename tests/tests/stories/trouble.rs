//! Throttling and trouble: what passes by itself is waited for, what does not ends the run with the place.

use std::time::Instant;

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::RunReport;
use userload_tests::{House, plain};

fn house() -> House {
    let (world, _) = plain(50);
    House::with(world, |doc| doc.set("page-size", "10"))
}

/// A first load of fifty people that meets this trouble and ends well.
fn survives(schedule: Schedule) -> RunReport {
    let mut house = house();
    house.trouble(schedule);
    let report = house.night();
    assert_eq!(report.count(Outcome::Created), 50);
    assert!(report.completeness.complete, "{:?}", report.completeness);
    assert_eq!(house.night().changes(), 0);
    report
}

#[test]
fn a_storm_of_429_is_waited_for_as_long_as_asked() {
    let clock = Instant::now();
    let report = survives(
        Schedule::one(Rule::new(On::Users, Action::throttled("0.25")).page(2).times(3))
            .and(Rule::new(On::Users, Action::throttled("1")).page(3))
            .and(Rule::new(On::Users, Action::throttled("Thu, 01 Jan 2026 00:00:00 GMT")).page(4))
            .and(Rule::new(On::Users, Action::throttled("nonsense")).page(5)),
    );
    assert_eq!((report.cost.throttled, report.cost.retries), (6, 6));
    assert!(report.cost.waited >= 1750 && clock.elapsed().as_millis() >= 1750, "{:?}", report.cost);
}

#[test]
fn throttling_while_asking_about_the_absent_is_waited_for() {
    let (world, ids) = plain(50);
    let mut house = House::new(world);
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.trouble(
        Schedule::one(Rule::new(On::Batch, Action::throttled("0.1")).times(2))
            .and(Rule::new(On::Deleted, Action::throttled("0.1"))),
    );
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.cost.throttled), (1, 3));
}

#[test]
fn what_passes_by_itself_is_tried_again() {
    let report = survives(
        Schedule::one(Rule::new(On::Users, Action::status(503)).page(1))
            .and(Rule::new(On::Users, Action::Reset).page(2))
            .and(Rule::new(On::Users, Action::ResetMidBody).page(3))
            .and(Rule::new(On::Users, Action::Truncate).page(4))
            .and(Rule::new(On::Users, Action::NotJson).page(5)),
    );
    assert_eq!((report.cost.retries, report.cost.throttled, report.cost.restarts), (5, 0, 0));
    let report = survives(
        Schedule::one(Rule::new(On::Users, Action::Html200).page(2))
            .and(Rule::new(On::Token, Action::status(503)))
            .and(Rule::new(On::Discovery, Action::Reset)),
    );
    assert!(report.cost.retries >= 3, "{:?}", report.cost);
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_renewed() {
    survives(Schedule::one(Rule::new(On::Users, Action::RevokeToken).page(3)));
}

#[test]
fn a_page_token_that_expires_starts_the_listing_over() {
    let report = survives(Schedule::one(Rule::new(On::Users, Action::ExpiredPageToken).page(4).times(2)));
    assert_eq!((report.cost.restarts, report.rows_seen), (2, 50));
}

#[test]
fn page_tokens_that_always_expire_end_the_run() {
    let mut house = house();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::ExpiredPageToken).page(4).always()));
    let (error, report) = house.fails();
    assert!(error.to_string().contains("page token expired"), "{error}");
    assert!(error.help().unwrap().contains("page-size"));
    assert_eq!(report.unwrap().cost.restarts, 3);
    assert_eq!(house.night().count(Outcome::Created), 50);
}

#[test]
fn a_restart_forgets_who_was_seen() {
    let (world, ids) = plain(50);
    let mut house = House::with(world, |doc| doc.set("page-size", "10"));
    house.night();
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Moved").unwrap();
        world.delete(&ids[45]).unwrap();
    });
    house.trouble(Schedule::one(Rule::new(On::Users, Action::ExpiredPageToken).page(4)));
    let report = house.night();
    assert_eq!((report.count(Outcome::Updated), report.count(Outcome::Deactivated)), (1, 1));
    assert_eq!((report.rows_seen, report.count(Outcome::Skipped)), (49, 0));
}

#[test]
fn a_run_that_broke_down_is_gone_on_with_and_ends_as_if_nothing_had_happened() {
    let pause = || Schedule::one(Rule::new(On::Users, Action::throttled("1")).page(4));
    let mut broken = house();
    broken.trouble(pause());
    broken.breaks_down();
    assert_eq!(broken.people().len(), 0);
    let report = broken.sync("entra");
    assert_eq!((report.cost.resumed_pages, report.count(Outcome::Created)), (3, 50));
    let mut whole = house();
    whole.night();
    let uids = "SELECT group_concat(uid || fields || active) FROM (SELECT * FROM person ORDER BY uid)";
    let all = |house: &House| house.sql().query_row(uids, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(all(&broken), all(&whole));
    assert_eq!(broken.night().changes(), 0);
}

#[test]
fn a_run_that_broke_down_two_days_ago_begins_anew() {
    let mut house = house();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::throttled("1")).page(4)));
    house.breaks_down();
    house.sim.change(|world| {
        let first = world.ids()[0].clone();
        world.purge(&first).unwrap();
    });
    house.now += 2 * userload_tests::DAY;
    let report = house.sync("entra");
    assert_eq!((report.cost.resumed_pages, report.count(Outcome::Created)), (0, 49));
}

#[test]
fn a_run_that_broke_down_is_not_gone_on_with_under_another_configuration() {
    let mut house = house();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::throttled("1")).page(4)));
    house.breaks_down();
    house.integration(|doc| doc.unmap("department"));
    let report = house.sync("entra");
    assert_eq!((report.cost.resumed_pages, report.count(Outcome::Created)), (0, 50));
    assert!(house.people().iter().all(|it| it.text("department").is_none()));
}

#[test]
fn a_missing_permission_is_named() {
    let mut house = house();
    house.sim.change(|world| world.apps[0].granted.clear());
    let (error, _) = house.fails();
    let text = error.to_string();
    assert!(text.contains("403") && text.contains("Authorization_RequestDenied"), "{text}");
    assert!(text.contains("User.Read.All") && error.help().unwrap().contains("User.Read.All"), "{text}");
    house.sim.change(|world| world.grant("User.Read.All"));
    assert_eq!(house.night().count(Outcome::Created), 50);
}

#[test]
fn a_wrong_secret_shows_microsofts_words() {
    let mut house = house();
    house.secret = "wrong-secret-of-some-length".to_owned();
    let error = house.run("entra", userload::sync::RunKind::Sync).unwrap_err().0;
    assert!(error.to_string().contains("AADSTS7000215"), "{error}");
    assert!(error.help().unwrap().contains("credential"));
    assert_eq!(house.people().len(), 0);
}

#[test]
fn a_wrong_tenant_shows_microsofts_words() {
    let mut house = house();
    house.tenant = "deadbeef-1234-4abc-8def-0123456789ab".to_owned();
    let error = house.run("entra", userload::sync::RunKind::Sync).unwrap_err().0;
    assert!(error.to_string().contains("AADSTS90002"), "{error}");
}

#[test]
fn a_bad_filter_is_named() {
    let (world, _) = plain(5);
    let mut house = House::with(world, |doc| doc.filter("favouriteColour eq 'red'"));
    let (error, _) = house.fails();
    assert!(error.to_string().contains("favouriteColour"), "{error}");
}

#[test]
fn the_seeds_own_filter_is_an_advanced_query_on_every_page() {
    let (mut world, ids) = plain(50);
    for (n, id) in ids.iter().enumerate() {
        world.update_text(id, "employeeType", ["Admin", "Staff", "Guest's"][n % 3]).unwrap();
    }
    let mut house =
        House::with(world, |doc| doc.set("page-size", "10").filter("employeeType in ('Admin', 'Staff')"));
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.completeness.expected), (34, Some(34)));
    let pages: Vec<_> = house.sim.journal().into_iter().filter(|it| it.target.contains("/users?")).collect();
    assert!(pages.len() == 4 && pages.iter().all(|it| it.consistency_level.as_deref() == Some("eventual")));
}
