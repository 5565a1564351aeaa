//! Credentials of plugins that are not the built-in one: what they need stands in the plugin's manifest.

use std::collections::BTreeMap;

use anyhow::Result;

use super::session::Session;
use super::trouble::Trouble;
use crate::config::nearest;
use crate::credential::CLIENT_SECRET;
use crate::engine::contract::{Manifest, SecretKind};

/// The name of the one secret that a credential of the plugin in use has; none when it is the client secret that
/// the options speak of.
///
/// # Errors
/// When the plugin cannot be loaded, or asks for no secret of that kind.
pub(super) fn secret_of(session: &Session) -> Result<Option<String>> {
    if session.plugin.is_none() {
        return Ok(None);
    }
    let manifest = &session.site()?.manifest;
    if manifest.secrets.iter().any(|it| it.name == CLIENT_SECRET) {
        return Ok(None);
    }
    let texts = manifest.secrets.iter().filter(|it| it.kind == SecretKind::Text && !it.optional);
    match texts.map(|it| it.name.clone()).next() {
        Some(name) => Ok(Some(name)),
        None => Err(Trouble::usage("the plugin asks for no secret that a credential could hold")
            .help("`userload plugin inspect FILE` shows what it asks for")
            .into()),
    }
}

/// Holds settings against the manifest of the plugin in use.
///
/// # Errors
/// The first name that the plugin does not take, or everything that it requires and that is missing.
pub(super) fn check(session: &Session, given: &BTreeMap<String, String>) -> Result<()> {
    let manifest = &session.site()?.manifest;
    for name in given.keys() {
        unknown(manifest, name)?;
    }
    let missing = manifest.settings.iter().filter(|it| it.required && it.default_value.is_none());
    let missing: Vec<_> = missing.filter(|it| !given.contains_key(&it.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|it| format!("--set {}=VALUE", it.name)).collect();
    let helps: Vec<String> = missing.iter().map(|it| format!("{}: {}", it.name, it.help)).collect();
    Err(Trouble::usage(format!("{} missing", names.join(" and "))).help(helps.join("\n")).into())
}

fn unknown(manifest: &Manifest, name: &str) -> Result<()> {
    let known: Vec<&str> = manifest.settings.iter().map(|it| it.name.as_str()).collect();
    if known.contains(&name) {
        return Ok(());
    }
    let trouble = Trouble::usage(format!("the plugin takes no setting `{}`", name.escape_debug()));
    let trouble = match nearest(name, known.iter().copied()) {
        Some(near) => trouble.help(format!("did you mean `{near}`?")),
        None => trouble.help(format!("it takes {}", known.join(", "))),
    };
    Err(trouble.into())
}
