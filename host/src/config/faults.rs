//! Faults that the plugin finds in a mapping, brought back to the place in the document where they stand.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::keys::Value;
use super::problem::{ConfigReport, Problems};
use crate::model::Targets;

/// One thing that the plugin finds wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingFault {
    /// The rule's field; none for `only-if`, and for the mapping as a whole.
    pub target: Option<String>,
    /// The key of the rule, or `only-if`; empty when all of it is at fault.
    pub part: String,
    /// Of `convert`: the step, from 0.
    pub step: Option<u32>,
    /// Of an expression: the byte of its text.
    pub offset: Option<u32>,
    /// What is wrong.
    pub problem: String,
    /// What to write instead, when there is something to say.
    pub help: Option<String>,
}

/// The faults as problems of the document, each with its line and column.
#[must_use]
pub fn locate(
    name_of_file: &str,
    document: &str,
    targets: &Targets,
    faults: &[MappingFault],
) -> ConfigReport {
    let (table, _) = DeTable::parse_recoverable(document);
    let table = table.get_ref();
    let mut problems = Problems::new(document);
    for fault in faults {
        let span = place(document, table, targets, fault);
        let part = match fault.part.as_str() {
            "" | "convert" => String::new(),
            part => format!("`{part}`: "),
        };
        let what = match &fault.target {
            Some(target) => format!("{target}: {part}{}", fault.problem),
            None => format!("{part}{}", fault.problem),
        };
        match &fault.help {
            Some(help) => problems.add_with_help(span, what, help.as_str()),
            None => problems.add(span, what),
        }
    }
    problems
        .into_report(name_of_file)
        .unwrap_or(ConfigReport { file: name_of_file.to_owned(), problems: Vec::new() })
}

fn place(document: &str, table: &DeTable<'_>, targets: &Targets, fault: &MappingFault) -> Range<usize> {
    let Some(target) = &fault.target else {
        return table.get(fault.part.as_str()).map_or(0..0, |value| inside(document, value, fault.offset));
    };
    let mapping = table.get("mapping").and_then(|it| it.get_ref().as_table());
    let rule = mapping.and_then(|mapping| {
        mapping
            .iter()
            .find(|(key, _)| targets.find(key.get_ref()).is_some_and(|it| it.name == *target))
            .map(|(_, value)| value)
    });
    let Some(rule) = rule else { return 0..0 };
    let part = match rule.get_ref() {
        DeValue::Table(rule) => rule.get(fault.part.as_str()),
        // A text alone is the source, or an expression in braces.
        _ => Some(rule),
    };
    let Some(part) = part else { return rule.span() };
    match (fault.step, part.get_ref().as_array()) {
        (Some(step), Some(steps)) => steps.get(step as usize).map_or(part.span(), toml::Spanned::span),
        _ => inside(document, part, fault.offset),
    }
}

/// The place of a byte of a text in the document: where the text stands there as it is, without escapes.
fn inside(document: &str, value: &Value<'_>, offset: Option<u32>) -> Range<usize> {
    let span = value.span();
    let (Some(offset), Some(text)) = (offset, value.get_ref().as_str()) else { return span };
    let written = document.get(span.clone()).unwrap_or_default();
    match written.find(text) {
        Some(start) if !text.is_empty() => {
            let at = span.start + start + (offset as usize).min(text.len());
            at..span.end.max(at)
        }
        _ => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(target: Option<&str>, part: &str, step: Option<u32>, offset: Option<u32>) -> MappingFault {
        MappingFault {
            target: target.map(str::to_owned),
            part: part.to_owned(),
            step,
            offset,
            problem: "wrong".into(),
            help: None,
        }
    }

    #[test]
    fn faults_are_shown_where_they_stand() {
        let document = "only-if = 'a == b'\n[mapping]\nemail = \"{{ mail|lowr }}\"\n\
                        \"Job Title\" = { expression = '''\nx ~\n  y''', convert = [\"trim\", \"é\", 3] }\n\
                        city = { expression = \"a\\tb\" }\n";
        let faults = [
            fault(None, "only-if", None, Some(5)),
            fault(Some("email"), "expression", None, Some(8)),
            fault(Some("job_title"), "expression", None, Some(6)),
            fault(Some("job_title"), "convert", Some(1), None),
            fault(Some("job_title"), "when", None, Some(1)),
            fault(Some("city"), "expression", None, Some(2)),
            fault(None, "", None, None),
        ];
        let report = locate("x.toml", document, &Targets::built_in(), &faults);
        let places: Vec<_> = report.problems.iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(1, 1), (1, 17), (3, 18), (4, 15), (6, 3), (6, 28), (7, 23)]);
    }
}
