//! `userload runs`.

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, LedgerRow, Run, RunLine};
use super::output::{Column, Table, cut, field_changes, number, shown, stored_differences, time};
use super::people_file::Csv;
use super::run as commands;
use super::session::Session;
use super::trouble::Trouble;
use crate::explain::{self, Subject};
use crate::model::Outcome;
use crate::store::{ChangeRow, RunRow, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List runs, newest first
    ///
    /// Example: userload runs list contoso --limit 50
    List {
        /// The integration; all of them when left out
        integration: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show a run's report
    ///
    /// Example: userload runs show 7 --changes --outcome deactivated
    Show {
        /// The run's number; the newest when left out
        run: Option<i64>,
        /// Every cause and sample instead of one screen
        #[arg(long)]
        all: bool,
        /// Every change, person by person
        #[arg(long)]
        changes: bool,
        /// Only the changes with this outcome
        #[arg(long, requires = "changes", value_name = "OUTCOME")]
        outcome: Option<Outcome>,
        /// The changes as CSV
        #[arg(long, requires = "changes", conflicts_with = "json")]
        csv: bool,
        /// Only what became of this person; `userload why PERSON --run RUN` tells the whole story
        #[arg(long, conflicts_with_all = ["changes", "all"])]
        person: Option<String>,
    },
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::List { integration, limit } => list(session, integration.as_deref(), limit),
        Command::Show { run, person: Some(person), .. } => {
            let store = session.store_to_read()?;
            let row = find(&store, run)?;
            of_person(session, &store, row.number, &person)
        }
        Command::Show { run, all, changes, outcome, csv, person: None } => {
            let store = session.store()?;
            let row = find(&store, run)?;
            match (changes, csv) {
                (true, true) => csv_of(session, &store, row.number, outcome)?,
                (true, false) => list_changes(session, &store, row.number, outcome)?,
                (false, _) => show(session, &store, &row, all)?,
            }
            Ok(ExitStatus::Done)
        }
    }
}

pub(super) fn find(store: &Store, number: Option<i64>) -> Result<RunRow> {
    let found = match number {
        Some(number) => store.run(number)?,
        None => store.runs(None, 1)?.pop(),
    };
    Ok(found.ok_or_else(|| match number {
        Some(number) => {
            Trouble::usage(format!("there is no run {number}")).help("`userload runs list` lists them")
        }
        None => Trouble::usage("there was no run yet").help("`userload plan` makes the first one"),
    })?)
}

