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
            "column 12: expected an operator (eq, ne, gt, ge, lt, le, in) behind `department`, found `=`; `eq` is equal",
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
            "Graph combines",
        ),
        ("assignedLicenses/all(x:x/skuId eq 1)", "column 1: Graph filters users by no `all`"),
    ] {
        let found = refused(filter);
        assert!(found.starts_with(part), "{filter}: {found}");
    }
    assert!(refused(&"(".repeat(5000)).contains("not closed"));
    let deep = format!("{}a eq 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(refused(&deep).contains("nested too deeply"));
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
    fn any_text_in_quotes_is_a_value(value in "[^']{0,100}") {
        let filter = format!("department eq '{value}'");
        prop_assert!(!check(Some(&filter)).unwrap().unwrap().advanced);
    }
}
