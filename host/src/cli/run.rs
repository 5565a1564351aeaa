//! `check`, `launch`, `plan`, `apply` and `sync`.

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Run};
use super::output::{Bars, View, render, shown};
use super::session::Session;
use super::trouble::Trouble;
use super::{check as checks, proof, runs, services, sync_all};
use crate::config::missing_for_launch;
use crate::model::Outcome;
use crate::sync::{RunKind, RunReport, RunState, Wanted};

/// Which integration.
#[derive(clap::Args, Debug)]
pub(super) struct Which {
    /// The integration; may be left out when there is only one
    #[arg(value_name = "INTEGRATION")]
    integration: Option<String>,
}

/// Which way the source is read.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct WayArguments {
    /// List everybody, though changes could be read
    #[arg(long, conflicts_with = "delta")]
    full: bool,
    /// Read only what has changed, or refuse
    #[arg(long)]
    delta: bool,
}

impl WayArguments {
    fn wanted(self) -> Wanted {
        match self {
            Self { full: true, .. } => Wanted::Listing,
            Self { delta: true, .. } => Wanted::Changes,
            _ => Wanted::Usual,
        }
    }
}

/// Arguments of `plan`.
#[derive(clap::Args, Debug)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    way: WayArguments,
    /// Every change as a row of CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Every cause and sample instead of one screen
    #[arg(long)]
    all: bool,
}

/// Arguments of `sync`.
#[derive(clap::Args, Debug)]
pub(super) struct SyncArguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    way: WayArguments,
    /// Every launched integration of every tenant; with --tenant, of that one
    #[arg(long, conflicts_with_all = ["integration", "full", "delta"])]
    all: bool,
    /// So many tenants at the same time [default: four for each processor, at most 16]
    #[arg(long, requires = "all", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// Arguments of `apply`.
#[derive(clap::Args, Debug)]
pub(super) struct ApplyArguments {
    /// The number of the plan, as `userload plan` said
    run: i64,
    /// Refuse the whole plan when anybody has changed since
    #[arg(long)]
    strict: bool,
}

pub(super) fn check(session: &Session, which: &Which) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, which.integration.as_deref())?;
    drop(store);
    let bars = Bars::new(session.printer);
    let items = proof::check(session, &row.name, &bars)?;
    bars.done();
    checks::show(session, &format!("Check of {}", shown(&row.name)), &items)
}

pub(super) fn launch(session: &Session, which: &Which) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let row = session.integration_row(&store, which.integration.as_deref())?;
    let integration = session.parse(&store, &row)?;
    let missing = missing_for_launch(&integration);
    if !missing.is_empty() {
        return Err(Trouble::usage(format!("`{}` stays a draft:\n  {}", row.name, missing.join("\n  ")))
            .help("add what is missing to the document and save it: `userload integration save -f FILE`")
            .into());
    }
    session.credential_row(&store, &row.credential)?;
    let first = store.launch_integration(&row.name, session.now())?;
    let name = shown(&row.name).into_owned();
    if session.printer.json() {
        session.printer.answer(&Answer::new("launched", &row.name).and("was_draft", first).text()?)?;
    } else if first {
        session.printer.answer(&format!("{name} is launched"))?;
        session.printer.story(&format!(
            "next: `userload plan {name}` shows what a run would do, `userload sync {name}` does it"
        ));
    } else {
        session.printer.answer(&format!("{name} was launched already"))?;
    }
    Ok(ExitStatus::Done)
}

pub(super) fn plan(session: &Session, arguments: &PlanArguments) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, arguments.which.integration.as_deref())?;
    let launched = row.launched_at.is_some();
    let bars = Bars::new(session.printer);
    let report = services::run_plan(session, &row.name, arguments.way.wanted(), &bars)?;
    bars.done();
    if arguments.csv && report.state != RunState::Failed {
        runs::changes_csv(session, &store, report.run)?;
        return Ok(status_of(&report));
    }
    show(session, &report, launched, arguments.all)
}

pub(super) fn apply(session: &Session, arguments: &ApplyArguments) -> Result<ExitStatus> {
    let store = session.store()?;
    if store.run(arguments.run)?.is_none() {
        return Err(Trouble::usage(format!("there is no run {}", arguments.run))
            .help("`userload runs list` lists them; `userload plan` makes a new plan")
            .into());
    }
    drop(store);
    let bars = Bars::new(session.printer);
    let report = services::run_apply(session, arguments.run, arguments.strict, &bars)?;
    bars.done();
    show(session, &report, true, false)
}

pub(super) fn sync(session: &Session, arguments: &SyncArguments) -> Result<ExitStatus> {
    if arguments.all {
        return sync_all::run(session, arguments.jobs);
    }
    let which = &arguments.which;
    let store = session.store()?;
    let row = session.integration_row(&store, which.integration.as_deref())?;
    drop(store);
    if row.launched_at.is_none() {
        let name = &row.name;
        return Err(Trouble::usage(format!(
            "`{name}` is a draft: it can be checked and planned, not applied"
        ))
        .help(format!("`userload plan {name}` shows what it would do, `userload launch {name}` launches it"))
        .into());
    }
    let bars = Bars::new(session.printer);
    let report = services::run_sync(session, &row.name, arguments.way.wanted(), &bars)?;
    bars.done();
    show(session, &report, true, false)
}

/// Shows a run's report.
pub(super) fn show(session: &Session, report: &RunReport, launched: bool, all: bool) -> Result<ExitStatus> {
    if session.printer.json() {
        session.printer.answer(&Answer::new("run", Run::from(report)).text()?)?;
    } else {
        let view = View { paint: session.printer.paint(), now: session.now(), all, launched };
        session.printer.answer(&render(report, view))?;
    }
    Ok(status_of(report))
}

/// Whether an undo had to leave something as it was.
fn not_undone(report: &RunReport) -> bool {
    report.kind == RunKind::Undo && report.causes.iter().any(|group| group.outcome == Outcome::Kept)
}

/// The exit status that a report comes to.
pub(super) fn status_of(report: &RunReport) -> ExitStatus {
    let judged = !report.kind.lists() || report.completeness.complete;
    if report.state == RunState::Failed {
        ExitStatus::Failed
    } else if report.newly_held > 0 || !judged {
        ExitStatus::Attention
    } else if report.count(Outcome::Failed) > 0 || not_undone(report) {
        ExitStatus::FailedRows
    } else {
        ExitStatus::Done
    }
}
