//! `userload mapping`: look at a mapping, change it, try it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::exit::ExitStatus;
use super::integration_save::{read, save_text};
use super::mapping_views as views;
use super::output::json_v1::Answer;
use super::output::{Bars, shown};
use super::session::Session;
use super::trouble::Trouble;
use super::{proof, services};
use crate::config::{self, Integration, edit, nearest};
use crate::model::Targets;
use crate::store::{Found, IntegrationRow, Store, fields};
use crate::sync::look::terms_of;
use crate::sync::mapping_diff::{Changed, blast_radius, properties};
use crate::sync::mapping_smart::propose;
use crate::sync::mapping_test::run_tests;
use crate::sync::preflight;
use crate::sync::sample::{SAMPLE_USERS, read_sample, read_users};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Propose a mapping from what the source's users look like
    ///
    /// Reads a sample, changes nothing. With `--write` the proposals for fields that are not mapped yet are
    /// added to the document; what it says already stays.
    ///
    /// Example: userload mapping smart contoso --write
    Smart {
        /// The integration; may be left out when there is only one
        #[arg(value_name = "INTEGRATION", conflicts_with = "credential")]
        name: Option<String>,
        /// Read through a credential that no integration uses yet
        #[arg(long, value_name = "NAME", conflicts_with = "write")]
        credential: Option<String>,
        /// How many users to look at
        #[arg(long, value_name = "COUNT", default_value_t = SAMPLE_USERS as u32, value_parser = clap::value_parser!(u32).range(1..=20_000))]
        users: u32,
        /// Add the proposals to the document
        #[arg(long)]
        write: bool,
    },
    /// Show how each field of people is filled
    ///
    /// Example: userload mapping show contoso
    Show {
        /// The integration; may be left out when there is only one
        #[arg(value_name = "INTEGRATION")]
        name: Option<String>,
    },
    /// Map fields; shows what changed in the document
    ///
    /// A source is a property or a label, or TOML for more: `city={ source = "City", null = "keep" }`.
    ///
    /// Example: userload mapping set department=Department 'job_title=Job Title'
    Set {
        /// Field and source
        #[arg(value_name = "TARGET=SOURCE", required = true)]
        rules: Vec<String>,
        /// The integration; may be left out when there is only one
        #[arg(short, long = "integration", value_name = "NAME")]
        name: Option<String>,
    },
    /// Map fields no more; their values stay with the people
    ///
    /// Example: userload mapping unset fax_number
    Unset {
        /// The fields
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
        /// The integration; may be left out when there is only one
        #[arg(short, long = "integration", value_name = "NAME")]
        name: Option<String>,
    },
    /// Show what a changed document would do to the people that exist; changes nothing
    ///
    /// Who would change, be filtered out or let in, and whose record could not be mapped, by the records that
    /// the last runs have stored. What those do not have is shown as unknown: `--from-source` reads it.
    ///
    /// Example: userload mapping diff contoso -f new.toml --from-source
    Diff {
        /// The integration; may be left out when there is only one
        #[arg(value_name = "INTEGRATION")]
        name: Option<String>,
        /// The changed document (TOML); `-` reads standard input
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        /// Read the first users from the source instead, so many
        #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "20000", value_parser = clap::value_parser!(u32).range(1..=20_000))]
        from_source: Option<u32>,
    },
    /// Run the records that are kept beside the mapping, with what it is to make of them
    #[command(after_long_help = TESTS)]
    Test {
        /// The integration; may be left out when there is only one
        #[arg(value_name = "INTEGRATION")]
        name: Option<String>,
        /// Tests of this file (TOML) instead of the document's; `-` reads standard input
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print a test made from the stored record of this person
        #[arg(long, value_name = "PERSON", conflicts_with = "file")]
        record: Option<String>,
    },
}

const TESTS: &str = r#"A test stands in the integration's document, or in a file of its own. A document whose
tests fail is not saved.

  [[mapping-test]]
  name = "somebody without a mail address"
  raw = '''
  {"id": "1", "userPrincipalName": "ann@contoso.example", "mail": null}
  '''
  expect = { username = "ann@contoso.example" }
  empty = ["email"]          # empty or not written
  # fails = "username"       the record is to fail for this field

Example: userload mapping test contoso --record ann@contoso.example >> contoso.toml"#;

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Smart { credential: Some(credential), users, .. } => {
            smart_of_credential(session, &credential, users)
        }
        Command::Smart { name, users, write, .. } => smart(session, name.as_deref(), users, write),
        Command::Show { name } => show(session, name.as_deref()),
        Command::Set { rules, name } => set(session, name.as_deref(), &rules),
        Command::Unset { targets, name } => unset(session, name.as_deref(), &targets),
        Command::Diff { name, file, from_source } => diff(session, name.as_deref(), &file, from_source),
        Command::Test { name, record: Some(record), .. } => record_test(session, name.as_deref(), &record),
        Command::Test { name, file, .. } => test(session, name.as_deref(), file.as_ref()),
    }
}

