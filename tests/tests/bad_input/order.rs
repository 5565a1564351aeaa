//! Right commands at the wrong moment.

use graph_sim::{Action, On, Rule, Schedule};
use std::time::{Duration, Instant};
use userload_tests::program::Contoso;

#[test]
fn a_draft_is_not_applied() {
    let contoso = Contoso::draft(10);
    let told = contoso.home.refused(2, "sync");
    assert!(told.contains("`contoso` is a draft: it can be checked and planned, not applied"), "{told}");
    contoso.home.done("plan");
    let told = contoso.home.refused(2, "apply 1");
    assert!(
        told.contains("`contoso` is a draft") && told.contains("help: userload launch contoso"),
        "{told}"
    );
    contoso.home.done("people list").answers(&["nobody"]);
}

#[test]
fn a_plan_is_applied_once() {
    let contoso = Contoso::launched(10);
    contoso.home.done("plan");
    contoso.home.done("apply 1");
    let people = contoso.home.people();
    let told = contoso.home.run("apply 1");
    let told = contoso.home.told(told.ended(2));
    assert!(told.contains("run 1 is applied already") && told.contains("help: "), "{told}");
    assert_eq!(contoso.home.people(), people);
}

#[test]
fn a_plan_that_was_overtaken() {
    let contoso = Contoso::launched(10);
    contoso.home.done("plan");
    contoso.sync(0);
    let people = contoso.home.people();
    let told = contoso.home.told(contoso.home.run("apply 1").ended(2));
    assert!(told.contains("help: "), "{told}");
    assert_eq!(contoso.home.people(), people);
}

#[test]
fn a_plan_of_yesterday_and_a_plan_of_another_document() {
    let contoso = Contoso::launched(10);
    contoso.home.done("plan");
    let late = contoso.home.call(&["apply", "1"]).at("2026-11-24T05:00:00Z").run().ended(2);
    let told = contoso.home.told(late);
    assert!(told.contains("run 1 was planned more than 24 hours ago"), "{told}");
    contoso.save("page-size = 50").ended(0);
    let told = contoso.home.told(contoso.home.run("apply 1").ended(2));
    assert!(told.contains("has changed since run 1 was planned"), "{told}");
    contoso.home.done("people list").answers(&["nobody"]);
}

#[test]
fn two_processes_at_once() {
    let contoso = Contoso::launched(10);
    let slow = Rule::new(On::Users, Action::Slow { ms: 4000 });
    contoso.sim.set_faults(Schedule::one(slow));
    let first = contoso.home.call(&["sync"]).spawn();
    let until = Instant::now() + Duration::from_secs(60);
    while contoso.sim.journal().iter().all(|it| !it.target.contains("/users")) {
        assert!(Instant::now() < until, "the first never asked");
        std::thread::sleep(Duration::from_millis(10));
    }
    for command in ["sync", "plan"] {
        let told = contoso.home.refused(1, command);
        assert!(told.contains("another process is running `contoso` right now"), "{told}");
        assert!(told.contains("help: wait until it has finished"), "{told}");
    }
    // Looking is always allowed.
    contoso.home.done("status");
    contoso.home.done("people list").answers(&["nobody"]);
    first.wait().ended(0).answers(&["+10 created"]);
}
