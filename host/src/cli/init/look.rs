//! What `userload init` finds out at the source before anything is kept: the proof, a sample, and what both lead to.

use anyhow::Result;

use super::super::credential_keep;
use super::super::credential_test::point_to_pages;
use super::super::output::{count, number};
use super::super::population::Counter;
use super::super::proof::{self, CheckItem, Proven, Verdict, item};
use super::super::services;
use super::super::session::{Session, credential_outside};
use super::super::trouble::Trouble;
use super::document::{self, Said};
use super::{Answers, Arguments, Chosen, Found, Opening};
use crate::config::{self, Integration};
use crate::credential::{Credential, Kept, SecretText};
use crate::engine::Connector;
use crate::engine::contract::{Identity, Setting, Source};
use crate::model::Targets;
use crate::store::IntegrationRow;
use crate::sync::adoption::{Adoption, preview};
use crate::sync::look::terms_of;
use crate::sync::mapping_smart::propose;
use crate::sync::preflight::{self, Problem};
use crate::sync::sample::read_sample;
use crate::sync::{FilterCheck, Progress};

/// The credential with its secrets: from the store, or as it is to be kept there.
pub(super) fn open(session: &Session, arguments: &Arguments, answers: &Answers) -> Result<Opening> {
    let name = match &answers.credential {
        Chosen::Known(name) => {
            let store = session.store()?;
            let row = session.credential_row(&store, name)?;
            return Ok(Opening { credential: session.credential(&store, name)?, row, secrets: None });
        }
        Chosen::New(name) => name.clone(),
    };
    let (row, secrets) =
        credential_keep::new_row(session, name, &arguments.settings, &arguments.secret, &arguments.key)?;
    let copy =
        |(name, text): (&String, &SecretText)| (name.clone(), SecretText::new(text.expose().to_owned()));
    // What is to be put into the keyring is not there yet.
    let outside = if secrets.is_empty() { credential_outside(&row)? } else { None };
    let used = outside.unwrap_or_else(|| secrets.iter().map(copy).collect());
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
pub(super) fn look(
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
