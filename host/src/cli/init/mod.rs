//! `userload init`: from nothing to a draft. Everything is known, proven and looked at before anything is
//! written; the parts are those of `credential add`, `check`, `mapping smart` and `integration save`.

mod document;
mod questions;
mod show;

use std::fs;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::check as checks;
use super::credential::{self, Secrets, sound};
use super::credential_input::{KeyFile, Secret, Settings};
use super::credential_test::point_to_pages;
use super::exit::ExitStatus;
use super::integration;
use super::output::{Bars, Printer, count, number};
use super::population::Counter;
use super::proof::{self, CheckItem, Proven, Verdict, item};
use super::services;
use super::session::{Session, credential_outside, unknown};
use super::trouble::Trouble;
use crate::config::{self, DEFAULT_ACCESS_ROLES, Integration, is_sound_name, nearest};
use crate::credential::{Credential, Kept, SecretText};
use crate::engine::Connector;
use crate::engine::contract::{Identity, Setting, Source};
use crate::model::{Targets, fold_key};
use crate::store::{CredentialRow, IntegrationRow, Store, StoreError};
use crate::sync::adoption::{Adoption, preview};
use crate::sync::look::terms_of;
use crate::sync::mapping_smart::propose;
use crate::sync::preflight::{self, Problem};
use crate::sync::sample::{SAMPLE_USERS, read_sample};
use crate::sync::{FilterCheck, Progress};
use document::Said;
use questions::{Ask, Asker, Question};

/// Longer answers are none.
const LONGEST_ANSWER: u64 = 4096;

/// Arguments of `init`: every question has one.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// What the integration is to be called
    #[arg(value_name = "INTEGRATION")]
    name: Option<String>,
    /// The credential: one that is there, or the name of the new one
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// What everybody whom it loads may do in the directory: Employee, Contractor, External, Guest
    #[arg(long, value_name = "ROLE")]
    access_role: Option<String>,
    /// Whom to load, in Graph's $filter [default: Default, which is everybody]
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Deactivate who is disabled or deleted at the source; off when left out
    #[arg(long)]
    deactivate: bool,
    /// Who wins where another integration fills the same fields: the highest
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1_000_000..=1_000_000))]
    priority: Option<i32>,
    /// Let it reach this origin, though it is private or without TLS; can be given several times
    #[arg(long = "grant", value_name = "ORIGIN")]
    grants: Vec<String>,
    /// How many users to look at
    #[arg(long, value_name = "COUNT", default_value_t = SAMPLE_USERS as u32, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    users: u32,
    /// Where the document goes [default: INTEGRATION.toml]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Overwrite that file
    #[arg(long)]
    force: bool,
    /// Print the document; write and save nothing
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    key: KeyFile,
}

/// The credential of the new integration.
enum Chosen {
    /// One that the store has.
    Known(String),
    /// One to be added.
    New(String),
}

/// Everything that was answered.
struct Answers {
    name: String,
    credential: Chosen,
    access_role: String,
    filter: Option<String>,
    file: PathBuf,
}

/// The credential, ready to be used and, when it is new, to be kept.
struct Opening {
    row: CredentialRow,
    credential: Credential,
    /// What the store is to keep of a new one.
    secrets: Option<Secrets>,
}

/// What was found out, of which the answer tells.
pub(super) struct Found {
    items: Vec<CheckItem>,
    heads: super::population::Heads,
    sample: crate::sync::sample::Sample,
    smart: crate::sync::mapping_smart::SmartMapping,
    adoption: Adoption,
    document: String,
    /// What a launch needs more.
    missing: Vec<String>,
}

pub(super) fn run(session: &Session, mut arguments: Arguments) -> Result<ExitStatus> {
    let mut at_terminal = |text: &str, default: Option<&str>| ask(session.printer, text, default);
    let asks: Option<Ask<'_>> = if session.printer.can_ask() { Some(&mut at_terminal) } else { None };
    let answers = answers(session, &mut arguments, asks)?;
    let opening = open(session, &arguments, &answers)?;
    let bars = Bars::new(session.printer);
    let found = look(session, &arguments, &answers, &opening, &bars)?;
    bars.done();
    let found = match found {
        Ok(found) => found,
        Err(items) => {
            let status = checks::show(session, "Proof of the credential", &items)?;
            session.printer.story("nothing was saved; put it right, and type the same command again");
            return Ok(status);
        }
    };
    if arguments.dry_run {
        show::dry(session, &answers, &found)?;
        return Ok(ExitStatus::Done);
    }
    save(session, &arguments, &answers, opening, &found.document)?;
    show::saved(session, &answers, &found)?;
    Ok(ExitStatus::Done)
}

