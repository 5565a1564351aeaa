//! `userload saas`: the catalog, applications, their users, and what `people show` says of them.

use graph_sim::{SimConfig, World};
use userload_tests::plain;
use userload_tests::program::{Contoso, Home};

const BOTH: &str = "load = \"users-and-saas\"\nmanager = true";

/// Four people: one signed in lately, one long ago, one whose sign-in nobody knows, one without a licence.
fn world() -> World {
    let (mut world, ids) = plain(4);
    ["AuditLog.Read.All", "Organization.Read.All"].iter().for_each(|it| world.grant(it));
    let licence = r#"[{"skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06"}]"#;
    for (id, signed_in) in ids.iter().zip(["2026-11-20", "2026-01-01", ""]) {
        world.update(id, "assignedLicenses", licence).unwrap();
        if !signed_in.is_empty() {
            let text = format!(r#"{{"lastSuccessfulSignInDateTime":"{signed_in}T00:00:00Z"}}"#);
            world.update(id, "signInActivity", &text).unwrap();
        }
    }
    world.edit(&ids[0], |user| user.set_manager(Some(&ids[1]))).unwrap();
    world
}

fn loaded() -> Contoso {
    let contoso = Contoso::of(SimConfig::default(), world(), BOTH);
    contoso.home.done("launch contoso");
    let run = contoso.sync(0);
    assert_eq!((run["saas"]["created"].as_u64(), run["managers"]["changed"].as_u64()), (Some(3), Some(1)));
    contoso
}

#[test]
fn saving_links_the_vendors_application() {
    let contoso = Contoso::of(SimConfig::default(), world(), "");
    contoso.home.done("saas list").answers(&["no SaaS applications yet"]);
    let saved = contoso.save(BOTH).ended(0);
    saved.tells(&["Microsoft Entra ID is linked to the software catalog now"]);
    assert!(!contoso.save(BOTH).ended(0).err.contains("linked"), "once");
    contoso.home.done("saas list").answers(&["Microsoft Entra ID", "contoso", "never"]);
}

#[test]
fn applications_and_their_users() {
    let contoso = loaded();
    let home = &contoso.home;
    home.done("saas list").answers(&["Application", "Unmatched", "Microsoft Entra ID"]);
    let list = home.done("saas list --json").json();
    let line = &list["applications"][0];
    let numbers = ["users", "active", "idle", "unknown", "unmatched"].map(|it| line[it].as_u64().unwrap());
    assert_eq!((numbers, line["idle_after_days"].as_u64()), ([3, 3, 1, 1, 0], Some(60)));

    let users = home.done("saas users");
    users.answers(&["Last tenant sign-in", "Microsoft 365 E5", "idle for 326 days", "unknown", "in use"]);
    users.tells(&["1 idle for 60 days or more, 1 unknown, 1 in use"]);
    let first = |arguments: &str| {
        let out = home.done(arguments).out;
        out.lines().nth(1).unwrap().split("  ").next().unwrap().to_owned()
    };
    assert_eq!(first("saas users"), "Person 0", "by name");
    assert_eq!(first("saas users --idle"), "Person 1", "idle first");
    assert_eq!(
        first("saas users --idle 365"),
        "Person 2",
        "nobody is idle for so long: the unknown come first"
    );

    let json = home.call(&["saas", "users", "microsoft entra id", "--idle", "--json"]).run().ended(0).json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["users"][0]["username"], "p1@contoso.example");
    assert_eq!(
        (&json["users"][0]["idle"], &json["users"][1]["idle"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let csv = home.done("saas users --csv").out;
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.starts_with("application,uid,username,display_name,source_id,source_name,role,status,"));
    assert!(csv.contains(",unknown,\n"), "{csv}");

    home.done("people show p1@contoso.example").answers(&[
        "SaaS applications",
        "Microsoft 365 E5",
        "last tenant sign-in 2026-01-01",
        "idle for 326 days",
    ]);
    home.done("people show p0@contoso.example").answers(&["Manager", "p1@contoso.example"]);
    let shown = home.done("people show p1@contoso.example --json").json();
    assert_eq!(shown["saas"][0]["role"], "Microsoft 365 E5");
    let run = home.done("runs show 1");
    run.answers(&["SaaS users of Microsoft Entra ID: +3 new", "managers of 4 people read: 1 changed"]);
}

#[test]
fn a_catalog_of_ones_own() {
    let contoso = Contoso::of(SimConfig::default(), world(), "");
    let home = &contoso.home;
    home.done("saas catalog list").answers(&["Microsoft 365", "Identity", "plugin"]);
    let told = home.refused(2, "saas link Salesforce");
    assert!(told.contains("no entry of the software catalog") && told.contains("`Microsoft 365`"), "{told}");
    assert!(home.refused(2, "saas link Microsft365").contains("did you mean"), "guessed");
    home.done("saas catalog add Salesforce --publisher Salesforce --category CRM").answers(&["Salesforce"]);
    assert!(home.refused(2, "saas catalog add salesforce").contains("already"));
    home.done("saas link Salesforce").answers(&["is linked to the software catalog"]);
    home.done("saas link Salesforce").answers(&["is linked already"]);
    home.call(&["saas", "link", "Salesforce EU", "--entry", "salesforce"]).run().ended(0);
    assert!(home.refused(2, "saas link Salesforce --entry Slack").contains("no entry"));
    home.done("saas catalog list").answers(&["CRM", "hand"]);

    let before = home.contents();
    let told = contoso.save(&format!("{BOTH}\nsaas-application = \"Salesforc\"")).ended(2).err;
    assert!(told.contains("linked: Salesforce, Salesforce EU"), "{told}");
    assert!(told.contains("did you mean `Salesforce`?"), "{told}");
    assert_eq!(home.contents(), before, "nothing is saved");
    contoso.save(&format!("{BOTH}\nsaas-application = \"Salesforce\"")).ended(0);
    home.done("saas list").answers(&["Salesforce EU", "contoso"]);
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    let home = Home::new();
    for command in ["saas list", "saas users", "saas link X"] {
        assert!(home.refused(2, command).starts_with("error: there is nothing in"), "{command}");
    }
    home.done("saas catalog list").answers(&["Microsoft Entra ID"]);
    assert!(!home.home().exists(), "looking makes nothing");

    let contoso = loaded();
    let home = &contoso.home;
    let before = home.contents();
    for (command, part) in [
        ("saas users Microsoft", "there is no SaaS application `Microsoft`"),
        ("saas users --idle soon", "invalid value 'soon'"),
        ("saas users --idle 99999", "99999"),
        ("saas users --csv --json", "cannot be used with"),
        ("saas", "Usage"),
    ] {
        let told = home.refused(2, command);
        assert!(told.contains(part), "{command}: {told}");
    }
    let long = "x".repeat(121);
    let told = home.call(&["saas", "catalog", "add", &long]).run().ended(2).err;
    assert!(told.contains("1 to 120 characters"), "{told}");
    assert_eq!(home.contents(), before);
}
