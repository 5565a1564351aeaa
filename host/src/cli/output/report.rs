//! A run's report as one screen, in the manner of terraform's plan: what the run looked at, totals that add
//! up, what changes by cause, what waits, what failed, what it cost, what to type next.

use crate::model::{Millis, Outcome};
use crate::sync::{CauseGroup, HeldGroup, RunKind, RunReport, RunState, Sample};

use super::difference::field_changes;
use super::report_reading::{changes, listed};
use super::text::{age, count, cut, number, shown};
use super::{Column, Paint, Table};

/// How a report is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Colours.
    pub(crate) paint: Paint,
    /// Now, to say how old holds are.
    pub(crate) now: Millis,
    /// Everything instead of one screen.
    pub(crate) all: bool,
    /// Whether the integration is launched: a draft is not applied.
    pub(crate) launched: bool,
}

/// Cause groups of one outcome on one screen.
const CAUSES: usize = 6;
/// People of a group on one screen.
const SAMPLES: usize = 2;
/// Failed and ambiguous rows on one screen.
const ROWS: usize = 5;
/// Columns of a sentence from outside.
const WIDTH: usize = 100;

/// The sign of an outcome.
fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "x",
        Outcome::Ambiguous => "!",
        Outcome::Created => "+",
        Outcome::Reactivated => "^",
        Outcome::Deactivated => "-",
        Outcome::Adopted => "&",
        Outcome::Renamed => "»",
        Outcome::Updated => "~",
        Outcome::Held => "‖",
        Outcome::Waiting => "…",
        Outcome::Kept => "o",
        Outcome::Filtered => "/",
        Outcome::Skipped => "·",
        Outcome::Unchanged => "=",
        Outcome::Removed => "×",
    }
}

