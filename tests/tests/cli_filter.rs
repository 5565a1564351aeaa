//! Filters as people type them: what is told about them, word by word, and what is sent.

use graph_sim::{SimConfig, World};
use userload_tests::program::Contoso;

fn contoso() -> Contoso {
    Contoso::draft(60)
}

/// What saving a document with this filter tells; it must be refused, and change nothing.
#[track_caller]
fn refused(contoso: &Contoso, filter: &str) -> String {
    let before = contoso.home.contents();
    let told = contoso.home.told(contoso.save(&format!("filter = \"{filter}\"")).ended(2));
    assert_eq!(contoso.home.contents(), before, "{filter}");
    told
}

#[test]
fn a_caret_stands_under_the_fault_and_the_right_text_below() {
    let contoso = contoso();
    insta::assert_snapshot!(refused(&contoso, "employeeType = 'Admin'"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      employeeType = 'Admin'
                   ^ expected an operator (eq, ne, ge, le, in) behind `employeeType`, found `=`; `eq` is it
    help: write it so: employeeType eq 'Admin'
    ");
    insta::assert_snapshot!(refused(&contoso, "Is Account Enabled eq 'true' && City eq 'Bonn'"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      Is Account Enabled eq 'true' && City eq 'Bonn'
                            ^^^^^^ expected `true` without quotes, found `'true'`
      Is Account Enabled eq 'true' && City eq 'Bonn'
                                   ^^ expected `and`, found `&&`
    help: write it so: accountEnabled eq true and city eq 'Bonn'
    ");
    insta::assert_snapshot!(refused(&contoso, "contains(displayName, 'x')"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      contains(displayName, 'x')
      ^^^^^^^^ Graph does not filter users by `contains`; there is `startsWith(PROPERTY, 'x')`, and after the fetch `only-if`
    help: write it so: startsWith(displayName, 'x')
    ");
    insta::assert_snapshot!(refused(&contoso, "lastPasswordChangeDateTime le 2026-01-01T00:00:00Z"), @r#"
    error: `contoso.toml`: filter: the source would refuse it
      lastPasswordChangeDateTime le 2026-01-01T00:00:00Z
      ^^^^^^^^^^^^^^^^^^^^^^^^^^ Graph does not filter users by `lastPasswordChangeDateTime`: after the fetch there is `only-if = "password_changed_at <= '2026-01-01T00:00:00Z'"`, and in `[mapping]` `password_changed_at = "Last Password Change Date"`
    help: `Default` reads everybody; `userload integration save --help` has examples
    "#);
    insta::assert_snapshot!(refused(&contoso, "departement in ['HR', 'IT'"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      departement in ['HR', 'IT'
      ^^^^^^^^^^^ users have no `departement`; did you mean `department`?
      departement in ['HR', 'IT'
                     ^ expected `(`, found `[`
      departement in ['HR', 'IT'
                     ^ a `(` that is not closed
    help: write it so: department in ('HR', 'IT')
    ");
    insta::assert_snapshot!(refused(&contoso, "accountEnabled eq tru"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      accountEnabled eq tru
                        ^^^ `accountEnabled` is true or false, found `tru`
    help: write it so: accountEnabled eq true
    ");
    insta::assert_snapshot!(refused(&contoso, "city eq 'Bonn"), @r"
    error: `contoso.toml`: filter: the source would refuse it
      city eq 'Bonn
              ^ a quote that is not closed; expected `'` behind the value (a quote inside of a value is doubled: `'O''Brien'`)
    help: `Default` reads everybody; `userload integration save --help` has examples
    ");
}

#[test]
fn a_filter_that_no_url_can_carry_is_told_with_what_to_do() {
    let contoso = contoso();
    let values: Vec<String> = (0..200).map(|n| format!("'Type {n:04}'")).collect();
    let told = refused(&contoso, &format!("employeeType in ({})", values.join(",")));
    for part in ["too long by", "at most 2048", "only-if", "fewer mapped properties"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_filters_operators_in_only_if_are_answered_with_its_own() {
    let contoso = contoso();
    for (written, column, instead) in [
        ("department = 'Sales'", ":5:23: ", "write `==` for `=`"),
        ("department eq 'Sales'", ":5:23: ", "write `==` for `eq`"),
        ("department == 'Sales' AND email is not blank", ":5:34: ", "write `and` for `AND`"),
    ] {
        let told = contoso.save(&format!("only-if = \"{written}\"")).ended(2);
        told.tells(&[instead]);
        assert!(told.err.contains(&format!("contoso.toml{column}")), "{}", told.err);
    }
}

#[test]
fn what_can_only_mean_one_thing_is_sent_and_shown() {
    let contoso = contoso();
    let saved = contoso.save("filter = \"Employee Type in (‘Admin’, “Staff”)\"").ended(0);
    let sent = "the filter is sent as: employeeType in ('Admin', 'Staff')";
    saved.tells(&[sent]);
    let shown = contoso.home.done("integration show contoso");
    shown.tells(&[sent]);
    shown.answers(&["Employee Type in (‘Admin’, “Staff”)"]);
    assert_eq!(
        contoso.home.done("integration show --json").json()["filter_sent"],
        "employeeType in ('Admin', 'Staff')"
    );
    contoso.home.done("check").answers(&["filter: is sent as employeeType in ('Admin', 'Staff')"]);
    assert!(contoso.sim.journal().iter().any(|it| it.target.contains("employeeType%20in%20('Admin'")));
    for filter in ["DEFAULT", "default"] {
        contoso.save(&format!("filter = \"{filter}\"")).ended(0);
        assert!(!contoso.home.done("integration show").err.contains("is sent as"));
    }
}

#[test]
fn what_is_suspicious_is_a_warning() {
    let contoso = contoso();
    let saved = contoso.save("filter = \"employeeType eq 'Staff '\"").ended(0);
    saved.tells(&[
        "warning: the filter may not mean what it should",
        "                  ^^^^^^^^ a value with a blank at its beginning or end",
    ]);
}

/// A document from before, or from another program: a run tells it as saving would.
#[test]
fn check_counts_who_is_let_through_and_who_has_nothing_to_compare() {
    let mut world = World::empty(7);
    for n in 0..20 {
        let id = world.hire(&format!("p{n}@contoso.example"), &format!("Person {n}"));
        match n {
            0..=7 => world.update_text(&id, "employeeType", "Staff").unwrap(),
            8..=11 => world.update_text(&id, "employeeType", "Contractor").unwrap(),
            _ => {}
        }
        if n == 1 {
            world.update_text(&id, "userType", "Guest").unwrap();
        }
        if n == 2 || n == 9 {
            world.disable(&id).unwrap();
        }
    }
    let contoso = Contoso::of(SimConfig::default(), world, "filter = \"employeeType eq 'Staff'\"");
    let check = contoso.home.done("check");
    check.answers(&[
        "✓ filter: lets 8 of 20 users through",
        "i filter: 8 users have no employeeType",
        "help: add `or employeeType eq null` to the filter",
        "i filter: it is an advanced query",
        "i guests: 1 would be loaded",
        "help: to leave them out: filter = \"(employeeType eq 'Staff') and userType eq 'Member'\"",
        "i disabled: 1 would be loaded",
    ]);
    // Nobody is changed by a look.
    assert_eq!(contoso.home.people().lines().count(), Contoso::draft(1).home.people().lines().count());
    contoso.save("").ended(0);
    let check = contoso.home.done("check").out;
    assert!(check.contains("i guests: 1 would be loaded") && !check.contains("✓ filter"), "{check}");
}

/// The lines that `check` prints can be pasted as they are, and leave out whom they say.
#[test]
fn the_lines_that_check_prints_leave_out_whom_they_say() {
    let mut world = World::empty(7);
    for n in 0..20 {
        let id = world.hire(&format!("p{n}@contoso.example"), &format!("Person {n}"));
        if n < 15 {
            world.update_text(&id, "employeeId", &format!("{n:05}")).unwrap();
        }
        match n {
            0..=2 => world.update_text(&id, "userType", "Guest").unwrap(),
            // Of no type: the filter leaves it out, the condition does not.
            3 => world.update(&id, "userType", "null").unwrap(),
            4 | 5 => world.disable(&id).unwrap(),
            _ => {}
        }
    }
    let contoso = Contoso::of(SimConfig::default(), world, "");
    let count = |is: &dyn Fn(&graph_sim::User) -> bool| {
        contoso.sim.look(|world| world.users().filter(|it| is(it)).count() as u64)
    };
    let text = |it: &graph_sim::User, name: &str| it.text(name).map(|it| it.into_owned());
    let no_guest = count(&|it| text(it, "userType").as_deref() != Some("Guest"));
    let member = count(&|it| text(it, "userType").as_deref() == Some("Member"));
    let enabled = count(&|it| it.get("accountEnabled") == Some("true"));
    let numbered = count(&|it| text(it, "employeeId").is_some());
    let checks = contoso.home.done("check --json").json()["checks"].clone();
    for (what, left, after) in [
        ("guests", member, no_guest),
        ("disabled", enabled, enabled),
        ("without employee id", numbered, numbered),
    ] {
        let item = checks.as_array().unwrap().iter().find(|it| it["what"] == what).expect(what);
        let told = item["detail"].as_str().unwrap();
        assert!(told.ends_with(&format!("; {left} without them")), "{told}");
        let help = item["help"].as_str().unwrap();
        let line =
            |key: &str| help.lines().find_map(|it| Some(&it[it.find(&format!("{key} = "))?..])).expect(help);
        contoso.save(line("filter")).ended(0);
        assert_eq!(contoso.home.done("plan --json").run()["outcomes"]["created"], left, "{what}: {help}");
        contoso.save(line("only-if")).ended(0);
        let outcomes = contoso.home.done("plan --json").run()["outcomes"].clone();
        let dropped = outcomes["filtered"].as_u64().unwrap();
        assert_eq!((outcomes["created"].as_u64().unwrap(), dropped), (after, 20 - after), "{what}: {help}");
    }
    // What is not mapped has to be; what is filled from elsewhere says nothing about the source.
    let document = contoso.document("");
    let save = |document: &str| userload_tests::program::save(&contoso.home, document).ended(0);
    let _ = save(&document.replace("user_type = \"userType\"\n", ""));
    contoso
        .home
        .done("check")
        .answers(&["only-if = \"user_type != 'Guest'\"", "in [mapping]: user_type = \"User Type\""]);
    let _ = save(&document.replace("user_type = \"userType\"", "user_type = { constant = \"Member\" }"));
    let check = contoso.home.done("check").out;
    assert!(!check.contains("user_type != 'Guest'") && check.contains("userType eq 'Member'"), "{check}");
    // Beside what is there already.
    contoso.save("only-if = \"email is not blank\"").ended(0);
    contoso.home.done("check").answers(&["only-if = \"(email is not blank) and user_type != 'Guest'\""]);
}
