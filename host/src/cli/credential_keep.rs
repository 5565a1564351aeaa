//! What is kept of a credential: its settings, and its secrets sealed in the store or in the operating system's
//! keyring.

use std::collections::BTreeMap;

use anyhow::Result;

use super::credential_foreign;
use super::credential_input::{DEFAULT_DOMAIN, KeyFile, Proof, Secret, Settings, day};
use super::session::Session;
use super::trouble::Trouble;
use crate::config::is_sound_name;
use crate::credential::{
    self, AUTHENTICATION, About, CERTIFICATE, CertificateAbout, FEDERATED_TOKEN, Kept, OutsideError,
    SecretText, keyring,
};
use crate::store::{CredentialRow, Store};

/// The secrets that the store is to keep of a credential, by the names that the plugin gives them.
pub(super) type Secrets = BTreeMap<String, SecretText>;

/// Puts a proof into a row: what is secret is sealed, what was there before is gone.
pub(super) fn keep(session: &Session, store: &Store, row: &mut CredentialRow, proof: Proof) -> Result<()> {
    let secrets = take(row, proof)?;
    seal(session, store, row, &secrets)
}

/// Seals the secrets of a row; what is kept in the keyring goes there.
pub(super) fn seal(
    session: &Session,
    store: &Store,
    row: &mut CredentialRow,
    secrets: &Secrets,
) -> Result<()> {
    let none = Secrets::new();
    let sealed = if matches!(row.about.kept, Kept::Keyring { .. }) { &none } else { secrets };
    row.sealed = credential::seal(&session.key(store)?, &session.tenant, &row.name, sealed)?;
    if let (Kept::Keyring { entry }, Some(secret)) = (&row.about.kept, secrets.values().next()) {
        keyring::keep(entry, secret).map_err(OutsideError::from)?;
    }
    Ok(())
}

/// Removes from the keyring what is kept there of a credential that is no more. A keyring that does not is told of: its
/// owner can remove the entry by hand.
pub(super) fn release(session: &Session, row: &CredentialRow) {
    let Kept::Keyring { entry } = &row.about.kept else { return };
    if let Err(error) = keyring::forget(entry) {
        let sign = session.printer.story_paint().warn("warning:");
        session.printer.tell(&format!("{sign} the entry `{entry}` stays in the keyring: {error}"));
    }
}

/// Puts a proof into a row, all but what is to be sealed; gives that back.
fn take(row: &mut CredentialRow, proof: Proof) -> Result<Secrets> {
    let mut secrets = BTreeMap::new();
    row.about = About { secret: row.about.secret.take(), ..About::default() };
    row.settings.remove(AUTHENTICATION);
    match proof {
        Proof::Secret(secret) => drop(secrets.insert(row.about.secret_name().to_owned(), secret)),
        Proof::Keyring(secret) => {
            row.about.kept = Kept::Keyring { entry: keyring::new_entry(&row.name)? };
            secrets.insert(row.about.secret_name().to_owned(), secret);
        }
        Proof::Elsewhere(kept) => row.about.kept = kept,
        Proof::Certificate(pem, facts) => {
            row.settings.insert(AUTHENTICATION.to_owned(), CERTIFICATE.to_owned());
            secrets.insert(CERTIFICATE.to_owned(), pem);
            row.about.certificate = Some(CertificateAbout {
                ends_on: day(facts.not_after),
                subject: facts.subject,
                thumbprint: facts.thumbprint,
            });
        }
        Proof::FederatedToken(path) => {
            row.settings.insert(AUTHENTICATION.to_owned(), FEDERATED_TOKEN.to_owned());
            row.about.federated_token_file = Some(path);
        }
    }
    Ok(secrets)
}

/// Whether a text can be the name of a credential or an integration; else why not.
pub(super) fn sound(name: &str) -> Result<(), String> {
    if is_sound_name(name) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name, expected at most 64 letters, digits, `.`, `_` and `-`",
        name.escape_debug()
    ))
}

/// A new credential that is right as far as can be known without the source, and its secrets. Nothing is made.
pub(super) fn new_row(
    session: &Session,
    name: String,
    settings: &Settings,
    secret: &Secret,
    key: &KeyFile,
) -> Result<(CredentialRow, Secrets)> {
    sound(&name).map_err(Trouble::usage)?;
    if let Some(store) = session.store_if_begun()?
        && store.credential(&name)?.is_some()
    {
        return Err(Trouble::usage(format!("there is a credential `{name}` already"))
            .help(format!("change it: `userload credential edit {name}`"))
            .into());
    }
    let mut given = settings.given()?;
    let own = credential_foreign::secret_of(session)?;
    if own.is_some() {
        credential_foreign::check(session, &given)?;
        only_text(secret)?;
        return proven_row(session, name, given, settings, secret, key, own);
    }
    given.entry("domain".to_owned()).or_insert_with(|| DEFAULT_DOMAIN.to_owned());
    let missing: Vec<&str> = [("tenant", "--tenant-id"), ("client-id", "--client-id")]
        .into_iter()
        .filter(|(setting, _)| !given.contains_key(*setting))
        .map(|(_, option)| option)
        .collect();
    if !missing.is_empty() {
        return Err(Trouble::usage(format!("{} missing", missing.join(" and ")))
            .help("both stand on the overview page of the app registration in Entra")
            .into());
    }
    proven_row(session, name, given, settings, secret, key, None)
}

/// The secret of a plugin that is not the built-in one is a text.
pub(super) fn only_text(secret: &Secret) -> Result<()> {
    match secret.other() {
        Some(option @ ("--certificate" | "--federated-token-file")) => {
            Err(Trouble::usage(format!("the plugin's secret is a text, which `{option}` is not"))
                .help("give it by `--secret-file FILE`, `--secret-env VARIABLE` or `--secret-stdin`")
                .into())
        }
        _ => Ok(()),
    }
}

fn proven_row(
    session: &Session,
    name: String,
    given: BTreeMap<String, String>,
    settings: &Settings,
    secret: &Secret,
    key: &KeyFile,
    own_secret: Option<String>,
) -> Result<(CredentialRow, Secrets)> {
    let expires_on = settings.expires_on()?;
    let proof = secret.proof(key, session)?;
    let mut row = CredentialRow {
        name,
        settings: given,
        sealed: Vec::new(),
        expires_on,
        saved_at: session.now(),
        about: About { secret: own_secret, ..About::default() },
    };
    let secrets = take(&mut row, proof)?;
    Ok((row, secrets))
}
