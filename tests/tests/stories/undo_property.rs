//! Random worlds and changes: an undo gives the state before, an undo of the undo the state after, and the
//! unchanged nights between change nobody.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload_tests::{House, Person, plain};

use crate::moves::{Move, make};

/// What happens between two nights.
#[derive(Clone, Copy, Debug)]
enum Act {
    Source(Move),
    /// Somebody is entered by hand whom the source hires as well: an adoption.
    EnterAndHire,
}

fn acts() -> impl Strategy<Value = Act> {
    let who = || 0..1000_usize;
    prop_oneof![
        Just(Act::Source(Move::Hire)),
        who().prop_map(|n| Act::Source(Move::Delete(n))),
        who().prop_map(|n| Act::Source(Move::Disable(n))),
        who().prop_map(|n| Act::Source(Move::Enable(n))),
        who().prop_map(|n| Act::Source(Move::Rename(n))),
        (who(), who()).prop_map(|(a, b)| Act::Source(Move::Swap(a, b))),
        (who(), who()).prop_map(|(a, b)| Act::Source(Move::Transfer(a, b))),
        (who(), who()).prop_map(|(a, b)| Act::Source(Move::Promote(a, b))),
        who().prop_map(|n| Act::Source(Move::Clear(n))),
        Just(Act::EnterAndHire),
    ]
}

fn act(house: &mut House, what: Act, fresh: &mut u32) {
    match what {
        Act::Source(what) => house.sim.change(|world| make(world, what, fresh)),
        Act::EnterAndHire => {
            *fresh += 1;
            let name = format!("fresh{fresh}@contoso.example");
            house.by_hand(&name, &[("office", "by hand")], None);
            house.sim.change(|world| world.hire(&name, "Entered"));
        }
    }
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

fn story(people: usize, earlier: &[Act], moves: &[Act]) {
    let (world, _) = plain(people);
    let mut house = House::with(world, |doc| doc.no_limits().set("page-size", "10"));
    let mut fresh = 0;
    house.night();
    earlier.iter().for_each(|it| act(&mut house, *it, &mut fresh));
    house.night();
    moves.iter().for_each(|it| act(&mut house, *it, &mut fresh));
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
    let some = || prop::collection::vec(acts(), 1..14);
    TestRunner::new_with_rng(config, rng)
        .run(&(15..40_usize, some(), some()), |(people, earlier, moves)| {
            story(people, &earlier, &moves);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
