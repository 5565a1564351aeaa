//! How the effect of a changed document looks: what is dangerous first, what is not known as such.

use anyhow::Result;

use super::output::json_v1::Answer;
use super::output::{Column, Paint, Table, count, cut, number, shown};
use super::session::Session;
use crate::sync::mapping_diff::{Blast, Crowd};

/// The widest cell that comes from outside.
const WIDTH: usize = 60;

/// What a changed document would do. `from` is the command that asks the source, where that has not been done.
pub(super) fn blast(session: &Session, name: &str, blast: &Blast, from: &str) -> Result<()> {
    let printer = session.printer;
    if printer.json() {
        return Ok(printer.answer(&Answer::new("mapping_diff", blast).and("integration", name).text()?)?);
    }
    let paint = printer.paint();
    let mut text = headline(blast, paint);
    let fields = fields(blast, paint);
    if !fields.is_empty() {
        text.push_str(&format!("\n{fields}"));
    }
    for sentence in notes(blast) {
        text.push_str(&format!("\n{} {sentence}", paint.warn("note:")));
    }
    printer.answer(&format!("{}\n", text.trim_end()))?;
    if !blast.unknown.is_empty() || blast.not_listed.is_none() {
        let more = if blast.from_source { "a run tells the rest" } else { "asks the source" };
        printer.story(&format!("next: `{from}` {more}"));
    }
    printer.story("nothing was changed; `userload integration save -f FILE` saves the document");
    Ok(())
}

/// How many people each thing would happen to.
fn headline(blast: &Blast, paint: Paint) -> String {
    let records = match blast.from_source {
        true => count(blast.records, "record of the source", "records of the source"),
        false => count(blast.records, "stored record", "stored records"),
    };
    let people = |many| count(many, "person", "people");
    let mut lines = match blast.people {
        Some(many) => vec![paint.bold(&format!("{} would change, of {records}", people(many)))],
        None => {
            let unread = count(blast.unknown.len() as u64, "field needs", "fields need");
            let mut lines = vec![paint.bold(&format!("unknown: {unread} to be read from the source"))];
            for (field, properties) in &blast.unknown {
                let reads = properties.join(", ");
                lines.push(format!("  {}: stored records do not have {}", shown(field), shown(&reads)));
            }
            lines.push(match blast.people_at_least {
                0 => format!("no other field would change, of {records}"),
                many => paint.bold(&format!("{} would change in other fields, of {records}", people(many))),
            });
            lines
        }
    };
    let mut crowd = |crowd: &Option<Crowd>, what: &str, unknown: Option<&str>| match crowd {
        Some(Crowd { people: 0, .. }) => {}
        Some(it) => {
            let mut samples: Vec<_> =
                it.samples.iter().map(|it| cut(&shown(it), WIDTH).into_owned()).collect();
            if it.people > samples.len() as u64 {
                samples.push("…".to_owned());
            }
            lines.push(
                paint.bad(&format!("{} {what}", people(it.people))) + &format!(": {}", samples.join(", ")),
            );
        }
        None => lines.extend(unknown.map(|it| paint.bad(it))),
    };
    crowd(
        &blast.filtered_out,
        "would be filtered out by only-if, and not updated any more",
        Some("unknown: how many only-if would filter out or let in"),
    );
    crowd(&blast.let_in, "would be let in by only-if", None);
    let unlisted = "unknown: whom the changed filter would list, which takes a whole listing";
    crowd(&blast.not_listed, "would not be listed by the filter any more", Some(unlisted));
    if blast.failed > 0 {
        let by: Vec<String> = blast
            .failed_fields
            .iter()
            .map(|(field, many)| format!("{} {}", shown(field), number(*many)))
            .collect();
        let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
        let already = match blast.failed_before {
            0 => String::new(),
            many => format!(" ({} of them cannot be today)", number(many)),
        };
        let failed = number(blast.failed);
        lines.push(paint.bad(&format!("{failed} of {records} could not be mapped{already}")) + &by);
        for it in &blast.failures {
            let field = it.field.as_ref().map(|it| format!("{}: ", shown(it))).unwrap_or_default();
            lines.push(format!("  {}: {field}{}", cut(&shown(&it.name), WIDTH), shown(&it.reason)));
        }
    }
    format!("{}\n", lines.join("\n"))
}

/// What becomes of each field, and the first few examples.
fn fields(blast: &Blast, paint: Paint) -> String {
    let mut text = String::new();
    let mut table = Table::new(&[
        Column::Text("Field"),
        Column::Number("Change"),
        Column::Number("Clear"),
        Column::Number("Fill"),
        Column::Text("Not applied"),
    ]);
    for (field, effect) in &blast.fields {
        let reasons = effect.not_applied.iter().map(|(why, many)| format!("{} {why}", number(*many)));
        table.row([
            shown(field).into_owned(),
            number(effect.change),
            number(effect.clear),
            number(effect.fill),
            cut(&shown(&reasons.collect::<Vec<_>>().join(", ")), WIDTH).into_owned(),
        ]);
    }
    if !table.is_empty() {
        text.push_str(&table.render(2, paint));
    }
    let value = |it: &Option<String>| it.clone().unwrap_or_else(|| "nothing".to_owned());
    let mut samples = Table::new(&[Column::Text(""), Column::Text(""), Column::Text("")]);
    for (field, effect) in &blast.fields {
        for it in &effect.samples {
            let change = format!("{} → {}", value(&it.before), value(&it.after));
            samples.row([
                shown(field).into_owned(),
                cut(&shown(&it.name), 32).into_owned(),
                cut(&shown(&change), WIDTH).into_owned(),
            ]);
        }
    }
    if !samples.is_empty() {
        text.push_str(&format!("\n{}", samples.render(2, paint)));
    }
    text
}

fn notes(blast: &Blast) -> Vec<String> {
    let mut notes = Vec::new();
    if blast.holds_deactivations {
        let why = if blast.changed.is_empty() {
            "no run of this shape was applied yet".to_owned()
        } else {
            format!("{} changed", blast.changed.join(", "))
        };
        notes.push(format!("the next run holds every deactivation, to be approved by you: {why}"));
    }
    if blast.unlinked > 0 {
        notes.push(format!(
            "{} nobody is linked to: a run would create them, or ask who they are",
            count(blast.unlinked, "record of the source that", "records of the source that")
        ));
    }
    if !blast.dropped.is_empty() {
        notes.push(format!("no longer mapped, their values stay: {}", blast.dropped.join(", ")));
    }
    notes
}
