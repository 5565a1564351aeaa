//! One story for each kind of person. What each says of the next night is what the next night does.

use graph_sim::{Action, On, Rule, Schedule};
use rusqlite::Connection;
use userload_tests::upn;

use super::town::Town;

const QUIET: &str = "next run: nothing changes while the source says the same";

#[test]
fn created_then_unchanged() {
    let mut town = Town::loaded("");
    let story = town.why(&upn(3));
    assert_eq!(story.decided(), "created: new at the source");
    assert_eq!(story.next(), QUIET);
    let account = story.account();
    assert_eq!(account["source_id"], town.ids[3]);
    assert_eq!(account["record"]["userPrincipalName"], upn(3));
    assert_eq!(account["filter_verdict"], "everybody is let through: the source listed them");
    assert_eq!(account["linked_by"]["run"], 1);
    assert_eq!(story.field("department")["rules"][0]["rule"], "department");
    assert_eq!(story.field("department")["rules"][0]["mapped_value"], "Sales");
    assert_eq!(story.history("department"), "contoso 1");
    assert_eq!(story.field("access_role")["rules"][0]["rule"], "always \"Employee\", required");
    // The same person by every name.
    let uid = story.0["person"]["uid"].as_str().unwrap().to_owned();
    for name in ["P3@CONTOSO.example", "Person 3", &uid, &town.ids[3], &town.ids[3].to_uppercase()] {
        assert_eq!(town.why(name).0["person"]["uid"], uid, "{name}");
    }
    assert_eq!(town.night(0)["outcomes"]["unchanged"], 20, "as it was said");
    assert_eq!(town.why(&upn(3)).decided(), "unchanged: nothing differs");
    assert_eq!(town.why_in(&upn(3), 1).decided(), "created: new at the source");
}

