//! Matching: by id first; keys serve the first adoption only; two candidates are never a guess.

use userload::model::Outcome;
use userload_tests::{Document, House, plain, upn};

fn house(people: usize, change: impl FnOnce(&mut Document) -> &mut Document) -> (House, Vec<String>) {
    let (world, ids) = plain(people);
    (House::with(world, change), ids)
}

/// A house in which everybody is loaded.
fn loaded(people: usize) -> (House, Vec<String>) {
    let (mut house, ids) = house(people, |doc| doc);
    house.night();
    (house, ids)
}

fn rename(house: &House, id: &str, upn: &str) {
    house.sim.change(|world| world.rename(id, upn)).unwrap();
}

#[test]
fn a_new_name_is_a_rename_and_not_a_new_person() {
    let (mut house, ids) = loaded(10);
    let before = house.of(&ids[2]).unwrap();
    rename(&house, &ids[2], "married@contoso.example");
    assert_eq!(house.night().count(Outcome::Renamed), 1);
    assert_eq!(house.said(&ids[2]), "renamed: email, username differ");
    let after = house.of(&ids[2]).unwrap();
    assert_eq!((after.id, after.username()), (before.id, "married@contoso.example".to_owned()));
    assert!(house.named(&upn(2)).is_none());
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_name_that_differs_only_in_case_is_written_as_the_source_has_it() {
    let (mut house, ids) = loaded(10);
    rename(&house, &ids[2], "P2@Contoso.Example");
    assert_eq!(house.night().count(Outcome::Renamed), 1);
    assert_eq!(house.of(&ids[2]).unwrap().username(), "P2@Contoso.Example");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn an_imported_person_is_adopted_by_username_and_what_is_empty_is_filled() {
    let (mut house, ids) = house(10, |doc| doc);
    house.by_hand("P2@CONTOSO.example", &[], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Adopted)), (9, 1));
    let person = house.of(&ids[2]).unwrap();
    assert_eq!(person.text("department").as_deref(), Some("Law"));
    assert_eq!(house.people().len(), 10);
    // How the name is written is a value that was there: that waits.
    assert_eq!(person.username(), "P2@CONTOSO.example");
    assert_eq!(house.held(&ids[2]), ["overwrite:username"]);
}

#[test]
fn an_imported_person_is_adopted_by_email_however_its_accents_were_typed() {
    let (mut house, ids) = house(3, |doc| doc);
    house
        .sim
        .change(|world| world.update_text(&ids[0], "mail", "Jos\u{e9}.Stra\u{df}e@contoso.example"))
        .unwrap();
    house.by_hand("jose", &[("email", "JOSE\u{301}.STRASSE@contoso.EXAMPLE")], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Adopted)), (2, 1));
    assert_eq!(house.of(&ids[0]).unwrap().text("display_name").as_deref(), Some("Person 0"));
}

#[test]
fn what_is_there_is_overwritten_only_with_consent_and_goes_on_waiting() {
    let (mut house, ids) = house(10, |doc| doc);
    for n in 0..4 {
        house.by_hand(&upn(n), &[("department", "By hand"), ("display_name", &format!("Person {n}"))], None);
    }
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), report.newly_held), (4, 4));
    let group = report.held.iter().find(|it| it.cause == "overwrite:department").unwrap();
    assert_eq!((group.count, group.samples.len()), (4, 3));
    let change = &group.samples[0].changes[0];
    assert_eq!((change.field.as_str(), change.before.as_deref()), ("department", Some("\"By hand\"")));
    assert_eq!(house.of(&ids[0]).unwrap().text("email").as_deref(), Some("p0@contoso.example"), "fills flow");
    for night in 0..3 {
        let next = house.night();
        assert_eq!((next.changes(), next.newly_held, next.withdrawn), (0, 0, 0), "night {night}");
        assert_eq!(next.count(Outcome::Held), 4);
        assert_eq!(house.text(&ids[0], "department").as_deref(), Some("By hand"));
        assert_eq!(house.held(&ids[0]), ["overwrite:department"]);
    }
    // A value that the source gives now is the same question, amended.
    house.sim.change(|world| world.update_text(&ids[0], "department", "Tax")).unwrap();
    let amended = house.night();
    assert_eq!((amended.newly_held, amended.withdrawn), (0, 0));
    assert!(house.holds().iter().any(|it| it.differences.as_deref().is_some_and(|it| it.contains("Tax"))));
    // Both agree: nothing is left to ask.
    house.sim.change(|world| world.update_text(&ids[0], "department", "By hand")).unwrap();
    assert_eq!(house.night().withdrawn, 1);
    // From now on the source owns the field.
    house.sim.change(|world| world.update_text(&ids[0], "department", "Board")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Board"));
}

