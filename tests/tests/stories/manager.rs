//! Managers: a pass of its own, best effort. The field holds the manager's username.

use graph_sim::{Action, On, Rule, Schedule, World};
use userload::model::Outcome;
use userload::sync::{Managers, RunReport};
use userload_tests::{House, MINUTE, plain, upn};

/// So many people; the first is everybody's manager, and their own manager is the second.
pub(crate) fn world(count: usize) -> (World, Vec<String>) {
    let (mut world, ids) = plain(count);
    for (n, id) in ids.iter().enumerate() {
        let manager = if n == 0 { &ids[1] } else { &ids[0] };
        world.edit(id, |user| user.set_manager(Some(manager))).unwrap();
    }
    (world, ids)
}

fn house(world: World) -> House {
    House::with(world, |doc| doc.set("manager", "true"))
}

pub(crate) fn told(report: &RunReport) -> Managers {
    report.managers.expect("a pass over managers")
}

fn manage(house: &House, id: &str, manager: Option<&str>) {
    house.sim.change(|world| world.edit(id, |user| user.set_manager(manager))).unwrap();
}

/// A night in which no person and no link may be written.
fn silent(house: &mut House) -> RunReport {
    house.seal(&["person", "link", "change"]);
    let report = house.night();
    house.unseal(&["person", "link", "change"]);
    assert_eq!(report.changes(), 0);
    report
}

#[test]
fn managers_are_there_from_the_first_night_on_and_cycles_do_no_harm() {
    let (mut world, ids) = world(20);
    world.edit(&ids[5], |user| user.set_manager(Some(&ids[5]))).unwrap();
    world.edit(&ids[6], |user| user.set_manager(None)).unwrap();
    let mut house = house(world);
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), told(&report).changed), (20, 19));
    let manager = |n: usize| house.text(&ids[n], "manager");
    assert_eq!((manager(0), manager(1)), (Some(upn(1)), Some(upn(0))), "each other's");
    assert_eq!((manager(5), manager(6)), (Some(upn(5)), None));
    let next = told(&silent(&mut house));
    assert_eq!((next.complete, next.read, next.changed), (true, 20, 0));
    assert!(house.sim.journal().iter().any(|it| it.target.contains("$expand=manager($select=id)")));
}

#[test]
fn managers_that_are_asked_for_later_are_changes_of_their_own() {
    let (world, ids) = world(20);
    let mut house = House::new(world);
    house.night();
    house.integration(|doc| doc.set("manager", "true"));
    house.sim.change(|world| world.update_text(&ids[3], "department", "Moved")).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Updated), report.count(Outcome::Unchanged)), (20, 0));
    assert_eq!(house.text(&ids[3], "department").as_deref(), Some("Moved"));
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(0)));
    silent(&mut house);
}

#[test]
fn a_renamed_manager_is_renamed_for_everybody_in_the_same_night() {
    let (world, ids) = world(20);
    let mut house = house(world);
    house.night();
    house.sim.change(|world| world.rename(&ids[1], "new.name@contoso.example")).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Renamed), report.count(Outcome::Updated)), (1, 1));
    assert_eq!(house.text(&ids[0], "manager").as_deref(), Some("new.name@contoso.example"));
    silent(&mut house);
}

#[test]
fn a_manager_who_is_not_loaded_is_unknown_and_what_is_known_stays() {
    let (world, ids) = world(12);
    let mut house = House::with(world, |doc| doc.set("manager", "true").filter("department eq 'Sales'"));
    house.night();
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(0)), "0, 3, 6, 9 are in Sales");
    assert_eq!(house.text(&ids[0], "manager"), None, "1 is not");
    manage(&house, &ids[3], Some(&ids[1]));
    let report = silent(&mut house);
    assert_eq!(told(&report).unresolved, 2);
    assert_eq!(report.notes.iter().filter(|it| it.contains("2 managers")).count(), 1);
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(0)));
}

#[test]
fn one_who_has_none_any_more_is_cleared() {
    let (world, ids) = world(12);
    let mut house = house(world);
    house.night();
    manage(&house, &ids[3], None);
    manage(&house, &ids[4], Some(&ids[1]));
    let report = house.night();
    assert_eq!((told(&report).changed, report.count(Outcome::Updated)), (2, 2));
    assert_eq!((house.text(&ids[3], "manager"), house.text(&ids[4], "manager")), (None, Some(upn(1))));
    silent(&mut house);
}

