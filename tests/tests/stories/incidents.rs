//! What burnt the users of other products, replayed. Each story names where it happened, says who must be
//! active afterwards by a count of its own, and what the next night does.

use std::collections::BTreeSet;

use graph_sim::{Action, On, Rule, Schedule, World};
use userload::model::Outcome;
use userload_tests::{Document, House, upn};

/// A loaded house of so many people, in pages of ten.
fn loaded(people: usize, change: impl FnOnce(&mut Document) -> &mut Document) -> (House, Vec<String>) {
    House::loaded(people, |doc| change(doc.set("page-size", "10")))
}

/// Nobody but these is inactive, and nobody is lost or doubled.
#[track_caller]
fn only_these_left(house: &House, people: usize, left: &[&String]) {
    assert_eq!(house.people().len(), people);
    let gone: BTreeSet<String> =
        house.people().into_iter().filter(|it| !it.active).map(|it| it.username()).collect();
    let expected: BTreeSet<String> = left.iter().map(|id| house.of(id).unwrap().username()).collect();
    assert_eq!(gone, expected);
}

/// A night in which nothing changes and nobody is asked anything new.
#[track_caller]
fn quiet(house: &mut House) {
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0), "{:?}", report.outcomes);
}

/// o365-moodle #2048: an error of the API during the full load, then "Suspending deleted users": 5,160
/// accounts. Cartography: the failed next page ends the loop, and the clean-up deletes who was not refreshed.
#[test]
fn an_error_in_the_middle_of_a_listing() {
    let (mut house, _) = loaded(45, |doc| doc);
    for fault in [Action::status(500), Action::status(403), Action::NotJson, Action::Html200] {
        house.trouble(Schedule::one(Rule::new(On::Users, fault).page(3).always()));
        house.fails();
        only_these_left(&house, 45, &[]);
    }
    quiet(&mut house);
}

/// keycloak #24669: an empty answer removes everybody. SailPoint: a redirect gave zero accounts, and the
/// deletions began.
#[test]
fn an_empty_answer_and_a_redirect() {
    let (mut house, _) = loaded(45, |doc| doc);
    house.trouble(Schedule::one(Rule::new(On::Users, Action::Empty200)));
    assert!(!house.night().completeness.complete);
    only_these_left(&house, 45, &[]);
    house.trouble(Schedule::one(Rule::new(On::Users, Action::status(302)).always()));
    house.fails();
    only_these_left(&house, 45, &[]);
    quiet(&mut house);
}

