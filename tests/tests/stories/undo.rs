//! What was done is taken back, stays so in the next nights, and can be brought back. Stories that end with
//! `stays_so` are about the next night: a run must respect pins and tombstones.

use std::collections::BTreeMap;

use graph_sim::World;
use userload::model::Outcome;
use userload::store::UndoOrder;
use userload_tests::{DAY, House, Person, plain};

/// Everybody without what an undo may change: versions.
fn state(house: &House) -> BTreeMap<i64, Person> {
    house.people().into_iter().map(|it| (it.id, Person { version: 0, ..it })).collect()
}

/// A house after its first night.
fn lived_in(count: usize) -> (House, Vec<String>) {
    House::loaded(count, |doc| doc.no_limits())
}

/// Two nights change nobody.
fn stays_so(house: &mut House) {
    let before = state(house);
    for _ in 0..2 {
        let report = house.night();
        assert_eq!((report.changes(), report.newly_held), (0, 0), "{:?}", report.causes);
        assert_eq!(state(house), before);
    }
}

fn refused(house: &mut House, run: i64) -> String {
    house.try_undo(&UndoOrder { run, ..UndoOrder::default() }).unwrap_err()
}

#[test]
fn changed_fields_come_back_and_stay() {
    let (mut house, ids) = lived_in(12);
    let before = state(&house);
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.update(&ids[1], "department", "null").unwrap();
        world.update_text(&ids[1], "jobTitle", "Chief").unwrap();
    });
    let run = house.night().run;
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    let report = house.undo(run);
    assert_eq!((report.count(Outcome::Updated), report.undoes), (2, Some(run)));
    assert_eq!(state(&house), before);
    let undone = format!("undone in run {}", report.run);
    let mut expected = vec![
        (ids[0].clone(), "department".to_owned(), Some("\"Tax\"".to_owned()), undone.clone()),
        (ids[1].clone(), "department".to_owned(), None, undone.clone()),
        (ids[1].clone(), "job_title".to_owned(), Some("\"Chief\"".to_owned()), undone),
    ];
    expected.sort();
    assert_eq!(house.pins(), expected);
    stays_so(&mut house);
    // The source says something new: that counts.
    house.sim.change(|world| world.update_text(&ids[0], "department", "Legal")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Legal"));
    assert_eq!(house.text(&ids[1], "job_title"), None, "the others stay pinned");
    assert_eq!(house.pins().len(), 2);
}

#[test]
fn what_was_edited_since_is_kept_and_told() {
    let (mut house, ids) = lived_in(6);
    house.sim.change(|world| {
        for id in &ids[..3] {
            world.update_text(id, "department", "Tax").unwrap();
            world.update_text(id, "jobTitle", "Chief").unwrap();
        }
    });
    let run = house.night().run;
    house.set(&ids[0], "department", Some("Research"));
    let report = house.undo(run);
    assert_eq!(report.count(Outcome::Updated), 3);
    assert_eq!(House::kept(&report), [("department: edited since".to_owned(), 1)]);
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Research"));
    assert_eq!(house.text(&ids[0], "job_title"), None);
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("IT"));
    let row = house.row(&ids[0]).unwrap();
    assert_eq!(
        row.not_applied.as_deref(),
        Some(r#"["department: edited since (department is \"Research\")"]"#)
    );
}

#[test]
fn by_field_person_and_outcome_and_the_rest_later() {
    let (mut house, ids) = lived_in(6);
    let before = state(&house);
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.update_text(&ids[0], "jobTitle", "Chief").unwrap();
        world.update_text(&ids[1], "department", "Tax").unwrap();
        world.rename(&ids[2], "renamed@contoso.example").unwrap();
        world.disable(&ids[3]).unwrap();
    });
    let run = house.night().run;
    let tried = house.try_undo(&UndoOrder { run, dry_run: true, ..UndoOrder::default() }).unwrap();
    assert_eq!(tried.rows_seen, 4);
    house.undo_fields(run, &["job_title"]);
    assert_eq!(house.text(&ids[0], "job_title"), None);
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    let person = house.of(&ids[1]).map(|it| it.id);
    house.try_undo(&UndoOrder { run, person, ..UndoOrder::default() }).unwrap();
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("IT"));
    let only = vec![Outcome::Deactivated];
    house.try_undo(&UndoOrder { run, only: only.clone(), ..UndoOrder::default() }).unwrap();
    assert!(house.active(&ids[3]));
    let again = house.try_undo(&UndoOrder { run, only, ..UndoOrder::default() }).unwrap_err();
    assert!(again.contains("was undone already"), "{again}");
    let nothing = UndoOrder { run, fields: ["office".to_owned()].into(), ..UndoOrder::default() };
    assert!(house.try_undo(&nothing).unwrap_err().contains("did nothing of that kind"));
    let rest = house.undo(run);
    assert_eq!(rest.rows_seen, 2, "the row of which a field is left, and the rename");
    assert_eq!(state(&house), before);
    assert!(refused(&mut house, run).contains("was undone already"));
    stays_so(&mut house);
}

