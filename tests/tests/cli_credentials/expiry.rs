use super::support::{FIRST, certificate};
use super::{at_the_source, check, contoso, listed, notes, sync_at};

/// The day that was given, told 60, 30, 7 and 1 days before and afterwards: in status, list, check, test and
/// the notes of each run.
#[test]
fn a_day_that_was_given_is_told_in_time() {
    let contoso = contoso(|_| {});
    contoso.home.done("credential edit entra --expires-on 2027-01-31");
    for (clock, said) in [
        ("2026-12-01T00:00:00Z", None),
        ("2026-12-02T00:00:00Z", Some("expires on 2027-01-31, in 60 days: plan its renewal")),
        ("2027-01-01T00:00:00Z", Some("expires on 2027-01-31, in 30 days: renew it soon")),
        ("2027-01-24T00:00:00Z", Some("expires on 2027-01-31, in 7 days: renew it now")),
        ("2027-01-30T23:00:00Z", Some("expires tomorrow, 2027-01-31: urgent")),
        ("2027-02-01T00:00:00Z", Some("expired on 2027-01-31: loads fail until it is renewed")),
    ] {
        let at = |arguments: &[&str]| contoso.home.call(arguments).at(clock).run();
        let told = [
            at(&["status", "--json"]).ended(0).out,
            at(&["credential", "list", "--json"]).ended(0).out,
            at(&["credential", "list"]).ended(0).err,
            at(&["check"]).ended(0).out,
            at(&["credential", "test", "entra"]).ended(0).out,
            notes(&sync_at(&contoso, clock).run()),
        ];
        for (place, told) in told.iter().enumerate() {
            match said {
                Some(said) => assert!(told.contains(said), "{clock}, {place}: {told}"),
                None => assert!(!told.contains("expires on"), "{clock}, {place}: {told}"),
            }
        }
    }
}

#[test]
fn the_source_knows_better_where_it_may_be_asked() {
    let contoso = contoso(|app| app.secret_ends = "2026-12-20T12:00:00Z".to_owned());
    contoso.home.done("credential edit entra --expires-on 2029-01-01");
    // Without the permission the day stands that was given.
    let tested = contoso.home.done("credential test entra --json").json();
    assert!(check(&tested, "expiry")["detail"].as_str().unwrap().contains("as you said"));
    contoso.sim.change(|world| world.grant("Application.Read.All"));
    let tested = contoso.home.done("credential test entra --json").json();
    assert!(check(&tested, "expiry")["detail"].as_str().unwrap().contains("in 27 days"), "{tested:#}");
    let row = listed(&contoso);
    assert_eq!((&row["expires_on"], &row["expiry_known_from"]), (&"2026-12-20".into(), &"source".into()));
    // From then on every run tells.
    assert!(notes(&contoso.sync(0)).contains("expires on 2026-12-20, in 27 days"));
    // What was told was about the old secret.
    let new = "Zz9-the-new-secret-of-contoso";
    at_the_source(&contoso, |app| app.secret = new.to_owned());
    contoso.home.call(&["credential", "edit", "entra", "--secret-stdin"]).stdin(new).run().ended(0);
    assert_eq!(listed(&contoso)["expires_on"], serde_json::Value::Null);
    assert!(!notes(&contoso.sync(0)).contains("expires"));
}

#[test]
fn a_certificate_tells_its_own_end() {
    let (pem, registered) = certificate(FIRST, (2026, 12, 24));
    let contoso = contoso(|app| app.certificates.push(registered));
    contoso.home.write("cert.pem", pem + FIRST);
    let edited = contoso.home.done("credential edit entra --certificate cert.pem");
    assert!(
        edited.err.contains("the certificate of the credential entra expires on 2026-12-24"),
        "{}",
        edited.err
    );
    assert!(notes(&contoso.sync(0)).contains("expires on 2026-12-24, in 31 days"));
    assert!(contoso.home.done("status").out.contains("expires on 2026-12-24"));
}
