//! A plan changes nobody; applying it does what it said, but for those who moved meanwhile.

use userload::model::Outcome;
use userload_tests::{DAY, House, plain, upn};

/// Twenty people, loaded; then one moves, one leaves, one is renamed and one joins.
fn moved() -> (House, Vec<String>) {
    let (world, ids) = plain(20);
    let mut house = House::new(world);
    house.night();
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Moved").unwrap();
        world.delete(&ids[1]).unwrap();
        world.rename(&ids[2], "renamed@contoso.example").unwrap();
        world.hire("joiner@contoso.example", "Joiner");
        world.disable(&ids[3]).unwrap();
    });
    (house, ids)
}

fn refused(house: &mut House, run: i64) -> String {
    let people = house.people();
    let error = house.try_apply(run, false).unwrap_err();
    assert_eq!(house.people(), people);
    error.to_string()
}

#[test]
fn applying_does_what_the_plan_said() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    let expected =
        [(Outcome::Created, 1), (Outcome::Deactivated, 2), (Outcome::Renamed, 1), (Outcome::Updated, 1)];
    for (outcome, count) in expected {
        assert_eq!(plan.count(outcome), count, "{outcome}");
    }
    let applied = house.apply(&plan);
    assert_eq!(applied.outcomes, plan.outcomes);
    assert!(!house.active(&ids[1]) && !house.active(&ids[3]));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Moved"));
    assert!(
        house.named("joiner@contoso.example").is_some() && house.named("renamed@contoso.example").is_some()
    );
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_plan_holds_nobody_and_applying_it_does() {
    let (mut house, ids) = moved();
    house.sim.change(|world| ids[5..15].iter().for_each(|id| world.delete(id).unwrap()));
    let plan = house.plan();
    assert_eq!((plan.count(Outcome::Held), plan.newly_held, house.all_holds().len()), (11, 11, 0));
    let applied = house.apply(&plan);
    assert_eq!((applied.newly_held, house.holds().len()), (11, 11));
    assert_eq!(house.night().newly_held, 0);
}

#[test]
fn a_plan_is_refused_when_it_is_old_overtaken_done_or_of_another_configuration() {
    let (mut house, _) = moved();
    let plan = house.plan();
    house.now += DAY;
    assert_eq!(refused(&mut house, plan.run), format!("run {} was planned more than 24 hours ago", plan.run));

    let plan = house.plan();
    house.integration(|doc| doc.map("city", "\"city\""));
    assert!(refused(&mut house, plan.run).contains("has changed since run"));

    let first = house.plan();
    let second = house.plan();
    assert!(refused(&mut house, first.run).contains("was given up when a later run"));
    house.apply(&second);
    assert_eq!(refused(&mut house, second.run), format!("run {} is applied already", second.run));

    let plan = house.plan();
    house.night();
    assert!(refused(&mut house, plan.run).contains("later run"));
    assert!(refused(&mut house, 999).contains("no run 999"));
}

#[test]
fn who_moved_meanwhile_is_left_out_by_name_and_looked_at_again() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.by_hand(&upn(0), &[("office", "Bonn")], None);
    house.by_hand(&upn(1), &[("office", "Bonn")], None);
    let applied = house.apply(&plan);
    assert_eq!(applied.count(Outcome::Skipped), 2);
    for n in [0, 1] {
        let note = format!("{} has changed since the run was staged, and was left out", upn(n));
        assert!(applied.notes.contains(&note), "{:?}", applied.notes);
    }
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    assert!(house.active(&ids[1]) && !house.active(&ids[3]));
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Moved"));
    assert!(!house.active(&ids[1]), "the leaver is not forgotten: {}", house.said(&ids[1]));
}

#[test]
fn strict_refuses_the_whole_plan() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.by_hand(&upn(0), &[("office", "Bonn")], None);
    let people = house.people();
    let error = house.try_apply(plan.run, true).unwrap_err().to_string();
    assert!(error.contains("1 people have changed") && error.contains(&upn(0)), "{error}");
    assert_eq!(house.people(), people);
    // Without it the rest still can be applied.
    house.apply(&plan);
    assert!(!house.active(&ids[1]));
}

