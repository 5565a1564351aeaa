//! One rule of a mapping, as the document has it.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;
use toml::de::DeValue;

use super::convert;
use super::integration::{NullRule, Origin, Path, PathStep, Rule, Write};
use super::keys::{Keys, Value, wrong_type};
use super::mapping::access_role;
use super::problem::Problems;
use super::source::{Found, SourceField, find, is_any};
use crate::model::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, Target, ValueType};

/// The keys of which a rule has one.
const ORIGINS: &str = "`source`, `constant`, `expression`, `first`, `join` or `location`";

/// A rule with nothing but an origin.
pub(super) fn plain(target: &Arc<Target>, origin: Origin) -> Rule {
    Rule {
        target: Arc::clone(target),
        origin,
        convert: Vec::new(),
        when: None,
        write: Write::Always,
        null: NullRule::Clear,
        required: target.mandatory,
    }
}

/// The text of an expression. What it says is for the plugin to judge; it may have several lines.
pub(super) fn expression(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<String> {
    match value.get_ref().as_str() {
        Some(text) if text.trim().is_empty() => {
            problems.add(value.span(), format!("`{key}` is empty, expected an expression"));
            None
        }
        Some(text) if text.chars().any(|it| it.is_control() && !it.is_whitespace()) => {
            problems.add(value.span(), format!("`{key}` has a control character, expected plain text"));
            None
        }
        Some(text) => Some(text.to_owned()),
        None => {
            wrong_type(value, key, "an expression in quotes", problems);
            None
        }
    }
}

/// Reads the rule of one target.
pub(super) struct RuleReader<'r> {
    pub(super) target: &'r Arc<Target>,
    pub(super) fields: &'r [SourceField],
    pub(super) access_roles: &'r [String],
}

