//! Seen: listings that are whole, and listings that are not. A listing that is not whole judges nobody.

use graph_sim::{Action, Element, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::RunError;
use userload_tests::{House, plain, upn};

/// Thirty people on three pages, loaded; then the tenth (page 1) moves and the last (page 3) is deleted.
fn thirty() -> (House, Vec<String>) {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.set("page-size", "10"));
    assert_eq!(house.night().count(Outcome::Created), 30);
    house.sim.change(|world| {
        world.update_text(&ids[9], "department", "Moved").unwrap();
        world.delete(&ids[29]).unwrap();
    });
    (house, ids)
}

/// An incomplete night: what is listed flows, nobody is judged absent; the next, whole one judges.
fn judges_nobody(house: &mut House, ids: &[String], trouble: Rule, reason: &str) {
    house.trouble(Schedule::one(trouble));
    let report = house.night();
    assert!(!report.completeness.complete);
    assert_eq!(report.completeness.reason.as_deref(), Some(reason));
    assert_eq!((report.absent, report.count(Outcome::Deactivated)), (0, 0));
    assert!(house.active(&ids[29]));
    let next = house.night();
    assert!(next.completeness.complete);
    assert_eq!(next.count(Outcome::Deactivated), 1);
    assert!(!house.active(&ids[29]));
    assert_eq!(house.text(&ids[9], "department").as_deref(), Some("Moved"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_cut_listing_judges_nobody_but_what_it_has_flows() {
    let (mut house, ids) = thirty();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::CutListing).page(1)));
    let report = house.night();
    assert_eq!(
        report.completeness.reason.as_deref(),
        Some("the listing had 10 rows, but the source counts 29")
    );
    assert_eq!((report.rows_seen, report.count(Outcome::Updated)), (10, 1));
    let rest = Rule::new(On::Users, Action::CutListing).page(2);
    judges_nobody(&mut house, &ids, rest, "the listing had 20 rows, but the source counts 29");
}

/// More requests in one session than there may be host resources at once.
#[test]
fn a_listing_of_a_thousand_pages_is_read_to_its_end() {
    let (mut house, ids) = House::loaded(1_100, |doc| doc.set("page-size", "1"));
    let again = house.night();
    assert!(again.completeness.complete);
    assert_eq!((again.rows_seen, again.changes()), (1_100, 0));
    assert!(again.receipt["traffic"]["requests"].as_u64() > Some(1_100));
    assert_eq!(ids.iter().filter(|id| house.active(id)).count(), 1_100);
}

#[test]
fn a_wrong_count_judges_nobody() {
    let (mut house, ids) = thirty();
    let count = Rule::new(On::UsersCount, Action::WrongCount { n: 40 });
    judges_nobody(&mut house, &ids, count, "the listing had 29 rows, but the source counts 40");
}

#[test]
fn an_empty_answer_judges_nobody() {
    let (mut house, ids) = thirty();
    judges_nobody(&mut house, &ids, Rule::new(On::Users, Action::Empty200), "the listing was empty");
}

#[test]
fn half_a_listing_judges_nobody_even_when_nobody_counts() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.set("page-size", "10").filter("accountEnabled eq true"));
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::CutListing).page(1)));
    let report = house.night();
    assert_eq!(
        report.completeness.reason.as_deref(),
        Some("the listing had 10 rows, less than half of the 30 of the last complete one")
    );
    assert_eq!(report.absent, 0);
    let again = house.night();
    assert_eq!((again.completeness.last, again.count(Outcome::Deactivated)), (Some(30), 1));
}

#[test]
fn an_entry_that_is_no_user_fails_alone_and_judges_nobody() {
    for element in [Element::Null, Element::String, Element::NoId] {
        let (mut house, ids) = thirty();
        // Nobody counts with this filter, so that the entry alone tells that the listing is not to be trusted.
        house.integration(|doc| doc.filter("accountEnabled eq true"));
        house.trouble(Schedule::one(Rule::new(On::Users, Action::BadElement { element }).page(2)));
        let report = house.night();
        assert_eq!((report.count(Outcome::Failed), report.count(Outcome::Updated)), (1, 1));
        assert_eq!(report.failed.len(), 1);
        assert!(house.active(&ids[29]) && !report.completeness.complete);
        let reason = "entries of the listing that are no users: 1";
        assert_eq!(report.completeness.reason.as_deref(), Some(reason));
        let next = house.night();
        let held = (next.count(Outcome::Deactivated), next.newly_held);
        assert_eq!(held, (0, 1), "the first listing since the filter changed that proves anything");
    }
}

