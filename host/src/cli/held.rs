//! `userload held`.

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Hold, HoldCause};
use super::output::{Column, Table, age, count, cut, field_changes, number, shown, stored_differences};
use super::people_file::Csv;
use super::session::Session;
use crate::store::HoldRow;

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
}

/// Holds of one cause on one screen.
const MOST: usize = 50;

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    let Command::List { integration, cause, csv } = command;
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
            let holds: Vec<Hold<'_>> = holds.iter().map(Hold::from).collect();
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
        let many = format!("{} held, oldest {}", number(group.count), age(now, group.since));
        text.push_str(&format!("{}  {many}\n  {}\n", printer.paint().bold(&title), shown(&group.reason)));
        let most = if cause.is_some() { MOST } else { 3 };
        let holds =
            store.open_holds(Some(&group.integration), Some(&group.cause), u32::try_from(most).ok())?;
        let mut table = Table::new(&[Column::Text(""), Column::Text(""), Column::Text("")]);
        for hold in &holds {
            let changes = field_changes(&stored_differences(hold.differences.as_deref()));
            table.row([
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
    Ok(ExitStatus::Done)
}

fn write_csv(session: &Session, holds: &[HoldRow]) -> Result<()> {
    let mut csv = Csv::new(session.printer.data());
    csv.row(["integration", "cause", "name", "uid", "source_id", "reason", "changes", "run", "held_since"])?;
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
        ])?;
    }
    csv.finish()
}