#[test]
fn every_value_has_the_sources_own_text() {
    let mut town = Town::new("");
    town.change(|world| world.update(&town.ids[0], "employeeId", "\"00\\u0037\"")).unwrap();
    town.night(0);
    let told = town.told(&upn(0));
    assert!(told.contains(r#"     "employeeId": "00\u0037","#), "{told}");
    assert!(told.contains("Employee ID"), "{told}");
    assert_eq!(town.why(&upn(0)).field("employee_id")["value"], "007");
}

#[test]
fn updated_and_renamed_with_the_values_before() {
    let mut town = Town::loaded("");
    town.change(|world| world.update_text(&town.ids[2], "jobTitle", "Smith")).unwrap();
    town.night(0);
    assert_eq!(town.why(&upn(2)).decided(), "updated: job_title differs");
    town.change(|world| world.rename(&town.ids[2], "married@contoso.example")).unwrap();
    town.night(0);
    let story = town.why("married@contoso.example");
    assert!(story.decided().starts_with("renamed: "), "{}", story.decided());
    assert_eq!(story.history("username"), "contoso 1, contoso 3");
    assert_eq!(story.field("username")["history"][1]["before"], upn(2));
    assert_eq!(story.history("job_title"), "contoso 2");
    assert_eq!(story.next(), QUIET);
    let past = town.why_in("married@contoso.example", 2);
    assert_eq!(past.decided(), "updated: job_title differs");
    assert!(past.account()["record_note"].as_str().unwrap().contains("only that is kept"), "{past:#?}");
    town.told("married@contoso.example");
    assert_eq!(town.night(0)["outcomes"]["unchanged"], 20);
}

#[test]
fn deactivated_by_each_cause_with_its_evidence() {
    let mut town = Town::loaded("");
    town.change(|world| {
        world.disable(&town.ids[1]).unwrap();
        world.delete(&town.ids[2]).unwrap();
        world.purge(&town.ids[4]).unwrap();
    });
    town.night(0);
    let disabled = town.why(&upn(1));
    assert!(disabled.decided().starts_with("deactivated: disabled at the source"), "{}", disabled.decided());
    assert_eq!(disabled.account()["ledger"]["evidence"]["kind"], "disabled");
    assert_eq!(disabled.account()["filter_verdict"], "everybody is let through: the source listed them");
    assert!(disabled.next().contains("enabled again, they are reactivated"), "{}", disabled.next());
    let deleted = town.why(&upn(2));
    assert!(deleted.decided().starts_with("deactivated: deleted at the source on "), "{}", deleted.decided());
    assert_eq!(deleted.account()["ledger"]["evidence"]["kind"], "deleted");
    assert_eq!(deleted.account()["filter_verdict"], "not listed by the source");
    assert!(deleted.next().starts_with("next run: stays inactive, they are gone"), "{}", deleted.next());
    assert_eq!(deleted.0["person"]["ended_by"], "integration:contoso");

    // Waiting: three runs and three days.
    let waiting = town.why(&upn(4));
    assert_eq!(waiting.decided(), "waiting: not found; the grace is not over");
    let grace = &waiting.account()["waiting"];
    assert_eq!((&grace["runs"], &grace["of_runs"]), (&1.into(), &3.into()));
    assert!(
        waiting
            .next()
            .contains("not found by 1 of 3 complete runs; 2 more runs and 3 days (until 2026-12-06"),
        "{}",
        waiting.next()
    );
    town.night(0);
    town.night(0);
    let nearly = town.why(&upn(4));
    assert!(nearly.next().contains("1 more run and 1 day"), "{}", nearly.next());
    town.night(0);
    let gone = town.why(&upn(4));
    assert_eq!(gone.decided(), "deactivated: not found at the source, and the grace is over");
    assert_eq!(gone.account()["ledger"]["evidence"]["kind"], "not-found");
    assert_eq!(gone.0["status"].as_array().unwrap().len(), 2, "active, then inactive");
    // Once it is settled, runs have nothing to say, and that is said.
    town.night(0);
    assert!(town.why(&upn(4)).decided().contains("their absence was settled before"));
    assert_eq!(
        town.why_in(&upn(4), 5).decided(),
        "deactivated: not found at the source, and the grace is over"
    );
    // Back: what `why` said of the next night is so.
    town.change(|world| world.enable(&town.ids[1])).unwrap();
    assert_eq!(town.night(0)["outcomes"]["reactivated"], 1);
    let back = town.why(&upn(1)).decided();
    assert!(back.starts_with("reactivated: enabled at the source again"), "{back}");
}

#[test]
fn kept_because_they_left_the_filter_or_a_hand_ended_them() {
    let mut town = Town::loaded("filter = \"department eq 'Sales'\"");
    assert_eq!(town.why(&upn(3)).account()["filter"], "department eq 'Sales'");
    assert_eq!(town.why(&upn(3)).account()["filter_verdict"], "let through: the source listed them");
    town.change(|world| world.update_text(&town.ids[3], "department", "Elsewhere")).unwrap();
    town.contoso.home.write("hand.csv", format!("username,status\n{},inactive\n", upn(6)));
    town.run(&["people", "import", "hand.csv"]).ended(0);
    town.night(0);
    let left = town.why(&upn(3));
    assert!(left.decided().starts_with("kept: "), "{}", left.decided());
    assert!(left.decided().contains("filter"), "{}", left.decided());
    assert_eq!(left.account()["filter_verdict"], "not listed by the source");
    assert!(left.next().contains("asked about again"), "{}", left.next());
    let by_hand = town.why(&upn(6));
    assert_eq!(by_hand.decided(), "kept: inactive by hand while enabled at the source");
    assert_eq!(by_hand.next(), "next run: kept again: inactive by hand while enabled at the source");
    assert_eq!(by_hand.0["status"][1]["reason"], "imported from hand.csv, line 2");
    assert_eq!(town.night(0)["outcomes"]["kept"], 2, "again");
}

#[test]
fn held_until_somebody_decides() {
    let mut town = Town::new("");
    let hand = format!("username,department,access_role\n{},By hand,Employee\n", upn(0));
    town.contoso.home.write("hand.csv", hand);
    town.run(&["people", "import", "hand.csv"]).ended(0);
    // Known by hand only: no run has met them.
    let imported = town.why(&upn(0));
    assert_eq!(imported.0["accounts"].as_array().unwrap().len(), 0);
    assert_eq!(imported.history("department"), "import 1");
    assert_eq!(imported.0["never_seen_by"][0]["why"], "it has never run");
    town.night(3);
    let story = town.why(&upn(0));
    assert!(story.decided().starts_with("adopted: "), "{}", story.decided());
    assert_eq!(story.not_applied("department"), "held since run 2: overwrite:department");
    assert_eq!(story.field("department")["rules"][0]["mapped_value"], "Sales");
    assert_eq!(story.field("department")["value"], "By hand");
    assert_eq!(story.account()["held"][0]["cause"], "overwrite:department");
    assert!(story.next().ends_with("next run: held again, until it is decided"), "{}", story.next());
    let told = town.told(&upn(0));
    assert!(told.contains("the record says \"Sales\"") && told.contains("waits: department: "), "{told}");
    let run = town.night(0);
    assert_eq!(run["newly_held"], 0);
    assert_eq!(town.why(&upn(0)).account()["outcome"], "held");
}

#[test]
fn imported_only_and_never_listed() {
    let mut town = Town::loaded("");
    town.contoso.home.write("hand.csv", "username,email,access_role\nbo,bo@contoso.example,Employee\n");
    town.run(&["people", "import", "hand.csv"]).ended(0);
    town.night(0);
    let story = town.why("bo");
    assert_eq!(story.0["accounts"].as_array().unwrap().len(), 0);
    let why = story.0["never_seen_by"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("not met by run 3; there is no filter: it would have let them through"), "{why}");
    assert!(why.contains("`bo@contoso.example` is recognised as them"), "{why}");
    assert!(town.told("bo").contains("Fields that no mapping fills"));
    // So it is.
    town.change(|world| world.hire("bo@contoso.example", "Bo"));
    town.night(3);
    assert!(town.why("bo").decided().starts_with("adopted: "));
}

#[test]
fn ambiguous_failed_and_skipped_are_known_by_their_source_id() {
    let mut town = Town::new("");
    let people = format!("username,email,access_role\n{},,Employee\nother,{},Employee\n", upn(0), upn(0));
    town.contoso.home.write("hand.csv", people);
    town.run(&["people", "import", "hand.csv"]).ended(0);
    town.change(|world| world.update(&town.ids[1], "userPrincipalName", "null")).unwrap();
    town.night(3);
    let ambiguous = town.why(&town.ids[0]);
    assert_eq!(ambiguous.0["person"], serde_json::Value::Null);
    assert!(ambiguous.decided().starts_with("ambiguous: matches 2 persons"), "{}", ambiguous.decided());
    assert!(ambiguous.next().contains("until somebody decides who it is"), "{}", ambiguous.next());
    let note = ambiguous.account()["record_note"].as_str().unwrap();
    assert!(note.contains("no record is kept") && note.contains("--ask"), "{note}");
    let failed = town.why(&town.ids[1]);
    assert!(failed.decided().starts_with("failed: username: "), "{}", failed.decided());
    assert!(failed.next().contains("fails again until"), "{}", failed.next());
    // Asked just now, the record is there, and with it everything that a run would say.
    let asked = town.run(&["why", &town.ids[0], "--ask", "--json"]).ended(0).json();
    let asked = &asked["accounts"][0]["asked"];
    assert_eq!((&asked["answer"], &asked["record"]["id"]), (&"present".into(), &town.ids[0].as_str().into()));
    assert!(asked["verdict"].as_str().unwrap().contains("a run would say ambiguous: matches 2"), "{asked}");
    town.night(4);
    assert!(town.why(&town.ids[0]).decided().starts_with("ambiguous: "), "again, as it was said");
    assert!(town.why(&town.ids[1]).decided().starts_with("failed: "), "again, as it was said");

    let mut town = Town::new("mode = \"update-only\"");
    town.night(0);
    let skipped = town.why(&town.ids[5]);
    assert_eq!(skipped.decided(), "skipped: mode is update-only");
    assert_eq!(skipped.next(), "next run: passed over again: mode is update-only");
}

#[test]
fn a_linked_person_whose_row_fails_keeps_the_last_good_record() {
    let mut town = Town::loaded("");
    town.change(|world| world.update(&town.ids[1], "userPrincipalName", "null")).unwrap();
    town.night(4);
    let story = town.why(&upn(1));
    assert!(story.decided().starts_with("failed: username: "), "{}", story.decided());
    assert_eq!(story.account()["record"]["userPrincipalName"], upn(1));
    assert!(story.account()["record_note"].as_str().unwrap().contains("could be mapped"));
    assert!(story.next().contains("fails again"), "{}", story.next());
}

#[test]
fn never_seen_and_what_the_source_says_when_it_is_asked() {
    let mut town = Town::loaded("filter = \"department eq 'Sales'\"");
    let (outside, nobody) = (town.ids[1].clone(), "1b7c9e40-0000-4000-8000-000000000000");
    for who in [outside.as_str(), nobody, "nobody@contoso.example"] {
        let story = town.why(who);
        let why = story.0["never_seen_by"][0]["why"].as_str().unwrap().to_owned();
        assert!(why.starts_with("not met by run 1; the filter is `department eq 'Sales'`"), "{why}");
        assert!(why.contains("cannot be told without a record"), "{why}");
        assert!(town.told(who).starts_with(&format!("No run has met {who}\n")));
    }
    let sent = town.contoso.sim.journal().len();
    let asked = |who: &str| town.run(&["why", who, "--ask"]).ended(0).out;
    let there = asked(&outside);
    let verdict = "there; a run would say created: new at the source, but the filter `department eq 'Sales'` does not \
                   let them through: department is now";
    assert!(there.contains(verdict), "{there}");
    assert!(
        asked(nobody).contains("the source does not know this id; nobody is linked"),
        "{}",
        asked(nobody)
    );
    assert!(town.contoso.sim.journal().len() > sent);
    assert!(town.contoso.home.people().matches("\"uid\"").count() == 7, "asking changes nobody");
    // A near name is offered.
    assert!(town.told("p33@contoso.example").contains("did you mean p3@contoso.example?"));
    town.change(|world| world.update_text(&outside, "department", "Sales")).unwrap();
    assert_eq!(town.night(0)["outcomes"]["created"], 1, "as it was said");
}

#[test]
fn a_plan_a_draft_and_a_run_that_failed() {
    let mut town = Town::loaded("");
    town.change(|world| {
        world.hire("new@contoso.example", "Newcomer");
        world.update_text(&town.ids[0], "jobTitle", "Smith").unwrap();
    });
    town.run(&["plan"]).ended(0);
    // Whoever is only planned is found by the name that they would get.
    let planned = town.why("new@contoso.example");
    assert_eq!(planned.decided(), "created: new at the source");
    assert_eq!(planned.account()["run"]["state"], "planned");
    assert_eq!(planned.account()["record"]["userPrincipalName"], "new@contoso.example");
    assert!(planned.next().contains("`userload apply 2` makes what was planned so"), "{}", planned.next());
    let waits = town.why(&upn(0));
    assert_eq!(waits.decided(), "updated: job_title differs");
    assert_eq!(waits.account()["record_note"], "as plan 2 read it");
    assert_eq!(town.told(&upn(0)).matches("planned, not applied").count(), 1);
    let failing = Action::status(500);
    town.contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, failing).always()));
    town.night(1);
    town.contoso.sim.clear_faults();
    let failed = town.why_in(&upn(0), 3);
    assert!(failed.decided().starts_with("run 3 failed before anybody was judged: "), "{}", failed.decided());
    // Without a run it is about the last one that judged anybody.
    assert_eq!(town.why(&upn(0)).account()["run"]["number"], 1);
    town.run(&["apply", "2"]).ended(2);
    assert_eq!(town.night(0)["outcomes"]["updated"], 1);
}

