//! `userload people set|lock|unlock|unpin|unlink|merge|erase|unerase`: what people do by hand.

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Link, Lock, Person, Pin, Run};
use super::output::{count, field_changes, shown, stored_differences};
use super::session::Session;
use super::trouble::Trouble;
use super::{people, people_file, services};
use crate::config::nearest;
use crate::model::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, Target, Targets};
use crate::store::{Edit, LinkRow, LockRow, Locking, Merging, PersonRow, PinRow, Store, Unpinning};
use crate::sync::RunReport;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Change fields or the status of somebody, by hand
    ///
    /// Values are read by the type of their field. A run may overwrite what its source feeds: `people lock`
    /// keeps it.
    ///
    /// Example: userload people set ana.perez@contoso.example department=Tax office="Building 4"
    Set {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
        /// Fields and their values: department=Tax
        #[arg(value_name = "FIELD=VALUE")]
        values: Vec<String>,
        /// Empty this field; can be given several times
        #[arg(long, value_name = "FIELD")]
        clear: Vec<String>,
        /// Make them inactive
        #[arg(long, conflicts_with = "active")]
        inactive: bool,
        /// Make them active
        #[arg(long)]
        active: bool,
    },
    /// Keep runs from writing fields, the status, or all of somebody
    ///
    /// Example: userload people lock ana.perez@contoso.example department --note "agreed with HR"
    Lock {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
        /// The fields; without any (and without --status) the person is locked wholly
        fields: Vec<String>,
        /// The status
        #[arg(long)]
        status: bool,
        /// Why, for whoever wonders later
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Lift locks
    ///
    /// Example: userload people unlock ana.perez@contoso.example department
    Unlock {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
        /// The fields; without any (and without --status) every lock of the person
        fields: Vec<String>,
        /// The status
        #[arg(long)]
        status: bool,
    },
    /// Lift the pins of an undo or of a rejected hold: the next run writes what the source says
    ///
    /// Example: userload people unpin ana.perez@contoso.example department
    Unpin {
        /// The person; or the source id of a record that is not to become anybody
        who: String,
        /// The fields, `status` or `*`; without any, all of them
        fields: Vec<String>,
    },
    /// Take the link to the source away; the person stays
    ///
    /// The next run meets the user as somebody new: it adopts the person again by the match keys, if they fit.
    ///
    /// Example: userload people unlink ana.perez@contoso.example --integration contoso
    Unlink {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
        /// The integration; may be left out when there is only one link
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
    },
    /// Make one person of two: the first one's values win and empty ones are filled, the second one goes
    ///
    /// Links, holds, pins and locks move. It cannot be undone.
    ///
    /// Example: userload people merge ana.perez@contoso.example a.perez@contoso.example
    Merge {
        /// Who stays
        keep: String,
        /// Who goes
        other: String,
    },
    /// Erase somebody: person, raw documents, values in the ledger, names in reports
    ///
    /// Later runs do not make the person again until `people unerase`. It cannot be undone.
    ///
    /// Example: userload people erase ana.perez@contoso.example --yes
    Erase {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// Let runs make somebody again who was erased
    ///
    /// Example: userload people unerase 3f9b4a52-0000-4000-8000-000000000007
    Unerase {
        /// The id at the source, or the id that the person had
        id: String,
    },
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Set { who, values, clear, inactive, active } => {
            let status = if active { Some(true) } else { inactive.then_some(false) };
            set(session, &who, &values, &clear, status)
        }
        Command::Lock { who, fields, status, note } => lock(session, &who, &fields, status, note.as_deref()),
        Command::Unlock { who, fields, status } => unlock(session, &who, &fields, status),
        Command::Unpin { who, fields } => unpin(session, &who, &fields),
        Command::Unlink { who, integration } => unlink(session, &who, integration.as_deref()),
        Command::Merge { keep, other } => merge(session, &keep, &other),
        Command::Erase { who, yes } => erase(session, &who, yes),
        Command::Unerase { id } => unerase(session, &id),
    }
}

