//! What an undo leaves as it is, how many people that are, and what it keeps a later night from.

use userload::model::Outcome;
use userload_tests::House;

#[test]
fn a_person_of_whom_two_fields_stay_is_one_person() {
    let (mut house, ids) = House::loaded(10, |doc| doc.no_limits());
    house.sim.change(|world| {
        for id in &ids[..3] {
            for (field, value) in [("department", "Tax"), ("jobTitle", "Chief"), ("companyName", "Contoso")] {
                world.update_text(id, field, value).unwrap();
            }
        }
    });
    let run = house.night().run;
    for field in ["department", "job_title"] {
        house.set(&ids[0], field, Some("By hand"));
    }
    house.set(&ids[1], "department", Some("By hand"));
    let report = house.undo(run);
    let kept = [("department: edited since".to_owned(), 2), ("job_title: edited since".to_owned(), 1)];
    assert_eq!(House::kept(&report), kept);
    assert_eq!((report.kept, report.rows_seen), (Some(2), 3), "two people, three fields");
    // Nothing but a lock keeps what a hand has set; what was undone stays so.
    let next = house.night();
    assert_eq!((next.kept, next.changes()), (None, 2), "{next:#?}");
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    assert_eq!(house.text(&ids[2], "department").as_deref(), Some("Law"));
    assert_eq!(house.night().changes(), 0);
}

/// An adoption was undone, which keeps the record from being taken again; then the link that the hand had taken away
/// before came back. Whoever is linked is looked at like anybody.
#[test]
fn who_is_linked_again_is_not_passed_over_for_an_undone_adoption() {
    let (mut house, ids) = House::loaded(10, |doc| doc.no_limits());
    let unlinked = house.unlink(&ids[0]).run;
    let adopted = house.night();
    assert_eq!(adopted.count(Outcome::Adopted), 1, "{adopted:#?}");
    house.undo(adopted.run);
    assert_eq!(house.night().count(Outcome::Skipped), 1);
    house.undo(unlinked);
    assert!(house.of(&ids[0]).is_some() && house.pins().iter().any(|it| it.1 == "*"), "{:?}", house.pins());
    let report = house.night();
    assert_eq!((report.count(Outcome::Skipped), report.changes()), (0, 0), "{report:#?}");
    assert!(house.pins().is_empty(), "{:?}", house.pins());
    house.sim.change(|world| world.update_text(&ids[0], "department", "Tax")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
}
