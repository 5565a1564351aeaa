//! Holds decided: approved, rejected, withdrawn; and what the nights after make of it.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::{Order, RunKind};
use userload_tests::{House, plain, upn};

fn delete(house: &House, ids: &[String]) {
    house.sim.change(|world| ids.iter().for_each(|id| world.delete(id).unwrap()));
}

fn evidence(house: &House, id: &str) -> String {
    house
        .sql()
        .query_row(
            "SELECT evidence FROM change WHERE source_id = ?1 AND active_after = 0 ORDER BY id DESC LIMIT 1",
            [id],
            |row| row.get(0),
        )
        .unwrap()
}

/// Whether nothing is left to do: two nights without a change or a question.
fn settled(house: &mut House) {
    for _ in 0..2 {
        let report = house.night();
        assert_eq!((report.changes(), report.newly_held), (0, 0), "{report:#?}");
        assert!(house.holds().is_empty(), "{:?}", house.holds());
    }
}

#[test]
fn approved_by_cause_they_leave_and_who_came_back_does_not() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..7]);
    house.night();
    house.sim.change(|world| {
        world.restore(&ids[0]).unwrap();
        world.purge(&ids[1]).unwrap();
        // Not part of the question, so not part of the answer.
        world.update_text(&ids[20], "department", "Moved").unwrap();
    });
    let report = house.approve(|it| it.cause == "deactivate:deleted");
    assert_eq!((report.kind, report.rows_seen, report.absent), (RunKind::Approve, 1, 6));
    assert_eq!((report.count(Outcome::Deactivated), report.withdrawn, report.newly_held), (6, 1, 0));
    assert!(report.notes.iter().any(|it| it.contains("Person 0")), "{:?}", report.notes);
    assert!(house.active(&ids[0]) && ids[1..7].iter().all(|id| !house.active(id)));
    let hold = |id: &str| house.all_holds().into_iter().find(|it| it.source_id == id).unwrap();
    let (back, gone) = (hold(&ids[0]), hold(&ids[2]));
    assert_eq!((back.state.as_str(), back.note.as_deref()), ("withdrawn", Some("came back")));
    let note = format!("approved in run {}", report.run);
    assert_eq!((gone.state.as_str(), gone.note), ("approved", Some(note)));
    // Each carries what the source answered, and the order.
    assert_eq!(
        evidence(&house, &ids[2]),
        format!(
            r#"{{"kind":"deleted","deleted_at":"2026-11-23T06:00:00Z","approved":{{"hold":{}}}}}"#,
            gone.id
        )
    );
    assert!(
        evidence(&house, &ids[1]).starts_with(r#"{"kind":"not-found","approved""#),
        "no grace is asked of an order"
    );
    assert_eq!(house.text(&ids[20], "department").as_deref(), Some("Law"), "nobody else is touched");
    assert_eq!(house.night().count(Outcome::Updated), 1);
    settled(&mut house);
}

#[test]
fn an_approval_does_not_count_as_a_night_and_the_guard_stays_awake() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.sim.change(|world| world.purge(&ids[30])).unwrap();
    house.night();
    for id in &ids[..6] {
        house.approve(|it| it.source_id == *id);
    }
    // What was approved was held: it uses up nothing of what may flow in a day. The rest is limited as ever.
    delete(&house, &ids[6..7]);
    let report = house.sync("entra");
    assert_eq!((report.count(Outcome::Deactivated), report.newly_held), (1, 0));
    delete(&house, &ids[7..12]);
    let report = house.sync("entra");
    assert_eq!((report.count(Outcome::Deactivated), report.newly_held), (0, 5));
    assert_eq!(house.said(&ids[30]), "waiting: not found; the grace is not over");
}

