//! Saves an integration's document, and shows what that changed.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Result;

use super::exit::ExitStatus;
use super::installation;
use super::output::json_v1::Answer;
use super::output::{Paint, count, shown};
use super::services;
use super::session::Session;
use super::trouble::Trouble;
use crate::config::{self, Integration, missing_for_launch};
use crate::store::Saved;
use crate::sync::{FilterCheck, saas_link};

pub(super) fn read(file: &PathBuf) -> Result<(String, String)> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(("(standard input)".to_owned(), text));
    }
    let name = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((name, text)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Trouble::usage(format!("`{name}` is no text (UTF-8)")).into())
        }
        Err(error) => Err(Trouble::usage(format!("cannot read `{name}`: {error}"))
            .help("give the path of a document (TOML), or `-` for standard input; `userload init` writes one")
            .into()),
    }
}

pub(super) fn save(session: &Session, file: &PathBuf) -> Result<ExitStatus> {
    let (name_of_file, text) = read(file)?;
    save_text(session, &name_of_file, &text)
}

/// A document that was saved, and what came of it.
pub(super) struct Kept {
    integration: Integration,
    filter: Option<FilterCheck>,
    saved: Saved,
    /// The SaaS application that is new in the software catalog.
    linked: Option<String>,
    /// What a launch needs more, a sentence each.
    pub(super) missing: Vec<String>,
}

impl Kept {
    /// Whether no integration of that name was there before.
    pub(super) fn is_new(&self) -> bool {
        self.saved.previous.is_none()
    }
}

/// Checks a document and saves it; nothing is made for one that is refused.
pub(super) fn keep_text(session: &Session, name_of_file: &str, text: &str) -> Result<Kept> {
    session.use_plugin_of(text);
    let fields = services::manifest_fields(session)?;
    let targets = session.targets()?;
    let integration = config::parse(name_of_file, text, &fields, &targets)?;
    services::examine(session, &integration, name_of_file, text, &targets)?;
    let filter = services::filter_check(session, &integration)?;
    if let Some(problem) = filter.as_ref().and_then(FilterCheck::problem) {
        let trouble = Trouble::usage(format!("`{name_of_file}`: filter: {}", problem.what));
        return Err(trouble.help(problem.help.unwrap_or_default()).into());
    }
    let failed = services::mapping_tests(session, &integration)?.into_iter().filter(|it| !it.passed());
    let failed: Vec<String> = failed.map(|it| it.to_string()).collect();
    if !failed.is_empty() {
        let what = format!("`{name_of_file}`: the mapping fails its own tests\n{}", failed.join("\n"));
        return Err(Trouble::usage(what)
            .help("put the mapping right, or the test when it is the test that is wrong; nothing was saved")
            .into());
    }
    let mut store = session.store_or_new()?;
    let manifest = &session.site()?.manifest;
    let chosen =
        saas_link::choose(&store, manifest, &integration).map_err(|problem| services::all(vec![problem]))?;
    let saved = store.save_integration(&integration, text, &fields, session.now())?;
    let linked = saas_link::link(&mut store, manifest, &integration.name, &chosen, session.now())?;
    store.set_machine(&integration.name, installation::machine(integration.installation).as_deref())?;
    let missing = missing_for_launch(&integration);
    Ok(Kept { integration, filter, saved, linked, missing })
}

