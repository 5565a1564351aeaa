//! The fields that a person has.

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

/// One field of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name in mappings, JSON and CSV.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it holds.
    pub value_type: ValueType,
    /// People can be found by it (a match key).
    pub key: bool,
    /// Whether an integration cannot be launched without it.
    pub mandatory: bool,
}

/// What a person may do in the directory.
pub const ACCESS_ROLE: &str = "access_role";

/// The time of the last applied run that saw the person. A stamp on the link, not a value of the person.
pub const CONNECTOR_SYNC_TIME: &str = "connector_sync_time";

/// The manager's username.
pub const MANAGER: &str = "manager";

const fn field(name: &'static str, label: &'static str, value_type: ValueType) -> Target {
    Target { name, label, value_type, key: false, mandatory: false }
}

const fn text(name: &'static str, label: &'static str) -> Target {
    field(name, label, ValueType::Text)
}

const fn key(name: &'static str, label: &'static str, mandatory: bool) -> Target {
    Target { name, label, value_type: ValueType::Text, key: true, mandatory }
}

/// All fields, in the order in which a person is shown.
pub const TARGETS: [Target; 35] = [
    key("username", "Username", true),
    key("email", "Email", false),
    Target {
        name: ACCESS_ROLE,
        label: "Access role",
        value_type: ValueType::Text,
        key: false,
        mandatory: true,
    },
    text("display_name", "Display name"),
    text("given_name", "Given name"),
    text("surname", "Surname"),
    text("job_title", "Job title"),
    text("department", "Department"),
    text("company", "Company"),
    text(MANAGER, "Manager"),
    key("employee_id", "Employee ID", false),
    text("employee_type", "Employee type"),
    field("hire_date", "Hire date", ValueType::Time),
    text("mobile_phone", "Mobile phone"),
    text("fax_number", "Fax number"),
    text("office", "Office"),
    text("street", "Street"),
    text("city", "City"),
    text("state", "State"),
    text("postal_code", "Postal code"),
    text("usage_location", "Usage location"),
    text("preferred_language", "Preferred language"),
    text("mail_nickname", "Mail nickname"),
    text("user_type", "User type"),
    text("age_group", "Age group"),
    text("legal_age_group", "Legal age group"),
    text("consent_provided_for_minor", "Consent provided for minor"),
    text("creation_type", "Creation type"),
    field("created_at", "Created at the source", ValueType::Time),
    field("password_changed_at", "Password changed", ValueType::Time),
    text("password_policies", "Password policies"),
    field("resource_account", "Resource account", ValueType::Flag),
    field("source_enabled", "Enabled at the source", ValueType::Flag),
    text("source_id", "ID at the source"),
    field(CONNECTOR_SYNC_TIME, "Connector sync time", ValueType::Time),
];

/// The field of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|it| it.name == name)
}
