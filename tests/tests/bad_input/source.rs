//! A source that will not have us: secret, tenant, permission, grant.

use graph_sim::DEFAULT_TENANT;
use userload_tests::program::{Contoso, Origin, add_credential};

/// Every command that asks the source says the sentences and changes nobody.
fn is_said(contoso: &Contoso, credential: &str, sentences: &[&str]) {
    let people = contoso.home.people();
    let test = contoso.home.run(&format!("credential test {credential}")).ended(2).out;
    let check = contoso.home.run("check").ended(2).out;
    let plan = contoso.home.run("plan").ended(1);
    let sync = contoso.home.run("sync").ended(1);
    for (command, told) in [
        ("credential test", test),
        ("check", check),
        ("plan", plan.out + &plan.err),
        ("sync", sync.out + &sync.err),
    ] {
        for sentence in sentences {
            assert!(told.contains(sentence), "{command}: `{sentence}` is not in\n{told}");
        }
        assert!(told.contains("help: "), "{command}: {told}");
    }
    assert_eq!(contoso.home.people(), people);
}

#[test]
fn a_wrong_secret_shows_microsofts_words() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    contoso
        .home
        .call(&["credential", "edit", "entra", "--secret-stdin"])
        .stdin("wrong-secret-of-somebody")
        .run()
        .ended(0);
    is_said(&contoso, "entra", &["AADSTS7000215", "Invalid client secret", "credential"]);
}

#[test]
fn a_secret_that_expired_and_an_app_that_is_disabled() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    contoso.sim.change(|world| world.apps[0].secret_expired = true);
    is_said(&contoso, "entra", &["AADSTS7000222", "expired"]);
    contoso.sim.change(|world| {
        world.apps[0].secret_expired = false;
        world.apps[0].disabled = true;
    });
    is_said(&contoso, "entra", &["AADSTS7000112"]);
}

#[test]
fn a_wrong_tenant_and_a_wrong_client() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    let edit = |what: &str, to: &str| {
        contoso.home.run(&format!("credential edit entra {what} {to}")).ended(0);
    };
    edit("--tenant-id", "nowhere.example");
    is_said(&contoso, "entra", &["AADSTS90002", "nowhere.example"]);
    edit("--tenant-id", DEFAULT_TENANT);
    edit("--client-id", "11111111-2222-3333-4444-555555555555");
    is_said(&contoso, "entra", &["AADSTS700016"]);
}

#[test]
fn a_missing_permission_is_named() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    contoso.sim.change(|world| world.apps[0].granted.clear());
    is_said(&contoso, "entra", &["403", "Authorization_RequestDenied", "User.Read.All", "consent"]);
}

/// A host that was not granted is not asked, and the message has the line to add.
#[test]
fn a_missing_grant_is_told_with_the_line_to_add() {
    let contoso = Contoso::launched(10);
    let document = contoso.document("");
    let grants = document.lines().find(|line| line.starts_with("grants")).unwrap();
    let without = document.replacen(&format!("{grants}\n"), "", 1);
    userload_tests::program::save(&contoso.home, &without).ended(0);
    contoso.sim.clear_journal();
    let check = contoso.home.run("check").ended(2);
    check.answers(&[grants]);
    let told = contoso.home.refused(2, "sync");
    assert!(told.contains(grants), "{told}");
    assert!(contoso.sim.journal().is_empty(), "nothing was asked");
}

/// An http origin elsewhere, and what is no origin at all.
#[test]
fn urls_that_are_not_what_they_should_be() {
    let contoso = Contoso::draft(5);
    for domain in
        ["graph.microsoft.com", "ftp://graph.microsoft.com", "https://", "https://user:word@x.example"]
    {
        let to = Origin { origin: domain, tenant: DEFAULT_TENANT, secret: "s" };
        let told = contoso.home.told(add_credential(&contoso.home, "other", &to).run().ended(2));
        assert!(told.contains("domain") && told.contains("https://"), "{domain}: {told}");
    }
    assert!(!contoso.home.done("credential list").out.contains("other"));
}

/// Links belong to one tenant: a credential of another one is refused, however alike its people are.
#[test]
fn a_credential_of_another_tenant_is_refused() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    let people = contoso.home.people();
    let other = "99999999-1234-4abc-8def-0123456789ab";
    contoso.sim.change(|world| world.tenant_id = other.to_owned());
    contoso.home.run(&format!("credential edit entra --tenant-id {other}")).ended(0);
    let sync = contoso.home.run("sync").ended(1);
    sync.answers(&["are linked to tenant", DEFAULT_TENANT, other, "help: "]);
    assert_eq!(contoso.home.people(), people);
}