/// The whole report.
pub(crate) fn render(report: &RunReport, view: View) -> String {
    let mut parts = vec![header(report, view)];
    if let Some(error) = &report.error {
        parts.push(format!("{} {}\n", view.paint.bad("error:"), shown_lines(error)));
    }
    if !report.outcomes.is_empty() {
        parts.push(totals(report, view));
    }
    parts.extend(causes(report, view));
    parts.extend(held(report, view));
    parts.extend(rows("failed", Outcome::Failed, &report.failed, report, view));
    parts.extend(rows("ambiguous", Outcome::Ambiguous, &report.ambiguous, report, view));
    parts.extend(super::report_passes::passes(report, view));
    parts.extend(notes(report, view));
    parts.push(cost(report, view));
    parts.push(next(report, view));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A text of several lines, each safe to show.
fn shown_lines(text: &str) -> String {
    text.lines().map(|line| shown(line).into_owned()).collect::<Vec<_>>().join("\n")
}

fn header(report: &RunReport, view: View) -> String {
    let name = shown(&report.integration);
    let what = match (report.kind, report.state) {
        (RunKind::Import, _) => format!("Import {}, applied", report.run),
        (RunKind::Hand, _) => format!("Run {} by hand, applied", report.run),
        (RunKind::Undo, state) => undo_title(report, state),
        (_, RunState::Failed) => format!("Run {} of {name} failed: nobody was changed", report.run),
        (_, RunState::Discarded) => format!("Run {} of {name} was discarded: nobody was changed", report.run),
        (RunKind::Approve, RunState::Applied) => format!("Run {} of {name}: what was approved", report.run),
        (RunKind::Decide, RunState::Applied) => format!("Run {} of {name}: what was decided", report.run),
        (RunKind::Reject, _) => format!("Run {} of {name}: what was rejected", report.run),
        (_, RunState::Applied) => format!("Run {} of {name}, applied", report.run),
        (RunKind::Plan, _) => format!("Plan {} for {name}: nobody was changed yet", report.run),
        _ => format!("Run {} of {name}, {}", report.run, report.state.name()),
    };
    let mut text = format!("{}\n", view.paint.bold(&what));
    if !report.kind.lists() || report.state == RunState::Failed {
        return text;
    }
    let listing = &report.completeness;
    let rows = match listing.expected {
        Some(expected) if expected != listing.rows => {
            format!("{} of {}", number(listing.rows), count(expected, "user", "users"))
        }
        _ => count(listing.rows, "user", "users"),
    };
    if let Some(reading) = report.reading.as_ref().filter(|it| it.changes_only) {
        text.push_str(&changes(reading, &rows));
    } else if listing.complete {
        text.push_str(&format!("listing complete: {rows}\n"));
    } else {
        let reason = listing.reason.as_deref().map(|it| format!(": {}", shown(it))).unwrap_or_default();
        let line = format!("listing incomplete, {rows}{reason}; nobody is judged absent by it");
        text.push_str(&format!("{}\n", view.paint.warn(&line)));
    }
    if let Some(reading) = report.reading.as_ref().filter(|it| !it.changes_only) {
        text.push_str(&listed(reading, view));
    }
    text
}

/// What an undo is called.
fn undo_title(report: &RunReport, state: RunState) -> String {
    let of = report.undoes.map(|run| format!(" of run {run}")).unwrap_or_default();
    match state {
        RunState::Applied => format!("Run {}: undo{of}, applied", report.run),
        _ => format!("Undo{of}, tried: nobody was changed"),
    }
}

/// Whether the ledger has rows of this run that are worth a list.
fn may_list(report: &RunReport) -> bool {
    !matches!(
        (report.kind, report.state),
        (RunKind::Import | RunKind::Hand, _) | (RunKind::Undo, RunState::Planned)
    )
}

fn totals(report: &RunReport, view: View) -> String {
    let some: Vec<(Outcome, u64)> = report
        .outcomes
        .iter()
        .filter(|(_, many)| **many > 0)
        .map(|(outcome, many)| (*outcome, *many))
        .collect();
    // What changes somebody first, then what waits, then what does not; within that by precedence.
    let place = |outcome: Outcome| match outcome {
        it if it.changes_someone() => 0,
        Outcome::Failed | Outcome::Ambiguous | Outcome::Held => 1,
        _ => 2,
    };
    let mut ordered = some.clone();
    ordered.sort_by_key(|(outcome, _)| (place(*outcome), *outcome));
    let line: Vec<String> = ordered
        .iter()
        .map(|(outcome, many)| {
            view.paint.outcome(*outcome, &format!("{}{} {outcome}", sign(*outcome), number(*many)))
        })
        .collect();
    let sum: u64 = some.iter().map(|(_, many)| many).sum();
    let seen = match report.kind {
        RunKind::Import => "in the file",
        RunKind::Hand => "by hand",
        RunKind::Undo => "to undo",
        RunKind::Plan | RunKind::Sync => "listed",
        RunKind::Approve | RunKind::Decide => "there when asked for",
        RunKind::Reject => "rejected",
    };
    let absent = match report.absent {
        0 => String::new(),
        absent if !report.kind.lists() => format!(" + {} gone, silent or beside", number(absent)),
        absent => format!(" + {} absent", number(absent)),
    };
    let adds = format!("= {} ({} {seen}{absent})", count(sum, "row", "rows"), number(report.rows_seen));
    let line = if line.is_empty() { "no rows".to_owned() } else { line.join("  ") };
    let mut text = format!("  {line}\n  {}\n", view.paint.dim(&adds));
    if report.changes() + report.saas_changes() == 0 && report.held.is_empty() {
        let nothing =
            if report.state == RunState::Applied { "Nothing changed." } else { "Nothing would change." };
        text.push_str(&format!("  {}\n", view.paint.good(nothing)));
    }
    text
}

fn causes(report: &RunReport, view: View) -> Vec<String> {
    let mut outcomes: Vec<Outcome> = report.causes.iter().map(|group| group.outcome).collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    outcomes
        .into_iter()
        // They have a section of their own, with the reason of each row.
        .filter(|outcome| !matches!(outcome, Outcome::Failed | Outcome::Ambiguous))
        .map(|outcome| {
            let groups: Vec<&CauseGroup> =
                report.causes.iter().filter(|group| group.outcome == outcome).collect();
            // People of whom a part could not be undone stand here too, beside their outcome.
            let many = report.kept.filter(|_| outcome == Outcome::Kept).unwrap_or(report.count(outcome));
            cause_section(outcome, &groups, many, view)
        })
        .collect()
}

fn cause_section(outcome: Outcome, groups: &[&CauseGroup], many: u64, view: View) -> String {
    let title = format!("{} {outcome} {}", sign(outcome), number(many));
    let mut text = format!("{}\n", view.paint.outcome(outcome, &title));
    let most = if view.all { usize::MAX } else { CAUSES };
    for group in groups.iter().take(most) {
        text.push_str(&format!(
            "    {}  {}\n",
            cut(&shown(&group.cause), WIDTH),
            view.paint.dim(&number(group.count))
        ));
        text.push_str(&samples(&group.samples, group.count, &group.cause, view));
    }
    if groups.len() > most {
        let rest: u64 = groups.iter().skip(most).map(|group| group.count).sum();
        let more = format!("    … and {} more causes, {}\n", groups.len() - most, count(rest, "row", "rows"));
        text.push_str(&view.paint.dim(&more));
    }
    text
}

fn samples(samples: &[Sample], of: u64, cause: &str, view: View) -> String {
    let most = if view.all { usize::MAX } else { SAMPLES };
    let mut table = Table::new(&[Column::Text(""), Column::Text("")]);
    for sample in samples.iter().take(most) {
        let changes = field_changes(&sample.changes);
        let says = if changes.is_empty() {
            if sample.reason == cause { String::new() } else { shown(&sample.reason).into_owned() }
        // The group says it already.
        } else if changes == *shown(cause) {
            String::new()
        } else {
            changes
        };
        table.row([cut(&shown(&sample.name), 32).into_owned(), cut(&says, WIDTH).into_owned()]);
    }
    let mut text = table.render(8, view.paint);
    let listed = samples.len().min(most) as u64;
    if of > listed && listed > 0 {
        text.push_str(&view.paint.dim(&format!("        … and {} more\n", number(of - listed))));
    }
    text
}

fn held(report: &RunReport, view: View) -> Option<String> {
    if report.held.is_empty() {
        return None;
    }
    let all: u64 = report.held.iter().map(|group| group.count).sum();
    let new = match report.newly_held {
        0 => String::new(),
        new if new == all => ", all of them new".to_owned(),
        new => format!(", {} of them new", number(new)),
    };
    let title = format!("‖ {} held for you to decide{new}", count(all, "change", "changes"));
    let mut text = format!("{}\n", view.paint.outcome(Outcome::Held, &title));
    for group in &report.held {
        text.push_str(&held_group(group, view));
    }
    Some(text)
}

fn held_group(group: &HeldGroup, view: View) -> String {
    let since = if group.new == group.count {
        "new".to_owned()
    } else {
        format!("oldest {}", age(view.now, group.since))
    };
    let mut text = format!(
        "    {}  {}\n      {}\n",
        shown(&group.cause),
        view.paint.dim(&format!("{}, {since}", number(group.count))),
        cut(&shown(&group.reason), WIDTH)
    );
    text.push_str(&samples(&group.samples, group.count, &group.reason, view));
    text
}

fn rows(
    title: &str,
    outcome: Outcome,
    rows: &[crate::sync::FailedRow],
    report: &RunReport,
    view: View,
) -> Option<String> {
    let many = report.count(outcome).max(rows.len() as u64);
    if many == 0 {
        return None;
    }
    let mut text =
        format!("{}\n", view.paint.outcome(outcome, &format!("{} {title} {}", sign(outcome), number(many))));
    let most = if view.all { usize::MAX } else { ROWS };
    for row in rows.iter().take(most) {
        let id = row.source_id.as_deref().map_or_else(|| "(no id)".into(), shown);
        text.push_str(&format!("    {id}  {}\n", cut(&shown(&row.reason), WIDTH)));
    }
    let listed = rows.len().min(most) as u64;
    if many > listed {
        text.push_str(&view.paint.dim(&format!("    … and {} more\n", number(many - listed))));
    }
    Some(text)
}

fn notes(report: &RunReport, view: View) -> Option<String> {
    let mut lines: Vec<String> =
        report.notes.iter().map(|note| format!("{} {}\n", view.paint.warn("note:"), shown(note))).collect();
    if report.withdrawn > 0 {
        let came = count(report.withdrawn, "held change was", "held changes were");
        lines.push(format!("{} {came} withdrawn: no longer needed\n", view.paint.warn("note:")));
    }
    (!lines.is_empty()).then(|| lines.concat())
}

fn cost(report: &RunReport, view: View) -> String {
    if matches!(report.kind, RunKind::Import | RunKind::Reject | RunKind::Hand | RunKind::Undo) {
        return String::new();
    }
    let seconds = |ms: u64| format!("{}.{} s", number(ms / 1000), ms % 1000 / 100);
    let timings = &report.timings;
    let applied = match report.state {
        RunState::Applied => format!(", apply {}", seconds(timings.apply)),
        _ => String::new(),
    };
    let mut parts =
        vec![format!("read {}, judge {}{applied}", seconds(timings.stage), seconds(timings.judge))];
    let spent = &report.cost;
    if spent.retries > 0 {
        let throttled = match spent.throttled {
            0 => String::new(),
            many => format!(" ({} throttled)", number(many.into())),
        };
        parts.push(format!(
            "{}{throttled}, {} waited",
            count(spent.retries.into(), "retry", "retries"),
            seconds(spent.waited)
        ));
    }
    if spent.restarts > 0 {
        parts.push(format!("listing restarted {}", count(spent.restarts.into(), "time", "times")));
    }
    if spent.resumed_pages > 0 {
        parts.push(format!(
            "{} taken over from an interrupted run",
            count(spent.resumed_pages.into(), "page", "pages")
        ));
    }
    let mut text = format!("{}\n", view.paint.dim(&parts.join("; ")));
    if let Some(receipt) = receipt(&report.receipt) {
        text.push_str(&format!("{}\n", view.paint.dim(&format!("plugin: {receipt}"))));
    }
    text
}

/// What the plugin used, on one line. The receipt itself, with everything in it, is in the JSON.
fn receipt(receipt: &serde_json::Value) -> Option<String> {
    let number_of = |path: &str| receipt.pointer(path).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let mebibytes = |bytes: u64| format!("{}.{} MiB", number(bytes >> 20), ((bytes & 0xf_ffff) * 10) >> 20);
    let calls = number_of("/calls");
    if calls == 0 {
        return None;
    }
    let hosts = receipt.pointer("/traffic/origins").and_then(serde_json::Value::as_object);
    let hosts: Vec<String> =
        hosts.into_iter().flat_map(|hosts| hosts.keys()).map(|host| shown(host).into_owned()).collect();
    let mut parts = vec![count(calls, "call", "calls")];
    if !hosts.is_empty() {
        let requests = count(number_of("/traffic/requests"), "request", "requests");
        let received = mebibytes(number_of("/traffic/received_bytes"));
        parts.push(format!("{requests} to {} ({received} received)", hosts.join(" and ")));
    }
    for (path, one, many) in [
        ("/traffic/denied", "request refused", "requests refused"),
        ("/log_dropped", "line of its log dropped", "lines of its log dropped"),
    ] {
        match number_of(path) {
            0 => {}
            some => parts.push(count(some, one, many)),
        }
    }
    parts.push(format!("{} ms of processor", number(number_of("/cpu_ms"))));
    parts.push(format!("{} of memory", mebibytes(number_of("/memory_peak"))));
    Some(parts.join(", "))
}

fn next(report: &RunReport, view: View) -> String {
    let mut lines = Vec::new();
    if let (RunKind::Undo, RunState::Planned, Some(run)) = (report.kind, report.state, report.undoes) {
        lines.push(format!("`userload undo {run}`, without --dry-run, makes it so"));
    } else if report.state == RunState::Planned && report.changes() + report.saas_changes() > 0 {
        lines.push(if view.launched {
            format!("`userload apply {}` makes it so", report.run)
        } else {
            format!(
                "the integration is a draft: `userload launch {}` before it can be applied",
                shown(&report.integration)
            )
        });
    }
    if !report.held.is_empty() {
        lines.push("`userload held list` shows what is held".to_owned());
    }
    if !view.all && may_list(report) && report.changes() > 0 {
        lines.push(format!("`userload runs show {} --changes` lists every change", report.run));
    }
    lines.iter().map(|line| format!("{} {line}\n", view.paint.good("next:"))).collect()
}
