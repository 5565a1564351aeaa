use proptest::prelude::*;

use super::*;

fn advanced(filter: &str) -> bool {
    check(Some(filter)).unwrap().unwrap().advanced
}

fn refused(filter: &str) -> String {
    check(Some(filter)).unwrap_err().problem
}

#[test]
fn no_filter() {
    for filter in [None, Some(""), Some("  "), Some("Default"), Some(" DEFAULT ")] {
        assert_eq!(check(filter).unwrap(), None);
    }
}

#[test]
fn default_mode() {
    for filter in [
        "accountEnabled eq true",
        "userType eq 'Member' and accountEnabled eq true",
        "department in ('HR', 'IT')",
        "department in('HR','IT')",
        "startsWith(displayName,'A') or startswith(mail, 'b')",
        "createdDateTime ge 2024-01-01T00:00:00Z",
        "(city eq 'Paris' or city eq 'Rome') and country eq 'IT'",
        "surname eq 'O''Brien'",
        "signInActivity/lastSignInDateTime le 2024-01-01T00:00:00.123+01:00",
    ] {
        assert!(!advanced(filter), "{filter}");
    }
}

#[test]
fn advanced_mode() {
    for filter in [
        "employeeType in ('Admin', 'Staff', 'Faculty', 'Contingent Workers', 'EmpStudent')",
        "employeeType eq 'Staff'",
        "department ne 'HR'",
        "not (department eq 'HR')",
        "not startsWith(displayName,'A')",
        "mail eq null",
        "department in ('HR', null)",
        "endsWith(mail,'@contoso.com')",
        "companyName eq 'Contoso'",
        "assignedLicenses/$count eq 0",
        "assignedLicenses/any(x:x/skuId eq 4b590615-0888-425a-a965-b3bf7789848d)",
        "proxyAddresses/any(p:startsWith(p,'smtp:'))",
        "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
        "extension_0123_level eq 7",
        "somethingNew(displayName, 'x', (1,2))",
        "employeeId in ('1','2')",
        "jobTitle eq 'x' and (city eq 'a' and (city eq 'b' and (city eq 'c')))",
    ] {
        assert!(advanced(filter), "{filter}");
    }
    let many: Vec<_> = (0..16).map(|n| format!("'{n}'")).collect();
    assert!(advanced(&format!("department in ({})", many.join(","))));
    assert!(!advanced(&format!("department in ({})", many[..15].join(","))));
    assert!(advanced(&format!("department eq '{}'", "x".repeat(121))));
}

