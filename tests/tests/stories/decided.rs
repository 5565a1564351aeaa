//! Who an ambiguous record is: asked once, answered by somebody in charge, remembered.

use userload::model::Outcome;
use userload_tests::{House, plain, upn};

fn house(people: usize) -> (House, Vec<String>) {
    let (world, ids) = plain(people);
    (House::new(world), ids)
}

fn settled(house: &mut House) {
    for _ in 0..2 {
        let report = house.night();
        assert_eq!(
            (report.changes(), report.newly_held, report.count(Outcome::Ambiguous)),
            (0, 0, 0),
            "{report:#?}"
        );
        assert!(house.holds().is_empty(), "{:?}", house.holds());
    }
}

#[test]
fn two_candidates_are_a_question_and_one_of_them_the_answer() {
    let (mut house, ids) = house(5);
    house.by_hand(&upn(0), &[], None);
    house.by_hand("other", &[("email", &upn(0))], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Ambiguous), report.newly_held), (1, 1));
    assert_eq!(house.night().newly_held, 0, "asked once");
    let hold = house.holds().remove(0);
    assert_eq!((hold.source_id.as_str(), hold.cause.as_str()), (ids[0].as_str(), "ambiguous"));
    assert_eq!(hold.reason, "matches 2 persons, by username or email");
    let report = house.decide(&ids[0], Some("other")).unwrap();
    assert_eq!(report.count(Outcome::Adopted), 1, "{report:#?}");
    let person = house.of(&ids[0]).unwrap();
    assert_eq!(person.text("department").as_deref(), Some("Sales"), "what is empty is filled");
    assert_eq!(person.username(), "other", "what is there is overwritten only with consent");
    assert_eq!(house.held(&ids[0]), ["overwrite:username"]);
    house.reject(|it| it.cause == "overwrite:username");
    assert_eq!(house.number("SELECT count(*) FROM decision WHERE kind = 'link'"), 1);
    house.night();
    house.night();
    assert!(house.holds().is_empty());
    assert_eq!(house.of(&ids[0]).unwrap().username(), "other");
}

#[test]
fn a_namesake_who_is_inactive_is_taken_or_left_as_somebody_says() {
    for new in [false, true] {
        let (mut house, ids) = house(5);
        house.by_hand("old", &[("display_name", "Old Hand"), ("email", &upn(0))], Some(false));
        house.night();
        assert_eq!(house.held(&ids[0]), ["ambiguous"]);
        let who = (!new).then_some("old");
        let report = house.decide(&ids[0], who).unwrap();
        let person = house.of(&ids[0]).unwrap();
        assert!(person.active);
        if new {
            assert_eq!(report.count(Outcome::Created), 1);
            assert!(!house.named("old").unwrap().active);
            settled(&mut house);
        } else {
            assert_eq!((report.count(Outcome::Reactivated), house.people().len()), (1, 5));
            assert_eq!(person.text("department").as_deref(), Some("Sales"));
            house.approve(|_| true);
            settled(&mut house);
            assert_eq!(house.of(&ids[0]).unwrap().username(), upn(0));
        }
    }
}

#[test]
fn decided_and_disabled_at_the_source_they_stay_inactive() {
    let (mut house, ids) = house(5);
    house.by_hand("old", &[("email", &upn(0))], Some(false));
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    house.night();
    let report = house.decide(&ids[0], Some("old")).unwrap();
    assert_eq!(report.count(Outcome::Adopted), 1, "{report:#?}");
    assert!(!house.active(&ids[0]));
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    house.night();
    assert!(house.active(&ids[0]), "from then on the source decides");
}

#[test]
fn a_new_person_needs_a_username_of_their_own() {
    let (mut house, ids) = house(5);
    house.by_hand(&upn(0), &[], None);
    house.by_hand("other", &[("email", &upn(0))], None);
    house.night();
    let (error, _) = house.decide(&ids[0], None).unwrap_err();
    assert!(error.to_string().contains("already belongs to somebody"), "{error}");
    assert_eq!(house.number("SELECT count(*) FROM decision"), 0);
    assert_eq!(house.night().newly_held, 0, "the question stands as it stood");
}

