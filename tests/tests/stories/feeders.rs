//! Two integrations that feed one person: each field belongs to the one with the highest priority.

use graph_sim::{Action, On, Rule, Schedule, Sim, SimConfig, World};
use userload::model::Outcome;
use userload::sync::{RunKind, RunState};
use userload_tests::{House, plain};

/// Everybody is fed by `entra` (priority 1), the people of Sales by `sales` (priority 5) as well. The second
/// one calls a department what the source calls a title.
fn two() -> (House, Vec<String>) {
    let (mut world, ids) = plain(30);
    for id in &ids {
        world.update_text(id, "jobTitle", "Title").unwrap();
        world.update_text(id, "companyName", "Contoso").unwrap();
    }
    let mut house = House::with(world, |doc| doc.set("priority", "1"));
    house
        .change("sales", |doc| {
            doc.set("priority", "5")
                .filter("userType eq 'Member'")
                .unmap("job_title")
                .map("department", "\"companyName\"")
        })
        .unwrap();
    house.night();
    (house, ids)
}

#[test]
fn a_second_feeder_of_a_field_needs_a_priority() {
    let (world, _) = plain(3);
    let mut house = House::new(world);
    let refused = house.change("second", |doc| doc).unwrap_err();
    for part in ["`username`", "`entra`", "priority"] {
        assert!(refused.contains(part), "no {part} in: {refused}");
    }
}

#[test]
fn the_field_belongs_to_the_highest_priority() {
    let (mut house, ids) = two();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    // The second one finds everybody by the id, not by a key; what is there waits for consent.
    let report = house.sync("sales");
    assert_eq!((report.count(Outcome::Created), house.people().len()), (0, 30));
    assert_eq!(house.held(&ids[0]), ["overwrite:department"]);
    // What the owner fills is not the other one's to write.
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.update_text(&ids[0], "jobTitle", "Chief").unwrap();
    });
    house.night();
    let row = house.row(&ids[0]).unwrap();
    assert_eq!(row.not_applied.as_deref(), Some(r#"["department: owned by sales"]"#));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    assert_eq!(house.text(&ids[0], "job_title").as_deref(), Some("Chief"), "a field of its own flows");
}

#[test]
fn unchanged_nights_of_both_change_nobody() {
    let (mut house, _) = two();
    house.sync("sales");
    for _ in 0..2 {
        assert_eq!(house.night().changes(), 0);
        let report = house.sync("sales");
        assert_eq!((report.changes(), report.newly_held, report.withdrawn), (0, 0, 0));
    }
}

#[test]
fn the_status_belongs_to_the_highest_priority_too() {
    let (mut house, ids) = two();
    house.sync("sales");
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[0]).split("; the status is").nth(1), Some(" owned by sales"));
    assert!(house.active(&ids[0]));
    house.sync("sales");
    assert!(!house.active(&ids[0]));
    assert_eq!(house.of(&ids[0]).unwrap().ended_by.as_deref(), Some("integration:sales"));
}

#[test]
fn who_is_deleted_is_deactivated_when_the_last_one_no_longer_sees_them() {
    for order in [["entra", "sales"], ["sales", "entra"]] {
        let (mut house, ids) = two();
        house.sync("sales");
        house.sim.change(|world| world.delete(&ids[0])).unwrap();
        house.now += userload_tests::DAY;
        house.sync(order[0]);
        assert!(house.active(&ids[0]), "{} still sees them: {}", order[1], house.said(&ids[0]));
        assert!(house.said(&ids[0]).contains("still seen by"), "{}", house.said(&ids[0]));
        house.sync(order[1]);
        assert!(!house.active(&ids[0]), "{order:?}: {}", house.said(&ids[0]));
        // Back: both see them again, and who owns the status brings them back.
        house.sim.change(|world| world.restore(&ids[0])).unwrap();
        house.now += userload_tests::DAY;
        house.sync("entra");
        house.sync("sales");
        house.sync("entra");
        assert!(house.active(&ids[0]), "{order:?}: {}", house.said(&ids[0]));
    }
}

#[test]
fn who_is_purged_is_deactivated_when_the_grace_of_one_is_over_and_nobody_sees_them() {
    let (mut house, ids) = two();
    house.sync("sales");
    house.sim.change(|world| world.purge(&ids[0])).unwrap();
    let mut nights = 0;
    while house.active(&ids[0]) {
        nights += 1;
        assert!(nights < 8, "{}", house.said(&ids[0]));
        house.night();
        house.sync("sales");
        assert!(nights > 3 || house.active(&ids[0]), "the grace holds");
    }
}

#[test]
fn another_user_of_the_tenant_is_not_the_one_whom_another_integration_has_linked() {
    let (world, ids) = plain(3);
    let mut house = House::with(world, |doc| doc.set("priority", "1").filter("department eq 'Sales'"));
    assert_eq!(house.night().count(Outcome::Created), 1);
    house.sim.change(|world| world.update_text(&ids[1], "mail", "p0@contoso.example")).unwrap();
    house.change("second", |doc| doc.set("priority", "5").filter("department eq 'IT'")).unwrap();
    house.sync("second");
    assert!(
        house.said(&ids[1]).contains("who is linked to another user of the source"),
        "{}",
        house.said(&ids[1])
    );
    assert_eq!(house.people().len(), 1);
}

#[test]
fn a_page_that_comes_twice_counts_once_for_people_that_another_one_brought() {
    let (world, _) = plain(30);
    let mut house = House::with(world, |doc| doc.set("priority", "1"));
    house.night();
    house
        .change("second", |doc| {
            doc.set("priority", "5").set("page-size", "10").unmap("department").unmap("job_title")
        })
        .unwrap();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::DuplicatePage).page(1)));
    let report = house.sync("second");
    assert_eq!((report.count(Outcome::Skipped), report.rows_seen), (10, 40));
    assert_eq!(house.people().len(), 30);
}

#[test]
fn a_credential_for_another_tenant_is_refused() {
    let (world, _) = plain(10);
    let mut house = House::new(world);
    house.night();
    let (mut other, _) = plain(10);
    other.tenant_id = "deadbeef-1234-4abc-8def-0123456789ab".to_owned();
    let second = Sim::start(SimConfig::default(), other).unwrap();
    let (origin, tenant) = (second.origin(), second.look(|world: &World| world.tenant_id.clone()));
    house.integration(|doc| doc.set("grants", &format!("[{{ origin = \"{origin}\", private = true }}]")));
    (house.origin, house.tenant) = (origin, tenant);
    let people = house.people();
    for kind in [RunKind::Sync, RunKind::Plan] {
        let (error, report) = house.run("entra", kind).unwrap_err();
        let text = error.to_string();
        let report = report.expect("it is a failed run");
        assert_eq!((report.state, report.rows_seen), (RunState::Failed, 0));
        for part in
            ["c0ffee00-1234-4abc-8def-0123456789ab", "deadbeef-1234-4abc-8def-0123456789ab", "`entra`"]
        {
            assert!(text.contains(part), "no {part} in: {text}");
        }
    }
    assert_eq!(house.people(), people);
}
