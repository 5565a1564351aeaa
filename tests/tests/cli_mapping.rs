//! `userload mapping`: proposals, changes, what a change would do, and tests beside the mapping.

use graph_sim::{SimConfig, World};
use userload_tests::program::Contoso;

fn small(more: &str) -> Contoso {
    let mut world = World::empty(7);
    for n in 0..12 {
        let id = world.hire(&format!("p{n}@contoso.example"), &format!("Person {n}"));
        world.update_text(&id, "department", ["Sales", "IT"][n % 2]).unwrap();
        world.update_text(&id, "companyName", "Contoso").unwrap();
        if n < 10 {
            world.update_text(&id, "employeeId", &format!("{n:06}")).unwrap();
        }
    }
    let contoso = Contoso::of(SimConfig::default(), world, more);
    let document = format!(
        "# kept by hand\nname = \"contoso\"\ncredential = \"entra\"\naccess-role = \"Employee\"\n\
         grants = [{{ origin = \"{}\", private = true }}]\n\n[mapping]\nusername = \"User Principal Name\" # always\n\
         department = \"Department\"\n",
        contoso.sim.origin()
    );
    contoso.home.write("contoso.toml", &document);
    contoso.home.done("integration save -f contoso.toml");
    contoso
}

fn document(contoso: &Contoso) -> String {
    contoso.home.done("integration show contoso").out
}

#[test]
fn smart_proposes_from_what_it_sees_and_writes_only_what_is_not_there() {
    let contoso = small("");
    let before = document(&contoso);
    let smart = contoso.home.done("mapping smart");
    smart.answers(&[
        "Proposed from 12 users",
        "same name",
        "values look like mail addresses: 100%",
        "✓ username: unique, and everybody has one",
        "✓ employee_id: unique, but 17% are empty: use it after one that everybody has",
        "[mapping]",
        "company = \"Company Name\"",
        "# fax_number = \"Fax number\"",
    ]);
    assert_eq!(document(&contoso), before, "a look changes nothing");
    let json = contoso.home.done("mapping smart --json").json();
    assert_eq!(json["sample"]["users"], 12);
    assert!(
        json["mapping"].as_array().unwrap().iter().any(|it| it["target"] == "company" && it["taken"] == true)
    );
    contoso.home.done("mapping smart --credential entra --users 5").answers(&["Proposed from 5 users"]);
    contoso.home.done("mapping smart --write").answers(&["+ company = \"Company Name\""]);
    let after = document(&contoso);
    for kept in ["# kept by hand", "# always", "department = \"Department\"", "match-keys = [\"username\""] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
    contoso.home.done("mapping smart --write").tells(&["is mapped already"]);
    assert_eq!(document(&contoso), after);
}

#[test]
fn set_and_unset_change_one_line_and_check_it_as_save_does() {
    let contoso = small("");
    let set = contoso
        .home
        .call(&["mapping", "set", "job_title=Job Title", "city={ source = \"City\", null = \"keep\" }"])
        .run()
        .ended(0);
    set.answers(&["+ job_title = \"Job Title\"", "+ city = { source = \"City\", null = \"keep\" }"]);
    contoso.home.done("mapping show").answers(&["Job title", "null keep", "required"]);
    contoso.home.done("mapping unset job_title").answers(&["- job_title = \"Job Title\""]);
    let after = document(&contoso);
    assert!(after.contains("# kept by hand") && after.contains("# always") && !after.contains("job_title"));

    let before = contoso.home.contents();
    for (arguments, parts) in [
        (vec!["mapping", "set", "department"], vec!["says no source", "TARGET=SOURCE"]),
        (vec!["mapping", "set", "department="], vec!["is not whole", "mapping unset"]),
        (vec!["mapping", "set", "jbo_title=Job Title"], vec!["`jbo_title`", "did you mean `job_title`?"]),
        (vec!["mapping", "set", "job_title=Job Titel"], vec!["did you mean `\"Job Title\"`?"]),
        (vec!["mapping", "set", "city={ source ="], vec!["is no TOML"]),
        (vec!["mapping", "set", "city=City", "city=State"], vec!["set twice"]),
        (vec!["mapping", "unset", "departmnt"], vec!["not in the mapping", "did you mean `department`?"]),
        (vec!["mapping", "set", "city=City", "-n", "contsoo"], vec!["did you mean `contoso`?"]),
        (vec!["mapping", "show", "contsoo"], vec!["did you mean `contoso`?"]),
        (vec!["mapping", "smart", "--users", "0"], vec!["0 is not in"]),
        (vec!["mapping", "smart", "--credential", "entar"], vec!["did you mean `entra`?"]),
        (vec!["mapping", "diff", "-f", "nothing.toml"], vec!["cannot read `nothing.toml`"]),
        (vec!["mapping", "test"], vec!["has no mapping test yet"]),
        (vec!["mapping", "test", "--record", "nobody"], vec!["there is nobody `nobody`"]),
    ] {
        let told = contoso.home.told(contoso.home.call(&arguments).run().ended(2));
        for part in parts {
            assert!(told.contains(part), "{arguments:?}: no {part} in {told}");
        }
    }
    assert_eq!(contoso.home.contents(), before);
}