/// One question at the terminal.
fn ask(printer: Printer, text: &str, default: Option<&str>) -> Result<String> {
    let default = default.map(|it| format!(" [{it}]")).unwrap_or_default();
    printer.prompt(&format!("{text}{default}: "));
    let mut line = String::new();
    if std::io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line)? == 0 {
        return Err(Trouble::usage("nobody answers")
            .help("every question has a flag: `userload init --help`")
            .into());
    }
    Ok(line)
}

/// Everything that has to be known. Nothing is made or sent.
fn answers(session: &Session, arguments: &mut Arguments, asks: Option<Ask<'_>>) -> Result<Answers> {
    let store = session.store_if_begun()?;
    let (credentials, integrations) = match &store {
        Some(store) => (
            store.credentials()?.into_iter().map(|it| it.name).collect(),
            store.integrations()?.into_iter().map(|it| it.name).collect(),
        ),
        None => (Vec::new(), Vec::<String>::new()),
    };
    let mut asker = Asker::new(asks);
    let credential = choose(&mut asker, arguments, &credentials)?;
    if matches!(credential, Chosen::New(_)) {
        let ids = "it stands on the overview page of the app registration in Entra";
        for (id, text, flag) in [
            (&mut arguments.settings.tenant_id, "Directory (tenant) ID", "--tenant-id ID"),
            (&mut arguments.settings.client_id, "Application (client) ID", "--client-id ID"),
        ] {
            let question = Question { text, flag, about: ids, default: None, optional: false };
            let given = asker.answer(id.as_deref(), &question, filled)?;
            *id = Some(given);
        }
        if !asker.asks() && !arguments.secret.given() {
            asker.miss(
                "--secret-file FILE, --secret-env VARIABLE, --secret-stdin or --certificate FILE",
                "what the application proves itself with",
            );
        }
    }
    let proposed = proposed_name(arguments.settings.tenant_id.as_deref());
    let name = asker.answer(
        arguments.name.as_deref(),
        &Question {
            text: "Name of the integration",
            flag: "INTEGRATION",
            about: "what the integration is to be called, as `userload init NAME`",
            default: Some(&proposed),
            optional: false,
        },
        |name| match name {
            name if sound(name).is_err() => sound(name),
            name if integrations.iter().any(|it| it == name) => Err(format!(
                "there is an integration `{name}` already; `userload mapping smart {name}` proposes for it"
            )),
            _ => Ok(()),
        },
    )?;
    let access_role = asker.answer(
        arguments.access_role.as_deref(),
        &Question {
            text: "Access role of everybody whom it loads",
            flag: "--access-role ROLE",
            about: "what everybody whom it loads may do in the directory, such as Employee",
            default: Some("Employee"),
            optional: false,
        },
        |role| match DEFAULT_ACCESS_ROLES.iter().any(|it| fold_key(it) == fold_key(role)) {
            true => Ok(()),
            false => Err(format!(
                "`{}` is no access role, expected one of {}",
                role.escape_debug(),
                DEFAULT_ACCESS_ROLES.join(", ")
            )),
        },
    )?;
    let filter = asker.answer(
        arguments.filter.as_deref(),
        &Question {
            text: "Whom to load, in Graph's $filter; `Default` is everybody",
            flag: "--filter FILTER",
            about: "",
            default: Some("Default"),
            optional: true,
        },
        filled,
    )?;
    asker.whole()?;
    let file = arguments.file.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.toml")));
    if !arguments.dry_run && !arguments.force && fs::symlink_metadata(&file).is_ok() {
        return Err(Trouble::usage(format!("`{}` is there already", file.display()))
            .help("`--file FILE` writes the document elsewhere, `--force` overwrites it")
            .into());
    }
    let filter = Some(filter).filter(|it| !it.eq_ignore_ascii_case("default"));
    Ok(Answers { name, credential, access_role, filter, file })
}

fn filled(text: &str) -> Result<(), String> {
    match text {
        "" => Err("it is empty".to_owned()),
        text if text.chars().any(char::is_control) => Err("it has control characters".to_owned()),
        _ => Ok(()),
    }
}

