//! `userload undo`.

use std::collections::BTreeSet;

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::count;
use super::session::Session;
use super::trouble::Trouble;
use super::{hand, people, run as commands, services};
use crate::model::Outcome;
use crate::store::UndoOrder;

/// Arguments of `undo`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The run's number, as `userload runs list` has it
    run: i64,
    /// Only what had this outcome; can be given several times
    #[arg(long, value_name = "OUTCOME")]
    only: Vec<Outcome>,
    /// Only this field, or `status`; can be given several times
    #[arg(long, value_name = "FIELD")]
    field: Vec<String>,
    /// Only this person: username, email, employee id, id, source id, or the beginning of one
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Show what would come back; change nobody
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    let mut store = session.store()?;
    if let Some(outcome) = arguments.only.iter().find(|it| !it.changes_someone()) {
        return Err(Trouble::usage(format!("`{outcome}` changes nobody: there is nothing of it to undo"))
            .help("--only takes created, reactivated, deactivated, adopted, renamed, updated or removed")
            .into());
    }
    let fields: BTreeSet<String> = arguments
        .field
        .iter()
        .map(|name| hand::field_or_status(store.targets(), name))
        .collect::<Result<_>>()?;
    let person = match arguments.person.as_deref() {
        Some(who) => Some(people::find(session, &store, who)?.id),
        None => None,
    };
    let order = UndoOrder {
        run: arguments.run,
        only: arguments.only.clone(),
        fields,
        person,
        dry_run: arguments.dry_run,
    };
    let _alone = match arguments.dry_run {
        true => Vec::new(),
        false => services::all_alone(session, &store)?,
    };
    let undone = store.undo(&order, session.now())?;
    let status = commands::show(session, &undone.report, true, false)?;
    // Each row once: of some only a part had to stay, and of others nothing could be done.
    let whole = undone.report.count(Outcome::Kept);
    if whole > 0 {
        session
            .printer
            .story(&format!("{} could not be undone: see `kept` above", count(whole, "change", "changes")));
    } else if undone.report.causes.iter().any(|it| it.outcome == Outcome::Kept) {
        session.printer.story("not all of it could be undone: see `kept` above");
    }
    Ok(status)
}
