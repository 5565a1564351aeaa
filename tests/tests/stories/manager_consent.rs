//! A manager who was entered by hand is overwritten only with consent. Whatever keeps a run from looking at the
//! manager meanwhile is no answer; and what was said yes to uses up nothing of what may flow in a day.

use graph_sim::{Action, On, Rule, Schedule};
use userload::sync::RunReport;
use userload_tests::{Document, House, upn};

use super::manager::{told, world};

fn manage(house: &House, id: &str, manager: Option<&str>) {
    house.sim.change(|world| world.edit(id, |user| user.set_manager(manager))).unwrap();
}

/// So many people whose manager was entered by hand, adopted; the overwriting waits.
fn adopted(people: usize) -> (House, Vec<String>) {
    let (world, ids) = world(people);
    let mut house = House::with(world, |doc| doc.set("manager", "true").set("page-size", "10"));
    for n in 0..people {
        house.by_hand(&upn(n), &[("manager", &upn(5))], None);
    }
    let report = house.night();
    assert_eq!((told(&report).held, house.holds().len()), (people as u64, people), "{report:#?}");
    (house, ids)
}

/// The night in which they cannot be looked at is over: the question of each of them stands, until it is answered.
fn stands(house: &mut House, ids: &[String], hidden: &RunReport) {
    let many = ids.len();
    assert_eq!((hidden.withdrawn, house.holds().len()), (0, many), "{:?}", hidden.outcomes);
}

/// And the next nights, in which they can be looked at again, ask on, and do nothing without an answer.
fn asks_on(house: &mut House, ids: &[String]) {
    for _ in 0..2 {
        let report = house.night();
        assert_eq!((report.changes(), report.newly_held, report.withdrawn), (0, 0, 0), "{report:#?}");
        assert!(ids.iter().all(|id| house.text(id, "manager") == Some(upn(5))), "nothing without consent");
        assert_eq!(house.holds().len(), ids.len());
    }
    // The source agrees with the hand: that is an answer. A yes is one too.
    manage(house, &ids[3], Some(&ids[5]));
    assert_eq!(house.night().withdrawn, 1);
    let yes: Vec<i64> = house.holds().iter().filter(|it| it.source_id == ids[4]).map(|it| it.id).collect();
    let now = house.now;
    house.store().approve_for_next_run(&yes, now).unwrap();
    assert_eq!(house.night().changes(), 1);
    assert_eq!(
        (house.text(&ids[4], "manager"), house.text(&ids[6], "manager")),
        (Some(upn(0)), Some(upn(5)))
    );
    assert_eq!(house.night().changes(), 0);
}

fn hidden_by(hide: impl FnOnce(&mut Document) -> &mut Document) {
    let (mut house, ids) = adopted(12);
    let before = house.document();
    house.integration(hide);
    let report = house.night();
    stands(&mut house, &ids, &report);
    house.integration(|doc| {
        *doc = before;
        doc
    });
    asks_on(&mut house, &ids);
}

#[test]
fn whom_the_filter_after_the_fetch_drops_has_not_answered() {
    hidden_by(|doc| doc.set("only-if", "\"department != 'IT'\""));
}

#[test]
fn who_is_not_listed_has_not_answered() {
    hidden_by(|doc| doc.filter("department eq 'IT'"));
}

#[test]
fn a_mode_that_does_not_write_is_no_answer() {
    hidden_by(|doc| doc.set("mode", "\"create-only\"").set("deactivate", "false"));
}

#[test]
fn managers_that_are_not_read_for_a_night_are_no_answer() {
    hidden_by(|doc| doc.unset("manager"));
}

#[test]
fn who_is_locked_for_a_night_has_not_answered() {
    let (mut house, ids) = adopted(12);
    ids.iter().for_each(|id| drop(house.lock(id, &["manager"])));
    let report = house.night();
    assert_eq!(told(&report).barred, 12);
    stands(&mut house, &ids, &report);
    for id in &ids {
        let (person, now) = (house.of(id).unwrap().id, house.now);
        house.store().unlock_person(person, &["manager".to_owned()], now).unwrap();
    }
    asks_on(&mut house, &ids);
}

