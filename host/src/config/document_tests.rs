//! What documents are taken, and what is said about the others.

use proptest::prelude::*;

use super::*;
use crate::model::{Filled, Targets};

fn read(text: &str) -> Integration {
    parse("contoso.toml", text, &seed_fields(), &Targets::built_in())
        .unwrap_or_else(|report| panic!("{report}"))
}

/// What is said about a document that starts well and goes on like this.
fn refused(rest: &str) -> String {
    let text = format!("name = \"contoso\"\ncredential = \"entra\"\n{rest}");
    match parse("contoso.toml", &text, &seed_fields(), &Targets::built_in()) {
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
on = { disabled = "keep", not-found = "keep", left-filter = "deactivate" }
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
    let grants: Vec<String> = it.sandbox.grants.iter().map(ToString::to_string).collect();
    assert_eq!(grants, ["https://proxy.example", "http://127.0.0.1:8080 (private)"]);
    let targets: Vec<&str> = it.mapping.iter().map(|rule| rule.target.name.as_str()).collect();
    assert_eq!(targets, ["username", "access_role", "hire_date", "resource_account", "city"], "in its order");
    assert_eq!(it.mapping[2].origin, Origin::Constant("2024-02-03T04:05:06Z".into()));
    assert_eq!(it.mapping[3].null, NullRule::Default(false.into()));
    assert_eq!(
        it.mapping[4].origin,
        Origin::Source(vec![PathStep::Key("ext.with.dots".into()), PathStep::Key("city".into())])
    );
}

#[test]
fn every_seed_field_can_be_mapped_by_its_label() {
    let targets = Targets::built_in();
    let targets = targets.iter().filter(|it| it.name != "access_role" && it.filled == Filled::ByMapping);
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
    ), @r#"
    `contoso.toml` has 7 problems
      contoso.toml:3:1: unknown key `matchkeys`
        help: did you mean `match-keys`?
      contoso.toml:4:8: `mode` is `create-onyl`, expected `create-and-update`, `create-only` or `update-only`
        help: did you mean `"create-only"`?
      contoso.toml:5:14: `deactivate` is a whole number, expected true or false
      contoso.toml:6:13: `page-size` is 5000, expected 1 to 999
      contoso.toml:8:1: people have no field `job_titel`
        help: did you mean `job_title`?
      contoso.toml:9:14: the source has no field `Departement`
        help: did you mean `"department"`?
      contoso.toml:10:13: `city` holds text, but `hire_date` takes a time (RFC 3339)
    "#);
    insta::assert_snapshot!(
        parse("x.toml", "", &seed_fields(), &Targets::built_in()).unwrap_err(),
        @r#"
    `x.toml` has 2 problems
      x.toml:1:1: `name` is missing
        help: add `name = "contoso"`
      x.toml:1:1: `credential` is missing
        help: add `credential = "entra"`
    "#
    );
    insta::assert_snapshot!(refused("mode = \n[mapping\n"), @r"
    `contoso.toml` has 2 problems
      contoso.toml:3:8: string values must be quoted, expected literal string
      contoso.toml:4:9: unclosed table, expected `]`
    ");
}

#[test]
fn bad_filters_say_what_is_wrong() {
    insta::assert_snapshot!(refused("filter = \"\""), @r"
    `contoso.toml` has 1 problem
      contoso.toml:3:10: `filter` is empty, expected a text
    ");
    insta::assert_snapshot!(
        refused("integration = \"Microsoft Entra ID User Load with Filtering\""),
        @r#"
    `contoso.toml` has 1 problem
      contoso.toml:3:15: `Microsoft Entra ID User Load with Filtering` needs a `filter`
        help: add `filter = "employeeType in ('Admin', 'Staff')"`, or `filter = "Default"` for everybody
    "#
    );
    insta::assert_snapshot!(
        refused("integration = \"Microsoft Entra ID User Load\"\nfilter = \"city eq 'Bonn'\""),
        @r#"
    `contoso.toml` has 1 problem
      contoso.toml:3:15: `filter` is set, but `Microsoft Entra ID User Load` takes none
        help: set `integration = "Microsoft Entra ID User Load with Filtering"`, or leave the line out
    "#
    );
}

#[test]
fn an_integration_is_chosen_by_its_name_however_it_is_written() {
    for name in ["microsoft entra id user load WITH filtering", "User Load with Filtering"] {
        let found = read(&format!(
            "name = \"contoso\"\ncredential = \"entra\"\naccess-role = \"Employee\"\nintegration = \"{name}\"\n\
             filter = \"city eq 'Bonn'\"\n[mapping]\nusername = \"mail\"\n"
        ));
        assert_eq!(found.integration, "Microsoft Entra ID User Load with Filtering");
    }
}

#[test]
fn what_other_products_call_a_field_is_answered() {
    let told =
        refused("[mapping]\nstatus = \"mail\"\nphone = \"mail\"\nrole = \"mail\"\nusername = \"mail\"");
    for part in
        ["the keys `deactivate`", "`business_phone` or `mobile_phone`?", "did you mean `access_role`?"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_guard_cannot_be_switched_off() {
    insta::assert_snapshot!(
        refused("guard = { deactivate = { count = 9_999_999, percent = 250 }, clear = { percent = nan }, rename = false }"),
        @r"
    `contoso.toml` has 4 problems
      contoso.toml:3:34: `count` is 9999999, expected 0 to 1000000
      contoso.toml:3:55: `percent` is 250, expected 0 to 100
      contoso.toml:3:82: `percent` is out of bounds, expected 0 to 100
      contoso.toml:3:98: `rename` is true or false, expected a table such as `{ count = 5, percent = 2 }`
    "
    );
    insta::assert_snapshot!(refused("grace = { runs = 0 }"), @r"
    `contoso.toml` has 1 problem
      contoso.toml:3:18: `runs` is 0, expected 1 to 1000
    ");
}

#[test]
fn modes_access_roles_and_grants_are_checked() {
    insta::assert_snapshot!(refused("mode = \"create-only\"\ndeactivate = true"), @r"
    `contoso.toml` has 1 problem
      contoso.toml:4:14: `deactivate` is on, but the mode `create-only` changes nobody who is there
        help: set `deactivate = false`, or another `mode`
    ");
    insta::assert_snapshot!(
        refused("access-role = \"Boss\"\nadministrator-roles-from-source = [\"Root\", \"Guest\"]"),
        @r"
    `contoso.toml` has 3 problems
      contoso.toml:3:15: the access role `Boss` is not declared, expected `Employee`, `Contractor`, `External`, `Guest` or `Administrator`
        help: add it to `access-roles`, the list of roles that people may get
      contoso.toml:4:36: `Root` is not in `access-roles` (Employee, Contractor, External, Guest, Administrator)
      contoso.toml:4:44: `Guest` is no administrator role: it needs no permission of its own
        help: leave it out
    "
    );
    insta::assert_snapshot!(
        refused("access-role = \"Guest\"\n[mapping]\naccess_role = \"employeeType\""),
        @r"
    `contoso.toml` has 1 problem
      contoso.toml:5:1: the access role is filled twice: here and by `access-role`
        help: leave one of the two out
    "
    );
    insta::assert_snapshot!(
        refused("grants = [\"http://a.example\", \"https://a.example/path\", \"https://*.example\", {private = true}, 3]"),
        @r#"
    `contoso.toml` has 5 problems
      contoso.toml:3:11: `http://a.example` is not encrypted: secrets would travel in clear
        help: use https, or `{ origin = "http://a.example", private = true }` for a machine of your own
      contoso.toml:3:31: `https://a.example/path` is not an origin: it goes on after the host; expected `https://host` or `https://host:port`
        help: an origin has no path and no user name: `"https://graph.microsoft.com"`; `https://*.example.com` is every name with one more label
      contoso.toml:3:57: `https://*.example` is not an origin: a wildcard stands before a name of at least two labels; expected `https://host` or `https://host:port`
        help: an origin has no path and no user name: `"https://graph.microsoft.com"`; `https://*.example.com` is every name with one more label
      contoso.toml:3:78: a grant without `origin`, expected `scheme://host[:port]`
      contoso.toml:3:96: `grants` is a whole number, expected a text in quotes
    "#
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
    ), @r#"
    `contoso.toml` has 10 problems
      contoso.toml:4:12: `username` is mandatory: it is always required
      contoso.toml:4:12: `username` is required: a null fails the row, so that it cannot be kept
      contoso.toml:5:28: `constant` is a number, but `employee_id` takes text
        help: write `constant = "0o17"`
      contoso.toml:6:33: `constant` is a text, expected true or false for `resource_account`
      contoso.toml:7:8: the mapping of `city` needs one of `source`, `constant`, `expression`, `first`, `join` or `location`
        help: such as `{ source = "Job Title", null = "keep" }`
      contoso.toml:8:9: `null` is `default`, but there is no `default = …`
      contoso.toml:9:10: `street` is a whole number, expected the source's field in quotes, or a table such as `{ constant = … }`
      contoso.toml:10:23: `connector_sync_time` is the stamp of the run, not a field of the source
        help: write `connector_sync_time = "Connector Sync Time"`
      contoso.toml:11:14: `Connector Sync Time` is a stamp of the run and cannot fill `created_at`
        help: map it as `connector_sync_time = "Connector Sync Time"`
      contoso.toml:12:39: unknown key `nul` in the mapping of `office`
        help: did you mean `null`?
    "#);
}

#[test]
fn what_several_sources_and_conditions_cannot_be() {
    insta::assert_snapshot!(refused(
        "only-if = \" \"\n[mapping]\nusername = { source = \"mail\", when = \"true\" }\n\
         hire_date = { join = [\"city\", \"state\"] }\ncity = { first = \"city\" }\n\
         state = { join = [\"stat\"], separator = 5 }\n\
         office = { source = \"officeLocation\", separator = \"-\", write = \"once\" }\n\
         connector_sync_time = { expression = \"mail\" }\nmanager = \"mail\"\n\
         \"Job Title\" = \"jobTitle\"\njob_title = \"jobTitle\"\nstreet = { source = [1, \"x\"] }\n\
         division = { source = \"mail\", convert = 5 }\ncost_center = { source = \"mail\", convert = [{ lookup = { a = inf } }] }\n"
    ), @r#"
    `contoso.toml` has 13 problems
      contoso.toml:3:11: `only-if` is empty, expected an expression
      contoso.toml:5:38: `username` is mandatory: `when` could leave it out
      contoso.toml:6:22: `join` makes a text, but `hire_date` takes a time (RFC 3339)
      contoso.toml:7:18: `first` is a text, expected a list of sources such as `["givenName", "surname"]`
      contoso.toml:8:40: `separator` is a whole number, expected a short text in quotes
      contoso.toml:9:51: `separator` stands between what `join` joins: there is no `join`
      contoso.toml:9:64: `write` is `once`, expected `always`, `on-create` or `if-empty`
      contoso.toml:10:38: `connector_sync_time` is the stamp of the run, never a value of an expression
      contoso.toml:11:1: `manager` is filled by a pass of its own, and never by a rule of the mapping
        help: write `manager = true` above `[mapping]`
      contoso.toml:13:1: `job_title` is filled by two rules: a label names the same field
      contoso.toml:14:21: `source` is a list without a property, expected the steps of a path
      contoso.toml:15:41: `convert` is a whole number, expected a converter such as `"lower"` or `{ prefix = "E" }`
      contoso.toml:16:62: `inf` is no number that a field can hold
    "#);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse("x.toml", &text, &seed_fields(), &Targets::built_in());
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
        if let Err(report) = parse("x.toml", &text, &seed_fields(), &Targets::built_in()) {
            prop_assert!(!report.problems.is_empty());
            let _ = report.to_string();
        }
    }
}
