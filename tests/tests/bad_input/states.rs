//! A table over all commands: wrong name, wrong type, wrong state. Each answer says what is wrong and what to type
//! next, shows nothing of the program's inside, and leaves every table of the store as it was. What other suites
//! type wrong already is not here again, but every command is here at least once.

use std::collections::{BTreeMap, BTreeSet};

use graph_sim::{SimConfig, World};
use rusqlite::types::Value;
use userload_tests::program::{Contoso, Home};

/// A home in which everything has happened that can be asked for wrongly.
struct Lived {
    contoso: Contoso,
    /// Numbers by which the table's commands name what there is.
    numbers: BTreeMap<&'static str, i64>,
}

fn lived() -> Lived {
    let contoso = Contoso::of(SimConfig::default(), World::contoso(7, 40), "priority = 5");
    let (home, mut numbers) = (&contoso.home, BTreeMap::new());
    home.done("launch");
    numbers.insert("SYNC", contoso.sync(0)["number"].as_i64().unwrap());
    home.done("fields add Badge");
    home.call(&["mapping", "set", "badge=Mail Nickname"]).run().ended(0);
    home.done("fields add Spare");
    home.write("hand.csv", "username,access_role\nhand@x.example,Employee\nback@x.example,Guest\n");
    home.done("people import hand.csv");
    let last = || home.done("runs list --json").json()["runs"][0]["number"].as_i64().expect("a run");
    numbers.insert("IMPORT", last());
    home.done(&format!("undo {}", numbers["IMPORT"]));
    numbers.insert("UNDO", last());
    home.done("people import hand.csv");
    // An integration that is gone, and its plan.
    let origin = contoso.sim.origin();
    let second = ["init", "second", "--access-role", "Guest", "--priority", "1", "--grant", &origin];
    home.call(&second).run().ended(0);
    home.done("plan second");
    numbers.insert("ORPHAN", last());
    home.done("integration remove second");
    // Something is held; one is rejected, one has come back.
    let departments: Vec<(String, String)> = contoso.sim.look(|world| {
        let of = |it: &graph_sim::User| Some((it.id().into_owned(), it.text("department")?.into_owned()));
        world.users().filter_map(of).collect()
    });
    contoso.sim.change(|world| world.wipe("department"));
    contoso.sync(3);
    let holds = home.done("held list --cause clear:department --json").json()["holds"].clone();
    let hold =
        |at: usize| (holds[at]["id"].as_i64().unwrap(), holds[at]["source_id"].as_str().unwrap().to_owned());
    numbers.extend([("OPEN", hold(0).0), ("REJECTED", hold(1).0), ("WITHDRAWN", hold(2).0)]);
    home.done(&format!("held reject {}", hold(1).0));
    let back = departments.iter().find(|(id, _)| *id == hold(2).1).unwrap();
    contoso.sim.change(|world| world.update_text(&back.0, "department", &back.1).unwrap());
    contoso.sync(0);
    home.write("taken.toml", "mine");
    Lived { contoso, numbers }
}

/// Every row of every table.
fn tables(home: &Home) -> BTreeMap<String, Vec<String>> {
    let sql = rusqlite::Connection::open(home.store()).unwrap();
    let mut names = sql.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |name: &String| {
        let mut query = sql.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = query.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|at| row.get::<_, Value>(at)).collect::<Result<Vec<_>, _>>()
        };
        let rows: Vec<String> =
            query.query_map([], row).unwrap().map(|it| format!("{:?}", it.unwrap())).collect();
        (name.clone(), rows)
    };
    names.iter().map(rows).collect()
}

