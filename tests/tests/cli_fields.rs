//! Fields of one's own, and what is said about mappings that cannot be, as somebody types them.

use userload_tests::program::{Contoso, Home, save};

#[test]
fn a_fields_life() {
    let contoso = Contoso::launched(20);
    let home = &contoso.home;
    home.done("fields list --custom").answers(&["no fields of your own", "userload fields add"]);
    home.call(&["fields", "add", "Cost unit", "--unique"])
        .run()
        .ended(0)
        .answers(&["cost_unit", "Cost unit"]);
    let list = home.done("fields list --custom --json").json();
    assert_eq!(list["fields"][0]["name"], "cost_unit");
    assert_eq!(list["fields"][0]["key"], true);

    // By its label in the mapping, by its name as a match key; in lists, exports and imports.
    contoso.sim.change(|world| {
        for (n, id) in world.ids().into_iter().enumerate() {
            let raw = format!("{{\"extensionAttribute1\":\"CU-{n}\"}}");
            world.update(&id, "onPremisesExtensionAttributes", &raw).unwrap();
        }
    });
    let document = format!(
        "{}\"Cost unit\" = \"onPremisesExtensionAttributes.extensionAttribute1\"\n",
        contoso.document("match-keys = [\"cost_unit\", \"username\"]")
    );
    let _ = save(home, &document).ended(0);
    contoso.sync(0);
    home.done("people show cu-7").answers(&["Cost unit", "CU-7"]);
    assert!(home.done("people export").out.lines().next().unwrap().ends_with(",cost_unit"));
    home.done("fields list").answers(&["Cost unit", "key, your own", "contoso"]);
    home.write("more.csv", "username,Access role,COST UNIT\nnew@contoso.example,Guest,X-1\n");
    let _ = home.done("people import more.csv");
    home.done("people show X-1").answers(&["new@contoso.example"]);

    let told = home.refused(2, "fields remove cost_unit");
    assert!(told.contains("`cost_unit` is mapped by contoso"), "{told}");
    let _ = save(home, &contoso.document("")).ended(0);
    let told = home.refused(2, "fields remove cost_unit");
    assert!(told.contains("21 people have a value in `cost_unit`") && told.contains("--force"), "{told}");
    home.call(&["fields", "rename", "Cost unit", "Cost centre"]).run().ended(0).answers(&["Cost centre"]);
    home.call(&["fields", "remove", "cost centre", "--force"]).run().ended(0).answers(&["21 people"]);
    assert!(!home.done("people show new@contoso.example").out.contains("X-1\n"));
    home.done("people show new@contoso.example --json").answers(&["the field cost_unit was removed"]);
    assert!(!home.done("people export").out.contains("cost_unit"));
    // Without the field an undo brings nothing back that nobody could see; with it, it does.
    let removal = home.done("runs list --limit 1 --json").json()["runs"][0]["number"].to_string();
    let told = home.call(&["undo", &removal]).run().ended(4);
    assert!(told.out.contains("there is no field cost_unit any more"), "{}{}", told.out, told.err);
    assert!(!home.done("people export --json").out.contains("CU-7"));
    home.call(&["fields", "add", "Cost unit", "--unique"]).run().ended(0);
    home.done(&format!("undo {removal}"));
    home.done("people show cu-7").answers(&["Cost unit", "CU-7"]);
    contoso.sync(0);
}

#[test]
fn names_that_cannot_be() {
    let home = Home::new();
    for (arguments, part) in [
        (&["fields", "add", "Job title"][..], "people have a field `job_title`"),
        (&["fields", "add", "!!"], "is no name for documents"),
        (&["fields", "add", "status"], "means something else"),
        (&["fields", "add", "x", "--name", "Größe"], "is no name for documents"),
        (&["fields", "add", "level", "--type", "number", "--key"], "people are found by texts"),
        (&["fields", "rename", "email", "Mail"], "built in"),
        (&["fields", "remove", "nothing"], "there is no field `nothing`"),
    ] {
        let answer = home.call(arguments).run().ended(2);
        let told = home.told(answer);
        assert!(told.contains(part), "{arguments:?}: {told}");
    }
}

#[test]
fn faults_of_a_mapping_are_told_before_anything_is_saved() {
    let contoso = Contoso::draft(10);
    let before = contoso.home.contents();
    for (line, sentences) in [
        (
            "city = { expression = \"city|lowr\" }",
            &[":29: city: `expression`: there is no filter `lowr`", "did you mean `lower`?"][..],
        ),
        ("city = \"{{ city ~ }}\"", &["city: ", "syntax"]),
        (
            "city = { source = \"city\", convert = [\"trim\", \"lowr\"] }",
            &[":46: city: there is no converter `lowr`", "did you mean `lower`?"],
        ),
        (
            "city = { source = \"city\", convert = { lookup = {}, esle = \"keep\" } }",
            &["city: unknown field `esle`"],
        ),
        (
            "city = { source = \"city\", when = \"state is definde\" }",
            &["city: `when`: there is no test `definde`", "`defined`"],
        ),
    ] {
        let document = contoso.document("").replacen("city = \"city\"", line, 1);
        let told = contoso.home.told(save(&contoso.home, &document).ended(2));
        for sentence in sentences {
            assert!(told.contains(sentence), "{line}: `{sentence}` is not in\n{told}");
        }
    }
    let told = contoso.home.told(contoso.save("only-if = \"departmnt == 'IT' and city\"").ended(2));
    assert!(told.contains("contoso.toml:5:12: `only-if`: the mapping fills no field `departmnt`"), "{told}");
    assert!(told.contains("did you mean `department`?"), "{told}");
    assert_eq!(contoso.home.contents(), before);
}
