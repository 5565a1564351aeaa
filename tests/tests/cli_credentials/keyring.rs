//! A client secret in the operating system's keyring, from `credential add` to the next night.
//!
//! The keyring is a script in the place of libsecret's `secret-tool`: it takes the same arguments, and keeps entries as
//! files in a folder. It shows that the program asks and hears the tool rightly; what the tool does behind that is
//! libsecret's. One test asks the real one, where gnome-keyring is installed and `USERLOAD_TEST_KEYRING` says so.

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT};
use userload_tests::program::{Answer, Contoso, Forms};

use super::{contoso, listed};

/// As `secret-tool` of libsecret 0.20 does it. Notes its arguments, and whether it was given the store's key.
const FAKE: &str = r#"#!/bin/sh
ring="$HOME/ring"; mkdir -p "$ring"
echo "$@" >> "$HOME/called"
test -z "$USERLOAD_KEY" || echo "it sees the key" >> "$HOME/called"
case "$(cat "$HOME/mood" 2>/dev/null)" in
no-bus) echo "secret-tool: Cannot autolaunch D-Bus without X11 \$DISPLAY" >&2; exit 1;;
locked) case "$1" in
    store) cat > /dev/null; echo "secret-tool: Cannot create an item in a locked collection" >&2;;
    esac; exit 1;;
esac
verb="$1"; shift
case "$1" in --label=*) shift;; esac
test "$1 $2 $3" = "service userload entry" || { echo "usage: secret-tool" >&2; exit 2; }
case "$verb" in
store) cat > "$ring/$4";;
lookup) test -f "$ring/$4" && cat "$ring/$4";;
clear) rm "$ring/$4" 2>/dev/null;;
*) exit 2;;
esac
"#;

/// A house with a keyring.
struct House(Contoso);

impl House {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let contoso = contoso(|_| {});
        std::fs::create_dir(contoso.home.around().join("bin")).unwrap();
        let tool = contoso.home.write("bin/secret-tool", FAKE);
        std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        contoso.home.write("contoso.toml", contoso.document("installation = \"local\""));
        contoso.home.done("integration save -f contoso.toml");
        Self(contoso)
    }

    fn call(&self, arguments: &str) -> Answer {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let path =
            format!("{}:{}", self.0.home.around().join("bin").display(), std::env::var("PATH").unwrap());
        self.0.home.call(&words).env("PATH", path).stdin(DEFAULT_SECRET).run()
    }

    fn mood(&self, mood: &str) {
        self.0.home.write("mood", mood);
    }

    /// The names of the entries of the keyring.
    fn entries(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.0.home.around().join("ring")).into_iter().flatten().flatten();
        let mut names: Vec<String> = all.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn called(&self) -> String {
        std::fs::read_to_string(self.0.home.around().join("called")).unwrap_or_default()
    }
}

#[test]
fn it_goes_there_is_read_at_each_run_and_is_nowhere_else() {
    let house = House::new();
    house.call("credential edit entra --keyring --secret-stdin").ended(0);
    let entries = house.entries();
    assert!(entries.len() == 1 && entries[0].starts_with("entra-"), "{entries:?}");
    assert_eq!(
        std::fs::read_to_string(house.0.home.around().join("ring").join(&entries[0])).unwrap(),
        DEFAULT_SECRET
    );
    assert_eq!(listed(&house.0)["about"]["kept"], serde_json::json!({"in": "keyring", "entry": entries[0]}));
    house.call("credential test entra").ended(0);
    house.call("sync").ended(0);
    // The next night reads it again.
    let before = house.called().lines().count();
    house.call("sync").ended(0);
    assert!(house.called().lines().count() > before);
    let secret = Forms::of("the secret", DEFAULT_SECRET);
    secret.are_not_under(house.0.home.home());
    secret.are_not_in("the tool's arguments", house.called().as_bytes());
    // A second secret has another entry; the first one's goes when it is in use.
    house.call("credential edit entra --keyring --secret-stdin").ended(0);
    assert!(house.entries().len() == 1 && house.entries() != entries, "{:?}", house.entries());
    house.call("sync").ended(0);
    // Back in the store, nothing is left in the keyring.
    house.call("credential edit entra --secret-stdin").ended(0);
    assert_eq!(house.entries(), Vec::<String>::new());
}

#[test]
fn a_new_credential_is_kept_there_and_goes_with_it() {
    let house = House::new();
    let add = format!(
        "credential add other --tenant-id {DEFAULT_TENANT} --client-id {DEFAULT_CLIENT_ID} --keyring --secret-stdin"
    );
    house.call(&add).ended(0);
    assert_eq!(house.entries().len(), 1);
    // One that is there already changes nothing.
    house.call(&add).ended(2);
    assert_eq!(house.entries().len(), 1);
    house.call("credential remove other").ended(0);
    assert_eq!(house.entries(), Vec::<String>::new());
}

