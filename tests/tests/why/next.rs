//! What comes next is what comes next: a grace is no promise where the status may not be written; and nobody is
//! said to be let through who is not there.

use userload_tests::upn;

use super::town::{Story, Town};

/// What comes next for the user of one integration.
#[track_caller]
fn next_of(story: &Story, integration: &str) -> (String, String) {
    let accounts = story.0["accounts"].as_array().expect("a list");
    let account = accounts.iter().find(|it| it["integration"] == integration).expect("an account");
    let lines: Vec<&str> =
        account["next"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    (format!("{}: {}", account["outcome"].as_str().unwrap_or("-"), account["reason"]), lines.join(" | "))
}

#[test]
fn a_pinned_status_is_not_said_to_end() {
    let mut town = Town::loaded("");
    town.change(|world| world.purge(&town.ids[4])).unwrap();
    (0..4).for_each(|_| drop(town.night(0)));
    assert!(town.why(&upn(4)).decided().starts_with("deactivated: "));
    town.run(&["undo", "5"]).ended(0);
    (0..2).for_each(|_| drop(town.night(0)));
    let story = town.why(&upn(4));
    assert!(story.decided().starts_with("kept: "), "{}", story.decided());
    let next = story.next();
    assert!(next.contains("the status is pinned (undone in run 6)"), "{next}");
    assert!(next.contains("not found by 3 of 3 complete runs") && next.contains("kept again"), "{next}");
    assert!(!next.contains("deactivates them") && !next.contains("then deactivated"), "{next}");
    assert_eq!(town.night(0)["outcomes"]["kept"], 1, "as it was said");
}

#[test]
fn a_locked_status_is_not_said_to_end() {
    let mut town = Town::loaded("");
    town.change(|world| world.purge(&town.ids[4])).unwrap();
    (0..3).for_each(|_| drop(town.night(0)));
    assert!(town.why(&upn(4)).next().contains("then deactivated for not-found"));
    town.run(&["people", "lock", &upn(4), "--status"]).ended(0);
    let next = town.why(&upn(4)).next();
    assert!(next.contains("kept again, however long it lasts: the status is locked"), "{next}");
    assert!(!next.contains("deactivated for not-found"), "{next}");
    assert_eq!(town.night(0)["outcomes"]["kept"], 1, "as it was said");
}

#[test]
fn whom_another_integration_sees_is_not_said_to_end() {
    let mut town = Town::loaded("priority = 2");
    let alpha = town.contoso.document("priority = 1").replacen("name = \"contoso\"", "name = \"alpha\"", 1);
    town.contoso.home.write("alpha.toml", alpha);
    town.run(&["integration", "save", "-f", "alpha.toml"]).ended(0);
    town.run(&["launch", "alpha"]).ended(0);
    town.night_of("alpha", 0);
    town.change(|world| world.purge(&town.ids[4])).unwrap();
    (0..5).for_each(|_| drop(town.night_of("contoso", 0)));
    let story = town.why(&upn(4));
    let (decided, next) = next_of(&story, "contoso");
    assert!(decided.starts_with("kept: ") && decided.contains("still seen by alpha"), "{decided}");
    assert!(
        next.contains("still seen by alpha") && next.contains("not found by 3 of 3 complete runs"),
        "{next}"
    );
    assert!(!next.contains("deactivates them") && !next.contains("then deactivated"), "{next}");
    assert_eq!(town.night_of("contoso", 0)["outcomes"]["kept"], 1, "as it was said");
}

#[test]
fn who_is_held_is_not_said_to_end_by_itself() {
    let mut town = Town::loaded("");
    town.change(|world| (4..12).for_each(|n| world.purge(&town.ids[n]).unwrap()));
    (0..3).for_each(|_| drop(town.night(0)));
    town.night(3);
    let next = town.why(&upn(4)).next();
    assert!(next.contains("held since") && next.ends_with("held again, until it is decided"), "{next}");
    assert!(!next.contains("deactivates them") && !next.contains("4 of 3"), "{next}");
    assert_eq!(town.night(0)["newly_held"], 0, "as it was said");
}

#[test]
fn nobody_is_said_to_be_let_through_who_is_not_there() {
    let town = Town::loaded("");
    for who in ["nobody@contoso.example", "1b7c9e40-0000-4000-8000-000000000000"] {
        let why = town.why(who).0["never_seen_by"][0]["why"].as_str().unwrap().to_owned();
        assert!(why.starts_with("not met by run 1; there is no filter"), "{why}");
        assert!(!why.contains("let them through") && why.contains("the source did not list them"), "{why}");
    }
}
