//! Left the filter: there and enabled, but no longer whom the filter lets through. Kept by default; where
//! the operator says otherwise, deactivated by what the record itself proves, and by nothing less.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::RunReport;
use userload_tests::{House, plain};

const DEACTIVATE: &str = "{ left-filter = \"deactivate\" }";

/// Thirty people, ten of them in Sales and loaded.
fn sales(on: &str) -> (House, Vec<String>) {
    let (world, ids) = plain(60);
    let mut house = House::with(world, |doc| {
        if !on.is_empty() {
            doc.set("on", on);
        }
        doc.filter("department eq 'Sales'")
    });
    assert_eq!(house.night().count(Outcome::Created), 20);
    (house, ids)
}

fn moves(house: &House, id: &str, department: &str) {
    house.sim.change(|world| world.update_text(id, "department", department)).unwrap();
}

fn of(report: &RunReport) -> (u64, u64, u64, u64) {
    let count = |it| report.count(it);
    (report.absent, count(Outcome::Kept), count(Outcome::Deactivated), count(Outcome::Held))
}

#[test]
fn kept_by_default_and_every_night_anew() {
    let (mut house, ids) = sales("");
    moves(&house, &ids[0], "Law");
    for _ in 0..3 {
        assert_eq!(of(&house.night()), (1, 1, 0, 0));
        assert_eq!(
            house.said(&ids[0]),
            "kept: left the filter: department is now 'Law'; on-left-filter is keep"
        );
        assert!(house.active(&ids[0]));
    }
    moves(&house, &ids[0], "SALES");
    let back = house.night();
    assert_eq!((back.absent, back.count(Outcome::Updated)), (0, 1), "texts compare without regard to case");
}

#[test]
fn deactivated_when_the_operator_says_so_and_settled_by_it() {
    let (mut house, ids) = sales(DEACTIVATE);
    moves(&house, &ids[0], "Law");
    assert_eq!(of(&house.night()), (1, 0, 1, 0));
    assert_eq!(house.said(&ids[0]), "deactivated: left the filter: department is now 'Law'");
    assert_eq!(house.of(&ids[0]).unwrap().ended_by.as_deref(), Some("integration:entra"));
    house.sim.clear_journal();
    let next = house.night();
    assert_eq!((next.absent, next.changes()), (0, 0), "nobody is asked about again");
    assert!(house.sim.journal().iter().all(|it| !it.target.contains("$batch")));
    // Deleted afterwards: nothing more happens.
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    // Inside again: active again, and that is all of it.
    moves(&house, &ids[0], "Sales");
    house.night();
    assert_eq!(house.said(&ids[0]), "reactivated: back at the source");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_property_that_is_empty_now_is_outside_too() {
    let (mut house, ids) = sales(DEACTIVATE);
    house.sim.change(|world| world.update(&ids[0], "department", "null")).unwrap();
    house.night();
    assert_eq!(house.said(&ids[0]), "deactivated: left the filter: department is now empty");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn disabled_outranks_left_the_filter() {
    for on in ["", DEACTIVATE, "{ disabled = \"keep\", left-filter = \"deactivate\" }"] {
        let (mut house, ids) = sales(on);
        moves(&house, &ids[0], "Law");
        house.sim.change(|world| world.disable(&ids[0])).unwrap();
        house.night();
        let said = house.said(&ids[0]);
        if on.contains("disabled") {
            assert!(house.active(&ids[0]));
        } else {
            assert!(said.starts_with("deactivated: disabled at the source"), "{on}: {said}");
        }
        assert_eq!(house.night().count(Outcome::Deactivated), 0);
    }
}

#[test]
fn whom_the_listing_missed_is_not_outside_of_the_filter() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| {
        doc.set("page-size", "10").set("on", DEACTIVATE).filter("accountEnabled eq true")
    });
    house.night();
    // This filter is answered without a count, so that a cut listing passes for a whole one.
    house.trouble(Schedule::one(Rule::new(On::Users, Action::CutListing).page(2)));
    let report = house.night();
    assert_eq!(of(&report), (10, 10, 0, 0));
    assert_eq!(house.said(&ids[25]), "kept: there when asked for by id: the listing missed them");
    assert!(report.notes.iter().any(|it| it.contains("the listing missed them")), "{:?}", report.notes);
    let next = house.night();
    assert_eq!((next.absent, next.changes()), (0, 0));
}

#[test]
fn what_the_record_does_not_tell_deactivates_nobody() {
    let (mut world, ids) = plain(9);
    for id in &ids {
        world.update_text(id, "city", "Köln").unwrap();
    }
    let mut house = House::with(world, |doc| doc.set("on", DEACTIVATE).filter("city eq 'Köln'"));
    assert_eq!(house.night().count(Outcome::Created), 9);
    // Whether Graph takes the two for one is not written down anywhere.
    house.sim.change(|world| world.update_text(&ids[0], "city", "Koln")).unwrap();
    for _ in 0..2 {
        assert_eq!(of(&house.night()), (1, 1, 0, 0));
        let said = house.said(&ids[0]);
        assert!(said.ends_with("the record does not tell whether the filter lets them through"), "{said}");
    }
    house.sim.change(|world| world.update_text(&ids[0], "city", "Kiel")).unwrap();
    house.night();
    assert_eq!(house.said(&ids[0]), "deactivated: left the filter: city is now 'Kiel'");
}

