//! `userload integration`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::exit::ExitStatus;
use super::integration_example::EXAMPLE;
use super::integration_save::{save, tell_filter};
use super::output::json_v1::{Answer, moment};
use super::output::{Column, Table, count, number, shown, time};
use super::services;
use super::session::Session;
use crate::store::IntegrationRow;
use crate::sync::FilterCheck;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Save a document; shows what changed. Nothing is saved when anything is wrong with it
    #[command(after_long_help = EXAMPLE)]
    Save {
        /// The document (TOML); `-` reads standard input
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List integrations
    List,
    /// Show an integration's document
    ///
    /// Example: userload integration show contoso > contoso.toml
    Show {
        /// The integration; may be left out when there is only one
        name: Option<String>,
    },
    /// Remove an integration; its people and their history stay
    ///
    /// Example: userload integration remove contoso
    Remove {
        /// The integration
        name: String,
    },
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Save { file } => save(session, &file),
        Command::List => list(session),
        Command::Show { name } => show(session, name.as_deref()),
        Command::Remove { name } => remove(session, &name),
    }
}

/// An integration in a list.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    /// Which of the catalogue's; none when the document cannot be read any more.
    integration_kind: Option<&'a str>,
    state: &'static str,
    credential: &'a str,
    launched_at: Option<String>,
    saved_at: String,
    linked_people: u64,
    last_applied_run: Option<i64>,
}

fn state(row: &IntegrationRow) -> &'static str {
    if row.launched_at.is_some() { "launched" } else { "draft" }
}

fn list(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let rows = store.integrations()?;
    let linked = rows.iter().map(|row| store.linked(&row.name)).collect::<Result<Vec<u64>, _>>()?;
    let loads: Vec<Option<String>> =
        rows.iter().map(|row| session.parse(&store, row).ok().map(|it| it.integration)).collect();
    if session.printer.json() {
        let lines: Vec<Line<'_>> = rows
            .iter()
            .zip(&linked)
            .zip(&loads)
            .map(|((row, linked), loads)| Line {
                name: &row.name,
                integration_kind: loads.as_deref(),
                state: state(row),
                credential: &row.credential,
                launched_at: row.launched_at.map(moment),
                saved_at: moment(row.saved_at),
                linked_people: *linked,
                last_applied_run: row.applied_run,
            })
            .collect();
        session.printer.answer(&Answer::new("integrations", lines).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if rows.is_empty() {
        session.printer.answer("no integrations yet: `userload integration save -f FILE`")?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Name"),
        Column::Text("State"),
        Column::Text("Credential"),
        Column::Number("People"),
        Column::Number("Last run"),
        Column::Text("Saved"),
        Column::Text("Integration"),
    ]);
    for ((row, linked), loads) in rows.iter().zip(&linked).zip(&loads) {
        table.row([
            shown(&row.name).into_owned(),
            state(row).to_owned(),
            shown(&row.credential).into_owned(),
            number(*linked),
            row.applied_run.map(|run| run.to_string()).unwrap_or_default(),
            time(row.saved_at),
            shown(loads.as_deref().unwrap_or_default()).into_owned(),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    Ok(ExitStatus::Done)
}

fn show(session: &Session, name: Option<&str>) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    // A document that cannot be read any more is shown all the same.
    let parsed = session.parse(&store, &row).ok();
    let filter = parsed.as_ref().map(|it| services::filter_check(session, it)).transpose()?.flatten();
    let reaches = parsed.as_ref().and_then(|it| services::reaches(session, &store, &row, it).ok().flatten());
    if session.printer.json() {
        let answer = Answer::new("integration", &row.name)
            .and("integration_kind", parsed.as_ref().map(|it| &it.integration))
            .and("state", state(&row))
            .and("launched_at", row.launched_at.map(moment))
            .and("document", &row.document)
            .and(
                "reaches",
                reaches.as_ref().map(|all| {
                    all.iter()
                        .map(|(origin, by)| serde_json::json!({"origin": origin, "grants": by}))
                        .collect::<Vec<_>>()
                }),
            )
            .and("filter_sent", filter.as_ref().and_then(FilterCheck::sent_instead));
        session.printer.answer(&answer.text()?)?;
        return Ok(ExitStatus::Done);
    }
    // The document as it was saved, so that it can be saved again.
    let mut data = session.printer.data();
    data.write(&row.document)?;
    data.finish()?;
    let since =
        row.launched_at.map_or_else(|| "a draft".to_owned(), |at| format!("launched on {}", time(at)));
    session.printer.story(&format!("# {}: {since}", shown(&row.name)));
    if let Some(parsed) = &parsed {
        session.printer.story(&format!("# {}", shown(&parsed.integration)));
    }
    for (origin, by) in reaches.iter().flatten() {
        session.printer.story(&match by.as_slice() {
            [] => format!("# may not reach {}, which its plugin asks for", shown(origin)),
            by => format!("# may reach {}", by.iter().map(|it| shown(it)).collect::<Vec<_>>().join("; ")),
        });
    }
    if let Some(filter) = &filter {
        tell_filter(session, filter);
    }
    Ok(ExitStatus::Done)
}

fn remove(session: &Session, name: &str) -> Result<ExitStatus> {
    // Not while it runs.
    let _alone = services::alone(session, name)?;
    let mut store = session.store()?;
    session.integration_row(&store, Some(name))?;
    let linked = store.linked(name)?;
    store.remove_integration(name, session.now())?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("removed", name).and("linked_people", linked).text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!("integration {} removed", shown(name)))?;
    if linked > 0 {
        session.printer.story(&format!(
            "{} it loaded stay as they are; saved again under this name, it finds them again",
            count(linked, "person that", "people that")
        ));
    }
    Ok(ExitStatus::Done)
}
