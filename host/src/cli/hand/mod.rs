//! `userload people set|lock|unlock|unpin|unlink|merge|erase|unerase`: what people do by hand.

mod locks;
mod set;
mod whole;

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Link, Lock, Person, Pin, Run};
use super::people;
use super::session::Session;
use super::trouble::Trouble;
use crate::config::nearest;
use crate::model::{CONNECTOR_SYNC_TIME, Target, Targets};
use crate::store::{PersonRow, Store};
use crate::sync::RunReport;
use locks::{lock, unlock, unpin};
use set::set;
use whole::{erase, merge, unerase, unlink};

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