#[test]
fn diff_tells_the_blast_radius_and_changes_nothing() {
    let contoso = small("");
    contoso.home.done("launch");
    contoso.sync(0);
    let changed = document(&contoso).replace("department = \"Department\"", "department = \"Company Name\"")
        + "company = \"Company Name\"\n";
    contoso.home.write("new.toml", &changed);
    let (people, before) = (contoso.home.people(), document(&contoso));
    let diff = contoso.home.done("mapping diff -f new.toml");
    // The stored records were read without the company's name: what becomes of it is not known, and not nothing.
    diff.answers(&[
        "unknown: 2 fields need to be read from the source",
        "company: stored records do not have companyName",
        "department: stored records do not have companyName",
        "no other field would change, of 12 stored records",
    ]);
    diff.tells(&["userload mapping diff contoso -f new.toml --from-source"]);
    assert!(!diff.out.contains("0 people"), "{}", diff.out);
    let json = contoso.home.done("mapping diff -f new.toml --json").json();
    assert!(json["mapping_diff"]["people"].is_null(), "{json}");
    let asked = contoso.home.done("mapping diff -f new.toml --from-source");
    asked.answers(&["12 people would change, of 12 records of the source", "\"Sales\" → \"Contoso\""]);
    let some = contoso.home.done("mapping diff -f new.toml --from-source 5");
    some.answers(&["5 people would change, of 5 records of the source"]);
    assert!(contoso.home.refused(2, "mapping diff -f new.toml --from-source 0").contains("0 is not in"));
    let constant =
        document(&contoso).replace("department = \"Department\"", "department = { constant = \"Law\" }");
    contoso.home.write("new.toml", &constant);
    let diff = contoso.home.done("mapping diff -f new.toml");
    diff.answers(&["12 people would change, of 12 stored records", "department", "\"Sales\" → \"Law\""]);
    let json = contoso.home.done("mapping diff -f new.toml --json").json();
    assert_eq!(json["mapping_diff"]["fields"]["department"]["change"], 12);
    let dropped = document(&contoso).replace("department = \"Department\"\n", "");
    contoso.home.write("new.toml", &dropped);
    contoso
        .home
        .done("mapping diff -f new.toml")
        .answers(&["no longer mapped, their values stay: department"]);
    contoso.home.write("new.toml", before.replace("name = \"contoso\"", "name = \"other\""));
    let told = contoso.home.refused(2, "mapping diff -f new.toml");
    assert!(told.contains("is a document of `other`, not of `contoso`"), "{told}");
    assert_eq!((contoso.home.people(), document(&contoso)), (people, before));
}

