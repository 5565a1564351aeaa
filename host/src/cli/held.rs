//! `userload held`.

mod answer;
mod show;

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, HoldCause};
use super::output::{Column, Table, age, count, cut, field_changes, number, shown, stored_differences};
use super::people_file::Csv;
use super::session::Session;
use crate::store::HoldRow;
use crate::sync::OVERDUE;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what waits for you to decide, by cause
    ///
    /// A hold stays until it is decided, or until the source takes it back. Nothing is applied by itself.
    ///
    /// Example: userload held list --cause deactivate:deleted
    List {
        /// The integration; all of them when left out
        integration: Option<String>,
        /// Only this cause, person by person
        #[arg(long)]
        cause: Option<String>,
        /// Every hold as a row of CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Show holds in full: who, why, what would change, since when, and what to type to decide them
    ///
    /// Example: userload held show --cause ambiguous
    Show(show::Arguments),
    /// Do what was held, as far as the source still says it
    ///
    /// The source is asked again about each of them. Who came back is left out, and nothing else about anybody
    /// is changed.
    ///
    /// Examples:
    ///   userload held approve --cause deactivate:deleted
    ///   userload held approve 12 13
    #[command(verbatim_doc_comment)]
    Approve(answer::Which),
    /// Leave things as they are, until the source says something else
    ///
    /// Example: userload held reject --person ana.perez@contoso.example
    Reject(answer::Which),
    /// Say who an ambiguous record is
    ///
    /// The record becomes that person, or a new one, at once. The decision is remembered.
    ///
    /// Example: userload held decide 7c9e6679 --link ana.perez@contoso.example
    Decide(answer::Decision),
}

/// Holds of one cause on one screen.
const MOST: usize = 50;

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::List { integration, cause, csv } => list(session, integration, cause, csv),
        Command::Show(arguments) => show::run(session, &arguments),
        Command::Approve(which) => answer::approve(session, &which),
        Command::Reject(which) => answer::reject(session, &which),
        Command::Decide(decision) => answer::decide(session, &decision),
    }
}

fn list(
    session: &Session,
    integration: Option<String>,
    cause: Option<String>,
    csv: bool,
) -> Result<ExitStatus> {
    let store = session.store()?;
    if let Some(name) = &integration {
        session.integration_row(&store, Some(name))?;
    }
    let groups = store.hold_groups(integration.as_deref())?;
    let printer = session.printer;
    if let Some(cause) = cause.as_ref().filter(|it| !groups.iter().any(|group| group.cause == **it)) {
        let names: Vec<String> = groups.iter().map(|group| group.cause.clone()).collect();
        return Err(
            super::session::unknown("open hold of the cause", cause, &names, "userload held list").into()
        );
    }
    if csv || printer.json() {
        let holds = store.open_holds(integration.as_deref(), cause.as_deref(), None)?;
        if csv {
            write_csv(session, &holds)?;
        } else {
            let causes: Vec<HoldCause<'_>> = groups.iter().map(HoldCause::from).collect();
            let holds = show::full(&store, &holds)?;
            printer.answer(&Answer::new("causes", causes).and("holds", holds).text()?)?;
        }
        return Ok(ExitStatus::Done);
    }
    if groups.is_empty() {
        printer.answer("nothing is held")?;
        return Ok(ExitStatus::Done);
    }
    let now = session.now();
    let mut text = String::new();
    for group in groups.iter().filter(|group| cause.as_ref().is_none_or(|it| *it == group.cause)) {
        let title = format!("{}  {}", shown(&group.integration), shown(&group.cause));
        let overdue = if now - group.since >= OVERDUE { ": decide it" } else { "" };
        let many = format!("{} held, oldest {}{overdue}", number(group.count), age(now, group.since));
        text.push_str(&format!("{}  {many}\n  {}\n", printer.paint().bold(&title), shown(&group.reason)));
        let most = if cause.is_some() { MOST } else { 3 };
        let holds =
            store.open_holds(Some(&group.integration), Some(&group.cause), u32::try_from(most).ok())?;
        let mut table =
            Table::new(&[Column::Number(""), Column::Text(""), Column::Text(""), Column::Text("")]);
        for hold in &holds {
            let changes = field_changes(&stored_differences(hold.differences.as_deref()));
            table.row([
                hold.id.to_string(),
                cut(&shown(hold.name.as_deref().unwrap_or(&hold.source_id)), 32).into_owned(),
                cut(&changes, 80).into_owned(),
                age(now, hold.opened_at),
            ]);
        }
        text.push_str(&table.render(4, printer.paint()));
        let listed = holds.len() as u64;
        if group.count > listed {
            let more = if cause.is_some() {
                "--csv lists all".to_owned()
            } else {
                format!("--cause {} lists them", shown(&group.cause))
            };
            text.push_str(&format!("    … and {} more: {more}\n", number(group.count - listed)));
        }
        text.push('\n');
    }
    let all: u64 = groups.iter().map(|group| group.count).sum();
    if cause.is_none() {
        text.push_str(&format!(
            "{} by {}\n",
            count(all, "change is held", "changes are held"),
            count(groups.len() as u64, "cause", "causes")
        ));
    }
    printer.answer(text.trim_end())?;
    printer.story("`userload held show NUMBER` shows one in full; `held approve` and `held reject` decide");
    Ok(ExitStatus::Done)
}

fn write_csv(session: &Session, holds: &[HoldRow]) -> Result<()> {
    let mut csv = Csv::new(session.printer.data());
    csv.row([
        "integration",
        "cause",
        "name",
        "uid",
        "source_id",
        "reason",
        "changes",
        "run",
        "held_since",
        "number",
    ])?;
    for hold in holds {
        csv.row([
            &hold.integration,
            &hold.cause,
            hold.name.as_deref().unwrap_or(""),
            hold.uid.as_deref().unwrap_or(""),
            &hold.source_id,
            &hold.reason,
            &super::runs::changes_cell(hold.differences.as_deref()),
            &hold.opened_run.to_string(),
            &super::output::json_v1::moment(hold.opened_at),
            &hold.id.to_string(),
        ])?;
    }
    csv.finish()
}
