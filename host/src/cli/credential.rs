//! `userload credential`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use super::exit::ExitStatus;
use super::output::json_v1::{Answer, moment};
use super::output::{Column, Table, shown, time};
use super::proof;
use super::session::Session;
use super::trouble::Trouble;
use crate::config::is_sound_name;
use crate::credential::{self, CLIENT_SECRET, SecretText};
use crate::store::{CredentialRow, Store};

/// Microsoft Graph of the worldwide cloud, as the seed has it.
const DEFAULT_DOMAIN: &str = "https://graph.microsoft.com";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a credential; asks for the secret without showing it
    ///
    /// Needs an app registration in Entra with the application permission User.Read.All and admin consent.
    ///
    /// Example: userload credential add entra --tenant-id contoso.example --client-id 6731de76-…
    Add {
        /// A name of yours
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        secret: Secret,
    },
    /// List credentials; secrets are never shown
    List,
    /// Prove a credential at the source
    ///
    /// Example: userload credential test entra
    Test {
        /// The credential
        name: String,
    },
    /// Change settings or the secret; what is not named stays
    ///
    /// Without any setting it asks for a new secret.
    ///
    /// Example: userload credential edit entra --expires-on 2027-01-31 --secret-stdin < secret.txt
    Edit {
        /// The credential
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        secret: Secret,
    },
    /// Remove a credential that no integration uses
    ///
    /// Example: userload credential remove entra
    Remove {
        /// The credential
        name: String,
    },
}

#[derive(clap::Args, Debug)]
pub(super) struct Settings {
    /// Microsoft Graph's URL [default: https://graph.microsoft.com]
    #[arg(long, value_name = "URL")]
    domain: Option<String>,
    /// The URL that gives access tokens; follows from the domain of Microsoft's clouds
    #[arg(long, value_name = "URL")]
    login: Option<String>,
    /// Directory (tenant) ID, or a domain name of the tenant
    #[arg(long, value_name = "ID")]
    tenant_id: Option<String>,
    /// Application (client) ID
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Scopes [default: DOMAIN/.default]
    #[arg(long, value_name = "TEXT")]
    scopes: Option<String>,
    /// The day on which the secret expires, to be reminded
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires_on: Option<String>,
}

/// A secret is never an argument: arguments can be read by every process of the machine.
#[derive(clap::Args, Debug)]
#[group(multiple = false)]
pub(super) struct Secret {
    /// Read the secret from a file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read the secret from an environment variable
    #[arg(long, value_name = "VARIABLE")]
    secret_env: Option<String>,
    /// Read the secret from standard input
    #[arg(long)]
    secret_stdin: bool,
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Add { name, settings, secret } => add(session, name, &settings, &secret),
        Command::List => list(session),
        Command::Test { name } => test(session, &name),
        Command::Edit { name, settings, secret } => edit(session, &name, &settings, &secret),
        Command::Remove { name } => remove(session, &name),
    }
}

impl Settings {
    /// The settings that were given, by the names that the plugin takes.
    fn given(&self) -> Result<BTreeMap<String, String>> {
        let mut given = BTreeMap::new();
        for (name, value) in [
            ("domain", &self.domain),
            ("login", &self.login),
            ("tenant", &self.tenant_id),
            ("client-id", &self.client_id),
            ("scopes", &self.scopes),
        ] {
            let Some(value) = value else { continue };
            let value = value.trim();
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(Trouble::usage(format!("`{name}` is empty or has control characters")).into());
            }
            if matches!(name, "domain" | "login") {
                check_url(name, value)?;
            }
            given.insert(name.to_owned(), value.to_owned());
        }
        Ok(given)
    }

    fn expires_on(&self) -> Result<Option<String>> {
        let Some(text) = &self.expires_on else { return Ok(None) };
        let day: jiff::civil::Date = text.parse().map_err(|_| {
            Trouble::usage(format!("`{}` is no day", text.escape_debug()))
                .help("expected YYYY-MM-DD, such as 2027-01-31")
        })?;
        Ok(Some(day.to_string()))
    }
}

fn check_url(name: &str, value: &str) -> Result<()> {
    let help = format!("expected a URL with its protocol, such as {DEFAULT_DOMAIN}");
    let url =
        url::Url::parse(value).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    match url {
        Some(url) if url.username().is_empty() && url.password().is_none() => Ok(()),
        _ => Err(Trouble::usage(format!("`{name}` is `{}`, which is no URL", value.escape_debug()))
            .help(help)
            .into()),
    }
}

impl Secret {
    fn given(&self) -> bool {
        self.secret_file.is_some() || self.secret_env.is_some() || self.secret_stdin
    }

