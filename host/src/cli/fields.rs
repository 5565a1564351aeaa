//! `userload fields`.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::exit::ExitStatus;
use super::output::json_v1::Answer;
use super::output::{Column, Table, count, number, shown};
use super::session::Session;
use super::trouble::Trouble;
use crate::config::nearest;
use crate::model::{Filled, Target, ValueType};
use crate::store::{Store, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the fields that people have
    ///
    /// Example: userload fields list --custom
    List {
        /// Only those of your own
        #[arg(long)]
        custom: bool,
    },
    /// Add a field of your own; it works wherever a built-in one does
    ///
    /// Example: userload fields add "Cost centre" --type text
    Add {
        /// Its name for people; the name for documents follows from it (`cost_centre`)
        label: String,
        /// Its name in documents, JSON and CSV: small letters, digits and `_`
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What it holds
        #[arg(long = "type", value_enum, default_value = "text", value_name = "TYPE")]
        value_type: Kind,
        /// People can be found and matched by it: their values are their own
        #[arg(long, visible_alias = "unique")]
        key: bool,
    },
    /// Give a field of your own another name for people; documents go on naming it as they did
    ///
    /// Example: userload fields rename cost_centre "Cost center"
    Rename {
        /// The field, by name or label
        field: String,
        /// Its new name for people
        label: String,
    },
    /// Remove a field of your own
    ///
    /// Not while a mapping fills it or matches by it. Not while people have values in it, unless `--force` takes
    /// them away; the history of each person keeps them.
    ///
    /// Example: userload fields remove shirt_size
    Remove {
        /// The field, by name or label
        field: String,
        /// Take away the values that people have in it
        #[arg(long)]
        force: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Any text
    Text,
    /// True or false
    Flag,
    /// A number, in the digits of the source
    Number,
    /// A moment (RFC 3339)
    Time,
}

impl From<Kind> for ValueType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Flag => Self::Flag,
            Kind::Number => Self::Number,
            Kind::Time => Self::Time,
        }
    }
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::List { custom } => list(session, custom),
        Command::Add { label, name, value_type, key } => {
            add(session, &label, name.as_deref(), value_type.into(), key)
        }
        Command::Rename { field, label } => rename(session, &field, &label),
        Command::Remove { field, force } => remove(session, &field, force),
    }
}

/// A field in a list.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    label: &'a str,
    #[serde(rename = "type")]
    value_type: ValueType,
    key: bool,
    mandatory: bool,
    custom: bool,
    people: u64,
    filled_by: Vec<String>,
}

/// Names of the integrations that fill each field, or match by it.
fn fillers(session: &Session, store: &Store, field: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for row in store.integrations()? {
        let Ok(integration) = session.parse(store, &row) else { continue };
        let fills = integration.mapping.iter().any(|rule| rule.target.name == field);
        if fills || integration.match_keys.iter().any(|it| it == field) {
            names.push(row.name);
        }
    }
    Ok(names)
}