#[test]
fn managers_that_vanish_all_at_once_wait() {
    let (world, ids) = world(40);
    let mut house = house(world);
    house.night();
    ids[..15].iter().for_each(|id| manage(&house, id, None));
    let report = house.night();
    assert_eq!((told(&report).held, told(&report).changed, report.newly_held), (15, 0, 15));
    assert_eq!(house.held(&ids[3]), ["clear:manager"]);
    // A pass that fails has learnt nothing: they go on waiting.
    house.trouble(Schedule::one(Rule::new(On::Managers, Action::status(403)).always()));
    let report = silent(&mut house);
    assert_eq!((report.newly_held, report.withdrawn, house.holds().len()), (0, 0, 15));
    // Twelve come back; the other three go on waiting though three would pass.
    ids[..12].iter().for_each(|id| manage(&house, id, Some(&ids[20])));
    let report = house.night();
    assert_eq!((report.withdrawn, report.newly_held, house.holds().len()), (12, 0, 3));
    assert_eq!(house.text(&ids[13], "manager"), Some(upn(0)));
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(20)));
    // One is approved, one rejected: the next night does the one and asks no more about the other.
    let now = house.now;
    let hold = |house: &House, n: usize| {
        house.number(&format!("SELECT id FROM hold WHERE state = 'open' AND source_id = '{}'", ids[n]))
    };
    let (yes, no) = (hold(&house, 12), hold(&house, 13));
    house.store().approve_for_next_run(&[yes], now).unwrap();
    house.store().reject_holds("entra", &[no], now).unwrap();
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held, house.holds().len()), (1, 0, 1));
    assert_eq!((house.text(&ids[12], "manager"), house.text(&ids[13], "manager")), (None, Some(upn(0))));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_pass_that_dies_on_page_two_keeps_what_is_known() {
    let (world, ids) = world(30);
    let mut house = House::with(world, |doc| doc.set("manager", "true").set("page-size", "10"));
    house.night();
    [3, 25].iter().for_each(|n| manage(&house, &ids[*n], Some(&ids[2])));
    house.trouble(Schedule::one(Rule::new(On::Managers, Action::status(500)).page(2).always()));
    let report = house.night();
    assert!(report.completeness.complete && !told(&report).complete);
    assert!(report.notes.iter().any(|it| it.contains("managers were not read to the end")));
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(2)), "what was read flows");
    assert_eq!(house.text(&ids[25], "manager"), Some(upn(0)));
    assert_eq!(told(&house.night()).changed, 1);
    silent(&mut house);
}

#[test]
fn locks_and_pins_hold_for_managers_too() {
    let (world, ids) = world(10);
    let mut house = house(world);
    house.night();
    let (locked, pinned) = (house.of(&ids[3]).unwrap().id, house.of(&ids[4]).unwrap().id);
    [3, 4].iter().for_each(|n| manage(&house, &ids[*n], Some(&ids[2])));
    let sql = rusqlite::Connection::open(house.store_path()).unwrap();
    sql.execute("INSERT INTO lock VALUES (1, ?1, 'manager', NULL, 1, 0)", [locked]).unwrap();
    sql.execute(
        "INSERT INTO pin (tenant, integration, source_id, person, field, source_value, reason, run, at)
         VALUES (1, 'entra', ?1, ?2, 'manager', ?3, 'undone', 1, 0)",
        rusqlite::params![ids[4], pinned, format!("\"{}\"", upn(2))],
    )
    .unwrap();
    let report = silent(&mut house);
    assert_eq!(told(&report).barred, 1);
    assert_eq!(house.text(&ids[4], "manager"), Some(upn(0)));
    manage(&house, &ids[4], Some(&ids[5]));
    house.night();
    assert_eq!(house.text(&ids[4], "manager"), Some(upn(5)), "the source says something else now");
    assert_eq!(house.number("SELECT count(*) FROM pin"), 0);
    assert_eq!(house.text(&ids[3], "manager"), Some(upn(0)));
}

#[test]
fn somebody_adopted_keeps_a_manager_entered_by_hand_until_it_is_decided() {
    let (world, ids) = world(10);
    let mut house = house(world);
    house.by_hand(&upn(3), &[("manager", "boss@contoso.example")], None);
    house.by_hand(&upn(4), &[], None);
    house.now += MINUTE;
    house.night();
    assert_eq!(house.text(&ids[3], "manager").as_deref(), Some("boss@contoso.example"));
    assert!(house.held(&ids[3]).contains(&"overwrite:manager".to_owned()), "{:?}", house.held(&ids[3]));
    assert_eq!(house.text(&ids[4], "manager"), Some(upn(0)), "an empty one is filled");
    let report = house.night();
    assert_eq!((report.newly_held, report.changes()), (0, 0));
}
