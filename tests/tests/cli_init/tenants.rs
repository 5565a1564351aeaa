//! `userload init` in a home that has a tenant already.

use super::{Beginning, WHOLE};

/// A second customer in the same home: names may be the same, nothing is shared, and every command that is proposed is
/// about them.
#[test]
fn a_second_tenant_begins_beside_the_first() {
    let start = Beginning::new();
    start.init(&WHOLE).ended(0);
    start.home.done("launch contoso");
    start.home.done("sync contoso");
    let (document, people) = (start.file("contoso.toml"), start.home.people());
    let acme = ["--tenant", "acme"];
    // The first one's document stands in the way, and stays.
    let said = start.init(&[&WHOLE[..], &acme].concat()).ended(2);
    said.tells(&["`contoso.toml` is there already", "`--file FILE` writes the document elsewhere"]);
    assert_eq!(start.file("contoso.toml"), document);
    let none = start.home.refused(2, "status --tenant acme");
    assert!(none.contains("there is no tenant `acme`"), "{none}");

    let said = start.init(&[&WHOLE[..], &acme, &["--file", "acme.toml"]].concat()).ended(0);
    for command in ["check", "plan", "launch", "sync"] {
        said.answers(&[&format!("userload --tenant acme {command} contoso")]);
    }
    assert!(!said.out.contains("`userload held"), "{}", said.out);
    // Nothing of it is the first one's: neither draft nor people nor runs.
    let drafts = start.home.done("integration list --json").json();
    assert_eq!(drafts["integrations"].as_array().map(Vec::len), Some(1), "{drafts}");
    start.home.run("status --tenant acme").ended(0).answers(&["userload --tenant acme check contoso"]);
    start.home.done("launch contoso --tenant acme").tells(&["`userload --tenant acme plan contoso`"]);
    start.home.done("sync contoso --tenant acme");
    assert_eq!(start.home.people(), people);
    assert!(start.home.done("people list --tenant acme").out.contains("Person 1"));
    assert_eq!(start.file("contoso.toml"), document);
    let again = start.home.done("sync --all --json").json();
    let unchanged = |at: usize| again["runs"][at]["run"]["outcomes"]["unchanged"].as_u64();
    assert!(unchanged(0).is_some_and(|it| it > 0) && unchanged(0) == unchanged(1), "{again}");
}
