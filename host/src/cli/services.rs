//! The one place where the command line meets the run and the plugin. Everything else under `cli` reads
//! arguments and shows answers.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use super::output::Progress;
use super::session::Session;
use crate::config::{SourceField, seed_fields};
use crate::sync::RunReport;

/// What one look of a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing is in the way, but it is good to know.
    Note,
    /// In the way.
    Problem,
}

/// One line of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What was looked at: `credential`, `mapping`, `permission User.Read.All`.
    pub what: String,
    /// What was found.
    pub verdict: Verdict,
    /// What it says, in a clause.
    pub detail: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a plugin is, takes and asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginInfo {
    /// Where it came from; none = built in.
    pub file: Option<String>,
    /// SHA-256 of the component.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
    /// The package of its contract, with the version: `userload:directory@0.1.0`.
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
pub(super) fn run_plan(session: &Session, integration: &str, progress: &dyn Progress) -> Result<RunReport> {
    let _ = (session, integration, progress);
    not_wired("plan")
}

/// Runs and applies what flows.
///
/// # Errors
/// As for [`run_plan`]; and when the integration is a draft.
pub(super) fn run_sync(session: &Session, integration: &str, progress: &dyn Progress) -> Result<RunReport> {
    let _ = (session, integration, progress);
    not_wired("sync")
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
    let _ = (session, run, strict, progress);
    not_wired("apply")
}

/// Looks whether an integration can run: all problems at once. Changes nothing.
///
/// # Errors
/// When it could not even be looked at.
pub(super) fn check(session: &Session, integration: &str, progress: &dyn Progress) -> Result<Vec<CheckItem>> {
    let _ = (session, integration, progress);
    not_wired("check")
}

/// Proves a credential at the source.
///
/// # Errors
/// When it could not even be tried.
pub(super) fn credential_test(session: &Session, name: &str) -> Result<Vec<CheckItem>> {
    let _ = (session, name);
    not_wired("credential test")
}

/// What a plugin is; the built-in one when no file is given.
///
/// # Errors
/// When the file is no component of the contract.
pub(super) fn inspect_plugin(session: &Session, file: Option<&Path>) -> Result<PluginInfo> {
    let _ = (session, file);
    not_wired("plugin inspect")
}

/// The fields that a mapping can name, as the plugin's manifest has them.
///
/// # Errors
/// When the plugin cannot be loaded.
pub(super) fn manifest_fields(session: &Session) -> Result<Vec<SourceField>> {
    // Until the engine is there: the built-in plugin's, which a test of the plugin holds to the seed.
    let _ = session;
    Ok(seed_fields())
}

/// Tells the story of a simulated directory, in the session's home.
///
/// # Errors
/// When a part of it fails.
pub(super) fn demo(session: &Session, people: u32) -> Result<()> {
    let _ = (session, people);
    not_wired("demo")
}

fn not_wired<T>(what: &str) -> Result<T> {
    bail!("`{what}` is not wired yet")
}
