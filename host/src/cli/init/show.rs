//! What `userload init` answers: what it proved, proposes and previews, and what is missing before launch.

use anyhow::Result;
use serde::Serialize;

use super::super::check;
use super::super::mapping_views as views;
use super::super::output::json_v1::Answer;
use super::super::output::{Column, Paint, Table, count, number, shown};
use super::super::session::Session;
use super::{Answers, Chosen, Found};
use crate::sync::adoption::Adoption;

/// Fields of the preview that are named; the rest are counted.
const FIELDS: usize = 5;

/// What to type next.
#[derive(Serialize)]
struct Step {
    command: String,
    why: &'static str,
}

/// What has to be typed before runs load anybody, in order.
fn steps(answers: &Answers, found: &Found) -> Vec<Step> {
    let name = &answers.name;
    let mut steps = Vec::new();
    if !found.missing.is_empty() {
        let file = answers.file.display();
        let command = format!("userload integration save -f {file}");
        steps.push(Step { command, why: "once what is missing is in the document" });
    }
    for (command, why) in [
        ("check", "proves all of it once more, the mapping on real users too"),
        ("plan", "reads everybody and shows what a first run would do; changes nobody"),
        ("launch", "lets runs be applied"),
        ("sync", "the first run: what is safe happens, the rest waits in `userload held list`"),
    ] {
        steps.push(Step { command: format!("userload {command} {name}"), why });
    }
    steps
}

/// The document alone.
pub(super) fn dry(session: &Session, answers: &Answers, found: &Found) -> Result<()> {
    if session.printer.json() {
        return Ok(session.printer.answer(&answer(answers, found, false).text()?)?);
    }
    let mut data = session.printer.data();
    data.write(&found.document)?;
    Ok(data.finish()?)
}

/// All that was found out, after it was saved.
pub(super) fn saved(session: &Session, answers: &Answers, found: &Found) -> Result<()> {
    let printer = session.printer;
    if printer.json() {
        return Ok(printer.answer(&answer(answers, found, true).text()?)?);
    }
    let paint = printer.paint();
    let name = shown(&answers.name);
    let mut text =
        format!("{}\n{}", paint.bold(&format!("Draft of {name}")), check::lines(&found.items, paint));
    text.push('\n');
    text.push_str(&views::proposals(&found.sample, &found.smart, paint));
    text.push_str(&format!(
        "\n{}\n{}",
        paint.bold("Who is in the directory already"),
        preview(&found.adoption, paint)
    ));
    let file = answers.file.display().to_string();
    let credential = match &answers.credential {
        Chosen::Known(_) => String::new(),
        Chosen::New(name) => format!(", and the credential {} kept", shown(name)),
    };
    text.push_str(&format!("\nwritten to {}, saved as a draft{credential}\n", shown(&file)));
    text.push_str(&format!("\n{}\n", paint.bold("Before launch")));
    match found.missing.as_slice() {
        [] => {
            text.push_str(&format!("  {} the document has everything that a launch needs\n", paint.good("✓")))
        }
        missing => {
            for sentence in missing {
                text.push_str(&format!("  {} {}\n", paint.bad("✗"), shown(sentence)));
            }
        }
    }
    let mut table = Table::new(&[Column::Number(""), Column::Text(""), Column::Text("")]);
    for (at, step) in steps(answers, found).into_iter().enumerate() {
        table.row([
            format!("{}.", at + 1),
            shown(&printer.commands(&step.command)).into_owned(),
            step.why.to_owned(),
        ]);
    }
    text.push_str(&table.render(2, paint));
    Ok(printer.answer(&text)?)
}

fn answer(answers: &Answers, found: &Found, saved: bool) -> Answer {
    let (credential, new) = match &answers.credential {
        Chosen::Known(name) => (name, false),
        Chosen::New(name) => (name, true),
    };
    Answer::new("integration", &answers.name)
        .and("saved", saved)
        .and("file", saved.then(|| answers.file.display().to_string()))
        .and("document", &found.document)
        .and("credential", credential)
        .and("new_credential", new)
        .and("checks", &found.items)
        .and("population", &found.heads)
        .and("sample", &found.sample)
        .and("mapping", &found.smart.proposals)
        .and("match_keys", &found.smart.keys)
        .and("adoption", &found.adoption)
        .and("missing", &found.missing)
        .and("next", steps(answers, found))
}

/// Who would be recognised, of the sample.
fn preview(adoption: &Adoption, paint: Paint) -> String {
    let mut table = Table::new(&[Column::Number(""), Column::Text(""), Column::Text("")]);
    for (many, what, why) in [
        (adoption.matched, "matched", "one person by the match keys; they are adopted"),
        (adoption.linked, "linked", "loaded by another integration already"),
        (adoption.ambiguous, "ambiguous", "never guessed: they wait for you in `userload held list`"),
        (adoption.new, "new", "nobody has their keys; they are created"),
        (adoption.failed, "failed", "they cannot be loaded like this"),
        (adoption.skipped, "skipped", "a rule passes them over, an erasure for one"),
    ] {
        if many > 0 || ["matched", "ambiguous", "new"].contains(&what) {
            table.row([number(many), what.to_owned(), why.to_owned()]);
        }
    }
    let of = count(adoption.records, "user", "users");
    let mut text = format!("  of the {of} of the sample\n{}", table.render(2, paint));
    for (sign, examples) in [("ambiguous", &adoption.doubts), ("failed", &adoption.failures)] {
        for it in examples {
            text.push_str(&format!("    {sign} {}: {}\n", shown(&it.source_id), shown(&it.reason)));
        }
    }
    if !adoption.overwrites.is_empty() {
        let mut fields: Vec<(&String, &u64)> = adoption.overwrites.iter().collect();
        fields.sort_by_key(|(field, many)| (std::cmp::Reverse(**many), (*field).clone()));
        let told: Vec<String> = fields
            .iter()
            .take(FIELDS)
            .map(|(field, many)| format!("{} {}", shown(field), number(**many)))
            .collect();
        let more = fields.len().saturating_sub(FIELDS);
        let more = if more > 0 { format!(" and {more} more fields") } else { String::new() };
        text.push_str(&format!(
            "  values that are there and differ are held for you, not overwritten: {}{more}\n",
            told.join(", ")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::adoption::Example;

    #[test]
    fn the_preview_says_who_needs_somebody() {
        let adoption = Adoption {
            records: 2_000,
            matched: 1_204,
            ambiguous: 3,
            new: 793,
            overwrites: [("city".to_owned(), 7), ("department".to_owned(), 1_100)].into(),
            doubts: vec![Example {
                source_id: "7c9e".into(),
                reason: "2 records match the same person".into(),
            }],
            ..Adoption::default()
        };
        insta::assert_snapshot!(preview(&adoption, Paint(false)), @r"
          of the 2,000 users of the sample
          1,204  matched    one person by the match keys; they are adopted
              3  ambiguous  never guessed: they wait for you in `userload held list`
            793  new        nobody has their keys; they are created
            ambiguous 7c9e: 2 records match the same person
          values that are there and differ are held for you, not overwritten: department 1,100, city 7
        ");
    }
}