#[test]
fn leavers_come_back_whatever_proved_that_they_left() {
    let (mut house, ids) = lived_in(8);
    let before = state(&house);
    house.sim.change(|world| {
        world.disable(&ids[0]).unwrap();
        world.delete(&ids[1]).unwrap();
        world.purge(&ids[2]).unwrap();
    });
    let first = house.night().run;
    let last = house.nights(3).run;
    assert!(ids[..3].iter().all(|id| !house.active(id)));
    let words = |house: &House| -> Vec<String> {
        house
            .pins()
            .into_iter()
            .filter_map(|(_, field, word, _)| word.filter(|_| field == "status"))
            .collect()
    };
    house.undo(first);
    assert_eq!((house.active(&ids[0]), house.active(&ids[1]), house.active(&ids[2])), (true, true, false));
    house.undo(last);
    assert_eq!(state(&house), before);
    let mut words = words(&house);
    words.sort();
    assert_eq!(words, ["deleted", "disabled", "not-found"]);
    stays_so(&mut house);
    // Enabled and disabled again: the source has said something else between.
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    house.night();
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    house.night();
    assert!(!house.active(&ids[0]));
}

#[test]
fn who_came_back_goes_again_and_it_is_said_who_had_ended_them() {
    let (mut house, ids) = lived_in(4);
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    house.night();
    let before = state(&house);
    assert_eq!(house.of(&ids[0]).unwrap().ended_by.as_deref(), Some("integration:entra"));
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    let run = house.night().run;
    let report = house.undo(run);
    assert_eq!(report.count(Outcome::Deactivated), 1);
    assert_eq!(state(&house), before);
    let evidence = "SELECT count(*) FROM change WHERE outcome = 'deactivated'
                    AND json_extract(evidence, '$.kind') = 'ordered'";
    assert_eq!(house.number(evidence), 1);
    stays_so(&mut house);
}

#[test]
fn who_was_created_goes_or_is_deactivated_when_somebody_has_touched_them() {
    let (mut house, ids) = lived_in(5);
    let before = state(&house);
    let (new, edited, locked) = house.sim.change(|world| {
        let mut hire = |name: &str| world.hire(&format!("{name}@contoso.example"), name);
        (hire("new"), hire("edited"), hire("locked"))
    });
    let run = house.night().run;
    house.set(&edited, "office", Some("1"));
    // Else the next night would write it again: a hand wins over a run only through a lock.
    house.lock(&edited, &["office"]);
    house.lock(&locked, &["office"]);
    let report = house.undo(run);
    assert_eq!((report.count(Outcome::Removed), report.count(Outcome::Deactivated)), (1, 2));
    assert_eq!(House::kept(&report), [("changed since: deactivated, not removed".to_owned(), 2)]);
    assert!(house.of(&new).is_none() && !house.active(&edited) && !house.active(&locked));
    assert_eq!(house.people().len(), before.len() + 2);
    let pins: Vec<(String, String)> = house.pins().into_iter().map(|it| (it.0, it.1)).collect();
    assert!(pins.contains(&(new.clone(), "*".to_owned())) && pins.contains(&(edited, "status".to_owned())));
    stays_so(&mut house);
    // A record that is nobody, and says something new, is somebody new.
    house.sim.change(|world| world.update_text(&new, "department", "Tax")).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 1);
    assert!(house.active(&new));
    assert!(ids.iter().all(|id| house.active(id)));
}

#[test]
fn the_whole_first_load_is_undone_and_redone() {
    let (mut house, ids) = lived_in(60);
    let after = state(&house);
    let links = "SELECT count(*) FROM link";
    let run = 1;
    let undo = house.undo(run);
    assert_eq!((undo.count(Outcome::Removed), house.people().len(), house.number(links)), (60, 0, 0));
    assert_eq!(house.pins().len(), 60);
    stays_so(&mut house);
    // Whoever looks at the next night sees why nobody comes back.
    let next = house.night();
    let skipped: Vec<_> = next.causes.iter().filter(|it| it.outcome == Outcome::Skipped).collect();
    assert_eq!((skipped.len(), skipped[0].count), (1, 60), "{skipped:?}");
    assert!(skipped[0].cause.contains(&format!("undone in run {}", undo.run)), "{skipped:?}");
    let redo = house.undo(undo.run);
    assert_eq!(redo.count(Outcome::Created), 60);
    assert_eq!((state(&house), house.pins().len(), house.number(links)), (after, 0, 60));
    stays_so(&mut house);
    assert!(refused(&mut house, undo.run).contains("was undone already"));
    // A third time: it goes again, and is pinned again.
    let third = house.undo(redo.run);
    assert_eq!((third.count(Outcome::Removed), house.pins().len()), (60, 60));
    stays_so(&mut house);
    assert!(house.of(&ids[0]).is_none());
}

