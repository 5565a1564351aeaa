//! `userload people`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, Person, line};
use super::output::{Column, Table, count, cut, number, shown};
use super::people_file::{self, Csv};
use super::session::Session;
use super::trouble::Trouble;
use super::{hand, run as commands};
use crate::store::{Found, PeopleFilter, PersonRow, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List people
    ///
    /// Example: userload people list --integration contoso --held --csv > questions.csv
    List {
        /// Only those whose username, email or display name has this in it
        #[arg(long, short, value_name = "TEXT")]
        search: Option<String>,
        /// Only active people
        #[arg(long, conflicts_with = "inactive")]
        active: bool,
        /// Only inactive people
        #[arg(long)]
        inactive: bool,
        /// Only those whom this integration has linked
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// Only those about whom something is held for you to decide
        #[arg(long)]
        held: bool,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// After so many
        #[arg(long, default_value_t = 0)]
        offset: u32,
        /// As CSV, with every field
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Show one person: fields, links to the source, history
    ///
    /// Example: userload people show ana.perez@contoso.example
    Show {
        /// Username, email, employee id, id, source id, or the beginning of one
        who: String,
    },
    /// Create and update people from a CSV file, by hand: all of it or nothing
    ///
    /// Columns are fields by name or label, `username` among them, and `status`. An empty cell leaves the
    /// field as it is.
    ///
    /// Example: userload people import staff.csv
    Import {
        /// The file; its first line names the columns
        file: PathBuf,
    },
    #[command(flatten)]
    Hand(hand::Command),
    /// Write everybody, ordered by id: the same directory gives the same bytes
    ///
    /// Example: userload people export > people.csv
    Export {
        /// Only active or only inactive people
        #[arg(long)]
        status: Option<Status>,
        /// As CSV, which it is anyway unless --json is given
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Status {
    Active,
    Inactive,
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::List { search, active, inactive, integration, held, limit, offset, csv } => {
            let active = if active { Some(true) } else { inactive.then_some(false) };
            let filter = PeopleFilter { active, search, integration, held, limit: Some(limit), offset };
            list(session, &filter, csv)
        }
        Command::Show { who } => show(session, &who),
        Command::Import { file } => import(session, &file),
        Command::Hand(command) => hand::run(session, command),
        Command::Export { status, csv: _ } => {
            export(session, status.map(|status| matches!(status, Status::Active)))
        }
    }
}

fn list(session: &Session, filter: &PeopleFilter, csv: bool) -> Result<ExitStatus> {
    let store = session.store()?;
    if let Some(name) = &filter.integration {
        session.integration_row(&store, Some(name))?;
    }
    let people = store.people(filter, &session.stamped(&store)?)?;
    let all = store.count_people(filter)?;
    let printer = session.printer;
    if printer.json() {
        let people_v1: Vec<Person<'_>> = people.iter().map(Person::from).collect();
        printer.answer(&Answer::new("total", all).and("people", people_v1).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if csv {
        let mut csv = Csv::new(printer.data());
        csv.row(people_file::header(store.targets()))?;
        for person in &people {
            csv.row(people_file::cells(person, store.targets())?)?;
        }
        csv.finish()?;
        return Ok(ExitStatus::Done);
    }
    if people.is_empty() {
        printer.answer(if all > 0 { "nobody there: fewer people than the offset" } else { "nobody" })?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Name"),
        Column::Text("Username"),
        Column::Text("Department"),
        Column::Text("Access role"),
        Column::Text("Status"),
    ]);
    for person in &people {
        let cell =
            |field: &str, width| cut(&shown(&person.text(field).unwrap_or_default()), width).into_owned();
        table.row([
            cell("display_name", 32),
            cell("username", 48),
            cell("department", 24),
            cell("access_role", 16),
            status(person).to_owned(),
        ]);
    }
    printer.answer(&table.render(0, printer.paint()))?;
    let listed = people.len() as u64;
    if listed < all {
        printer.story(&format!(
            "{} of {}; `--offset {}` lists the next",
            number(listed),
            count(all, "person", "people"),
            u64::from(filter.offset) + listed
        ));
    }
    Ok(ExitStatus::Done)
}

pub(super) fn status(person: &PersonRow) -> &'static str {
    if person.active { "active" } else { "inactive" }
}

/// The person that somebody named.
pub(super) fn find(session: &Session, store: &Store, who: &str) -> Result<Box<PersonRow>> {
    let person = match store.find_person(who, &session.stamped(store)?)? {
        Found::One(person) => person,
        Found::Nobody => {
            return Err(Trouble::usage(format!("there is nobody `{}`", shown(who)))
                .help("`userload people list --search TEXT` looks in usernames, emails and display names")
                .into());
        }
        Found::Several(people) => {
            let names: Vec<String> = people
                .iter()
                .map(|it| {
                    format!("  {}  {}", &it.uid, shown(&it.text("username").unwrap_or_else(|| it.name())))
                })
                .collect();
            return Err(Trouble::usage(format!(
                "`{}` is more than one person:\n{}",
                shown(who),
                names.join("\n")
            ))
            .help("type more of it, or the id")
            .into());
        }
    };
    Ok(person)
}

fn show(session: &Session, who: &str) -> Result<ExitStatus> {
    let store = session.store()?;
    let person = find(session, &store, who)?;
    super::person_card::show(session, &store, &person)
}

/// The access roles that a file may give: those of all integrations, and the default ones.
pub(super) fn access_roles(session: &Session, store: &Store) -> Result<Vec<String>> {
    let mut roles: Vec<String> = crate::config::DEFAULT_ACCESS_ROLES.map(str::to_owned).to_vec();
    for row in store.integrations()? {
        if let Ok(integration) = session.parse(store, &row) {
            roles.extend(integration.access_roles);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    roles.retain(|role| seen.insert(crate::model::fold_key(role).unwrap_or_default().into_owned()));
    Ok(roles)
}

fn import(session: &Session, file: &PathBuf) -> Result<ExitStatus> {
    let name =
        file.file_name().map_or_else(|| file.display().to_string(), |it| it.to_string_lossy().into_owned());
    let bytes = std::fs::read(file).map_err(|error| {
        Trouble::usage(format!("cannot read `{}`: {error}", file.display()))
            .help("give the path of a CSV file; `userload people import --help` says what is in it")
    })?;
    let mut store = session.store_or_new()?;
    let (import, passed_over) =
        people_file::read(&name, &bytes, &access_roles(session, &store)?, store.targets())?;
    for column in passed_over {
        session
            .printer
            .story(&format!("the column `{}` is passed over: it is not for hands to write", shown(&column)));
    }
    let imported = store.import_people(&import, session.now())?;
    commands::show(session, &imported.report, true, false)
}

fn export(session: &Session, active: Option<bool>) -> Result<ExitStatus> {
    let store = session.store()?;
    let stamped = session.stamped(&store)?;
    if session.printer.json() {
        let mut data = session.printer.data();
        data.write("{\"version\":1,\"people\":[")?;
        let mut first = true;
        store.each_person(active, &stamped, |person| -> Result<()> {
            data.write(if first { "\n" } else { ",\n" })?;
            first = false;
            Ok(data.write(&line(&Person::from(&person))?)?)
        })??;
        data.write("\n]}\n")?;
        data.finish()?;
        return Ok(ExitStatus::Done);
    }
    let mut csv = Csv::new(session.printer.data());
    csv.row(people_file::header(store.targets()))?;
    store
        .each_person(active, &stamped, |person| csv.row(people_file::cells(&person, store.targets())?))??;
    csv.finish()?;
    Ok(ExitStatus::Done)
}
