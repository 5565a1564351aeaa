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

/// Properties that Graph does not filter at all, with what to do instead.
const NEVER: [(&str, &str); 19] = [
    (
        "lastPasswordChangeDateTime",
        "after the fetch there is `only-if = \"password_changed_at <= '2026-01-01T00:00:00Z'\"`, and in `[mapping]` \
         `password_changed_at = \"Last Password Change Date\"`",
    ),
    ("legalAgeGroupClassification", "`ageGroup` and `consentProvidedForMinor` can be filtered"),
    ("customSecurityAttributes", "map a property of the user, and filter with `only-if`"),
    ("passwordProfile", "it cannot be read either"),
    ("aboutMe", "Graph lists it of one user at a time only"),
    ("birthday", "Graph lists it of one user at a time only"),
    ("hireDate", "`employeeHireDate` is the one of the directory"),
    ("interests", "Graph lists it of one user at a time only"),
    ("mailboxSettings", "Graph lists it of one user at a time only"),
    (
        "manager",
        "their manager is read by a pass of its own, `manager = true`; `department`, `companyName` and \
         `employeeOrgData/division` can be filtered",
    ),
    ("memberOf", "users cannot be filtered by their groups here"),
    ("transitiveMemberOf", "users cannot be filtered by their groups here"),
    ("mySite", "Graph lists it of one user at a time only"),
    ("pastProjects", "Graph lists it of one user at a time only"),
    ("preferredName", "`displayName` is the one of the directory"),
    ("responsibilities", "Graph lists it of one user at a time only"),
    ("schools", "Graph lists it of one user at a time only"),
    ("skills", "Graph lists it of one user at a time only"),
    ("cloudRealtimeCommunicationInfo", "Graph does not list it"),
];

/// Properties that `endsWith` works for.
const ENDS_WITH: [&str; 4] = ["mail", "otherMails", "proxyAddresses", "userPrincipalName"];

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

pub(crate) fn among(names: &[&str], name: &str) -> bool {
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

/// What to do instead, when the property cannot be filtered at all.
pub(crate) fn never(property: &str) -> Option<&'static str> {
    let head = property.split('/').next().unwrap_or_default();
    NEVER.iter().find(|(name, _)| name.eq_ignore_ascii_case(head)).map(|(_, instead)| *instead)
}

/// Whether `endsWith` works for the property, or may.
pub(crate) fn takes_ends_with(property: &str) -> bool {
    among(&ENDS_WITH, property)
}

/// Whether the property is a part of the sign-in activity.
pub(crate) fn of_sign_in(property: &str) -> bool {
    let head = property.split('/').next().unwrap_or_default();
    head.eq_ignore_ascii_case("signInActivity")
}
