//! What `userload credential add` and `edit` are given: settings, and the proof of the application.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use zeroize::Zeroizing;

use super::session::Session;
use super::trouble::Trouble;
use crate::capabilities::{CertificateFacts, SigningKey};
use crate::credential::{self, Kept, SecretText};

/// Microsoft Graph of the worldwide cloud, as the seed has it.
pub(super) const DEFAULT_DOMAIN: &str = "https://graph.microsoft.com";

/// A certificate with its key is small.
const LARGEST_PEM: u64 = 256 * 1024;

/// What the application proves itself with.
pub(super) enum Proof {
    /// A client secret, to be sealed.
    Secret(SecretText),
    /// A client secret, to be put into the operating system's keyring.
    Keyring(SecretText),
    /// A client secret that is kept elsewhere.
    Elsewhere(Kept),
    /// A certificate with its key, to be sealed.
    Certificate(SecretText, CertificateFacts),
    /// A federated token, read at each run.
    FederatedToken(PathBuf),
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
    pub(super) tenant_id: Option<String>,
    /// Application (client) ID
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// Permissions to prove, such as User.Read.All; DOMAIN/.default is what is sent
    #[arg(long, value_name = "TEXT")]
    scopes: Option<String>,
    /// A setting of the plugin that `--plugin` names, by its name in the plugin's manifest
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The day on which the secret expires, to be reminded
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires_on: Option<String>,
}

/// A secret is never an argument: arguments can be read by every process of the machine.
#[derive(clap::Args, Debug)]
#[group(multiple = false)]
#[command(next_help_heading = "What the application proves itself with, one of them")]
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
    /// A certificate (PEM) with its RSA key; the key is sealed in the store
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A token of another identity provider (workload identity federation); read at each run, never stored
    #[arg(long, value_name = "FILE")]
    federated_token_file: Option<PathBuf>,
    /// Do not store the secret: each run reads it from this environment variable (local integrations)
    #[arg(long, value_name = "VARIABLE")]
    from_env: Option<String>,
    /// Do not store the secret: each run reads it from this file (local integrations)
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
pub(super) struct KeyFile {
    /// The certificate's private key, where it is a file of its own
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Do not store the secret: put it into the operating system's keyring, where each run reads it (local
    /// integrations)
    #[arg(long, conflicts_with_all = ["certificate", "federated_token_file", "from_env", "from_file"])]
    pub(super) keyring: bool,
}

