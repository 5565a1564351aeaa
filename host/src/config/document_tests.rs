//! What documents are taken, and what is said about the others.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Integration {
    parse("contoso.toml", text, &seed_fields()).unwrap_or_else(|report| panic!("{report}"))
}

/// What is said about a document that starts well and goes on like this.
fn refused(rest: &str) -> String {
    let text = format!("name = \"contoso\"\ncredential = \"entra\"\n{rest}");
    match parse("contoso.toml", &text, &seed_fields()) {
        Ok(integration) => panic!("it was taken: {integration:?}"),
        Err(report) => report.to_string(),
    }
}

#[test]
fn four_lines_are_an_integration() {
    let it = read(
        "name = \"contoso\"\ncredential = \"entra\"\naccess-role = \"employee\"\n\
         [mapping]\nusername = \"User Principal Name\"\n",
    );
    assert!(missing_for_launch(&it).is_empty());
    assert_eq!(it.integration, "Microsoft Entra ID User Load");
    assert_eq!((it.mode, it.deactivate, it.filter.as_deref()), (Mode::CreateAndUpdate, false, None));
    assert_eq!(it.match_keys, ["username", "email"]);
    assert_eq!(it.grace, Grace { runs: 3, days: 3 });
    assert_eq!(it.guard, Guard::default());
    assert_eq!(it.page_size, 999);
    assert_eq!(it.mapping[0].origin, Origin::Constant("Employee".into()), "as the list has it");
    assert!(it.mapping.iter().all(|rule| rule.required));
}

#[test]
fn everything_can_be_said() {
    let it = read(
        r#"
name = "contoso"
credential = "entra"
integration = "Microsoft Entra ID User Load with Filtering"
mode = "update-only"
filter = "employeeType in ('Admin', 'Staff', 'O''Hara')"
deactivate = true
reactivate = "always"
disabled-new = "skip"
on = { disabled = "keep", not-found = "keep" }
grace = { runs = 5, days = 0 }
priority = -3
match-keys = ["employee_id"]
access-roles = ["Employee", "Site Admin"]
administrator-roles-from-source = ["site admin"]
page-size = 50
grants = ["https://Proxy.example:443/", { origin = "http://127.0.0.1:8080", private = true }]
[guard]
deactivate = { percent = 10.5 }
deactivate-most = 1_000
clear = { count = 0x10, percent = 7 }
[mapping]
username = "userPrincipalName"
access_role = "Employee Type"
hire_date = { constant = 2024-02-03T04:05:06Z }
resource_account = { source = "isResourceAccount", default = false }
city = { source = ["ext.with.dots", "city"], required = true }
"#,
    );
    assert_eq!(
        (it.on_disabled, it.on_deleted, it.on_not_found),
        (Action::Keep, Action::Deactivate, Action::Keep)
    );
    assert_eq!(it.guard.deactivate, Limit { count: 5, percent: 10.5 });
    assert_eq!(it.guard.clear, Limit { count: 16, percent: 7.0 });
    assert_eq!((it.guard.deactivate_most, it.guard.collapse), (1000, 25));
    assert_eq!(it.grants[0], GrantEntry { origin: "https://proxy.example".into(), private: false });
    assert_eq!(it.grants[1], GrantEntry { origin: "http://127.0.0.1:8080".into(), private: true });
    let targets: Vec<&str> = it.mapping.iter().map(|rule| rule.target.name).collect();
    assert_eq!(targets, ["username", "access_role", "hire_date", "resource_account", "city"], "in its order");
    assert_eq!(it.mapping[2].origin, Origin::Constant("2024-02-03T04:05:06Z".into()));
    assert_eq!(it.mapping[3].null, NullRule::Default(false.into()));
    assert_eq!(it.mapping[4].origin, Origin::Source(vec!["ext.with.dots".into(), "city".into()]));
}

#[test]
fn every_seed_field_can_be_mapped_by_its_label() {
    let targets = crate::model::TARGETS.iter().filter(|it| it.name != "access_role");
    // The manifest suggests one target for each field; by type is enough here.
    let mut lines = String::new();
    let mut left: Vec<_> = targets.collect();
    for field in seed_fields() {
        let at = left
            .iter()
            .position(|it| {
                it.value_type == field.value_type && (it.name == "connector_sync_time") == field.synthetic
            })
            .unwrap_or_else(|| panic!("no target for {}", field.label));
        lines.push_str(&format!("{} = \"{}\"\n", left.remove(at).name, field.label));
    }
    let it = read(&format!("name = \"a\"\ncredential = \"c\"\naccess-role = \"Guest\"\n[mapping]\n{lines}"));
    assert_eq!(it.mapping.len(), 34);
    assert!(it.maps_sync_time());
}