#[test]
fn disabled_and_approved_is_asked_about_again() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| ids[..6].iter().for_each(|id| world.disable(id).unwrap()));
    house.night();
    house.sim.change(|world| {
        world.enable(&ids[0]).unwrap();
        world.update(&ids[1], "accountEnabled", "null").unwrap();
        world.delete(&ids[2]).unwrap();
    });
    let report = house.approve(|it| it.cause == "deactivate:disabled");
    assert_eq!((report.count(Outcome::Deactivated), report.withdrawn), (4, 2), "{report:#?}");
    assert!(house.active(&ids[0]) && house.active(&ids[1]), "null says nothing");
    assert!(evidence(&house, &ids[2]).starts_with(r#"{"kind":"deleted""#), "gone is gone, by another cause");
    assert!(evidence(&house, &ids[3]).starts_with(r#"{"kind":"disabled","approved""#));
    settled(&mut house);
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    house.night();
    assert!(house.active(&ids[3]), "what was approved is undone by the source like any other");
}

#[test]
fn the_unconfirmed_are_asked_about() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..3]);
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    house.night();
    assert!(house.holds().iter().all(|it| it.cause == "deactivate:unconfirmed"));
    house.sim.change(|world| world.restore(&ids[0])).unwrap();
    // No answer about one of them again.
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::BatchMissingPart { part: 0 })));
    let report = house.approve(|_| true);
    let silent = house.holds();
    assert_eq!(silent.len(), 1, "{silent:?}");
    assert_eq!(report.count(Outcome::Deactivated) + report.withdrawn, 2, "{report:#?}");
    assert!(house.active(&silent[0].source_id) && house.active(&ids[0]));
    house.approve(|_| true);
    assert!(house.active(&ids[0]) && !house.active(&ids[1]) && !house.active(&ids[2]));
    settled(&mut house);
}

#[test]
fn a_source_that_answers_nobody_changes_nothing() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.night();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    let all: Vec<i64> = house.holds().iter().map(|it| it.id).collect();
    assert!(house.order(&Order::Approve(all)).is_err());
    house.approve(|_| true);
    settled(&mut house);
}

#[test]
fn a_wiped_column_is_approved_as_far_as_it_is_still_wiped() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| world.wipe("department"));
    house.night();
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Sales").unwrap();
        world.update_text(&ids[1], "department", "Other").unwrap();
        world.update_text(&ids[2], "jobTitle", "Chief").unwrap();
    });
    let report = house.approve(|it| it.cause == "clear:department");
    assert_eq!((report.count(Outcome::Updated), report.withdrawn), (38, 1), "{report:#?}");
    assert_eq!(house.text(&ids[2], "department"), None);
    assert_eq!(house.text(&ids[2], "job_title"), None, "only what was approved");
    let amended = house.holds();
    assert_eq!((amended.len(), amended[0].source_id.as_str()), (1, ids[1].as_str()));
    assert!(
        amended[0].differences.as_deref().unwrap().contains("Other"),
        "it asks about what the source has now"
    );
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("IT"));
    let next = house.night();
    assert_eq!((next.newly_held, house.text(&ids[2], "job_title").as_deref()), (0, Some("Chief")));
    settled(&mut house);
}

#[test]
fn only_the_approved_part_of_a_person_flows() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        world.wipe("department");
        ids[..10].iter().for_each(|id| world.disable(id).unwrap());
    });
    house.night();
    assert_eq!(house.held(&ids[0]), ["clear:department", "deactivate:disabled"]);
    house.approve(|it| it.cause == "clear:department");
    assert_eq!(house.held(&ids[0]), ["deactivate:disabled"]);
    assert!(house.active(&ids[0]) && house.text(&ids[0], "department").is_none());
    let next = house.night();
    assert_eq!((next.newly_held, next.changes(), next.count(Outcome::Held)), (0, 0, 10));
    house.approve(|it| it.source_id == ids[0]);
    assert!(!house.active(&ids[0]) && house.active(&ids[1]), "by person");
    assert_eq!(house.night().count(Outcome::Held), 9);
}

#[test]
fn what_adoption_would_overwrite_is_overwritten_once_approved() {
    let (world, ids) = plain(10);
    let mut house = House::new(world);
    for n in 0..3 {
        house.by_hand(&upn(n), &[("department", "By hand")], None);
    }
    house.night();
    house.sim.change(|world| world.update_text(&ids[1], "department", "Tax")).unwrap();
    let report = house.approve(|it| it.cause == "overwrite:department");
    assert_eq!(report.count(Outcome::Updated), 2, "{report:#?}");
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    assert_eq!(
        house.text(&ids[1], "department").as_deref(),
        Some("By hand"),
        "another value is another question"
    );
    house.approve(|it| it.source_id == ids[1]);
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("Tax"));
    settled(&mut house);
}

