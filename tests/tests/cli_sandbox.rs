//! What the operator of an integration lets its plugin reach and use, as the program shows and keeps it.

use graph_sim::{SimConfig, World};
use userload_tests::program::Contoso;

fn contoso(more: &str) -> Contoso {
    let contoso = Contoso::of(SimConfig::default(), World::contoso(7, 30), more);
    contoso.home.done("launch contoso");
    contoso
}

/// A home whose grant of the simulator is narrowed by `more`.
fn narrowed(more: &str) -> Contoso {
    let contoso = contoso("page-size = 10");
    let text = contoso.document("page-size = 10");
    let narrow = text.replace("private = true }", &format!("private = true, {more} }}"));
    assert_ne!(text, narrow, "there was nothing to narrow");
    userload_tests::program::save(&contoso.home, &narrow).ended(0);
    contoso
}

#[test]
fn what_may_be_reached_is_shown() {
    let contoso = narrowed("methods = [\"GET\", \"POST\"]");
    let shown = contoso.home.call(&["integration", "show"]).run().ended(0).err;
    let origin = contoso.sim.origin();
    assert!(shown.contains(&format!("# may reach {origin} GET, POST (private)")), "{shown}");
    let json = contoso.home.done("integration show --json").json();
    assert_eq!(json["reaches"][0]["origin"], origin);
    contoso.sync(0);
}

#[test]
fn a_method_and_a_path_that_are_not_granted_are_refused_with_the_line() {
    for (more, layer) in
        [("methods = [\"GET\"]", "methods = [\"POST\"]"), ("paths = [\"/v1.0/users\"]", "paths = [\"/")]
    {
        let contoso = narrowed(more);
        let told = contoso.home.run("sync").ended(1);
        let told = format!("{}{}", told.out, told.err);
        assert!(told.contains("method and path") && told.contains("is not granted"), "{told}");
        assert!(told.contains(layer) && told.contains("grants = [{"), "{told}");
        assert_eq!(contoso.home.done("people list --json").json()["total"], 0);
    }
}

#[test]
fn a_run_has_so_many_requests_and_the_receipt_says_how_many() {
    let contoso = contoso("page-size = 10\nlimits = { requests = 3 }");
    let told = contoso.home.run("sync").ended(1);
    let told = format!("{}{}", told.out, told.err);
    assert!(told.contains("budget of 3 requests is used up"), "{told}");
    assert!(told.contains("limits = { requests = 6 }"), "{told}");
    let run = &contoso.home.done("runs list --json").json()["runs"][0];
    assert_eq!(run["state"], "failed");
    contoso.save("limits = { requests = 300, memory-mib = 32 }").ended(0);
    let receipt = contoso.sync(0)["receipt"].clone();
    assert_eq!(
        (&receipt["limits"]["requests"], &receipt["limits"]["memory"]),
        (&300.into(), &(32 << 20).into())
    );
    assert!(receipt["run"]["cpu_ms"].as_u64() <= receipt["run"]["cpu_ms_limit"].as_u64(), "{receipt}");
    assert_eq!(receipt["run"]["cpu_ms_limit"], 1_800_000);
    assert!(receipt["traffic"]["requests"].as_u64().unwrap() > 1, "{receipt}");
}

#[test]
fn certificates_and_proxies_that_are_none_are_refused() {
    let contoso = contoso("");
    for (more, part) in [
        ("network = { ca-file = \"company.pem\" }", "expected a path from the root"),
        ("network = { proxy = \"https://proxy.example\" }", "is no proxy, expected `http://host:port`"),
        ("network = { proxy = \"http://me:word@proxy.example:1\" }", "is no proxy"),
        ("network = { prox = \"http://proxy.example:1\" }", "did you mean `proxy`?"),
        ("limits = { requests = 0 }", "`requests`"),
        ("limits = { memory-mib = 65 }", "`memory-mib`"),
        ("limits = { request = 5 }", "did you mean `requests`?"),
        ("limits = 5", "`limits` is a whole number"),
    ] {
        let told = contoso.save(more).ended(2).err;
        assert!(told.contains(part), "{more}: {told}");
    }
    for (file, part) in [("nowhere.pem", "cannot read"), ("empty.pem", "certificates are not PEM")] {
        contoso.home.write("empty.pem", "nothing");
        let path = contoso.home.around().join(file);
        contoso.save(&format!("network = {{ ca-file = {path:?} }}")).ended(0);
        let told = contoso.home.run("check");
        assert_ne!(told.code, 0);
        assert!(format!("{}{}", told.out, told.err).contains(part), "{}{}", told.out, told.err);
    }
}