/// The field that a text names, by name or label.
fn field<'t>(targets: &'t Targets, text: &str) -> Result<&'t Target> {
    match targets.find(text) {
        Some(target) if target.name == CONNECTOR_SYNC_TIME => Err(Trouble::usage(format!(
            "`{CONNECTOR_SYNC_TIME}` is a stamp of the link, not for hands to write"
        ))
        .help("nobody was changed")
        .into()),
        Some(target) => Ok(target),
        None => {
            let trouble = Trouble::usage(format!("people have no field `{}`", text.escape_debug()));
            let help = match nearest(text, targets.names().chain(["status"])) {
                Some("status") => {
                    "the status is set with --active and --inactive, locked with --status".into()
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => "`userload people export --csv` shows the fields in its first line".to_owned(),
            };
            Err(trouble.help(help).into())
        }
    }
}

/// The name of a field, or `status`.
pub(super) fn field_or_status(targets: &Targets, text: &str) -> Result<String> {
    if text.eq_ignore_ascii_case("status") {
        return Ok("status".to_owned());
    }
    Ok(field(targets, text)?.name.clone())
}

/// What is locked or unlocked: the empty field stands for the person wholly.
fn lockable(targets: &Targets, fields: &[String], status: bool) -> Result<Vec<String>> {
    let mut names = fields.iter().map(|it| field_or_status(targets, it)).collect::<Result<Vec<String>>>()?;
    names.extend(status.then(|| "status".to_owned()));
    names.sort();
    names.dedup();
    Ok(names)
}

fn set(
    session: &Session,
    who: &str,
    values: &[String],
    clear: &[String],
    active: Option<bool>,
) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let mut edit = Edit { active, ..Edit::default() };
    let roles = people::access_roles(session, &store)?;
    for text in values {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Trouble::usage(format!("`{}` is no FIELD=VALUE", text.escape_debug()))
                .help("for example `department=Tax`; `--clear department` empties it")
                .into());
        };
        let target = field(store.targets(), name)?;
        if value.trim().is_empty() {
            return Err(Trouble::usage(format!("`{}` has no value", target.name))
                .help(format!("`--clear {}` empties it", target.name))
                .into());
        }
        let raw = people_file::value(target, value.trim(), &roles).map_err(|problem| {
            Trouble::usage(format!("{}: {problem}", target.name)).help("nobody was changed")
        })?;
        if edit.fields.insert(target.name.clone(), Some(raw)).is_some() {
            return Err(Trouble::usage(format!("`{}` is given twice", target.name)).into());
        }
    }
    for name in clear {
        let target = field(store.targets(), name)?;
        if target.mandatory || target.name == ACCESS_ROLE {
            return Err(Trouble::usage(format!("everybody has a `{}`: it cannot be emptied", target.name))
                .help(format!("give another one: `{}=VALUE`", target.name))
                .into());
        }
        if edit.fields.insert(target.name.clone(), None).is_some() {
            return Err(Trouble::usage(format!("`{}` is given twice", target.name)).into());
        }
    }
    if edit.fields.is_empty() && edit.active.is_none() {
        return Err(Trouble::usage("nothing is to be set")
            .help("for example `userload people set USERNAME department=Tax`, or --inactive")
            .into());
    }
    let edited = store.set_person(person.id, &edit, session.now())?;
    let warnings = match &edited.report {
        Some(_) => warnings(session, &store, &person, &edit, edited.active)?,
        None => Vec::new(),
    };
    let changes = stored_differences(edited.differences.as_deref());
    if session.printer.json() {
        let after = people::find(session, &store, &person.uid)?;
        let answer = Answer::new("run", edited.report.as_ref().map(|it| it.run))
            .and("person", Person::from(&*after))
            .and("warnings", &warnings);
        session.printer.answer(&answer.text()?)?;
    } else if let Some(report) = &edited.report {
        let mut parts: Vec<String> =
            changes.iter().map(|change| field_changes(std::slice::from_ref(change))).collect();
        parts.extend(edited.active.map(|it| if it { "active" } else { "inactive" }.to_owned()));
        let name = shown(&person.name()).into_owned();
        session.printer.answer(&format!("{name}: {} (run {})", parts.join(", "), report.run))?;
    } else {
        session.printer.answer(&format!("{} has all of that already", shown(&person.name())))?;
    }
    for warning in warnings {
        session.printer.story(&warning);
    }
    Ok(ExitStatus::Done)
}