/// Checks a document, saves it and shows what changed.
pub(super) fn save_text(session: &Session, name_of_file: &str, text: &str) -> Result<ExitStatus> {
    let Kept { integration, filter, saved, linked, missing } = keep_text(session, name_of_file, text)?;
    let changed = saved.previous.as_deref() != Some(text);
    let printer = session.printer;
    if printer.json() {
        let answer = Answer::new("integration", &integration.name)
            .and("new", saved.previous.is_none())
            .and("changed", changed)
            .and("launched", saved.launched)
            .and("missing", &missing)
            .and("saas_linked", &linked)
            .and("filter_sent", filter.as_ref().and_then(FilterCheck::sent_instead))
            .and("filter_warnings", filter.as_ref().map(FilterCheck::warnings).unwrap_or_default());
        printer.answer(&answer.text()?)?;
        return Ok(ExitStatus::Done);
    }
    let name = shown(&integration.name).into_owned();
    match &saved.previous {
        None => {
            let fields = count(integration.mapping.len() as u64, "field", "fields");
            printer.answer(&format!("integration {name} saved: new, a draft, {fields} mapped"))?;
        }
        Some(_) if !changed => printer.answer(&format!("integration {name} is as it was"))?,
        Some(previous) => {
            printer.answer(&difference(previous, text, printer.paint()))?;
            printer.answer(&format!("integration {name} saved"))?;
        }
    }
    if let Some(application) = &linked {
        printer.story(&format!("{} is linked to the software catalog now", shown(application)));
    }
    if !saved.missing.is_empty() {
        printer.tell(&format!(
            "{} {name} was launched and is a draft again",
            printer.story_paint().warn("warning:")
        ));
    }
    if let Some(filter) = &filter {
        tell_filter(session, filter);
    }
    for sentence in &missing {
        printer.story(&format!("a launch needs more: {}", shown(sentence)));
    }
    if session.store()?.credential(&integration.credential)?.is_none() {
        let credential = shown(&integration.credential).into_owned();
        printer.tell(&format!(
            "{} there is no credential {credential} yet",
            printer.story_paint().warn("warning:")
        ));
        printer.story(&format!("next: `userload credential add {credential}`"));
    } else if saved.launched {
        if holds_next_deactivations(session, &integration)? {
            printer.story(
                "filter, only-if, mapping or match keys are others than in the last applied run: the next run \
                 holds every deactivation, to be approved by you",
            );
        }
        printer.story(&format!("next: `userload plan {name}` shows what that changes"));
    } else if missing.is_empty() {
        printer.story(&format!(
            "next: `userload check {name}`, `userload plan {name}`, `userload launch {name}`"
        ));
    }
    Ok(ExitStatus::Done)
}

/// Whether the next run is the first of its shape after others, so that the guard holds each deactivation.
fn holds_next_deactivations(session: &Session, integration: &Integration) -> Result<bool> {
    let applied = session.store()?.integration(&integration.name)?.and_then(|row| row.applied_shape);
    Ok(integration.deactivate && applied.is_some_and(|it| it != config::shape_digest(integration)))
}

/// Says what is sent instead of a filter, and what about it may not mean what was meant.
pub(super) fn tell_filter(session: &Session, filter: &FilterCheck) {
    let printer = session.printer;
    if let Some(sent) = filter.sent_instead() {
        printer.story(&format!("the filter is sent as: {}", shown(sent)));
    }
    for warning in filter.warnings() {
        let lines: Vec<_> = warning.lines().map(shown).collect();
        let sign = printer.story_paint().warn("warning:");
        printer.tell(&format!("{sign} the filter may not mean what it should\n{}", lines.join("\n")));
    }
}

/// The lines of a document that went and came. Lines between the first and the last change are aligned by
/// their longest common sequence.
fn difference(before: &str, after: &str, paint: Paint) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // common[i][j]: length of the longest common sequence of old[i..] and new[j..]. Documents are short;
    // those that are not are shown whole.
    if old.len() * new.len() > 4_000_000 {
        return "the document changed".to_owned();
    }
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut text = String::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            text.push_str(&format!("{}\n", paint.bad(&format!("- {}", shown(old[i])))));
            i += 1;
        } else {
            text.push_str(&format!("{}\n", paint.good(&format!("+ {}", shown(new[j])))));
            j += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_what_went_and_came() {
        let before = "name = \"a\"\ncity = \"x\"\nstate = \"y\"\n";
        let after = "name = \"a\"\nstreet = \"z\"\nstate = \"y\"\nzip = 1\n";
        insta::assert_snapshot!(difference(before, after, Paint(false)), @r#"
        - city = "x"
        + street = "z"
        + zip = 1
        "#);
        assert_eq!(difference("a\nb", "a\nb", Paint(false)), "");
    }
}
