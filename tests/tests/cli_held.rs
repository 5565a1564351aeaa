//! `userload held` as somebody in charge types it: what waits, in full, approved, rejected, decided; and every
//! way to type it wrong.

use userload_tests::program::Contoso;

/// Loaded, then a column wiped and eight people gone.
fn waiting() -> Contoso {
    let contoso = Contoso::launched(120);
    contoso.sync(0);
    contoso.sim.change(|world| {
        world.wipe("department");
        let ids = world.ids();
        ids[40..48].iter().for_each(|id| world.delete(id).unwrap());
    });
    assert!(contoso.sync(3)["newly_held"].as_u64().unwrap() > 20);
    contoso
}

fn holds(contoso: &Contoso, arguments: &str) -> Vec<serde_json::Value> {
    contoso.home.done(&format!("held list {arguments} --json")).json()["holds"].as_array().unwrap().clone()
}

#[test]
fn what_waits_is_shown_in_full() {
    let contoso = waiting();
    let hold = holds(&contoso, "--cause deactivate:deleted").remove(0);
    let number = hold["id"].as_i64().unwrap();
    let name = hold["name"].as_str().unwrap();
    contoso.home.done(&format!("held show {number}")).answers(&[
        &format!("Hold {number}  contoso  deactivate:deleted"),
        name,
        "held in run 2, ",
        "it reminds from 2026-12-07 on, and never happens by itself",
        &format!("next: userload held approve {number}, or userload held reject {number}"),
    ]);
    let shown = contoso.home.done("held show --cause clear:department --json").json();
    assert!(shown["holds"].as_array().unwrap().len() > 20);
}

#[test]
fn by_cause_by_person_by_number() {
    let contoso = waiting();
    let leavers = holds(&contoso, "--cause deactivate:deleted");
    // Eight were deleted; whoever of them was inactive already is no question.
    assert!(leavers.len() > 5, "{leavers:?}");
    let number = leavers[0]["id"].as_i64().unwrap();
    let report = contoso.home.done(&format!("held approve {number} --json")).run();
    assert_eq!((&report["kind"], &report["outcomes"]["deactivated"]), (&"approve".into(), &1.into()));
    let who = leavers[1]["source_id"].as_str().unwrap();
    contoso.home.done(&format!("held approve --person {who} --cause deactivate:deleted")).answers(&[
        "what was approved",
        "-1 deactivated",
        "(0 there when asked for + 1 gone, silent or beside)",
    ]);
    contoso
        .home
        .done("held approve contoso --cause deactivate:deleted")
        .answers(&[&format!("-{} deactivated", leavers.len() - 2)]);
    contoso
        .home
        .done("held reject --all")
        .answers(&["rejected in run", "until the source says something else"]);
    contoso.home.done("held list").answers(&["nothing is held"]);
    let status = contoso.home.done("status").out;
    assert!(!status.contains("listing incomplete"), "{status}");
    contoso.home.done("sync").answers(&["Nothing changed."]);
    contoso.home.done("runs list").answers(&["approve", "reject"]);
}

#[test]
fn what_is_typed_wrong_changes_nothing() {
    let contoso = waiting();
    let number = holds(&contoso, "--cause deactivate:deleted")[0]["id"].as_i64().unwrap();
    contoso.home.done(&format!("held reject {number}"));
    let before = contoso.home.contents();
    for (command, sentence) in [
        ("held approve", "which holds?"),
        ("held reject", "which holds?"),
        ("held approve --cause clear:departmet", "did you mean `clear:department`?"),
        ("held approve contosso --all", "did you mean `contoso`?"),
        ("held approve contoso another --all", "is neither the number of a hold nor the only integration"),
        ("held approve 99999", "there is no hold 99999"),
        ("held reject --person nobody@nowhere", "nothing is held about `nobody@nowhere`"),
        ("held decide 99999 --new", "nothing is to be decided about `99999`"),
        ("held decide 99999 --link nobody@nowhere --new", "cannot be used with"),
        ("held decide 99999", "--link"),
        ("held approve --all --cause x", "cannot be used with"),
    ] {
        let told = contoso.home.refused(2, command);
        assert!(told.contains(sentence), "{command}: {told}");
    }
    for command in ["approve", "reject", "show"] {
        let told = contoso.home.refused(2, &format!("held {command} {number}"));
        assert!(told.contains(&format!("hold {number} was rejected already: rejected in run")), "{told}");
    }
    assert!(contoso.home.contents() == before, "something was written");
}

#[test]
fn after_two_weeks_it_is_called_to_mind() {
    let contoso = waiting();
    let later = |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        contoso.home.call(&words).at("2026-12-08T04:05:06Z").run().ended(0)
    };
    later("held list").answers(&["decide it"]);
    later("status").answers(&["warning: clear:department of contoso has waited for you to decide since"]);
    later("held show --cause deactivate:deleted")
        .answers(&["it has waited for more than 14 days: decide it"]);
    later("sync").answers(&["note: clear:department has waited for somebody to decide for 15 days"]);
}

#[test]
fn an_ambiguous_record_is_shown_with_those_whom_it_could_be() {
    let contoso = Contoso::launched(60);
    let (id, upn) = contoso.sim.look(|world| {
        let id = world.ids()[50].clone();
        let upn = world.user(&id).unwrap().text("userPrincipalName").unwrap().into_owned();
        (id, upn)
    });
    let file = format!("username,email,status,access_role\nold.hand,{upn},inactive,Employee\n");
    contoso.home.write("old.csv", file);
    contoso.home.done("people import old.csv");
    assert_eq!(contoso.sync(3)["outcomes"]["ambiguous"], 1);
    let shown = contoso.home.done("held show --cause ambiguous");
    shown.answers(&[
        "    old.hand: inactive; the same email",
        &format!("userload held decide {id} --link old.hand"),
    ]);
    let told = contoso.home.refused(2, "held approve --cause ambiguous");
    assert!(told.contains("held decide"), "{told}");
    let told = contoso.home.refused(2, &format!("held decide {id} --link nobody@nowhere"));
    assert!(told.contains("there is nobody `nobody@nowhere`"), "{told}");
    let decided = contoso.home.run(&format!("held decide {} --link old.hand --json", &id[..13]));
    assert_eq!(decided.run()["outcomes"]["reactivated"], 1, "{decided:?}");
    contoso.home.done("people show old.hand").answers(&["active"]);
    let told = contoso.home.refused(2, &format!("held decide {id} --new"));
    assert!(told.contains("nothing is to be decided"), "{told}");
}
