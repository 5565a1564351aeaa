use super::{contoso, refused};
use graph_sim::DEFAULT_SECRET;
use userload_tests::program::{Answer, Contoso, Forms};

fn on(contoso: &Contoso, machine: &str, arguments: &str) -> Answer {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    contoso.home.call(&words).env("USERLOAD_MACHINE", machine).run()
}

/// A local integration, saved on `desk`, whose secret is in a file there.
fn local() -> Contoso {
    use std::os::unix::fs::PermissionsExt as _;
    let contoso = contoso(|_| {});
    let file = contoso.home.write("secret.txt", format!("{DEFAULT_SECRET}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    contoso.home.done("credential edit entra --from-file secret.txt");
    contoso.home.write("contoso.toml", contoso.document("installation = \"local\""));
    on(&contoso, "desk", "integration save -f contoso.toml").ended(0);
    contoso
}

#[test]
fn it_runs_only_on_the_machine_that_saved_it() {
    let contoso = local();
    on(&contoso, "desk", "credential test entra").ended(0);
    on(&contoso, "desk", "sync").ended(0);
    for command in ["sync", "plan", "check"] {
        let before = contoso.home.contents();
        let told = on(&contoso, "server", command).ended(2);
        let said = format!("{}{}", told.out, told.err);
        assert!(said.contains("it runs on desk, and this is server"), "{command}: {said}");
        assert_eq!(contoso.home.contents(), before, "{command}");
    }
    // The next night on its own machine nothing was lost.
    on(&contoso, "desk", "sync").ended(0);
    Forms::of("the secret", DEFAULT_SECRET).are_not_under(contoso.home.home());
    // Saved elsewhere, it moves.
    on(&contoso, "server", "integration save -f contoso.toml").ended(0);
    on(&contoso, "server", "sync").ended(0);
    on(&contoso, "desk", "sync").ended(2);
}

#[test]
fn a_secret_outside_is_checked_at_each_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let contoso = local();
    let file = contoso.home.around().join("secret.txt");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let told = on(&contoso, "desk", "sync").ended(2).err;
    assert!(told.contains("can be read by others (mode 644)") && told.contains("help: chmod 600"), "{told}");
    mode(0o600);
    std::fs::write(&file, "two\nlines").unwrap();
    assert!(on(&contoso, "desk", "sync").ended(2).err.contains("several lines"));
    contoso.home.done("credential edit entra --from-env USERLOAD_CLIENT_SECRET_ENTRA");
    let told = on(&contoso, "desk", "sync").ended(2).err;
    assert!(told.contains("`USERLOAD_CLIENT_SECRET_ENTRA`") && told.contains("is not set"), "{told}");
    let call = contoso.home.call(&["sync"]).env("USERLOAD_MACHINE", "desk");
    call.env("USERLOAD_CLIENT_SECRET_ENTRA", DEFAULT_SECRET).run().ended(0);
}

#[test]
fn where_it_runs_and_where_its_secret_is_belong_together() {
    let contoso = contoso(|_| {});
    contoso.home.write("contoso.toml", contoso.document("installation = \"local\""));
    contoso.home.done("integration save -f contoso.toml");
    let told = refused(&contoso, 2, "sync");
    assert!(told.contains("is local, but its credential `entra` is sealed in the store"), "{told}");
    contoso.save("").ended(0);
    contoso.home.done("credential edit entra --from-env SOME_SECRET");
    let told = refused(&contoso, 2, "sync");
    assert!(told.contains("is a cloud one, but its credential `entra` is kept in the environment"), "{told}");
    for (arguments, said) in [
        ("--from-env a-b", "is no name of a variable"),
        ("--from-file missing.txt", "the client secret cannot be read from"),
        ("--from-file x --from-env X", "cannot be used with"),
    ] {
        let told = refused(&contoso, 2, &format!("credential edit entra {arguments}"));
        assert!(told.contains(said), "{arguments}: {told}");
    }
    let told = contoso.save("installation = \"moon\"").ended(2).err;
    assert!(told.contains("`installation` is `moon`"), "{told}");
}