    /// The secret, from where it was said to be, else by asking.
    fn read(&self, session: &Session) -> Result<SecretText> {
        let text = if let Some(file) = &self.secret_file {
            std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
                Trouble::usage(format!("cannot read the secret from `{}`: {error}", file.display()))
            })?
        } else if let Some(variable) = &self.secret_env {
            std::env::var(variable).map(Zeroizing::new).map_err(|_| {
                Trouble::usage(format!("the environment variable `{variable}` is not set, or is no text"))
            })?
        } else if self.secret_stdin {
            let mut text = Zeroizing::new(String::with_capacity(4096));
            std::io::stdin().lock().take(64 * 1024).read_to_string(&mut text)?;
            text
        } else if session.printer.can_ask() {
            Zeroizing::new(rpassword::prompt_password("Client secret (not shown): ")?)
        } else {
            return Err(Trouble::usage("there is no secret, and no terminal to ask at")
                .help("give it by `--secret-file FILE`, `--secret-env VARIABLE` or `--secret-stdin`")
                .into());
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(Trouble::usage("the secret is empty")
                .help("it is the value of the client secret in Entra, not its ID")
                .into());
        }
        if text.chars().any(char::is_control) {
            return Err(Trouble::usage("the secret has several lines or control characters").into());
        }
        // Said now and not by the first run: one this short could not be kept out of logs either.
        if text.len() < crate::capabilities::MIN_SECRET {
            return Err(Trouble::usage(format!(
                "the secret is shorter than {} characters",
                crate::capabilities::MIN_SECRET
            ))
            .help("it is the value of the client secret in Entra, which has 40 characters, not its ID")
            .into());
        }
        Ok(SecretText::new(text.to_owned()))
    }
}

fn sealed(session: &Session, store: &Store, name: &str, secret: SecretText) -> Result<Vec<u8>> {
    let secrets = BTreeMap::from([(CLIENT_SECRET.to_owned(), secret)]);
    Ok(credential::seal(&session.key(store)?, &session.tenant, name, &secrets)?)
}

fn add(session: &Session, name: String, settings: &Settings, secret: &Secret) -> Result<ExitStatus> {
    if !is_sound_name(&name) {
        return Err(Trouble::usage(format!(
            "`{}` is no name, expected at most 64 letters, digits, `.`, `_` and `-`",
            name.escape_debug()
        ))
        .into());
    }
    // Nothing is made before everything is known to be right.
    if let Some(store) = session.store_if_any()?
        && store.credential(&name)?.is_some()
    {
        return Err(Trouble::usage(format!("there is a credential `{name}` already"))
            .help(format!("change it: `userload credential edit {name}`"))
            .into());
    }
    let mut given = settings.given()?;
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
    let expires_on = settings.expires_on()?;
    let secret = secret.read(session)?;
    let mut store = session.store_or_new()?;
    let sealed = sealed(session, &store, &name, secret)?;
    let row = CredentialRow { name, settings: given, sealed, expires_on, saved_at: session.now() };
    store.add_credential(&row)?;
    saved(session, &row, "added")
}

fn edit(session: &Session, name: &str, settings: &Settings, secret: &Secret) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let mut row = session.credential_row(&store, name)?;
    let given = settings.given()?;
    let expires_on = settings.expires_on()?;
    if secret.given() || (given.is_empty() && expires_on.is_none()) {
        row.sealed = sealed(session, &store, name, secret.read(session)?)?;
    }
    row.settings.extend(given);
    row.expires_on = expires_on.or(row.expires_on);
    row.saved_at = session.now();
    store.replace_credential(&row)?;
    saved(session, &row, "changed")
}

fn saved(session: &Session, row: &CredentialRow, done: &str) -> Result<ExitStatus> {
    if session.printer.json() {
        session.printer.answer(&Answer::new("credential", Shown::from(row)).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} {done}", shown(&row.name)))?;
        session.printer.story(&format!("next: `userload credential test {}` proves it", shown(&row.name)));
    }
    Ok(ExitStatus::Done)
}

/// A credential as it is shown: without secrets.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    settings: &'a BTreeMap<String, String>,
    expires_on: Option<&'a str>,
    saved_at: String,
}

impl<'a> From<&'a CredentialRow> for Shown<'a> {
    fn from(row: &'a CredentialRow) -> Self {
        Self {
            name: &row.name,
            settings: &row.settings,
            expires_on: row.expires_on.as_deref(),
            saved_at: moment(row.saved_at),
        }
    }
}

fn list(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let rows = store.credentials()?;
    if session.printer.json() {
        let rows: Vec<Shown<'_>> = rows.iter().map(Shown::from).collect();
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
        Column::Text("Expires"),
        Column::Text("Saved"),
    ]);
    for row in &rows {
        let setting = |name: &str| shown(row.settings.get(name).map_or("", String::as_str)).into_owned();
        table.row([
            shown(&row.name).into_owned(),
            setting("domain"),
            setting("tenant"),
            setting("client-id"),
            row.expires_on.clone().unwrap_or_default(),
            time(row.saved_at),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    Ok(ExitStatus::Done)
}

fn test(session: &Session, name: &str) -> Result<ExitStatus> {
    let store = session.store()?;
    session.credential_row(&store, name)?;
    drop(store);
    let items = proof::credential_test(session, name)?;
    super::check::show(session, &format!("Test of the credential {}", shown(name)), &items)
}

fn remove(session: &Session, name: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    session.credential_row(&store, name)?;
    store.remove_credential(name)?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("removed", name).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} removed", shown(name)))?;
    }
    Ok(ExitStatus::Done)
}
