//! The properties of a Graph user: which exist, what type they have, how they can be filtered.
//!
//! Source: user.md and filter-directory-objects.md of microsoft-graph-docs-contrib. Where the two
//! disagree the stricter one holds here.

/// What a filter literal has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `Edm.String`: in single quotes.
    Text,
    /// `Edm.Boolean`: without quotes.
    Flag,
    /// `Edm.DateTimeOffset`: without quotes.
    Time,
    /// A list.
    List,
    /// An object.
    Object,
}

/// A set of filter operators.
pub(crate) type Ops = u8;
pub(crate) const EQ: Ops = 1;
pub(crate) const IN: Ops = 2;
pub(crate) const STARTS: Ops = 4;
pub(crate) const RANGE: Ops = 8;
pub(crate) const NE: Ops = 16;
pub(crate) const NOT: Ops = 32;
pub(crate) const NULL: Ops = 64;
pub(crate) const ENDS: Ops = 128;

/// What can only ever be had with advanced parameters.
const MORE: Ops = NE | NOT | NULL;
const TEXT: Ops = EQ | IN | STARTS | RANGE | MORE;

/// One property.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Operators that work by default.
    pub(crate) plain: Ops,
    /// Operators that work with `ConsistencyLevel: eventual` and `$count=true`.
    pub(crate) advanced: Ops,
}

const fn p(name: &'static str, kind: Kind, plain: Ops, advanced: Ops) -> Property {
    Property { name, kind, plain, advanced: plain | advanced }
}

const fn text(name: &'static str, plain: Ops) -> Property {
    p(name, Kind::Text, plain, TEXT)
}

const fn unfiltered(name: &'static str, kind: Kind) -> Property {
    p(name, kind, 0, 0)
}

/// All properties that the directory store holds.
static KNOWN: [Property; 62] = [
    p("id", Kind::Text, EQ | IN, 0),
    p("accountEnabled", Kind::Flag, EQ | IN, NE | NOT),
    p("ageGroup", Kind::Text, EQ | IN, NE | NOT),
    p("consentProvidedForMinor", Kind::Text, EQ | IN, NE | NOT),
    p("creationType", Kind::Text, EQ | IN, NE | NOT),
    p("createdDateTime", Kind::Time, EQ | RANGE, IN | NE | NOT),
    p("isResourceAccount", Kind::Flag, EQ, IN | NE | NOT),
    p("onPremisesSyncEnabled", Kind::Flag, EQ | IN, MORE),
    p("userType", Kind::Text, EQ | IN, MORE),
    p("employeeId", Kind::Text, EQ | STARTS, TEXT),
    p("passwordPolicies", Kind::Text, 0, MORE),
    p("employeeHireDate", Kind::Time, 0, EQ | IN | RANGE | MORE),
    p("mail", Kind::Text, EQ | IN | STARTS, TEXT | ENDS),
    p("userPrincipalName", Kind::Text, EQ | IN | STARTS, TEXT | ENDS),
    text("city", EQ | IN | STARTS),
    text("country", EQ | IN | STARTS),
    text("department", EQ | IN | STARTS),
    text("displayName", EQ | IN | STARTS),
    text("givenName", EQ | IN | STARTS),
    text("mailNickname", EQ | IN | STARTS),
    text("state", EQ | IN | STARTS),
    text("surname", EQ | IN | STARTS),
    text("usageLocation", EQ | IN | STARTS),
    text("jobTitle", EQ | IN),
    text("companyName", 0),
    text("employeeType", 0),
    text("faxNumber", 0),
    text("mobilePhone", 0),
    text("officeLocation", 0),
    text("onPremisesSamAccountName", 0),
    text("postalCode", 0),
    text("preferredLanguage", 0),
    text("streetAddress", 0),
    p("onPremisesExtensionAttributes", Kind::Object, 0, EQ | IN | STARTS | MORE),
    unfiltered("lastPasswordChangeDateTime", Kind::Time),
    unfiltered("legalAgeGroupClassification", Kind::Text),
    unfiltered("deletedDateTime", Kind::Time),
    unfiltered("signInActivity", Kind::Object),
    unfiltered("businessPhones", Kind::List),
    unfiltered("assignedLicenses", Kind::List),
    unfiltered("assignedPlans", Kind::List),
    unfiltered("provisionedPlans", Kind::List),
    unfiltered("otherMails", Kind::List),
    unfiltered("proxyAddresses", Kind::List),
    unfiltered("imAddresses", Kind::List),
    unfiltered("identities", Kind::List),
    unfiltered("licenseAssignmentStates", Kind::List),
    unfiltered("onPremisesProvisioningErrors", Kind::List),
    unfiltered("serviceProvisioningErrors", Kind::List),
    unfiltered("externalUserState", Kind::Text),
    unfiltered("externalUserStateChangeDateTime", Kind::Time),
    unfiltered("employeeOrgData", Kind::Object),
    unfiltered("authorizationInfo", Kind::Object),
    unfiltered("passwordProfile", Kind::Object),
    unfiltered("onPremisesDistinguishedName", Kind::Text),
    unfiltered("onPremisesDomainName", Kind::Text),
    unfiltered("onPremisesImmutableId", Kind::Text),
    unfiltered("onPremisesLastSyncDateTime", Kind::Time),
    unfiltered("onPremisesSecurityIdentifier", Kind::Text),
    unfiltered("onPremisesUserPrincipalName", Kind::Text),
    unfiltered("securityIdentifier", Kind::Text),
    unfiltered("showInAddressList", Kind::Flag),
];

/// The 11 properties that come without `$select`.
pub(crate) const DEFAULT_SELECTION: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// Properties of a user that another store holds, and a collection cannot have.
const ELSEWHERE: [&str; 12] = [
    "aboutMe",
    "birthday",
    "deviceEnrollmentLimit",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

/// A property of the directory store by its exact name.
pub(crate) fn property(name: &str) -> Option<&'static Property> {
    KNOWN.iter().find(|property| property.name == name)
}

/// Whether a property lives outside of the directory store (501 in a collection).
pub(crate) fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.contains(&name)
}

/// Whether a name is one of a directory extension (`extension_{app id}_{name}`) or of a schema
/// extension (`ext` and eight letters or digits, `_`, name).
pub(crate) fn is_extension(name: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some((app, rest)) = name.strip_prefix("extension_").and_then(|n| n.split_once('_')) {
        return app.len() == 32 && plain(app) && !rest.is_empty();
    }
    match name.strip_prefix("ext").and_then(|n| n.split_once('_')) {
        Some((prefix, rest)) => prefix.len() == 8 && plain(prefix) && !rest.is_empty(),
        None => false,
    }
}

/// Operators of a directory extension: by default, and with advanced parameters.
pub(crate) const EXTENSION: (Ops, Ops) = (EQ, EQ | MORE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_made_up_property_is_known() {
        for name in crate::world::PROPERTIES {
            assert!(property(name).is_some(), "{name}");
        }
    }

    #[test]
    fn extensions_are_told_by_their_names() {
        assert!(is_extension("extension_0123456789abcdef0123456789abcdef_badge"));
        assert!(is_extension("extabcd1234_courses"));
        assert!(!is_extension("extension_short_badge"));
        assert!(!is_extension("external_thing"));
    }
}
