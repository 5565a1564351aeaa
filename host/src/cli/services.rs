//! The one place where the command line meets the run and the plugin. Everything else under `cli` reads
//! arguments and shows answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::credential_end::warning_of;
use super::credential_next::promote;
use super::installation;
use super::interrupt::Watch;
use super::session::Session;
use super::site::Site;
use super::trouble::Trouble;
use crate::config::{self, Integration, SourceField};
use crate::credential::{Credential, NEXT_CLIENT_SECRET};
use crate::engine::contract::{Place, Presence, Setting};
use crate::model::Targets;
use crate::store::{CredentialRow, IntegrationRow, Store};
use crate::sync::mapping_test::{TestResult, run_tests};
use crate::sync::preflight::{self, Examined, Problem, Ready};
use crate::sync::{self, FilterCheck, Job, Progress, RunError, RunKind, RunReport, Wanted};

/// What a plugin is, takes and asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginInfo {
    /// Where it came from; none = built in.
    pub file: Option<String>,
    /// SHA-256 of the component.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
    /// The package of its contract, with the version: `userload:directory@0.2.0`.
    pub contract: String,
    /// The vendor's application.
    pub application: String,
    /// The integrations that it offers.
    pub integrations: Vec<String>,
    /// Names of the settings that it takes, with what they are.
    pub settings: Vec<(String, String)>,
    /// The secrets that it asks for, and where each may stand: `client-secret: POST {login}/… form field client_secret`.
    pub secrets: Vec<String>,
    /// The origins that it asks for.
    pub origins: Vec<String>,
    /// The interfaces that it imports: all that it can do to the world.
    pub imports: Vec<String>,
    /// The fields that a mapping can name, with the target that is suggested for each.
    #[serde(serialize_with = "fields")]
    pub fields: Vec<(SourceField, Option<String>)>,
}

