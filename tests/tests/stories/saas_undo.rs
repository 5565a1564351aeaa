//! What a run did with SaaS users is taken back with the run, and stays so until the source says something else.

use userload::model::Outcome;
use userload::store::UndoOrder;
use userload_tests::House;

use super::saas::{E3, OTHER, deactivating, license, loaded, saas, silent};

/// Every SaaS user as they are, by source id: role and status.
fn users(house: &House) -> Vec<(String, Option<String>, bool)> {
    let sql = house.sql();
    let mut query = sql.prepare("SELECT source_id, role, active FROM saas_user ORDER BY source_id").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A night of each kind: somebody new, another role, a licence lost, a licence found again.
fn busy(house: &mut House, ids: &[String]) -> i64 {
    house.sim.change(|world| license(world, &ids[3], &[]));
    house.night();
    house.sim.change(|world| {
        license(world, &ids[0], &[E3, OTHER]);
        license(world, &ids[1], &[]);
        license(world, &ids[3], &[OTHER]);
        license(world, &ids[11], &[E3]);
    });
    let told = saas(&house.night());
    assert_eq!((told.created, told.updated, told.deactivated, told.reactivated), (1, 1, 1, 1));
    house.number("SELECT max(number) FROM run")
}

#[test]
fn each_change_comes_back_and_stays() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    house.sim.change(|world| license(world, &ids[3], &[]));
    house.night();
    house.sim.change(|world| license(world, &ids[3], &[E3]));
    house.night();
    let run = busy(&mut house, &ids);
    let after = users(&house);
    let report = house.undo(run);
    let told = saas(&report);
    assert_eq!((told.removed, told.updated, told.deactivated, told.reactivated), (1, 1, 1, 1), "{told:?}");
    let role = |house: &House, n: usize| house.saas(&ids[n]).map(|it| (it.role.unwrap(), it.active));
    let e3 = || "Microsoft 365 E3".to_owned();
    assert_eq!(role(&house, 0), Some((e3(), true)));
    assert_eq!(role(&house, 1), Some((e3(), true)), "without a licence all the same");
    assert_eq!(role(&house, 3), Some((e3(), false)), "with a licence all the same");
    assert_eq!(role(&house, 11), None);
    let before = users(&house);
    for _ in 0..2 {
        silent(&mut house);
        assert_eq!(users(&house), before, "nothing is done again");
    }
    // An undo of the undo brings it all back, and nothing is kept any more.
    let told = saas(&house.undo(report.run));
    assert_eq!((told.created, told.updated, told.deactivated, told.reactivated), (1, 1, 1, 1), "{told:?}");
    assert_eq!(users(&house), after);
    assert_eq!(house.number("SELECT count(*) FROM saas_pin"), 0);
    silent(&mut house);
    assert_eq!(users(&house), after);
    // Once more from the first row.
    house.undo(run);
    assert_eq!(users(&house), before);
    silent(&mut house);
}

#[test]
fn what_the_source_says_anew_counts() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    let run = busy(&mut house, &ids);
    house.undo(run);
    house.sim.change(|world| {
        license(world, &ids[0], &[OTHER]);
        license(world, &ids[1], &[E3]);
        license(world, &ids[3], &[]);
        license(world, &ids[11], &[OTHER]);
    });
    house.night();
    let is = |house: &House, n: usize| house.saas(&ids[n]).map(|it| (it.role.unwrap(), it.active));
    assert_eq!(is(&house, 0), Some(("OTHER_THING".into(), true)));
    assert_eq!(is(&house, 11), Some(("OTHER_THING".into(), true)), "another role than the undone one");
    assert_eq!(
        house.number("SELECT count(*) FROM saas_pin WHERE field != 'role'"),
        0,
        "lifted by another word"
    );
    // The licence is lost again, and found again: no old undo stands in the way.
    house.sim.change(|world| {
        license(world, &ids[1], &[]);
        license(world, &ids[3], &[E3]);
    });
    let told = saas(&house.night());
    assert_eq!((told.deactivated, told.reactivated), (1, 1), "{told:?}");
    silent(&mut house);
}

#[test]
fn whose_person_comes_back_comes_back() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    house.sim.change(|world| world.delete(&ids[2])).unwrap();
    let run = house.night().run;
    assert!(!house.active(&ids[2]) && !house.saas(&ids[2]).unwrap().active);
    let only = UndoOrder { run, only: vec![Outcome::Deactivated], ..UndoOrder::default() };
    let report = house.try_undo(&only).unwrap();
    assert_eq!((report.count(Outcome::Reactivated), saas(&report).reactivated), (1, 1));
    assert!(house.active(&ids[2]) && house.saas(&ids[2]).unwrap().active);
    silent(&mut house);
    assert!(house.active(&ids[2]) && house.saas(&ids[2]).unwrap().active, "both stay");
    let again = house.try_undo(&only).unwrap_err();
    assert!(again.contains("undone already"), "{again}");
}

#[test]
fn what_changed_since_is_kept_and_told_and_fields_are_not_theirs() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    let run = busy(&mut house, &ids);
    house.sim.change(|world| license(world, &ids[0], &[OTHER]));
    house.night();
    let field = UndoOrder { run, fields: ["department".to_owned()].into(), ..UndoOrder::default() };
    assert!(house.try_undo(&field).unwrap_err().contains("did nothing of that kind"));
    let person = house.of(&ids[1]).map(|it| it.id);
    let told = saas(&house.try_undo(&UndoOrder { run, person, ..UndoOrder::default() }).unwrap());
    assert_eq!((told.read, told.reactivated), (1, 1));
    let dry = UndoOrder { run, dry_run: true, ..UndoOrder::default() };
    let before = users(&house);
    assert_eq!(saas(&house.try_undo(&dry).unwrap()).removed, 1);
    assert_eq!(users(&house), before);
    let report = house.undo(run);
    assert_eq!(House::kept(&report), [("SaaS user: changed since".to_owned(), 1)]);
    assert_eq!(house.saas(&ids[0]).unwrap().role.as_deref(), Some("OTHER_THING"));
    assert!(house.try_undo(&UndoOrder { run: report.run + 7, ..UndoOrder::default() }).is_err());
}

#[test]
fn an_incomplete_listing_lifts_nothing_and_leaves_nobody() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    house.sim.change(|world| world.purge(&ids[2])).unwrap();
    house.night();
    let run = busy(&mut house, &ids);
    house.undo(run);
    let pins = house.number("SELECT count(*) FROM saas_pin");
    house.trouble(graph_sim::Schedule::one(graph_sim::Rule::new(
        graph_sim::On::Saas,
        graph_sim::Action::Empty200,
    )));
    silent(&mut house);
    assert_eq!(house.number("SELECT count(*) FROM saas_pin"), pins);
}