#[test]
fn an_adoption_goes_with_its_link() {
    let (world, ids) = plain(3);
    let mut house = House::with(world, |doc| doc.no_limits());
    for number in 0..3 {
        house.by_hand(&format!("p{number}@contoso.example"), &[("office", "9")], None);
    }
    let before = state(&house);
    let report = house.night();
    assert_eq!(report.count(Outcome::Adopted), 3);
    let after = state(&house);
    let undo = house.undo(report.run);
    assert_eq!(state(&house), before);
    assert_eq!(house.number("SELECT count(*) FROM link"), 0);
    assert!(house.pins().iter().all(|it| it.1 == "*" && it.2.is_some()));
    stays_so(&mut house);
    house.undo(undo.run);
    assert_eq!(state(&house), after);
    assert_eq!((house.pins().len(), house.number("SELECT count(*) FROM link")), (0, 3));
    stays_so(&mut house);
    assert!(ids.iter().all(|id| house.of(id).is_some()));
}

#[test]
fn swaps_and_chains_of_usernames_come_back() {
    let (mut house, ids) = lived_in(6);
    let before = state(&house);
    let name = |world: &World, n: usize| world.user(&ids[n]).unwrap().upn().into_owned();
    house.sim.change(|world| {
        let names: Vec<String> = (0..5).map(|n| name(world, n)).collect();
        for (n, id) in ids.iter().enumerate().take(5) {
            world.rename(id, &format!("x{n}@contoso.example")).unwrap();
        }
        // A swap, and a chain of three whose last one gets a new name.
        for (n, to) in [(0, &names[1]), (1, &names[0]), (2, &names[3]), (3, &names[4])] {
            world.rename(&ids[n], to).unwrap();
        }
    });
    let run = house.night().run;
    assert_ne!(state(&house), before);
    let undo = house.undo(run);
    assert_eq!(state(&house), before);
    stays_so(&mut house);
    house.undo(undo.run);
    stays_so(&mut house);
}

#[test]
fn a_username_that_is_taken_since_is_kept() {
    let (mut house, ids) = lived_in(4);
    let old = house.of(&ids[0]).unwrap().username();
    house.sim.change(|world| {
        world.rename(&ids[0], "new@contoso.example").unwrap();
        world.update_text(&ids[0], "department", "Tax").unwrap();
    });
    let run = house.night().run;
    house.by_hand(&old, &[], None);
    let report = house.undo(run);
    assert!(House::kept(&report).contains(&("the username is somebody else's now".to_owned(), 1)));
    assert_eq!(house.of(&ids[0]).unwrap().username(), "new@contoso.example");
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"), "the rest comes back");
}

#[test]
fn imports_and_edits_are_undone_without_pins() {
    let (mut house, ids) = lived_in(3);
    let before = state(&house);
    let import = house.by_hand("p0@contoso.example", &[("office", "7")], Some(false)).run;
    let created = house.by_hand("hand@contoso.example", &[], None).run;
    let set = house.set(&ids[1], "office", Some("8")).run;
    let ended = house.set_active(&ids[2], false).run;
    for run in [ended, set, created, import] {
        house.undo(run);
    }
    assert_eq!((state(&house), house.pins()), (before, Vec::new()));
    stays_so(&mut house);
}

#[test]
fn what_cannot_be_undone_says_what_to_do() {
    let (mut house, ids) = lived_in(3);
    let lock = house.lock(&ids[0], &["office"]).run;
    assert!(refused(&mut house, lock).contains("`userload people unlock`"));
    assert!(refused(&mut house, 99).contains("there is no run 99"));
    house.sim.change(|world| world.update_text(&ids[0], "department", "Tax")).unwrap();
    let plan = house.plan().run;
    assert!(refused(&mut house, plan).contains("is a plan"));
    let quiet = {
        house.night();
        house.night().run
    };
    assert!(refused(&mut house, quiet).contains("changed nobody"));
    let (one, other) = (house.by_hand("a@x.example", &[], None), house.by_hand("b@x.example", &[], None));
    assert!(one.run < other.run);
    let (keep, gone) = (house.named("a@x.example").unwrap(), house.named("b@x.example").unwrap());
    let merge = house.merge(&keep, &gone).unwrap().run;
    assert!(refused(&mut house, merge).contains("cannot be parted"));
    let erase = house.erase(&ids[1]).run;
    assert!(refused(&mut house, erase).contains("people unerase"));
}