#[test]
fn locks_pins_decisions_and_tombstones_are_shown() {
    let town = Town::loaded("");
    let sql = Connection::open(town.contoso.home.store()).unwrap();
    let all = format!(
        "INSERT INTO lock SELECT 1, id, 'department', 'she moves next month', 1, 1796000000000 FROM person
           WHERE json_extract(fields, '$.username') = '{0}';
         INSERT INTO pin (tenant, integration, source_id, person, field, source_value, reason, run, at)
           SELECT 1, 'contoso', source_id, person, 'job_title', NULL, 'undone in run 1', 1, 1796000000000 FROM link
           WHERE source_id = '{1}';
         INSERT INTO decision SELECT 1, 'contoso', source_id, 'link', person, 1, 1796000000000 FROM link
           WHERE source_id = '{1}';
         INSERT INTO tombstone VALUES (1, '1b7c9e40-0000-4000-8000-000000000000', 'x', 1796000000000);",
        upn(0),
        town.ids[0]
    );
    sql.execute_batch(&all).unwrap();
    drop(sql);
    let story = town.why(&upn(0));
    assert!(story.not_applied("department").contains("locked by hand: she moves next month"));
    assert_eq!(story.0["locks"][0]["field"], "department");
    assert!(story.not_applied("job_title").starts_with("pinned: undone in run 1"));
    assert!(story.next().contains("job_title is pinned (undone in run 1)"), "{}", story.next());
    assert_eq!(story.account()["decided"]["kind"], "link");
    let told = town.told(&upn(0));
    assert!(told.contains("locked: department since") && told.contains("decided by hand on"), "{told}");
    assert!(town.told("1b7c9e40-0000-4000-8000-000000000000").contains("erased by hand on 2026-11-30"));
}

