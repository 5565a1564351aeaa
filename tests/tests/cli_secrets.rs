//! A secret appears nowhere, and neither does an access token: not in the store or its write-ahead log, not
//! in the cache, not in what is printed, not in what `/proc` shows of the process; raw or in any encoding.
//!
//! The guest's linear memory is looked through by the engine's own tests, at each export's return.

#[path = "cli_credentials/support.rs"]
mod support;

use std::time::{Duration, Instant};

use graph_sim::{Action, DEFAULT_TENANT, Echo, On, Rule, Schedule, SimConfig, World};
use userload_tests::program::{Answer, Call, Contoso, Forms, Home, Running, save};

/// As long as Microsoft's, and full of characters that JSON, forms, URLs and shells write otherwise.
const SECRET: &str = "Zk9~p@ss w+rd/=&%41?#\"q\\uo'te;ünïcode_0.7";

/// A simulator that knows the secret, and a home that is told it in this way.
fn told_by(arguments: &[&str], with: impl FnOnce(Call) -> Call) -> (Contoso, Vec<Answer>) {
    let mut world = World::contoso(7, 300);
    world.apps[0].secret = SECRET.to_owned();
    let client = world.apps[0].client_id.clone();
    // Its own credential is there to know the origin; the one under test takes its place.
    let contoso = Contoso::of(SimConfig::default(), world, "page-size = 100");
    let home = Home::new();
    home.write("secret.txt", format!("{SECRET}\n"));
    let origin = contoso.sim.origin();
    let add = ["credential", "add", "entra", "--domain", &origin, "--login", &origin, "--tenant-id"];
    let add = [&add[..], &[DEFAULT_TENANT, "--client-id", &client], arguments].concat();
    let running = with(home.call(&add)).spawn();
    let shown = [running.proc("cmdline"), running.proc("environ")];
    let added = running.wait().ended(0);
    Forms::of("the secret", SECRET).are_not_in("the arguments", &shown[0]);
    if !arguments.contains(&"--secret-env") {
        Forms::of("the secret", SECRET).are_not_in("the environment", &shown[1]);
    }
    let saved = save(&home, &contoso.document("page-size = 100")).ended(0);
    let launched = home.done("launch");
    let contoso = Contoso { sim: contoso.sim, home };
    (contoso, vec![added, saved, launched])
}

/// Neither secret nor token stands in any of these answers or in any file of the home.
fn nothing_leaked(contoso: &Contoso, answers: &[Answer]) {
    let mut all = vec![Forms::of("the secret", SECRET)];
    let tokens = contoso.sim.issued_tokens();
    assert!(!tokens.is_empty(), "no token was issued: nothing was tried");
    all.extend(tokens.iter().map(|token| Forms::of("an access token", token)));
    for forms in &all {
        for answer in answers {
            forms.are_not_in(&format!("stdout of `{}`", answer.arguments), answer.out.as_bytes());
            forms.are_not_in(&format!("stderr of `{}`", answer.arguments), answer.err.as_bytes());
        }
        let files = forms.are_not_under(contoso.home.home());
        assert!(files >= 3, "store, key and compiled plugin were read, not {files} files");
    }
}

/// Everything that shows something, after a run.
fn everything(contoso: &Contoso) -> Vec<Answer> {
    let commands = [
        "check --json",
        "check",
        "credential test entra --json",
        "credential list --json",
        "integration show --json",
        "sync --json",
        "plan --json",
        "plan",
        "status --json",
        "runs list --json",
        "runs show --json --all",
        "runs show --changes --json",
        "people export --json",
        "plugin inspect --json",
    ];
    commands.into_iter().map(|command| contoso.home.done(command)).collect()
}

#[test]
fn a_secret_from_a_file_is_nowhere() {
    let (contoso, mut answers) = told_by(&["--secret-file", "secret.txt"], |call| call);
    answers.extend(everything(&contoso));
    nothing_leaked(&contoso, &answers);
}

#[test]
fn a_secret_from_standard_input_is_nowhere() {
    let (contoso, mut answers) = told_by(&["--secret-stdin"], |call| call.stdin(SECRET));
    answers.extend(everything(&contoso));
    nothing_leaked(&contoso, &answers);
}

#[test]
fn a_secret_from_the_environment_is_nowhere_else() {
    let (contoso, mut answers) =
        told_by(&["--secret-env", "THE_SECRET"], |call| call.env("THE_SECRET", SECRET));
    answers.extend(everything(&contoso));
    nothing_leaked(&contoso, &answers);
}

