//! The guard and its holds: what could be a disaster waits, by name; what is safe flows beside it.

use userload::model::Outcome;
use userload_tests::{DAY, Document, House, MINUTE, upn};

fn delete(house: &House, ids: &[String]) {
    house.sim.change(|world| ids.iter().for_each(|id| world.delete(id).unwrap()));
}

#[test]
fn five_leave_and_six_are_held_while_the_rest_flows() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..5]);
    assert_eq!(house.night().count(Outcome::Deactivated), 5);

    delete(&house, &ids[5..11]);
    house.sim.change(|world| {
        world.disable(&ids[20]).unwrap();
        world.update_text(&ids[21], "department", "Moved").unwrap();
        world.hire("joiner@contoso.example", "Joiner");
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.newly_held), (6, 6));
    assert_eq!(
        (report.count(Outcome::Deactivated), report.count(Outcome::Updated), report.count(Outcome::Created)),
        (1, 1, 1),
        "another cause, an update and a joiner flow"
    );
    let group = &report.held[0];
    assert_eq!((group.cause.as_str(), group.count, group.new), ("deactivate:deleted", 6, 6));
    assert_eq!(group.reason, "6 deactivations in 24 hours; 5 of 35 may flow");
    assert!(ids[5..11].iter().all(|id| house.active(id)));
}

#[test]
fn what_is_held_stays_held_and_keeps_its_reason_and_its_age() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    let first = house.night();
    let since = house.now;
    for _ in 0..3 {
        let next = house.night();
        assert_eq!((next.count(Outcome::Held), next.newly_held, next.withdrawn), (6, 0, 0));
        assert_eq!((next.held[0].since, next.held[0].new), (since, 0));
        assert_eq!(next.held[0].reason, first.held[0].reason);
    }
    assert!(house.holds().iter().all(|it| it.reason == first.held[0].reason && it.opened_run == first.run));
    // Those who wait do not count again: five more may leave.
    delete(&house, &ids[6..11]);
    let more = house.night();
    assert_eq!((more.count(Outcome::Deactivated), more.count(Outcome::Held)), (5, 6));
}

#[test]
fn who_waits_for_one_cause_of_leaving_waits_when_it_becomes_another() {
    let (mut house, ids) = House::loaded(30, |doc| doc);
    house.sim.change(|world| ids[..8].iter().for_each(|id| world.disable(id).unwrap()));
    assert_eq!(house.night().newly_held, 8);
    // Three of them would be few enough, if they had not been waiting.
    delete(&house, &ids[..3]);
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Held)), (0, 8));
    assert!(house.active(&ids[0]));
}

#[test]
fn who_comes_back_is_withdrawn() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.night();
    house.sim.change(|world| world.restore(&ids[0])).unwrap();
    let report = house.night();
    assert_eq!((report.withdrawn, report.count(Outcome::Held)), (1, 5));
    let closed = house.all_holds().into_iter().find(|it| it.source_id == ids[0]).unwrap();
    assert_eq!(
        (closed.state.as_str(), closed.note.as_deref()),
        ("withdrawn", Some("no longer so at the source"))
    );
    assert!(house.active(&ids[0]));
    // When they leave for good they are a new question, or flow: one is no disaster.
    delete(&house, &ids[..1]);
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn an_incomplete_night_withdraws_nothing() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.night();
    let trouble = graph_sim::Rule::new(graph_sim::On::UsersCount, graph_sim::Action::WrongCount { n: 99 });
    house.trouble(graph_sim::Schedule::one(trouble));
    let report = house.night();
    assert_eq!((report.withdrawn, house.holds().len()), (0, 6));
    let next = house.night();
    assert_eq!((next.newly_held, next.count(Outcome::Held)), (0, 6));
}

#[test]
fn two_percent_of_many_and_never_more_than_five_hundred() {
    let (mut house, ids) = House::loaded(1000, |doc| doc);
    delete(&house, &ids[..20]);
    assert_eq!(house.night().count(Outcome::Deactivated), 20);
    delete(&house, &ids[20..40]);
    let report = house.night();
    assert_eq!(report.held[0].reason, "20 deactivations in 24 hours; 19 of 980 may flow");

    let (mut house, ids) = House::loaded(1100, |doc| doc.set("guard.deactivate", "{ percent = 100 }"));
    house.sim.change(|world| ids[..501].iter().for_each(|id| world.disable(id).unwrap()));
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.count(Outcome::Deactivated)), (501, 0));
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    assert_eq!(house.night().count(Outcome::Held), 500, "they stay held, though 500 might have passed");
}

#[test]
fn many_small_runs_in_one_day_are_no_way_around_the_guard() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.now += DAY;
    for pair in ids[..4].chunks(2) {
        delete(&house, pair);
        assert_eq!(house.sync("entra").count(Outcome::Deactivated), 2);
        house.now += 5 * MINUTE;
    }
    delete(&house, &ids[4..6]);
    let report = house.sync("entra");
    assert_eq!((report.count(Outcome::Held), report.count(Outcome::Deactivated)), (2, 0));
    assert!(report.held[0].reason.starts_with("6 deactivations in 24 hours"));
    house.now += DAY;
    delete(&house, &ids[6..10]);
    assert_eq!(house.sync("entra").count(Outcome::Deactivated), 4, "yesterday is over");
}

