//! The mapping of a document: how each field is filled.

use std::ops::Range;

use serde_json::Value as Json;

use super::integration::{Origin, Rule};
use super::keys::{Keys, Value, one_of};
use super::near::nearest;
use super::problem::Problems;
use super::rule::{RuleReader, expression, plain};
use super::source::SourceField;
use crate::model::{ACCESS_ROLE, Filled, Targets, fold_key};

/// `[mapping]` and `access-role`, in the order of the document.
pub(super) fn read(
    keys: &mut Keys<'_, '_>,
    fields: &[SourceField],
    targets: &Targets,
    access_roles: &[String],
    problems: &mut Problems<'_>,
) -> Vec<Rule> {
    // By place, so that the rules keep the order in which the operator wrote them.
    let mut rules: Vec<(usize, Rule)> = Vec::new();
    let short = keys.get("access-role");
    if let Some(value) = short
        && let Some(role) = access_role(value, access_roles, problems)
        && let Some(target) = targets.named(ACCESS_ROLE)
    {
        rules.push((value.span().start, plain(target, Origin::Constant(Json::String(role)))));
    }
    if let Some(table) = keys.table("mapping", "[mapping]", problems) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(target) = targets.find(name) else {
                unknown_target(name, targets, key.span(), problems);
                continue;
            };
            if target.filled == Filled::ByPass {
                problems.add_with_help(
                    key.span(),
                    format!(
                        "`{}` is filled by a pass of its own, and never by a rule of the mapping",
                        target.name
                    ),
                    format!("write `{} = true` above `[mapping]`", target.name),
                );
                continue;
            }
            if target.name == ACCESS_ROLE && short.is_some() {
                problems.add_with_help(
                    key.span(),
                    "the access role is filled twice: here and by `access-role`",
                    "leave one of the two out",
                );
                continue;
            }
            if let Some((_, twice)) =
                rules.iter().find(|(_, it): &&(usize, Rule)| it.target.name == target.name)
            {
                let what =
                    format!("`{}` is filled by two rules: a label names the same field", twice.target.name);
                problems.add(key.span(), what);
                continue;
            }
            let reader = RuleReader { target, fields, access_roles };
            if let Some(rule) = reader.rule(value, problems) {
                rules.push((key.span().start, rule));
            }
        }
    }
    rules.sort_by_key(|(place, _)| *place);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn unknown_target(name: &str, targets: &Targets, span: Range<usize>, problems: &mut Problems<'_>) {
    let near = nearest(name, targets.names()).or_else(|| {
        let label = nearest(name, targets.labels())?;
        targets.find(label).map(|it| it.name.as_str())
    });
    let what = format!("people have no field `{name}`");
    if let Some(help) = other_words(name) {
        return problems.add_with_help(span, what, help);
    }
    match near {
        Some(near) => problems.add_with_help(span, what, format!("did you mean `{near}`?")),
        None => {
            let names: Vec<&str> = targets.names().collect();
            let help =
                format!("fields: {}; `userload fields add {name}` adds one of your own", names.join(", "));
            problems.add_with_help(span, what, help);
        }
    }
}

/// What other products call a field, which here is two fields, another one, or none.
fn other_words(name: &str) -> Option<&'static str> {
    match fold_key(name)?.as_ref() {
        "status" | "active" | "enabled" => Some(
            "whether somebody is active follows from the source, and no rule fills it: see the keys `deactivate`, \
             `reactivate` and `on`; `source_enabled` keeps what the source says",
        ),
        "phone" | "phone_number" | "telephone" => Some("did you mean `business_phone` or `mobile_phone`?"),
        "role" => Some("did you mean `access_role`?"),
        _ => None,
    }
}

/// A role that the document itself gives: one of the declared ones, as it is written there.
pub(super) fn access_role(
    value: &Value<'_>,
    declared: &[String],
    problems: &mut Problems<'_>,
) -> Option<String> {
    let written = super::keys::text(value, "access-role", problems)?;
    let found = declared.iter().find(|it| fold_key(it) == fold_key(&written)).cloned();
    if found.is_none() {
        let names: Vec<&str> = declared.iter().map(String::as_str).collect();
        let what = format!("the access role `{written}` is not declared, expected {}", one_of(&names));
        let help = match nearest(&written, names) {
            Some(near) => format!("did you mean `\"{near}\"`?"),
            None => "add it to `access-roles`, the list of roles that people may get".to_owned(),
        };
        problems.add_with_help(value.span(), what, help);
    }
    found
}

/// A condition over the whole record, such as `only-if`.
pub(super) fn condition(
    keys: &mut Keys<'_, '_>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Option<String> {
    expression(keys.get(key)?, key, problems)
}
