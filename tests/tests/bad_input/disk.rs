//! Disks that cannot be written to, because of permissions or because they are full.

use std::process::Command;

use userload_tests::program::{Contoso, Home};

/// Whether this command can be run here; some need powers that a test may lack.
fn can(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|it| it.status.success())
}

/// Runs the program without the powers by which root writes to what is read-only.
fn without_powers(home: &Home, arguments: &str) -> userload_tests::program::Answer {
    let powerless = can("setpriv", &["--bounding-set=-all", "--inh-caps=-all", "true"]);
    let before = if powerless { "exec setpriv --bounding-set=-all --inh-caps=-all" } else { "exec" };
    home.shell(&format!("{before} \"$0\" {arguments}")).run()
}

#[test]
fn a_home_that_cannot_be_written_to() {
    let contoso = Contoso::launched(20);
    contoso.sync(0);
    let home = contoso.home.home().display().to_string();
    assert!(can("chmod", &["-R", "a-w", &home]));
    let before = contoso.home.contents();
    for command in ["sync", "plan", "launch contoso", "integration save -f contoso.toml"] {
        let told = contoso.home.told(without_powers(&contoso.home, command).ended(1));
        assert!(told.contains("the store `TMP/home/userload.sqlite` is read-only"), "{command}: {told}");
        assert!(told.contains("help: check the folder's permissions"), "{told}");
    }
    assert_eq!(contoso.home.contents(), before);
    assert!(can("chmod", &["-R", "u+w", &home]));
    contoso.sync(0);
}

#[test]
fn a_place_where_no_home_can_be_made() {
    let home = Home::new();
    let closed = home.around().join("closed");
    std::fs::create_dir(&closed).unwrap();
    assert!(can("chmod", &["a-w", &closed.display().to_string()]));
    home.write("people.csv", "username\nana@x.example\n");
    let told = home.told(without_powers(&home, "--home closed/home people import people.csv").ended(1));
    assert!(told.contains("cannot make") && told.contains("`closed/home"), "{told}");
    assert!(told.contains("point `--home` to a folder that you can write to"), "{told}");
    let told = home.told(without_powers(&home, "demo --folder closed/story").ended(1));
    assert!(told.contains("cannot make the folder `closed/story`"), "{told}");
}

/// A file system of a few megabytes, in a mount that only the program's process sees.
fn on_a_small_disk(
    contoso: &Contoso,
    megabytes: u32,
    arguments: &str,
) -> Option<userload_tests::program::Answer> {
    let unshare = if can("unshare", &["-m", "true"]) {
        "unshare -m"
    } else if can("unshare", &["-rm", "true"]) {
        "unshare -rm"
    } else {
        return None;
    };
    // The small disk gets the home; what is on it afterwards comes back.
    let script = format!(
        "exec {unshare} sh -c 'set -e; cp -a home kept; mount -t tmpfs -o mode=700,size={megabytes}m none home; \
         cp -a kept/. home/; rm -rf kept; set +e; \"$0\" {arguments}; code=$?; mkdir after; cp -a home/. after/; \
         exit $code' \"$0\""
    );
    Some(contoso.home.shell(&script).run())
}

/// Puts what was left on the small disk in the place of the home.
fn take_back(contoso: &Contoso) {
    let (home, after) = (contoso.home.home(), contoso.home.around().join("after"));
    std::fs::remove_dir_all(home).unwrap();
    std::fs::rename(after, home).unwrap();
}

#[test]
fn a_disk_that_fills_up_while_people_are_read() {
    let contoso = Contoso::launched(2_000);
    // The compiled plugin is 3 MB, the store of 2,000 people about 10.
    let Some(answer) = on_a_small_disk(&contoso, 6, "sync") else { return };
    let told = answer.ended(1);
    let told = told.out + &told.err;
    let store =
        format!("the disk is full; nothing was changed in the store `{}`", contoso.home.store().display());
    assert!(told.contains(&store), "{told}");
    assert!(told.contains("help: free some space and run the same command again"), "{told}");
    take_back(&contoso);
    contoso.home.done("people list").answers(&["nobody"]);
    assert_eq!(contoso.sync(0)["outcomes"]["created"], 2_000);
}

/// On a disk of any size a run is applied and leaves nothing half done, or is not begun, or nothing has
/// changed. There is a size at which all can be staged, but not applied: that is found out before it begins.
#[test]
fn a_disk_that_is_too_small_to_apply() {
    let contoso = Contoso::launched(2_000);
    let (mut refused, mut applied) = (0, 0);
    for megabytes in (8..=24).step_by(2) {
        let Some(answer) = on_a_small_disk(&contoso, megabytes, "sync") else { return };
        let told = format!("{}{}", answer.out, answer.err);
        let after = contoso.home.around().join("after");
        let people = contoso.home.done("--home after people list --json").json()["total"].clone();
        if answer.code == 0 {
            assert_eq!(people, 2_000, "{told}");
            assert!(
                !after.join("userload.sqlite-wal").exists(),
                "{megabytes} MB: the log was not copied back"
            );
            applied += 1;
        } else {
            assert_eq!((answer.code, people), (1, 0.into()), "{told}");
            refused += u32::from(told.contains("MiB; nothing was applied"));
            assert!(told.contains("disk") && told.contains("help: free some space"), "{told}");
        }
        std::fs::remove_dir_all(after).unwrap();
    }
    assert!(refused > 0 && applied > 0, "{refused} refused, {applied} applied");
}