/// authentik #19295: a narrower filter removed every user that it left out.
#[test]
fn a_filter_that_became_narrower() {
    let (mut house, ids) = loaded(45, |doc| doc);
    house.integration(|doc| doc.filter("department eq 'Sales'"));
    for _ in 0..5 {
        let report = house.night();
        assert_eq!((report.count(Outcome::Deactivated), report.changes()), (0, 0));
        only_these_left(&house, 45, &[]);
    }
    // Who is deleted outside of the filter is gone all the same: once the change of the filter is old news.
    house.sim.change(|world| world.delete(&ids[1])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    only_these_left(&house, 45, &[&ids[1]]);
    // The filter is taken back: the first run after that holds, and there is nobody to hold.
    house.integration(|doc| doc.unset("filter"));
    quiet(&mut house);
    only_these_left(&house, 45, &[&ids[1]]);
}

/// Okta, "A recent full import from AD unexpectedly deactivated": a record without a required attribute was
/// skipped, and skipped counted as missing.
#[test]
fn a_record_without_a_required_attribute() {
    let (mut house, ids) = loaded(20, |doc| doc.map("email", "{ source = \"mail\", required = true }"));
    house.sim.change(|world| world.update(&ids[0], "mail", "null")).unwrap();
    for _ in 0..5 {
        let report = house.night();
        assert_eq!((report.count(Outcome::Failed), report.changes()), (1, 0));
        assert!(house.said(&ids[0]).starts_with("failed: email: required"), "{}", house.said(&ids[0]));
        only_these_left(&house, 20, &[]);
    }
    house.sim.change(|world| world.update_text(&ids[0], "mail", &upn(0))).unwrap();
    quiet(&mut house);
}

/// Firezone: the source answered 200 with a part of the people missing, and its count agreed. And the same
/// third really deleted: a percentage cannot tell the two apart, an answer about each can.
#[test]
fn a_third_vanishes_and_a_third_is_deleted() {
    let (mut house, ids) = loaded(30, |doc| doc);
    house.trouble(
        Schedule::one(Rule::new(On::Users, Action::CutListing).page(2))
            .and(Rule::new(On::UsersCount, Action::WrongCount { n: 20 })),
    );
    let report = house.night();
    assert!(report.completeness.complete, "it looks complete: {:?}", report.completeness);
    assert_eq!((report.absent, report.count(Outcome::Kept), report.changes()), (10, 10, 0));
    only_these_left(&house, 30, &[]);
    quiet(&mut house);

    house.sim.change(|world| ids[..10].iter().for_each(|id| world.delete(id).unwrap()));
    let report = house.night();
    assert_eq!((report.count(Outcome::Held), report.newly_held), (10, 10));
    only_these_left(&house, 30, &[]);
    quiet(&mut house);
    // It was a mistake, and is mended within the thirty days: the questions go away by themselves.
    house.sim.change(|world| ids[..10].iter().for_each(|id| world.restore(id).unwrap()));
    assert_eq!(house.night().withdrawn, 10);
    only_these_left(&house, 30, &[]);
    quiet(&mut house);
}

/// o365-moodle #1356, #1836, #2357: a name in upper case never matched, and people were there twice.
#[test]
fn a_sign_in_name_in_another_case() {
    let (mut house, ids) = loaded(20, |doc| doc);
    house.sim.change(|world| world.rename(&ids[3], "P3@Contoso.Example")).unwrap();
    assert_eq!(house.night().count(Outcome::Renamed), 1);
    assert_eq!(house.of(&ids[3]).unwrap().username(), "P3@Contoso.Example");
    only_these_left(&house, 20, &[]);
    quiet(&mut house);
    // Somebody was entered by hand in yet another case: the same person.
    house.by_hand("JOINER@CONTOSO.EXAMPLE", &[], None);
    house.sim.change(|world| world.hire("joiner@contoso.example", "Joiner"));
    house.night();
    only_these_left(&house, 21, &[]);
}

/// snipe-it #13894, #16189: a rename made a second person and stranded what the first one owned.
#[test]
fn a_marriage() {
    let (mut house, ids) = loaded(20, |doc| doc);
    let before = house.of(&ids[5]).unwrap().id;
    house.sim.change(|world| {
        world.rename(&ids[5], "new.name@contoso.example").unwrap();
        world.update_text(&ids[5], "mail", "new.name@contoso.example").unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Renamed), report.changes()), (1, 1));
    assert_eq!(house.named("new.name@contoso.example").unwrap().id, before);
    only_these_left(&house, 20, &[]);
    quiet(&mut house);
}

/// ServiceNow: a rehire left an inactive and an active record with one employee number, and every run failed.
#[test]
fn a_rehire() {
    let (mut house, ids) = loaded(20, |doc| doc.set("match-keys", "[\"employee_id\", \"username\"]"));
    house.sim.change(|world| world.update_text(&ids[0], "employeeId", "007")).unwrap();
    house.night();
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.night();
    only_these_left(&house, 20, &[&ids[0]]);
    let again = house.sim.change(|world| {
        let id = world.hire("back@contoso.example", "Back Again");
        world.update_text(&id, "employeeId", "007").unwrap();
        world.update_text(&ids[1], "department", "Law").unwrap();
        id
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Ambiguous), report.count(Outcome::Failed)), (1, 0));
    assert!(house.of(&again).is_none(), "whether it is a rehire or a namesake is for a person to say");
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("Law"), "the run goes on");
    only_these_left(&house, 20, &[&ids[0]]);
    quiet(&mut house);
}

/// Entra provisioning, known issues: two users with one mail became one person. Bitwarden's directory
/// connector: one doubled address ends the whole load.
#[test]
fn two_people_with_one_mail() {
    let (mut house, ids) = loaded(20, |doc| doc);
    let (one, two) = house.sim.change(|world| {
        let one = world.hire("one@contoso.example", "One");
        let two = world.hire("two@contoso.example", "Two");
        for id in [&one, &two] {
            world.update_text(id, "mail", "shared@contoso.example").unwrap();
        }
        world.update_text(&ids[0], "department", "Law").unwrap();
        (one, two)
    });
    // Neither is known: two new people who happen to share a mailbox, and the rest of the load goes on.
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Updated)), (2, 1));
    assert_ne!(house.of(&one).unwrap().id, house.of(&two).unwrap().id);
    quiet(&mut house);
    // A third one finds two candidates, and is nobody's guess.
    let third = house.sim.change(|world| {
        let id = world.hire("three@contoso.example", "Three");
        world.update_text(&id, "mail", "shared@contoso.example").unwrap();
        id
    });
    assert_eq!(house.night().count(Outcome::Ambiguous), 1);
    assert!(house.of(&third).is_none());
    only_these_left(&house, 22, &[]);
    quiet(&mut house);
}