#[test]
fn every_absence_is_told_with_what_to_type() {
    let house = House::new();
    // Without the tool.
    let call = house.0.home.call(&["credential", "edit", "entra", "--keyring", "--secret-stdin"]);
    let before = house.0.home.contents();
    let told = call.env("PATH", "/nowhere").stdin(DEFAULT_SECRET).run().ended(2).err;
    assert!(
        told.contains("`secret-tool`, which is not installed") && told.contains("libsecret-tools"),
        "{told}"
    );
    for (mood, what, help) in [
        ("no-bus", "no keyring answers in this session", "DBUS_SESSION_BUS_ADDRESS"),
        ("locked", "keyring is locked", "unlock it"),
    ] {
        house.mood(mood);
        let told = house.call("credential edit entra --keyring --secret-stdin").ended(2).err;
        assert!(told.contains(what) && told.contains(help), "{mood}: {told}");
    }
    assert!(house.0.home.contents() == before, "something changed");
    house.mood("");
    house.call("credential edit entra --keyring --secret-stdin").ended(0);
    let entry = house.entries().remove(0);
    for (mood, what, help) in [
        ("no-bus", "no keyring answers in this session", "--from-file FILE"),
        ("locked", "has no entry `entra-", "userload credential edit NAME --keyring"),
    ] {
        house.mood(mood);
        let told = house.call("sync").ended(2).err;
        assert!(told.contains(what) && told.contains(help), "{mood}: {told}");
    }
    house.mood("");
    std::fs::remove_file(house.0.home.around().join("ring").join(&entry)).unwrap();
    let told = house.call("sync").ended(2).err;
    assert!(told.contains(&format!("has no entry `{entry}`")), "{told}");
    std::fs::write(house.0.home.around().join("ring").join(&entry), "two\nlines").unwrap();
    let told = house.call("sync").ended(2).err;
    assert!(told.contains("several lines") && !told.contains("two"), "{told}");
    for (arguments, said) in [
        ("--keyring --from-env X", "cannot be used with"),
        ("--keyring --next-secret", "cannot be used with"),
        ("--next-secret --secret-stdin", "has no room for a next secret"),
    ] {
        let told = house.call(&format!("credential edit entra {arguments}")).ended(2).err;
        assert!(told.contains(said), "{arguments}: {told}");
    }
    // A cloud integration has no keyring.
    house.0.save("").ended(0);
    let told = house.call("sync").ended(2).err;
    assert!(
        told.contains("is a cloud one, but its credential `entra` is kept in the operating system's keyring"),
        "{told}"
    );
}

#[test]
fn the_tool_is_not_given_the_key_of_the_store() {
    let house = House::new();
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let path = format!("{}:{}", house.0.home.around().join("bin").display(), std::env::var("PATH").unwrap());
    let words = ["credential", "edit", "entra", "--keyring", "--secret-stdin"];
    house.0.home.call(&words).env("PATH", path).env("USERLOAD_KEY", key).stdin(DEFAULT_SECRET).run().ended(0);
    assert!(!house.called().is_empty() && !house.called().contains("it sees the key"), "{}", house.called());
}

#[test]
fn init_puts_a_new_credential_there() {
    let house = House::new();
    let origin = house.0.sim.origin();
    let init = format!(
        "init more --access-role Employee --priority 3 --credential other --domain {origin} --login {origin} \
         --grant {origin} --tenant-id {DEFAULT_TENANT} --client-id {DEFAULT_CLIENT_ID} --keyring --secret-stdin"
    );
    // What is not saved leaves no entry behind.
    house.call(&init.replace("--priority 3 ", "")).ended(2);
    assert_eq!(house.entries(), Vec::<String>::new());
    house.0.home.write("contoso.toml", house.0.document("installation = \"local\"\npriority = 1"));
    house.0.home.done("integration save -f contoso.toml");
    house.call(&init).ended(0);
    assert_eq!(house.entries().len(), 1);
    let document = std::fs::read_to_string(house.0.home.around().join("more.toml")).unwrap();
    assert!(document.contains("installation = \"local\""), "{document}");
    house.call("launch more").ended(0);
    house.call("sync more").ended(0);
}

/// Against GNOME Keyring itself, in a session of its own: `USERLOAD_TEST_KEYRING=1`, with `gnome-keyring`,
/// `libsecret-tools` and `dbus` installed.
#[test]
fn the_real_keyring_keeps_it() {
    if std::env::var_os("USERLOAD_TEST_KEYRING").is_none() {
        return;
    }
    let contoso = contoso(|_| {});
    contoso.home.write("contoso.toml", contoso.document("installation = \"local\""));
    contoso.home.done("integration save -f contoso.toml");
    let script = "mkdir -p run && chmod 700 run && export XDG_RUNTIME_DIR=$PWD/run && exec dbus-run-session -- sh -c '\
        printf \"made up\\n\" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; sleep 1; \
        \"$0\" credential edit entra --keyring --secret-stdin && \"$0\" sync >&2 && \"$0\" credential edit entra \
        --from-env X && \"$0\" credential list' \"$0\"";
    let call = contoso.home.shell(script).stdin(DEFAULT_SECRET);
    call.run().ended(0);
    Forms::of("the secret", DEFAULT_SECRET).are_not_under(contoso.home.home());
}
