//! What an approval may not do, whatever was approved; and which questions it ends beside its own.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::{Order, RunReport};
use userload_tests::{House, plain, upn};

/// Somebody deleted of whom two things are asked: a change of the mapping has held them, and in the night after the
/// source gave no answer about them.
fn asked_twice() -> (House, Vec<String>) {
    let (mut house, ids) = House::loaded(30, |doc| doc);
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.integration(|doc| doc.map("city", "\"city\""));
    house.night();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::BatchMissingPart { part: 0 })));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:deleted", "deactivate:unconfirmed"]);
    (house, ids)
}

fn state_of(house: &House, cause: &str) -> (String, Option<String>) {
    let hold = house.all_holds().into_iter().rfind(|it| it.cause == cause).unwrap();
    (hold.state, hold.note)
}

fn quiet(house: &mut House) -> RunReport {
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0), "{report:#?}");
    report
}

#[test]
fn who_leaves_is_no_question_under_another_cause() {
    for approved in ["deactivate:deleted", "deactivate:unconfirmed"] {
        let (mut house, ids) = asked_twice();
        let report = house.approve(|it| it.cause == approved);
        assert_eq!((report.count(Outcome::Deactivated), report.withdrawn), (1, 1), "{report:#?}");
        assert!(!house.active(&ids[0]) && house.holds().is_empty(), "{:?}", house.holds());
        let other =
            if approved.ends_with("deleted") { "deactivate:unconfirmed" } else { "deactivate:deleted" };
        let note = format!("deactivated in run {}", report.run);
        assert_eq!(state_of(&house, other), ("withdrawn".to_owned(), Some(note)));
        quiet(&mut house);
    }
}

#[test]
fn what_was_rejected_is_not_done_by_approving_another_question() {
    let (mut house, ids) = asked_twice();
    house.reject(|it| it.cause == "deactivate:deleted");
    let report = house.approve(|it| it.cause == "deactivate:unconfirmed");
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Kept)), (0, 1), "{report:#?}");
    assert!(house.active(&ids[0]), "no means no");
    quiet(&mut house);
    assert!(house.active(&ids[0]));
}

#[test]
fn whom_another_integration_sees_does_not_leave_by_an_approval() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.set("priority", "5"));
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.integration(|doc| doc.map("city", "\"city\""));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:deleted"]);
    // They come back, another integration meets them, and they are deleted again: that one has not seen it yet.
    house.sim.change(|world| world.restore(&ids[0])).unwrap();
    house.change("second", |doc| doc.set("priority", "1")).unwrap();
    house.sync("second");
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    let report = house.approve(|it| it.cause == "deactivate:deleted");
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Kept)), (0, 1), "{report:#?}");
    assert!(
        house.active(&ids[0]) && house.said(&ids[0]).contains("still seen by second"),
        "{}",
        house.said(&ids[0])
    );
    // The next night of both: nobody sees them any more.
    house.now += userload_tests::DAY;
    house.sync("second");
    house.sync("entra");
    assert!(!house.active(&ids[0]), "{}", house.said(&ids[0]));
    quiet(&mut house);
}

#[test]
fn who_somebody_is_cannot_be_approved_even_when_the_doubt_is_over() {
    let (world, ids) = plain(5);
    let mut house = House::new(world);
    house.by_hand(&upn(0), &[], None);
    house.by_hand("other", &[("email", &upn(0))], None);
    house.night();
    let hold = house.holds().remove(0);
    assert_eq!((hold.source_id.as_str(), hold.cause.as_str()), (ids[0].as_str(), "ambiguous"));
    // Neither of them has the record's keys any more: a run would make somebody new.
    house.sim.change(|world| world.rename(&ids[0], "third@contoso.example")).unwrap();
    let (error, _) = house.order(&Order::Approve(vec![hold.id])).unwrap_err();
    assert_eq!(error.to_string(), "who an ambiguous record is cannot be approved");
    assert!(house.of(&ids[0]).is_none() && house.holds().len() == 1);
    // The next night finds that there is no doubt.
    assert_eq!((house.night().count(Outcome::Created), house.holds().len()), (1, 0));
    quiet(&mut house);
}

#[test]
fn a_name_that_somebody_else_took_meanwhile_stays_a_question() {
    let (mut house, ids) = House::loaded(40, |doc| doc);
    house.sim.change(|world| {
        for (n, id) in ids[..9].iter().enumerate() {
            world.rename(id, &format!("n{n}@contoso.example")).unwrap();
        }
    });
    assert_eq!(house.night().newly_held, 18);
    house.by_hand("n0@contoso.example", &[("display_name", "Quick")], None);
    let report = house.approve(|it| it.source_id == ids[0]);
    assert_eq!(house.held(&ids[0]), ["rename:username"], "{report:#?}");
    assert!(
        report.notes.iter().any(|it| it.contains("belongs to somebody who is active")),
        "{:?}",
        report.notes
    );
    assert_eq!(house.of(&ids[0]).unwrap().username(), upn(0));
    assert_eq!(
        house.text(&ids[0], "email").as_deref(),
        Some("n0@contoso.example"),
        "the other answer is done"
    );
    let next = quiet(&mut house);
    assert_eq!((next.withdrawn, house.of(&ids[0]).unwrap().username()), (0, upn(0)));
}

#[test]
fn whose_grace_has_only_begun_stays_a_question() {
    let (mut house, ids) = House::loaded(30, |doc| doc);
    house.sim.change(|world| {
        world.purge(&ids[0]).unwrap();
        world.delete(&ids[1]).unwrap();
    });
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    assert_eq!(house.night().newly_held, 2);
    let report = house.approve(|_| true);
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Waiting)), (1, 1), "{report:#?}");
    assert_eq!((report.withdrawn, house.held(&ids[0])), (0, vec!["deactivate:unconfirmed".to_owned()]));
    let note = "1 still held: Person 0: not found at the source; the next runs count the grace";
    assert!(report.notes.iter().any(|it| it == note), "{:?}", report.notes);
    for _ in 0..3 {
        assert_eq!(house.night().count(Outcome::Waiting), 1);
        assert!(house.active(&ids[0]));
    }
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    assert!(!house.active(&ids[0]) && house.holds().is_empty());
}

/// Why somebody was to leave is over when the source says that they are there, listed or not.
#[test]
fn who_is_there_when_asked_for_is_no_question() {
    let (world, ids) = plain(30);
    // This filter is answered without a count, so that a cut listing passes for a whole one.
    let mut house = House::with(world, |doc| doc.set("page-size", "10").filter("accountEnabled eq true"));
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.integration(|doc| doc.map("city", "\"city\""));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:deleted"]);
    // Whoever comes back stands at the end of the listing.
    house.sim.change(|world| world.restore(&ids[0])).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Users, Action::CutListing).page(2)));
    let report = house.night();
    assert_eq!((report.absent, report.count(Outcome::Kept)), (10, 10));
    assert!(house.said(&ids[0]).contains("the listing missed them"), "{}", house.said(&ids[0]));
    assert_eq!((report.withdrawn, house.holds().len()), (1, 0));
    quiet(&mut house);
    // Deleted again: that is another question, and one is no disaster.
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
}

#[test]
fn who_is_there_outside_of_the_filter_is_no_question_without_an_answer() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.filter("department eq 'Sales'"));
    house.night();
    house.sim.change(|world| world.update_text(&ids[0], "department", "Law")).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:unconfirmed"]);
    let report = house.night();
    assert_eq!((report.count(Outcome::Kept), report.withdrawn, house.holds().len()), (1, 1, 0));
    assert!(quiet(&mut house).withdrawn == 0 && house.active(&ids[0]));
}