/// What somebody should know who has just edited a person.
fn warnings(
    session: &Session,
    store: &Store,
    person: &PersonRow,
    edit: &Edit,
    active: Option<bool>,
) -> Result<Vec<String>> {
    let locks = store.locks_of(person.id)?;
    let locked = |name: &str| locks.iter().any(|it| it.field.is_empty() || it.field == name);
    let who = shown(&person.text("username").unwrap_or_else(|| person.uid.clone())).into_owned();
    let mut said = Vec::new();
    let (mut fed, mut kept) = (Vec::new(), Vec::new());
    let links = store.links_of(person.id)?;
    for row in store.integrations()?.iter().filter(|row| row.launched_at.is_some()) {
        if !links.iter().any(|link| link.integration == row.name) {
            continue;
        }
        let Ok(integration) = session.parse(store, row) else { continue };
        for name in
            edit.fields.keys().filter(|name| integration.mapping.iter().any(|it| it.target.name == **name))
        {
            if !locked(name) {
                fed.push((row.name.clone(), name.clone()));
            }
        }
        let disabled = links.iter().any(|it| it.integration == row.name && it.enabled == Some(false));
        if active == Some(true) && disabled && integration.deactivate && !locked("status") {
            said.push(format!(
                "the next run of `{}` makes them inactive again: they are disabled at the source; \
                 `userload people lock {who} --status` keeps them active",
                shown(&row.name)
            ));
        }
    }
    for name in edit.fields.keys().filter(|name| locked(name)) {
        kept.push(name.as_str());
    }
    if !fed.is_empty() {
        let mut names: Vec<&str> = fed.iter().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut by: Vec<String> = fed.iter().map(|(name, _)| format!("`{}`", shown(name))).collect();
        by.dedup();
        said.push(format!(
            "the next run of {} overwrites {}: `userload people lock {who} {}` keeps it",
            by.join(", "),
            names.join(", "),
            names.join(" ")
        ));
    }
    if !kept.is_empty() {
        said.push(format!(
            "locked: {}; runs do not write it, `userload people unlock {who}` lifts that",
            kept.join(", ")
        ));
    }
    Ok(said)
}