fn found(session: &Session, name: Option<&str>) -> Result<(Store, IntegrationRow, Integration)> {
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    let integration = session.parse(&store, &row)?;
    Ok((store, row, integration))
}

fn smart(session: &Session, name: Option<&str>, users: u32, write: bool) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    let site = session.site()?;
    let mut ready = services::ready(session, site, &store, &row)?.map_err(services::all)?;
    drop(store);
    let bars = Bars::new(session.printer);
    let sample = read_sample(
        site.net.handle(),
        &mut ready.connector,
        &ready.source,
        &site.fields,
        users as usize,
        &bars,
    )?;
    bars.done();
    let smart = propose(&sample, &site.manifest.suggestions, &site.fields, &session.targets()?);
    if !write {
        views::smart(session, &sample, &smart)?;
        if !session.printer.json() {
            session.printer.story(&format!(
                "next: `userload mapping smart {} --write` adds what is not mapped yet",
                shown(&row.name)
            ));
        }
        return Ok(ExitStatus::Done);
    }
    let rules: Vec<(String, String)> = smart
        .proposals
        .iter()
        .filter(|it| it.taken)
        .map(|it| (it.target.clone(), it.label.clone()))
        .collect();
    let (text, added) =
        edit::add_rules(&row.document, &rules, &smart.match_keys()).map_err(|error| broken(&row, &error))?;
    if added.is_empty() {
        session.printer.story("every field that could be proposed is mapped already");
    }
    save_text(session, &row.name, &text)
}

fn smart_of_credential(session: &Session, name: &str, users: u32) -> Result<ExitStatus> {
    let mut opened = match proof::open_credential(session, name)? {
        Ok(opened) => opened,
        Err(problems) => return Err(services::all(problems)),
    };
    let site = session.site()?;
    let source = crate::engine::contract::Source { page_size: 999, ..opened.source };
    let bars = Bars::new(session.printer);
    let sample =
        read_sample(site.net.handle(), &mut opened.connector, &source, &site.fields, users as usize, &bars)?;
    bars.done();
    views::smart(
        session,
        &sample,
        &propose(&sample, &site.manifest.suggestions, &site.fields, &session.targets()?),
    )?;
    Ok(ExitStatus::Done)
}

fn show(session: &Session, name: Option<&str>) -> Result<ExitStatus> {
    let (store, row, integration) = found(session, name)?;
    let rules = edit::written_rules(&row.document).map_err(|error| broken(&row, &error))?;
    let others = preflight::others(&store, &integration, &session.site()?.fields);
    let others = others.map_err(|problem| services::all(vec![problem]))?;
    views::rules(session, &row, &integration, &rules, &others, store.targets())?;
    Ok(ExitStatus::Done)
}

fn broken(row: &IntegrationRow, error: &str) -> anyhow::Error {
    Trouble::usage(format!("the document of `{}` cannot be changed: {error}", row.name))
        .help(format!(
            "take it with `userload integration show {0} > {0}.toml`, and save it again with `userload integration \
             save -f {0}.toml`",
            row.name
        ))
        .into()
}

fn set(session: &Session, name: Option<&str>, rules: &[String]) -> Result<ExitStatus> {
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(rules.len());
    for rule in rules {
        let Some((target, source)) = rule.split_once('=').map(|(t, s)| (t.trim(), s.trim())) else {
            return Err(Trouble::usage(format!("`{rule}` says no source, expected TARGET=SOURCE"))
                .help("such as `userload mapping set department=Department`")
                .into());
        };
        if target.is_empty() || source.is_empty() {
            return Err(Trouble::usage(format!("`{rule}` is not whole, expected TARGET=SOURCE"))
                .help("`userload mapping unset TARGET` takes a field out of the mapping")
                .into());
        }
        if pairs.iter().any(|(known, _)| known == target) {
            return Err(Trouble::usage(format!("`{target}` is set twice")).into());
        }
        pairs.push((target.to_owned(), source.to_owned()));
    }
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    drop(store);
    let text = edit::set_rules(&row.document, &pairs).map_err(|error| broken(&row, &error))?;
    save_text(session, &row.name, &text)
}

fn unset(session: &Session, name: Option<&str>, targets: &[String]) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    drop(store);
    match edit::unset_rules(&row.document, targets).map_err(|error| broken(&row, &error))? {
        Ok(text) => save_text(session, &row.name, &text),
        Err(target) => {
            let rules = edit::written_rules(&row.document).map_err(|error| broken(&row, &error))?;
            let trouble = Trouble::usage(format!("`{target}` is not in the mapping of `{}`", row.name));
            Err(match nearest(&target, rules.iter().map(|it| it.target.as_str())) {
                Some(near) if near != target => trouble.help(format!("did you mean `{near}`?")),
                _ => trouble.help(format!("`userload mapping show {}` shows what is", row.name)),
            }
            .into())
        }
    }
}