#[test]
fn a_renamed_domain_is_approved_once() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        for (n, id) in ids.iter().enumerate() {
            world.rename(id, &format!("p{n}@new.example")).unwrap();
        }
    });
    assert_eq!(house.night().held.len(), 1);
    // One of them gets a name that is no question of domains any more: it waits all the same.
    house.sim.change(|world| world.rename(&ids[0], "back@contoso.example")).unwrap();
    let next = house.night();
    assert_eq!((next.changes(), next.count(Outcome::Held)), (0, 40));
    assert_eq!(house.held(&ids[0]), ["rename:email", "rename:username"]);
    let report = house.approve(|it| it.cause == "rename:@contoso.example:@new.example");
    assert_eq!(report.count(Outcome::Renamed), 39);
    house.approve(|_| true);
    assert_eq!(house.of(&ids[0]).unwrap().username(), "back@contoso.example");
    settled(&mut house);
}

#[test]
fn a_joiner_gets_the_name_of_somebody_who_has_left() {
    let (mut house, ids) = House::loaded(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    delete(&house, &ids[..1]);
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    house.night();
    assert_eq!(house.held(&joiner), ["key:username"]);
    let report = house.approve(|it| it.cause == "key:username");
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Updated)), (1, 1), "{report:#?}");
    assert_eq!(house.of(&joiner).unwrap().username(), upn(0));
    let old = house.of(&ids[0]).unwrap();
    assert_eq!(
        (old.active, old.text("username"), old.text("display_name").as_deref()),
        (false, None, Some("Person 0"))
    );
    assert_eq!(house.said(&ids[0]), format!("updated: gave the username up to {joiner}, as was approved"));
    settled(&mut house);
}

#[test]
fn a_joiner_does_not_get_the_name_of_somebody_who_is_active_unless_they_leave_with_it() {
    let (mut house, ids) = House::loaded(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.integration(|doc| doc.map("city", "\"city\""));
    delete(&house, &ids[..1]);
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    house.night();
    let key: Vec<i64> =
        house.holds().iter().filter(|it| it.cause == "key:username").map(|it| it.id).collect();
    let (error, _) = house.order(&Order::Approve(key)).unwrap_err();
    assert!(error.to_string().contains("belongs to somebody who is active: decide first"), "{error}");
    // Both at once: the name becomes free with the leaver.
    let report = house.approve(|_| true);
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Deactivated)), (1, 1), "{report:#?}");
    assert!(!house.active(&ids[0]) && house.of(&joiner).unwrap().username() == upn(0));
    settled(&mut house);
}

#[test]
fn a_rejected_leaver_stays_until_the_source_says_something_else() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.night();
    let rejected = house.reject(|it| it.cause == "deactivate:deleted");
    assert_eq!((rejected.rows_seen, house.holds().len()), (6, 0));
    let reason = format!("rejected in run {}", rejected.run);
    assert_eq!(house.sync("entra").count(Outcome::Kept), 6, "on the same day as well");
    let applied = house.try_apply(rejected.run, false).unwrap_err();
    assert_eq!(applied.to_string(), format!("run {} is applied already", rejected.run));
    for _ in 0..2 {
        let next = house.night();
        assert_eq!((next.count(Outcome::Kept), next.newly_held, next.changes()), (6, 0, 0), "{next:#?}");
        assert!(
            house.said(&ids[0]).ends_with(&format!("; the status is {reason}")),
            "{}",
            house.said(&ids[0])
        );
    }
    // Purged after its days: the same was said. Come back and deleted again: something else was.
    house.sim.change(|world| {
        world.purge(&ids[1]).unwrap();
        world.restore(&ids[0]).unwrap();
    });
    house.nights(5);
    assert!(house.active(&ids[1]));
    assert_eq!(house.number("SELECT count(*) FROM pin"), 5);
    delete(&house, &ids[..1]);
    house.night();
    assert!(!house.active(&ids[0]), "judged anew: one is no disaster");
    assert!(ids[1..6].iter().all(|id| house.active(id)));
}