/// What is typed, and what it has to say. Exit code 2, but for those that begin with `1`: a run may refuse, too.
const TABLE: &[(&str, &str)] = &[
    // Wrong states.
    ("apply SYNC", "is applied already"),
    ("apply IMPORT", "was made by hand"),
    ("apply UNDO", "was made by hand"),
    ("apply ORPHAN", "there is no integration `second`"),
    ("apply 0", "there is no run 0"),
    ("apply 99999999999999999999", "invalid value"),
    ("undo IMPORT", "was undone already"),
    ("undo ORPHAN", "is discarded: nobody was changed"),
    ("undo 0", "there is no run 0"),
    ("held approve REJECTED", "was rejected already"),
    ("held reject WITHDRAWN", "was withdrawn already"),
    ("held approve WITHDRAWN", "was withdrawn already"),
    ("held decide OPEN --new", "nothing is to be decided"),
    ("held list --cause nothing", "there is no open hold of the cause `nothing`"),
    ("held show 99999", "there is no hold 99999"),
    ("fields remove badge", "`badge` is mapped by contoso"),
    ("fields add Badge", "there is a field `badge` already"),
    ("fields rename badge City", "`city`"),
    ("people unlock hand@x.example", "nothing of hand@x.example is locked"),
    ("people unpin hand@x.example", "nothing of hand@x.example is pinned"),
    ("people unlink hand@x.example", "is not linked"),
    ("people unerase hand@x.example", "nobody was erased"),
    ("people erase hand@x.example", "--yes"),
    ("people merge hand@x.example hand@x.example", "are one person already"),
    ("credential remove entra", "in use by the integration `contoso`"),
    (
        "credential add entra --tenant-id a.example --client-id b --secret-stdin",
        "there is a credential `entra` already",
    ),
    ("init contoso --access-role Employee", "there is an integration `contoso` already"),
    ("init more --access-role Employee --file taken.toml", "`taken.toml` is there already"),
    // Wrong names.
    ("check nobody", "there is no integration `nobody`"),
    ("launch nobody", "there is no integration `nobody`"),
    ("plan nobody", "there is no integration `nobody`"),
    ("sync nobody", "there is no integration `nobody`"),
    ("integration show nobody", "there is no integration `nobody`"),
    ("integration remove nobody", "there is no integration `nobody`"),
    ("integration save -f nothing.toml", "cannot read `nothing.toml`"),
    ("mapping smart nobody", "there is no integration `nobody`"),
    ("mapping show nobody", "there is no integration `nobody`"),
    ("mapping set city=City --integration nobody", "there is no integration `nobody`"),
    ("mapping unset city --integration nobody", "there is no integration `nobody`"),
    ("mapping diff nobody -f taken.toml", "there is no integration `nobody`"),
    ("mapping diff -f taken.toml", "taken.toml"),
    ("mapping test nobody", "there is no integration `nobody`"),
    ("credential edit nobody", "there is no credential `nobody`"),
    ("credential test nobody", "there is no credential `nobody`"),
    ("credential remove nobody", "there is no credential `nobody`"),
    ("fields remove bagde", "did you mean `badge`?"),
    ("fields remove city", "`city` is built in"),
    ("fields rename city Town", "`city` is built in"),
    ("fields add City", "people have a field `city` already"),
    ("people show nobody@x", "there is nobody `nobody@x`"),
    ("people set nobody@x city=Bonn", "there is nobody `nobody@x`"),
    ("people lock nobody@x", "there is nobody `nobody@x`"),
    ("people unlock nobody@x", "there is nobody `nobody@x`"),
    ("people merge nobody@x hand@x.example", "there is nobody `nobody@x`"),
    ("people erase nobody@x --yes", "there is nobody `nobody@x`"),
    ("people import nothing.csv", "cannot read `nothing.csv`"),
    ("saas users nothing", "there is no SaaS application `nothing`"),
    ("saas link nothing", "there is no entry of the software catalog `nothing`"),
    ("why hand@x.example --run 99999", "there is no run 99999"),
    ("runs show 99999", "there is no run 99999"),
    ("plugin inspect nothing.wasm", "cannot read the plugin `nothing.wasm`"),
    ("plugin inspect taken.toml", "cannot be used"),
    ("plugin verify nothing", "unexpected argument"),
    ("status --tenant nobody", "there is no tenant `nobody`"),
    ("demo --folder taken.toml", "is there already, and not from a demonstration"),
    // Wrong types.
    ("people set hand@x.example hire_date=tomorrow", "expected a time"),
    ("people list --limit none", "invalid value 'none'"),
    ("people export --nothing", "unexpected argument '--nothing'"),
    ("runs list --limit none", "invalid value 'none'"),
    ("runs show first", "invalid value 'first'"),
    ("undo first", "invalid value 'first'"),
    ("credential list extra", "unexpected argument 'extra'"),
    ("credential edit entra --domain nonsense", "which is no URL"),
    ("credential edit entra --expires-on soon", "`soon` is no day"),
    ("integration list extra", "unexpected argument 'extra'"),
    ("fields list extra", "unexpected argument 'extra'"),
    ("fields add Colour --type paint", "invalid value 'paint'"),
    ("saas list extra", "unexpected argument 'extra'"),
    ("saas catalog list extra", "unexpected argument 'extra'"),
    ("saas catalog add", "required"),
    ("init more --access-role Employee --users 0", "0 is not in"),
    ("init more --access-role Boss", "`Boss` is no access role"),
    ("demo --people 3", "3 is not in"),
    ("plan --csv --json", "cannot be used with"),
    ("status --clock soon", "USERLOAD_CLOCK is no time"),
];