fn wait_for(what: &str, running: &mut Running, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(!running.ended() && Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// In the middle of a run, with the store open and its write-ahead log not folded in; then killed there.
#[test]
fn nowhere_while_it_runs_and_nowhere_after_it_was_killed() {
    let (contoso, answers) = told_by(&["--secret-stdin"], |call| call.stdin(SECRET));
    contoso.sim.set_faults(Schedule::one(Rule::new(On::Users, Action::Stall).page(3)));
    let mut running = contoso.home.call(&["sync", "--json"]).spawn();
    wait_for("page 3", &mut running, || contoso.sim.unfired().is_empty());
    std::thread::sleep(Duration::from_millis(200));
    let wal = contoso.home.home().join("userload.sqlite-wal");
    assert!(wal.metadata().unwrap().len() > 0, "nothing is in the write-ahead log");
    let mut all = vec![Forms::of("the secret", SECRET)];
    all.extend(contoso.sim.issued_tokens().iter().map(|token| Forms::of("an access token", token)));
    for forms in &all {
        forms.are_not_in("/proc/PID/cmdline", &running.proc("cmdline"));
        forms.are_not_in("/proc/PID/environ", &running.proc("environ"));
    }
    nothing_leaked(&contoso, &answers);
    let said = running.kill();
    nothing_leaked(&contoso, &[said]);
}

/// Errors are where secrets get out: a login host that quotes what it was sent, a wrong secret, a broken
/// answer with a token in it.
#[test]
fn nowhere_when_the_source_quotes_it() {
    let (contoso, _) = told_by(&["--secret-stdin"], |call| call.stdin(SECRET));
    // A token is issued once, so that there is one to look for.
    let mut answers = vec![contoso.home.done("sync --json")];
    for form in [Echo::Raw, Echo::UrlEncoded, Echo::Base64] {
        let echo = Rule::new(On::Token, Action::EchoSecret { form }).always();
        contoso.sim.set_faults(Schedule::one(echo));
        for (command, code) in
            [("sync --json", 1), ("sync", 1), ("check", 2), ("credential test entra --json", 2), ("plan", 1)]
        {
            answers.push(contoso.home.run(command).ended(code));
        }
        assert_eq!(contoso.sim.unfired(), Vec::<String>::new());
    }
    contoso.sim.clear_faults();
    for command in ["runs show --json", "runs list --json", "status"] {
        answers.push(contoso.home.done(command));
    }
    nothing_leaked(&contoso, &answers);
}

/// A secret that is mistyped into an argument is refused by the parser: there is no such argument.
#[test]
fn there_is_no_argument_for_a_secret() {
    let home = Home::new();
    for argument in ["--secret", "--client-secret", "--password"] {
        let told = home.call(&["credential", "add", "entra", argument, SECRET]).run().ended(2);
        Forms::of("the secret", SECRET).are_not_in("stderr", told.err.as_bytes());
        assert!(!home.home().exists());
    }
}

/// The private key of a certificate, and what is signed with it.
#[test]
fn a_private_key_and_its_assertions_are_nowhere() {
    let (pem, registered) = support::certificate(support::FIRST, (2099, 1, 1));
    let mut world = World::contoso(7, 50);
    world.apps[0].certificates.push(registered);
    let contoso = Contoso::of(SimConfig::default(), world, "page-size = 100");
    contoso.home.write("cert.pem", pem + support::FIRST);
    let mut answers = vec![contoso.home.done("credential edit entra --certificate cert.pem --json")];
    answers.push(contoso.home.done("launch"));
    answers.extend(everything(&contoso));
    // A login that quotes what it was sent.
    let echo = Rule::new(On::Token, Action::EchoSecret { form: Echo::Raw }).always();
    contoso.sim.set_faults(Schedule::one(echo));
    answers.push(contoso.home.run("sync --json").ended(1));
    answers.push(contoso.home.run("credential test entra").ended(2));
    contoso.sim.clear_faults();
    answers.push(contoso.home.done("runs show --json"));
    let lines = support::FIRST.lines().filter(|line| line.len() == 64);
    let mut all: Vec<Forms> = lines.map(|line| Forms::of("the private key", line)).collect();
    assert!(all.len() > 20, "the key has many lines");
    let assertions = contoso.sim.assertions();
    assert!(assertions.len() > 2, "nothing was signed");
    all.extend(assertions.iter().map(|it| Forms::of("an assertion", it)));
    for forms in &all {
        for answer in &answers {
            forms.are_not_in(&answer.arguments, format!("{}{}", answer.out, answer.err).as_bytes());
        }
        forms.are_not_under(contoso.home.home());
    }
}

#[test]
fn a_federated_token_is_nowhere() {
    let mut world = World::contoso(7, 50);
    world.apps[0].federated.push(support::provider());
    let contoso = Contoso::of(SimConfig::default(), world, "page-size = 100");
    let token = support::federated_token(support::SUBJECT, "one");
    contoso.home.write("token", &token);
    let mut answers = vec![contoso.home.done("credential edit entra --federated-token-file token --json")];
    answers.push(contoso.home.done("launch"));
    answers.extend(everything(&contoso));
    let echo = Rule::new(On::Token, Action::EchoSecret { form: Echo::Raw }).always();
    contoso.sim.set_faults(Schedule::one(echo));
    answers.push(contoso.home.run("sync --json").ended(1));
    let forms = Forms::of("the federated token", &token);
    for answer in &answers {
        forms.are_not_in(&answer.arguments, format!("{}{}", answer.out, answer.err).as_bytes());
    }
    forms.are_not_under(contoso.home.home());
    assert!(!contoso.sim.assertions().is_empty(), "it was never sent");
}
