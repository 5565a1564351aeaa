//! The properties of a user as filters name them: which there are, what they hold, what somebody meant.
//! Names are those of Graph's v1.0 metadata for `microsoft.graph.user`.

use crate::graph::filter_rules::among;
use crate::manifest::{SYNC_TIME, labels};

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    Flag,
    Time,
    /// A list or an object: it is not compared as a whole.
    Parts,
    /// We do not know.
    Unknown,
}

const FLAGS: [&str; 5] = [
    "accountEnabled",
    "isManagementRestricted",
    "isResourceAccount",
    "onPremisesSyncEnabled",
    "showInAddressList",
];

const TIMES: [&str; 8] = [
    "createdDateTime",
    "deletedDateTime",
    "employeeHireDate",
    "employeeLeaveDateTime",
    "externalUserStateChangeDateTime",
    "lastPasswordChangeDateTime",
    "onPremisesLastSyncDateTime",
    "signInSessionsValidFromDateTime",
];

const TEXTS: [&str; 42] = [
    "ageGroup",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "creationType",
    "department",
    "displayName",
    "employeeId",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "givenName",
    "id",
    "jobTitle",
    "legalAgeGroupClassification",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "securityIdentifier",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
    "aboutMe",
    "hireDate",
    "mySite",
    "preferredName",
    "cloudRealtimeCommunicationInfo",
];

const PARTS: [&str; 26] = [
    "assignedLicenses",
    "assignedPlans",
    "authorizationInfo",
    "businessPhones",
    "customSecurityAttributes",
    "employeeOrgData",
    "identities",
    "imAddresses",
    "interests",
    "licenseAssignmentStates",
    "mailboxSettings",
    "manager",
    "memberOf",
    "onPremisesExtensionAttributes",
    "onPremisesProvisioningErrors",
    "otherMails",
    "passwordProfile",
    "pastProjects",
    "provisionedPlans",
    "proxyAddresses",
    "responsibilities",
    "schools",
    "serviceProvisioningErrors",
    "signInActivity",
    "skills",
    "transitiveMemberOf",
];

/// What the property at this path holds.
pub(crate) fn holds(path: &str) -> Holds {
    match path.split_once('/') {
        // `extensionAttribute1` to `15` are texts; members of other objects are not looked into.
        Some((head, _)) if head.eq_ignore_ascii_case("onPremisesExtensionAttributes") => Holds::Text,
        Some((head, _)) if head.eq_ignore_ascii_case("signInActivity") => Holds::Time,
        Some(_) => Holds::Unknown,
        None if among(&FLAGS, path) => Holds::Flag,
        None if among(&TIMES, path) => Holds::Time,
        None if among(&TEXTS, path) => Holds::Text,
        None if among(&PARTS, path) => Holds::Parts,
        None => Holds::Unknown,
    }
}

fn all() -> impl Iterator<Item = &'static str> {
    FLAGS.into_iter().chain(TIMES).chain(TEXTS).chain(PARTS)
}

/// What somebody wrote where a property belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A property, as Graph spells it.
    Property(&'static str),
    /// It may be one: an extension, or one that is newer than this list.
    Perhaps,
    /// One slip away from this property.
    Slip(&'static str),
    /// The stamp that the host sets.
    Stamp,
}

/// Looks a name up: without its members, by property, then by the label of the vendor's page.
pub(crate) fn named(name: &str) -> Named {
    let folded = name.to_lowercase();
    if let Some(known) = all().find(|it| it.eq_ignore_ascii_case(name)) {
        return Named::Property(known);
    }
    if let Some((path, _)) = labels().find(|(_, label)| label.to_lowercase() == folded) {
        return if path == SYNC_TIME { Named::Stamp } else { Named::Property(path) };
    }
    if folded.starts_with("ext") && folded.contains('_') {
        return Named::Perhaps;
    }
    let slips = match folded.chars().count() {
        0..=3 => return Named::Perhaps,
        4..=7 => 1,
        _ => 2,
    };
    let near = |it: &&'static str| strsim::damerau_levenshtein(&it.to_lowercase(), &folded);
    let by_label = |(path, label): (&'static str, &str)| {
        (path, strsim::damerau_levenshtein(&label.to_lowercase(), &folded))
    };
    let candidates = all().map(|it| (it, near(&it))).chain(labels().map(by_label));
    match candidates.min_by_key(|(_, distance)| *distance) {
        Some((SYNC_TIME, _)) | None => Named::Perhaps,
        Some((property, distance)) if distance <= slips => Named::Slip(property),
        Some(_) => Named::Perhaps,
    }
}

/// Whether one to four words, joined by blanks, are a label of several words. Gives its property.
pub(crate) fn label_of(words: &[&str]) -> Option<&'static str> {
    let joined = words.join(" ").to_lowercase();
    labels().find(|(_, label)| label.to_lowercase() == joined).map(|(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_slips() {
        assert_eq!(named("employeetype"), Named::Property("employeeType"));
        assert_eq!(named("Street"), Named::Property("streetAddress"));
        assert_eq!(named("employeType"), Named::Slip("employeeType"));
        assert_eq!(named("departement"), Named::Slip("department"));
        assert_eq!(named("extension_0123_level"), Named::Perhaps);
        assert_eq!(named("nonsense"), Named::Perhaps);
        assert_eq!(label_of(&["employee", "TYPE"]), Some("employeeType"));
        assert_eq!(label_of(&["Is", "Account", "Enabled"]), Some("accountEnabled"));
        assert_eq!(label_of(&["Employee"]), None);
    }

    #[test]
    fn every_label_is_a_property_that_is_known() {
        for (path, label) in labels().filter(|(path, _)| *path != SYNC_TIME) {
            assert_ne!(holds(path), Holds::Unknown, "{label}");
        }
    }
}