#[test]
fn refused_with_a_column() {
    for (filter, part) in [
        ("accountEnabled eq 'true'", "column 19: expected `true` without quotes"),
        ("contains(displayName,'x')", "column 1: Graph does not filter users by `contains`"),
        ("displayName contains 'x'", "column 13: expected an operator"),
        (
            "department = 'HR'",
            "column 12: expected an operator (eq, ne, ge, le, in) behind `department`, found `=`; `eq` is it; did \
             you mean: department eq 'HR'",
        ),
        ("department equals 'HR'", "column 12: expected an operator"),
        ("department", "column 11: expected an operator"),
        ("department eq", "column 14: expected a value"),
        ("department eq and city eq 'x'", "column 15: expected a value"),
        ("department eq 'HR' city eq 'x'", "column 20: expected `and`, `or` or the end"),
        ("department eq 'HR' and", "column 23: expected a property"),
        ("department in 'HR'", "column 15: expected `(`"),
        ("department in ('HR' 'IT')", "column 21: expected `,` or `)`"),
        ("department in ()", "column 16: expected a value"),
        ("'HR' eq department", "column 1: expected a property"),
        ("lastPasswordChangeDateTime le 2024-01-01T00:00:00Z", "column 1: Graph does not filter users by"),
        (
            "signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z and accountEnabled eq true",
            "column 1: Graph combines",
        ),
        ("assignedLicenses/all(x:x/skuId eq 1)", "column 1: Graph filters users by no `all`"),
        ("Connector Sync Time ge 2024-01-01T00:00:00Z", "column 1: "),
        ("endsWith(displayName,'x')", "column 10: Graph knows `endsWith`"),
        ("otherMails eq 'x'", "column 1: `otherMails` holds a list"),
    ] {
        let found = refused(filter);
        assert!(found.starts_with(part), "{filter}: {found}");
    }
    assert!(!refused(&"(".repeat(5000)).is_empty());
    let deep = format!("{}a eq 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(refused(&deep).contains("nested too deeply"));
    assert!(refused(&format!("{} city eq 'x'", "not ".repeat(5000))).contains("nested too deeply"));
}

fn report(filter: &str) -> FilterReport {
    check_filter(&Source { filter: Some(filter.to_owned()), ..crate::testing::source() })
}

#[test]
fn what_is_corrected_without_a_question() {
    for (filter, sent) in [
        ("Employee Type in ('Admin')", "employeeType in ('Admin')"),
        ("Is Account Enabled eq true and Street eq 'x'", "accountEnabled eq true and streetAddress eq 'x'"),
        ("startsWith(Display Name, 'A')", "startsWith(displayName, 'A')"),
        ("employeeType in (‘Admin’, “Staff”)", "employeeType in ('Admin', 'Staff')"),
        ("employeeType in (\"Admin\")", "employeeType in ('Admin')"),
        ("employeeType in (''Admin'')", "employeeType in ('Admin')"),
        ("EmployeeType EQ 'x' AND City eq 'y'", "employeeType eq 'x' and city eq 'y'"),
        ("  city eq 'x' ", "city eq 'x'"),
    ] {
        let report = report(filter);
        assert!(report.findings.iter().all(|it| it.weight == WireWeight::Corrected), "{filter}: {report:?}");
        assert_eq!(report.corrected.as_deref(), Some(sent), "{filter}");
        assert_eq!(check(Some(filter)).unwrap().unwrap().text, sent);
    }
}

#[test]
fn what_is_refused_with_a_proposal() {
    for (filter, instead) in [
        ("accountEnabled eq 'true'", "accountEnabled eq true"),
        ("accountEnabled eq \"TRUE\"", "accountEnabled eq true"),
        ("accountEnabled eq tru", "accountEnabled eq true"),
        ("accountEnabled eq 1", "accountEnabled eq true"),
        ("Is Account Enabled = 'true'", "accountEnabled eq true"),
        ("department='HR'", "department eq 'HR'"),
        ("department == 'HR' && city != 'x'", "department eq 'HR' and city ne 'x'"),
        ("department eq 'HR'||city eq 'x'", "department eq 'HR' or city eq 'x'"),
        ("departement eq 'HR'", "department eq 'HR'"),
        ("department e 'HR'", ""),
        ("department qe 'HR'", "department eq 'HR'"),
        ("department eq HR", "department eq 'HR'"),
        ("employeeId eq 7", "employeeId eq '7'"),
        ("department in 'HR', 'IT'", "department in ('HR', 'IT')"),
        ("department in ['HR'; 'IT']", "department in ('HR', 'IT')"),
        ("department in ('HR' 'IT',)", "department in ('HR', 'IT')"),
        ("department in ('HR', 'IT'", "department in ('HR', 'IT')"),
        ("contains(Display Name,'x')", "startsWith(displayName,'x')"),
        ("Display Name contains ‘x’", "startsWith(displayName,'x')"),
        ("displayName like 'x%'", "startsWith(displayName,'x')"),
        ("mail endsWith '@contoso.example'", "endsWith(mail,'@contoso.example')"),
        ("createdDateTime gt '2026-01-01'", "createdDateTime ge 2026-01-01T00:00:00Z"),
        ("!(city eq 'x')", "not (city eq 'x')"),
        ("lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z", ""),
        ("city eq 'x", ""),
    ] {
        let report = report(filter);
        assert!(report.findings.iter().any(|it| it.weight == WireWeight::Refused), "{filter}: {report:?}");
        assert_eq!(report.corrected.as_deref().unwrap_or_default(), instead, "{filter}");
        assert!(check(Some(filter)).is_err(), "{filter}");
    }
}

#[test]
fn what_does_not_fit_its_property_is_refused() {
    for (filter, part) in [
        ("accountEnabled ge true", "expected `eq` or `ne`"),
        ("accountEnabled has true", "expected `eq` or `ne`"),
        ("startsWith(accountEnabled,'t')", "`accountEnabled` is no text: `startsWith` does not fit it"),
        ("startsWith(createdDateTime,'2024')", "`createdDateTime` is no text"),
        ("createdDateTime ge 'yesterday'", "`createdDateTime` is a time"),
        ("createdDateTime ge yesterday", "`createdDateTime` is a time"),
    ] {
        assert!(refused(filter).contains(part), "{filter}: {}", refused(filter));
    }
    let long = format!("city eq '{}'", "x".repeat(MOST_BYTES));
    assert!(refused(&long).contains("more than any URL has"));
}

#[test]
fn the_sign_in_activity_is_never_asked_for_in_an_advanced_query() {
    let filter = "not (signInActivity/lastSignInDateTime ge 2024-01-01T00:00:00Z)";
    let read = check(Some(filter)).unwrap().unwrap();
    assert!(read.sign_in && !read.advanced, "it would come back empty");
}

#[test]
fn what_no_record_proves_is_not_told() {
    let user = r#"{"id":"a","employeeType":"Contractor","city":"K\u00f6ln"}"#;
    for filter in [
        "department eq 'Sales' and employeeType eq 'Contractor'",
        "startsWith(employeeType,'staff ')",
        "startsWith(city,'Koln')",
        "endsWith(city,'oln')",
    ] {
        let mut notes = Notes::default();
        let expr = parse(filter, &mut notes).unwrap().expr;
        assert_eq!(crate::graph::filter_eval::lets_through(&expr, user), None, "{filter}");
    }
}

#[test]
fn what_is_only_suspicious_is_sent() {
    for (filter, part) in [
        ("nonsense eq 'x'", "no property of users that is known here"),
        ("employeeType eq 'null'", "a text of four letters"),
        ("employeeType eq 'Staff '", "a blank at its beginning or end"),
        ("createdDateTime ge 2026-01-01", "a time without its hours"),
        ("passwordPolicies eq 'None'", "by `ne` and `null` only"),
        ("department in ('HR', null)", "Graph may refuse `null` in a list"),
    ] {
        let report = report(filter);
        assert_eq!(report.findings.len(), 1, "{filter}: {report:?}");
        assert_eq!(report.findings[0].weight, WireWeight::Suspicious);
        assert!(report.findings[0].text.contains(part), "{filter}: {report:?}");
        assert_eq!(check(Some(filter)).unwrap().unwrap().text, filter);
    }
}

#[test]
fn places_are_bytes_and_a_url_may_be_too_long() {
    let found = report("city eq 'Köln' && Department = 'x'");
    let places: Vec<_> = found.findings.iter().map(|it| (it.start, it.end)).collect();
    assert_eq!(places, [(16, 18), (19, 29), (30, 31)], "{found:?}");
    assert_eq!(found.corrected.as_deref(), Some("city eq 'Köln' and department eq 'x'"));
    let long = report(&format!("companyName eq '{}'", "#".repeat(800)));
    assert!(long.findings[0].text.contains("too long by"), "{long:?}");
    assert!(long.findings[0].text.contains("only-if"));
    assert_eq!(report("Default").corrected, None);
    assert_eq!(report("city eq 'x' or Mail eq null").properties, ["city", "mail"]);
}

#[test]
fn a_dot_of_the_mapping_is_a_slash_here() {
    let dots = report("onpremisesExtensionAttributes.extensionAttribute1 eq 'x'");
    assert_eq!(
        dots.corrected.as_deref(),
        Some("onPremisesExtensionAttributes/extensionAttribute1 eq 'x'"),
        "{dots:?}"
    );
    let yes = report("Is Account Enabled eq 'yes'");
    assert_eq!(yes.corrected.as_deref(), Some("accountEnabled eq true"), "{yes:?}");
    let default = report("Defualt");
    assert_eq!(default.corrected.as_deref(), Some("Default"), "{default:?}");
}

proptest! {
    #[test]
    fn never_panics(filter in ".{0,200}") {
        let _ = check(Some(&filter));
    }

    #[test]
    fn never_panics_on_what_looks_like_a_filter(
        parts in prop::collection::vec(prop::sample::select(vec![
            "city", "eq", "in", "(", ")", "'a'", "'", ",", "not", "and", "or", "any(", "x/any(x:", "null",
            "startsWith(", ":", "true", "'true'", "=", "’", " ", "accountEnabled", "signInActivity/x",
        ]), 0..24),
    ) {
        let _ = check(Some(&parts.join(" ")));
        let _ = check(Some(&parts.concat()));
    }

    #[test]
    fn a_correction_is_clean_and_places_lie_between_characters(
        parts in prop::collection::vec(prop::sample::select(vec![
            "city", "Employee Type", "departement", "eq", "=", "in", "(", "[", ")", "}", "'a'", "‘b’", "\"c\"", "''d''",
            ",", ";", "not", "!", "and", "&&", "||", "or", "null", "'true'", "tru", "accountEnabled", "contains",
            "startsWith(", "x/any(x:", ":", "’", "\u{a0}", "gt", "createdDateTime", "'2026-01-01'", "7",
        ]), 0..16),
        blank in prop::sample::select(vec![" ", ""]),
    ) {
        let filter = parts.join(blank);
        let found = report(&filter);
        for it in &found.findings {
            let (start, end) = (it.start as usize, it.end as usize);
            prop_assert!(filter.get(start..end).is_some(), "{filter}: {it:?}");
        }
        let refused = found.findings.iter().any(|it| it.weight == WireWeight::Refused);
        prop_assert_eq!(refused, check(Some(&filter)).is_err());
        if let Some(corrected) = &found.corrected {
            let again = report(corrected);
            prop_assert!(
                again.findings.iter().all(|it| it.weight == WireWeight::Suspicious), "{filter} -> {corrected}: {again:?}"
            );
            prop_assert_eq!(again.corrected.as_ref(), Some(corrected));
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(
        filter in prop::collection::vec((
            prop::sample::select(vec!["", "not ", "(", "not not ("]),
            prop::sample::select(vec![
                "city eq 'a''b'", "mail ne null", "accountEnabled eq false", "startsWith(city,'x')",
                "department in ('a', 'ü')", "createdDateTime ge 2024-01-01T00:00:00Z", "x/any(y:y eq 'z')",
                "endsWith(mail,'x') eq false",
            ]),
            prop::sample::select(vec![" and ", " or "]),
        ), 1..6),
    ) {
        let mut text = String::new();
        for (number, (before, part, joint)) in filter.iter().enumerate() {
            if number > 0 { text.push_str(joint); }
            text.push_str(before);
            text.push_str(part);
        }
        text.push_str(&")".repeat(text.matches('(').count() - text.matches(')').count()));
        let read = check(Some(&text)).unwrap().unwrap().expr;
        let printed = read.to_string();
        prop_assert_eq!(&check(Some(&printed)).unwrap().unwrap().expr, &read, "{} -> {}", text, printed);
    }

    #[test]
    fn any_text_in_quotes_is_a_value(value in "[^']{0,100}") {
        let filter = format!("department eq '{value}'");
        prop_assert!(!check(Some(&filter)).unwrap().unwrap().advanced);
    }
}
