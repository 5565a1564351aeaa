//! The document that `userload init` writes.

use toml_edit::Value;

use crate::sync::mapping_smart::SmartMapping;

use super::super::mapping_views;

/// What is said in it beside the mapping.
pub(super) struct Said<'a> {
    pub(super) name: &'a str,
    pub(super) credential: &'a str,
    pub(super) access_role: &'a str,
    /// None = everybody.
    pub(super) filter: Option<&'a str>,
    pub(super) deactivate: bool,
    pub(super) priority: Option<i32>,
    /// It runs on this machine only.
    pub(super) local: bool,
    /// Origins that need a grant.
    pub(super) grants: &'a [String],
}

/// All but match keys and mapping: enough to talk to the source.
pub(super) fn head(said: &Said<'_>) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let mut lines = vec![
        format!("name = {}", text(said.name)),
        format!("credential = {}", text(said.credential)),
        format!("access-role = {}", text(said.access_role)),
    ];
    if let Some(filter) = said.filter {
        lines.push(format!("filter = {}", text(filter)));
    }
    if said.local {
        lines.push("installation = \"local\"".to_owned());
    }
    if let Some(priority) = said.priority {
        lines.push(format!("priority = {priority}"));
    }
    if !said.deactivate {
        lines.push(
            "# Nobody is deactivated until this is true; `userload plan` shows whom it would be.".to_owned(),
        );
    }
    lines.push(format!("deactivate = {}", said.deactivate));
    if !said.grants.is_empty() {
        let grants: Vec<String> =
            said.grants.iter().map(|it| format!("{{ origin = {}, private = true }}", text(it))).collect();
        lines.push(format!("grants = [{}]", grants.join(", ")));
    }
    format!("{}\n", lines.join("\n"))
}

/// The whole document. `from` tells what the proposals come from.
pub(super) fn whole(said: &Said<'_>, from: &str, smart: &SmartMapping) -> String {
    format!(
        "# Proposed by `userload init` from {from}. Change it as you like, and save it:\n# userload integration \
         save -f FILE. `userload integration save --help` has every key.\n{}{}",
        head(said),
        mapping_views::toml(smart)
    )
}