fn fields<S: serde::Serializer>(fields: &[(SourceField, Option<String>)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(fields.iter().map(|(field, target)| {
        serde_json::json!({
            "path": field.path, "label": field.label, "type": field.value_type,
            "synthetic": field.synthetic, "suggested_target": target,
        })
    }))
}

/// Plans a run: everything but applying.
///
/// # Errors
/// When the run could not be begun. One that failed on its way is a report with an error in it.
pub(super) fn run_plan(
    session: &Session,
    integration: &str,
    wanted: Wanted,
    progress: &dyn Progress,
) -> Result<RunReport> {
    run(session, integration, RunKind::Plan, wanted, progress)
}

/// Runs and applies what flows.
///
/// # Errors
/// As for [`run_plan`]; and when the integration is a draft.
pub(super) fn run_sync(
    session: &Session,
    integration: &str,
    wanted: Wanted,
    progress: &dyn Progress,
) -> Result<RunReport> {
    run(session, integration, RunKind::Sync, wanted, progress)
}

fn run(
    session: &Session,
    integration: &str,
    kind: RunKind,
    wanted: Wanted,
    progress: &dyn Progress,
) -> Result<RunReport> {
    with_job(session, integration, progress, |job| {
        job.wanted = wanted;
        if wanted == Wanted::Changes {
            // What was asked for cannot be: that is no run.
            if let Err(RunError::Refused { message, help }) = sync::choose(job) {
                return Err(refused(message, help).into());
            }
        }
        match sync::run(job, kind) {
            Ok(report) => Ok(report),
            Err((_, Some(report))) => Ok(*report),
            Err((error, None)) => Err(error.into()),
        }
    })
}

/// Applies a planned run. `strict` refuses it when anybody has moved since.
///
/// # Errors
/// When there is no such plan, or it may not be applied any more.
pub(super) fn run_apply(
    session: &Session,
    run: i64,
    strict: bool,
    progress: &dyn Progress,
) -> Result<RunReport> {
    let store = session.store()?;
    let planned = store.run(run)?.and_then(|row| row.integration);
    let integration = planned.ok_or_else(|| {
        Trouble::usage(format!("run {run} was made by hand: there is nothing to apply"))
            .help("`userload plan` makes a plan; `userload runs list` lists the runs")
    })?;
    let row = session.integration_row(&store, Some(&integration))?;
    drop(store);
    if row.launched_at.is_none() {
        return Err(Trouble::usage(format!("`{integration}` is a draft: its plans cannot be applied"))
            .help(format!("userload launch {integration}"))
            .into());
    }
    with_job(session, &integration, progress, |job| match sync::apply_run(job, run, strict) {
        Ok(report) => Ok(report),
        Err(RunError::Refused { message, help }) => Err(refused(message, help).into()),
        Err(error) => Err(error.into()),
    })
}

/// Carries out what somebody in charge has decided.
///
/// # Errors
/// When nothing of it can be done, or the run could not be begun. One that failed on its way is a report with
/// an error in it.
pub(super) fn run_order(
    session: &Session,
    integration: &str,
    order: &sync::Order,
    progress: &dyn Progress,
) -> Result<RunReport> {
    with_job(session, integration, progress, |job| match sync::run_some(job, order) {
        Ok(report) => Ok(report),
        // What was asked for cannot be: nobody need look at the run for that.
        Err((RunError::Refused { message, help }, _)) => Err(refused(message, help).into()),
        Err((_, Some(report))) => Ok(*report),
        Err((error, None)) => Err(error.into()),
    })
}

/// What was asked for cannot be, as things are.
fn refused(message: String, help: Option<String>) -> Trouble {
    let trouble = Trouble::usage(message);
    match help {
        Some(help) => trouble.help(help),
        None => trouble,
    }
}

/// Prepares an integration's run, alone: no other process runs it meanwhile.
fn with_job<T>(
    session: &Session,
    integration: &str,
    progress: &dyn Progress,
    work: impl FnOnce(&mut Job<'_>) -> Result<T>,
) -> Result<T> {
    let mut store = session.store()?;
    let _alone = alone(session, integration)?;
    let row = session.integration_row(&store, Some(integration))?;
    let site = session.site()?;
    let mut ready = ready(session, site, &store, &row)?.map_err(all)?;
    let credential = session.credential_row(&store, &row.credential)?;
    let meter = ready.connector.meter().clone();
    let transformer = || site.metered(meter.clone());
    let watch = Watch::begin(session.printer, progress);
    let mut job = Job {
        net: site.net.handle(),
        store: &mut store,
        transformer: &transformer,
        ready: &mut ready,
        wanted: Wanted::Usual,
        clock: session.clock,
        progress: &watch,
        notes: ending(session, &credential),
    };
    let done = work(&mut job);
    // A run that failed later has shown as well which secret is good.
    if ready.connector.accepted(NEXT_CLIENT_SECRET) {
        let name = &row.credential;
        match promote(session, &mut store, name) {
            Ok(true) => progress.note(&format!(
                "the client secret of the credential {name} was refused; its next secret has taken the place"
            )),
            Ok(false) => {}
            // The run is what it is; the next one tries both again.
            Err(error) => {
                progress.note(&format!("the next secret of {name} could not take the place: {error:#}"))
            }
        }
    }
    done
}

/// What is to be told in each run about the end of its credential.
fn ending(session: &Session, credential: &CredentialRow) -> Vec<String> {
    let warning = warning_of(credential, session.now());
    warning.map(|(warning, help)| format!("{warning}: {help}")).into_iter().collect()
}

/// Everything that a run needs, or all that is in its way.
pub(super) fn ready(
    session: &Session,
    site: &Site,
    store: &Store,
    row: &IntegrationRow,
) -> Result<Result<Ready, Vec<Problem>>> {
    if let Err(problem) = installation::runs_here(session, store, row)? {
        return Ok(Err(vec![problem]));
    }
    let credential = session.credential(store, &row.credential)?;
    Ok(preflight::prepare(&site.plugin, &site.manifest, store, row, credential))
}

/// Asks the source about one user by id. Changes nothing.
///
/// # Errors
/// When the integration cannot run, or the source did not answer.
pub(super) fn ask_about(
    session: &Session,
    store: &Store,
    integration: &str,
    source_id: &str,
) -> Result<Presence> {
    let row = session.integration_row(store, Some(integration))?;
    let site = session.site()?;
    let mut ready = ready(session, site, store, &row)?.map_err(all)?;
    let (connector, source) = (&mut ready.connector, &ready.source);
    let ids = [source_id.to_owned()];
    let mut retry = sync::Retry::default();
    let answers =
        sync::ask(site.net.handle(), &mut retry, "asking about one user", &sync::Silent, async || {
            connector.confirm_absent(source, &ids).await
        })?;
    answers.into_iter().next().ok_or_else(|| Trouble::failed("the plugin gave no answer").into())
}

/// Asks the plugin whether it understands the mapping of a document.
pub(super) fn examine(
    session: &Session,
    integration: &Integration,
    name_of_file: &str,
    document: &str,
    targets: &Targets,
) -> Result<()> {
    let site = session.site()?;
    match preflight::examine(&site.plugin, integration, name_of_file, document, targets) {
        Ok(_) => Ok(()),
        Err(Examined::Faults(report)) => Err(report.into()),
        Err(Examined::Plugin(problem)) => Err(all(vec![problem])),
    }
}

/// All problems of a preflight as one error.
pub(super) fn all(problems: Vec<Problem>) -> anyhow::Error {
    let mut lines = Vec::new();
    for problem in &problems {
        lines.push(format!("{}: {}", problem.place, problem.what));
        lines.extend(problem.help.iter().map(|help| format!("  help: {help}")));
    }
    match &problems[..] {
        [one] => {
            let trouble = Trouble::usage(format!("{}: {}", one.place, one.what));
            match &one.help {
                Some(help) => trouble.help(help).into(),
                None => trouble.into(),
            }
        }
        _ => Trouble::usage(format!("{} things are in the way:\n  {}", problems.len(), lines.join("\n  ")))
            .into(),
    }
}

/// The lock of an integration's runs. The operating system gives it back when the process ends, however it
/// ends.
pub(super) fn alone(session: &Session, integration: &str) -> Result<File> {
    let folder = session.home.join("locks");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let path = folder.join(format!("{}.{integration}.lock", session.tenant));
    let file = File::create(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Trouble::failed(format!("another process is running `{integration}` right now"))
                .help("wait until it has finished; `userload status` shows where things stand")
                .into())
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
        }
    }
}

