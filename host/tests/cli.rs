//! The program as it is typed: commands that need no plugin, in a home of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the tests keep secret.
const SECRET: &str = "s3cr3t~value+of/Entra=";

struct Home(tempfile::TempDir);

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_userload"));
        command
            .args(arguments)
            .env_clear()
            .env("USERLOAD_HOME", self.folder())
            .env("USERLOAD_CLOCK", "2026-11-23T04:05:06Z")
            .env("ENTRA_SECRET", SECRET)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).output().unwrap())
    }

    /// Runs what must end well, and gives what it answered.
    fn done(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}{}", answer.out, answer.err);
        answer.out
    }

    /// Runs what must be refused as usage or configuration, and gives what it says.
    fn refused(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{arguments:?}: {}", answer.err);
        answer.err.replace(&self.0.path().display().to_string(), "TMP")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn add_credential(&self) {
        self.done(&[
            "credential",
            "add",
            "entra",
            "--tenant-id",
            "contoso.example",
            "--client-id",
            "6731de76",
            "--secret-env",
            "ENTRA_SECRET",
        ]);
    }

    fn save(&self, text: &str) -> Answer {
        self.write("contoso.toml", text);
        self.run(&["integration", "save", "-f", "contoso.toml"])
    }
}

fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const WHOLE: &str = "name = \"contoso\"\ncredential = \"entra\"\naccess-role = \"Employee\"\n\
    [mapping]\nusername = \"User Principal Name\"\n";

const PEOPLE: &str = "username,access role,Display name,employee_id,department,resource_account,status\n\
    ana@x.example,employee,Ana P\u{e9}rez,007,\"Ops, \"\"R&D\"\"\",yes,\n\
    bo@x.example,Guest,\u{1f469}\u{200d}\u{1f52c} Bo,12345678901234567890,0x1F,,inactive\n\
    evil@x.example,Guest,\u{1b}[31mEvil,1e5,\u{645}\u{631}\u{64a}\u{645},no,active\n";

