//! An integration as a TOML document, read into an [`Integration`].

use std::ops::Range;

use toml::de::DeTable;

use super::access::{DEFAULT_ACCESS_ROLES, is_administrator_role};
use super::integration::{Action, DisabledNew, Installation, Integration, Mode, Reactivate};
use super::keys::{Keys, one_of};
use super::near::nearest;
use super::problem::{ConfigReport, Problems};
use super::source::SourceField;
use super::{mapping, mapping_tests, plugin, saas, sandbox, sections};
use crate::model::{Targets, fold_key};

/// The integration without a filter, by the seed's name.
const USER_LOAD: &str = "Microsoft Entra ID User Load";
/// The integration with one.
const USER_LOAD_WITH_FILTERING: &str = "Microsoft Entra ID User Load with Filtering";

/// Most users that Graph gives on a page.
const PAGE_SIZE_MOST: i64 = 999;

/// The two words that an action may be.
pub(super) const ACTIONS: [(&str, Action); 2] = [("deactivate", Action::Deactivate), ("keep", Action::Keep)];

/// Reads a document. `manifest_fields` are the fields that the plugin knows, by path or label; `targets` the
/// fields that people of the tenant have.
///
/// A document that lacks a mandatory mapping is a draft and reads well: [`super::missing_for_launch`] says
/// what a launch needs beside.
///
/// # Errors
/// Every problem of the document, with its line and column.
pub fn parse(
    name_of_file: &str,
    text: &str,
    manifest_fields: &[SourceField],
    targets: &Targets,
) -> Result<Integration, ConfigReport> {
    let mut problems = Problems::new(text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        problems.add(error.span().unwrap_or(0..0), error.message());
    }
    // What a broken text seems to say is not worth judging.
    if syntax.is_empty() {
        let read = read(table.get_ref(), manifest_fields, targets, &mut problems);
        return match problems.into_report(name_of_file) {
            Some(report) => Err(report),
            None => Ok(read),
        };
    }
    Err(problems
        .into_report(name_of_file)
        .unwrap_or(ConfigReport { file: name_of_file.to_owned(), problems: Vec::new() }))
}

fn read(
    table: &DeTable<'_>,
    fields: &[SourceField],
    targets: &Targets,
    problems: &mut Problems<'_>,
) -> Integration {
    let mut keys = Keys::new(table);
    let name = name(&mut keys, "name", "contoso", problems);
    let credential = name_of_credential(&mut keys, problems);
    let filter = filter(&mut keys, problems);
    let plugin = plugin::read(&mut keys, problems);
    let integration = variant(&mut keys, filter.is_some(), plugin.is_some(), problems);
    let installation = keys.choice(
        "installation",
        &[("cloud", Installation::Cloud), ("local", Installation::Local)],
        problems,
    );
    let mode = keys.choice(
        "mode",
        &[
            ("create-and-update", Mode::CreateAndUpdate),
            ("create-only", Mode::CreateOnly),
            ("update-only", Mode::UpdateOnly),
        ],
        problems,
    );
    let deactivate = keys.flag("deactivate", problems).unwrap_or(false);
    if deactivate && mode == Some(Mode::CreateOnly) {
        problems.add_with_help(
            span_of(table, "deactivate"),
            "`deactivate` is on, but the mode `create-only` changes nobody who is there",
            "set `deactivate = false`, or another `mode`",
        );
    }
    let reactivate = keys.choice(
        "reactivate",
        &[("own", Reactivate::Own), ("always", Reactivate::Always), ("never", Reactivate::Never)],
        problems,
    );
    let disabled_new = keys.choice(
        "disabled-new",
        &[("create-inactive", DisabledNew::CreateInactive), ("skip", DisabledNew::Skip)],
        problems,
    );
    let sections::On { on_disabled, on_deleted, on_not_found, on_left_filter } =
        sections::on(&mut keys, problems);
    let grace = sections::grace(&mut keys, problems);
    let guard = sections::guard(&mut keys, problems);
    let sandbox = sandbox::sandbox(&mut keys, problems);
    let priority = keys.integer("priority", -1_000_000..=1_000_000, problems);
    let page_size = keys.integer("page-size", 1..=PAGE_SIZE_MOST, problems).unwrap_or(PAGE_SIZE_MOST);
    let match_keys = match_keys(&mut keys, targets, problems);
    let (access_roles, administrator_roles_from_source) = access_roles(&mut keys, problems);
    let only_if = mapping::condition(&mut keys, "only-if", problems);
    let mapping = mapping::read(&mut keys, fields, targets, &access_roles, problems);
    let saas = saas::saas(&mut keys, problems);
    let manager = keys.flag("manager", problems).unwrap_or(false);
    let delta = sections::delta(&mut keys, problems);
    let mapping_tests = mapping_tests::read(&mut keys, problems);
    keys.finish("", problems);
    Integration {
        name,
        integration,
        plugin,
        credential,
        installation: installation.unwrap_or(Installation::Cloud),
        mode: mode.unwrap_or(Mode::CreateAndUpdate),
        filter,
        deactivate,
        reactivate: reactivate.unwrap_or(Reactivate::Own),
        disabled_new: disabled_new.unwrap_or(DisabledNew::CreateInactive),
        on_disabled,
        on_deleted,
        on_not_found,
        on_left_filter,
        grace,
        priority: priority.and_then(|it| i32::try_from(it).ok()),
        match_keys,
        mapping,
        only_if,
        access_roles,
        administrator_roles_from_source,
        guard,
        sandbox,
        page_size: u32::try_from(page_size).unwrap_or(999),
        saas,
        manager,
        delta,
        mapping_tests,
    }
}

/// Where a key stands, or the start of the document.
fn span_of(table: &DeTable<'_>, key: &str) -> Range<usize> {
    table.get(key).map_or(0..0, toml::Spanned::span)
}

