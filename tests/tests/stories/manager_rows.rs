//! Managers of people whose row of the ledger says something, or who have none because they were filtered; and
//! of those whose manager was erased.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload_tests::{House, upn};

use super::manager::{told, world};

const ONLY_IF: &str = "\"department != 'IT'\"";

fn manage(house: &House, id: &str, manager: &str) {
    house.sim.change(|world| world.edit(id, |user| user.set_manager(Some(manager)))).unwrap();
}

#[test]
fn whom_the_filter_after_the_fetch_drops_gets_no_manager() {
    let (world, ids) = world(20);
    let mut house = House::new(world);
    house.night();
    house.integration(|doc| doc.set("manager", "true").set("only-if", ONLY_IF));
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.count(Outcome::Updated)), (7, 13));
    assert_eq!((told(&report).changed, told(&report).read), (13, 13));
    assert_eq!(house.text(&ids[1], "manager"), None, "filtered: as it was");
    assert_eq!(house.text(&ids[0], "manager"), Some(upn(1)), "one who is filtered is a manager all the same");
    let next = house.night();
    assert_eq!((next.count(Outcome::Filtered), next.changes()), (7, 0));
    // Let through again, they get theirs.
    house.integration(|doc| doc.unset("only-if"));
    assert_eq!(told(&house.night()).changed, 7);
    assert_eq!(house.text(&ids[1], "manager"), Some(upn(0)));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn who_was_filtered_before_a_run_broke_down_is_filtered_when_it_goes_on() {
    let (world, ids) = world(40);
    let mut house = House::with(world, |doc| doc.set("page-size", "10"));
    house.night();
    house.integration(|doc| doc.set("manager", "true").set("only-if", ONLY_IF));
    house.trouble(Schedule::one(Rule::new(On::Users, Action::throttled("1")).page(3)));
    house.breaks_down();
    let report = house.sync("entra");
    assert_eq!((report.cost.resumed_pages, report.count(Outcome::Filtered)), (2, 13));
    assert_eq!((report.count(Outcome::Updated), house.text(&ids[1], "manager")), (27, None));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_lock_of_another_field_bars_no_manager() {
    let (world, ids) = world(12);
    let mut house = House::with(world, |doc| doc.set("manager", "true"));
    house.night();
    house.lock(&ids[3], &["department"]);
    house.lock(&ids[4], &["department", "manager"]);
    house.lock(&ids[5], &[""]);
    house.set_active(&ids[6], false);
    house.sim.change(|world| {
        ids[3..6].iter().for_each(|id| world.update_text(id, "department", "Tax").unwrap());
    });
    ids[3..7].iter().for_each(|id| manage(&house, id, &ids[2]));
    let report = house.night();
    assert_eq!((told(&report).changed, told(&report).barred), (2, 2));
    assert_eq!((report.count(Outcome::Updated), report.count(Outcome::Kept)), (2, 2));
    assert_eq!(house.said(&ids[3]), "updated: changed at the source");
    let row = house.row(&ids[3]).unwrap();
    assert!(row.not_applied.unwrap().contains("department: locked"), "it is still said");
    let manager = |house: &House, n: usize| house.text(&ids[n], "manager");
    assert_eq!((manager(&house, 3), manager(&house, 6)), (Some(upn(2)), Some(upn(2))));
    assert_eq!((manager(&house, 4), manager(&house, 5)), (Some(upn(0)), Some(upn(0))));
    assert_eq!(house.text(&ids[3], "department").as_deref(), Some("Sales"));
    let next = house.night();
    assert_eq!((next.changes(), told(&next).barred, next.count(Outcome::Kept)), (0, 2, 4));
    // And it can be taken back.
    house.undo_fields(report.run, &["manager"]);
    assert_eq!(manager(&house, 3), Some(upn(0)));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn whoever_is_erased_is_nobodys_manager_any_more() {
    let (mut world, ids) = world(6);
    world.rename(&ids[0], "quellwasser@contoso.example").unwrap();
    let mut house = House::with(world, |doc| doc.no_limits().set("manager", "true"));
    house.night();
    assert_eq!(house.text(&ids[3], "manager").as_deref(), Some("quellwasser@contoso.example"));
    manage(&house, &ids[4], &ids[2]);
    manage(&house, &ids[2], &ids[5]);
    house.night();
    manage(&house, &ids[2], &ids[0]);
    let moved = house.night().run;
    house.erase(&ids[0]);
    for file in ["userload.db", "userload.db-wal"] {
        let bytes = std::fs::read(house.store_path().with_file_name(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("quellwasser"), "{file} still tells of them");
    }
    let manager = |house: &House, n: usize| house.text(&ids[n], "manager");
    assert_eq!((manager(&house, 2), manager(&house, 3), manager(&house, 4)), (None, None, Some(upn(2))));
    let people = house.people();
    let report = house.night();
    assert_eq!((report.changes(), house.people()), (0, people), "the source names a user who is nobody here");
    // The run that had made them somebody's manager takes back what is left of it: nothing of theirs.
    assert!(house.try_undo(&userload::store::UndoOrder { run: moved, ..Default::default() }).is_ok());
    assert_eq!(manager(&house, 2), Some(upn(5)));
}

#[test]
fn who_is_gone_by_an_undo_is_not_made_again_for_having_had_a_manager() {
    let (world, _) = world(8);
    let mut house = House::with(world, |doc| doc.set("manager", "true"));
    let first = house.night().run;
    assert_eq!(house.undo(first).count(Outcome::Removed), 8);
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), house.people().len()), (0, 0));
}
