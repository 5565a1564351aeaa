//! The mapping of a document: how each field is filled.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;
use toml::de::DeValue;

use super::integration::{NullRule, Origin, Rule};
use super::keys::{Keys, Value, one_of, wrong_type};
use super::near::nearest;
use super::problem::Problems;
use super::source::{Found, SourceField, find};
use crate::model::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, Filled, Target, Targets, ValueType, fold_key};

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
        rules.push((value.span().start, rule(target, Origin::Constant(Json::String(role)))));
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
            if let Some((_, twice)) =
                rules.iter().find(|(_, it): &&(usize, Rule)| it.target.name == target.name)
                && target.name != ACCESS_ROLE
            {
                let what =
                    format!("`{}` is filled by two rules: a label names the same field", twice.target.name);
                problems.add(key.span(), what);
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
            let reader = RuleReader { target, fields, access_roles };
            if let Some(rule) = reader.rule(value, problems) {
                rules.push((key.span().start, rule));
            }
        }
    }
    rules.sort_by_key(|(place, _)| *place);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn rule(target: &Arc<Target>, origin: Origin) -> Rule {
    Rule { target: Arc::clone(target), origin, null: NullRule::Clear, required: target.mandatory }
}

fn unknown_target(name: &str, targets: &Targets, span: Range<usize>, problems: &mut Problems<'_>) {
    let near = nearest(name, targets.names()).or_else(|| {
        let label = nearest(name, targets.labels())?;
        targets.find(label).map(|it| it.name.as_str())
    });
    let what = format!("people have no field `{name}`");
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

/// A role that the document itself gives: one of the declared ones, as it is written there.
fn access_role(value: &Value<'_>, declared: &[String], problems: &mut Problems<'_>) -> Option<String> {
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

/// Reads the rule of one target.
struct RuleReader<'r> {
    target: &'r Arc<Target>,
    fields: &'r [SourceField],
    access_roles: &'r [String],
}

impl RuleReader<'_> {
    fn rule(&self, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Rule> {
        let name = &self.target.name;
        match value.get_ref() {
            DeValue::String(source) => {
                self.source(source, value.span(), problems).map(|origin| rule(self.target, origin))
            }
            DeValue::Table(table) => {
                let mut keys = Keys::new(table);
                let rule = self.detailed(&mut keys, value.span(), problems);
                keys.finish(&format!(" in the mapping of `{name}`"), problems);
                rule
            }
            _ => {
                let expected = "the source's field in quotes, or a table such as `{ constant = … }`";
                wrong_type(value, name, expected, problems);
                None
            }
        }
    }

    fn detailed(
        &self,
        keys: &mut Keys<'_, '_>,
        span: Range<usize>,
        problems: &mut Problems<'_>,
    ) -> Option<Rule> {
        let (source, constant) = (keys.get("source"), keys.get("constant"));
        let null =
            keys.choice("null", &[("keep", "keep"), ("clear", "clear"), ("default", "default")], problems);
        let default = keys.get("default");
        let required = keys.flag("required", problems);
        let origin = match (source, constant) {
            (Some(source), None) => self.source_value(source, problems),
            (None, Some(constant)) => {
                if null.is_some() || default.is_some() || required.is_some() {
                    problems.add(
                        span.clone(),
                        "a constant is always there: `null`, `default` and `required` say nothing",
                    );
                }
                if self.target.name == ACCESS_ROLE {
                    access_role(constant, self.access_roles, problems)
                        .map(|it| Origin::Constant(Json::String(it)))
                } else {
                    self.constant(constant, "constant", problems).map(Origin::Constant)
                }
            }
            _ => {
                problems.add_with_help(
                    span.clone(),
                    format!("the mapping of `{}` needs either `source` or `constant`", self.target.name),
                    "such as `{ source = \"Job Title\", null = \"keep\" }`",
                );
                None
            }
        };
        let null = self.null_rule(null, default, &span, problems);
        if self.target.mandatory && required == Some(false) {
            problems.add(span.clone(), format!("`{}` is mandatory: it is always required", self.target.name));
        }
        let required = self.target.mandatory || required.unwrap_or(false);
        if required && null == NullRule::Keep {
            problems.add(
                span,
                format!(
                    "`{}` is required: a null fails the row, so that it cannot be kept",
                    self.target.name
                ),
            );
        }
        origin.map(|origin| Rule { target: Arc::clone(self.target), origin, null, required })
    }

    fn null_rule(
        &self,
        word: Option<&str>,
        default: Option<&Value<'_>>,
        span: &Range<usize>,
        problems: &mut Problems<'_>,
    ) -> NullRule {
        match (word, default) {
            (None | Some("default"), Some(value)) => {
                self.constant(value, "default", problems).map_or(NullRule::Clear, NullRule::Default)
            }
            (Some("default"), None) => {
                problems.add(span.clone(), "`null` is `default`, but there is no `default = …`");
                NullRule::Clear
            }
            (Some(word), Some(value)) => {
                problems.add(value.span(), format!("`default` is never used: `null` is `{word}`"));
                NullRule::Clear
            }
            (Some("keep"), None) => NullRule::Keep,
            _ => NullRule::Clear,
        }
    }

    /// A source by name, or by the list of its steps, which is taken as it stands.
    fn source_value(&self, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Origin> {
        if value.get_ref().is_array() {
            let steps = value.get_ref().as_array()?;
            let steps: Vec<String> =
                steps.iter().filter_map(|step| super::keys::text(step, "source", problems)).collect();
            if steps.is_empty() {
                problems.add(value.span(), "`source` is an empty list, expected the steps of a path");
                return None;
            }
            return Some(Origin::Source(steps));
        }
        let name = super::keys::text(value, "source", problems)?;
        self.source(&name, value.span(), problems)
    }

    fn source(&self, name: &str, span: Range<usize>, problems: &mut Problems<'_>) -> Option<Origin> {
        let target = self.target;
        match find(self.fields, name.trim()) {
            Found::Known(field) if field.synthetic => {
                if target.name == CONNECTOR_SYNC_TIME {
                    return Some(Origin::SyncTime);
                }
                problems.add_with_help(
                    span,
                    format!("`{}` is a stamp of the run and cannot fill `{}`", field.label, target.name),
                    format!("map it as `{CONNECTOR_SYNC_TIME} = \"{}\"`", field.label),
                );
                None
            }
            _ if target.name == CONNECTOR_SYNC_TIME => {
                problems.add_with_help(
                    span,
                    format!("`{CONNECTOR_SYNC_TIME}` is the stamp of the run, not a field of the source"),
                    format!("write `{CONNECTOR_SYNC_TIME} = \"Connector Sync Time\"`"),
                );
                None
            }
            Found::Known(field) if !fits(field.value_type, target.value_type) => {
                problems.add(
                    span,
                    format!(
                        "`{}` holds {}, but `{}` takes {}",
                        field.path,
                        field.value_type.in_words(),
                        target.name,
                        target.value_type.in_words()
                    ),
                );
                None
            }
            Found::Known(field) => Some(Origin::Source(field.path.split('.').map(str::to_owned).collect())),
            Found::Path(steps) => Some(Origin::Source(steps)),
            Found::Nothing(near) => {
                let what = format!("the source has no field `{name}`");
                match near {
                    Some(near) => problems.add_with_help(span, what, format!("did you mean `\"{near}\"`?")),
                    None => problems.add_with_help(
                        span,
                        what,
                        "`userload plugin inspect` lists them; other properties of Graph are written as a \
                         path such as `\"employeeOrgData.costCenter\"`",
                    ),
                }
                None
            }
        }
    }

    /// A value of the target's type. Numbers keep the digits that the operator wrote.
    fn constant(&self, value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Json> {
        let target = self.target;
        if target.name == CONNECTOR_SYNC_TIME {
            problems
                .add(value.span(), format!("`{CONNECTOR_SYNC_TIME}` is the stamp of the run, never a {key}"));
            return None;
        }
        let found = match (target.value_type, value.get_ref()) {
            (ValueType::Text, DeValue::String(_)) => {
                super::keys::text(value, key, problems).map(Json::String)
            }
            (ValueType::Flag, DeValue::Boolean(flag)) => Some(Json::Bool(*flag)),
            (ValueType::Number, DeValue::Integer(digits)) => serde_json::from_str(digits.as_str()).ok(),
            (ValueType::Number, DeValue::Float(digits)) => serde_json::from_str(digits.as_str()).ok(),
            (ValueType::Time, DeValue::Datetime(time)) => moment(&time.to_string()),
            (ValueType::Time, DeValue::String(time)) => moment(time),
            (ValueType::Text, DeValue::Integer(digits)) => {
                in_quotes(value, key, &digits.to_string(), target, problems);
                return None;
            }
            (ValueType::Text, DeValue::Float(digits)) => {
                in_quotes(value, key, digits.as_str(), target, problems);
                return None;
            }
            _ => None,
        };
        let is_text = target.value_type == ValueType::Text && value.get_ref().is_str();
        if found.is_none() && !is_text {
            wrong_type(
                value,
                key,
                &format!("{} for `{}`", target.value_type.in_words(), target.name),
                problems,
            );
        }
        found
    }
}

fn in_quotes(value: &Value<'_>, key: &str, digits: &str, target: &Target, problems: &mut Problems<'_>) {
    problems.add_with_help(
        value.span(),
        format!("`{key}` is a number, but `{}` takes text", target.name),
        format!("write `{key} = \"{digits}\"`"),
    );
}

/// The text of a moment, if it is one: RFC 3339, with its offset.
fn moment(text: &str) -> Option<Json> {
    let text = text.trim();
    text.parse::<jiff::Timestamp>().ok().map(|_| Json::String(text.replacen(' ', "T", 1)))
}

/// Whether values of one type can stand in a field of another: a time is a text as well.
fn fits(source: ValueType, target: ValueType) -> bool {
    source == target || (source == ValueType::Time && target == ValueType::Text)
}