#[test]
fn who_came_back_meanwhile_is_left_out() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.sim.change(|world| {
        world.restore(&ids[1]).unwrap();
        world.enable(&ids[3]).unwrap();
    });
    let applied = house.apply(&plan);
    assert_eq!((applied.count(Outcome::Deactivated), applied.count(Outcome::Skipped)), (0, 2));
    assert!(
        applied
            .notes
            .contains(&"p1@contoso.example came back since the plan was made, and was left out".to_owned())
    );
    assert!(house.active(&ids[1]) && house.active(&ids[3]));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn strict_refuses_a_plan_from_which_somebody_came_back() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.sim.change(|world| world.restore(&ids[1])).unwrap();
    let error = house.try_apply(plan.run, true).unwrap_err().to_string();
    assert!(error.contains(&upn(1)), "{error}");
    let applied = house.apply(&plan);
    assert_eq!(applied.count(Outcome::Skipped), 1, "{:?}", applied.notes);
    assert!(house.active(&ids[1]) && !house.active(&ids[3]));
}

#[test]
fn who_cannot_be_asked_about_again_is_left_out() {
    use graph_sim::{Action, On, Rule, Schedule};
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::BatchMissingPart { part: 0 })));
    let applied = house.apply(&plan);
    assert_eq!((applied.count(Outcome::Deactivated), applied.count(Outcome::Skipped)), (1, 1));
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    assert!(!house.active(&ids[1]) && !house.active(&ids[3]));
}

#[test]
fn a_name_that_was_taken_meanwhile_leaves_its_record_out() {
    let (mut house, ids) = moved();
    let plan = house.plan();
    house.by_hand("joiner@contoso.example", &[], None);
    house.by_hand("renamed@contoso.example", &[], None);
    let applied = house.apply(&plan);
    assert_eq!((applied.count(Outcome::Created), applied.count(Outcome::Renamed)), (0, 0));
    assert_eq!(applied.count(Outcome::Skipped), 2, "{:?}", applied.notes);
    assert_eq!(house.of(&ids[2]).unwrap().username(), upn(2));
}

#[test]
fn who_waits_for_the_name_of_somebody_left_out_is_left_out_too() {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.night();
    let joiner = house.sim.change(|world| {
        world.rename(&ids[0], "away@contoso.example").unwrap();
        world.rename(&ids[1], &upn(0)).unwrap();
        world.hire(&upn(1), "Joiner")
    });
    let plan = house.plan();
    assert_eq!((plan.count(Outcome::Renamed), plan.count(Outcome::Created)), (2, 1));
    house.by_hand(&upn(0), &[("office", "Bonn")], None);
    let applied = house.apply(&plan);
    assert_eq!(applied.count(Outcome::Skipped), 3, "{:?}", applied.notes);
    assert_eq!(house.of(&ids[0]).unwrap().username(), upn(0));
    assert!(house.of(&joiner).is_none());
    let next = house.night();
    assert_eq!((next.count(Outcome::Renamed), next.count(Outcome::Created)), (2, 1));
}

#[test]
fn an_applied_run_cannot_be_ended_as_a_failed_one() {
    let (world, ids) = plain(3);
    let mut house = House::new(world);
    let report = house.night();
    let (row, basis) = (house.number("SELECT max(id) FROM run"), house.number("SELECT basis FROM run"));
    let run = userload::store::RunId { row, number: report.run, basis };
    // What a run does when its last words cannot be written (a full disk), after it was applied.
    let _ = house.store().end_run(run, userload::sync::RunState::Failed, &report);
    house.check();
    assert_eq!(house.number("SELECT count(*) FROM run WHERE state = 'applied'"), 1);
    assert!(house.active(&ids[0]));
}
