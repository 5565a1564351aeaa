//! `userload saas`.

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, SaasApplication};
use super::output::{Column, Table, count, cut, number, shown, time};
use super::saas_users;
use super::session::Session;
use super::trouble::Trouble;
use crate::config::IDLE_AFTER_DAYS;
use crate::model::{Millis, fold_key};
use crate::store::{CatalogEntry, Idle, SaasApplication as Application, Store};
use crate::sync::saas_link;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List SaaS applications: users, how many are idle, when they were read
    ///
    /// Example: userload saas list
    List,
    /// List the users of an application: who, role, last activity, idle for how long
    ///
    /// The last activity is the last sign-in to the tenant, not to the application alone. What the source did
    /// not tell is unknown, which is not never.
    ///
    /// Example: userload saas users "Microsoft Entra ID" --idle 90
    Users {
        /// The application; may be left out when there is only one
        application: Option<String>,
        /// Idle ones first, the longest idle on top [default: the integration's `idle-after-days`]
        #[arg(long, value_name = "DAYS", num_args = 0..=1, default_missing_value = "0",
              value_parser = clap::value_parser!(u32).range(0..=3650))]
        idle: Option<u32>,
        /// As CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Link an application to the software catalog, so that an integration can load its users
    ///
    /// The vendor's own application is linked by itself when an integration with
    /// `load = "users-and-saas"` is saved.
    ///
    /// Example: userload saas link Salesforce
    Link {
        /// The application's name
        application: String,
        /// The entry of the catalog, when it is called otherwise
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// The software catalog: list, add
    #[command(subcommand)]
    Catalog(Catalog),
}

#[derive(Debug, Subcommand)]
pub(super) enum Catalog {
    /// List the entries
    ///
    /// Example: userload saas catalog list
    List,
    /// Add an entry
    ///
    /// Example: userload saas catalog add Salesforce --publisher Salesforce --category CRM
    Add {
        /// Its name
        name: String,
        /// Whose software it is
        #[arg(long, default_value = "", hide_default_value = true)]
        publisher: String,
        /// What kind of software it is
        #[arg(long, default_value = "", hide_default_value = true)]
        category: String,
    },
}

const DAY: Millis = 24 * 60 * 60 * 1000;

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::List => list(session),
        Command::Users { application, idle, csv } => {
            saas_users::users(session, application.as_deref(), idle, csv)
        }
        Command::Link { application, entry } => link(session, &application, entry.as_deref()),
        Command::Catalog(Catalog::List) => catalog(session),
        Command::Catalog(Catalog::Add { name, publisher, category }) => {
            add(session, &name, &publisher, &category)
        }
    }
}

/// Days after which users of an application are idle: as the integration that loads them says.
pub(super) fn idle_days(session: &Session, store: &Store, integration: Option<&str>) -> Result<u32> {
    let row = integration.map(|name| store.integration(name)).transpose()?.flatten();
    let parsed = row.and_then(|row| session.parse(store, &row).ok());
    Ok(parsed.and_then(|it| it.saas).map_or(IDLE_AFTER_DAYS, |saas| saas.idle_after_days))
}

pub(super) fn before(session: &Session, days: u32) -> Idle {
    Idle { before: session.now() - Millis::from(days) * DAY }
}