#[test]
fn an_empty_home_says_how_to_begin_and_stays_empty() {
    let home = Home::new();
    let welcome = home.done(&[]);
    assert!(welcome.contains("userload demo") && welcome.contains("userload credential add"), "{welcome}");
    insta::assert_snapshot!(home.refused(&["people", "list"]), @r"
    error: there is nothing in `TMP/home` yet
    help: begin with `userload init` or `userload demo`; `--home DIR` (or USERLOAD_HOME) points elsewhere
    ");
    home.refused(&["plan"]);
    assert!(!home.folder().exists(), "looking makes nothing");
}

#[test]
fn every_command_has_help_with_an_example() {
    let home = Home::new();
    for command in [
        "demo",
        "check",
        "launch",
        "plan",
        "apply",
        "sync",
        "credential add",
        "credential test",
        "credential edit",
        "credential remove",
        "integration save",
        "integration show",
        "integration remove",
        "held list",
        "people list",
        "people show",
        "people import",
        "people export",
        "runs list",
        "runs show",
        "plugin inspect",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = home.done(&words);
        assert!(help.contains(&format!("Example: userload {command}")), "{command}: {help}");
    }
}

#[test]
fn what_is_mistyped_is_named_and_what_was_meant_is_guessed() {
    let home = Home::new();
    home.add_credential();
    insta::assert_snapshot!(home.refused(&["credential", "remove", "entr"]), @r"
    error: there is no credential `entr`
    help: did you mean `entra`?
    ");
    insta::assert_snapshot!(home.refused(&["plan"]), @r"
    error: there is no integration yet
    help: `userload init` makes one; or write a document (`userload integration save --help` has one) and save it: `userload integration save -f FILE`
    ");
    assert_eq!(home.save(WHOLE).code, 0);
    insta::assert_snapshot!(home.refused(&["plan", "conto"]), @r"
    error: there is no integration `conto`
    help: did you mean `contoso`?
    ");
    insta::assert_snapshot!(home.refused(&["credential", "remove", "entra"]), @r"
    error: the credential `entra` is in use by the integration `contoso`
    help: give that integration another credential (`userload integration save -f FILE`), or remove it: `userload integration remove NAME`
    ");
    insta::assert_snapshot!(home.refused(&["sync"]), @r"
    error: `contoso` is a draft: it can be checked and planned, not applied
    help: `userload plan contoso` shows what it would do, `userload launch contoso` launches it
    ");
    insta::assert_snapshot!(home.refused(&["runs", "show", "7"]), @r"
    error: there is no run 7
    help: `userload runs list` lists them
    ");
    insta::assert_snapshot!(home.refused(&["people", "show", "nobody@x.example"]), @r"
    error: there is nobody `nobody@x.example`
    help: `userload people list --search TEXT` looks in usernames, emails and display names
    ");
    assert!(home.refused(&["statsu"]).contains("'status'"));
    assert!(home.refused(&["--tenant", "a b", "status"]).contains("no tenant's name"));
    home.refused(&["people", "list", "--active", "--inactive"]);
}

#[test]
fn a_bad_document_is_not_saved() {
    let home = Home::new();
    let answer =
        home.save(&WHOLE.replace("access-role", "acess-role").replace("Principal Name", "Principle Name"));
    assert_eq!(answer.code, 2);
    insta::assert_snapshot!(answer.err, @r#"
    error: `contoso.toml` has 2 problems
      contoso.toml:3:1: unknown key `acess-role`
        help: did you mean `access-role`?
      contoso.toml:5:12: the source has no field `User Principle Name`
        help: did you mean `"User Principal Name"`?
    "#);
    home.refused(&["integration", "show"]);
    assert!(
        home.refused(&["integration", "save", "-f", "nothing.toml"]).contains("cannot read `nothing.toml`")
    );
}

#[test]
fn a_draft_is_launched_when_it_is_whole() {
    let home = Home::new();
    home.add_credential();
    assert_eq!(
        home.save("name = \"contoso\"\ncredential = \"entra\"\n[mapping]\nusername = \"Mail\"\n").code,
        0
    );
    insta::assert_snapshot!(home.refused(&["launch"]), @r#"
    error: `contoso` stays a draft:
      the mandatory field `access_role` is not mapped: add `access-role = "Employee"`
    help: add what is missing to the document and save it: `userload integration save -f FILE`
    "#);
    insta::assert_snapshot!(home.save(WHOLE).out, @r#"
    + access-role = "Employee"
    - username = "Mail"
    + username = "User Principal Name"
    integration contoso saved
    "#);
    insta::assert_snapshot!(home.done(&["launch"]), @"contoso is launched");
    insta::assert_snapshot!(home.done(&[]), @r"
    Integration  State     Last run  Outcome  Held  Waiting  Secret until
    contoso      launched  never              -     -        -

    0 people active, 0 inactive

    next: userload sync contoso
    ");
    assert_eq!(home.done(&["integration", "show"]), WHOLE, "it can be saved again as it is shown");
    insta::assert_snapshot!(home.save(WHOLE).out, @"integration contoso is as it was");
}

#[test]
fn a_secret_is_nowhere() {
    let home = Home::new();
    home.add_credential();
    let said = [
        home.run(&["credential", "list"]),
        home.run(&["credential", "list", "--json"]),
        home.run(&[
            "credential",
            "edit",
            "entra",
            "--secret-env",
            "ENTRA_SECRET",
            "--expires-on",
            "2026-12-01",
        ]),
        home.run(&["credential", "edit", "entra"]),
        home.run(&["status"]),
    ];
    for answer in said {
        assert!(!answer.out.contains(SECRET) && !answer.err.contains(SECRET));
    }
    for file in std::fs::read_dir(home.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|it| it == SECRET.as_bytes()));
    }
}

#[test]
fn a_lost_key_is_said_and_not_replaced() {
    let home = Home::new();
    home.add_credential();
    let key = home.folder().join("key");
    std::fs::remove_file(&key).unwrap();
    let said = home.refused(&["credential", "edit", "entra", "--secret-env", "ENTRA_SECRET"]);
    insta::assert_snapshot!(said, @r"
    error: the key file `TMP/home/key` is missing, but the store has sealed secrets that only it can open
    help: bring it back from a backup; if it is lost, make a new one, `(umask 077; openssl rand -base64 32 > 'TMP/home/key')`, and enter each secret again: `userload credential edit NAME`
    ");
    assert!(!key.exists());
}

#[test]
fn people_come_back_as_they_went() {
    let (home, other) = (Home::new(), Home::new());
    home.write("people.csv", PEOPLE);
    insta::assert_snapshot!(home.done(&["people", "import", "people.csv"]), @r"
    Import 1, applied

      +3 created
      = 3 rows (3 in the file)
    ");
    insta::assert_snapshot!(home.done(&["people", "import", "people.csv"]), @r"
    Import 2, applied

      =3 unchanged
      = 3 rows (3 in the file)
      Nothing changed.
    ");
    insta::assert_snapshot!(home.done(&["people", "list"]), @r#"
    Name            Username        Department  Access role  Status
    Ana Pérez       ana@x.example   Ops, "R&D"  Employee     active
    👩‍🔬 Bo           bo@x.example    0x1F        Guest        inactive
    \u{1b}[31mEvil  evil@x.example  مريم        Guest        active
    "#);
    insta::assert_snapshot!(home.done(&["people", "show", "ANA@x.example"]), @r#"
    Ana Pérez
    active

      Field             Value                                 From           Since                 Before
      Username          ana@x.example                         import, run 1  2026-11-23 04:05 UTC
      Access role       Employee                              import, run 1  2026-11-23 04:05 UTC
      Display name      Ana Pérez                             import, run 1  2026-11-23 04:05 UTC
      Department        Ops, "R&D"                            import, run 1  2026-11-23 04:05 UTC
      Employee ID       007                                   import, run 1  2026-11-23 04:05 UTC
      Resource account  true                                  import, run 1  2026-11-23 04:05 UTC
      ID                d6610982-5111-5938-9b6a-d5de21d24baf

    Status
      2026-11-23 04:05 UTC  run 1  active  imported from people.csv, line 2

    History
      2026-11-23 04:05 UTC  run 1  created  imported from people.csv, line 2

    `userload why ana@x.example` tells the whole story
    "#);

    other.write("export.csv", &home.done(&["people", "export"]));
    other.done(&["people", "import", "export.csv"]);
    let all = home.done(&["people", "export", "--json"]);
    assert_eq!(all, other.done(&["people", "export", "--json"]), "byte for byte");
    assert_eq!(home.done(&["people", "export", "--csv"]), other.done(&["people", "export"]));
    assert!(!all.contains('\u{1b}'));
    let json: serde_json::Value = serde_json::from_str(&all).unwrap();
    assert_eq!(json["version"], 1);
    let ids: Vec<&str> = json["people"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["fields"]["employee_id"].as_str())
        .collect();
    for id in ["007", "12345678901234567890", "1e5"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
}

#[test]
fn a_bad_file_of_people_changes_nobody() {
    let home = Home::new();
    home.write("people.csv", "username,access_role,citty\nana,Guest,Bonn\n");
    insta::assert_snapshot!(home.refused(&["people", "import", "people.csv"]), @r"
    error: `people.csv` was not imported:
      line 1, column 3: people have no field `citty`; did you mean `city`?
    help: nobody was changed; `userload people export --csv` shows the columns that a file may have
    ");
    home.write("people.csv", "username,access_role\nana,Guest\nbo,\ncy,Boss\nANA,Guest\n");
    insta::assert_snapshot!(home.refused(&["people", "import", "people.csv"]), @r"
    error: `people.csv` was not imported:
      line 4, column `access_role`: `Boss` is no access role, expected one of Employee, Contractor, External, Guest, Administrator
      line 5, column `username`: `ana` stands in line 2 already
    help: nobody was changed; `userload people export --csv` shows the columns that a file may have
    ");
    home.write("people.csv", "username,access_role\nana,Guest\nbo,\n");
    insta::assert_snapshot!(home.refused(&["people", "import", "people.csv"]), @r"
    error: `people.csv` was not imported:
      line 3, column `access_role`: a new person needs an access role, such as Employee
    ");
    assert_eq!(home.done(&["people", "list"]), "nobody\n");
    assert_eq!(home.done(&["held", "list"]), "nothing is held\n");
}

#[test]
fn files_that_are_no_store_are_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.folder()).unwrap();
    let store = home.folder().join("userload.sqlite");
    std::fs::write(&store, "a text that is no database, but long enough to look like one ".repeat(20))
        .unwrap();
    let before = std::fs::read(&store).unwrap();
    let answer = home.run(&["people", "list"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("is not a userload store") && answer.err.contains("help:"), "{}", answer.err);
    assert_eq!(std::fs::read(&store).unwrap(), before);

    std::fs::remove_file(&store).unwrap();
    home.add_credential();
    newer(&store);
    let answer = home.run(&["status"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("newer userload (schema 99"), "{}", answer.err);
}

/// Marks a store as one of a later version.
fn newer(store: &Path) {
    let sql = rusqlite::Connection::open(store).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
}

#[test]
fn answers_are_json_with_a_version() {
    let home = Home::new();
    home.add_credential();
    home.write("people.csv", PEOPLE);
    home.save(WHOLE);
    home.done(&["people", "import", "people.csv"]);
    for arguments in [
        &["status"][..],
        &["credential", "list"],
        &["integration", "list"],
        &["integration", "show"],
        &["launch"],
        &["held", "list"],
        &["people", "list"],
        &["people", "show", "ana"],
        &["people", "export"],
        &["runs", "list"],
        &["runs", "show"],
        &["runs", "show", "1", "--changes"],
    ] {
        let text = home.done(&[arguments, &["--json"]].concat());
        let json: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(json["version"], 1, "{arguments:?}");
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let home = Home::new();
    home.write("people.csv", PEOPLE);
    home.done(&["people", "import", "people.csv"]);
    let mut child =
        home.command(&["people", "export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let answer = answer(child.wait_with_output().unwrap());
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
}
