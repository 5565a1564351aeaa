//! An integration's document, made from parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The mapping that a document starts with.
const MAPPING: [(&str, &str); 8] = [
    ("username", "userPrincipalName"),
    ("email", "mail"),
    ("display_name", "displayName"),
    ("department", "department"),
    ("job_title", "jobTitle"),
    ("employee_id", "employeeId"),
    ("office", "officeLocation"),
    ("connector_sync_time", "connectorSyncTime"),
];

/// A document in TOML. It starts with `deactivate = true`, `access-role = "Employee"` and eight fields.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    keys: BTreeMap<String, String>,
    mapping: BTreeMap<String, String>,
}

impl Document {
    /// The usual document, for a source at this origin.
    pub fn new(name: &str, origin: &str) -> Self {
        let keys = [
            ("credential", "\"entra\"".to_owned()),
            ("deactivate", "true".to_owned()),
            ("access-role", "\"Employee\"".to_owned()),
            ("grants", format!("[{{ origin = \"{origin}\", private = true }}]")),
        ];
        Self {
            name: name.to_owned(),
            keys: keys.map(|(key, value)| (key.to_owned(), value)).into(),
            mapping: MAPPING.map(|(to, from)| (to.to_owned(), format!("\"{from}\""))).into(),
        }
    }

    /// The integration's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets a key to a value in TOML: `set("mode", "\"create-only\"")`, `set("guard.clear", "{ count = 2 }")`.
    pub fn set(&mut self, key: &str, toml: &str) -> &mut Self {
        self.keys.insert(key.to_owned(), toml.to_owned());
        self
    }

    /// Takes a key away.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.keys.remove(key);
        self
    }

    /// The source's filter.
    pub fn filter(&mut self, filter: &str) -> &mut Self {
        self.set("filter", &format!("\"{filter}\""))
    }

    /// Maps a field: a source's name in quotes, or a table in TOML.
    pub fn map(&mut self, target: &str, toml: &str) -> &mut Self {
        self.mapping.insert(target.to_owned(), toml.to_owned());
        self
    }

    /// Maps nothing to a field.
    pub fn unmap(&mut self, target: &str) -> &mut Self {
        self.mapping.remove(target);
        self
    }

    /// Lets everything flow: limits that no story reaches.
    pub fn no_limits(&mut self) -> &mut Self {
        let wide = "{ count = 100000 }";
        self.set("guard.deactivate", wide)
            .set("guard.deactivate-most", "100000")
            .set("guard.rename", wide)
            .set("guard.clear", wide)
            .set("guard.collapse", "100000")
    }

    /// The text.
    pub fn text(&self) -> String {
        let mut text = format!("name = \"{}\"\n", self.name);
        for (key, value) in &self.keys {
            let _ = writeln!(text, "{key} = {value}");
        }
        text.push_str("[mapping]\n");
        for (target, source) in &self.mapping {
            let _ = writeln!(text, "{target} = {source}");
        }
        text
    }
}
