//! Absent: whom a whole listing did not return. The source is asked about each, and its answer decides.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload_tests::{DAY, House, plain};

/// Twenty people, loaded.
fn twenty() -> (House, Vec<String>) {
    let (world, ids) = plain(20);
    let mut house = House::new(world);
    house.night();
    (house, ids)
}

fn asked(house: &House) -> usize {
    house.sim.journal().iter().filter(|it| it.target.contains("$batch")).count()
}

#[test]
fn deleted_at_the_source_is_deactivated_at_once() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.delete(&ids[4])).unwrap();
    let report = house.night();
    assert_eq!((report.absent, report.count(Outcome::Deactivated)), (1, 1));
    assert_eq!(house.said(&ids[4]), "deactivated: deleted at the source on 2026-11-23T06:00:00Z");
    assert_eq!(house.of(&ids[4]).unwrap().ended_by.as_deref(), Some("integration:entra"));
    house.sim.clear_journal();
    let next = house.night();
    assert_eq!(
        (next.absent, next.changes(), asked(&house)),
        (0, 0, 0),
        "settled: nobody is asked about again"
    );
    // Purged after its thirty days: nothing more happens.
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn not_found_waits_three_runs_and_three_days() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    for _ in 0..3 {
        let report = house.night();
        assert_eq!(report.count(Outcome::Waiting), 1);
        assert_eq!(house.said(&ids[4]), "waiting: not found; the grace is not over");
        assert!(house.active(&ids[4]));
    }
    house.night();
    assert_eq!(house.said(&ids[4]), "deactivated: not found at the source, and the grace is over");
    assert!(!house.active(&ids[4]));
    assert_eq!(house.night().absent, 0);
}

#[test]
fn many_runs_in_one_day_are_not_three_days_and_few_runs_in_many_days_are_not_three_runs() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.night();
    for _ in 0..5 {
        assert_eq!(house.sync("entra").count(Outcome::Waiting), 1);
    }
    assert!(house.active(&ids[4]));
    house.now += 3 * DAY;
    assert_eq!(house.sync("entra").count(Outcome::Deactivated), 1);

    let (mut house, ids) = twenty();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.night();
    house.now += 10 * DAY;
    assert_eq!(house.sync("entra").count(Outcome::Waiting), 1, "two runs are not three");
    assert_eq!(house.sync("entra").count(Outcome::Deactivated), 1);
    assert!(!house.active(&ids[4]));
}

#[test]
fn a_return_begins_the_grace_anew() {
    let (mut house, ids) = twenty();
    let user = house.sim.look(|world| world.user(&ids[4]).unwrap().clone());
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.nights(3);
    house.sim.change(|world| world.add(user));
    let back = house.night();
    assert_eq!((back.absent, back.changes()), (0, 0));
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    for _ in 0..3 {
        assert_eq!(house.night().count(Outcome::Waiting), 1);
    }
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn an_answer_that_they_are_there_begins_the_grace_anew() {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc.filter("department eq 'Sales'"));
    house.sim.change(|world| world.update_text(&ids[4], "department", "Sales")).unwrap();
    house.night();
    let user = house.sim.look(|world| world.user(&ids[4]).unwrap().clone());
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.nights(2);
    // Outside of the filter: not listed, but the source knows them.
    house
        .sim
        .change(|world| {
            world.add(user);
            world.update_text(&ids[4], "department", "Elsewhere")
        })
        .unwrap();
    assert_eq!(house.night().count(Outcome::Kept), 1);
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    for _ in 0..3 {
        assert_eq!(house.night().count(Outcome::Waiting), 1, "counted from the answer on");
    }
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn plans_are_no_runs() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    for _ in 0..5 {
        assert_eq!(house.plan().count(Outcome::Waiting), 1);
    }
    assert_eq!(house.nights(3).count(Outcome::Waiting), 1);
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn an_incomplete_night_does_not_count_towards_the_grace() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.nights(2);
    house.trouble(Schedule::one(Rule::new(On::UsersCount, Action::WrongCount { n: 99 })));
    house.night();
    assert_eq!(house.night().count(Outcome::Waiting), 0, "the third complete run, after three days");
    assert!(!house.active(&ids[4]));
}

