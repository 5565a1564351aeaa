use super::{at_the_source, check, contoso};

#[test]
fn missing_consent_is_a_link_and_may_be_waited_for() {
    let contoso = contoso(|app| app.granted.clear());
    let tested = contoso.home.run("credential test entra").ended(2);
    let link = format!("{}/{}/adminconsent?client_id=", contoso.sim.origin(), graph_sim::DEFAULT_TENANT);
    assert!(tested.out.contains(&link), "{}", tested.out);
    contoso.sim.clear_journal();
    let mut waiting = contoso.home.call(&["credential", "test", "entra", "--wait", "5"]).spawn();
    while !contoso.sim.journal().iter().any(|it| it.status == 403) {
        assert!(!waiting.ended(), "it did not wait");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    contoso.sim.change(|world| world.grant("User.Read.All"));
    let told = waiting.wait().ended(0);
    assert!(told.err.contains(&link), "{}", told.err);
    contoso.sync(0);
    for wrong in ["0", "121", "soon"] {
        let told = contoso.home.refused(2, &format!("credential test entra --wait {wrong}"));
        assert!(told.contains("--wait"), "{told}");
    }
}

#[test]
fn permissions_typed_as_scopes_are_proven_and_what_is_more_is_told() {
    let contoso = contoso(|_| {});
    contoso.home.done("credential edit entra --scopes User.Read.All,AuditLog.Read.All");
    // What cannot be seen is said to be so, and what reading a page proves is not asked for.
    let tested = contoso.home.done("credential test entra --json").json();
    let said = check(&tested, "permissions")["detail"].as_str().unwrap();
    assert_eq!(said, "whether AuditLog.Read.All is granted cannot be seen");
    at_the_source(&contoso, |app| app.granted.push("Application.Read.All".to_owned()));
    let tested = contoso.home.run("credential test entra --json").ended(2).json();
    assert_eq!(check(&tested, "scopes")["detail"], "AuditLog.Read.All is not granted");
    assert!(check(&tested, "scopes")["help"].as_str().unwrap().contains("/adminconsent?client_id="));
    at_the_source(&contoso, |app| {
        app.granted.extend(["AuditLog.Read.All".to_owned(), "Mail.ReadWrite".to_owned()]);
    });
    let tested = contoso.home.done("credential test entra").out;
    assert!(tested.contains("more than is needed: Mail.ReadWrite"), "{tested}");
    assert!(!tested.contains("more than is needed: Application"), "{tested}");
}
