//! The fields of the source that a mapping may name.

use super::integration::{Path, PathStep};
use crate::model::ValueType;

/// One field of the source, as the plugin's manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceField {
    /// The property, as the source calls it; a path has dots.
    pub path: String,
    /// As the vendor's mapping page calls it.
    pub label: String,
    /// What it holds.
    pub value_type: ValueType,
    /// It is no property: the host fills it in (Connector Sync Time).
    pub synthetic: bool,
}

/// The name of a field that stands for any.
const ANY: &str = "*";

/// The fields of a plugin that is not at hand: every name is one. For documents of which only the targets count.
#[must_use]
pub fn any_field() -> [SourceField; 1] {
    let (path, label) = (ANY.to_owned(), ANY.to_owned());
    [SourceField { path, label, value_type: ValueType::Text, synthetic: false }]
}

/// What a mapping's source turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found<'f> {
    /// A field of the manifest.
    Known(&'f SourceField),
    /// A property that the manifest does not name, but that the source may have.
    Path(Path),
    /// Neither; with what may have been meant.
    Nothing(Option<&'f str>),
}

/// Whether these are [`any_field`].
pub(super) fn is_any(fields: &[SourceField]) -> bool {
    fields.first().is_some_and(|it| it.path == ANY)
}

/// Looks a source up by path, by label, then by what a path looks like.
pub(super) fn find<'f>(fields: &'f [SourceField], name: &str) -> Found<'f> {
    if is_any(fields) {
        return Found::Path(path(name).unwrap_or_else(|| vec![PathStep::Key(name.to_owned())]));
    }
    let known = fields
        .iter()
        .find(|it| it.path == name)
        .or_else(|| fields.iter().find(|it| it.label.to_lowercase() == name.to_lowercase()));
    if let Some(field) = known {
        return Found::Known(field);
    }
    let near = || {
        let paths = fields.iter().map(|it| it.path.as_str());
        let labels = fields.iter().map(|it| it.label.as_str());
        // Of two that are as near, the one of the kind that was typed.
        if name.contains(' ') {
            super::nearest(name, labels.chain(paths))
        } else {
            super::nearest(name, paths.chain(labels))
        }
    };
    let Some(steps) = path(name) else {
        return Found::Nothing(near());
    };
    // One slip away from a field of the manifest is that field, mistyped. Graph has properties that are not
    // in the manifest, but none that is so near to one of it; whoever has one writes it as a list of steps.
    let slip = fields.iter().map(|it| it.path.as_str()).find(|path| {
        path.len() > 2 && strsim::damerau_levenshtein(&path.to_lowercase(), &name.to_lowercase()) <= 1
    });
    match slip {
        Some(path) => Found::Nothing(Some(path)),
        None => Found::Path(steps),
    }
}

/// The steps of `employeeOrgData.costCenter`, `businessPhones[0]` and the like.
pub(super) fn path(name: &str) -> Option<Path> {
    let mut steps = Vec::new();
    for part in name.split('.') {
        let (key, mut items) = part.split_at(part.find('[').unwrap_or(part.len()));
        let plausible = key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.len() <= 120
            && key.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        if !plausible {
            return None;
        }
        steps.push(PathStep::Key(key.to_owned()));
        while !items.is_empty() {
            let (item, rest) = items.strip_prefix('[')?.split_once(']')?;
            let digits = item.len() <= 3 && item.bytes().all(|it| it.is_ascii_digit());
            steps.push(PathStep::Item(item.parse().ok().filter(|_| digits)?));
            items = rest;
        }
    }
    Some(steps)
}

/// The 33 fields of the seed (`Mappable fields`), in its order: what the built-in plugin's manifest says.
/// For tests that have no plugin at hand.
#[cfg(test)]
pub(crate) fn seed_fields() -> Vec<SourceField> {
    use ValueType::{Flag, Text, Time};
    #[rustfmt::skip]
    const FIELDS: [(&str, &str, ValueType); 33] = [
        ("ageGroup", "Age Group", Text), ("city", "City", Text), ("companyName", "Company Name", Text),
        ("connectorSyncTime", "Connector Sync Time", Time),
        ("consentProvidedForMinor", "Consent Provided For Minor", Text),
        ("createdDateTime", "Creation Date", Time), ("creationType", "Creation Type", Text),
        ("department", "Department", Text), ("displayName", "Display Name", Text),
        ("employeeHireDate", "Employee Hire Date", Time), ("employeeId", "Employee ID", Text),
        ("employeeType", "Employee Type", Text), ("faxNumber", "Fax number", Text),
        ("givenName", "Given Name", Text), ("id", "ID", Text),
        ("accountEnabled", "Is Account Enabled", Flag),
        ("isResourceAccount", "Is Resource Account", Flag), ("jobTitle", "Job Title", Text),
        ("lastPasswordChangeDateTime", "Last Password Change Date", Time),
        ("legalAgeGroupClassification", "Legal Age Group", Text), ("mail", "Mail", Text),
        ("mailNickname", "Mail Nickname", Text), ("mobilePhone", "Mobile Phone", Text),
        ("officeLocation", "Office Location", Text), ("passwordPolicies", "Password Policies", Text),
        ("postalCode", "Postal Code", Text), ("preferredLanguage", "Preferred Language", Text),
        ("state", "State", Text), ("streetAddress", "Street", Text), ("surname", "Surname", Text),
        ("usageLocation", "Usage Location", Text), ("userPrincipalName", "User Principal Name", Text),
        ("userType", "User Type", Text),
    ];
    FIELDS
        .iter()
        .map(|&(path, label, value_type)| SourceField {
            path: path.to_owned(),
            label: label.to_owned(),
            value_type,
            synthetic: path == "connectorSyncTime",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Found, PathStep, find, path as path_of, seed_fields};

    #[test]
    fn paths_labels_and_unlisted_properties() {
        let fields = seed_fields();
        let path = |found: Found<'_>| match found {
            Found::Known(field) => field.path.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(path(find(&fields, "jobTitle")), "jobTitle");
        assert_eq!(path(find(&fields, "job title")), "jobTitle");
        assert_eq!(path(find(&fields, "FAX NUMBER")), "faxNumber");
        assert_eq!(
            find(&fields, "onPremisesExtensionAttributes.extensionAttribute1"),
            Found::Path(path_of("onPremisesExtensionAttributes.extensionAttribute1").unwrap())
        );
        let (key, item) = (|key: &str| PathStep::Key(key.to_owned()), PathStep::Item);
        assert_eq!(path_of("a.b[0][12].c"), Some(vec![key("a"), key("b"), item(0), item(12), key("c")]));
        assert_eq!(find(&fields, "businessPhones[0]"), Found::Path(vec![key("businessPhones"), item(0)]));
        for none in ["a[", "a[]", "a[x]", "a[0]b", "[0]", "a[-1]", "a[1000]", "a.[0]", ""] {
            assert_eq!(path_of(none), None, "{none}");
        }
        assert_eq!(find(&fields, "jobtitle"), Found::Nothing(Some("jobTitle")));
        assert_eq!(find(&fields, "jobTitel"), Found::Nothing(Some("jobTitle")));
        assert_eq!(find(&fields, "Job Titel"), Found::Nothing(Some("Job Title")));
        assert_eq!(find(&fields, "a&b=$select"), Found::Nothing(None));
        assert_eq!(find(&fields, "a..b"), Found::Nothing(None));
    }
}
