//! What comes next and when, from what stands: a sentence each. Pure.

use jiff::Timestamp;

use super::{Decision, RunBrief, Today, Waiting};
use crate::config::{Integration, Reactivate};
use crate::model::{Millis, Outcome};
use crate::store::{LinkState, PersonRow, Question, StandingPin, fields};

const DAY: Millis = 24 * 60 * 60 * 1000;

/// What the sentences rest on.
pub(super) struct Facts<'a> {
    /// The integration's name.
    pub(super) name: &'a str,
    /// It is launched; none = it was removed.
    pub(super) launched: Option<bool>,
    /// Its document, when it can be read.
    pub(super) integration: Option<&'a Integration>,
    /// The person.
    pub(super) person: Option<&'a PersonRow>,
    /// The link.
    pub(super) link: Option<&'a LinkState>,
    /// The run that the story is about.
    pub(super) run: Option<&'a RunBrief>,
    /// What it decided.
    pub(super) decision: &'a Decision,
    /// What today's rules make of the record.
    pub(super) today: Option<&'a Today>,
    /// Open questions.
    pub(super) held: &'a [Question],
    /// The grace.
    pub(super) waiting: Option<Waiting>,
    /// Why the status may not be written now, as a clause: locked, another's, still seen by another.
    pub(super) barred: Option<&'a str>,
    /// Pins.
    pub(super) pins: &'a [StandingPin],
    /// When they were erased.
    pub(super) erased_at: Option<Millis>,
    /// Now.
    pub(super) now: Millis,
}

/// A moment, RFC 3339.
pub(super) fn moment(at: Millis) -> String {
    Timestamp::from_millisecond(at).map(|it| it.to_string()).unwrap_or_default()
}