#[test]
fn an_applied_plan_loses_whoever_was_removed_meanwhile() {
    let (mut house, _) = lived_in(4);
    let new = house.sim.change(|world| world.hire("new@contoso.example", "New"));
    let run = house.night().run;
    house.sim.change(|world| world.update_text(&new, "department", "Tax")).unwrap();
    let plan = house.plan();
    house.undo(run);
    let error = house.try_apply(plan.run, false).unwrap_err().to_string();
    assert!(error.contains("given up"), "{error}");
    assert!(house.named("new@contoso.example").is_none());
}

#[test]
fn an_unlinked_person_is_adopted_again_and_undo_links_them_again() {
    let (mut house, ids) = lived_in(4);
    let before = house.of(&ids[0]).unwrap();
    let run = house.unlink(&ids[0]).run;
    assert!(house.of(&ids[0]).is_none());
    house.undo(run);
    assert_eq!(house.of(&ids[0]).unwrap().id, before.id);
    house.unlink(&ids[0]);
    let report = house.night();
    assert_eq!(report.count(Outcome::Adopted), 1);
    assert_eq!(house.of(&ids[0]).unwrap().id, before.id);
    // Unlinked and renamed by hand: the user is somebody new, with an id of their own.
    house.set(&ids[0], "username", Some("other@x.example"));
    house.set(&ids[0], "email", Some("other@x.example"));
    house.unlink(&ids[0]);
    assert_eq!(house.night().count(Outcome::Created), 1);
    assert_ne!(house.of(&ids[0]).unwrap().id, before.id);
    stays_so(&mut house);
}

#[test]
fn a_merge_moves_the_link_and_the_next_night_finds_one_person() {
    let (mut house, ids) = lived_in(4);
    house.by_hand("old@x.example", &[("office", "7"), ("company", "Old Ltd")], None);
    let (keep, other) = (house.named("old@x.example").unwrap(), house.of(&ids[0]).unwrap());
    house.lock(&ids[0], &["company"]);
    house.merge(&keep, &other).unwrap();
    let merged = house.of(&ids[0]).unwrap();
    assert_eq!(merged.id, keep.id);
    assert_eq!(merged.text("office").as_deref(), Some("7"), "what is there wins");
    assert_eq!(merged.text("department").as_deref(), Some("Sales"), "what is empty is filled");
    assert_eq!(house.people().len(), 4);
    assert_eq!(house.number("SELECT count(*) FROM lock"), 1, "locks move");
    house.now += DAY;
    assert_eq!(house.sync("entra").count(Outcome::Created), 0);
    assert_eq!(house.of(&ids[0]).unwrap().id, keep.id);
}

#[test]
fn two_who_are_both_seen_are_not_merged_and_the_gone_one_does_not_end_the_other() {
    let (mut house, ids) = lived_in(6);
    let (one, two) = (house.of(&ids[0]).unwrap(), house.of(&ids[1]).unwrap());
    let told = house.merge(&one, &two).unwrap_err();
    assert!(told.contains("sees both of them") && told.contains("people unlink"), "{told}");
    house.sim.change(|world| world.delete(&ids[1])).unwrap();
    house.night();
    assert!(!house.active(&ids[1]));
    let two = house.of(&ids[1]).unwrap();
    house.merge(&house.of(&ids[0]).unwrap(), &two).unwrap();
    for _ in 0..4 {
        house.night();
        assert!(house.active(&ids[0]), "{}", house.said(&ids[0]));
    }
}

#[test]
fn nothing_is_left_of_whoever_was_erased_and_no_night_makes_them_again() {
    let (world, ids) = plain(5);
    let mut house = House::with(world, |doc| doc.no_limits());
    house.sim.change(|world| {
        world.update_text(&ids[0], "displayName", "Zacharias Quellwasser").unwrap();
        world.rename(&ids[0], "quellwasser@contoso.example").unwrap();
    });
    house.night();
    house.sim.change(|world| world.update_text(&ids[0], "officeLocation", "Quellwasser's room")).unwrap();
    house.night();
    house.erase(&ids[0]);
    assert_eq!(house.number("SELECT count(*) FROM tombstone"), 1);
    for file in ["userload.db", "userload.db-wal"] {
        let bytes = std::fs::read(house.store_path().with_file_name(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("quellwasser"), "{file} still tells of them");
    }
    stays_so(&mut house);
    assert!(house.of(&ids[0]).is_none());
    let now = house.now;
    house.store().unerase(&ids[0], now).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 1);
}

