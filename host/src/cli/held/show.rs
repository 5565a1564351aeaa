//! `userload held show`: holds in full.

use anyhow::Result;

use crate::cli::exit::ExitStatus;
use crate::cli::output::json_v1::{Answer, Candidate, CandidateLink, Hold, moment};
use crate::cli::output::{age, count, field_changes, shown, stored_differences};
use crate::cli::session::Session;
use crate::model::fold_key;
use crate::store::{AMBIGUOUS, HoldRow, Store};

use super::answer::{self, Which};
use crate::sync::OVERDUE;

/// Which holds to show.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Holds on one screen.
const MOST: usize = 20;

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    let store = session.store()?;
    let which = &arguments.which;
    let holds = if which.is_empty() {
        store.open_holds(None, None, None)?
    } else {
        answer::select(session, &store, which, false)?.1
    };
    let printer = session.printer;
    if printer.json() {
        printer.answer(&Answer::new("holds", full(&store, &holds)?).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if holds.is_empty() {
        printer.answer("nothing is held")?;
        return Ok(ExitStatus::Done);
    }
    let mut text = String::new();
    for hold in holds.iter().take(MOST) {
        text.push_str(&one(session, &store, hold)?);
        text.push('\n');
    }
    printer.answer(text.trim_end())?;
    if holds.len() > MOST {
        let more = count((holds.len() - MOST) as u64, "more hold", "more holds");
        printer.story(&format!("and {more}: `userload held list --csv` lists all"));
    }
    Ok(ExitStatus::Done)
}

fn one(session: &Session, store: &Store, hold: &HoldRow) -> Result<String> {
    let (now, paint) = (session.now(), session.printer.paint());
    let title = format!("Hold {}  {}  {}", hold.id, shown(&hold.integration), shown(&hold.cause));
    let name = shown(hold.name.as_deref().unwrap_or("nobody yet")).into_owned();
    let mut text = format!("{}\n", paint.bold(&title));
    text.push_str(&format!("  {name}, at the source {}\n", shown(&hold.source_id)));
    text.push_str(&format!("  {}\n", shown(&hold.reason)));
    let differences = stored_differences(hold.differences.as_deref());
    for difference in &differences {
        text.push_str(&format!("    {}\n", field_changes(std::slice::from_ref(difference))));
    }
    let due = match now - hold.opened_at >= OVERDUE {
        true => "it has waited for more than 14 days: decide it".to_owned(),
        false => format!("it reminds from {} on, and never happens by itself", day(hold.opened_at + OVERDUE)),
    };
    text.push_str(&format!("  held in run {}, {}; {due}\n", hold.opened_run, age(now, hold.opened_at)));
    let candidates = candidates(store, hold)?;
    for candidate in &candidates {
        text.push_str(&format!("    {}\n", told(candidate)));
    }
    let id = shown(&hold.source_id);
    let next = if hold.cause == AMBIGUOUS && hold.uid.is_some() {
        "two users of the source claim one username: settle it there".to_owned()
    } else if hold.cause == AMBIGUOUS {
        let link = candidates.first().and_then(|it| it.username.clone()).unwrap_or_else(|| "USERNAME".into());
        format!("userload held decide {id} --link {}, or userload held decide {id} --new", shown(&link))
    } else {
        format!("userload held approve {0}, or userload held reject {0}", hold.id)
    };
    text.push_str(&format!("  {} {next}\n", paint.good("next:")));
    Ok(text)
}

fn day(at: crate::model::Millis) -> String {
    moment(at).chars().take(10).collect()
}

/// A candidate on one line: what speaks for them.
fn told(it: &Candidate) -> String {
    let mut parts = vec![it.status.to_owned()];
    match it.same.as_slice() {
        [] => {}
        same => parts.push(format!("the same {}", same.join(" and "))),
    }
    for link in &it.linked_to {
        let seen = match link.last_seen {
            "gone" => "who is gone there",
            "absent" => "who was not listed last",
            _ => "who was listed last",
        };
        parts.push(format!("linked to {} of {}, {seen}", shown(&link.source_id), shown(&link.integration)));
    }
    let username = it.username.as_deref().filter(|username| *username != it.name);
    let username = username.map(|it| format!(" ({})", shown(it))).unwrap_or_default();
    format!("{}{username}: {}", shown(&it.name), parts.join("; "))
}

/// Holds for JSON, with those whom they could be.
pub(super) fn full<'a>(store: &Store, holds: &'a [HoldRow]) -> Result<Vec<Hold<'a>>> {
    holds.iter().map(|hold| Ok(Hold::from(hold).with(candidates(store, hold)?))).collect()
}

/// Those whom a record could be, or whose username it needs, with what speaks for each.
fn candidates(store: &Store, hold: &HoldRow) -> Result<Vec<Candidate>> {
    let Some(rows) = &hold.candidates else { return Ok(Vec::new()) };
    let rows: Vec<i64> = serde_json::from_str(rows)?;
    let record = stored_differences(hold.differences.as_deref());
    let mut list = Vec::new();
    for row in rows {
        // Whoever was erased meanwhile is no candidate any more.
        let Ok(person) = store.person_by_row(row, &[]) else { continue };
        let same = record
            .iter()
            .filter(|it| {
                let told = it.after.as_deref().and_then(|json| serde_json::from_str::<String>(json).ok());
                let has = person.text(&it.field);
                match (told.as_deref().and_then(fold_key), has.as_deref().and_then(fold_key)) {
                    (Some(told), Some(has)) => told == has,
                    _ => false,
                }
            })
            .map(|it| it.field.clone())
            .collect();
        let links = store.links_of(person.id)?;
        list.push(Candidate {
            uid: person.uid.clone(),
            username: person.text("username"),
            name: person.name(),
            status: if person.active { "active" } else { "inactive" },
            same,
            linked_to: links
                .into_iter()
                .map(|link| CandidateLink {
                    last_seen: match (link.gone, link.absent_since) {
                        (true, _) => "gone",
                        (false, Some(_)) => "absent",
                        (false, None) => "listed",
                    },
                    integration: link.integration,
                    source_id: link.source_id,
                })
                .collect(),
        });
    }
    Ok(list)
}