/// A moment, for people.
pub(super) fn day(at: Millis) -> String {
    Timestamp::from_millisecond(at)
        .map_or_else(|_| format!("{at} ms"), |it| it.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

fn many(count: i64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// What comes next.
pub(super) fn next(facts: &Facts<'_>) -> Vec<String> {
    let name = facts.name;
    match facts.launched {
        None => return vec![format!("`{name}` was removed: no run looks at them any more")],
        Some(false) => {
            return vec![format!("`{name}` is a draft: nothing is applied before `userload launch {name}`")];
        }
        Some(true) => {}
    }
    if let Some(at) = facts.erased_at {
        return vec![format!(
            "erased by hand on {}: no run makes this person again until that is lifted",
            day(at)
        )];
    }
    let mut lines: Vec<String> = facts.held.iter().map(question).collect();
    if let Some(run) = facts.run.filter(|run| run.state == "planned") {
        lines.push(format!("`userload apply {}` makes what was planned so", run.number));
    }
    lines.extend(facts.pins.iter().map(|pin| {
        let what = match pin.field.as_str() {
            "*" => "the record",
            "status" => "the status",
            field => field,
        };
        format!(
            "{what} is pinned ({}) until the source says otherwise, or `userload people unpin`",
            pin.reason
        )
    }));
    lines.extend(course(facts));
    lines
}

fn question(it: &Question) -> String {
    let how = if it.cause == "ambiguous" {
        format!("`userload held decide {}` says who it is", it.source_id)
    } else {
        format!("`userload held approve {0}` or `userload held reject {0}` decides it", it.id)
    };
    format!("held since {} (run {}), {}: {}; {how}", day(it.opened_at), it.opened_run, it.cause, it.reason)
}

/// What the next run does by itself.
fn course(facts: &Facts<'_>) -> Option<String> {
    if let Some(waiting) = facts.waiting {
        return Some(waits(facts, waiting));
    }
    let Some(link) = facts.link else { return Some(without_link(facts)) };
    if facts.decision.outcome.as_deref() == Some(Outcome::Failed.name()) {
        return Some(
            "next run: the row fails again until the source has another value, or the mapping takes it"
                .into(),
        );
    }
    let active = facts.person.is_none_or(|it| it.active);
    if !link.seen_last || link.gone {
        return Some(absent(facts, link, active));
    }
    let Some(today) = facts.today else { return Some("next run: cannot be told without a record".into()) };
    let rules = if today.rules_changed { "; the rules have changed since" } else { "" };
    Some(match today.outcome {
        Outcome::Unchanged if !active => {
            format!("next run: stays inactive while the source says the same{}", back(facts))
        }
        Outcome::Unchanged => "next run: nothing changes while the source says the same".into(),
        Outcome::Kept | Outcome::Skipped | Outcome::Filtered => {
            format!("next run: {} again: {}", today.outcome, today.reason)
        }
        _ if all_held(today, facts.held) => "next run: held again, until it is decided".into(),
        outcome => format!(
            "next run: {outcome} ({}) if the source says the same{rules}; the guard may hold it",
            today.reason
        ),
    })
}

/// Of somebody who is nobody yet, or whom no link leads to.
fn without_link(facts: &Facts<'_>) -> String {
    let reason = &facts.decision.reason;
    match facts.decision.outcome.as_deref() {
        Some("ambiguous") => {
            "next run: ambiguous again, until somebody decides who it is (`userload held list`) or the source's \
             values tell them apart"
                .into()
        }
        Some("failed") => {
            "next run: the row fails again until the source has another value, or the mapping takes it".into()
        }
        Some("skipped" | "filtered") => format!("next run: passed over again: {reason}"),
        Some("held") => "next run: held again, until it is decided or what stands in the way has gone".into(),
        Some("created") => "next run: created, if the source still lists them".into(),
        _ => "next run: judged anew, if the source lists them".into(),
    }
}

/// Of somebody whom the last run did not see.
fn absent(facts: &Facts<'_>, link: &LinkState, active: bool) -> String {
    if !active {
        return format!("next run: stays inactive, they are gone from the source{}", back(facts));
    }
    if facts.integration.is_some_and(|it| !it.deactivate) {
        return "next run: kept again: `deactivate` is off, so that absence changes nothing".into();
    }
    if link.gone {
        return "next run: asked about again, since they are active here".into();
    }
    "next run: asked about again, if they are not listed; what the source answers decides".into()
}

/// What brings an inactive person back.
fn back(facts: &Facts<'_>) -> &'static str {
    let by_hand = facts.person.and_then(|it| it.ended_by.as_deref()) == Some("hand");
    match facts.integration {
        Some(it) if !it.deactivate => "; `deactivate` is off, so that nobody is reactivated",
        Some(it) if it.reactivate == Reactivate::Never => "; `reactivate` is never",
        Some(it) if by_hand && it.reactivate == Reactivate::Own => {
            "; a hand made them inactive, and only a return at the source or a hand undoes it"
        }
        Some(_) => "; when the source has them enabled again, they are reactivated",
        None => "",
    }
}

/// Of somebody who is not found. The end of the grace ends nobody whose status waits for an answer, or may not
/// be written.
fn waits(facts: &Facts<'_>, waiting: Waiting) -> String {
    if facts.held.iter().any(|it| it.cause.starts_with("deactivate:")) {
        return "next run: held again, until it is decided".to_owned();
    }
    // Whoever was deleted is not found thirty days later: that says nothing new.
    let pinned = |it: &&StandingPin| {
        it.field == "status" && matches!(it.source_value.as_deref(), Some("not-found" | "deleted"))
    };
    let pin = facts.pins.iter().find(pinned).map(|it| format!("the status is pinned ({})", it.reason));
    match pin.or_else(|| facts.barred.map(str::to_owned)) {
        Some(why) => format!("{}; kept again, however long it lasts: {why}", so_far(waiting)),
        None => grace(waiting, facts.now),
    }
}

/// How often and since when somebody was not found. More runs than it takes count no further.
fn so_far(waiting: Waiting) -> String {
    format!(
        "waits since {}: not found by {} of {} complete runs",
        day(waiting.since),
        waiting.runs.min(waiting.of_runs),
        waiting.of_runs
    )
}

/// The grace in a sentence.
fn grace(waiting: Waiting, now: Millis) -> String {
    let runs = i64::from(waiting.of_runs.saturating_sub(waiting.runs)).max(1);
    let left = waiting.until.saturating_sub(now).max(0);
    let days = (left + DAY - 1) / DAY;
    let so_far = so_far(waiting);
    let more = match (runs, days) {
        (1, 0) => "the next complete run deactivates them for not-found".to_owned(),
        (runs, 0) => format!("{}, then deactivated for not-found", many(runs, "more run", "more runs")),
        (runs, days) => format!(
            "{} and {} (until {}), then deactivated for not-found",
            many(runs, "more run", "more runs"),
            many(days, "day", "days"),
            day(waiting.until)
        ),
    };
    format!("{so_far}; {more}, unless the source has them again")
}

/// Whether everything that would change waits for somebody already.
fn all_held(today: &Today, held: &[Question]) -> bool {
    let names = |text: &Option<String>| -> Vec<String> {
        let list: Vec<fields::Difference<'_>> =
            text.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        list.into_iter().map(|(name, ..)| name.to_owned()).collect()
    };
    let waiting: Vec<String> = held.iter().flat_map(|it| names(&it.differences)).collect();
    let status = matches!(today.outcome, Outcome::Deactivated | Outcome::Reactivated);
    let status_held = held.iter().any(|it| it.cause.starts_with("deactivate:"));
    !held.is_empty()
        && (!status || status_held)
        && names(&today.differences).iter().all(|name| waiting.contains(name))
}

#[cfg(test)]
#[path = "next_tests.rs"]
mod tests;
