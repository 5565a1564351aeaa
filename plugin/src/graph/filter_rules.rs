//! Which properties Graph filters in its default mode, and with which operators.
//!
//! <https://learn.microsoft.com/graph/aad-advanced-queries#user-properties>. Microsoft's table and its pages
//! of the single properties disagree at the edges, and an advanced query is legal with every filter, so
//! whatever is not clearly in the default mode counts as advanced.

/// Properties whose `eq` and `in` work in the default mode.
const EQUAL: [&str; 18] = [
    "accountEnabled",
    "ageGroup",
    "city",
    "consentProvidedForMinor",
    "country",
    "creationType",
    "department",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickname",
    "onPremisesSyncEnabled",
    "state",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
];

/// Properties of which only `eq` works in the default mode.
const EQUAL_ONLY: [&str; 4] = ["id", "employeeId", "isResourceAccount", "createdDateTime"];

/// Properties whose `startsWith` works in the default mode, both sources agreeing.
const STARTS_WITH: [&str; 10] = [
    "city",
    "country",
    "displayName",
    "employeeId",
    "givenName",
    "mail",
    "mailNickname",
    "state",
    "surname",
    "userPrincipalName",
];

/// Properties that Graph does not filter at all.
const NEVER: [&str; 2] = ["lastPasswordChangeDateTime", "legalAgeGroupClassification"];

/// Properties that are `true` or `false`.
const FLAGS: [&str; 3] = ["accountEnabled", "isResourceAccount", "onPremisesSyncEnabled"];

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    Equal,
    In,
    StartsWith,
    /// `ge`, `le`.
    Bound,
    /// Everything else.
    Other,
}

fn among(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether the comparison works in the default mode for sure.
pub(crate) fn by_default(property: &str, test: Test) -> bool {
    if property.eq_ignore_ascii_case("signInActivity") || of_sign_in(property) {
        // Read from another store, and empty in an advanced query.
        return true;
    }
    match test {
        Test::Equal => among(&EQUAL, property) || among(&EQUAL_ONLY, property),
        Test::In => among(&EQUAL, property) || property.eq_ignore_ascii_case("id"),
        Test::StartsWith => among(&STARTS_WITH, property),
        Test::Bound => property.eq_ignore_ascii_case("createdDateTime"),
        Test::Other => false,
    }
}

/// Whether the property cannot be filtered at all.
pub(crate) fn never(property: &str) -> bool {
    among(&NEVER, property)
}

/// Whether the property is known to be `true` or `false`.
pub(crate) fn is_flag(property: &str) -> bool {
    among(&FLAGS, property)
}

/// Whether the property is a part of the sign-in activity.
pub(crate) fn of_sign_in(property: &str) -> bool {
    let head = property.split('/').next().unwrap_or_default();
    head.eq_ignore_ascii_case("signInActivity")
}
