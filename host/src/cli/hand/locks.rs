//! `userload people lock`, `unlock` and `unpin`.

use anyhow::Result;

use super::{field_or_status, lockable, reported, told};
use crate::cli::exit::ExitStatus;
use crate::cli::output::{count, shown};
use crate::cli::people;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use crate::store::{LockRow, Locking, PinRow, Unpinning};

pub(super) fn lock(
    session: &Session,
    who: &str,
    fields: &[String],
    status: bool,
    note: Option<&str>,
) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let mut names = lockable(store.targets(), fields, status)?;
    if names.is_empty() {
        names.push(String::new());
    }
    let locks = store.locks_of(person.id)?;
    let there = |name: &String| locks.iter().any(|it| it.field == *name || it.field.is_empty());
    if note.is_none() && names.iter().all(there) {
        let answer = format!("{} is locked already: {}", shown(&person.name()), listed(&locks));
        return told(session, &store, &person, None, &answer);
    }
    let locking = Locking { fields: &names, note };
    let report = store.lock_person(person.id, &locking, session.now())?;
    let locks = store.locks_of(person.id)?;
    let answer = format!("{} is locked: {} (run {})", shown(&person.name()), listed(&locks), report.run);
    told(session, &store, &person, Some(&report), &answer)?;
    session.printer.story("no run writes that until `userload people unlock`");
    Ok(ExitStatus::Done)
}

fn listed(locks: &[LockRow]) -> String {
    let names = locks.iter().map(|it| if it.field.is_empty() { "everything" } else { it.field.as_str() });
    shown(&names.collect::<Vec<_>>().join(", ")).into_owned()
}

pub(super) fn unlock(session: &Session, who: &str, fields: &[String], status: bool) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let mut names = lockable(store.targets(), fields, status)?;
    let locks = store.locks_of(person.id)?;
    let name = shown(&person.name()).into_owned();
    if locks.is_empty() {
        return Err(Trouble::usage(format!("nothing of {name} is locked"))
            .help("nothing was changed")
            .into());
    }
    if names.is_empty() {
        names = locks.iter().map(|it| it.field.clone()).collect();
    }
    if let Some(missing) = names.iter().find(|name| !locks.iter().any(|it| it.field == **name)) {
        let help = match locks.iter().any(|it| it.field.is_empty()) {
            true => format!("they are locked wholly: `userload people unlock {}` lifts it", shown(who)),
            false => format!("locked are: {}", listed(&locks)),
        };
        return Err(Trouble::usage(format!("`{missing}` of {name} is not locked")).help(help).into());
    }
    let report = store.unlock_person(person.id, &names, session.now())?;
    let left = store.locks_of(person.id)?;
    let answer = match left.is_empty() {
        true => format!("nothing of {name} is locked any more (run {})", report.run),
        false => format!("{name} is locked: {} (run {})", listed(&left), report.run),
    };
    told(session, &store, &person, Some(&report), &answer)
}

pub(super) fn unpin(session: &Session, who: &str, fields: &[String]) -> Result<ExitStatus> {
    let mut store = session.store()?;
    // A record that is nobody is known by its source id only.
    let record = store.record_pins(who.trim())?;
    let person = match people::find(session, &store, who) {
        Ok(person) => Some(person),
        Err(_) if !record.is_empty() => None,
        Err(error) => return Err(error),
    };
    let pins = match &person {
        Some(person) => store.person_pins(person.id)?,
        None => record,
    };
    let name = person.as_ref().map_or_else(|| shown(who).into_owned(), |it| shown(&it.name()).into_owned());
    if pins.is_empty() {
        return Err(Trouble::usage(format!("nothing of {name} is pinned"))
            .help("nothing was changed")
            .into());
    }
    let wanted = fields
        .iter()
        .map(|it| if it == "*" { Ok("*".to_owned()) } else { field_or_status(store.targets(), it) })
        .collect::<Result<Vec<String>>>()?;
    if let Some(missing) = wanted.iter().find(|name| !pins.iter().any(|it| it.field == **name)) {
        let mut there: Vec<&str> = pins.iter().map(|it| it.field.as_str()).collect();
        there.dedup();
        return Err(Trouble::usage(format!("`{missing}` of {name} is not pinned"))
            .help(format!("pinned are: {}", shown(&there.join(", "))))
            .into());
    }
    let lifted: Vec<PinRow> =
        pins.into_iter().filter(|it| wanted.is_empty() || wanted.contains(&it.field)).collect();
    let order = Unpinning { person: person.as_ref().map(|it| it.id), pins: &lifted };
    let report = store.unpin(&order, session.now())?;
    let many = count(lifted.len() as u64, "pin", "pins");
    let answer = format!("{many} of {name} lifted (run {})", report.run);
    match &person {
        Some(person) => told(session, &store, person, Some(&report), &answer)?,
        None => reported(session, &report, &answer)?,
    };
    session.printer.story("the next run writes what the source says");
    Ok(ExitStatus::Done)
}
