//! The text of a mapping, checked and made ready.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::expression::Compiled;
use super::faults::{fault, of_expression};
use super::near::nearest;
pub(super) use super::rules::{Mapping, Origin, Reading, Rule, WhenNull};
use super::steps;
use super::value::{self, Kind};
use super::walk::{Node, PathStep, shown};
use crate::bindings::exports::userload::directory::transform::MappingFault;
use crate::json::{in_words, write_text};

/// Slots of the two properties that our own rules need.
pub(super) const ID: usize = 0;
pub(super) const ENABLED: usize = 1;

/// A path longer than this is a mistake (Graph's longest has three keys).
const PATH_KEYS: usize = 16;

/// Items of a list further behind are a mistake.
const MOST_ITEM: u32 = 999;

/// Sources of one `first` or `join`.
const MOST_SOURCES: usize = 16;

/// Bytes of a mapping: it crosses the boundary with every record.
const MOST_TEXT: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MappingText {
    version: u32,
    fields: Vec<RuleText>,
    only_if: Option<String>,
}

type Path = Vec<PathStep>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    target: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    required: bool,
    source: Option<Path>,
    constant: Option<Box<RawValue>>,
    expression: Option<String>,
    first: Option<Vec<Path>>,
    join: Option<JoinText>,
    #[serde(default)]
    convert: Vec<Box<RawValue>>,
    when: Option<String>,
    #[serde(default)]
    null: NullText,
    default: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinText {
    sources: Vec<Path>,
    separator: String,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum NullText {
    Keep,
    #[default]
    Clear,
    Default,
}

/// Checks a mapping and makes it ready.
pub(super) fn compile(text: &str, enabled: &'static str) -> Result<Mapping, Vec<MappingFault>> {
    let whole = |problem: String| vec![fault(None, "", problem)];
    if text.len() > MOST_TEXT {
        return Err(whole(format!("the mapping has {} bytes, more than {MOST_TEXT}", text.len())));
    }
    let text: MappingText = serde_json::from_str(text).map_err(|e| whole(e.to_string()))?;
    if text.version != 1 {
        return Err(whole(format!("expected version 1, found {}", text.version)));
    }
    let mut root = Node::default();
    root.at(&key("id")).slot = Some(ID);
    root.at(&key(enabled)).slot = Some(ENABLED);
    let rules = Vec::with_capacity(text.fields.len());
    let mut mapping = Mapping { enabled, root, slots: 2, rules, only_if: None };
    let mut faults = Vec::new();
    let mut targets = HashSet::new();
    for rule in text.fields {
        let target = rule.target.clone();
        if target.is_empty() {
            faults.push(fault(None, "", "a rule has an empty target".to_owned()));
            continue;
        }
        if !targets.insert(target.clone()) {
            faults.push(fault(Some(&target), "", "is the target of two rules".to_owned()));
            continue;
        }
        let mut reader = Reader { target: &target, mapping: &mut mapping, faults: &mut faults };
        if let Some(rule) = reader.rule(rule) {
            mapping.rules.push(rule);
        }
    }
    if let Some(text) = &text.only_if {
        match Compiled::new(text) {
            Ok(compiled) => watch(compiled, text, &mut mapping, &targets, &mut faults),
            Err(refused) => faults.extend(refused.into_iter().map(|it| of_expression(None, "only-if", it))),
        }
    }
    if faults.is_empty() { Ok(mapping) } else { Err(faults) }
}

/// The condition over what was mapped: every name in it is a field that the mapping fills.
fn watch(
    compiled: Compiled,
    text: &str,
    mapping: &mut Mapping,
    targets: &HashSet<String>,
    faults: &mut Vec<MappingFault>,
) {
    for (number, name) in compiled.roots().iter().enumerate() {
        if let Some(rule) = mapping.rules.iter_mut().find(|rule| rule.target == **name) {
            rule.watched = Some(number);
        } else if !targets.contains(&**name) {
            let near = nearest(name, targets.iter().map(String::as_str));
            faults.push(MappingFault {
                offset: Some(Compiled::place_of(text, name)),
                help: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a condition sees the fields that the mapping fills, by their names".to_owned(),
                }),
                ..fault(None, "only-if", format!("the mapping fills no field `{name}`"))
            });
        }
    }
    mapping.only_if = Some(compiled);
}

fn key(name: &str) -> Path {
    vec![PathStep::Key(name.to_owned())]
}

/// Reads one rule.
struct Reader<'r> {
    target: &'r str,
    mapping: &'r mut Mapping,
    faults: &'r mut Vec<MappingFault>,
}

