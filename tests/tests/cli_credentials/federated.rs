use super::support::{SUBJECT, federated_token, provider};
use super::{at_the_source, contoso, listed, refused};
use userload_tests::program::{Contoso, Forms};

fn workload() -> Contoso {
    let contoso = contoso(|app| app.federated.push(provider()));
    contoso.home.write("token", federated_token(SUBJECT, "first"));
    contoso.home.done("credential edit entra --federated-token-file token");
    at_the_source(&contoso, |app| app.secret = "another, that nobody here knows".to_owned());
    contoso
}

#[test]
fn the_token_is_read_at_each_run_and_never_stored() {
    let contoso = workload();
    assert_eq!(listed(&contoso)["proof"], "federated token");
    contoso.home.done("credential test entra");
    assert_eq!(contoso.sync(0)["outcomes"]["created"], 40);
    // The platform has renewed it.
    let second = federated_token(SUBJECT, "second");
    contoso.home.write("token", &second);
    assert_eq!(contoso.sync(0)["outcomes"]["unchanged"], 40);
    let sent = contoso.sim.assertions();
    assert_eq!(sent.last(), Some(&second));
    for token in [federated_token(SUBJECT, "first"), second] {
        Forms::of("a federated token", &token).are_not_under(contoso.home.home());
    }
}

#[test]
fn a_token_that_is_not_there_or_not_to_be_trusted_stops_the_run_before_it_begins() {
    use std::os::unix::fs::PermissionsExt as _;
    let contoso = workload();
    let token = contoso.home.around().join("token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o666)).unwrap();
    for command in ["sync", "plan", "check", "credential test entra"] {
        let told = refused(&contoso, 2, command);
        assert!(told.contains("can be written by others (mode 666)"), "{command}: {told}");
        assert!(told.contains("help: chmod o-w"), "{command}: {told}");
    }
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    contoso.home.write("token", "not a token");
    assert!(refused(&contoso, 2, "sync").contains("expected a JWT"));
    contoso.home.write("token", "a".repeat(20_000));
    assert!(refused(&contoso, 2, "sync").contains("more than 16384 bytes"));
    std::fs::remove_file(&token).unwrap();
    let told = refused(&contoso, 2, "sync");
    assert!(
        told.contains("the federated token cannot be read") && told.contains("AZURE_FEDERATED_TOKEN_FILE")
    );
    // The next night it is there again.
    contoso.home.write("token", federated_token(SUBJECT, "third"));
    contoso.sync(0);
}

#[test]
fn entra_takes_only_the_subject_that_it_was_told() {
    let contoso = workload();
    contoso.home.write("token", federated_token("somebody:else", "first"));
    let told = contoso.home.run("sync").ended(1);
    assert!(format!("{}{}", told.out, told.err).contains("AADSTS700213"), "{}{}", told.out, told.err);
    let home = &contoso.home;
    let told = home.refused(2, "credential edit entra --federated-token-file missing");
    assert!(told.contains("the federated token cannot be read from"), "{told}");
    contoso.home.write("token", federated_token(SUBJECT, "second"));
    contoso.sync(0);
}