impl RuleReader<'_> {
    pub(super) fn rule(&self, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Rule> {
        let name = &self.target.name;
        match value.get_ref() {
            DeValue::String(text) if text.trim().starts_with("{{") => {
                let origin = self.expression(value, problems)?;
                Some(plain(self.target, origin))
            }
            DeValue::String(source) => {
                let origin = self.source(source, value.span(), false, problems)?;
                Some(plain(self.target, origin))
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
        let origins = ["source", "constant", "expression", "first", "join", "location"];
        let given: Vec<(&str, &Value<'_>)> =
            origins.into_iter().filter_map(|key| Some((key, keys.get(key)?))).collect();
        let separator = keys.get("separator");
        let null =
            keys.choice("null", &[("keep", "keep"), ("clear", "clear"), ("default", "default")], problems);
        let default = keys.get("default");
        let required = keys.flag("required", problems);
        let write = keys.choice(
            "write",
            &[("always", Write::Always), ("on-create", Write::OnCreate), ("if-empty", Write::IfEmpty)],
            problems,
        );
        let steps = keys.get("convert");
        let convert = steps.map(|it| convert::read(it, problems)).unwrap_or_default();
        let when_at = keys.get("when");
        let when = when_at.and_then(|it| expression(it, "when", problems));
        if let (Some(separator), true) = (separator, given.iter().all(|(key, _)| *key != "join")) {
            problems
                .add(separator.span(), "`separator` stands between what `join` joins: there is no `join`");
        }
        let origin = match given[..] {
            [("source", value)] => self.source_value(value, steps.is_some(), problems),
            [("constant", value)] => {
                if null.is_some() || default.is_some() || required.is_some() {
                    problems.add(
                        span.clone(),
                        "a constant is always there: `null`, `default` and `required` say nothing",
                    );
                }
                self.constant_value(value, problems)
            }
            [("expression", value)] => self.expression(value, problems),
            [("first", value)] => self.paths(value, "first", problems).map(Origin::First),
            [(key @ ("join" | "location"), value)] => {
                self.join(key, value, separator, steps.is_some(), problems)
            }
            _ => {
                problems.add_with_help(
                    span.clone(),
                    format!("the mapping of `{}` needs one of {ORIGINS}", self.target.name),
                    "such as `{ source = \"Job Title\", null = \"keep\" }`",
                );
                None
            }
        };
        let null = self.null_rule(null, default, &span, problems);
        let required = self.required(required, &null, &span, problems);
        if let (true, Some(when)) = (self.target.mandatory, when_at) {
            let what = format!("`{}` is mandatory: `when` could leave it out", self.target.name);
            problems.add(when.span(), what);
        }
        let stamp = origin == Some(Origin::SyncTime);
        if stamp && (steps.is_some() || when_at.is_some() || write.is_some()) {
            problems
                .add(span, "the stamp of the run is the host's: `convert`, `when` and `write` say nothing");
        }
        let write = write.unwrap_or_default();
        let target = Arc::clone(self.target);
        origin.map(|origin| Rule { target, origin, convert, when, write, null, required })
    }

    fn required(
        &self,
        said: Option<bool>,
        null: &NullRule,
        span: &Range<usize>,
        problems: &mut Problems<'_>,
    ) -> bool {
        let name = &self.target.name;
        if self.target.mandatory && said == Some(false) {
            problems.add(span.clone(), format!("`{name}` is mandatory: it is always required"));
        }
        let required = self.target.mandatory || said.unwrap_or(false);
        if required && *null == NullRule::Keep {
            let what = format!("`{name}` is required: a null fails the row, so that it cannot be kept");
            problems.add(span.clone(), what);
        }
        required
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

    /// Whether the field takes what is no stamp of the run.
    fn takes(&self, key: &str, span: Range<usize>, problems: &mut Problems<'_>) -> bool {
        if self.target.name != CONNECTOR_SYNC_TIME {
            return true;
        }
        problems.add(span, format!("`{CONNECTOR_SYNC_TIME}` is the stamp of the run, never a {key}"));
        false
    }

    fn expression(&self, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Origin> {
        let text = expression(value, "expression", problems)?;
        self.takes("value of an expression", value.span(), problems).then_some(Origin::Expression(text))
    }

    /// A source by name, or by the list of its steps, which is taken as it stands.
    fn source_value(
        &self,
        value: &Value<'_>,
        converted: bool,
        problems: &mut Problems<'_>,
    ) -> Option<Origin> {
        if let Some(steps) = value.get_ref().as_array() {
            if !self.takes("property of the source", value.span(), problems) {
                return None;
            }
            let steps: Path = steps.iter().filter_map(|step| path_step(step, problems)).collect();
            if !matches!(steps.first(), Some(PathStep::Key(_))) {
                let what = "`source` is a list without a property, expected the steps of a path";
                problems.add(value.span(), what);
                return None;
            }
            return Some(Origin::Source(steps));
        }
        let name = super::keys::text(value, "source", problems)?;
        self.source(&name, value.span(), converted, problems)
    }

    fn join(
        &self,
        key: &str,
        value: &Value<'_>,
        separator: Option<&Value<'_>>,
        converted: bool,
        problems: &mut Problems<'_>,
    ) -> Option<Origin> {
        if self.target.value_type != ValueType::Text && !converted {
            let (name, takes) = (&self.target.name, self.target.value_type.in_words());
            problems.add(value.span(), format!("`{key}` makes a text, but `{name}` takes {takes}"));
        }
        let separator = match separator {
            _ if key == "location" => ", ".to_owned(),
            None => " ".to_owned(),
            Some(value) => match value.get_ref().as_str() {
                // As it stands: white space is what it is for.
                Some(text) if text.len() <= 100 && !text.chars().any(char::is_control) => text.to_owned(),
                _ => {
                    wrong_type(value, "separator", "a short text in quotes", problems);
                    return None;
                }
            },
        };
        Some(Origin::Join(self.paths(value, key, problems)?, separator))
    }

    /// Several sources, each by its name.
    fn paths(&self, value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Vec<Path>> {
        let Some(items) = value.get_ref().as_array().filter(|it| !it.is_empty()) else {
            let expected = "a list of sources such as `[\"givenName\", \"surname\"]`";
            wrong_type(value, key, expected, problems);
            return None;
        };
        if !self.takes("text of several sources", value.span(), problems) {
            return None;
        }
        let mut paths = Vec::new();
        for item in items.iter() {
            let name = super::keys::text(item, key, problems)?;
            match self.source(&name, item.span(), true, problems)? {
                Origin::Source(path) => paths.push(path),
                _ => return None,
            }
        }
        Some(paths)
    }

    fn source(
        &self,
        name: &str,
        span: Range<usize>,
        converted: bool,
        problems: &mut Problems<'_>,
    ) -> Option<Origin> {
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
            // What the other plugin calls the stamp is not known here.
            _ if target.name == CONNECTOR_SYNC_TIME && is_any(self.fields) => Some(Origin::SyncTime),
            _ if target.name == CONNECTOR_SYNC_TIME => {
                problems.add_with_help(
                    span,
                    format!("`{CONNECTOR_SYNC_TIME}` is the stamp of the run, not a field of the source"),
                    format!("write `{CONNECTOR_SYNC_TIME} = \"Connector Sync Time\"`"),
                );
                None
            }
            Found::Known(field) if !converted && !fits(field.value_type, target.value_type) => {
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
            Found::Known(field) => {
                let steps = field.path.split('.').map(|key| PathStep::Key(key.to_owned()));
                Some(Origin::Source(steps.collect()))
            }
            Found::Path(steps) => Some(Origin::Source(steps)),
            Found::Nothing(near) => {
                let what = format!("the source has no field `{name}`");
                match near {
                    Some(near) => problems.add_with_help(span, what, format!("did you mean `\"{near}\"`?")),
                    None => problems.add_with_help(
                        span,
                        what,
                        "`userload plugin inspect` lists them; other properties of Graph are written as a \
                         path such as `\"employeeOrgData.costCenter\"` or `\"businessPhones[0]\"`",
                    ),
                }
                None
            }
        }
    }

    fn constant_value(&self, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Origin> {
        if self.target.name == ACCESS_ROLE {
            let role = access_role(value, self.access_roles, problems)?;
            return Some(Origin::Constant(Json::String(role)));
        }
        self.constant(value, "constant", problems).map(Origin::Constant)
    }

    /// A value of the target's type. Numbers keep the digits that the operator wrote.
    fn constant(&self, value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Json> {
        let target = self.target;
        if !self.takes(key, value.span(), problems) {
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
            let expected = format!("{} for `{}`", target.value_type.in_words(), target.name);
            wrong_type(value, key, &expected, problems);
        }
        found
    }
}

fn path_step(step: &Value<'_>, problems: &mut Problems<'_>) -> Option<PathStep> {
    if step.get_ref().is_integer() {
        let item = super::keys::integer(step, "source", 0..=999, problems)?;
        return u32::try_from(item).ok().map(PathStep::Item);
    }
    super::keys::text(step, "source", problems).map(PathStep::Key)
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