fn diff(
    session: &Session,
    name: Option<&str>,
    file: &PathBuf,
    from_source: Option<u32>,
) -> Result<ExitStatus> {
    let (store, row, current) = found(session, name)?;
    let (name_of_file, text) = read(file)?;
    let site = session.site()?;
    let new = config::parse(&name_of_file, &text, &site.fields, store.targets())?;
    if new.name != current.name {
        return Err(Trouble::usage(format!(
            "`{name_of_file}` is a document of `{}`, not of `{}`",
            new.name, current.name
        ))
        .help("give the changed document of the same integration")
        .into());
    }
    services::examine(session, &new, &name_of_file, &text, store.targets())?;
    let others = preflight::others(&store, &new, &site.fields);
    let others = others.map_err(|problem| services::all(vec![problem]))?;
    let terms = terms_of(&store, &row, &site.fields).map_err(|problem| services::all(vec![problem]))?;
    let transformer = &mut site.transformer();
    let applied = row.applied_shape.clone();
    let read = match from_source {
        None => None,
        Some(most) => {
            let changed =
                IntegrationRow { document: text, credential: new.credential.clone(), ..row.clone() };
            let mut ready = services::ready(session, site, &store, &changed)?.map_err(services::all)?;
            let source = &mut ready.source;
            source.select.extend(properties(transformer, &current)?);
            source.select.sort_unstable();
            source.select.dedup();
            let bars = Bars::new(session.printer);
            let (net, connector) = (site.net.handle(), &mut ready.connector);
            let read = read_users(net, connector, source, most as usize, &bars)?;
            bars.done();
            Some((read.users, read.whole))
        }
    };
    let blast = blast_radius(&store, transformer, terms, Changed { new, others, applied, read })?;
    let ask = format!("userload mapping diff {} -f {name_of_file} --from-source", row.name);
    super::mapping_blast::blast(session, &row.name, &blast, &shown(&ask))?;
    Ok(ExitStatus::Done)
}

fn test(session: &Session, name: Option<&str>, file: Option<&PathBuf>) -> Result<ExitStatus> {
    let (_, row, integration) = found(session, name)?;
    let tests = match file {
        None => integration.mapping_tests.clone(),
        Some(file) => {
            let (name_of_file, text) = read(file)?;
            config::read_mapping_tests(&name_of_file, &text)?
        }
    };
    if tests.is_empty() {
        return Err(Trouble::usage(format!("`{}` has no mapping test yet", row.name))
            .help(
                "`userload mapping test --help` shows one; `--record PERSON` makes one from a stored record",
            )
            .into());
    }
    let mut transformer = session.site()?.transformer();
    let results = run_tests(&mut transformer, &config::mapping_text(&integration), &tests)?;
    views::tests(session, &results)?;
    let passed = results.iter().all(crate::sync::mapping_test::TestResult::passed);
    Ok(if passed { ExitStatus::Done } else { ExitStatus::Failed })
}

fn record_test(session: &Session, name: Option<&str>, who: &str) -> Result<ExitStatus> {
    let (store, row, integration) = found(session, name)?;
    let person = match store.find_person(who, &[])? {
        Found::One(person) => person,
        Found::Nobody => {
            return Err(Trouble::usage(format!("there is nobody `{who}`"))
                .help("`userload people list --search TEXT` finds people")
                .into());
        }
        Found::Several(people) => {
            let names: Vec<String> = people.iter().map(|it| format!("`{}`", it.name())).collect();
            return Err(Trouble::usage(format!("`{who}` could be {}", names.join(", ")))
                .help("name one of them by their whole username")
                .into());
        }
    };
    let Some(document) = store.document_of(&row.name, person.id)? else {
        return Err(Trouble::usage(format!("`{}` has no record of {}", row.name, person.name()))
            .help("a record is kept of everybody whom an applied run of the integration has linked")
            .into());
    };
    let mut transformer = session.site()?.transformer();
    let mapped = transformer.map_record(&config::mapping_text(&integration), &document.raw)?;
    let mapped = mapped.map_err(|bad| {
        let field = bad.field.map(|it| format!("{it}: ")).unwrap_or_default();
        Trouble::failed(format!("the record of {} cannot be mapped: {field}{}", person.name(), bad.reason))
    })?;
    let (mut expect, mut empty) = (Vec::new(), Vec::new());
    for (field, value) in &fields::parse(&mapped.fields)? {
        match value.get() {
            "null" => empty.push((*field).to_owned()),
            json => expect.push(((*field).to_owned(), json.to_owned())),
        }
    }
    let text = edit::test_text(&format!("as {}", person.name()), &document.raw, &expect, &empty);
    if session.printer.json() {
        session.printer.answer(&Answer::new("mapping_test", &text).text()?)?;
    } else {
        let mut data = session.printer.data();
        data.write(&text)?;
        data.finish()?;
        session.printer.story("this is a record of a real person: make the values up before you pass it on");
    }
    Ok(ExitStatus::Done)
}

/// What people call a field.
pub(super) fn label(targets: &Targets, target: &str) -> String {
    targets.named(target).map_or_else(|| target.to_owned(), |it| it.label.clone())
}
