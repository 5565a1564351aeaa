//! `userload sync --all`: every launched integration of every tenant, in one process.
//!
//! Each run has a session of its own: plugin, engine and pool, network and connections, store, budgets. What goes wrong
//! in one, a panic included, is a row of the table. Tenants run side by side; what a plugin computes is bounded for each
//! call, and the system's scheduler shares the processors among the runs. Integrations of one tenant share people, so
//! they follow each other: side by side they would leave out what the other has just changed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Run};
use super::output::{Column, Printer, Table, number, shown};
use super::session::Session;
use super::trouble::{self, Trouble};
use super::{run as commands, services};
use crate::model::{Clock, Outcome};
use crate::store::Store;
use crate::sync::{Progress, RunReport, Wanted};

/// The most tenants at a time when nobody says: each run takes some ten MiB, and most of them wait.
const MOST_JOBS: usize = 16;

/// The launched integrations of one tenant, by name.
struct Tenant {
    name: String,
    integrations: VecDeque<String>,
}

/// What became of one integration.
struct Done {
    tenant: String,
    integration: String,
    exit: ExitStatus,
    seconds: f64,
    report: Option<RunReport>,
    error: Option<(String, Option<String>)>,
}

/// What every run's session is made from.
#[derive(Clone, Copy)]
struct Base<'a> {
    home: &'a Path,
    plugin: Option<&'a Path>,
    clock: Clock,
    printer: Printer,
}

impl Base<'_> {
    fn session(self, tenant: &str) -> Session {
        Session {
            home: self.home.to_owned(),
            tenant: tenant.to_owned(),
            tenant_given: true,
            clock: self.clock,
            plugin: self.plugin.map(Path::to_owned),
            printer: self.printer,
            sites: Default::default(),
            pinned: Default::default(),
        }
    }
}

/// Says whose run a note is about.
struct Notes<'a> {
    printer: Printer,
    of: &'a str,
}

impl Progress for Notes<'_> {
    fn stage(&self, _name: &str, _total: Option<u64>) {}
    fn advance(&self, _people: u64) {}
    fn note(&self, text: &str) {
        self.printer.story(&format!("{}: {}", self.of, shown(text)));
    }
}