/// A name for the integration: the first word of the tenant's domain name, when it was given as one.
fn proposed_name(tenant: Option<&str>) -> String {
    let word = tenant.and_then(|it| it.split_once('.')).map(|(word, _)| word);
    word.filter(|it| is_sound_name(it)).unwrap_or("people").to_owned()
}

/// Which credential: the one that was named, the only one there is, or a new one.
fn choose(asker: &mut Asker<'_>, arguments: &Arguments, names: &[String]) -> Result<Chosen> {
    let settings = &arguments.settings;
    let new = !settings.given()?.is_empty() || settings.expires_on()?.is_some() || arguments.secret.given();
    let chosen = |name: String| match names.contains(&name) {
        true => Chosen::Known(name),
        false => Chosen::New(name),
    };
    let default = match names {
        [] => Some("entra"),
        [one] if !new => Some(one.as_str()),
        names if new && !names.iter().any(|it| it == "entra") => Some("entra"),
        _ => None,
    };
    let there = match names {
        [] => "a name of yours".to_owned(),
        names => format!("{}, or a name for a new one", names.join(", ")),
    };
    let name = asker.answer(
        arguments.credential.as_deref(),
        &Question {
            text: &format!("Credential ({there})"),
            flag: "--credential NAME",
            about: &format!("what opens the source: {there}"),
            default,
            optional: true,
        },
        sound,
    )?;
    match chosen(name) {
        Chosen::Known(name) if new => Err(Trouble::usage(format!("there is a credential `{name}` already"))
            .help(format!(
                "leave its settings out to use it as it is, change it by `userload credential edit {name}`, or give \
                 `--credential` another name"
            ))
            .into()),
        // Nothing but a name, and nobody to ask for the rest: it was meant to be there.
        Chosen::New(name)
            if !new
                && !asker.asks()
                && arguments.credential.is_some()
                && nearest(&name, names.iter().map(String::as_str)).is_some() =>
        {
            Err(unknown("credential", &name, names, "userload credential add NAME").into())
        }
        chosen => Ok(chosen),
    }
}

/// The credential with its secrets: from the store, or as it is to be kept there.
fn open(session: &Session, arguments: &Arguments, answers: &Answers) -> Result<Opening> {
    let name = match &answers.credential {
        Chosen::Known(name) => {
            let store = session.store()?;
            let row = session.credential_row(&store, name)?;
            return Ok(Opening { credential: session.credential(&store, name)?, row, secrets: None });
        }
        Chosen::New(name) => name.clone(),
    };
    let (row, secrets) =
        credential::new_row(session, name, &arguments.settings, &arguments.secret, &arguments.key)?;
    let copy =
        |(name, text): (&String, &SecretText)| (name.clone(), SecretText::new(text.expose().to_owned()));
    let used = credential_outside(&row)?.unwrap_or_else(|| secrets.iter().map(copy).collect());
    let credential = Credential { name: row.name.clone(), settings: row.settings.clone(), secrets: used };
    Ok(Opening { row, credential, secrets: Some(secrets) })
}

/// A session at the source, and what is read through it.
struct Reading {
    connector: Connector,
    source: Source,
    filter: Option<FilterCheck>,
}

fn reading(session: &Session, opening: &Opening, integration: &Integration) -> Result<Reading> {
    let site = session.site()?;
    let copy =
        |(name, text): (&String, &SecretText)| (name.clone(), SecretText::new(text.expose().to_owned()));
    let credential = Credential {
        name: opening.credential.name.clone(),
        settings: opening.credential.settings.clone(),
        secrets: opening.credential.secrets.iter().map(copy).collect(),
    };
    // A credential that is not kept yet cannot be edited: its flags are what has to change.
    let here = |problems: Vec<Problem>| {
        let told = problems.into_iter().map(|mut problem| {
            if problem.place == "grants" {
                problem.help =
                    Some("`--grant ORIGIN` allows it here, and writes it into the document".to_owned());
            } else if opening.secrets.is_some()
                && problem.help.as_deref().is_some_and(|it| it.contains("credential edit"))
            {
                problem.help = Some("give another answer: `userload init --help`".to_owned());
            }
            problem
        });
        services::all(told.collect())
    };
    let settings: Vec<Setting> = preflight::complete(&site.plugin, &credential).map_err(here)?;
    let filter = FilterCheck::of(&site.plugin, integration, &settings)?;
    if let Some(problem) = filter.as_ref().and_then(FilterCheck::problem) {
        let trouble = Trouble::usage(format!("--filter: {}", problem.what));
        return Err(trouble.help(problem.help.unwrap_or_default()).into());
    }
    let connector = preflight::session(&site.plugin, &site.manifest, &settings, credential, integration);
    let source = Source {
        settings,
        filter: integration.filter.clone(),
        select: Vec::new(),
        page_size: integration.page_size,
        delta: false,
    };
    Ok(Reading { connector: connector.map_err(here)?, source, filter })
}