#[test]
fn an_empty_page_with_a_next_link_is_not_the_end() {
    let (mut house, ids) = thirty();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::EmptyPage).page(2)));
    let report = house.night();
    assert!(report.completeness.complete, "{:?}", report.completeness);
    assert_eq!((report.rows_seen, report.count(Outcome::Deactivated)), (29, 1));
    assert!(!house.active(&ids[29]));
}

#[test]
fn a_page_that_comes_twice_counts_once() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| {
        world.hire("joiner@contoso.example", "Joiner");
        world.update(&ids[25], "department", "7").unwrap();
    });
    for page in [1, 2, 3] {
        house.trouble(Schedule::one(Rule::new(On::Users, Action::DuplicatePage).page(page)));
        let report = house.night();
        assert_eq!(report.count(Outcome::Skipped), 10, "page {page}");
        assert!(!report.completeness.complete);
        assert!(house.active(&ids[29]));
    }
    assert_eq!(house.people().len(), 31);
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn a_first_load_with_a_page_twice_creates_nobody_twice() {
    let (world, _) = plain(30);
    let mut house = House::with(world, |doc| doc.set("page-size", "10"));
    house.trouble(Schedule::one(Rule::new(On::Users, Action::DuplicatePage).page(2)));
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Skipped)), (30, 10));
    assert_eq!(house.night().count(Outcome::Unchanged), 30);
}

#[test]
fn links_in_a_circle_end_the_run_and_nothing_is_applied() {
    let (mut house, ids) = thirty();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::LoopNextLink).page(1).always()));
    let (error, report) = house.fails();
    assert!(matches!(error, RunError::Restarts(4)), "{error}");
    assert_eq!(report.unwrap().cost.restarts, 3);
    assert!(house.active(&ids[29]));
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn a_link_to_another_host_is_never_followed() {
    let (mut house, _) = thirty();
    let origin = "http://evil.example.com".to_owned();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::ForeignNextLink { origin }).page(1).always()));
    let (error, _) = house.fails();
    assert!(
        error.to_string().contains("page 1") && error.to_string().contains("evil.example.com"),
        "{error}"
    );
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn a_page_that_fails_for_good_ends_the_run_and_nothing_is_applied() {
    let (world, _) = plain(50);
    let mut house = House::with(world, |doc| doc.set("page-size", "10"));
    house.trouble(Schedule::one(Rule::new(On::Users, Action::status(500)).page(3).always()));
    let (error, report) = house.fails();
    let text = error.to_string();
    for part in ["page 3", "500", "InternalServerError", "request "] {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
    assert_eq!(report.unwrap().cost.retries, 5);
    assert_eq!((house.people().len(), house.number("SELECT count(*) FROM document")), (0, 0));
    assert_eq!(house.night().count(Outcome::Created), 50);
}

#[test]
fn a_row_that_cannot_be_mapped_is_there_all_the_same() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| {
        world.update(&ids[0], "department", "12345678901234567890").unwrap();
        let new = world.hire("new@contoso.example", "New");
        world.update(&new, "department", "[]").unwrap();
    });
    for _ in 0..2 {
        let report = house.night();
        assert!(report.completeness.complete);
        assert_eq!(
            (report.count(Outcome::Failed), report.absent >= 1),
            (2, report.count(Outcome::Deactivated) == 1)
        );
        assert_eq!(
            house.said(&ids[0]),
            "failed: department: expected text, the source sent the number 12345678901234567890"
        );
        assert!(house.active(&ids[0]), "who failed is present");
        assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
        assert!(house.named("new@contoso.example").is_none());
    }
    house.sim.change(|world| world.update_text(&ids[0], "department", "Law")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Law"));
    assert!(house.named(&upn(0)).unwrap().active);
}