#[test]
fn two_candidates_are_ambiguous() {
    let (mut house, ids) = house(5, |doc| doc);
    house.by_hand(&upn(0), &[], None);
    house.by_hand("other", &[("email", &upn(0))], None);
    for _ in 0..2 {
        let report = house.night();
        assert_eq!(report.count(Outcome::Ambiguous), 1);
        assert_eq!(house.said(&ids[0]), "ambiguous: matches 2 persons, by username or email");
        assert!(house.of(&ids[0]).is_none());
    }
    assert_eq!(house.people().len(), 6);
}

#[test]
fn two_records_with_one_candidate_are_both_ambiguous_on_whatever_page() {
    let (mut house, ids) = house(30, |doc| doc.set("page-size", "10"));
    house.sim.change(|world| {
        world.update_text(&ids[0], "mail", "shared@contoso.example").unwrap();
        world.update_text(&ids[29], "mail", "Shared@contoso.example").unwrap();
    });
    house.by_hand("shared", &[("email", "shared@contoso.example")], None);
    for _ in 0..2 {
        let report = house.night();
        assert_eq!(report.count(Outcome::Ambiguous), 2);
        for id in [&ids[0], &ids[29]] {
            assert_eq!(house.said(id), "ambiguous: 2 records match the same person");
        }
    }
    assert_eq!(house.people().len(), 29);
}

#[test]
fn a_second_record_for_somebody_linked_is_ambiguous_in_a_later_run_too() {
    let (mut house, ids) = loaded(5);
    let second = house.sim.change(|world| {
        let second = world.hire("second@contoso.example", "Second");
        world.update_text(&second, "mail", &upn(0)).unwrap();
        second
    });
    house.night();
    assert_eq!(
        house.said(&second),
        format!("ambiguous: matches {}, who is linked to another user of the source ({})", upn(0), ids[0])
    );
    assert_eq!(house.people().len(), 5);
    // The first one is not troubled by it.
    house.sim.change(|world| world.update_text(&ids[0], "department", "Moved")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Moved"));
}

#[test]
fn two_new_records_with_one_username_are_both_ambiguous() {
    let (mut house, ids) = house(30, |doc| {
        doc.set("page-size", "10")
            .map("username", "\"mail\"")
            .unmap("email")
            .set("match-keys", "[\"username\"]")
    });
    house.sim.change(|world| {
        world.update_text(&ids[0], "mail", "same@contoso.example").unwrap();
        world.update_text(&ids[29], "mail", "SAME@contoso.example").unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Ambiguous), report.count(Outcome::Created)), (2, 28));
    assert_eq!(house.said(&ids[0]), "ambiguous: 2 records have the username `same@contoso.example`");
    house.sim.change(|world| world.update_text(&ids[29], "mail", "other@contoso.example")).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 2, "resolved at the source");
}

#[test]
fn two_people_swap_their_usernames_in_one_night() {
    let (mut house, ids) = loaded(10);
    let (a, b) = (house.of(&ids[0]).unwrap().id, house.of(&ids[1]).unwrap().id);
    rename(&house, &ids[0], "aside@contoso.example");
    rename(&house, &ids[1], &upn(0));
    rename(&house, &ids[0], &upn(1));
    assert_eq!(house.night().count(Outcome::Renamed), 2);
    assert_eq!((house.named(&upn(1)).unwrap().id, house.named(&upn(0)).unwrap().id), (a, b));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_chain_of_three_and_a_joiner_at_its_end() {
    let (mut house, ids) = loaded(10);
    rename(&house, &ids[2], "p99@contoso.example");
    rename(&house, &ids[1], &upn(2));
    rename(&house, &ids[0], &upn(1));
    let report = house.night();
    assert_eq!(report.count(Outcome::Renamed), 3);
    for (id, name) in [(&ids[0], upn(1)), (&ids[1], upn(2)), (&ids[2], upn(99))] {
        assert_eq!(house.of(id).unwrap().username(), name);
    }
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_joiner_with_a_name_that_a_rename_frees_is_created_when_only_the_username_counts() {
    // With match keys that the joiner shares with nobody.
    let (mut house, ids) = house(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.night();
    rename(&house, &ids[0], "moved@contoso.example");
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    let report = house.night();
    assert_eq!(
        (report.count(Outcome::Renamed), report.count(Outcome::Created)),
        (1, 1),
        "{}",
        house.said(&joiner)
    );
    assert_eq!(house.named(&upn(0)).unwrap().text("display_name").as_deref(), Some("Joiner"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_joiner_with_a_leavers_name_waits_with_the_leaver() {
    let (mut house, ids) = house(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.night();
    // The mapping changes, so that every deactivation is held.
    house.integration(|doc| doc.map("city", "\"city\""));
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.count(Outcome::Created)), (2, 0));
    assert!(house.active(&ids[0]));
    assert_eq!(
        house.said(&joiner),
        format!("held: the username `{}` still belongs to somebody who was not listed", upn(0))
    );
    assert_eq!(house.held(&joiner), ["key:username"]);
    let next = house.night();
    assert_eq!((next.newly_held, next.count(Outcome::Held)), (0, 2));
    // The joiner gets another name: nothing keeps them any longer.
    rename(&house, &joiner, "joiner@contoso.example");
    let free = house.night();
    assert_eq!((free.count(Outcome::Created), free.withdrawn), (1, 1));
}

#[test]
fn a_joiner_with_the_name_of_somebody_who_left_waits_too() {
    let (mut house, ids) = house(10, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Held)), (1, 1));
    house.night();
    assert_eq!(
        house.said(&joiner),
        format!("held: the username `{}` still belongs to somebody who is inactive", upn(0))
    );
    assert!(!house.active(&ids[0]));
}

#[test]
fn a_rehire_with_a_new_id_is_never_guessed() {
    let (mut house, ids) = loaded(10);
    let again = house.sim.change(|world| world.rehire(&ids[0])).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Ambiguous)), (1, 1));
    assert!(house.said(&again).contains("who is linked to another user of the source"));
    for _ in 0..2 {
        let next = house.night();
        assert_eq!((next.changes(), next.count(Outcome::Ambiguous)), (0, 1));
    }
    assert_eq!(house.people().len(), 10);
}

