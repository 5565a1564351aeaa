//! `userload people set`.

use anyhow::Result;

use super::field;
use crate::cli::exit::ExitStatus;
use crate::cli::output::json_v1::{Answer, Person};
use crate::cli::output::{field_changes, shown, stored_differences};
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use crate::cli::{people, people_file};
use crate::model::ACCESS_ROLE;
use crate::store::{Edit, PersonRow, Store};

pub(super) fn set(
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
