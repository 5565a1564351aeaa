//! What a report says of the passes beside the users: managers and SaaS users.

use crate::sync::{Managers, RunReport, SaasPass};

use super::report::View;
use super::text::{count, number, shown};

/// One section, when there was a pass.
pub(super) fn passes(report: &RunReport, view: View) -> Option<String> {
    let mut text = String::new();
    if let Some(told) = &report.managers {
        text.push_str(&managers(told));
    }
    if let Some(told) = &report.saas {
        text.push_str(&saas(told, view));
    }
    (!text.is_empty()).then_some(text)
}

fn managers(told: &Managers) -> String {
    let parts =
        [("held", told.held), ("unknown", told.unresolved), ("not for this run to write", told.barred)];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, many)| *many > 0)
        .map(|(what, many)| format!(", {} {what}", number(*many)))
        .collect();
    let end = if told.complete { "" } else { " (not read to the end)" };
    format!(
        "managers of {} read{end}: {} changed{}\n",
        count(told.read, "person", "people"),
        number(told.changed),
        parts.concat()
    )
}

fn saas(told: &SaasPass, view: View) -> String {
    let signs = [
        ("+", told.created, "new"),
        ("-", told.deactivated, "deactivated"),
        ("^", told.reactivated, "reactivated"),
        ("×", told.removed, "removed"),
        ("~", told.updated, "with another role"),
        ("‖", told.held, "held"),
    ];
    let parts: Vec<String> = signs
        .iter()
        .filter(|(_, many, _)| *many > 0)
        .map(|(sign, many, what)| format!("{sign}{} {what}", number(*many)))
        .collect();
    let parts = if parts.is_empty() { "nothing changed".to_owned() } else { parts.join("  ") };
    let unmatched = match told.unmatched {
        Some(many) if many > 0 => format!("; {} without a person", number(many)),
        _ => String::new(),
    };
    let name = if told.application.is_empty() { "no application".into() } else { shown(&told.application) };
    let mut text = format!("SaaS users of {name}: {parts}{unmatched}\n");
    if !told.complete {
        let why = told.reason.as_deref().map(|it| format!(": {}", shown(it))).unwrap_or_default();
        let line = format!("  their listing is incomplete{why}; no SaaS user is judged by it");
        text.push_str(&format!("{}\n", view.paint.warn(&line)));
    }
    text
}
