//! Each way in which an application proves itself, from `credential add` to the next night.

mod certificate;
mod consent;
mod expiry;
mod federated;
mod keyring;
mod local;
mod private;
mod rotation;
mod support;

use graph_sim::{App, SimConfig, World};
use userload_tests::program::{Answer, Contoso};

/// Forty people, a launched integration, and an app that `change` has made its own.
fn contoso(change: impl FnOnce(&mut App)) -> Contoso {
    let mut world = World::contoso(7, 40);
    let secret = world.apps[0].secret.clone();
    change(&mut world.apps[0]);
    let wanted = std::mem::replace(&mut world.apps[0].secret, secret);
    let contoso = Contoso::of(SimConfig::default(), world, "");
    contoso.sim.change(|world| world.apps[0].secret = wanted);
    contoso.home.done("launch contoso");
    contoso
}

/// Changes the app at the source.
fn at_the_source(contoso: &Contoso, change: impl FnOnce(&mut App)) {
    contoso.sim.change(|world| change(&mut world.apps[0]));
}

/// Status codes of the token requests since the journal was cleared.
fn logins(contoso: &Contoso) -> Vec<u16> {
    let journal = contoso.sim.journal();
    journal.iter().filter(|it| it.target.ends_with("/oauth2/v2.0/token")).map(|it| it.status).collect()
}

/// The line of a check with this heading.
#[track_caller]
fn check<'a>(answer: &'a serde_json::Value, what: &str) -> &'a serde_json::Value {
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|it| it["what"] == what).unwrap_or_else(|| panic!("no {what} in {answer:#}"))
}

/// The credential as it is listed.
fn listed(contoso: &Contoso) -> serde_json::Value {
    contoso.home.done("credential list --json").json()["credentials"][0].clone()
}

/// A call that must be refused and change nothing.
#[track_caller]
fn refused(contoso: &Contoso, code: i32, arguments: &str) -> String {
    let before = contoso.home.contents();
    let told = contoso.home.refused(code, arguments);
    assert_eq!(contoso.home.contents(), before, "`{arguments}` changed something");
    told
}

/// Notes of a run.
fn notes(run: &serde_json::Value) -> String {
    run["notes"].to_string()
}

/// The same as [`Contoso::sync`], for another time.
#[track_caller]
fn sync_at(contoso: &Contoso, clock: &str) -> Answer {
    contoso.home.call(&["sync", "--json"]).at(clock).run().ended(0)
}