#[test]
fn every_command_says_what_is_wrong_and_what_to_type_next() {
    let Lived { contoso, numbers } = lived();
    let home = &contoso.home;
    let before = tables(home);
    let mut faults = Vec::new();
    for (typed, sentence) in TABLE {
        let (code, typed) = typed.strip_prefix("1 ").map_or((2, *typed), |typed| (1, typed));
        let named = |word: &str| numbers.get(word).map_or_else(|| word.to_owned(), ToString::to_string);
        let words: Vec<String> = typed.split(' ').map(named).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = home.call(&words).stdin("a secret of somebody").run();
        let told = &said.err;
        let mut fault = |what: &str| faults.push(format!("{typed}: {what}\n{}{told}", said.out));
        if said.code != code {
            fault(&format!("ends with {}", said.code));
        }
        if !said.out.is_empty() {
            fault("answers");
        }
        if !told.contains(sentence) {
            fault(&format!("does not say `{sentence}`"));
        }
        // A line of help, the usage, the command itself, or what is expected in the place that is named.
        if !["help: ", "tip: ", "Usage: ", "'--help'", "`userload ", "\"help\":\"", "expected "]
            .iter()
            .any(|it| told.contains(it))
        {
            fault("does not say what to type next");
        }
        for inside in ["panicked", "src/", ".rs:", "stack backtrace", "rusqlite", "SQLITE"] {
            if told.contains(inside) {
                fault(&format!("shows `{inside}`"));
            }
        }
        if tables(home) != before {
            fault("has changed the store");
            break;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n---\n"));
}

/// The commands at the ends of the tree that `--help` shows.
fn leaves(home: &Home, path: &str, found: &mut BTreeSet<String>) {
    let help = home.done(format!("{path} --help").trim()).out;
    let listed =
        help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
    let names: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    if names.is_empty() {
        found.insert(path.trim().to_owned());
    }
    for name in names {
        leaves(home, &format!("{path} {name}"), found);
    }
}

#[test]
fn no_command_is_left_out() {
    let mut found = BTreeSet::new();
    leaves(&Home::new(), "", &mut found);
    assert!(found.len() > 40, "{found:?}");
    let in_table = |command: &String| {
        TABLE.iter().any(|(typed, _)| {
            let typed = typed.strip_prefix("1 ").unwrap_or(typed);
            typed == command || typed.starts_with(&format!("{command} "))
        })
    };
    let missing: Vec<&String> = found.iter().filter(|it| !in_table(it)).collect();
    assert!(missing.is_empty(), "nobody types these wrong: {missing:?}");
}

/// A plan belongs to the integration that made it, whatever the others are like now.
#[test]
fn a_plan_of_another_integration_is_not_applied_in_its_place() {
    let Lived { contoso, numbers } = lived();
    let people = contoso.home.people();
    let told = contoso.home.refused(2, &format!("apply {} --strict", numbers["ORPHAN"]));
    assert!(told.contains("there is no integration `second`") && told.contains("help: "), "{told}");
    assert_eq!(contoso.home.people(), people);
}