#[test]
fn a_changed_filter_mapping_or_match_key_holds_every_deactivation_of_the_next_run() {
    let changes: [fn(&mut Document) -> &mut Document; 3] = [
        |doc| doc.filter("userType eq 'Member'"),
        |doc| doc.map("city", "\"city\""),
        |doc| doc.set("match-keys", "[\"username\"]"),
    ];
    for change in changes {
        let (mut house, ids) = House::loaded(40, |doc| doc);
        house.integration(change);
        house.sim.change(|world| world.disable(&ids[0])).unwrap();
        delete(&house, &ids[1..2]);
        let report = house.night();
        assert_eq!((report.count(Outcome::Held), report.count(Outcome::Deactivated)), (2, 0));
        assert_eq!(report.held[0].reason, "filter, mapping or match keys have changed since the last run");
        house.sim.change(|world| world.disable(&ids[2])).unwrap();
        let next = house.night();
        assert_eq!(
            (next.count(Outcome::Held), next.count(Outcome::Deactivated)),
            (2, 1),
            "only the first run"
        );
    }
}

#[test]
fn a_wiped_column_waits_and_the_rest_of_each_person_flows() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        world.wipe("department");
        world.update_text(&ids[0], "officeLocation", "Bonn").unwrap();
    });
    let report = house.night();
    assert_eq!((report.newly_held, report.held[0].cause.as_str()), (40, "clear:department"));
    assert_eq!(report.held[0].reason, "40 of the 40 people with a department lose it in 24 hours; 10 may");
    assert_eq!((report.count(Outcome::Updated), report.count(Outcome::Held)), (1, 39));
    assert_eq!(house.text(&ids[0], "office").as_deref(), Some("Bonn"));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    let next = house.night();
    assert_eq!((next.newly_held, next.count(Outcome::Held), next.changes()), (0, 40, 0));
    // The column comes back.
    house.sim.change(|world| {
        for (n, id) in ids.iter().enumerate() {
            world.update_text(id, "department", ["Sales", "IT", "Law"][n % 3]).unwrap();
        }
    });
    let back = house.night();
    assert_eq!((back.withdrawn, back.changes(), house.holds().len()), (40, 0, 0));
}

#[test]
fn ten_people_may_lose_a_value() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    let wipe = |house: &House, ids: &[String]| {
        house.sim.change(|world| ids.iter().for_each(|id| world.update(id, "department", "null").unwrap()));
    };
    wipe(&house, &ids[..10]);
    assert_eq!(house.night().count(Outcome::Updated), 10);
    wipe(&house, &ids[10..21]);
    assert_eq!(house.night().count(Outcome::Held), 11);
}

#[test]
fn values_that_collapse_into_one_wait_and_a_renamed_department_flows() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        for id in &ids {
            world.update_text(id, "jobTitle", &format!("Title {id}")).unwrap();
        }
    });
    assert_eq!(house.night().count(Outcome::Updated), 40, "filling is no collapse");
    house.sim.change(|world| {
        for id in &ids[..25] {
            world.update_text(id, "jobTitle", "Same").unwrap();
        }
    });
    let report = house.night();
    assert_eq!((report.newly_held, report.held[0].cause.as_str()), (25, "change:job_title"));
    assert_eq!(report.held[0].reason, "25 people change their job_title, and 25 different values become 1");
    house.sim.change(|world| {
        for id in ids.iter().step_by(3) {
            world.update_text(id, "department", "Revenue").unwrap();
        }
    });
    assert_eq!(house.night().count(Outcome::Updated), 14, "one value becomes one other");
}

#[test]
fn a_mass_rename_waits_and_a_held_change_is_amended() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        for (n, id) in ids.iter().enumerate() {
            world.rename(id, &format!("p{n}@new.example")).unwrap();
        }
    });
    let report = house.night();
    let causes: Vec<_> = report.held.iter().map(|it| (it.cause.as_str(), it.count)).collect();
    assert_eq!(causes, [("rename:@contoso.example:@new.example", 40)], "a renamed domain is one question");
    assert_eq!(house.of(&ids[0]).unwrap().username(), upn(0));
    house.sim.change(|world| world.rename(&ids[0], "other@new.example")).unwrap();
    let next = house.night();
    assert_eq!((next.newly_held, next.withdrawn, next.count(Outcome::Held)), (0, 0, 40));
    let amended = house.holds().into_iter().filter(|it| it.source_id == ids[0]);
    assert!(amended.into_iter().all(|it| it.differences.unwrap().contains("other@new.example")));
    // A joiner who gets one of the names that were to become free waits as well.
    let joiner = house.sim.change(|world| world.hire(&upn(1), "Joiner"));
    house.night();
    assert!(house.of(&joiner).is_none(), "{}", house.said(&joiner));
}

#[test]
fn a_failed_row_keeps_its_hold() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| world.wipe("department"));
    house.night();
    house.sim.change(|world| world.update(&ids[0], "jobTitle", "7")).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Failed), report.withdrawn, house.holds().len()), (1, 0, 40));
    house.sim.change(|world| world.update(&ids[0], "jobTitle", "null")).unwrap();
    let next = house.night();
    assert_eq!((next.newly_held, next.count(Outcome::Held)), (0, 40));
}