/// Proves the credential, reads a sample, proposes, counts and previews. Changes nothing. What the credential
/// lacks is a list of its own.
fn look(
    session: &Session,
    arguments: &Arguments,
    answers: &Answers,
    opening: &Opening,
    progress: &dyn Progress,
) -> Result<Result<Found, Vec<CheckItem>>> {
    let site = session.site()?;
    let targets = session.store_if_begun()?.map_or_else(Targets::built_in, |store| store.targets().clone());
    let about = &opening.row.about;
    let said = Said {
        name: &answers.name,
        credential: &opening.row.name,
        access_role: &answers.access_role,
        filter: answers.filter.as_deref(),
        deactivate: arguments.deactivate,
        priority: arguments.priority,
        local: about.kept != Kept::Store && about.federated_token_file.is_none(),
        grants: &arguments.grants,
    };
    let file = answers.file.display().to_string();
    let head = config::parse("the answers", &document::head(&said), &site.fields, &targets)?;
    let Reading { mut connector, source, filter } = reading(session, opening, &head)?;
    let mut items = vec![item("settings", Verdict::Ok, proof::shown(&source.settings), None)];
    let first = Source { page_size: proof::SAMPLE, ..source.clone() };
    let proven = proof::prove(session, &mut connector, &first, &mut items, progress)?;
    let Some(Proven { identity, page }) = proven else {
        let pages = site.transformer().credential_pages(&source.settings).unwrap_or_default();
        for item in items.iter_mut().filter(|_| opening.secrets.is_some()) {
            // There is no credential yet that could be tested or edited.
            if item.help.as_deref().is_some_and(|help| help.contains("userload credential edit")) {
                item.help = Some("check tenant, client id and secret, and give the right ones".to_owned());
            }
        }
        point_to_pages(&mut items, &pages);
        return Ok(Err(items));
    };
    proof::listing(&first, &page, &mut items);
    let net = site.net.handle();
    let users = arguments.users as usize;
    let sample = read_sample(net, &mut connector, &source, &site.fields, users, progress)?;
    let smart = propose(&sample, &site.manifest.suggestions, &site.fields, &targets);
    let total = sample.total.filter(|_| !sample.whole).map(|it| format!(" of {}", number(it)));
    let from = format!("{}{}", count(sample.users, "user", "users"), total.unwrap_or_default());
    let document = document::whole(&said, &from, &smart);
    let integration = config::parse(&file, &document, &site.fields, &targets)?;
    services::examine(session, &integration, &file, &document, &targets)?;
    let mut counter = Counter { net, connector: &mut connector, source: &source, progress };
    let (people, heads) = counter.population(filter.as_ref(), &integration, &site.fields, Some(&sample));
    items.extend(people);
    let adoption = adoption(session, &integration, &document, &identity, &sample)?;
    let missing = config::missing_for_launch(&integration);
    Ok(Ok(Found { items, heads, sample, smart, adoption, document, missing }))
}

/// Who of the sample is in the directory already.
fn adoption(
    session: &Session,
    integration: &Integration,
    document: &str,
    identity: &Identity,
    sample: &crate::sync::sample::Sample,
) -> Result<Adoption> {
    let site = session.site()?;
    let transformer = || site.transformer();
    let mapping = config::mapping_text(integration);
    let store = match session.store_if_begun()? {
        Some(store) if store.has_people()? => store,
        _ => return Ok(preview(None, &mapping, &transformer, &sample.records)?),
    };
    let row = IntegrationRow {
        name: integration.name.clone(),
        document: document.to_owned(),
        credential: integration.credential.clone(),
        launched_at: None,
        saved_at: session.now(),
        source_tenant: Some(identity.tenant.clone()),
        cloud: Some(identity.cloud.clone()),
        applied_run: None,
        applied_shape: None,
        sync_time: None,
        complete_rows: None,
        machine: None,
    };
    let terms = terms_of(&store, &row, &site.fields).map_err(|problem| services::all(vec![problem]))?;
    Ok(preview(Some((&store, &terms)), &mapping, &transformer, &sample.records)?)
}