#[test]
fn whom_the_listing_misses_but_the_source_knows_is_kept() {
    let (world, ids) = plain(30);
    // This filter is answered without a count, so that a cut listing passes for a whole one.
    let mut house = House::with(world, |doc| doc.set("page-size", "10").filter("accountEnabled eq true"));
    house.night();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::CutListing).page(2)));
    let report = house.night();
    assert!(report.completeness.complete);
    assert_eq!((report.absent, report.count(Outcome::Kept), report.changes()), (10, 10, 0));
    assert_eq!(house.said(&ids[25]), "kept: there when asked for by id: the listing missed them");
    assert!(report.notes.iter().any(|it| it.starts_with("10 people were not listed")), "{:?}", report.notes);
    let next = house.night();
    assert_eq!((next.absent, next.count(Outcome::Unchanged)), (0, 30));
}

#[test]
fn who_leaves_the_filter_is_kept() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.filter("department eq 'Sales'"));
    assert_eq!(house.night().count(Outcome::Created), 10);
    house.sim.change(|world| world.update_text(&ids[0], "department", "Law")).unwrap();
    for _ in 0..5 {
        let report = house.night();
        assert_eq!((report.absent, report.count(Outcome::Kept)), (1, 1));
        assert!(house.active(&ids[0]));
        assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"), "not listed, not updated");
    }
}

#[test]
fn disabled_outranks_left_the_filter() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.filter("accountEnabled eq true"));
    house.night();
    house.sim.change(|world| world.disable(&ids[8])).unwrap();
    let report = house.night();
    assert_eq!((report.absent, report.count(Outcome::Deactivated)), (1, 1));
    assert_eq!(house.said(&ids[8]), "deactivated: disabled at the source");
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.enable(&ids[8])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[8]), "reactivated: back at the source");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn no_more_than_two_thousand_are_asked_about() {
    let (world, ids) = plain(4300);
    let mut house = House::with(world, |doc| doc.no_limits());
    house.night();
    house.sim.change(|world| ids[..2100].iter().for_each(|id| world.delete(id).unwrap()));
    house.sim.clear_journal();
    let report = house.night();
    assert_eq!(
        (report.absent, report.count(Outcome::Deactivated), report.count(Outcome::Held)),
        (2100, 2000, 100)
    );
    let parts: usize = house.sim.journal().iter().map(|it| it.parts.len()).sum();
    assert_eq!(parts, 2000);
    assert!(house.holds().iter().all(|it| it.cause == "deactivate:unconfirmed"));
    assert_eq!(report.newly_held, 100);
    let next = house.night();
    assert_eq!((next.absent, next.count(Outcome::Deactivated)), (100, 100), "the rest follows");
    assert!(house.holds().is_empty());
}

#[test]
fn those_who_left_before_take_nobodys_place_among_the_asked() {
    // With this filter whoever is disabled is never listed again.
    let (world, ids) = plain(4400);
    let mut house = House::with(world, |doc| doc.no_limits().filter("accountEnabled eq true"));
    house.night();
    house.sim.change(|world| ids[..1900].iter().for_each(|id| world.disable(id).unwrap()));
    assert_eq!(house.night().count(Outcome::Deactivated), 1900);
    house.sim.change(|world| ids[1900..2050].iter().for_each(|id| world.disable(id).unwrap()));
    let report = house.night();
    assert_eq!((report.absent, report.count(Outcome::Deactivated)), (150, 150), "{:?}", report.outcomes);
    assert_eq!((report.count(Outcome::Held), house.holds().len()), (0, 0), "inactive people are no question");
}

