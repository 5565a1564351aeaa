//! A question stays until somebody answers it, or the source says something else: whatever hides the record
//! meanwhile is no answer, and nothing flows without one.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::Order;
use userload_tests::{Document, House, plain, upn};

/// Twenty people who were entered by hand with a department of their own, adopted; the overwriting waits.
fn adopted() -> (House, Vec<String>) {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc);
    for n in 0..20 {
        house.by_hand(&upn(n), &[("department", "By hand")], None);
    }
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), report.newly_held), (20, 20));
    (house, ids)
}

/// The same after something that hides the records for a night: nobody was asked, so nothing has flowed.
fn nothing_flows(hide: impl FnOnce(&mut Document) -> &mut Document) {
    let (mut house, ids) = adopted();
    let before = house.document();
    house.integration(hide);
    let report = house.night();
    assert_eq!((report.withdrawn, house.holds().len()), (0, 20), "{:?}", report.outcomes);
    house.integration(|doc| {
        *doc = before;
        doc
    });
    for _ in 0..2 {
        let report = house.night();
        assert_eq!((report.changes(), report.newly_held, report.withdrawn), (0, 0, 0));
        assert_eq!(house.text(&ids[3], "department").as_deref(), Some("By hand"));
        assert_eq!(house.held(&ids[3]), ["overwrite:department"]);
    }
    // The source agrees with the hand: that is an answer.
    house.sim.change(|world| world.update_text(&ids[3], "department", "By hand")).unwrap();
    assert_eq!(house.night().withdrawn, 1);
    house.approve(|it| it.cause == "overwrite:department");
    assert_eq!(house.text(&ids[4], "department").as_deref(), Some("IT"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn what_the_filter_after_the_fetch_hides_is_not_answered() {
    nothing_flows(|doc| doc.set("only-if", "\"department == 'Nowhere'\""));
}

#[test]
fn what_left_the_filter_is_not_answered() {
    nothing_flows(|doc| doc.filter("department eq 'Nowhere'"));
}

#[test]
fn what_the_mode_passes_over_is_not_answered() {
    nothing_flows(|doc| doc.set("mode", "\"create-only\"").set("deactivate", "false"));
}

#[test]
fn a_rule_that_would_not_write_is_no_answer() {
    nothing_flows(|doc| {
        doc.unmap("department").map("department", "{ source = \"department\", write = \"if-empty\" }")
    });
}

#[test]
fn a_field_that_is_not_mapped_for_a_night_is_not_answered() {
    nothing_flows(|doc| doc.unmap("department"));
}

#[test]
fn a_condition_that_does_not_hold_is_no_answer() {
    nothing_flows(|doc| {
        doc.unmap("department").map("department", "{ source = \"department\", when = \"1 == 2\" }")
    });
}

#[test]
fn an_integration_that_was_removed_and_comes_back_asks_on() {
    let (mut house, ids) = adopted();
    let before = house.document();
    let now = house.now;
    house.store().remove_integration("entra", now).unwrap();
    assert!(house.holds().is_empty());
    house.integration(|doc| {
        *doc = before;
        doc
    });
    assert_eq!(house.holds().len(), 20, "nobody has answered");
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0), "{:?}", report.causes);
    assert_eq!(house.text(&ids[3], "department").as_deref(), Some("By hand"));
}

#[test]
fn a_switch_off_and_on_is_no_way_around_the_guard() {
    let (world, ids) = plain(40);
    let mut house = House::with(world, |doc| doc);
    house.night();
    house.sim.change(|world| ids[..9].iter().for_each(|id| world.disable(id).unwrap()));
    assert_eq!(house.night().newly_held, 9);
    house.integration(|doc| doc.set("deactivate", "false"));
    let report = house.night();
    assert_eq!((report.withdrawn, house.holds().len()), (0, 9));
    house.integration(|doc| doc.set("deactivate", "true"));
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.newly_held, house.holds().len()), (0, 0, 9));
    // Who is enabled again, and who a hand has ended, is no question any more.
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    house.set_active(&ids[1], false);
    let report = house.night();
    assert_eq!((report.withdrawn, house.holds().len()), (2, 7), "{:?}", house.holds());
    assert!(house.active(&ids[0]));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn what_was_rejected_does_not_come_back_through_an_older_plan() {
    let (mut house, ids) = adopted();
    let plan = house.plan();
    house.reject(|_| true);
    assert!(house.holds().is_empty());
    let refused = house.try_apply(plan.run, false).unwrap_err().to_string();
    assert!(refused.contains("given up"), "{refused}");
    assert!(house.holds().is_empty());
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0));
    assert_eq!(house.text(&ids[3], "department").as_deref(), Some("By hand"));
}

/// Nobody answered about somebody: approving asks again, gives them their grace, and ends no question.
#[test]
fn who_was_unconfirmed_has_their_grace_whatever_is_approved() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc);
    house.night();
    house.sim.change(|world| world.purge(&ids[0])).unwrap();
    let refuse = Action::Status { code: 403, error_code: None, message: None, retry_after: None };
    house.trouble(Schedule::one(Rule::new(On::Batch, refuse).times(9)));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:unconfirmed"]);
    house.sim.clear_faults();
    let hold = house.holds()[0].id;
    let (error, _) = house.order(&Order::Approve(vec![hold])).unwrap_err();
    assert!(error.to_string().contains("not found at the source; the next runs count the grace"), "{error}");
    assert!(
        house.active(&ids[0]) && house.held(&ids[0]) == ["deactivate:unconfirmed"],
        "nothing is answered"
    );
    // The nights count as they always do.
    for night in 0..3 {
        let report = house.night();
        assert_eq!((report.count(Outcome::Waiting), report.withdrawn), (1, 0), "night {night}: {report:#?}");
    }
    house.nights(2);
    assert!(!house.active(&ids[0]) && house.holds().is_empty());
}