#[test]
fn what_is_locked_is_not_undone() {
    let (mut house, ids) = lived_in(8);
    house.sim.change(|world| {
        for id in &ids[..3] {
            world.update_text(id, "department", "Tax").unwrap();
        }
        world.disable(&ids[3]).unwrap();
        world.disable(&ids[4]).unwrap();
    });
    let run = house.night().run;
    house.lock(&ids[0], &[""]);
    house.lock(&ids[1], &["department"]);
    house.lock(&ids[3], &["status"]);
    let report = house.undo(run);
    assert_eq!((report.count(Outcome::Updated), report.count(Outcome::Reactivated)), (1, 1));
    let kept = House::kept(&report);
    assert_eq!(kept, [("department: locked".to_owned(), 2), ("status: locked".to_owned(), 1)]);
    for id in &ids[..2] {
        assert_eq!(house.text(id, "department").as_deref(), Some("Tax"));
    }
    assert!(!house.active(&ids[3]) && house.active(&ids[4]));
    assert_eq!(house.text(&ids[2], "department").as_deref(), Some("Law"));
    stays_so(&mut house);
    // Nobody is ended who is locked, because the run that made them is undone.
    let report = house.undo(1);
    assert!(house.active(&ids[0]) && house.of(&ids[0]).is_some(), "{:?}", report.causes);
}

#[test]
fn a_value_that_is_the_same_again_is_a_later_one() {
    let (mut house, ids) = lived_in(8);
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.disable(&ids[1]).unwrap();
    });
    let run = house.night().run;
    house.set(&ids[0], "department", Some("Other"));
    house.set(&ids[0], "department", Some("Tax"));
    house.set_active(&ids[1], true);
    house.set_active(&ids[1], false);
    let refused = house.try_undo(&UndoOrder { run, ..UndoOrder::default() });
    if let Ok(report) = refused {
        let kept = House::kept(&report);
        assert_eq!(kept.len(), 2, "{kept:?}");
    }
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"), "the hand said so last");
    assert!(!house.active(&ids[1]));
}

#[test]
fn what_a_later_run_did_and_was_undone_stands_in_nobodys_way() {
    let (mut house, ids) = lived_in(8);
    house.sim.change(|world| world.update_text(&ids[0], "department", "Tax")).unwrap();
    let first = house.night().run;
    house.sim.change(|world| world.update_text(&ids[0], "department", "Law")).unwrap();
    let second = house.night().run;
    house.undo(second);
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    house.undo(first);
    assert_ne!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    stays_so(&mut house);
}

#[test]
fn nothing_is_left_of_whoever_was_merged_into_the_erased_one() {
    let (mut house, ids) = lived_in(3);
    for room in ["7", "8", "9"] {
        house.by_hand("quellwasser@x.example", &[("office", room)], None);
    }
    let told = house.undo(3);
    assert_eq!(House::kept(&told), [("office: edited since".to_owned(), 1)]);
    let text =
        |house: &House| String::from_utf8_lossy(&std::fs::read(house.store_path()).unwrap()).to_lowercase();
    let (keep, other) = (house.of(&ids[0]).unwrap(), house.named("quellwasser@x.example").unwrap());
    house.merge(&keep, &other).unwrap();
    house.erase(&ids[0]);
    assert!(!text(&house).contains("quellwasser"), "the report of an undo still has the name");
    stays_so(&mut house);
}

#[test]
fn undoing_only_the_created_removes_them_with_their_managers() {
    let (mut world, ids) = plain(12);
    for id in &ids {
        world.edit(id, |user| user.set_manager(Some(&ids[3]))).unwrap();
    }
    let mut house = House::with(world, |doc| doc.no_limits().set("manager", "true"));
    let run = house.night().run;
    assert_eq!(house.text(&ids[0], "manager"), Some("p3@contoso.example".to_owned()));
    let order = UndoOrder { run, only: vec![Outcome::Created], ..UndoOrder::default() };
    let report = house.try_undo(&order).unwrap();
    assert_eq!((report.count(Outcome::Removed), House::kept(&report)), (12, Vec::new()));
    assert!(house.people().is_empty());
    stays_so(&mut house);
}
