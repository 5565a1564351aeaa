//! Hostile plugins, given to the program as a user would give one: each ends as a clear error in bounded
//! time, and the store is as it was.

mod compiling;
#[path = "../../../host/src/engine/tests/guest.rs"]
#[allow(dead_code, reason = "the engine's own tests use more of it")]
mod guest;
mod shell;
mod together;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use guest::Guest;
use shell::{fetcher, shell};
use userload_tests::program::{Answer, Contoso, save};

/// What may pass until a hostile plugin is stopped, on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

const FOREVER: &str = "(loop (br 0)) unreachable";

const GREEDY: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";

/// A home in which people were loaded by a document of one field.
fn loaded() -> Contoso {
    let contoso = Contoso::launched(20);
    let document = contoso.document("");
    let (head, _) = document.split_once("[mapping]").unwrap();
    save(&contoso.home, &format!("{head}[mapping]\nusername = \"userPrincipalName\"\n")).ended(0);
    contoso.home.run("sync").ended(0);
    contoso
}

/// Runs a command with this plugin: it must fail, in bounded time, and leave everything alone.
fn tries(contoso: &Contoso, guest: &Guest, command: &str, code: i32) -> Answer {
    contoso.home.write("hostile.wasm", guest.component());
    let (people, holds) = (contoso.home.people(), contoso.home.done("held list --json").out);
    // A run that could not begin is told of, as a failed one.
    let runs = || {
        let mut all = contoso.home.done("runs list --json").json();
        all["runs"].as_array_mut().expect("a list").retain(|it| it["state"] != "failed");
        all
    };
    let before = runs();
    contoso.sim.clear_journal();
    let started = Instant::now();
    let mut answer = contoso.home.run(&format!("{command} --plugin hostile.wasm")).ended(code);
    // A failed run is an answer, whatever comes before it is the story.
    answer.err.push_str(&answer.out);
    assert!(started.elapsed() < BOUND, "it took {:?}", started.elapsed());
    assert!(contoso.sim.journal().is_empty(), "it reached the source");
    assert_eq!(contoso.home.people(), people);
    assert_eq!(contoso.home.done("held list --json").out, holds);
    assert_eq!(runs(), before);
    answer.tells(&["error: ", "help: "]);
    // The next run, with the plugin that is built in, is none the worse for it.
    assert_eq!(contoso.sync(0)["outcomes"]["unchanged"], 20);
    answer
}

#[test]
fn one_that_loops() {
    let contoso = loaded();
    let early = shell(&[]).export("describe", FOREVER);
    tries(&contoso, &early, "sync", 1).tells(&["`describe` computed for longer than", "and was stopped"]);
    let late = shell(&[]).export("identify", FOREVER);
    tries(&contoso, &late, "sync", 1).tells(&["`identify` computed for longer than", "and was stopped"]);
}

#[test]
fn one_that_allocates_without_end() {
    let contoso = loaded();
    let early = shell(&[]).export("describe", GREEDY);
    tries(&contoso, &early, "sync", 1).tells(&["`describe` needed more than 67108864 bytes of memory"]);
    let late = shell(&[]).export("identify", GREEDY);
    tries(&contoso, &late, "plan", 1).tells(&["`identify` needed more than 67108864 bytes of memory"]);
}

#[test]
fn one_that_crashes() {
    let contoso = loaded();
    tries(&contoso, &shell(&[]), "sync", 1).tells(&["`identify` crashed"]);
    tries(&contoso, &Guest::new(), "sync", 1).tells(&["`describe` crashed"]);
}

/// A host of somebody else's, who must never hear of us.
fn somewhere_else() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (listener, authority)
}

#[test]
fn one_that_calls_a_host_that_it_did_not_ask_for() {
    let contoso = loaded();
    let (listener, authority) = somewhere_else();
    let own = contoso.sim.origin();
    let told = tries(&contoso, &fetcher(&[&own], &authority), "sync", 1);
    told.tells(&["the host refused a request", &format!("`http://{authority}`")]);
    assert!(listener.accept().is_err(), "somebody called");
}

#[test]
fn one_that_asks_for_a_host_that_was_not_granted() {
    let contoso = loaded();
    let (listener, authority) = somewhere_else();
    let other = format!("http://{authority}");
    let told = tries(&contoso, &fetcher(&[&other], &authority), "sync", 2);
    told.tells(&["not granted", &format!("grants = [{{ origin = \"{other}\"")]);
    assert!(listener.accept().is_err(), "somebody called");
}

/// The same shell with a host that it asked for and was granted gets there: the refusals above are about
/// grants and not about the shell.
#[test]
fn one_that_calls_what_it_was_granted_gets_there() {
    let contoso = loaded();
    let own = contoso.sim.origin();
    let authority = own.strip_prefix("http://").unwrap();
    contoso.home.write("honest.wasm", fetcher(&[&own], authority).component());
    contoso.sim.clear_journal();
    contoso.home.run("sync --plugin honest.wasm").ended(1);
    assert_eq!(contoso.sim.journal().len(), 1);
}
