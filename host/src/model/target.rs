//! The fields that a person has: built-in ones, and those that a tenant has added.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A number, in the source's own digits.
    Number,
    /// A moment, RFC 3339, as it was sent.
    Time,
}

impl ValueType {
    /// All, in the order in which they are explained.
    pub const ALL: [Self; 4] = [Self::Text, Self::Flag, Self::Number, Self::Time];

    /// Its name, as documents, store and JSON have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "flag",
            Self::Number => "number",
            Self::Time => "time",
        }
    }

    /// What a field of this type takes, in words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Time => "a time (RFC 3339)",
        }
    }
}

/// One field of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, in mappings, JSON and CSV.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it holds.
    pub value_type: ValueType,
    /// People can be found by it (a match key). Always a text.
    pub key: bool,
    /// Whether an integration cannot be launched without it.
    pub mandatory: bool,
    /// Who fills it.
    pub filled: Filled,
    /// Added by the tenant, and not built in.
    pub custom: bool,
}

/// Who fills a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// A rule of the mapping.
    ByMapping,
    /// A pass of its own beside the listing: no rule can write it.
    ByPass,
}

/// What a person may do in the directory.
pub const ACCESS_ROLE: &str = "access_role";

/// The time of the last applied run that saw the person. A stamp on the link, not a value of the person.
pub const CONNECTOR_SYNC_TIME: &str = "connector_sync_time";

/// Who somebody reports to: the username of their manager.
pub const MANAGER: &str = "manager";

/// A fact of a built-in field that only few have.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    Plain,
    Key,
    MandatoryKey,
    Mandatory,
    Pass,
}

use Is::{Key, Mandatory, MandatoryKey, Pass, Plain};
use ValueType::{Flag, Text, Time};

/// The built-in fields, in the order in which a person is shown.
#[rustfmt::skip]
const BUILT_IN: [(&str, &str, ValueType, Is); 42] = [
    ("username", "Username", Text, MandatoryKey),
    ("email", "Email", Text, Key),
    (ACCESS_ROLE, "Access role", Text, Mandatory),
    ("display_name", "Display name", Text, Plain),
    ("given_name", "Given name", Text, Plain),
    ("surname", "Surname", Text, Plain),
    ("job_title", "Job title", Text, Plain),
    ("department", "Department", Text, Plain),
    ("division", "Division", Text, Plain),
    ("cost_center", "Cost center", Text, Plain),
    ("company", "Company", Text, Plain),
    (MANAGER, "Manager", Text, Pass),
    ("employee_id", "Employee ID", Text, Key),
    ("employee_type", "Employee type", Text, Plain),
    ("hire_date", "Hire date", Time, Plain),
    ("business_phone", "Business phone", Text, Plain),
    ("mobile_phone", "Mobile phone", Text, Plain),
    ("fax_number", "Fax number", Text, Plain),
    ("other_email", "Other email", Text, Plain),
    ("office", "Office", Text, Plain),
    ("street", "Street", Text, Plain),
    ("city", "City", Text, Plain),
    ("state", "State", Text, Plain),
    ("postal_code", "Postal code", Text, Plain),
    ("country", "Country", Text, Plain),
    ("usage_location", "Usage location", Text, Plain),
    ("preferred_language", "Preferred language", Text, Plain),
    ("mail_nickname", "Mail nickname", Text, Plain),
    ("account_name", "Account name on premises", Text, Plain),
    ("immutable_id", "Immutable ID", Text, Plain),
    ("user_type", "User type", Text, Plain),
    ("age_group", "Age group", Text, Plain),
    ("legal_age_group", "Legal age group", Text, Plain),
    ("consent_provided_for_minor", "Consent provided for minor", Text, Plain),
    ("creation_type", "Creation type", Text, Plain),
    ("created_at", "Created at the source", Time, Plain),
    ("password_changed_at", "Password changed", Time, Plain),
    ("password_policies", "Password policies", Text, Plain),
    ("resource_account", "Resource account", Flag, Plain),
    ("source_enabled", "Enabled at the source", Flag, Plain),
    ("source_id", "ID at the source", Text, Plain),
    (CONNECTOR_SYNC_TIME, "Connector sync time", Time, Plain),
];

/// The fields that people of one tenant have. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets(Arc<[Arc<Target>]>);

impl Targets {
    /// The built-in fields alone.
    #[must_use]
    pub fn built_in() -> Self {
        static ALL: LazyLock<Targets> = LazyLock::new(|| Targets(BUILT_IN.iter().map(built_in).collect()));
        ALL.clone()
    }

    /// The built-in fields, and after them those of the tenant.
    #[must_use]
    pub fn with(custom: impl IntoIterator<Item = Target>) -> Self {
        let built_in = Self::built_in();
        let custom: Vec<Arc<Target>> = custom.into_iter().map(Arc::new).collect();
        if custom.is_empty() {
            return built_in;
        }
        Self(built_in.0.iter().cloned().chain(custom).collect())
    }

    /// All of them, in the order in which a person is shown.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.0.iter()
    }

    /// The field of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Target>> {
        self.iter().find(|it| it.name == name)
    }

    /// The field that a text means: by its name, else by its label, whose case does not matter.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Arc<Target>> {
        let text = text.trim();
        self.named(text).or_else(|| {
            let plain = text.to_lowercase();
            self.iter().find(|it| it.name == plain || it.label.to_lowercase() == plain)
        })
    }

    /// The fields that people are found by.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.iter().filter(|it| it.key)
    }

    /// Names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|it| it.name.as_str())
    }

    /// Labels of all fields.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|it| it.label.as_str())
    }
}

fn built_in(&(name, label, value_type, is): &(&str, &str, ValueType, Is)) -> Arc<Target> {
    Arc::new(Target {
        name: name.to_owned(),
        label: label.to_owned(),
        value_type,
        key: matches!(is, Key | MandatoryKey),
        mandatory: matches!(is, Mandatory | MandatoryKey),
        filled: if is == Pass { Filled::ByPass } else { Filled::ByMapping },
        custom: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_name_and_label() {
        let custom = Target {
            name: "shirt_size".into(),
            label: "Shirt Size".into(),
            value_type: Text,
            key: true,
            mandatory: false,
            filled: Filled::ByMapping,
            custom: true,
        };
        let targets = Targets::with([custom]);
        let name = |text: &str| targets.find(text).map(|it| it.name.clone());
        assert_eq!(name("shirt_size").as_deref(), Some("shirt_size"));
        assert_eq!(name(" SHIRT size").as_deref(), Some("shirt_size"));
        assert_eq!(name("Job Title").as_deref(), Some("job_title"));
        assert_eq!(name("shoe_size"), None);
        let keys: Vec<&str> = targets.keys().map(|it| it.name.as_str()).collect();
        assert_eq!(keys, ["username", "email", "employee_id", "shirt_size"]);
    }

    #[test]
    fn names_and_labels_are_each_ones_own() {
        let targets = Targets::built_in();
        let mut all: Vec<String> = targets.names().chain(targets.labels()).map(str::to_lowercase).collect();
        all.sort();
        // `Username`, `email` and the like are both.
        let twice: Vec<_> = all.windows(2).filter(|it| it[0] == it[1]).map(|it| it[0].clone()).collect();
        for name in &twice {
            assert_eq!(targets.find(name).map(|it| it.name.clone()).as_ref(), Some(name));
        }
        assert!(targets.keys().all(|it| it.value_type == Text));
    }
}