#[test]
fn the_rules_have_changed_since_the_run() {
    let town = Town::loaded("");
    let document =
        town.contoso.document("").replace("job_title = \"jobTitle\"", "job_title = \"department\"");
    userload_tests::program::save(&town.contoso.home, &document).ended(0);
    let story = town.why(&upn(0));
    assert_eq!(story.account()["today"]["rules_changed"], true);
    assert!(story.next().starts_with("next run: updated (job_title differs)"), "{}", story.next());
    assert!(story.next().contains("the rules have changed since"), "{}", story.next());
    town.contoso.home.done("integration remove contoso");
    assert_eq!(town.why(&upn(0)).next(), "`contoso` was removed: no run looks at them any more");
}

/// The store of somebody who was loaded once is enough: no source, no key.
#[test]
fn no_network_and_no_key_are_needed() {
    let Town { contoso, .. } = Town::loaded("");
    let home = contoso.home;
    drop(contoso.sim);
    std::fs::remove_file(home.home().join("key")).unwrap();
    let before = home.contents();
    home.done(&format!("why {}", upn(0))).answers(&[QUIET]);
    // Asked, it tells the story all the same, and that there was no answer.
    let asked = home.run(&format!("why {} --ask", upn(0))).ended(1);
    asked.answers(&[QUIET, "asked just now: the source gave no answer"]);
    assert!(home.contents() == before);
}