fn lock(
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

fn unlock(session: &Session, who: &str, fields: &[String], status: bool) -> Result<ExitStatus> {
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

/// Answers with a person, as they stand now.
fn told(
    session: &Session,
    store: &Store,
    person: &PersonRow,
    report: Option<&RunReport>,
    answer: &str,
) -> Result<ExitStatus> {
    if !session.printer.json() {
        session.printer.answer(answer)?;
        return Ok(ExitStatus::Done);
    }
    let after = people::find(session, store, &person.uid)?;
    let (links, locks, pins) =
        (store.links_of(person.id)?, store.locks_of(person.id)?, store.person_pins(person.id)?);
    let answer = Answer::new("run", report.map(|it| it.run))
        .and("person", Person::from(&*after))
        .and("links", links.iter().map(Link::from).collect::<Vec<_>>())
        .and("locks", locks.iter().map(Lock::from).collect::<Vec<_>>())
        .and("pins", pins.iter().map(Pin::from).collect::<Vec<_>>());
    session.printer.answer(&answer.text()?)?;
    Ok(ExitStatus::Done)
}

/// Answers with the report of a run whose person is not there any more, or never was.
fn reported(session: &Session, report: &RunReport, answer: &str) -> Result<ExitStatus> {
    if session.printer.json() {
        session.printer.answer(&Answer::new("run", Run::from(report)).text()?)?;
    } else {
        session.printer.answer(answer)?;
    }
    Ok(ExitStatus::Done)
}

fn unpin(session: &Session, who: &str, fields: &[String]) -> Result<ExitStatus> {
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

fn unlink(session: &Session, who: &str, integration: Option<&str>) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let name = shown(&person.name()).into_owned();
    let links = store.links_of(person.id)?;
    if links.is_empty() {
        return Err(Trouble::usage(format!("{name} is not linked to any source"))
            .help("nothing was changed")
            .into());
    }
    let chosen: Vec<LinkRow> =
        links.iter().filter(|it| integration.is_none_or(|name| it.integration == name)).cloned().collect();
    let all: Vec<String> =
        links.iter().map(|it| format!("{} ({})", shown(&it.integration), shown(&it.source_id))).collect();
    if chosen.is_empty() {
        return Err(Trouble::usage(format!(
            "{name} is not linked by `{}`",
            shown(integration.unwrap_or_default())
        ))
        .help(format!("linked by: {}", all.join(", ")))
        .into());
    }
    if integration.is_none() && links.len() > 1 {
        return Err(Trouble::usage(format!("{name} has {} links: {}", links.len(), all.join(", ")))
            .help("say which: `--integration NAME`")
            .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let report = store.unlink_person(person.id, &chosen, session.now())?;
    let gone: Vec<String> =
        chosen.iter().map(|it| format!("{} ({})", shown(&it.integration), shown(&it.source_id))).collect();
    let answer = format!("{name} is no longer linked by {} (run {})", gone.join(", "), report.run);
    told(session, &store, &person, Some(&report), &answer)?;
    session.printer.story(&format!(
        "the next run meets that user as somebody new and adopts {name} again, when a match key fits; \
         `userload undo {}` links them again",
        report.run
    ));
    Ok(ExitStatus::Done)
}

fn merge(session: &Session, keep: &str, other: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let (kept, gone) = (people::find(session, &store, keep)?, people::find(session, &store, other)?);
    if kept.id == gone.id {
        return Err(Trouble::usage(format!(
            "`{}` and `{}` are one person already",
            shown(keep),
            shown(other)
        ))
        .help("nothing was changed")
        .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let merging = Merging { keep: kept.id, other: gone.id };
    let report = store.merge_people(merging, session.now())?;
    let answer = format!(
        "{} is {} now; {} is removed (run {})",
        shown(&gone.name()),
        shown(&kept.name()),
        shown(&gone.uid),
        report.run
    );
    told(session, &store, &kept, Some(&report), &answer)
}

fn erase(session: &Session, who: &str, yes: bool) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let links = store.links_of(person.id)?;
    if !yes {
        return Err(Trouble::usage(format!(
            "this erases {} ({}) for good: the person, {}, raw documents, values in the ledger",
            shown(&person.name()),
            person.uid,
            count(links.len() as u64, "link", "links")
        ))
        .help(format!("nothing was changed; `userload people erase {} --yes` does it", shown(&person.uid)))
        .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let (report, swept) = store.erase_person(person.id, session.now())?;
    let answer = format!("{} is erased (run {})", person.uid, report.run);
    reported(session, &report, &answer)?;
    if !swept {
        session.printer.story(
            "another process has the store open: its file may tell of them until the next erasure sweeps it",
        );
    }
    if !links.is_empty() {
        session
            .printer
            .story(&format!("no run makes them again until `userload people unerase {}`", person.uid));
    }
    Ok(ExitStatus::Done)
}

fn unerase(session: &Session, id: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let id = id.trim();
    if store.tombstone(id)?.is_none() {
        return Err(Trouble::usage(format!("nobody was erased as `{}`", shown(id)))
            .help("the id at the source, or the id that `people erase` told")
            .into());
    }
    let report = store.unerase(id, session.now())?;
    let answer = format!("the erasure of {} is lifted (run {})", shown(id), report.run);
    reported(session, &report, &answer)?;
    session.printer.story("the next run makes the person again, when the source still lists them");
    Ok(ExitStatus::Done)
}
