//! The hand's commands as somebody types them: what they answer, and what they refuse without changing
//! anything.

use userload_tests::program::{Contoso, Home};

/// Two people who were entered by hand.
fn by_hand() -> Home {
    let home = Home::new();
    home.write("staff.csv", "username,access_role,department,employee_id\nana@x.example,Employee,Sales,007\nbo@x.example,Guest,,\n");
    home.done("people import staff.csv");
    home
}

/// Refused with exit 2 and these sentences, and every file is as it was.
#[track_caller]
fn refuses(home: &Home, arguments: &[&str], sentences: &[&str]) {
    let before = home.people();
    let runs = home.done("runs list --json").out;
    let told = home.told(home.call(arguments).run().ended(2));
    for sentence in sentences {
        assert!(told.contains(sentence), "{arguments:?}: no `{sentence}` in: {told}");
    }
    assert_eq!(home.people(), before, "{arguments:?} has changed somebody");
    assert_eq!(home.done("runs list --json").out, runs, "{arguments:?} has left a run behind");
}

#[test]
fn what_cannot_be_set_is_told_and_nothing_changes() {
    let home = by_hand();
    for (values, sentences) in [
        (&["departmnt=Tax"][..], &["people have no field `departmnt`", "did you mean `department`?"][..]),
        (&["department"], &["`department` is no FIELD=VALUE", "--clear department"]),
        (&["department="], &["`department` has no value", "--clear department"]),
        (&["access_role=Boss"], &["`Boss` is no access role, expected one of Employee"]),
        (&["hire_date=tomorrow"], &["expected a time such as"]),
        (&["resource_account=maybe"], &["expected true or false"]),
        (&["username=BO@x.example"], &["the username `BO@x.example` is somebody else's already"]),
        (&["connector_sync_time=2026-11-23T00:00:00Z"], &["is a stamp of the link"]),
        (&["department=a", "department=b"], &["`department` is given twice"]),
        (&["--clear", "username"], &["everybody has a `username`", "give another one"]),
        (&["--clear", "access_role"], &["everybody has a `access_role`"]),
        (&["status=inactive"], &["people have no field `status`", "--active and --inactive"]),
        (&["--active", "--inactive"], &["cannot be used with"]),
        (&[], &["nothing is to be set"]),
    ] {
        let arguments = [&["people", "set", "ana@x.example"][..], values].concat();
        refuses(&home, &arguments, sentences);
    }
    refuses(
        &home,
        &["people", "set", "nobody@x.example", "city=Bonn"],
        &["there is nobody `nobody@x.example`"],
    );
}

#[test]
fn what_is_set_is_answered_and_stands_in_the_history() {
    let home = by_hand();
    let answer =
        home.call(&["people", "set", "007", "Department=Tax & Law", "--clear", "employee id", "--inactive"]);
    answer.run().ended(0).answers(&[
        "department: \"Sales\" → \"Tax & Law\"",
        "employee_id: \"007\" → empty",
        "inactive (run 2)",
    ]);
    home.done("people show ana@x.example").answers(&["inactive, by hand", "Tax & Law", "set by hand"]);
    home.done("people set ana@x.example --inactive").answers(&["has all of that already"]);
    let told = home.done("people set ana@x.example city=Bonn --json").json();
    assert_eq!((told["run"].as_i64(), told["person"]["fields"]["city"].as_str()), (Some(3), Some("Bonn")));
    home.done("undo 2").answers(&["Run 4: undo of run 2, applied", "^1 reactivated"]);
    home.done("people show 007").answers(&["Sales"]);
    home.done("runs show 4").answers(&["undo of run 2"]);
    home.done("runs show 4 --changes").answers(&["run 2 undone: set by hand"]);
}

#[test]
fn locks_are_lifted_as_they_were_made() {
    let home = by_hand();
    refuses(&home, &["people", "unlock", "ana@x.example"], &["nothing of ana@x.example is locked"]);
    refuses(&home, &["people", "lock", "ana@x.example", "departmnt"], &["did you mean `department`?"]);
    home.call(&["people", "lock", "ana@x.example", "department", "--status", "--note", "agreed with HR"])
        .run()
        .ended(0)
        .answers(&["is locked: department, status"]);
    home.done("people show ana@x.example").answers(&["Locked", "agreed with HR"]);
    home.done("people lock ana@x.example department").answers(&["is locked already"]);
    refuses(
        &home,
        &["people", "unlock", "ana@x.example", "city"],
        &["`city` of ana@x.example is not locked", "department, status"],
    );
    home.done("people unlock ana@x.example department").answers(&["is locked: status"]);
    let told = home.done("people lock ana@x.example --json").json();
    assert_eq!(told["locks"][0]["field"], "");
    refuses(&home, &["people", "unlock", "ana@x.example", "department"], &["they are locked wholly"]);
    home.done("people unlock ana@x.example").answers(&["nothing of ana@x.example is locked any more"]);
    refuses(&home, &["undo", "2"], &["run 2 locked somebody: `userload people unlock` lifts the lock"]);
}