/// What a killed run left in the log of the store stays there.
#[test]
fn a_log_that_was_left_behind_is_left_alone() {
    let town = Town::loaded("");
    let sql = Connection::open(town.contoso.home.store()).unwrap();
    sql.execute_batch("PRAGMA journal_mode = WAL; UPDATE sequence SET next = next + 1; ").unwrap();
    // A process that never closes: its log is there, and not copied back.
    let copy = town.contoso.home.around().join("copy");
    assert!(
        std::process::Command::new("cp")
            .arg("-a")
            .arg(town.contoso.home.home())
            .arg(&copy)
            .status()
            .unwrap()
            .success()
    );
    drop(sql);
    let log = copy.join("userload.sqlite-wal");
    let before = (std::fs::read(copy.join("userload.sqlite")).unwrap(), std::fs::read(&log).unwrap());
    assert!(!before.1.is_empty());
    town.run(&["why", &upn(0), "--home", &copy.display().to_string()]).ended(0);
    let after = (std::fs::read(copy.join("userload.sqlite")).unwrap(), std::fs::read(&log).unwrap());
    assert!(after == before);
}

#[test]
fn the_manager_has_a_rule_and_a_history() {
    let mut town = Town::new("manager = true");
    let managed_by = |town: &Town, n: usize| {
        town.change(|world| world.edit(&town.ids[3], |user| user.set_manager(Some(&town.ids[n])))).unwrap();
    };
    managed_by(&town, 0);
    town.night(0);
    let story = town.why(&upn(3));
    assert_eq!(story.field("manager")["value"], upn(0));
    assert!(story.field("manager")["rules"][0]["rule"].as_str().unwrap().contains("a pass of its own"));
    assert_eq!(story.history("manager"), "contoso 1");
    town.run(&["people", "lock", &upn(3), "manager"]).ended(0);
    managed_by(&town, 1);
    town.night(0);
    let story = town.why(&upn(3));
    assert_eq!(story.field("manager")["value"], upn(0));
    assert_eq!(story.not_applied("manager"), "locked by hand");
}