fn list(session: &Session, integration: Option<&str>, limit: u32) -> Result<ExitStatus> {
    let store = session.store()?;
    let rows = store.runs(integration, limit)?;
    if rows.is_empty() {
        // A name that has neither runs nor an integration is mistyped.
        if let Some(name) = integration {
            session.integration_row(&store, Some(name))?;
        }
    }
    if session.printer.json() {
        let lines: Vec<RunLine<'_>> = rows.iter().map(RunLine::from).collect();
        session.printer.answer(&Answer::new("runs", lines).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if rows.is_empty() {
        session.printer.answer("no runs yet: `userload plan` shows what a first one would do")?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Number("Run"),
        Column::Text("Started"),
        Column::Text("Integration"),
        Column::Text("Kind"),
        Column::Text("State"),
        Column::Number("Rows"),
        Column::Number("Changed"),
        Column::Number("Held"),
        Column::Number("Failed"),
    ]);
    for row in &rows {
        let report = row.report.as_ref();
        let cell =
            |of: &dyn Fn(&crate::sync::RunReport) -> u64| report.map(|it| number(of(it))).unwrap_or_default();
        table.row([
            row.number.to_string(),
            time(row.started_at),
            shown(row.integration.as_deref().unwrap_or("(by hand)")).into_owned(),
            row.kind.clone(),
            row.state.clone(),
            cell(&|it| it.rows_seen + it.absent),
            cell(&|it| it.changes()),
            cell(&|it| it.held.iter().map(|group| group.count).sum()),
            cell(&|it| it.count(Outcome::Failed)),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    Ok(ExitStatus::Done)
}

fn show(session: &Session, store: &Store, row: &RunRow, all: bool) -> Result<()> {
    let Some(report) = &row.report else {
        return Err(Trouble::failed(format!("run {} is {} and has no report", row.number, row.state))
            .help("a run that was interrupted is taken up by the next one")
            .into());
    };
    // The row knows what became of the run since it told its report.
    let mut report = report.clone();
    if row.state == "discarded" {
        report.state = crate::sync::RunState::Discarded;
    }
    let before = store.run_before(row)?;
    if session.printer.json() {
        let answer = Answer::new("run", Run::from(&report));
        session.printer.answer(&answer.and("previous", before.as_ref().map(RunLine::from)).text()?)?;
        return Ok(());
    }
    let launched = match &row.integration {
        Some(name) => store.integration(name)?.is_some_and(|it| it.launched_at.is_some()),
        None => true,
    };
    session.printer.story(&format!("started {}", time(row.started_at)));
    commands::show(session, &report, launched, all)?;
    if let Some(before) = before.filter(|_| row.state != "failed") {
        session.printer.answer(&compared(session, &report, &before))?;
    }
    Ok(())
}

/// The outcomes of two runs side by side.
fn compared(session: &Session, now: &crate::sync::RunReport, before: &RunRow) -> String {
    let Some(then) = &before.report else { return String::new() };
    let title = format!("run {}", before.number);
    let mut table = Table::new(&[
        Column::Text("Outcome"),
        Column::Number("Now"),
        Column::Number("Then"),
        Column::Text(""),
    ]);
    let mut row = |what: &str, now: u64, then: u64| {
        if now + then > 0 {
            let change = match i128::from(now) - i128::from(then) {
                0 => String::new(),
                more => format!("{more:+}"),
            };
            table.row([what.to_owned(), number(now), number(then), change]);
        }
    };
    row("listed", now.rows_seen, then.rows_seen);
    row("absent", now.absent, then.absent);
    for outcome in Outcome::ALL {
        row(outcome.name(), now.count(outcome), then.count(outcome));
    }
    let held = |report: &crate::sync::RunReport| report.held.iter().map(|group| group.count).sum();
    row("changes held", held(now), held(then));
    let paint = session.printer.paint();
    format!(
        "\n{}\n{}",
        paint.bold(&format!("Compared with {title} ({}, {})", before.kind, time(before.started_at))),
        table.render(2, paint)
    )
}

/// What became of one person in a run.
fn of_person(session: &Session, store: &Store, run: i64, who: &str) -> Result<ExitStatus> {
    let (person, accounts) = match explain::subject(store, who, &[])? {
        Subject::Person(person) => (Some(person.id), store.accounts_of_person(person.id)?),
        Subject::Nobody(accounts) => (None, accounts),
        Subject::Several(people) => return Err(super::why::several(who, &people).into()),
        never @ Subject::Never { .. } => return Err(super::why::nobody(who, &never).into()),
    };
    let mut rows = store.rows_about(person, &accounts, &[run], 2_000)?;
    rows.retain(|row| row.run == run);
    if session.printer.json() {
        let rows: Vec<LedgerRow<'_>> = rows.iter().map(LedgerRow::from).collect();
        session.printer.answer(&Answer::new("run", run).and("changes", rows).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if rows.is_empty() {
        session.printer.answer(&format!("run {run} left no word about {}", shown(who)))?;
        session.printer.story(&format!("`userload why {} --run {run}` says why", shown(who)));
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&lines(session, &rows))?;
    Ok(ExitStatus::Done)
}

fn lines(session: &Session, changes: &[ChangeRow]) -> String {
    let mut table = Table::new(&[Column::Text("Outcome"), Column::Text("Name"), Column::Text("What")]);
    for change in changes {
        table.row([
            change.outcome.clone(),
            cut(&name(change), 32).into_owned(),
            cut(&what(change), 110).into_owned(),
        ]);
    }
    table.render(0, session.printer.paint())
}

fn list_changes(session: &Session, store: &Store, run: i64, outcome: Option<Outcome>) -> Result<()> {
    if session.printer.json() {
        let changes = store.changes_of_run(run, outcome, None)?;
        let rows: Vec<LedgerRow<'_>> = changes.iter().map(LedgerRow::from).collect();
        session.printer.answer(&Answer::new("run", run).and("changes", rows).text()?)?;
        return Ok(());
    }
    /// On a screen; `--csv` has all.
    const MOST: u32 = 200;
    let changes = store.changes_of_run(run, outcome, Some(MOST + 1))?;
    if changes.is_empty() {
        session.printer.answer("no changes")?;
        return Ok(());
    }
    session.printer.answer(&lines(session, &changes[..changes.len().min(MOST as usize)]))?;
    if changes.len() > MOST as usize {
        session.printer.story(&format!(
            "these are the first {MOST}; `userload runs show {run} --changes --csv` has all"
        ));
    }
    Ok(())
}

fn name(change: &ChangeRow) -> String {
    shown(change.name.as_deref().or(change.source_id.as_deref()).unwrap_or("(nobody)")).into_owned()
}

/// What a row of the ledger says, on one line.
pub(super) fn what(change: &ChangeRow) -> String {
    let changes = field_changes(&stored_differences(change.differences.as_deref()));
    // By hand, who and why says as much as what.
    let by_source = change.integration.is_some() && change.kind != "undo";
    let plain = by_source && matches!(change.outcome.as_str(), "updated" | "renamed");
    let mut text = match changes.as_str() {
        "" => shown(&change.reason).into_owned(),
        changes if plain => changes.to_owned(),
        changes => format!("{changes} ({})", shown(&change.reason)),
    };
    match change.state.as_str() {
        "held" => text.push_str(" (held)"),
        "moved" => text.push_str(" (left out: changed since the plan)"),
        _ => {}
    }
    text
}

/// The differences of a row in a cell of CSV: one line each, values as JSON.
pub(super) fn changes_cell(differences: Option<&str>) -> String {
    stored_differences(differences)
        .iter()
        .map(|it| {
            format!(
                "{}: {} -> {}",
                it.field,
                it.before.as_deref().unwrap_or("empty"),
                it.after.as_deref().unwrap_or("empty")
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every change of a run as CSV.
pub(super) fn changes_csv(session: &Session, store: &Store, run: i64) -> Result<()> {
    csv_of(session, store, run, None)
}

fn csv_of(session: &Session, store: &Store, run: i64, outcome: Option<Outcome>) -> Result<()> {
    let mut csv = Csv::new(session.printer.data());
    csv.row(["outcome", "state", "name", "source_id", "reason", "changes"])?;
    store.each_change(run, outcome, None, |change| {
        csv.row([
            change.outcome.as_str(),
            &change.state,
            change.name.as_deref().unwrap_or(""),
            change.source_id.as_deref().unwrap_or(""),
            &change.reason,
            &changes_cell(change.differences.as_deref()),
        ])
    })??;
    csv.finish()
}