#[test]
fn a_rehire_takes_the_place_of_who_was_deleted() {
    let (mut house, ids) = house(10);
    house.night();
    let before = house.of(&ids[0]).unwrap();
    let again = house.sim.change(|world| world.rehire(&ids[0])).unwrap();
    house.night();
    assert_eq!(house.held(&again), ["ambiguous"]);
    let report = house.decide(&again, Some(&upn(0))).unwrap();
    assert_eq!(report.count(Outcome::Reactivated), 1, "{report:#?}");
    assert!(
        house.said(&again).ends_with(&format!("; takes the place of {}", ids[0])),
        "{}",
        house.said(&again)
    );
    let after = house.of(&again).unwrap();
    assert_eq!((after.id, after.active), (before.id, true));
    assert!(house.of(&ids[0]).is_none(), "the old link is gone");
    settled(&mut house);
    // The old one turns up again: a person has one user, so that is a question.
    house.sim.change(|world| world.purge(&ids[0])).unwrap();
    settled(&mut house);
}

#[test]
fn what_is_undone_after_a_rehire_stays_undone() {
    let (mut house, ids) = house(10);
    house.night();
    house.sim.change(|world| world.update(&ids[0], "department", "null")).unwrap();
    let run = house.night().run;
    let again = house.sim.change(|world| world.rehire(&ids[0])).unwrap();
    house.night();
    house.decide(&again, Some(&upn(0))).unwrap();
    house.sim.change(|world| world.update(&again, "department", "null")).unwrap();
    house.night();
    assert_eq!(house.text(&again, "department"), None);
    let undo = house.undo(run).run;
    assert_eq!(house.text(&again, "department").as_deref(), Some("Sales"));
    house.night();
    assert_eq!(house.text(&again, "department").as_deref(), Some("Sales"), "{}", house.said(&again));
    // Undone again, nothing stands in the way of the source.
    house.undo(undo);
    assert_eq!(house.pins(), Vec::new());
    settled(&mut house);
    assert_eq!(house.text(&again, "department"), None);
}

#[test]
fn nobody_takes_the_place_of_who_is_still_there() {
    let (mut house, ids) = house(5);
    house.night();
    let second = house.sim.change(|world| {
        let second = world.hire("second@contoso.example", "Second");
        world.update_text(&second, "mail", &upn(0)).unwrap();
        second
    });
    house.night();
    let (error, _) = house.decide(&second, Some(&upn(0))).unwrap_err();
    assert!(error.to_string().contains(&format!("linked to {}, who is still there", ids[0])), "{error}");
    let report = house.decide(&second, None).unwrap();
    assert_eq!(report.count(Outcome::Created), 1);
    settled(&mut house);
}

#[test]
fn of_two_records_with_one_candidate_one_is_decided_and_the_other_asked_about_anew() {
    let (mut house, ids) = house(30);
    house.sim.change(|world| {
        world.update_text(&ids[0], "mail", "shared@contoso.example").unwrap();
        world.update_text(&ids[29], "mail", "Shared@contoso.example").unwrap();
    });
    house.by_hand("shared", &[("email", "shared@contoso.example")], None);
    assert_eq!(house.night().newly_held, 2);
    house.decide(&ids[0], Some("shared")).unwrap();
    let next = house.night();
    assert_eq!((next.count(Outcome::Ambiguous), next.newly_held), (1, 0), "the same question, amended");
    assert!(house.said(&ids[29]).contains("who is linked to another user of the source"));
    house.decide(&ids[29], None).unwrap();
    house.approve(|_| true);
    settled(&mut house);
}

#[test]
fn two_records_with_one_username_are_decided_one_by_one() {
    let (world, ids) = plain(10);
    let mut house = House::with(world, |doc| {
        doc.map("username", "\"mail\"").unmap("email").set("match-keys", "[\"username\"]")
    });
    house.sim.change(|world| {
        world.update_text(&ids[0], "mail", "same@contoso.example").unwrap();
        world.update_text(&ids[9], "mail", "SAME@contoso.example").unwrap();
    });
    assert_eq!(house.night().newly_held, 2);
    assert_eq!(house.decide(&ids[0], None).unwrap().count(Outcome::Created), 1);
    house.night();
    assert_eq!(house.held(&ids[9]), ["ambiguous"], "the other one has lost the name");
    assert!(house.decide(&ids[9], None).is_err());
    house.sim.change(|world| world.update_text(&ids[9], "mail", "other@contoso.example")).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 1);
    settled(&mut house);
}

#[test]
fn a_rejected_ambiguous_record_is_passed_over_until_it_changes() {
    let (mut house, ids) = house(5);
    house.by_hand("old", &[("email", &upn(0))], Some(false));
    house.night();
    let rejected = house.reject(|_| true);
    house.night();
    assert_eq!(house.said(&ids[0]), format!("skipped: rejected in run {}", rejected.run));
    house.sim.change(|world| world.update_text(&ids[0], "department", "Board")).unwrap();
    assert_eq!(house.night().newly_held, 1, "another record, another question");
}
