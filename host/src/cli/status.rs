//! `userload status`: the daily screen.

use anyhow::Result;
use serde::Serialize;

use super::credential_end::warning_of;
use super::exit::ExitStatus;
use super::output::json_v1::{Answer, HoldCause, RunLine, moment};
use super::output::{Column, Paint, Printer, Table, age, count, number, shown};
use super::session::Session;
use crate::config::missing_for_launch;
use crate::model::{Millis, Outcome};
use crate::store::{Census, HoldGroup, IntegrationRow, RunRow, Store};
use crate::sync::OVERDUE;

/// One integration, as the screen has it.
struct Line {
    row: IntegrationRow,
    /// What a launch needs; an unreadable document says so here.
    missing: Vec<String>,
    last: Option<RunRow>,
    has_credential: bool,
    /// Not found, and the grace is not over.
    waiting: u64,
    /// The day on which its secret expires, as somebody said.
    expires_on: Option<String>,
}

impl Line {
    /// How much of it is held, and since when.
    fn held(&self, board: &Board) -> (u64, Millis) {
        let own = || board.holds.iter().filter(|group| group.integration == self.row.name);
        (own().map(|group| group.count).sum(), own().map(|group| group.since).min().unwrap_or_default())
    }
}

/// Everything that the screen shows.
struct Board {
    lines: Vec<Line>,
    holds: Vec<HoldGroup>,
    census: Census,
    expiring: Vec<String>,
    now: Millis,
}

pub(super) fn run(session: &Session) -> Result<ExitStatus> {
    let Some(store) = session.store_if_any()? else {
        if session.printer.json() {
            session.printer.answer(&Answer::new("integrations", [(); 0]).text()?)?;
        } else {
            session.printer.answer(&welcome(session, session.printer.paint()))?;
        }
        return Ok(ExitStatus::Done);
    };
    let board = board(session, &store)?;
    if session.printer.json() {
        session.printer.answer(&json(&board).text()?)?;
    } else if board.lines.is_empty() && board.census == Census::default() {
        session.printer.answer(&welcome(session, session.printer.paint()))?;
    } else {
        session.printer.answer(&render(&board, session.now(), session.printer))?;
    }
    Ok(ExitStatus::Done)
}

fn board(session: &Session, store: &Store) -> Result<Board> {
    let mut lines = Vec::new();
    let rows = store.integrations()?;
    if !rows.is_empty() {
        // A `--plugin` that cannot be used is its own trouble, and no fault of the documents.
        session.site()?;
    }
    for row in rows {
        let missing = match session.parse(store, &row) {
            Ok(integration) => missing_for_launch(&integration),
            Err(error) => vec![format!("{error:#}")],
        };
        let last = store.runs(Some(&row.name), 1)?.pop();
        let credential = store.credential(&row.credential)?;
        let waiting = store.waiting_people(&row.name)?;
        let has_credential = credential.is_some();
        let expires_on = credential.and_then(|it| it.expires_on);
        lines.push(Line { row, missing, last, has_credential, waiting, expires_on });
    }
    let credentials = store.credentials()?;
    Ok(Board {
        lines,
        holds: store.hold_groups(None)?,
        census: store.census()?,
        now: session.now(),
        expiring: credentials
            .iter()
            .filter_map(|it| warning_of(it, session.now()))
            .map(|(warning, _)| warning)
            .collect(),
    })
}

fn welcome(session: &Session, paint: Paint) -> String {
    let home = session.home.display();
    let whose = match session.tenant.as_str() {
        "default" => String::new(),
        tenant => format!(" for the tenant {tenant}"),
    };
    format!(
        "{}\n\n\
         To look around:   userload demo\n\
         For real people:  userload init                  asks for what it needs, and saves a draft\n                  \
         userload check, plan, launch, sync\n\
         Step by step:     userload credential add entra --tenant-id … --client-id …\n                  \
         userload integration save -f contoso.toml    (`integration save --help` has an example)\n",
        paint.bold(&format!("There is nothing in {home}{whose} yet."))
    )
}

fn render(board: &Board, now: Millis, printer: Printer) -> String {
    let paint = printer.paint();
    let mut table = Table::new(&[
        Column::Text("Integration"),
        Column::Text("State"),
        Column::Text("Last run"),
        Column::Text("Outcome"),
        Column::Text("Held"),
        Column::Text("Waiting"),
        Column::Text("Secret until"),
    ]);
    for line in &board.lines {
        let state = match &line.row.launched_at {
            Some(_) => "launched".to_owned(),
            None => "draft".to_owned(),
        };
        let (when, outcome) = match &line.last {
            Some(run) => (format!("{} {}, {}", run.kind, run.number, age(now, run.started_at)), outcome(run)),
            None => ("never".to_owned(), String::new()),
        };
        let held = match line.held(board) {
            (0, _) => "-".to_owned(),
            (many, since) => format!("{}, oldest {}", number(many), age(now, since)),
        };
        let waiting = if line.waiting == 0 { "-".to_owned() } else { number(line.waiting) };
        let until = line.expires_on.as_deref().map(shown).unwrap_or("-".into()).into_owned();
        table.row([shown(&line.row.name).into_owned(), state, when, outcome, held, waiting, until]);
    }
    let mut text = String::new();
    if !table.is_empty() {
        text.push_str(&table.render(0, paint));
        text.push('\n');
    }
    let census = board.census;
    text.push_str(&format!(
        "{} active, {} inactive\n",
        count(census.active, "person", "people"),
        number(census.inactive)
    ));
    if !board.holds.is_empty() {
        let all: u64 = board.holds.iter().map(|group| group.count).sum();
        text.push_str(&format!(
            "\n{}\n",
            paint.outcome(
                Outcome::Held,
                &format!("‖ {} for you to decide", count(all, "change waits", "changes wait"))
            )
        ));
        let mut table =
            Table::new(&[Column::Text(""), Column::Text(""), Column::Number(""), Column::Text("")]);
        for group in &board.holds {
            table.row([
                shown(&group.integration).into_owned(),
                shown(&group.cause).into_owned(),
                number(group.count),
                format!("since {}", age(now, group.since)),
            ]);
        }
        text.push_str(&table.render(4, paint));
    }
    let warnings: Vec<String> = warnings(board);
    if !warnings.is_empty() {
        text.push('\n');
        for warning in warnings {
            text.push_str(&format!("{} {warning}\n", paint.warn("warning:")));
        }
    }
    let next = next(board);
    if !next.is_empty() {
        text.push('\n');
        for line in next {
            text.push_str(&format!("{} {}\n", paint.good("next:"), printer.commands(&line)));
        }
    }
    text
}

