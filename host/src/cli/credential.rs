//! `userload credential`.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::credential_end::{end_of, tell_end, warning_of};
use super::credential_input::{KeyFile, Secret, Settings};
use super::credential_keep::{keep, new_row, only_text, release, seal};
use super::credential_next::next_secret;
use super::credential_test;
use super::exit::ExitStatus;
use super::output::json_v1::{Answer, moment};
use super::output::{Column, Table, shown, time};
use super::session::Session;
use super::trouble::Trouble;
use crate::credential::{About, EndKnownFrom};
use crate::model::Millis;
use crate::store::{CredentialRow, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a credential; asks for the secret without showing it
    ///
    /// Needs an app registration in Entra with the application permission User.Read.All and admin consent.
    ///
    /// It proves itself with a client secret, a certificate, or a federated token.
    ///
    /// Example: userload credential add entra --tenant-id contoso.example --client-id 6731de76-…
    ///
    /// Example: userload credential add entra --tenant-id … --client-id … --certificate cert.pem --key key.pem
    ///
    /// Example: userload credential add entra --tenant-id … --client-id … --keyring
    ///
    /// Example: userload credential add other --plugin other.wasm --set NAME=VALUE --secret-file token.txt
    Add {
        /// A name of yours
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        secret: Secret,
        #[command(flatten)]
        key: KeyFile,
    },
    /// List credentials; secrets are never shown
    List,
    /// Prove a credential at the source
    ///
    /// Gets a token, reads one page, and asks the source about the credential's permissions and its end as far
    /// as it may. Says which page to open for what is missing.
    ///
    /// Example: userload credential test entra --wait
    Test {
        /// The credential
        name: String,
        /// Wait until an administrator has granted consent, at most so many minutes
        #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "15",
              value_parser = clap::value_parser!(u32).range(1..=120))]
        wait: Option<u32>,
    },
    /// Change settings or the secret; what is not named stays
    ///
    /// Without any setting it asks for a new secret. With `--next-secret` the secret is a second one: the first
    /// stays in use until the source refuses it, then the second takes its place.
    ///
    /// Example: userload credential edit entra --expires-on 2027-01-31 --secret-stdin < secret.txt
    ///
    /// Example: userload credential edit entra --next-secret --expires-on 2028-01-31
    Edit {
        /// The credential
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        secret: Secret,
        #[command(flatten)]
        key: KeyFile,
        /// The secret, and --expires-on, are those of the next secret
        #[arg(long, conflicts_with = "keyring")]
        next_secret: bool,
    },
    /// Remove a credential that no integration uses
    ///
    /// Example: userload credential remove entra
    Remove {
        /// The credential
        name: String,
    },
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Add { name, settings, secret, key } => add(session, name, &settings, &secret, &key),
        Command::List => list(session),
        Command::Test { name, wait } => test(session, &name, wait),
        Command::Edit { name, settings, secret, key, next_secret: false } => {
            edit(session, &name, &settings, &secret, &key)
        }
        Command::Edit { name, settings, secret, next_secret: true, .. } => {
            next_secret(session, &name, &settings, &secret)
        }
        Command::Remove { name } => remove(session, &name),
    }
}

fn add(
    session: &Session,
    name: String,
    settings: &Settings,
    secret: &Secret,
    key: &KeyFile,
) -> Result<ExitStatus> {
    let (mut row, secrets) = new_row(session, name, settings, secret, key)?;
    let mut store = session.store_or_new()?;
    seal(session, &store, &mut row, &secrets)?;
    if let Err(error) = store.add_credential(&row) {
        release(session, &row);
        return Err(error.into());
    }
    saved(session, &row, "added")
}

fn edit(
    session: &Session,
    name: &str,
    settings: &Settings,
    secret: &Secret,
    key: &KeyFile,
) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let mut row = session.credential_row(&store, name)?;
    let before = row.clone();
    let given = settings.given()?;
    let expires_on = settings.expires_on()?;
    row.settings.extend(given.clone());
    if row.about.secret.is_some() {
        only_text(secret)?;
    }
    if secret.given() || key.keyring || (given.is_empty() && expires_on.is_none()) {
        let proof = secret.proof(key, session)?;
        // The day that was given was the old one's.
        row.expires_on = None;
        keep(session, &store, &mut row, proof)?;
    }
    row.expires_on = expires_on.or(row.expires_on);
    row.saved_at = session.now();
    // An entry of the keyring is written once: until the store knows the new one, the old one is in use.
    let moved = row.about.kept != before.about.kept;
    if let Err(error) = store.replace_credential(&row) {
        if moved {
            release(session, &row);
        }
        return Err(error.into());
    }
    if moved {
        release(session, &before);
    }
    saved(session, &row, "changed")
}

