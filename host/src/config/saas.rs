//! What is loaded beside people: SaaS users of the vendor's application, and managers.

use serde::Serialize;

use super::keys::{Keys, Value, text, wrong_type};
use super::problem::Problems;

/// Where the SaaS role of a user comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleSource {
    /// Names of licences.
    Licences,
    /// Roles of the directory itself.
    DirectoryRoles,
    /// Roles in an enterprise application, by its application (client) id.
    AppRoles(String),
}

impl RoleSource {
    /// One text for each, to see that it became another one.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Licences => "licences".to_owned(),
            Self::DirectoryRoles => "directory-roles".to_owned(),
            Self::AppRoles(id) => format!("app-roles {}", id.to_ascii_lowercase()),
        }
    }
}

/// How SaaS users are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasLoad {
    /// The SaaS application whose users they are; none = the vendor's own, which saving links to the catalog.
    pub application: Option<String>,
    /// Where roles come from.
    pub role: RoleSource,
    /// Whether SaaS users become inactive and active again.
    pub deactivate: bool,
    /// From how many days without activity on somebody counts as idle.
    pub idle_after_days: u32,
}

/// Days without activity after which somebody is idle, when nobody says otherwise: two months.
pub const IDLE_AFTER_DAYS: u32 = 60;

/// `load`, `saas-application` and `[saas]`. None = people only.
pub(super) fn saas(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Option<SaasLoad> {
    // The vendor's page has words of its own for the two.
    const LOADS: [(&str, bool); 4] =
        [("users", false), ("users-and-saas", true), ("User only", false), ("User plus SaaS user", true)];
    let both = keys.choice("load", &LOADS, problems);
    let application = keys.text("saas-application", problems);
    let place = keys.get("saas").map(Value::span);
    let table = keys.table("saas", "{ role = \"licences\" }", problems);
    let mut load = SaasLoad {
        application: None,
        role: RoleSource::Licences,
        deactivate: false,
        idle_after_days: IDLE_AFTER_DAYS,
    };
    if let Some(table) = table {
        let mut keys = Keys::new(table);
        if let Some(value) = keys.get("role") {
            load.role = role(value, problems).unwrap_or(RoleSource::Licences);
        }
        load.deactivate = keys.flag("deactivate", problems).unwrap_or(false);
        let days = keys.integer("idle-after-days", 1..=3650, problems);
        load.idle_after_days = days.and_then(|it| u32::try_from(it).ok()).unwrap_or(IDLE_AFTER_DAYS);
        keys.finish(" in `saas`", problems);
    }
    if both != Some(true) {
        let named = application.map(|(_, span)| ("saas-application", span));
        for (key, span) in named.into_iter().chain(place.map(|span| ("saas", span))) {
            problems.add_with_help(
                span,
                format!("`{key}` is set, but only users are loaded"),
                "add `load = \"users-and-saas\"`, or leave it out",
            );
        }
        return None;
    }
    load.application = application.map(|(name, _)| name).filter(|name| name != "auto");
    Some(load)
}

fn role(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<RoleSource> {
    const EXPECTED: &str = "`\"licences\"`, `\"directory-roles\"` or `{ app-roles = \"APPLICATION-ID\" }`";
    if let Some(table) = value.get_ref().as_table() {
        let mut keys = Keys::new(table);
        let id = keys.text("app-roles", problems);
        keys.finish(" in `saas.role`", problems);
        let Some((id, span)) = id else {
            if table.get("app-roles").is_none() {
                problems.add(value.span(), format!("`role` has no `app-roles`, expected {EXPECTED}"));
            }
            return None;
        };
        if !is_guid(&id) {
            problems.add_with_help(
                span,
                format!(
                    "`app-roles` is `{id}`, expected the application (client) id of an enterprise application"
                ),
                "in the Entra admin center: Enterprise applications > the application > Application ID",
            );
            return None;
        }
        return Some(RoleSource::AppRoles(id));
    }
    if value.get_ref().as_str().is_none() {
        wrong_type(value, "role", EXPECTED, problems);
        return None;
    }
    match text(value, "role", problems)?.as_str() {
        "licences" => Some(RoleSource::Licences),
        "directory-roles" => Some(RoleSource::DirectoryRoles),
        other => {
            problems.add(value.span(), format!("`role` is `{other}`, expected {EXPECTED}"));
            None
        }
    }
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::{Integration, parse, seed_fields};
    use super::*;

    fn read(rest: &str) -> Result<Integration, String> {
        let text = format!("name = \"a\"\ncredential = \"c\"\n{rest}");
        parse("a.toml", &text, &seed_fields(), &crate::model::Targets::built_in())
            .map_err(|report| report.to_string())
    }

    #[test]
    fn users_only_unless_it_is_said() {
        for rest in ["", "load = \"users\"", "load = \"User only\""] {
            assert_eq!(read(rest).unwrap().saas, None);
        }
        let saas = read("load = \"User plus SaaS user\"").unwrap().saas.unwrap();
        let usual = SaasLoad {
            application: None,
            role: RoleSource::Licences,
            deactivate: false,
            idle_after_days: 60,
        };
        assert_eq!(saas, usual);
        let auto = read("load = \"users-and-saas\"\nsaas-application = \"auto\"").unwrap();
        assert_eq!(auto.saas, Some(usual));
    }

    #[test]
    fn everything_said() {
        let id = "11111111-2222-3333-4444-55555555555A";
        let rest = format!(
            "load = \"users-and-saas\"\nsaas-application = \"Salesforce\"\nmanager = true\n\
             [saas]\nrole = {{ app-roles = \"{id}\" }}\ndeactivate = true\nidle-after-days = 30"
        );
        let integration = read(&rest).unwrap();
        assert!(integration.manager);
        let saas = integration.saas.unwrap();
        assert_eq!(saas.application.as_deref(), Some("Salesforce"));
        assert_eq!(saas.role.text(), format!("app-roles {}", id.to_lowercase()));
        assert_eq!((saas.deactivate, saas.idle_after_days), (true, 30));
    }

    #[test]
    fn what_cannot_be_meant() {
        for (rest, part) in [
            ("load = \"user\"", "did you mean `\"users\"`"),
            ("saas-application = \"x\"", "only users are loaded"),
            ("[saas]\nrole = \"licences\"", "only users are loaded"),
            ("load = \"users-and-saas\"\n[saas]\nrole = \"groups\"", "`role` is `groups`"),
            ("load = \"users-and-saas\"\n[saas]\nrole = 7", "whole number"),
            ("load = \"users-and-saas\"\n[saas]\nrole = {}", "no `app-roles`"),
            ("load = \"users-and-saas\"\n[saas]\nrole = { app-roles = \"x')/\" }", "application (client) id"),
            ("load = \"users-and-saas\"\n[saas]\nidle-after-days = 0", "expected 1 to 3650"),
            ("load = \"users-and-saas\"\n[saas]\nidle = 3", "unknown key `idle` in `saas`"),
            ("manager = \"yes\"", "true or false"),
            ("[mapping]\nmanager = \"department\"", "write `manager = true` above"),
        ] {
            let problem = read(rest).unwrap_err();
            assert!(problem.contains(part), "{rest}: {problem}");
        }
    }
}
