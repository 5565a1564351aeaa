//! Random worlds and changes: an undo gives the state before, an undo of the undo the state after, and the
//! unchanged nights between change nobody.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload_tests::{House, Person, plain};

#[derive(Clone, Copy, Debug)]
enum Move {
    Hire,
    Delete(usize),
    Disable(usize),
    Enable(usize),
    Rename(usize),
    Swap(usize, usize),
    Transfer(usize, usize),
    Clear(usize),
    /// Somebody is entered by hand whom the source hires as well: an adoption.
    EnterAndHire,
}

fn moves() -> impl Strategy<Value = Move> {
    let who = || 0..1000_usize;
    prop_oneof![
        Just(Move::Hire),
        who().prop_map(Move::Delete),
        who().prop_map(Move::Disable),
        who().prop_map(Move::Enable),
        who().prop_map(Move::Rename),
        (who(), who()).prop_map(|(a, b)| Move::Swap(a, b)),
        (who(), who()).prop_map(|(a, b)| Move::Transfer(a, b)),
        who().prop_map(Move::Clear),
        Just(Move::EnterAndHire),
    ]
}

fn make(house: &mut House, what: Move, fresh: &mut u32) {
    *fresh += 1;
    let name = format!("fresh{fresh}@contoso.example");
    if let Move::EnterAndHire = what {
        house.by_hand(&name, &[("office", "by hand")], None);
        house.sim.change(|world| world.hire(&name, "Entered"));
        return;
    }
    house.sim.change(|world| {
        let ids = world.ids();
        let one = |n: usize| ids[n % ids.len()].clone();
        match what {
            Move::Hire => drop(world.hire(&name, "Hired")),
            Move::Delete(n) => world.delete(&one(n)).unwrap(),
            Move::Disable(n) => world.disable(&one(n)).unwrap(),
            Move::Enable(n) => world.enable(&one(n)).unwrap(),
            Move::Rename(n) => world.rename(&one(n), &name).unwrap(),
            Move::Swap(a, b) if one(a) != one(b) => {
                let upn = |id: &str| world.user(id).unwrap().upn().into_owned();
                let (first, second) = (upn(&one(a)), upn(&one(b)));
                world.rename(&one(a), &name).unwrap();
                world.rename(&one(b), &first).unwrap();
                world.rename(&one(a), &second).unwrap();
            }
            Move::Transfer(a, b) => {
                world.update_text(&one(a), "department", &format!("D{}", b % 7)).unwrap();
            }
            Move::Clear(n) => world.update(&one(n), "department", "null").unwrap(),
            Move::Swap(..) | Move::EnterAndHire => {}
        }
    });
}

/// Everybody and every link, without versions and stamps.
fn state(house: &House) -> (BTreeMap<i64, Person>, Vec<(String, i64)>) {
    let people = house.people().into_iter().map(|it| (it.id, Person { version: 0, ..it })).collect();
    let sql = house.sql();
    let mut query = sql.prepare("SELECT source_id, person FROM link ORDER BY source_id").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (people, rows.map(Result::unwrap).collect())
}

fn quiet(house: &mut House) {
    let before = state(house);
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0), "{:?}", report.causes);
    assert_eq!(state(house), before);
}

fn story(people: usize, earlier: &[Move], moves: &[Move]) {
    let (world, _) = plain(people);
    let mut house = House::with(world, |doc| doc.no_limits().set("page-size", "10"));
    let mut fresh = 0;
    house.night();
    earlier.iter().for_each(|it| make(&mut house, *it, &mut fresh));
    house.night();
    moves.iter().for_each(|it| make(&mut house, *it, &mut fresh));
    let before = state(&house);
    let run = house.night();
    let after = state(&house);
    if run.changes() == 0 {
        assert_eq!(after, before);
        return;
    }
    let mut last = run.run;
    for round in 0..3 {
        let report = house.undo(last);
        assert_eq!(House::kept(&report), Vec::new(), "round {round}");
        let wanted = if round % 2 == 0 { &before } else { &after };
        assert_eq!(&state(&house), wanted, "round {round}");
        quiet(&mut house);
        last = report.run;
    }
}

#[test]
fn undo_gives_the_state_before_and_undo_of_it_the_state_after() {
    let config = Config { cases: 30, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let some = || prop::collection::vec(moves(), 1..14);
    TestRunner::new_with_rng(config, rng)
        .run(&(15..40_usize, some(), some()), |(people, earlier, moves)| {
            story(people, &earlier, &moves);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