/// A script at the source wipes a column. Google Cloud Directory Sync blocks everything, the others write the
/// nulls.
#[test]
fn a_wave_of_nulls() {
    let (mut house, ids) = loaded(60, |doc| doc);
    house.sim.change(|world| {
        world.wipe("department");
        world.hire("joiner@contoso.example", "Joiner");
        world.update_text(&ids[7], "jobTitle", "Chief").unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.newly_held), (1, 60));
    assert!(ids.iter().all(|id| house.text(id, "department").is_some()), "nothing is lost");
    assert_eq!(house.text(&ids[7], "job_title").as_deref(), Some("Chief"), "the rest flows");
    quiet(&mut house);
    assert!(ids.iter().all(|id| house.text(id, "department").is_some()));
}

/// glpi #2556, snipe-it #14696: a filter keeps the disabled out, so that nobody is ever deactivated.
#[test]
fn the_disabled_are_filtered_out_at_the_source() {
    let (mut house, ids) = loaded(20, |doc| doc.filter("accountEnabled eq true"));
    house.sim.change(|world| world.disable(&ids[4])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    assert!(house.said(&ids[4]).contains("disabled"), "{}", house.said(&ids[4]));
    only_these_left(&house, 20, &[&ids[4]]);
    quiet(&mut house);
    house.sim.change(|world| world.enable(&ids[4])).unwrap();
    assert_eq!(house.night().count(Outcome::Reactivated), 1);
    only_these_left(&house, 20, &[]);
    quiet(&mut house);
}

/// A changed mapping rewrites everybody, and takes whoever happens to be missing that night along.
#[test]
fn a_changed_mapping() {
    let (mut house, ids) = loaded(60, |doc| doc);
    house.integration(|doc| doc.map("department", "\"officeLocation\""));
    house.sim.change(|world| {
        world.delete(&ids[0]).unwrap();
        world.disable(&ids[1]).unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.changes()), (0, 0));
    assert!(ids.iter().all(|id| house.text(id, "department").is_some()), "60 departments are not wiped");
    only_these_left(&house, 60, &[]);
    quiet(&mut house);
    // It is taken back: the questions about the column go away; those who left are still asked about.
    house.integration(|doc| doc.map("department", "\"department\""));
    let back = house.night();
    assert_eq!(back.changes(), 0);
    assert_eq!(house.holds().len(), 2, "{:?}", house.holds());
    only_these_left(&house, 60, &[]);
}

/// glpi #21423: somebody who went to the recycle bin and back was another person each time.
#[test]
fn in_and_out_of_the_recycle_bin() {
    let (mut house, ids) = loaded(20, |doc| doc);
    let person = house.of(&ids[2]).unwrap().id;
    for _ in 0..3 {
        house.sim.change(|world| world.delete(&ids[2])).unwrap();
        house.night();
        only_these_left(&house, 20, &[&ids[2]]);
        house.sim.change(|world| world.restore(&ids[2])).unwrap();
        house.night();
        only_these_left(&house, 20, &[]);
        assert_eq!(house.of(&ids[2]).unwrap().id, person);
    }
    quiet(&mut house);
}

/// o365-moodle #1346: users without a name were created again every hour.
#[test]
fn users_with_nothing_but_an_id_and_a_name_to_sign_in() {
    let (mut house, _) = loaded(20, |doc| doc);
    let bare = house.sim.change(|world| {
        let id = world.hire("bare@contoso.example", "x");
        for property in ["displayName", "mail", "givenName", "surname", "jobTitle"] {
            world.update(&id, property, "null").unwrap();
        }
        id
    });
    assert_eq!(house.night().count(Outcome::Created), 1);
    assert_eq!(house.of(&bare).unwrap().username(), "bare@contoso.example");
    quiet(&mut house);
    only_these_left(&house, 21, &[]);
}

/// n8n #22567, entra-docs #77: a secret expires over night, and nobody notices until people are missing.
#[test]
fn a_secret_that_expired() {
    let (mut house, ids) = loaded(20, |doc| doc);
    house.sim.change(|world: &mut World| {
        world.delete(&ids[0]).unwrap();
        world.app_mut().unwrap().secret_expired = true;
    });
    let (error, _) = house.fails();
    assert!(error.to_string().contains("AADSTS7000222"), "{error}");
    only_these_left(&house, 20, &[]);
    house.sim.change(|world: &mut World| world.app_mut().unwrap().secret_expired = false);
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    only_these_left(&house, 20, &[&ids[0]]);
}