#[test]
fn a_manager_who_is_unknown_for_a_night_is_no_answer() {
    let (mut house, ids) = adopted(12);
    let stranger = house.sim.change(|world| world.hire("stranger@contoso.example", "Stranger"));
    house.sim.change(|world| world.update_text(&stranger, "department", "Nowhere")).unwrap();
    house.integration(|doc| doc.set("only-if", "\"department != 'Nowhere'\""));
    ids.iter().for_each(|id| manage(&house, id, Some(&stranger)));
    let report = house.night();
    assert_eq!(told(&report).unresolved, 12);
    stands(&mut house, &ids, &report);
    ids.iter().for_each(|id| manage(&house, id, Some(&ids[0])));
    asks_on(&mut house, &ids);
}

#[test]
fn a_run_that_goes_on_asks_on() {
    let (mut house, ids) = adopted(40);
    let before = house.document();
    house.integration(|doc| doc.set("only-if", "\"department != 'IT'\""));
    house.trouble(Schedule::one(Rule::new(On::Users, Action::throttled("1")).page(3)));
    house.breaks_down();
    let report = house.sync("entra");
    assert_eq!(report.cost.resumed_pages, 2);
    stands(&mut house, &ids, &report);
    house.integration(|doc| {
        *doc = before;
        doc
    });
    asks_on(&mut house, &ids);
}

#[test]
fn a_plan_that_is_applied_asks_on() {
    let (mut house, ids) = adopted(12);
    let before = house.document();
    house.integration(|doc| doc.set("only-if", "\"department != 'IT'\""));
    let plan = house.plan();
    let report = house.apply(&plan);
    stands(&mut house, &ids, &report);
    house.integration(|doc| {
        *doc = before;
        doc
    });
    asks_on(&mut house, &ids);
}

/// Of those who lose their manager ten may flow in a day.
#[test]
fn what_was_approved_uses_up_nothing_of_the_day() {
    let (world, ids) = world(40);
    let mut house = House::with(world, |doc| doc.set("manager", "true"));
    house.night();
    ids[..15].iter().for_each(|id| manage(&house, id, None));
    assert_eq!(told(&house.night()).held, 15);
    let (yes, now): (Vec<i64>, _) = (house.holds().iter().map(|it| it.id).collect(), house.now);
    house.store().approve_for_next_run(&yes, now).unwrap();
    ids[15..17].iter().for_each(|id| manage(&house, id, None));
    let report = house.night();
    assert_eq!(
        (told(&report).changed, report.newly_held),
        (17, 0),
        "fifteen with consent, two of ten without"
    );
    // Later that day: the fifteen do not count, the two do.
    ids[17..25].iter().for_each(|id| manage(&house, id, None));
    let report = house.sync("entra");
    assert_eq!((told(&report).changed, report.newly_held), (8, 0), "ten of ten");
    manage(&house, &ids[25], None);
    let report = house.sync("entra");
    assert_eq!((told(&report).changed, report.newly_held), (0, 1), "the guard is awake");
    assert_eq!(house.held(&ids[25]), ["clear:manager"]);
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held, house.holds().len()), (0, 0, 1));
}

/// Somebody said yes to another value than the one that flows: that one counts. One may lose theirs in a day.
#[test]
fn what_flows_beside_an_approval_counts() {
    let (world, ids) = world(12);
    let limit = "{ count = 1, percent = 1 }";
    let mut house = House::with(world, |doc| doc.set("manager", "true").set("guard.clear", limit));
    house.by_hand(&upn(3), &[("manager", &upn(5))], None);
    house.night();
    assert_eq!(house.held(&ids[3]), ["overwrite:manager"]);
    let (yes, now) = (house.holds()[0].id, house.now);
    house.store().approve_for_next_run(&[yes], now).unwrap();
    manage(&house, &ids[3], None);
    assert_eq!(told(&house.night()).changed, 1, "one is below the limit");
    manage(&house, &ids[4], None);
    let report = house.sync("entra");
    assert_eq!((told(&report).changed, report.newly_held), (0, 1), "it was not what somebody said yes to");
    assert_eq!(house.night().changes(), 0);
}
