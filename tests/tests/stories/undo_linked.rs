//! Who was entered by hand and is a user of the source by now is not ended by undoing the entry.

use userload::model::Outcome;
use userload::store::UndoOrder;
use userload_tests::{House, plain, upn};

const LINKED: &str = "linked to entra since: left as they are";

fn undo(house: &mut House, run: i64) -> (u64, u64, u64, Vec<(String, u64)>) {
    let report = house.try_undo(&UndoOrder { run, ..UndoOrder::default() }).unwrap();
    let count = |outcome| report.count(outcome);
    (count(Outcome::Removed), count(Outcome::Deactivated), count(Outcome::Kept), House::kept(&report))
}

#[test]
fn an_import_of_people_who_are_loaded_since_is_left_as_it_is() {
    let (world, ids) = plain(5);
    let mut house = House::with(world, |doc| doc.no_limits());
    let adopted = house.by_hand(&upn(0), &[("office", "7")], None).run;
    let edited = house.by_hand(&upn(1), &[], None).run;
    let only_here = house.by_hand("hand@contoso.example", &[], None).run;
    house.night();
    house.set(&ids[1], "city", Some("Bonn"));
    let before = house.people();
    for run in [adopted, edited] {
        assert_eq!(undo(&mut house, run), (0, 0, 1, vec![(LINKED.to_owned(), 1)]));
    }
    assert_eq!(house.people(), before);
    assert!(house.active(&ids[0]) && house.active(&ids[1]), "the source has them enabled");
    assert_eq!(undo(&mut house, only_here), (1, 0, 0, vec![]));
    let people = house.people();
    let next = house.night();
    assert_eq!((next.changes(), house.people()), (0, people));
    // No longer linked, the entry can be taken back: what was changed since, by ending them.
    house.unlink(&ids[0]);
    let (removed, ended, kept, _) = undo(&mut house, adopted);
    assert_eq!((removed + ended, kept), (1, 0));
}