pub(super) fn saved(session: &Session, row: &CredentialRow, done: &str) -> Result<ExitStatus> {
    if session.printer.json() {
        session.printer.answer(&Answer::new("credential", Shown::of(row, session.now())).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} {done}", shown(&row.name)))?;
        tell_end(session, row);
        session.printer.story(&format!("next: `userload credential test {}` proves it", shown(&row.name)));
    }
    Ok(ExitStatus::Done)
}

/// A credential as it is shown: without secrets.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    settings: &'a BTreeMap<String, String>,
    expires_on: Option<String>,
    expiry_known_from: Option<EndKnownFrom>,
    days_left: Option<i32>,
    warning: Option<String>,
    /// `client secret`, `certificate`, `federated token`.
    proof: &'static str,
    about: &'a About,
    saved_at: String,
}

impl<'a> Shown<'a> {
    fn of(row: &'a CredentialRow, now: Millis) -> Self {
        let end = end_of(row, now);
        Self {
            name: &row.name,
            settings: &row.settings,
            expires_on: end.map(|it| it.on.to_string()),
            expiry_known_from: end.map(|it| it.known_from),
            days_left: end.map(|it| it.days_left),
            warning: warning_of(row, now).map(|(warning, _)| warning),
            proof: row.about.kind(),
            about: &row.about,
            saved_at: moment(row.saved_at),
        }
    }
}

fn list(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let rows = store.credentials()?;
    if session.printer.json() {
        let rows: Vec<Shown<'_>> = rows.iter().map(|row| Shown::of(row, session.now())).collect();
        session.printer.answer(&Answer::new("credentials", rows).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if rows.is_empty() {
        session.printer.answer("no credentials yet: `userload credential add NAME`")?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Name"),
        Column::Text("Domain"),
        Column::Text("Tenant"),
        Column::Text("Client"),
        Column::Text("Proof"),
        Column::Text("Expires"),
        Column::Text("Saved"),
    ]);
    for row in &rows {
        let setting = |name: &str| shown(row.settings.get(name).map_or("", String::as_str)).into_owned();
        table.row([
            shown(&row.name).into_owned(),
            where_to(row),
            setting("tenant"),
            setting("client-id"),
            row.about.kind().to_owned(),
            end_of(row, session.now()).map(|it| it.on.to_string()).unwrap_or_default(),
            time(row.saved_at),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    rows.iter().for_each(|row| tell_end(session, row));
    Ok(ExitStatus::Done)
}

/// Where it leads: the domain, or what another plugin has instead of one.
fn where_to(row: &CredentialRow) -> String {
    let domain = row.settings.get("domain").cloned();
    let all = || row.settings.values().map(String::as_str).collect::<Vec<_>>().join(" ");
    shown(&domain.unwrap_or_else(all)).into_owned()
}

fn test(session: &Session, name: &str, wait: Option<u32>) -> Result<ExitStatus> {
    let store = session.store()?;
    session.credential_row(&store, name)?;
    drop(store);
    let items = credential_test::run(session, name, wait)?;
    super::check::show(session, &format!("Test of the credential {}", shown(name)), &items)
}

fn remove(session: &Session, name: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let row = session.credential_row(&store, name)?;
    store.remove_credential(name).map_err(|error| match error {
        StoreError::Refused(what) => Trouble::usage(what)
            .help(
                "give that integration another credential (`userload integration save -f FILE`), or remove it: \
                 `userload integration remove NAME`",
            )
            .into(),
        error => anyhow::Error::from(error),
    })?;
    release(session, &row);
    if session.printer.json() {
        session.printer.answer(&Answer::new("removed", name).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} removed", shown(name)))?;
    }
    Ok(ExitStatus::Done)
}