/// Whether a text can be a name: it is typed at a shell and shown in tables, so letters, digits, `.`, `_`
/// and `-`, at most 64.
#[must_use]
pub fn is_sound_name(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.chars().count() <= 64
        && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '.' | '_' | '-'))
}

fn name(keys: &mut Keys<'_, '_>, key: &'static str, example: &str, problems: &mut Problems<'_>) -> String {
    if keys.get(key).is_none() {
        problems.add_with_help(0..0, format!("`{key}` is missing"), format!("add `{key} = \"{example}\"`"));
        return String::new();
    }
    let Some((name, span)) = keys.text(key, problems) else {
        return String::new();
    };
    if !is_sound_name(&name) {
        problems
            .add(span, format!("`{key}` is `{name}`, expected at most 64 letters, digits, `.`, `_` and `-`"));
    }
    name
}

fn name_of_credential(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> String {
    name(keys, "credential", "entra", problems)
}

/// The seed's name of what is loaded. Left out, it follows from the filter.
fn variant(keys: &mut Keys<'_, '_>, filtered: bool, foreign: bool, problems: &mut Problems<'_>) -> String {
    if foreign {
        // The names of another plugin's integrations are its own.
        return keys.text("integration", problems).map_or_else(|| "User Load".to_owned(), |(name, _)| name);
    }
    let follows = if filtered { USER_LOAD_WITH_FILTERING } else { USER_LOAD };
    let Some((name, span)) = keys.text("integration", problems) else {
        return follows.to_owned();
    };
    // Whoever types the name of a page writes it as they please.
    let folded = fold_key(&name);
    let name = match [USER_LOAD, USER_LOAD_WITH_FILTERING].into_iter().find(|it| fold_key(it) == folded) {
        Some(known) => known.to_owned(),
        None => match folded.as_deref() {
            Some("user load") => USER_LOAD.to_owned(),
            Some("user load with filtering") => USER_LOAD_WITH_FILTERING.to_owned(),
            _ => name,
        },
    };
    match name.as_str() {
        USER_LOAD if filtered => problems.add_with_help(
            span,
            format!("`filter` is set, but `{USER_LOAD}` takes none"),
            format!("set `integration = \"{USER_LOAD_WITH_FILTERING}\"`, or leave the line out"),
        ),
        USER_LOAD => {}
        USER_LOAD_WITH_FILTERING => {
            if keys.get("filter").is_none() {
                problems.add_with_help(
                    span,
                    format!("`{USER_LOAD_WITH_FILTERING}` needs a `filter`"),
                    "add `filter = \"employeeType in ('Admin', 'Staff')\"`, or `filter = \"Default\"` for \
                     everybody",
                );
            }
        }
        _ => {
            let names = [USER_LOAD, USER_LOAD_WITH_FILTERING];
            let what = format!("`integration` is `{name}`, expected {}", one_of(&names));
            match nearest(&name, names) {
                Some(near) => problems.add_with_help(span, what, format!("did you mean `\"{near}\"`?")),
                None => problems.add(span, what),
            }
        }
    }
    name
}

/// The source's filter; whether the source would take it is the plugin's to say. `Default` is none.
fn filter(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Option<String> {
    let (text, _) = keys.text("filter", problems)?;
    if text.eq_ignore_ascii_case("default") {
        return None;
    }
    Some(text)
}

fn match_keys(keys: &mut Keys<'_, '_>, targets: &Targets, problems: &mut Problems<'_>) -> Vec<String> {
    let Some(list) = keys.texts("match-keys", problems) else {
        return vec!["username".to_owned(), "email".to_owned()];
    };
    let known: Vec<&str> = targets.keys().map(|it| it.name.as_str()).collect();
    let mut found: Vec<String> = Vec::new();
    for (name, span) in list {
        match targets.find(&name) {
            Some(target) if found.contains(&target.name) => {
                problems.add(span, format!("`{name}` stands twice in `match-keys`"));
            }
            Some(target) if target.key => found.push(target.name.clone()),
            other => {
                let what = format!("people cannot be matched by `{name}`, expected {}", one_of(&known));
                match nearest(&name, known.iter().copied()) {
                    Some(near) => problems.add_with_help(span, what, format!("did you mean `{near}`?")),
                    None if other.is_some_and(|it| it.custom) => {
                        let help = "a field that people are found by is added as one: `userload fields add NAME --key`";
                        problems.add_with_help(span, what, help);
                    }
                    None => problems.add(span, what),
                }
            }
        }
    }
    found
}

/// The declared access roles, and those administrator roles that may come from the source.
fn access_roles(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> (Vec<String>, Vec<String>) {
    let mut declared: Vec<String> = Vec::new();
    match keys.texts("access-roles", problems) {
        None => declared.extend(DEFAULT_ACCESS_ROLES.map(str::to_owned)),
        Some(list) => {
            for (role, span) in list {
                if declared.iter().any(|it| fold_key(it) == fold_key(&role)) {
                    problems.add(span, format!("`{role}` stands twice in `access-roles`"));
                } else {
                    declared.push(role);
                }
            }
        }
    }
    let mut allowed = Vec::new();
    for (role, span) in keys.texts("administrator-roles-from-source", problems).unwrap_or_default() {
        if !declared.iter().any(|it| fold_key(it) == fold_key(&role)) {
            problems.add(span, format!("`{role}` is not in `access-roles` ({})", declared.join(", ")));
        } else if !is_administrator_role(&role) {
            problems.add_with_help(
                span,
                format!("`{role}` is no administrator role: it needs no permission of its own"),
                "leave it out",
            );
        } else {
            allowed.push(role);
        }
    }
    (declared, allowed)
}
