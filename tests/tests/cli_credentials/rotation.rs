use super::{at_the_source, contoso, listed, logins, notes, refused};
use userload_tests::program::Contoso;

const NEXT: &str = "the-next~secret.of&contoso";

fn with_next() -> Contoso {
    let contoso = contoso(|_| {});
    let next =
        ["credential", "edit", "entra", "--next-secret", "--expires-on", "2028-01-31", "--secret-stdin"];
    contoso.home.call(&next).stdin(NEXT).run().ended(0);
    contoso
}

#[test]
fn the_next_secret_takes_over_and_no_run_is_missed() {
    let contoso = with_next();
    assert_eq!(listed(&contoso)["about"]["next"]["expires_on"], "2028-01-31");
    // While the first is good it is the one that is used.
    contoso.sim.clear_journal();
    assert!(!notes(&contoso.sync(0)).contains("next secret"));
    assert_eq!(logins(&contoso), [200]);
    // It expires; the second was made in time.
    at_the_source(&contoso, |app| {
        app.secret_expired = true;
        app.more_secrets.push(NEXT.to_owned());
    });
    contoso.sim.clear_journal();
    let run = contoso.sync(0);
    assert!(notes(&run).contains("its next secret was accepted"), "{run:#}");
    assert_eq!(run["outcomes"]["unchanged"], 40);
    assert_eq!(logins(&contoso), [401, 200]);
    let row = listed(&contoso);
    assert_eq!((&row["about"]["next"], &row["expires_on"]), (&serde_json::Value::Null, &"2028-01-31".into()));
    // The next night it is the only one.
    contoso.sim.clear_journal();
    assert!(!notes(&contoso.sync(0)).contains("next secret"));
    assert_eq!(logins(&contoso), [200]);
}

#[test]
fn a_first_secret_that_was_removed_gives_way_as_well_also_in_a_plan_and_a_test() {
    let contoso = with_next();
    at_the_source(&contoso, |app| app.secret = NEXT.to_owned());
    let tested = contoso.home.done("credential test entra --json").json();
    let next = super::check(&tested, "next secret");
    assert!(next["detail"].as_str().unwrap().contains("the next one was accepted"));
    assert!(!listed(&contoso)["about"]["next"].is_null(), "a test changes nothing");
    let planned = contoso.home.run("plan").ended(0);
    assert!(planned.err.contains("its next secret has taken the place"), "{}", planned.err);
    contoso.sim.clear_journal();
    contoso.sync(0);
    assert_eq!(logins(&contoso), [200]);
}

#[test]
fn when_both_are_refused_the_run_says_so_and_keeps_both() {
    let contoso = with_next();
    at_the_source(&contoso, |app| app.secret = "a third one altogether".to_owned());
    contoso.sim.clear_journal();
    let told = contoso.home.run("sync").ended(1);
    assert!(format!("{}{}", told.out, told.err).contains("AADSTS7000215"));
    assert_eq!(logins(&contoso), [401, 401], "each is tried once");
    assert!(!listed(&contoso)["about"]["next"].is_null());
    // Another fault is no reason to show the second one.
    at_the_source(&contoso, |app| {
        app.secret = graph_sim::DEFAULT_SECRET.to_owned();
        app.disabled = true;
    });
    contoso.sim.clear_journal();
    contoso.home.run("sync").ended(1);
    assert_eq!(logins(&contoso), [400]);
    at_the_source(&contoso, |app| app.disabled = false);
    contoso.sync(0);
}

#[test]
fn a_next_secret_is_a_second_client_secret() {
    let contoso = contoso(|_| {});
    let edit = "credential edit entra --next-secret";
    for (arguments, said) in [
        (format!("{edit} --certificate x.pem"), "takes no `--certificate`"),
        (format!("{edit} --from-env X"), "takes no `--from-env`"),
        (format!("{edit} --client-id x --secret-env X"), "and no other setting"),
        (edit.to_owned(), "no terminal to ask at"),
        (format!("{edit} --secret-stdin"), "the secret is empty"),
        ("credential edit nobody --next-secret".to_owned(), "nobody"),
        ("credential add other --next-secret".to_owned(), "--next-secret"),
    ] {
        let told = refused(&contoso, 2, &arguments);
        assert!(told.contains(said), "{arguments}: {told}");
    }
    let same = contoso.home.call(&["credential", "edit", "entra", "--next-secret", "--secret-stdin"]);
    let told = contoso.home.told(same.stdin(graph_sim::DEFAULT_SECRET).run().ended(2));
    assert!(told.contains("in use already"), "{told}");
}