/// The locks of all integrations: links change hands, and nobody may run meanwhile.
pub(super) fn all_alone(session: &Session, store: &Store) -> Result<Vec<File>> {
    store.integrations()?.iter().map(|row| alone(session, &row.name)).collect()
}

/// What a plugin is; the built-in one when no file is given.
///
/// # Errors
/// When the file is no component of the contract.
pub(super) fn inspect_plugin(session: &Session, file: Option<&Path>) -> Result<PluginInfo> {
    let site = Site::load(&session.home, file)?;
    let manifest = &site.manifest;
    let place = |place: &Place| match place {
        Place::Header((name, prefix)) => format!("header {name}: {prefix}…"),
        Place::FormField(name) => format!("form field {name}"),
    };
    let suggested =
        |path: &str| manifest.suggestions.iter().find(|it| it.source == path).map(|it| it.target.clone());
    let asks = site.plugin.asks();
    Ok(PluginInfo {
        file: site.file.as_ref().map(|it| it.display().to_string()),
        digest: site.plugin.digest().to_owned(),
        size: site.size as u64,
        contract: format!("userload:directory@{}", crate::engine::CONTRACT_VERSION),
        application: manifest.application.clone(),
        integrations: manifest.integrations.clone(),
        settings: manifest.settings.iter().map(|it| (it.name.clone(), it.help.clone())).collect(),
        secrets: manifest
            .secrets
            .iter()
            .map(|it| format!("{}: {} {}{}, {}", it.name, it.method, it.origin, it.path, place(&it.place)))
            .collect(),
        origins: manifest.origins.clone(),
        imports: asks.imports.clone(),
        fields: site.fields.iter().map(|field| (field.clone(), suggested(&field.path))).collect(),
    })
}

/// What the plugin says about an integration's filter; none when everybody is read.
///
/// # Errors
/// When the plugin cannot be loaded, or fails.
pub(super) fn filter_check(session: &Session, integration: &Integration) -> Result<Option<FilterCheck>> {
    if integration.filter.is_none() {
        return Ok(None);
    }
    // The credential's domain decides how long a URL is. It may not be there yet, and its secrets stay shut.
    let row = match session.store_if_any()? {
        Some(store) => store.credential(&integration.credential)?,
        None => None,
    };
    let settings = row.map(|row| row.settings).unwrap_or_default();
    let settings: Vec<Setting> = settings.into_iter().map(|(name, value)| Setting { name, value }).collect();
    Ok(FilterCheck::of(&session.site()?.plugin, integration, &settings)?)
}

/// Origins, each with the lines of the policy that cover it.
pub(super) type Reaches = Vec<(String, Vec<String>)>;

/// What an integration's plugin may reach in effect: each origin that it asks for, and the lines that let it. None
/// when its credential is not there yet.
///
/// # Errors
/// When the plugin cannot be loaded, or asks for what cannot be.
pub(super) fn reaches(
    session: &Session,
    store: &Store,
    row: &IntegrationRow,
    integration: &Integration,
) -> Result<Option<Reaches>> {
    let Some(credential) = store.credential(&row.credential)? else { return Ok(None) };
    let site = session.site()?;
    // What is asked for follows from the settings; the secrets stay shut.
    let unproven =
        Credential { name: credential.name, settings: credential.settings, secrets: BTreeMap::new() };
    let settings = preflight::complete(&site.plugin, &unproven).map_err(all)?;
    let grants = preflight::granted(&site.manifest, &settings, &integration.sandbox).map_err(all)?;
    let lines = |all: Vec<&crate::capabilities::Grant>| all.into_iter().map(ToString::to_string).collect();
    Ok(Some(grants.effective().map(|(origin, by)| (origin.to_string(), lines(by))).collect()))
}

/// What becomes of the records that an integration keeps beside its mapping.
///
/// # Errors
/// When the plugin cannot be loaded, or fails.
pub(super) fn mapping_tests(session: &Session, integration: &Integration) -> Result<Vec<TestResult>> {
    if integration.mapping_tests.is_empty() {
        return Ok(Vec::new());
    }
    let mut transformer = session.site()?.transformer();
    Ok(run_tests(&mut transformer, &config::mapping_text(integration), &integration.mapping_tests)?)
}

/// The fields that a mapping can name, as the plugin's manifest has them.
///
/// # Errors
/// When the plugin cannot be loaded.
pub(super) fn manifest_fields(session: &Session) -> Result<Vec<SourceField>> {
    Ok(session.site()?.fields.clone())
}