/// Writes the document, keeps the credential and saves the draft; or nothing of it.
fn save(
    session: &Session,
    arguments: &Arguments,
    answers: &Answers,
    opening: Opening,
    document: &str,
) -> Result<()> {
    write(&answers.file, arguments.force, document)?;
    let Opening { mut row, secrets, .. } = opening;
    let name = row.name.clone();
    let added = secrets.is_some();
    let kept = (|| -> Result<Store> {
        let mut store = session.store_or_new()?;
        if let Some(secrets) = &secrets {
            credential::seal(session, &store, &mut row, secrets)?;
            store.add_credential(&row)?;
        }
        Ok(store)
    })();
    let saved = kept.and_then(|store| {
        drop(store);
        integration::keep_text(session, &answers.file.display().to_string(), document)
    });
    let Err(error) = saved else { return Ok(()) };
    // What was there before with `--force` is gone; what is new goes again.
    if !arguments.force {
        drop(fs::remove_file(&answers.file));
    }
    if added && let Ok(Some(mut store)) = session.store_if_any() {
        drop(store.remove_credential(&name));
    }
    Err(match error.downcast_ref::<StoreError>() {
        Some(StoreError::Refused(what)) if what.contains("priority") => {
            Trouble::usage(what.clone()).help("`--priority NUMBER` says so; nothing was saved").into()
        }
        _ => error,
    })
}

fn write(file: &Path, force: bool, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(file).and_then(|mut it| it.write_all(text.as_bytes()));
    written.map_err(|error| {
        Trouble::usage(format!("cannot write `{}`: {error}", file.display()))
            .help("`--file FILE` writes the document elsewhere; nothing was saved")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let words = std::iter::once("init").chain(words.iter().copied());
        <Line as clap::Parser>::try_parse_from(words).unwrap_or_else(|it| panic!("{it}")).arguments
    }

    fn chosen(words: &[&str], names: &[&str], answer: Option<&str>) -> Result<String, String> {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let mut said = |_: &str, _: Option<&str>| Ok(answer.unwrap_or_default().to_owned());
        let mut asker = Asker::new(answer.map(|_| -> Ask<'_> { &mut said }));
        let chosen = choose(&mut asker, &arguments(words), &names).map_err(|it| it.to_string())?;
        asker.whole().map_err(|it| it.to_string())?;
        Ok(match chosen {
            Chosen::Known(name) => format!("known {name}"),
            Chosen::New(name) => format!("new {name}"),
        })
    }

    #[test]
    fn the_credential_is_the_named_the_only_or_a_new_one() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(chosen(&[], &[], None), ok("new entra"));
        assert_eq!(chosen(&[], &["mine"], None), ok("known mine"));
        assert_eq!(chosen(&["--tenant-id", "t"], &["mine"], None), ok("new entra"));
        assert_eq!(chosen(&["--credential", "b"], &["a", "b"], None), ok("known b"));
        assert_eq!(chosen(&["--credential", "c", "--secret-stdin"], &["a"], None), ok("new c"));
        let several = chosen(&[], &["a", "b"], None).unwrap_err();
        assert!(several.contains("--credential NAME") && several.contains("a, b"), "{several}");
        let both = chosen(&["--credential", "a", "--client-id", "x"], &["a"], None).unwrap_err();
        assert!(both.contains("there is a credential `a` already"), "{both}");
        let near = chosen(&["--credential", "entar"], &["entra"], None).unwrap_err();
        assert!(near.contains("there is no credential `entar`"), "{near}");
        assert_eq!(chosen(&[], &["a", "b"], Some("b")), ok("known b"));
        assert_eq!(chosen(&[], &["a", "b"], Some("third")), ok("new third"));
    }

    #[test]
    fn a_name_is_proposed_from_the_tenants_domain() {
        assert_eq!(proposed_name(Some("contoso.example")), "contoso");
        for other in [None, Some("6731de76-14a6-49ae-97bc-6eba6914391e"), Some("a b.example")] {
            assert_eq!(proposed_name(other), "people");
        }
    }
}
