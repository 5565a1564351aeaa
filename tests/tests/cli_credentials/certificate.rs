use super::support::{FIRST, SECOND, certificate};
use super::{at_the_source, check, contoso, listed, logins, refused};
use userload_tests::program::Contoso;

/// A certificate in use; its key stands in a file of its own.
fn certified() -> Contoso {
    let (pem, registered) = certificate(FIRST, (2099, 1, 1));
    let contoso = contoso(|app| app.certificates.push(registered));
    contoso.home.write("cert.pem", pem);
    contoso.home.write("key.pem", FIRST);
    contoso.home.done("credential edit entra --certificate cert.pem --key key.pem");
    contoso
}

#[test]
fn it_opens_the_source_night_after_night() {
    let contoso = certified();
    let tested = contoso.home.done("credential test entra --json").json();
    assert_eq!(tested["ok"], true);
    assert!(check(&tested, "expiry")["detail"].as_str().unwrap().contains("as the certificate says"));
    let row = listed(&contoso);
    assert_eq!(
        (row["proof"].as_str(), row["expires_on"].as_str()),
        (Some("certificate"), Some("2099-01-01"))
    );
    // The secret of before would still be good: it is not used any more, and not even kept.
    at_the_source(&contoso, |app| app.secret = "another, that nobody here knows".to_owned());
    let first = contoso.sync(0);
    assert_eq!(first["outcomes"]["created"], 40);
    let second = contoso.sync(0);
    assert_eq!(second["outcomes"]["unchanged"], 40, "the next night changes nothing");
    let assertions = contoso.sim.assertions();
    assert_eq!(assertions.len(), 3, "one for each command, and none used twice");
}

#[test]
fn a_certificate_that_was_removed_at_the_source_is_told_and_comes_back() {
    let contoso = certified();
    let kept = contoso.sim.look(|world| world.apps[0].certificates.clone());
    at_the_source(&contoso, |app| app.certificates.clear());
    let told = contoso.home.run("sync").ended(1);
    assert!(format!("{}{}", told.out, told.err).contains("AADSTS700027"), "{}{}", told.out, told.err);
    // Another one in its place is not taken either.
    let (_, other) = certificate(SECOND, (2099, 1, 1));
    at_the_source(&contoso, |app| app.certificates = vec![other]);
    contoso.home.run("sync").ended(1);
    at_the_source(&contoso, |app| app.certificates = kept);
    contoso.sync(0);
}

#[test]
fn a_clock_that_is_wrong_costs_one_request() {
    let contoso = certified();
    for ahead in [7_200, -7_200] {
        contoso.sim.change(|world| world.login_ahead = ahead);
        contoso.sim.clear_journal();
        contoso.sync(0);
        assert_eq!(logins(&contoso), [401, 200], "{ahead} s ahead");
    }
    contoso.sim.change(|world| world.login_ahead = 0);
    contoso.sim.clear_journal();
    contoso.sync(0);
    assert_eq!(logins(&contoso), [200]);
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused_and_changes_nothing() {
    let contoso = contoso(|_| {});
    let (pem, _) = certificate(FIRST, (2099, 1, 1));
    let (old, _) = certificate(FIRST, (2026, 11, 22));
    contoso.home.write("cert.pem", &pem);
    contoso.home.write("old.pem", old + FIRST);
    contoso.home.write("key.pem", FIRST);
    contoso.home.write("other.pem", SECOND);
    contoso.home.write("locked.pem", FIRST.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"));
    contoso.home.write("der.pem", [0x30, 0x82, 0xff]);
    contoso.home.write("large.pem", "a".repeat(300_000));
    let edit = "credential edit entra --certificate";
    for (arguments, said, help) in [
        ("missing.pem", "cannot read the certificate from `missing.pem`", ""),
        ("cert.pem", "holds no private key", "--key FILE"),
        ("key.pem", "holds no certificate", "openssl pkcs12"),
        ("cert.pem --key other.pem", "belongs to none of its certificates", "the key that belongs to it"),
        ("cert.pem --key locked.pem", "protected by a password", "openssl pkey -in 'locked.pem'"),
        ("cert.pem --key missing.pem", "cannot read the private key from `missing.pem`", ""),
        ("der.pem", "cannot read the certificate", "expected PEM"),
        ("large.pem", "too large", ""),
        ("old.pem", "ended on 2026-11-22", "make a new one"),
        ("cert.pem --secret-stdin", "cannot be used with", ""),
    ] {
        let told = refused(&contoso, 2, &format!("{edit} {arguments}"));
        assert!(told.contains(said) && told.contains(help), "{arguments}: {told}");
    }
    let told = refused(&contoso, 2, "credential edit entra --key key.pem");
    assert!(told.contains("--certificate"), "{told}");
    contoso.sync(0);
}