/// What a run would filter out, or could not map, is told as people, with names; and what the guard does next.
#[test]
fn diff_tells_who_is_filtered_out_and_whose_record_fails() {
    let contoso = small("");
    let deactivating = document(&contoso).replace("access-role", "deactivate = true\naccess-role");
    contoso.home.write("contoso.toml", &deactivating);
    contoso.home.done("integration save -f contoso.toml");
    contoso.home.done("launch");
    contoso.sync(0);
    let before = (contoso.home.people(), document(&contoso));
    let filtered =
        document(&contoso).replace("access-role", "only-if = \"department == 'Sales'\"\naccess-role");
    contoso.home.write("new.toml", &filtered);
    let held = "the next run holds every deactivation, to be approved by you: only-if changed";
    for more in ["", " --from-source"] {
        let diff = contoso.home.done(&format!("mapping diff -f new.toml{more}"));
        diff.answers(&[
            "6 people would be filtered out by only-if, and not updated any more: p",
            "0 people would change",
            held,
        ]);
    }
    // A condition on what was not read says nothing about anybody.
    let unread = filtered.replace("department = \"Department\"", "department = \"Company Name\"");
    contoso.home.write("unread.toml", &unread);
    contoso.home.done("mapping diff -f unread.toml").answers(&[
        "unknown: 1 field needs to be read from the source",
        "unknown: how many only-if would filter out or let in",
    ]);
    contoso
        .home
        .done("mapping diff -f unread.toml --from-source")
        .answers(&["12 people would be filtered out by only-if"]);
    let fails =
        document(&contoso).replace("= \"Department\"", "= { source = \"Department\", convert = \"number\" }");
    contoso.home.write("fails.toml", &fails);
    contoso.home.done("mapping diff -f fails.toml").answers(&[
        "12 of 12 stored records could not be mapped: department 12",
        "@contoso.example: department: ",
        "every deactivation, to be approved by you: mapping changed",
    ]);
    for (line, part) in
        [("match-keys = [\"email\"]", "match-keys"), ("filter = \"department eq 'IT'\"", "filter")]
    {
        contoso
            .home
            .write("part.toml", document(&contoso).replace("access-role", &format!("{line}\naccess-role")));
        let diff = contoso.home.done("mapping diff -f part.toml");
        diff.answers(&[&format!("to be approved by you: {part} changed")]);
        assert_eq!(diff.out.contains("unknown: whom the changed filter would list"), part == "filter");
    }
    let listed = contoso.home.done("mapping diff -f part.toml --from-source");
    listed.answers(&["6 people would not be listed by the filter any more: p"]);
    assert_eq!((contoso.home.people(), document(&contoso)), before);
    // Saved, it is said as well, and a run proves it; taken back before a run, nothing is due.
    let saved = contoso.home.done("integration save -f new.toml");
    saved.tells(&["the next run holds every deactivation"]);
    contoso.home.write("contoso.toml", &before.1);
    let back = contoso.home.done("integration save -f contoso.toml");
    assert!(!back.err.contains("holds every deactivation"), "{}", back.err);
    contoso.home.done("integration save -f new.toml");
    let plan = contoso.home.done("plan --json").run();
    assert_eq!(plan["outcomes"]["filtered"], 6, "as the diff said: {plan}");
    contoso.sim.change(|world| {
        let id = world.find_by_upn("p0@contoso.example").unwrap().id().into_owned();
        world.disable(&id).unwrap();
    });
    contoso.sync(3);
    // Let in again: those who are linked and were filtered.
    contoso.home.done("mapping diff -f contoso.toml").answers(&["6 people would be let in by only-if: "]);
}

const TEST: &str = "\n[[mapping-test]]\nname = \"a department\"\nraw = '''\n{\"id\": \"1\", \"userPrincipalName\": \
    \"ann@contoso.example\", \"department\": \"Tax\"}\n'''\nexpect = { username = \"ann@contoso.example\", department = \
    \"Tax\" }\n";

#[test]
fn tests_stand_beside_the_mapping_and_guard_it() {
    let contoso = small("");
    let with = document(&contoso) + TEST;
    contoso.home.write("contoso.toml", &with);
    contoso.home.done("integration save -f contoso.toml");
    contoso.home.done("mapping test").answers(&["✓ a department", "1 mapping test passed"]);
    let before = contoso.home.contents();
    let told = contoso.home.refused(2, "mapping set department=City");
    for part in ["the mapping fails its own tests", "department: expected \"Tax\", found nothing", "help: "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(contoso.home.contents(), before);
    let fails = TEST.replace("\"Tax\" }", "\"Law\" }");
    contoso.home.write("tests.toml", &fails);
    let failed = contoso.home.run("mapping test -f tests.toml").ended(1);
    failed.answers(&[
        "✗ a department",
        "department: expected \"Law\", found \"Tax\"",
        "1 of 1 mapping test failed",
    ]);
    assert_eq!(contoso.home.run("mapping test -f tests.toml --json").ended(1).json()["ok"], false);
    contoso.home.write("tests.toml", "[[mapping-test]]\nname = 7\n");
    let told = contoso.home.refused(2, "mapping test -f tests.toml");
    assert!(told.contains("without `raw`"), "{told}");
}

#[test]
fn a_stored_record_becomes_a_test() {
    let contoso = small("");
    contoso.home.done("launch");
    contoso.sync(0);
    let made = contoso.home.done("mapping test --record p3@contoso.example");
    made.tells(&["a real person"]);
    contoso.home.write("tests.toml", &made.out);
    contoso.home.done("mapping test -f tests.toml").answers(&["1 mapping test passed"]);
}