fn list(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let mut lines = Vec::new();
    for application in store.saas_applications()? {
        let days = idle_days(session, &store, application.integration.as_deref())?;
        lines.push((store.saas_line(application.id, before(session, days))?, days));
    }
    let printer = session.printer;
    if printer.json() {
        let lines: Vec<SaasApplication<'_>> =
            lines.iter().map(|(line, days)| SaasApplication::new(line, *days)).collect();
        printer.answer(&Answer::new("applications", lines).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if lines.is_empty() {
        printer.answer("no SaaS applications yet")?;
        printer
            .story("next: `load = \"users-and-saas\"` in an integration's document links the vendor's own");
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Application"),
        Column::Number("Users"),
        Column::Number("Active"),
        Column::Number("Idle"),
        Column::Number("Unknown"),
        Column::Number("Unmatched"),
        Column::Text("Loaded by"),
        Column::Text("Last read"),
    ]);
    for (line, _) in &lines {
        table.row([
            cut(&shown(&line.name), 40).into_owned(),
            number(line.users),
            number(line.active),
            number(line.idle),
            number(line.unknown),
            number(line.unmatched),
            line.integration.as_deref().map(|name| shown(name).into_owned()).unwrap_or_default(),
            line.read_at.map_or_else(|| "never".to_owned(), time),
        ]);
    }
    printer.answer(&table.render(0, printer.paint()))?;
    for (line, days) in &lines {
        if line.idle > 0 {
            printer.story(&format!(
                "{} of {}: no sign-in to the tenant for {days} days or more; `userload saas users {} --idle`",
                count(line.idle, "user", "users"),
                shown(&line.name),
                quoted(&line.name)
            ));
        }
    }
    Ok(ExitStatus::Done)
}

/// A name as a shell takes it.
fn quoted(name: &str) -> String {
    let name = shown(name);
    if name.contains(|it: char| !it.is_alphanumeric() && !matches!(it, '-' | '_' | '.')) {
        format!("\"{name}\"")
    } else {
        name.into_owned()
    }
}

/// The application of that name; the only one when no name is given.
pub(super) fn application(store: &Store, name: Option<&str>) -> Result<Application> {
    let mut all = store.saas_applications()?;
    let names: Vec<String> = all.iter().map(|it| it.name.clone()).collect();
    let Some(name) = name else {
        if all.len() == 1 {
            return Ok(all.remove(0));
        }
        let trouble = match names.as_slice() {
            [] => Trouble::usage("there are no SaaS applications yet")
                .help("`load = \"users-and-saas\"` in an integration's document links the vendor's own"),
            names => Trouble::usage(format!("which SaaS application? {}", names.join(", ")))
                .help("name it: `userload saas users APPLICATION`"),
        };
        return Err(trouble.into());
    };
    let wanted = fold_key(name);
    match all.into_iter().find(|it| fold_key(&it.name) == wanted) {
        Some(found) => Ok(found),
        None => {
            Err(super::session::unknown("SaaS application", name, &names, "userload saas link NAME").into())
        }
    }
}

/// A name that somebody types: not empty, no control characters, not too long.
fn sound(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 120 || text.chars().any(char::is_control) {
        return Err(Trouble::usage(format!(
            "`{}` cannot be {what}: expected 1 to 120 characters on one line",
            shown(text)
        ))
        .into());
    }
    Ok(text.to_owned())
}

fn link(session: &Session, name: &str, entry: Option<&str>) -> Result<ExitStatus> {
    let name = sound("an application's name", name)?;
    let mut store = session.store()?;
    let known = saas_link::catalog(&session.site()?.manifest);
    let wanted = entry.unwrap_or(&name);
    let mut names: Vec<String> =
        store.catalog()?.into_iter().chain(known.clone()).map(|it| it.name).collect();
    names.sort();
    names.dedup();
    if !names.iter().any(|it| fold_key(it) == fold_key(wanted)) {
        return Err(super::session::unknown(
            "entry of the software catalog",
            wanted,
            &names,
            "userload saas catalog add NAME",
        )
        .into());
    }
    let there = store.saas_application(&name)?;
    if let Some(there) = there.filter(|it| fold_key(&it.entry) != fold_key(wanted)) {
        return Err(Trouble::usage(format!(
            "`{}` is linked to `{}` of the catalog already",
            shown(&there.name),
            shown(&there.entry)
        ))
        .into());
    }
    store.add_to_catalog(&known, session.now())?;
    let new = store.link_saas(&name, wanted, session.now())?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("application", &name).and("new", new).text()?)?;
        return Ok(ExitStatus::Done);
    }
    let says = if new { "is linked to the software catalog" } else { "is linked already" };
    session.printer.answer(&format!("{} {says}", shown(&name)))?;
    session.printer.story(&format!(
        "next: `saas-application = \"{}\"` in the document of the integration that loads its users",
        shown(&name)
    ));
    Ok(ExitStatus::Done)
}

fn catalog(session: &Session) -> Result<ExitStatus> {
    let mut entries = match session.store_if_any()? {
        Some(store) => store.catalog()?,
        None => Vec::new(),
    };
    for entry in saas_link::catalog(&session.site()?.manifest) {
        if !entries.iter().any(|it| fold_key(&it.name) == fold_key(&entry.name)) {
            entries.push(entry);
        }
    }
    entries.sort_by_cached_key(|it| it.name.to_lowercase());
    let printer = session.printer;
    if printer.json() {
        let entries: Vec<_> = entries
            .iter()
            .map(|it| {
                serde_json::json!({
                    "name": it.name, "publisher": it.publisher, "category": it.category, "by_hand": it.by_hand,
                })
            })
            .collect();
        printer.answer(&Answer::new("catalog", entries).text()?)?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Name"),
        Column::Text("Publisher"),
        Column::Text("Category"),
        Column::Text("From"),
    ]);
    for entry in &entries {
        table.row([
            shown(&entry.name).into_owned(),
            shown(&entry.publisher).into_owned(),
            shown(&entry.category).into_owned(),
            if entry.by_hand { "hand" } else { "plugin" }.to_owned(),
        ]);
    }
    printer.answer(&table.render(0, printer.paint()))?;
    Ok(ExitStatus::Done)
}

fn add(session: &Session, name: &str, publisher: &str, category: &str) -> Result<ExitStatus> {
    let optional = |what: &str, text: &str| {
        if text.trim().is_empty() { Ok(String::new()) } else { sound(what, text) }
    };
    let entry = CatalogEntry {
        name: sound("an entry's name", name)?,
        publisher: optional("a publisher", publisher)?,
        category: optional("a category", category)?,
        by_hand: true,
    };
    let known = saas_link::catalog(&session.site()?.manifest);
    let mut store = session.store_or_new()?;
    store.add_to_catalog(&known, session.now())?;
    let added = store.add_to_catalog(std::slice::from_ref(&entry), session.now())?;
    if added == 0 {
        return Err(Trouble::usage(format!("`{}` is in the software catalog already", shown(&entry.name)))
            .help(format!("`userload saas link {}` links an application to it", quoted(&entry.name)))
            .into());
    }
    if session.printer.json() {
        session.printer.answer(&Answer::new("added", &entry.name).text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!("{} is in the software catalog", shown(&entry.name)))?;
    session.printer.story(&format!("next: `userload saas link {}`", quoted(&entry.name)));
    Ok(ExitStatus::Done)
}