#[test]
fn too_many_who_leave_are_held_and_come_back_by_themselves() {
    let (mut house, ids) = sales(DEACTIVATE);
    let leavers: Vec<&String> = ids.iter().step_by(3).take(7).collect();
    leavers.iter().for_each(|id| moves(&house, id, "Law"));
    let report = house.night();
    assert_eq!(of(&report), (7, 0, 0, 7));
    assert_eq!(report.newly_held, 7);
    assert_eq!(house.held(&ids[0]), ["deactivate:left-filter"]);
    let next = house.night();
    assert_eq!((of(&next), next.newly_held), ((7, 0, 0, 7), 0), "one standing question, not two");
    leavers.iter().for_each(|id| moves(&house, id, "Sales"));
    let back = house.night();
    assert_eq!((back.absent, back.withdrawn, house.holds().len()), (0, 7, 0));
    assert!(ids.iter().step_by(3).all(|id| house.active(id)));
}

/// authentik#19295: a filter that was made narrower took everybody else's account away.
#[test]
fn a_narrower_filter_deactivates_nobody() {
    for (on, held) in [("{ left-filter = \"keep\" }", 0), (DEACTIVATE, 20)] {
        let (world, ids) = plain(30);
        let mut house = House::with(world, |doc| doc.set("on", on));
        house.night();
        house.integration(|doc| doc.filter("department eq 'Sales'"));
        for night in 0..3 {
            let report = house.night();
            assert_eq!((report.absent, report.count(Outcome::Deactivated)), (20, 0), "{on}, night {night}");
            assert_eq!(house.holds().len(), held);
            assert!(ids.iter().all(|id| house.active(id)));
        }
        house.integration(|doc| doc.unset("filter"));
        let wide = house.night();
        assert_eq!((wide.absent, wide.count(Outcome::Deactivated), house.holds().len()), (0, 0, 0));
    }
}

#[test]
fn somebody_whom_another_integration_sees_is_not_gone() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| {
        doc.set("priority", "2").set("on", DEACTIVATE).filter("department eq 'Sales'")
    });
    house.change("law", |doc| doc.set("priority", "1").filter("department eq 'Law'")).unwrap();
    house.night();
    house.sync("law");
    moves(&house, &ids[0], "Law");
    house.sync("law");
    house.night();
    assert_eq!(
        house.said(&ids[0]),
        "kept: left the filter: department is now 'Law'; the status is still seen by law"
    );
    assert!(house.active(&ids[0]));
}

#[test]
fn a_plan_asks_again_before_it_is_applied() {
    let (mut house, ids) = sales(DEACTIVATE);
    moves(&house, &ids[0], "Law");
    moves(&house, &ids[3], "Law");
    let plan = house.plan();
    assert_eq!(plan.count(Outcome::Deactivated), 2);
    moves(&house, &ids[3], "Sales");
    let applied = house.apply(&plan);
    assert_eq!((house.active(&ids[0]), house.active(&ids[3])), (false, true), "{:?}", applied.notes);
    assert_eq!(house.night().count(Outcome::Deactivated), 0);
}

#[test]
fn labels_and_curly_quotes_load_the_same_people() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.set("on", DEACTIVATE).filter("Department eq ‘Sales’"));
    assert_eq!(house.night().count(Outcome::Created), 10);
    moves(&house, &ids[0], "Law");
    house.night();
    assert_eq!(house.said(&ids[0]), "deactivated: left the filter: department is now 'Law'");
}

#[test]
fn what_was_held_is_approved_by_what_the_source_says_then() {
    let (mut house, ids) = sales(DEACTIVATE);
    let leavers: Vec<&String> = ids.iter().step_by(3).take(7).collect();
    leavers.iter().for_each(|id| moves(&house, id, "Law"));
    assert_eq!(house.night().newly_held, 7);
    // Meanwhile one came back, and one was disabled, which outranks the filter.
    moves(&house, leavers[1], "Sales");
    house.sim.change(|world| world.disable(leavers[2])).unwrap();
    let report = house.approve(|hold| hold.cause == "deactivate:left-filter");
    assert_eq!(report.count(Outcome::Deactivated), 6, "{:?}", report.outcomes);
    assert!(house.active(leavers[1]) && !house.active(leavers[0]) && !house.active(leavers[2]));
    assert_eq!(house.said(leavers[0]), "deactivated: left the filter: department is now 'Law'");
    assert!(house.said(leavers[2]).starts_with("deactivated: disabled at the source"));
    assert!(house.holds().is_empty(), "{:?}", house.holds());
    let next = house.night();
    assert_eq!((next.changes(), next.newly_held), (0, 0));
}