#[test]
fn a_source_that_does_not_answer_about_somebody_leaves_them_held() {
    let part = |status| Action::BatchPart { status, part: 0, error_code: None, retry_after: None };
    for trouble in [part(429), part(500), part(404), part(403), Action::BatchMissingPart { part: 0 }] {
        let (mut house, ids) = twenty();
        house.sim.change(|world| {
            world.delete(&ids[4]).unwrap();
            world.delete(&ids[5]).unwrap();
        });
        // 404 without Graph's own code speaks of the path, not of the user.
        let trouble = match trouble {
            Action::BatchPart { status: 404, part, retry_after, .. } => {
                let error_code = Some("ResourceNotFound".to_owned());
                Action::BatchPart { status: 404, part, error_code, retry_after }
            }
            other => other,
        };
        house.trouble(Schedule::one(Rule::new(On::Batch, trouble.clone())));
        let report = house.night();
        assert_eq!((report.absent, report.count(Outcome::Deactivated)), (2, 1), "{trouble:?}");
        assert_eq!((report.count(Outcome::Held), report.newly_held), (1, 1), "{trouble:?}");
        let held = house.holds();
        assert_eq!(held[0].cause, "deactivate:unconfirmed");
        assert!(house.active(&held[0].source_id));
        let next = house.night();
        assert_eq!((next.count(Outcome::Deactivated), next.withdrawn, house.holds().len()), (1, 1, 0));
    }
}

#[test]
fn a_source_that_answers_about_nobody_leaves_all_of_them_held() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.delete(&ids[4])).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.count(Outcome::Deactivated)), (1, 0));
    assert!(house.active(&ids[4]));
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn a_list_of_the_deleted_that_fails_leaves_them_held() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.delete(&ids[4])).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Deleted, Action::status(403)).always()));
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.count(Outcome::Deactivated)), (1, 0));
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn what_was_held_for_a_reason_is_not_forgotten_over_a_night_without_answers() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.delete(&ids[4])).unwrap();
    house.integration(|doc| doc.map("city", "\"city\""));
    let first = house.night();
    assert_eq!(first.newly_held, 1, "the mapping has changed: every deactivation is held");
    assert_eq!(house.held(&ids[4]), ["deactivate:deleted"]);
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::BatchMissingPart { part: 0 })));
    house.night();
    assert!(house.held(&ids[4]).contains(&"deactivate:deleted".to_owned()), "{:?}", house.all_holds());
    house.night();
    assert!(house.active(&ids[4]), "a question that stands is answered by a person, not by a bad night");
    assert_eq!(house.held(&ids[4]), ["deactivate:deleted"]);
}

#[test]
fn a_status_that_the_source_does_not_tell_changes_nothing() {
    let (mut house, ids) = twenty();
    house.sim.change(|world| world.disable(&ids[1])).unwrap();
    house.night();
    for silence in ["null", "nothing"] {
        house.sim.change(|world| {
            for id in [&ids[0], &ids[1]] {
                match silence {
                    "null" => world.update(id, "accountEnabled", "null").unwrap(),
                    _ => world.remove_property(id, "accountEnabled").unwrap(),
                }
            }
        });
        assert_eq!(house.night().changes(), 0);
        assert_eq!((house.active(&ids[0]), house.active(&ids[1])), (true, false), "{silence}");
    }
}

#[test]
fn with_deactivation_off_nobody_is_asked_about() {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc.set("deactivate", "false"));
    house.night();
    house.sim.change(|world| {
        world.delete(&ids[0]).unwrap();
        world.disable(&ids[1]).unwrap();
    });
    house.sim.clear_journal();
    let report = house.night();
    assert_eq!((report.changes(), report.count(Outcome::Kept), asked(&house)), (0, 2, 0));
    assert_eq!(house.said(&ids[1]), "kept: disabled at the source; deactivate is off");
    assert!(house.active(&ids[0]) && house.active(&ids[1]));
}

#[test]
fn causes_can_be_kept_one_by_one() {
    let (world, ids) = plain(20);
    let keep = "{ disabled = \"keep\", deleted = \"keep\", not-found = \"keep\" }";
    let mut house = House::with(world, |doc| doc.set("on", keep));
    house.night();
    house.sim.change(|world| {
        world.disable(&ids[0]).unwrap();
        world.delete(&ids[1]).unwrap();
        world.purge(&ids[2]).unwrap();
    });
    let report = house.nights(5);
    assert_eq!((report.changes(), report.count(Outcome::Kept)), (0, 3));
    assert_eq!(house.said(&ids[0]), "kept: disabled at the source; on-disabled is keep");
    assert!(house.said(&ids[1]).ends_with("; on-deleted is keep"));
    assert_eq!(house.said(&ids[2]), "kept: not found at the source; on-not-found is keep");
}
