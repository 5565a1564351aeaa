//! How mappings, proposals and their effects look.

use anyhow::Result;

use super::mapping::label;
use super::output::json_v1::Answer;
use super::output::{Column, Paint, Table, count, cut, number, shown};
use super::session::Session;
use crate::config::Integration;
use crate::config::edit::WrittenRule;
use crate::model::Targets;
use crate::store::IntegrationRow;
use crate::sync::Feeder;
use crate::sync::mapping_smart::SmartMapping;
use crate::sync::mapping_test::TestResult;
use crate::sync::sample::Sample;

/// The widest cell that comes from outside.
const WIDTH: usize = 60;

/// Proposals, match keys, and the mapping ready to be pasted.
pub(super) fn smart(session: &Session, sample: &Sample, smart: &SmartMapping) -> Result<()> {
    let printer = session.printer;
    if printer.json() {
        let answer = Answer::new("mapping", &smart.proposals)
            .and("match_keys", &smart.keys)
            .and("sample", sample)
            .and("toml", toml(smart));
        return Ok(printer.answer(&answer.text()?)?);
    }
    let paint = printer.paint();
    let mut text = proposals(sample, smart, paint);
    text.push_str(&format!("\n{}\n{}", paint.bold("Ready to paste"), toml(smart)));
    Ok(printer.answer(&text)?)
}

/// Proposals and match keys, with the facts.
pub(super) fn proposals(sample: &Sample, smart: &SmartMapping, paint: Paint) -> String {
    let whole = if sample.whole { "everybody" } else { "the first of them" };
    let total = sample.total.map(|it| format!(" of {}", number(it))).unwrap_or_default();
    let mut text = format!(
        "{}\n\n",
        paint.bold(&format!("Proposed from {}{total} ({whole})", count(sample.users, "user", "users")))
    );
    let mut table = Table::new(&[
        Column::Text("Field"),
        Column::Text("Source"),
        Column::Text("Sure"),
        Column::Number("Filled"),
        Column::Number("Different"),
        Column::Text("Why"),
    ]);
    for it in &smart.proposals {
        table.row([
            it.target.clone(),
            shown(&it.label).into_owned(),
            it.confidence.name().to_owned(),
            it.fill_rate.map(|rate| format!("{rate:.0}%")).unwrap_or_default(),
            it.distinct.map(number).unwrap_or_default(),
            cut(&shown(&it.reason), WIDTH + 20).into_owned(),
        ]);
    }
    text.push_str(&table.render(0, paint));
    if !smart.keys.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("By which people are recognised")));
        for key in &smart.keys {
            let sign = if key.taken { paint.good("✓") } else { paint.warn("i") };
            text.push_str(&format!("  {sign} {}: {}\n", key.target, shown(&key.advice)));
        }
    }
    text
}

/// The proposals as lines of a document. Those that nobody fills are comments.
pub(super) fn toml(smart: &SmartMapping) -> String {
    let keys: Vec<String> = smart.match_keys().iter().map(|it| format!("\"{it}\"")).collect();
    let mut text = String::new();
    if !keys.is_empty() {
        text.push_str(&format!("match-keys = [{}]\n\n", keys.join(", ")));
    }
    text.push_str("[mapping]\n");
    for it in &smart.proposals {
        let off = if it.taken { "" } else { "# " };
        text.push_str(&format!("{off}{} = \"{}\"\n", it.target, it.label));
    }
    text
}

/// The mapping as a table.
pub(super) fn rules(
    session: &Session,
    row: &IntegrationRow,
    integration: &Integration,
    rules: &[WrittenRule],
    others: &[Feeder],
    targets: &Targets,
) -> Result<()> {
    let owner = |target: &str| {
        let feeds = |it: &&Feeder| it.fields.iter().any(|field| *field == target);
        let rival = others.iter().filter(feeds).max_by_key(|it| it.priority)?;
        let own = integration.priority >= rival.priority;
        Some(if own { format!("{} (before {})", row.name, rival.name) } else { rival.name.clone() })
    };
    let required =
        |target: &str| integration.mapping.iter().any(|it| it.target.name == target && it.required);
    let printer = session.printer;
    if printer.json() {
        let list: Vec<serde_json::Value> = rules
            .iter()
            .map(|it| {
                serde_json::json!({
                    "target": it.target, "label": label(targets, &it.target), "source": it.source,
                    "options": it.options.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
                    "required": required(&it.target), "owner": owner(&it.target),
                })
            })
            .collect();
        let answer = Answer::new("mapping", list).and("integration", &row.name);
        return Ok(printer.answer(&answer.text()?)?);
    }
    let mut table = Table::new(&[
        Column::Text("Field"),
        Column::Text("Label"),
        Column::Text("Source"),
        Column::Text("Options"),
        Column::Text("Owner"),
    ]);
    for rule in rules {
        let said = rule.options.iter().filter(|(key, _)| key != "required");
        let mut options: Vec<String> = said.map(|(key, value)| format!("{key} {value}")).collect();
        if required(&rule.target) {
            options.push("required".to_owned());
        }
        table.row([
            shown(&rule.target).into_owned(),
            shown(&label(targets, &rule.target)).into_owned(),
            cut(&shown(&rule.source), WIDTH).into_owned(),
            cut(&shown(&options.join(", ")), WIDTH).into_owned(),
            owner(&rule.target).map(|it| shown(&it).into_owned()).unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        let name = shown(&row.name).into_owned();
        return Ok(printer.answer(&format!("nothing is mapped yet: `userload mapping smart {name}`"))?);
    }
    printer.answer(&table.render(0, printer.paint()))?;
    let keys = integration.match_keys.join(", ");
    printer.story(&format!("people are recognised by their link, then by {keys}"));
    Ok(())
}

/// Which tests passed, and what is not as expected in the others.
pub(super) fn tests(session: &Session, results: &[TestResult]) -> Result<()> {
    let printer = session.printer;
    let failed = results.iter().filter(|it| !it.passed()).count();
    if printer.json() {
        let answer = Answer::new("ok", failed == 0).and("tests", results);
        return Ok(printer.answer(&answer.text()?)?);
    }
    let paint = printer.paint();
    let mut text = String::new();
    for result in results {
        let sign = if result.passed() { paint.good("✓") } else { paint.bad("✗") };
        let said = result.to_string();
        let mut lines = said.lines().map(shown);
        text.push_str(&format!("  {sign} {}\n", lines.next().unwrap_or_default().trim()));
        lines.for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    let all = count(results.len() as u64, "mapping test", "mapping tests");
    text.push_str(&match failed {
        0 => paint.good(&format!("{all} passed")),
        failed => paint.bad(&format!("{failed} of {all} failed")),
    });
    Ok(printer.answer(&text)?)
}
