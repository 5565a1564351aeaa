//! What the plugin is, takes and asks for.

use userload_plugin::bindings::exports::userload::directory::connector::{
    CatalogEntry, FieldInfo, FilterFinding, FilterReport, Manifest, Place, SecretAsk, SecretKind,
    SettingInfo, Source, Suggestion, Weight,
};
use userload_plugin::bindings::userload::directory::types::ValueType::{self, Flag, Text, Time};

use crate::settings::{BASE_URL, ORIGIN};

/// The secret that it asks for.
pub const BEARER_TOKEN: &str = "bearer-token";

/// Why a filter is refused: who is outside of one could not be told from a record.
pub(crate) const NO_FILTER: &str = "this plugin takes no filter; `only-if` chooses among what was mapped";

/// Path, label, type, suggested target (RFC 7643, 4.1). Lists are named by their first item: services commonly put
/// the primary one first, and `expression` chooses another.
const FIELDS: [(&str, &str, ValueType, &str); 12] = [
    ("id", "ID", Text, ""),
    ("userName", "User Name", Text, "username"),
    ("displayName", "Display Name", Text, "display_name"),
    ("name.givenName", "Given Name", Text, "given_name"),
    ("name.familyName", "Family Name", Text, "surname"),
    ("title", "Title", Text, "job_title"),
    ("userType", "User Type", Text, "user_type"),
    ("preferredLanguage", "Preferred Language", Text, "preferred_language"),
    ("externalId", "External ID", Text, ""),
    ("active", "Active", Flag, "source_enabled"),
    ("meta.created", "Created", Time, ""),
    ("connectorSyncTime", "Connector Sync Time", Time, "connector_sync_time"),
];

/// The manifest.
pub fn describe() -> Manifest {
    let text = str::to_owned;
    let setting = |name: &str, label: &str, help: &str, required| SettingInfo {
        name: text(name),
        label: text(label),
        help: text(help),
        required,
        default_value: None,
    };
    let suggestions = FIELDS.iter().filter(|(_, _, _, target)| !target.is_empty());
    Manifest {
        application: text("SCIM 2.0 service"),
        catalog: vec![CatalogEntry {
            name: text("SCIM 2.0 service"),
            publisher: text("Unknown"),
            category: text("Identity"),
        }],
        integrations: vec![text("SCIM 2.0 User Load")],
        settings: vec![
            setting(
                BASE_URL,
                "Base URL",
                "The URL before /Users, such as https://scim.example.com/v2.",
                true,
            ),
            setting(ORIGIN, "Origin", "Follows from the base URL.", false),
        ],
        secrets: vec![SecretAsk {
            name: text(BEARER_TOKEN),
            label: text("Bearer token"),
            kind: SecretKind::Text,
            optional: false,
            origin: text("{origin}"),
            method: text("GET"),
            path: text("/*"),
            place: Place::Header((text("authorization"), text("Bearer "))),
            when: None,
            subject: None,
        }],
        tokens: Vec::new(),
        origins: vec![text("{origin}")],
        fields: FIELDS
            .map(|(path, label, type_of, _)| FieldInfo {
                path: text(path),
                label: text(label),
                type_of,
                by_default: true,
                synthetic: path == "connectorSyncTime",
            })
            .into(),
        suggestions: suggestions
            .map(|(source, _, _, target)| Suggestion { source: text(source), target: text(target) })
            .collect(),
        permissions: Vec::new(),
    }
}

/// Everybody, or nothing.
pub fn check_filter(source: &Source) -> FilterReport {
    let finding = |filter: &String| FilterFinding {
        weight: Weight::Refused,
        start: 0,
        end: u32::try_from(filter.len()).unwrap_or(u32::MAX),
        text: NO_FILTER.to_owned(),
    };
    FilterReport {
        findings: source.filter.iter().map(finding).collect(),
        corrected: None,
        advanced: false,
        properties: Vec::new(),
    }
}