#[test]
fn a_rejected_value_stays_out_until_the_source_has_another() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| world.wipe("department"));
    house.night();
    let rejected = house.reject(|_| true);
    for _ in 0..2 {
        let next = house.night();
        assert_eq!((next.count(Outcome::Kept), next.newly_held, next.changes()), (40, 0, 0));
    }
    assert_eq!(house.said(&ids[0]), format!("kept: department: rejected in run {}", rejected.run));
    house.sim.change(|world| world.update_text(&ids[0], "department", "Board")).unwrap();
    house.sim.change(|world| world.update_text(&ids[1], "jobTitle", "Chief")).unwrap();
    assert_eq!(house.night().count(Outcome::Updated), 2);
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Board"));
    assert_eq!(
        house.text(&ids[1], "department").as_deref(),
        Some("IT"),
        "what flows takes nothing pinned along"
    );
    assert_eq!(house.number("SELECT count(*) FROM pin"), 39);
    // Wiped again: that is news about the first one only.
    house.sim.change(|world| world.update(&ids[0], "department", "null")).unwrap();
    assert_eq!(house.night().count(Outcome::Updated), 1);
    assert_eq!(house.text(&ids[0], "department"), None);
}

#[test]
fn a_plan_lifts_no_pin() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| world.wipe("department"));
    house.night();
    house.reject(|_| true);
    house.sim.change(|world| world.update_text(&ids[0], "department", "Board")).unwrap();
    let plan = house.plan();
    assert_eq!((plan.count(Outcome::Updated), house.number("SELECT count(*) FROM pin")), (1, 40));
    house.apply(&plan);
    assert_eq!(house.number("SELECT count(*) FROM pin"), 39);
}

#[test]
fn a_rejected_joiner_is_passed_over_until_the_record_changes() {
    let (mut house, ids) = House::loaded(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    delete(&house, &ids[..1]);
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    house.night();
    let rejected = house.reject(|it| it.source_id == joiner);
    for _ in 0..2 {
        assert_eq!(house.night().count(Outcome::Skipped), 1);
        assert_eq!(house.said(&joiner), format!("skipped: rejected in run {}", rejected.run));
    }
    house.sim.change(|world| world.rename(&joiner, "joiner@contoso.example")).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 1);
    settled(&mut house);
}

#[test]
fn what_nobody_has_answered_cannot_be_rejected_and_what_is_closed_cannot_be_approved() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..3]);
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    house.night();
    let held: Vec<i64> = house.holds().iter().map(|it| it.id).collect();
    let now = house.now;
    let refused = house.store().reject_holds("entra", &held, now).unwrap_err();
    assert!(refused.to_string().contains("gave no answer about them yet"), "{refused}");
    house.night();
    let (error, _) = house.order(&Order::Approve(held)).unwrap_err();
    assert_eq!(error.to_string(), "none of these holds is open any more");
}

#[test]
fn many_are_approved_at_once_and_asked_about_in_parts() {
    let (mut house, ids) = House::loaded(2600, |doc| doc.set("guard.deactivate-most", "10"));
    house.sim.change(|world| ids[..2300].iter().for_each(|id| world.disable(id).unwrap()));
    house.night();
    assert_eq!(house.holds().len(), 2300);
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::throttled("0"))));
    house.sim.clear_journal();
    let report = house.approve(|it| it.cause == "deactivate:disabled");
    assert_eq!((report.count(Outcome::Deactivated), report.cost.throttled), (2300, 1));
    assert_eq!(house.holds().len(), 0);
    settled(&mut house);
}

#[test]
fn an_approval_that_breaks_down_is_not_taken_for_a_listing() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    delete(&house, &ids[..6]);
    house.night();
    // What a killed process leaves behind: a run that was staging.
    let store = rusqlite::Connection::open(house.store_path()).unwrap();
    store
        .execute_batch(
            "INSERT INTO run (tenant, number, integration, kind, state, started_at, config, shape, basis)
               SELECT tenant, number + 1, integration, 'approve', 'staging', ended_at + 80000000, config, shape, basis
               FROM run ORDER BY id DESC LIMIT 1;
             INSERT INTO run_page (run, page, cursor, rows, seen, counts)
               SELECT max(id), 0, NULL, 0, x'0000000000000000', '{}' FROM run;",
        )
        .unwrap();
    let report = house.night();
    assert_eq!((report.rows_seen, report.count(Outcome::Held)), (34, 6));
    house.approve(|_| true);
    settled(&mut house);
}