#[test]
fn an_inactive_namesake_is_never_guessed() {
    let (mut house, ids) = house(5, |doc| doc);
    house.by_hand(&upn(0), &[("display_name", "Old Hand")], Some(false));
    house.night();
    assert_eq!(
        house.said(&ids[0]),
        "ambiguous: matches Old Hand by username or email, who is inactive: a rehire or a namesake"
    );
    assert_eq!(house.people().len(), 5);
}

#[test]
fn adopted_and_disabled_is_a_deactivation_and_held_in_the_first_run() {
    let (mut house, ids) = house(5, |doc| doc);
    house.by_hand(&upn(0), &[], None);
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), report.count(Outcome::Deactivated)), (1, 0));
    assert_eq!(house.held(&ids[0]), ["deactivate:disabled"]);
    assert!(house.active(&ids[0]));
    let next = house.night();
    assert_eq!((next.count(Outcome::Held), next.newly_held), (1, 0));

    let (mut house, _) = loaded(5);
    house.by_hand("late@contoso.example", &[], None);
    let late = house.sim.change(|world| {
        let late = world.hire("late@contoso.example", "Late");
        world.disable(&late).unwrap();
        late
    });
    house.night();
    assert_eq!(
        house.said(&late),
        "deactivated: disabled at the source; the same username or email as a known person"
    );
    assert_eq!(house.of(&late).unwrap().text("display_name").as_deref(), Some("Late"));
}

#[test]
fn a_guests_name_is_a_name() {
    let (mut house, _) = loaded(3);
    let guest = "ann_example.com#EXT#@contoso.onmicrosoft.example";
    let id = house.sim.change(|world| {
        let id = world.hire(guest, "Ann");
        world.update_text(&id, "mail", "ann@example.com").unwrap();
        id
    });
    house.night();
    let person = house.of(&id).unwrap();
    assert_eq!(
        (person.username().as_str(), person.text("email").as_deref()),
        (guest, Some("ann@example.com"))
    );
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn empty_keys_never_match() {
    let (mut house, ids) = house(5, |doc| doc.set("match-keys", "[\"email\", \"employee_id\"]"));
    house.by_hand("nobody", &[("email", ""), ("employee_id", " ")], None);
    house.sim.change(|world| {
        world.update(&ids[0], "mail", "\"\"").unwrap();
        world.update(&ids[1], "mail", "null").unwrap();
        world.update_text(&ids[2], "employeeId", " ").unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Adopted)), (5, 0));
}

#[test]
fn a_username_that_somebody_has_already_is_not_taken_from_them() {
    let (mut house, ids) = house(5, |doc| doc.set("match-keys", "[\"employee_id\"]"));
    house.by_hand(&upn(0), &[], None);
    house.night();
    assert_eq!(
        house.said(&ids[0]),
        format!("ambiguous: the username `{}` already belongs to somebody", upn(0))
    );
    house.sim.change(|world| world.purge(&ids[0])).unwrap();
    rename(&house, &ids[1], &upn(0));
    house.night();
    assert_eq!(house.held(&ids[1]), ["key:username"]);
    assert_eq!(house.of(&ids[1]).unwrap().username(), upn(1));
    assert_eq!(house.of(&ids[1]).unwrap().text("email"), Some(upn(0)), "what is safe flows beside it");
}
