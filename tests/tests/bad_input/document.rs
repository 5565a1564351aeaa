//! Documents that are wrong: the message names file, line and column, and nothing is saved.

use userload_tests::program::{Contoso, save};

/// Saves the usual document with `from` replaced by `to`; gives what is told about it.
fn told(contoso: &Contoso, from: &str, to: &str) -> String {
    let document = contoso.document("");
    assert!(document.contains(from), "{from}");
    contoso.home.told(save(&contoso.home, &document.replacen(from, to, 1)).ended(2))
}

#[test]
fn a_document_with_a_mistake_is_not_saved() {
    let contoso = Contoso::draft(10);
    let before = contoso.home.contents();
    for (from, to, sentences) in [
        // An unknown key: line, column, and the key that was meant.
        ("deactivate = true", "deactivat = true", &["contoso.toml:4:1", "`deactivat`", "`deactivate`"][..]),
        ("deactivate = true", "deactivate = 'yes'", &["contoso.toml:4:", "true or false"]),
        ("access-role = \"Employee\"", "access-role = \"Emploee\"", &["contoso.toml:3:", "Employee"]),
        ("deactivate = true", "mode = \"delete\"", &["contoso.toml:4:", "create-and-update"]),
        ("city = \"city\"", "city = \"citi\"", &["contoso.toml:", "`citi`", "city"]),
        ("city = \"city\"", "citty = \"city\"", &["contoso.toml:", "`citty`", "`city`"]),
        ("[mapping]", "[mapping", &["contoso.toml:8:"]),
        ("name = \"contoso\"", "name = \"con/toso\"", &["contoso.toml:1:", "letters, digits"]),
        ("deactivate = true", "page-size = 5000", &["contoso.toml:4:", "999"]),
    ] {
        let told = told(&contoso, from, to);
        for sentence in sentences {
            assert!(told.contains(sentence), "{to}: `{sentence}` is not in\n{told}");
        }
    }
    assert_eq!(contoso.home.contents(), before);
    // All mistakes at once.
    let two = contoso.document("").replacen("deactivate", "deactivat", 1).replacen("city =", "citty =", 1);
    let told = contoso.home.told(save(&contoso.home, &two).ended(2));
    assert!(told.contains("`deactivat`") && told.contains("`citty`"), "{told}");
}

#[test]
fn a_file_that_is_not_there_or_no_text() {
    let contoso = Contoso::draft(5);
    let told = contoso.home.refused(2, "integration save -f missing.toml");
    assert!(told.contains("cannot read `missing.toml`"), "{told}");
    contoso.home.write("bytes.toml", [0xff, 0xfe, 0]);
    let told = contoso.home.refused(2, "integration save -f bytes.toml");
    assert!(told.contains("`bytes.toml` is no text"), "{told}");
}

#[test]
fn a_launch_needs_the_mandatory_fields() {
    let contoso = Contoso::draft(10);
    let without = |text: &str| contoso.document("").replacen(text, "", 1);
    for (gone, field) in
        [("username = \"userPrincipalName\"\n", "username"), ("access-role = \"Employee\"\n", "access")]
    {
        save(&contoso.home, &without(gone)).ended(0).tells(&["a launch needs more", field]);
        let told = contoso.home.refused(2, "launch");
        assert!(told.contains("`contoso` stays a draft") && told.contains(field), "{told}");
        assert!(told.contains("integration save -f FILE"), "{told}");
        let told = contoso.home.refused(2, "sync");
        assert!(told.contains("`contoso` is a draft"), "{told}");
    }
}

/// What was launched is a draft again when a mandatory field goes, and says so.
#[test]
fn a_launched_integration_that_loses_a_mandatory_field() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    let people = contoso.home.people();
    let document = contoso.document("").replacen("username = \"userPrincipalName\"\n", "", 1);
    save(&contoso.home, &document).ended(0).tells(&["warning: contoso was launched and is a draft again"]);
    contoso.home.refused(2, "sync");
    assert_eq!(contoso.home.people(), people);
}

#[test]
fn a_filter_that_graph_would_refuse() {
    let contoso = Contoso::launched(10);
    for (filter, sentences) in [
        ("departement eq 'Sales'", &["departement"][..]),
        ("department = 'Sales'", &["filter"]),
        ("department eq 'Sales", &["filter"]),
        ("department gt 'Sales'", &["department"]),
    ] {
        let said = contoso.save(&format!("filter = \"{filter}\""));
        // Here or at the source: it is said, and nobody is loaded.
        let told = match said.code {
            0 => {
                let check = contoso.home.run("check").ended(2);
                let sync = contoso.home.run("sync").ended(1);
                assert!(sync.out.contains("error") || sync.err.contains("error"), "{sync:?}");
                check.out
            }
            _ => contoso.home.told(said.ended(2)),
        };
        for sentence in sentences {
            assert!(told.contains(sentence), "{filter}: `{sentence}` is not in\n{told}");
        }
        contoso.home.done("people list").answers(&["nobody"]);
    }
}
