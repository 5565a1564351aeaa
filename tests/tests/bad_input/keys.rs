//! The key that opens secrets: missing, wrong, or open to others. No new one is made over sealed secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use userload_tests::program::{Contoso, Home};

#[test]
fn a_key_that_others_can_read() {
    let contoso = Contoso::launched(5);
    let key = contoso.home.home().join("key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600, "as the first use makes it");
    assert_eq!(fs::metadata(contoso.home.home()).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    for command in ["sync", "check", "credential test entra"] {
        let told = contoso.home.refused(2, command);
        assert!(told.contains("`TMP/home/key` can be read by others (mode 640)"), "{command}: {told}");
        assert!(told.contains("help: chmod 600 'TMP/home/key'"), "{told}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    contoso.sync(0);
}

#[test]
fn a_key_that_is_missing_is_not_made_anew() {
    let contoso = Contoso::launched(5);
    let key = contoso.home.home().join("key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let edit =
        contoso.home.call(&["credential", "edit", "entra", "--secret-stdin"]).stdin("a new secret").run();
    for told in [contoso.home.refused(2, "sync"), contoso.home.told(edit.ended(2))] {
        assert!(told.contains("the key file `TMP/home/key` is missing"), "{told}");
        assert!(told.contains("help: bring it back from a backup"), "{told}");
    }
    assert!(!key.exists(), "no new key over sealed secrets");
    fs::write(&key, &kept).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    contoso.sync(0);
}

/// Nothing is made by a credential that cannot be kept: no folder, no key, no store.
#[test]
fn a_credential_that_is_not_whole() {
    let home = Home::new();
    let add = ["credential", "add", "entra", "--tenant-id", "contoso.example", "--client-id", "x"];
    let with = |more: &[&'static str]| [&add[..], more].concat();
    for (arguments, input, sentence) in [
        (with(&["--secret-stdin"]), "", "the secret is empty"),
        (with(&["--secret-stdin"]), "short", "the secret is shorter than 8 characters"),
        (with(&["--secret-stdin"]), "two\nlines of it", "the secret has several lines"),
        (with(&["--secret-file", "missing.txt"]), "", "cannot read the secret from `missing.txt`"),
        (with(&["--secret-env", "NOT_SET"]), "", "the environment variable `NOT_SET` is not set"),
        (with(&[]), "", "there is no secret, and no terminal to ask at"),
        (with(&["--secret-stdin", "--expires-on", "soon"]), "long enough", "`soon` is no day"),
        (with(&["--secret-stdin"])[..5].to_vec(), "long enough", "--client-id missing"),
    ] {
        let told = home.told(home.call(&arguments).stdin(input).run().ended(2));
        assert!(told.contains(sentence), "{arguments:?}: {told}");
        assert!(!home.home().exists(), "{arguments:?} made something");
    }
}

#[test]
fn a_key_of_the_environment() {
    let contoso = Contoso::launched(5);
    let right = fs::read_to_string(contoso.home.home().join("key")).unwrap();
    let wrong = "A".repeat(43) + "=";
    let with = |key: &str| contoso.home.call(&["sync"]).env("USERLOAD_KEY", key).run();
    let told = contoso.home.told(with(&wrong).ended(2));
    assert!(told.contains("USERLOAD_KEY") && told.contains("entra") && told.contains("help: "), "{told}");
    assert!(!told.contains(&wrong), "{told}");
    let told = contoso.home.told(with("short").ended(2));
    assert!(told.contains("`USERLOAD_KEY` holds no key: expected 32 bytes"), "{told}");
    with(&right).ended(0);
}