/// The outcome of a run in a few words.
fn outcome(run: &RunRow) -> String {
    let Some(report) = &run.report else {
        return run.state.clone();
    };
    let mut parts = Vec::new();
    match run.state.as_str() {
        "applied" => {}
        "planned" => parts.push("not applied".to_owned()),
        state => parts.push(state.to_owned()),
    }
    if report.kind.lists() && !report.completeness.complete && run.state != "failed" {
        parts.push("listing incomplete".to_owned());
    }
    if run.state != "failed" {
        parts.push(match report.changes() {
            0 => "no changes".to_owned(),
            many => count(many, "change", "changes"),
        });
        for outcome in [Outcome::Failed, Outcome::Ambiguous] {
            if report.count(outcome) > 0 {
                parts.push(format!("{} {outcome}", number(report.count(outcome))));
            }
        }
    }
    parts.join(", ")
}

fn warnings(board: &Board) -> Vec<String> {
    let mut warnings = Vec::new();
    for line in &board.lines {
        let name = shown(&line.row.name);
        if !line.has_credential {
            warnings.push(format!("{name} has no credential: there is no `{}`", shown(&line.row.credential)));
        }
        for sentence in &line.missing {
            warnings
                .push(format!("{name}: {}", sentence.lines().map(shown).collect::<Vec<_>>().join("\n  ")));
        }
    }
    warnings.extend(board.expiring.iter().cloned());
    for group in board.holds.iter().filter(|it| board.now - it.since >= OVERDUE) {
        warnings.push(format!(
            "{} of {} has waited for you to decide since {}",
            shown(&group.cause),
            shown(&group.integration),
            age(board.now, group.since)
        ));
    }
    warnings
}

/// What to type next: the first thing that is in the way of each integration.
fn next(board: &Board) -> Vec<String> {
    let mut lines: Vec<String> = board
        .lines
        .iter()
        .filter_map(|line| {
            let name = shown(&line.row.name);
            if !line.has_credential {
                return Some(format!("userload credential add {}", shown(&line.row.credential)));
            }
            if !line.missing.is_empty() {
                return Some(format!(
                    "complete the document of {name}, then userload integration save -f FILE"
                ));
            }
            let last = line.last.as_ref();
            match (&line.row.launched_at, last) {
                (None, None) => Some(format!("userload check {name}; userload plan {name}")),
                (None, Some(_)) => Some(format!("userload launch {name}")),
                (Some(_), Some(run)) if run.state == "planned" => {
                    Some(format!("userload apply {}", run.number))
                }
                (Some(_), None) => Some(format!("userload sync {name}")),
                (Some(_), Some(run)) if run.state == "failed" => Some(format!(
                    "userload runs show {} says why; userload sync {name} tries again",
                    run.number
                )),
                (Some(_), Some(run)) if matches!(run.state.as_str(), "staging" | "judging") => {
                    Some(format!("userload sync {name}"))
                }
                _ => None,
            }
        })
        .collect();
    if !board.holds.is_empty() {
        lines.push("userload held list".to_owned());
    }
    if board.lines.is_empty() {
        lines.push("userload integration save -f FILE".to_owned());
    }
    lines
}

#[derive(Serialize)]
struct IntegrationV1<'a> {
    name: &'a str,
    state: &'static str,
    missing: &'a [String],
    last_run: Option<RunLine<'a>>,
    held: u64,
    oldest_held: Option<String>,
    waiting: u64,
    expires_on: Option<&'a str>,
}

fn json(board: &Board) -> Answer {
    let lines: Vec<IntegrationV1<'_>> = board
        .lines
        .iter()
        .map(|line| IntegrationV1 {
            name: &line.row.name,
            state: if line.row.launched_at.is_some() { "launched" } else { "draft" },
            missing: &line.missing,
            last_run: line.last.as_ref().map(RunLine::from),
            held: line.held(board).0,
            oldest_held: Some(line.held(board)).filter(|it| it.0 > 0).map(|it| moment(it.1)),
            waiting: line.waiting,
            expires_on: line.expires_on.as_deref(),
        })
        .collect();
    let holds: Vec<HoldCause<'_>> = board.holds.iter().map(HoldCause::from).collect();
    let people = serde_json::json!({"active": board.census.active, "inactive": board.census.inactive});
    Answer::new("integrations", lines)
        .and("held", holds)
        .and("people", people)
        .and("warnings", warnings(board))
        .and("next", next(board))
}