impl Reader<'_> {
    fn wrong(&mut self, part: &str, problem: impl Into<String>) {
        self.faults.push(fault(Some(self.target), part, problem.into()));
    }

    fn rule(&mut self, rule: RuleText) -> Option<Rule> {
        let before = self.faults.len();
        let mut key = String::new();
        write_text(&mut key, &rule.target);
        key.push(':');
        let steps = match steps::read(&rule.convert) {
            Ok(steps) => steps,
            Err(refused) => {
                for (number, (problem, help)) in refused {
                    let step = Some(number);
                    self.faults.push(MappingFault {
                        step,
                        help,
                        ..fault(Some(self.target), "convert", problem)
                    });
                }
                Vec::new()
            }
        };
        if rule.constant.is_some() && !steps.is_empty() {
            self.wrong("convert", "a constant is what it is: there is nothing to convert");
        }
        let when = rule.when.as_ref().and_then(|text| self.reading("when", text));
        let null = self.null(rule.null, rule.default.as_deref(), rule.kind, rule.required);
        let origin = self.origin(&rule);
        let (Some((origin, path)), Some(null), true) = (origin, null, self.faults.len() == before) else {
            return None;
        };
        Some(Rule {
            target: rule.target,
            key,
            kind: rule.kind,
            required: rule.required,
            origin,
            path,
            steps,
            when,
            null,
            watched: None,
        })
    }

    fn origin(&mut self, rule: &RuleText) -> Option<(Origin, String)> {
        match (&rule.source, &rule.constant, &rule.expression, &rule.first, &rule.join) {
            (Some(path), None, None, None, None) => {
                Some((Origin::Source(self.slot("source", path)?), shown(path)))
            }
            (None, Some(value), None, None, None) => {
                let text = self.own_value(rule.kind, value, "constant")?;
                if rule.required && text.trim_matches('"').trim().is_empty() {
                    self.wrong("constant", "a required field has an empty constant");
                }
                Some((Origin::Constant(text), String::new()))
            }
            (None, None, Some(text), None, None) => {
                let reading = self.reading("expression", text)?;
                let path = reading.expression.shown();
                Some((Origin::Expression(reading), path))
            }
            (None, None, None, Some(paths), None) => {
                Some((Origin::First(self.slots("first", paths)?), all_shown(paths)))
            }
            (None, None, None, None, Some(join)) => {
                if join.separator.len() > 100 {
                    self.wrong("join", "the separator has more than 100 bytes");
                }
                let slots = self.slots("join", &join.sources)?;
                Some((Origin::Join(slots, join.separator.clone()), all_shown(&join.sources)))
            }
            _ => {
                let words = "expected exactly one of `source`, `constant`, `expression`, `first` and `join`";
                self.wrong("", words);
                None
            }
        }
    }

    fn slots(&mut self, part: &str, paths: &[Path]) -> Option<Vec<usize>> {
        if paths.is_empty() || paths.len() > MOST_SOURCES {
            self.wrong(part, format!("expected 1 to {MOST_SOURCES} sources, found {}", paths.len()));
            return None;
        }
        paths.iter().map(|path| self.slot(part, path)).collect()
    }

    fn slot(&mut self, part: &str, path: &[PathStep]) -> Option<usize> {
        let sound = |step: &PathStep| match step {
            PathStep::Key(key) => !key.is_empty(),
            PathStep::Item(item) => *item <= MOST_ITEM,
        };
        let rooted = matches!(path.first(), Some(PathStep::Key(_)));
        if !rooted || path.len() > PATH_KEYS || !path.iter().all(sound) {
            let expected = format!(
                "expected a source of 1 to {PATH_KEYS} keys, none of them empty, the first a property; items of \
                 lists from 0 to {MOST_ITEM}"
            );
            self.wrong(part, expected);
            return None;
        }
        Some(self.mapping.slot(path))
    }

    fn reading(&mut self, part: &str, text: &str) -> Option<Reading> {
        match Compiled::new(text) {
            Ok(expression) => {
                let slots = expression.roots().iter().map(|name| self.mapping.slot(&key(name))).collect();
                Some(Reading { expression, slots })
            }
            Err(refused) => {
                let target = self.target;
                self.faults.extend(refused.into_iter().map(|it| of_expression(Some(target), part, it)));
                None
            }
        }
    }

    fn null(
        &mut self,
        null: NullText,
        default: Option<&RawValue>,
        kind: Kind,
        required: bool,
    ) -> Option<WhenNull> {
        match (null, default) {
            (NullText::Default, Some(value)) => {
                let text = self.own_value(kind, value, "default")?;
                if required && text.trim_matches('"').trim().is_empty() {
                    self.wrong("default", "a required field has an empty default");
                }
                Some(WhenNull::Default(text))
            }
            (NullText::Default, None) => {
                self.wrong("null", "`null` is `default`, but there is none");
                None
            }
            (_, Some(_)) => {
                self.wrong("default", "there is a `default`, but `null` is not `default`");
                None
            }
            (NullText::Keep, None) => Some(WhenNull::Keep),
            (NullText::Clear, None) => Some(WhenNull::Clear),
        }
    }

    /// A value that the mapping itself holds has to fit the field's type, too.
    fn own_value(&mut self, kind: Kind, value: &RawValue, what: &str) -> Option<String> {
        let mut out = String::new();
        match value::write(kind, value.get(), &mut out) {
            Ok(_) => Some(out),
            Err(_) => {
                let (expected, found) = (kind.in_words(), in_words(value.get()));
                self.wrong(what, format!("expected {expected} as its {what}, found {found}"));
                None
            }
        }
    }
}

fn all_shown(paths: &[Path]) -> String {
    paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ")
}

impl Mapping {
    /// The slot of a path, made where there is none.
    fn slot(&mut self, path: &[PathStep]) -> usize {
        let next = self.slots;
        let slot = *self.root.at(path).slot.get_or_insert(next);
        self.slots += usize::from(slot == next);
        slot
    }

    /// The properties of the source that it reads.
    pub(super) fn properties(&self) -> Vec<String> {
        let mut names: Vec<String> = self.root.keys().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