impl Settings {
    /// The settings that were given, by the names that the plugin takes.
    pub(super) fn given(&self) -> Result<BTreeMap<String, String>> {
        let mut given = BTreeMap::new();
        let named = [
            ("domain", &self.domain),
            ("login", &self.login),
            ("tenant", &self.tenant_id),
            ("client-id", &self.client_id),
            ("scopes", &self.scopes),
        ];
        let mut all: Vec<(&str, &str)> =
            named.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        for pair in &self.set {
            all.push(pair.split_once('=').map(|(name, value)| (name.trim(), value)).ok_or_else(|| {
                Trouble::usage(format!("`{}` sets nothing, expected NAME=VALUE", pair.escape_debug()))
                    .help("`userload plugin inspect FILE` shows the settings that a plugin takes")
            })?);
        }
        for (name, value) in all {
            let value = value.trim();
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(Trouble::usage(format!("`{name}` is empty or has control characters")).into());
            }
            if given.contains_key(name) {
                return Err(Trouble::usage(format!("`{name}` is set twice")).into());
            }
            if matches!(name, "domain" | "login") {
                check_url(name, value)?;
            }
            given.insert(name.to_owned(), value.to_owned());
        }
        Ok(given)
    }

    pub(super) fn expires_on(&self) -> Result<Option<String>> {
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
    /// Whether anything was said; else it is asked for.
    pub(super) fn given(&self) -> bool {
        self.is_text() || self.other().is_some()
    }

    fn is_text(&self) -> bool {
        self.secret_file.is_some() || self.secret_env.is_some() || self.secret_stdin
    }

    /// The option that was given and is no client secret to be sealed.
    pub(super) fn other(&self) -> Option<&'static str> {
        let given = [
            (self.certificate.is_some(), "--certificate"),
            (self.federated_token_file.is_some(), "--federated-token-file"),
            (self.from_env.is_some(), "--from-env"),
            (self.from_file.is_some(), "--from-file"),
        ];
        given.iter().find(|(given, _)| *given).map(|(_, option)| *option)
    }

    /// What the application proves itself with: read and checked as far as it can be without the source.
    pub(super) fn proof(&self, key: &KeyFile, session: &Session) -> Result<Proof> {
        if let Some(file) = &self.certificate {
            return certificate(file, key.key.as_deref(), session);
        }
        if let Some(file) = &self.federated_token_file {
            let path = absolute(file)?;
            credential::federated_token(&path)?;
            return Ok(Proof::FederatedToken(path));
        }
        let kept = if let Some(variable) = &self.from_env {
            let letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
            if variable.is_empty() || !variable.chars().all(letter) {
                return Err(Trouble::usage(format!(
                    "`{}` is no name of a variable",
                    variable.escape_debug()
                ))
                .help("`--from-env` takes the variable's name, such as USERLOAD_CLIENT_SECRET, not its value")
                .into());
            }
            Kept::Environment { variable: variable.clone() }
        } else if let Some(file) = &self.from_file {
            Kept::File { path: absolute(file)? }
        } else {
            let secret = self.read(session)?;
            return Ok(if key.keyring { Proof::Keyring(secret) } else { Proof::Secret(secret) });
        };
        // Looked at now, so that a slip is told now; a variable may be set later, where runs are.
        match credential::kept_outside(&kept) {
            Ok(_) | Err(credential::OutsideError::NotSet(_)) => Ok(Proof::Elsewhere(kept)),
            Err(error) => Err(error.into()),
        }
    }

    /// The secret, from where it was said to be, else by asking.
    pub(super) fn read(&self, session: &Session) -> Result<SecretText> {
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
            Zeroizing::new(super::output::masked("Client secret (not shown)")?)
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

/// The same path from wherever the program is started; links stay, as platforms swap what is behind them.
fn absolute(file: &Path) -> Result<PathBuf> {
    std::path::absolute(file)
        .map_err(|error| Trouble::usage(format!("`{}` is no path: {error}", file.display())).into())
}

fn pem(file: &Path, what: &str) -> Result<Zeroizing<String>> {
    let unreadable = |error: std::io::Error| {
        let trouble = Trouble::usage(format!("cannot read the {what} from `{}`: {error}", file.display()));
        match error.kind() {
            std::io::ErrorKind::InvalidData => trouble.help(
                "expected PEM, text that begins with `-----BEGIN`; `openssl pkcs12 -in FILE -nodes -out clear.pem` \
                 makes it of a .pfx file",
            ),
            _ => trouble,
        }
    };
    let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(LARGEST_PEM + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_PEM {
        return Err(Trouble::usage(format!("`{}` is too large for a {what}", file.display())).into());
    }
    Ok(text)
}

/// The certificate with its key, checked: they belong together, and it has not ended.
fn certificate(file: &Path, key: Option<&Path>, session: &Session) -> Result<Proof> {
    let mut text = pem(file, "certificate")?;
    if let Some(key) = key {
        let key = pem(key, "private key")?;
        let mut both = Zeroizing::new(String::with_capacity(text.len() + key.len() + 1));
        both.push_str(&text);
        both.push('\n');
        both.push_str(&key);
        text = both;
    }
    let shown = key.unwrap_or(file).display().to_string();
    let pair = SigningKey::from_pem(&text).map_err(|error| {
        Trouble::usage(format!("`{}` cannot be used: {error}", file.display())).help(error.help(&shown))
    })?;
    let facts = pair.facts().clone();
    if facts.not_after.saturating_mul(1000) <= session.now() {
        return Err(Trouble::usage(format!(
            "the certificate in `{}` ended on {}",
            file.display(),
            day(facts.not_after)
        ))
        .help("make a new one, upload it in Entra under Certificates & secrets, and give that")
        .into());
    }
    Ok(Proof::Certificate(SecretText::new(std::mem::take(&mut *text)), facts))
}

/// The day of a moment in UTC; seconds since 1970.
pub(super) fn day(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    jiff::tz::Offset::UTC.to_datetime(at).date().to_string()
}