#[test]
fn default_is_no_filter() {
    let it = read(
        "name = \"a\"\ncredential = \"c\"\nfilter = \"DEFAULT\"\n\
         integration = \"Microsoft Entra ID User Load with Filtering\"",
    );
    assert_eq!(it.filter, None);
}

#[test]
fn all_problems_come_at_once() {
    insta::assert_snapshot!(refused(
        "matchkeys = [\"username\"]\nmode = \"create-onyl\"\ndeactivate = 1\npage-size = 5000\n\
         [mapping]\njob_titel = \"Job Title\"\ndepartment = \"Departement\"\nhire_date = \"city\"\n"
    ), @"");
    insta::assert_snapshot!(
        parse("x.toml", "", &seed_fields()).unwrap_err(),
        @""
    );
    insta::assert_snapshot!(refused("mode = \n[mapping\n"), @"");
}

#[test]
fn bad_filters_say_what_is_wrong() {
    insta::assert_snapshot!(refused("filter = \"employeeType in ('Admin', 'Staff)\""), @"");
    insta::assert_snapshot!(refused("filter = \"startswith(mail, 'a'\""), @"");
    insta::assert_snapshot!(refused("filter = \"everybody\""), @"");
    insta::assert_snapshot!(refused("filter = \"\""), @"");
    insta::assert_snapshot!(
        refused("integration = \"Microsoft Entra ID User Load with Filtering\""),
        @""
    );
    insta::assert_snapshot!(
        refused("integration = \"Microsoft Entra ID User Load\"\nfilter = \"city eq 'Bonn'\""),
        @""
    );
}

#[test]
fn the_guard_cannot_be_switched_off() {
    insta::assert_snapshot!(
        refused("guard = { deactivate = { count = 9_999_999, percent = 250 }, clear = { percent = nan }, rename = false }"),
        @""
    );
    insta::assert_snapshot!(refused("grace = { runs = 0 }"), @"");
}

#[test]
fn modes_access_roles_and_grants_are_checked() {
    insta::assert_snapshot!(refused("mode = \"create-only\"\ndeactivate = true"), @"");
    insta::assert_snapshot!(
        refused("access-role = \"Boss\"\nadministrator-roles-from-source = [\"Root\", \"Guest\"]"),
        @""
    );
    insta::assert_snapshot!(
        refused("access-role = \"Guest\"\n[mapping]\naccess_role = \"employeeType\""),
        @""
    );
    insta::assert_snapshot!(
        refused("grants = [\"http://a.example\", \"https://a.example/path\", \"https://*.example\", {private = true}, 3]"),
        @""
    );
}

#[test]
fn rules_of_the_mapping_are_checked() {
    insta::assert_snapshot!(refused(
        "[mapping]\nusername = { source = \"mail\", null = \"keep\", required = false }\n\
         employee_id = { constant = 0o17 }\nresource_account = { constant = \"yes\" }\n\
         city = { source = \"city\", constant = \"Bonn\" }\n\
         state = { source = \"state\", null = \"default\" }\n\
         street = 5\n\
         connector_sync_time = \"createdDateTime\"\ncreated_at = \"Connector Sync Time\"\n\
         office = { source = \"officeLocation\", nul = \"keep\" }\n"
    ), @"");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse("x.toml", &text, &seed_fields());
    }

    #[test]
    fn no_document_makes_it_panic(
        lines in proptest::collection::vec((
            proptest::sample::select(vec![
                "name", "credential", "mode", "filter", "on", "grace", "guard", "grants", "mapping", "mapping.city",
                "mapping.username", "guard.clear", "priority", "match-keys", "access-role", "access-roles",
            ]),
            proptest::sample::select(vec![
                "\"a\"", "1", "1.5", "-0", "true", "[]", "[1]", "{}", "2024-01-01", "\"é'(\"", "{ source = [] }",
                "{ constant = 1e400 }", "99999999999999999999", "inf", "{ origin = \"x\" }", "[\"https://a\"]",
                "{ percent = -1 }", "\"Employee\"", "\"\\u0000\"",
            ]),
        ), 0..8),
    ) {
        let text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        if let Err(report) = parse("x.toml", &text, &seed_fields()) {
            prop_assert!(!report.problems.is_empty());
            let _ = report.to_string();
        }
    }
}