fn list(session: &Session, custom: bool) -> Result<ExitStatus> {
    let store = session.store()?;
    let filled = store.filled_fields()?;
    let mut lines = Vec::new();
    for target in store.targets().iter().filter(|it| it.custom || !custom) {
        lines.push(Line {
            name: &target.name,
            label: &target.label,
            value_type: target.value_type,
            key: target.key,
            mandatory: target.mandatory,
            custom: target.custom,
            people: filled.get(&target.name).copied().unwrap_or(0),
            filled_by: fillers(session, &store, &target.name)?,
        });
    }
    if session.printer.json() {
        session.printer.answer(&Answer::new("fields", lines).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if lines.is_empty() {
        session.printer.answer("no fields of your own: `userload fields add LABEL` adds one")?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Field"),
        Column::Text("Label"),
        Column::Text("Type"),
        Column::Text("What it is"),
        Column::Number("People"),
        Column::Text("Filled by"),
    ]);
    for line in &lines {
        let mut what = Vec::new();
        if line.mandatory {
            what.push("mandatory");
        }
        if line.key {
            what.push("key");
        }
        if line.custom {
            what.push("your own");
        }
        table.row([
            shown(line.name).into_owned(),
            shown(line.label).into_owned(),
            line.value_type.name().to_owned(),
            what.join(", "),
            number(line.people),
            shown(&line.filled_by.join(", ")).into_owned(),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    Ok(ExitStatus::Done)
}

/// The name that follows from a label: `Cost centre` becomes `cost_centre`.
fn name_of(label: &str) -> String {
    let mut name = String::new();
    for letter in label.trim().chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// The label that follows from a name: `cost_centre` becomes `Cost centre`.
fn label_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn is_sound(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.len() <= 64
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

fn add(
    session: &Session,
    text: &str,
    name: Option<&str>,
    value_type: ValueType,
    key: bool,
) -> Result<ExitStatus> {
    let text = label(text)?;
    // What looks like a name for documents is one: people get a friendlier one.
    let (name, label) = match name {
        Some(name) => (name.to_owned(), text),
        None if is_sound(&text) => (text.clone(), label_of(&text)),
        None => (name_of(&text), text),
    };
    if !is_sound(&name) {
        return Err(Trouble::usage(format!(
            "`{}` is no name for documents, expected small letters, digits and `_`, at most 64, a letter first",
            shown(&name)
        ))
        .help("give one: `userload fields add LABEL --name cost_centre`")
        .into());
    }
    // What an import and an export call something else.
    if ["uid", "id", "status"].contains(&name.as_str()) {
        return Err(Trouble::usage(format!("`{name}` means something else in a file of people"))
            .help("give another name: `--name`")
            .into());
    }
    let field =
        Target { name, label, value_type, key, mandatory: false, filled: Filled::ByMapping, custom: true };
    let mut store = session.store_or_new()?;
    store.add_field(&field, session.now()).map_err(taken)?;
    if session.printer.json() {
        let answer = Answer::new("field", &field.name)
            .and("label", &field.label)
            .and("type", field.value_type)
            .and("key", field.key);
        session.printer.answer(&answer.text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!("field {} added: {}", shown(&field.name), shown(&field.label)))?;
    session.printer.story(&format!(
        "next: fill it by a line in `[mapping]`, such as `{} = \"onPremisesExtensionAttributes.extensionAttribute1\"`",
        shown(&field.name)
    ));
    Ok(ExitStatus::Done)
}

/// A name for people: one line of text, no longer than a heading.
fn label(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 64 || text.chars().any(char::is_control) {
        return Err(Trouble::usage("a label is a line of 1 to 64 characters").into());
    }
    Ok(text.to_owned())
}

/// A name that cannot be had.
fn taken(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Refused(what) => Trouble::usage(what)
            .help("`userload fields list` lists the fields that people have; map that one, or take another name")
            .into(),
        error => error.into(),
    }
}

/// A field of the tenant's own, by name or label.
fn own(store: &Store, text: &str) -> Result<String> {
    match store.targets().find(text) {
        Some(field) if field.custom => Ok(field.name.clone()),
        Some(field) => {
            Err(Trouble::usage(format!("`{}` is built in: only your own fields change", field.name))
                .help("`userload fields list --custom` lists your own")
                .into())
        }
        None => {
            let own: Vec<&str> =
                store.targets().iter().filter(|it| it.custom).map(|it| it.name.as_str()).collect();
            let trouble = Trouble::usage(format!("there is no field `{}`", shown(text)));
            Err(match nearest(text, own.iter().copied()) {
                Some(near) => trouble.help(format!("did you mean `{near}`?")),
                None if own.is_empty() => {
                    trouble.help("there is none of your own yet: `userload fields add LABEL`")
                }
                None => trouble.help(format!("your own fields: {}", own.join(", "))),
            }
            .into())
        }
    }
}

fn rename(session: &Session, field: &str, text: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let (name, text) = (own(&store, field)?, label(text)?);
    store.rename_field(&name, &text).map_err(taken)?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("field", &name).and("label", &text).text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!("field {} is called {} now", shown(&name), shown(&text)))?;
    Ok(ExitStatus::Done)
}

fn remove(session: &Session, field: &str, force: bool) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let name = own(&store, field)?;
    let fillers = fillers(session, &store, &name)?;
    if !fillers.is_empty() {
        return Err(Trouble::usage(format!("`{name}` is mapped by {}", shown(&fillers.join(", "))))
            .help("take it out of the mapping and the match keys first: `userload integration save -f FILE`")
            .into());
    }
    // A document that cannot be read may name it.
    for row in store.integrations()? {
        session.parse(&store, &row)?;
    }
    let people = store.filled_fields()?.get(&name).copied().unwrap_or(0);
    if people > 0 && !force {
        let people = count(people, "person has", "people have");
        return Err(Trouble::usage(format!("{people} a value in `{name}`: nothing was removed"))
            .help(format!(
                "`userload fields remove {name} --force` takes the values away; history keeps them"
            ))
            .into());
    }
    let removed = store.remove_field(&name, force, session.now())?;
    if session.printer.json() {
        let answer = Answer::new("removed", &name).and("emptied", removed.emptied).and("run", removed.run);
        session.printer.answer(&answer.text()?)?;
        return Ok(ExitStatus::Done);
    }
    let emptied = match removed.run {
        Some(run) => {
            format!("; {} lost a value (run {run})", count(removed.emptied, "person", "people"))
        }
        None => String::new(),
    };
    session.printer.answer(&format!("field {} removed{emptied}", shown(&name)))?;
    Ok(ExitStatus::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_labels_and_labels_from_names() {
        assert_eq!(name_of(" Cost centre (EU) "), "cost_centre_eu");
        assert_eq!(name_of("Größe"), "gr_e");
        assert_eq!(label_of("cost_centre"), "Cost centre");
        assert!(is_sound("a1_b") && !is_sound("1a") && !is_sound("A") && !is_sound("") && !is_sound("é"));
    }
}
