//! Two houses over the same random world: one lists everybody every night, the other reads changes. After every
//! night both directories are the same, and so is what waits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload_tests::{House, plain};

use crate::moves::{Move, make, moves};

type Directory = BTreeMap<String, (bool, BTreeMap<String, String>)>;

fn directory(house: &House) -> Directory {
    let sql = house.sql();
    let mut query = sql.prepare("SELECT source_id, person FROM link").unwrap();
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
    let people: BTreeMap<i64, _> = house.people().into_iter().map(|it| (it.id, it)).collect();
    rows.map(|row| {
        let (id, person) = row.unwrap();
        (id, (people[&person].active, people[&person].fields.clone()))
    })
    .collect()
}

fn waiting(house: &House) -> BTreeSet<(String, String)> {
    house.holds().into_iter().map(|it| (it.source_id, it.cause)).collect()
}

fn story(people: usize, page: usize, nights: &[(Vec<Move>, u8)]) -> usize {
    let (mut world, _) = plain(people);
    world.delta_page = page;
    let mut slow = House::with(world.clone(), |doc| doc);
    let mut fast = House::with(world, |doc| doc.set("delta", "true").set("listing-days", "365"));
    slow.night();
    fast.night();
    let (mut first, mut second, mut read) = (0, 0, 0);
    for (number, (moves, chance)) in nights.iter().enumerate() {
        // A purge is told by changes, and has to be waited for by listings.
        let moves: Vec<Move> = moves.iter().copied().filter(|it| !matches!(it, Move::Purge(_))).collect();
        slow.sim.change(|world| moves.iter().for_each(|it| make(world, *it, &mut first)));
        fast.sim.change(|world| {
            moves.iter().for_each(|it| make(world, *it, &mut second));
            if chance % 8 == 0 {
                world.forget_changes();
            }
        });
        let listed = slow.night();
        let changed = fast.night();
        assert_eq!(changed.changes_only(), chance % 8 != 0, "{:?}", changed.reading);
        read += usize::from(changed.changes_only());
        assert_eq!(directory(&fast), directory(&slow), "night {number}: {moves:?}");
        assert_eq!(waiting(&fast), waiting(&slow), "night {number}: {moves:?}");
        assert_eq!(
            (changed.changes(), changed.newly_held, changed.withdrawn),
            (listed.changes(), listed.newly_held, listed.withdrawn),
            "night {number}: {moves:?}"
        );
    }
    let last = fast.night();
    let proof = {
        fast.wanted = userload::sync::Wanted::Listing;
        fast.night().reading.unwrap().parity
    };
    assert!(proof.is_none_or(|it| it.people == 0), "{:?}", last.reading);
    read
}

#[test]
fn changes_and_listings_come_to_the_same_directory() {
    let cases = std::env::var("USERLOAD_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(15);
    let seed = std::env::var("USERLOAD_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(17);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let moves = prop::collection::vec(prop_oneof![30 => moves(), 1 => Just(Move::Wave)], 0..10);
    let nights = (20..45_usize, 1..9_usize, prop::collection::vec((moves, any::<u8>()), 6));
    TestRunner::new_with_rng(config, rng)
        .run(&nights, |(people, page, nights)| {
            story(people, page, &nights);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