#[test]
fn merging_and_erasing_ask_for_the_right_people() {
    let home = by_hand();
    refuses(&home, &["people", "merge", "ana@x.example", "007"], &["are one person already"]);
    refuses(&home, &["people", "merge", "ana@x.example", "nobody"], &["there is nobody `nobody`"]);
    refuses(&home, &["people", "erase", "bo@x.example"], &["this erases bo@x.example", "--yes` does it"]);
    refuses(&home, &["people", "unerase", "bo@x.example"], &["nobody was erased as `bo@x.example`"]);
    refuses(&home, &["people", "unpin", "bo@x.example"], &["nothing of bo@x.example is pinned"]);
    refuses(&home, &["people", "unlink", "bo@x.example"], &["is not linked to any source"]);
    home.done("people merge bo@x.example ana@x.example").answers(&["ana@x.example is bo@x.example now"]);
    home.done("people show 007").answers(&[
        "bo@x.example",
        "Guest",
        "Sales",
        "merged by hand with ana@x.example",
    ]);
    refuses(&home, &["undo", "2"], &["merged two people"]);
    home.done("people erase bo@x.example --yes").answers(&["is erased (run 3)"]);
    assert_eq!(home.done("people list --json").json()["total"], 0);
    refuses(&home, &["undo", "3"], &["nothing is left to bring back"]);
    let kept = std::fs::read(home.store()).unwrap();
    let text = String::from_utf8_lossy(&kept);
    for told in ["ana@x.example", "bo@x.example"] {
        assert!(!text.contains(told), "the store still tells of {told}");
    }
}

#[test]
fn an_undo_that_cannot_be_is_refused_with_what_to_type() {
    let contoso = Contoso::launched(40);
    let home = &contoso.home;
    refuses(home, &["undo", "9"], &["there is no run 9", "runs list"]);
    refuses(home, &["undo", "nine"], &["invalid value 'nine'"]);
    home.done("plan");
    refuses(home, &["undo", "1"], &["run 1 is a plan"]);
    contoso.sync(0);
    refuses(home, &["undo", "1"], &["run 1 is discarded"]);
    refuses(home, &["undo", "2", "--only", "gone"], &["is not an outcome"]);
    refuses(home, &["undo", "2", "--only", "held"], &["`held` changes nobody", "--only takes created"]);
    refuses(home, &["undo", "2", "--field", "departmnt"], &["did you mean `department`?"]);
    refuses(
        home,
        &["undo", "2", "--field", "department"],
        &["run 2 did nothing of that kind", "runs show 2 --changes"],
    );
    refuses(home, &["undo", "2", "--person", "nobody@x"], &["there is nobody `nobody@x`"]);
    contoso.sync(0);
    refuses(home, &["undo", "3"], &["run 3 changed nobody"]);
    let tried = home.done("undo 2 --dry-run");
    tried.answers(&[
        "Undo of run 2, tried: nobody was changed",
        "×40 removed",
        "`userload undo 2`, without --dry-run",
    ]);
    assert_eq!(home.done("people list --json").json()["total"], 40);
    let undone = home.done("undo 2 --json").run();
    assert_eq!((undone["kind"].as_str(), undone["undoes"].as_i64()), (Some("undo"), Some(2)));
    assert_eq!(undone["outcomes"], serde_json::json!({"removed": 40}));
    refuses(home, &["undo", "2"], &["run 2 was undone already, in run 4; `userload undo 4` brings back"]);
    home.done("undo 4").answers(&["+40 created"]);
    home.done("sync").answers(&["Nothing changed."]);
    home.done("undo 5").answers(&["×40 removed"]);
}

#[test]
fn what_was_edited_since_ends_an_undo_with_four() {
    let contoso = Contoso::launched(30);
    let home = &contoso.home;
    contoso.sync(0);
    let ids = contoso.sim.look(|world| world.ids());
    contoso.sim.change(|world| {
        for id in &ids[..3] {
            world.update_text(id, "jobTitle", "Chief").unwrap();
        }
    });
    contoso.sync(0);
    let set = home.call(&["people", "set", &ids[0], "job_title=Head"]).run().ended(0);
    assert!(set.err.contains("the next run of `contoso` overwrites job_title"), "{}", set.err);
    assert!(set.err.contains("people lock"), "{}", set.err);
    let undone = home.run("undo 2").ended(4);
    undone.answers(&["undo of run 2, applied", "kept 1", "job_title: edited since"]);
    home.call(&["people", "show", &ids[1]]).run().ended(0).answers(&[
        "Pinned",
        "undone in run 4",
        "while contoso says",
    ]);
    home.call(&["people", "unpin", &ids[1], "department"]).run().ended(2);
    home.call(&["people", "unpin", &ids[1], "job_title"]).run().ended(0).answers(&["1 pin of"]);
    assert_eq!(contoso.sync(0)["outcomes"]["updated"], 2, "the edited one, and the unpinned one");
    let unlinked = home.call(&["people", "unlink", &ids[1]]).run().ended(0);
    assert!(unlinked.err.contains("adopts") && unlinked.err.contains("userload undo"), "{}", unlinked.err);
    home.call(&["people", "unlink", &ids[2], "--integration", "contosso"]).run().ended(2);
}