/// Runs them all. `jobs`: how many tenants at a time.
pub(super) fn run(session: &Session, jobs: Option<u16>) -> Result<ExitStatus> {
    let base = Base {
        home: &session.home,
        plugin: session.plugin.as_deref(),
        clock: session.clock,
        printer: session.printer,
    };
    let tenants = launched(session, base)?;
    if tenants.is_empty() {
        return Err(Trouble::usage("there is no launched integration")
            .help("`userload status` shows what there is, `userload launch NAME` launches a draft")
            .into());
    }
    // Compiled once, instead of by every run at the same time. When it cannot be loaded each run says so.
    let _ = session.site_of(None);
    let jobs = jobs.map_or_else(usual_jobs, usize::from).min(tenants.len());
    let (waiting, done) = (Mutex::new(VecDeque::from(tenants)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(tenant) = locked(&waiting, VecDeque::pop_front) {
                    for integration in &tenant.integrations {
                        let one = one(base, &tenant.name, integration);
                        locked(&done, |all| all.push(one));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by(|a, b| (&a.tenant, &a.integration).cmp(&(&b.tenant, &b.integration)));
    let worst = done.iter().map(|it| it.exit).max_by_key(|it| badness(*it)).unwrap_or(ExitStatus::Done);
    show(session, &done, worst)?;
    Ok(worst)
}

fn locked<T, R>(mutex: &Mutex<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

fn usual_jobs() -> usize {
    (4 * thread::available_parallelism().map_or(1, usize::from)).min(MOST_JOBS)
}

/// The tenants that have launched integrations.
fn launched(session: &Session, base: Base<'_>) -> Result<Vec<Tenant>> {
    let file = session.store_file();
    if !file.exists() {
        return Err(session.nothing_yet().into());
    }
    let names = if session.tenant_given { vec![session.tenant.clone()] } else { Store::tenants(&file)? };
    let mut tenants = Vec::new();
    for name in names {
        let rows = base.session(&name).store()?.integrations()?;
        let mut integrations: Vec<String> =
            rows.into_iter().filter(|row| row.launched_at.is_some()).map(|row| row.name).collect();
        integrations.sort();
        if !integrations.is_empty() {
            tenants.push(Tenant { name, integrations: integrations.into() });
        }
    }
    Ok(tenants)
}

/// One run, whatever happens in it.
fn one(base: Base<'_>, tenant: &str, integration: &str) -> Done {
    let began = Instant::now();
    let of = format!("{}/{}", shown(tenant), shown(integration));
    let notes = Notes { printer: base.printer, of: &of };
    // Unwind safe: the session is the run's own, and what the store has is in whole transactions.
    let ran = catch_unwind(AssertUnwindSafe(|| {
        services::run_sync(&base.session(tenant), integration, Wanted::Usual, &notes)
    }));
    let ran = ran.unwrap_or_else(|_| {
        Err(Trouble::failed("the host failed during the run: nobody was changed by it")
            .help(format!("`userload sync {integration} --tenant {tenant}` runs it alone"))
            .into())
    });
    let (exit, report, error) = match ran {
        Ok(report) => (commands::status_of(&report), Some(report), None),
        Err(error) => (trouble::exit(&error), None, Some(trouble::words(&error))),
    };
    let seconds = began.elapsed().as_secs_f64();
    Done { tenant: tenant.to_owned(), integration: integration.to_owned(), exit, seconds, report, error }
}

/// Which of two exit statuses is told: a failure before what is refused, that before what is to be looked at.
fn badness(exit: ExitStatus) -> u8 {
    match exit {
        ExitStatus::Done => 0,
        ExitStatus::FailedRows => 1,
        ExitStatus::Attention => 2,
        ExitStatus::Usage => 3,
        ExitStatus::Failed => 4,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    tenant: &'a str,
    integration: &'a str,
    /// What `userload sync INTEGRATION` would have ended with.
    exit: u8,
    run: Option<Run<'a>>,
    error: Option<Problem<'a>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    message: &'a str,
    help: Option<&'a str>,
}

fn show(session: &Session, done: &[Done], worst: ExitStatus) -> Result<()> {
    let printer = session.printer;
    if printer.json() {
        let lines: Vec<Line<'_>> = done
            .iter()
            .map(|it| Line {
                tenant: &it.tenant,
                integration: &it.integration,
                exit: it.exit.code(),
                run: it.report.as_ref().map(Run::from),
                error: it.error.as_ref().map(|(message, help)| Problem { message, help: help.as_deref() }),
            })
            .collect();
        printer.answer(&Answer::new("runs", lines).and("exit", worst.code()).text()?)?;
        return Ok(());
    }
    let mut table = Table::new(&[
        Column::Text("Tenant"),
        Column::Text("Integration"),
        Column::Number("Run"),
        Column::Text("Result"),
        Column::Number("Rows"),
        Column::Number("Changes"),
        Column::Number("Newly held"),
        Column::Number("Failed rows"),
        Column::Number("Seconds"),
    ]);
    for it in done {
        let of = |count: fn(&RunReport) -> u64| {
            it.report.as_ref().map_or_else(|| "-".to_owned(), |report| number(count(report)))
        };
        table.row([
            shown(&it.tenant).into_owned(),
            shown(&it.integration).into_owned(),
            it.report.as_ref().map_or_else(|| "-".to_owned(), |report| report.run.to_string()),
            result(it).to_owned(),
            of(|report| report.rows_seen),
            of(RunReport::changes),
            of(|report| report.newly_held),
            of(|report| report.count(Outcome::Failed)),
            format!("{:.1}", it.seconds),
        ]);
    }
    printer.answer(&table.render(0, printer.paint()))?;
    for it in done {
        let of = format!("{}/{}", shown(&it.tenant), shown(&it.integration));
        let failed = it.report.as_ref().and_then(|report| report.error.clone());
        if let Some(text) = failed {
            printer.tell(&format!("{of}: {}", lines_of(&text)));
        } else if let Some((message, help)) = &it.error {
            let help = help.as_ref().map(|it| format!("\nhelp: {it}")).unwrap_or_default();
            printer.tell(&format!("{of}: {}", lines_of(&format!("{message}{help}"))));
        }
    }
    if let Some(it) = done.iter().find(|it| it.exit != ExitStatus::Done && it.report.is_some()) {
        printer.story(&format!(
            "next: `userload runs show --tenant {}` shows the whole of a tenant's last run",
            shown(&it.tenant)
        ));
    }
    Ok(())
}

/// A text of several lines, safe to show.
fn lines_of(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n  ")
}

/// One word for what became of it.
fn result(done: &Done) -> &'static str {
    let held = done.report.as_ref().is_some_and(|report| report.newly_held > 0);
    match done.exit {
        ExitStatus::Done => "done",
        ExitStatus::Failed => "failed",
        ExitStatus::Usage => "refused",
        ExitStatus::Attention if held => "held",
        ExitStatus::Attention => "incomplete",
        ExitStatus::FailedRows => "failed rows",
    }
}
