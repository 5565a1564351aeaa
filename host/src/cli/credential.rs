//! `userload credential`.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::credential_input::{DEFAULT_DOMAIN, KeyFile, Proof, Secret, Settings, day};
use super::exit::ExitStatus;
use super::output::json_v1::{Answer, moment};
use super::output::{Column, Table, shown, time};
use super::session::Session;
use super::trouble::Trouble;
use super::{credential_foreign, credential_test};
use crate::config::is_sound_name;
use crate::credential::{
    self, AUTHENTICATION, About, CERTIFICATE, CLIENT_SECRET, CertificateAbout, End, EndKnownFrom,
    FEDERATED_TOKEN, Kept, NEXT_CLIENT_SECRET, NextSecret, SecretText,
};
use crate::model::Millis;
use crate::store::{CredentialRow, Store, StoreError};

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
        #[arg(long)]
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

/// The secrets that the store is to keep of a credential, by the names that the plugin gives them.
pub(super) type Secrets = BTreeMap<String, SecretText>;

/// Puts a proof into a row: what is secret is sealed, what was there before is gone.
fn keep(session: &Session, store: &Store, row: &mut CredentialRow, proof: Proof) -> Result<()> {
    let secrets = take(row, proof);
    seal(session, store, row, &secrets)
}

/// Seals the secrets of a row.
pub(super) fn seal(
    session: &Session,
    store: &Store,
    row: &mut CredentialRow,
    secrets: &Secrets,
) -> Result<()> {
    row.sealed = credential::seal(&session.key(store)?, &session.tenant, &row.name, secrets)?;
    Ok(())
}

/// Puts a proof into a row, all but what is to be sealed; gives that back.
fn take(row: &mut CredentialRow, proof: Proof) -> Secrets {
    let mut secrets = BTreeMap::new();
    row.about = About { secret: row.about.secret.take(), ..About::default() };
    row.settings.remove(AUTHENTICATION);
    match proof {
        Proof::Secret(secret) => drop(secrets.insert(row.about.secret_name().to_owned(), secret)),
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
    secrets
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
    store.add_credential(&row)?;
    saved(session, &row, "added")
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
fn only_text(secret: &Secret) -> Result<()> {
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
    let secrets = take(&mut row, proof);
    Ok((row, secrets))
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
    let given = settings.given()?;
    let expires_on = settings.expires_on()?;
    row.settings.extend(given.clone());
    if row.about.secret.is_some() {
        only_text(secret)?;
    }
    if secret.given() || (given.is_empty() && expires_on.is_none()) {
        let proof = secret.proof(key, session)?;
        // The day that was given was the old one's.
        row.expires_on = None;
        keep(session, &store, &mut row, proof)?;
    }
    row.expires_on = expires_on.or(row.expires_on);
    row.saved_at = session.now();
    store.replace_credential(&row)?;
    saved(session, &row, "changed")
}

/// A second client secret beside the first.
fn next_secret(session: &Session, name: &str, settings: &Settings, secret: &Secret) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let mut row = session.credential_row(&store, name)?;
    if let Some(option) = secret.other() {
        return Err(Trouble::usage(format!("`--next-secret` is a client secret, and takes no `{option}`"))
            .help("give it by `--secret-file FILE`, `--secret-env VARIABLE` or `--secret-stdin`")
            .into());
    }
    if !settings.given()?.is_empty() {
        return Err(Trouble::usage(
            "`--next-secret` takes a secret and `--expires-on`, and no other setting",
        )
        .help(format!("change settings on their own: `userload credential edit {name} …`"))
        .into());
    }
    if row.about.kind() != "client secret" || row.about.kept != Kept::Store {
        let what = match &row.about.kept {
            Kept::Store => format!("it proves itself with a {}", row.about.kind()),
            kept => format!("its client secret is kept {kept}"),
        };
        return Err(Trouble::usage(format!("{name} has no room for a next secret: {what}"))
            .help(format!(
                "both are good at the same time in Entra: add the new one there, then `userload credential edit {name}`"
            ))
            .into());
    }
    let expires_on = settings.expires_on()?;
    let next = secret.read(session)?;
    let key = session.key(&store)?;
    let mut secrets = credential::open(&key, &session.tenant, name, &row.sealed)?;
    if secrets.get(CLIENT_SECRET).is_some_and(|first| first.expose() == next.expose()) {
        return Err(Trouble::usage("that is the secret that is in use already")
            .help("make a new one in Entra under Certificates & secrets; the old one stays good until you remove it")
            .into());
    }
    secrets.insert(NEXT_CLIENT_SECRET.to_owned(), next);
    row.sealed = credential::seal(&key, &session.tenant, name, &secrets)?;
    row.about.next = Some(NextSecret { expires_on });
    row.saved_at = session.now();
    store.replace_credential(&row)?;
    saved(session, &row, "has a next secret")
}

/// The next client secret takes the first one's place: the source refused that one and took this one. Nothing
/// happens when somebody has changed the credential meanwhile.
pub(super) fn promote(session: &Session, store: &mut Store, name: &str) -> Result<bool> {
    let mut row = session.credential_row(store, name)?;
    let key = session.key(store)?;
    let mut secrets = credential::open(&key, &session.tenant, name, &row.sealed)?;
    let Some(next) = secrets.remove(NEXT_CLIENT_SECRET) else { return Ok(false) };
    secrets.insert(CLIENT_SECRET.to_owned(), next);
    row.sealed = credential::seal(&key, &session.tenant, name, &secrets)?;
    row.expires_on = row.about.next.take().and_then(|next| next.expires_on);
    row.about.told_end = None;
    store.replace_credential(&row)?;
    Ok(true)
}

/// When what a credential proves itself with ends, as far as it is known.
pub(super) fn end_of(row: &CredentialRow, now: Millis) -> Option<End> {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(now).ok()?).date();
    row.about.end(row.expires_on.as_deref(), today)
}

/// What is to be said about that end, when it is near, and what to do.
pub(super) fn warning_of(row: &CredentialRow, now: Millis) -> Option<(String, String)> {
    let name = shown(&row.name);
    let warning = end_of(row, now)?.warning(&row.about.what_ends(&name))?;
    Some(match (&row.about.certificate, &row.about.next) {
        (_, Some(_)) => {
            (format!("{warning}; the next secret takes over"), "nothing is to be done".to_owned())
        }
        (Some(_), None) => (
            warning,
            format!(
                "upload a new certificate in Entra, then `userload credential edit {name} --certificate FILE`"
            ),
        ),
        (None, None) => (
            warning,
            format!("make a new secret in Entra, then `userload credential edit {name} --next-secret`"),
        ),
    })
}

fn saved(session: &Session, row: &CredentialRow, done: &str) -> Result<ExitStatus> {
    if session.printer.json() {
        session.printer.answer(&Answer::new("credential", Shown::of(row, session.now())).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} {done}", shown(&row.name)))?;
        tell_end(session, row);
        session.printer.story(&format!("next: `userload credential test {}` proves it", shown(&row.name)));
    }
    Ok(ExitStatus::Done)
}

/// Warns of an end that is near.
fn tell_end(session: &Session, row: &CredentialRow) {
    if let Some((warning, help)) = warning_of(row, session.now()) {
        session.printer.tell(&format!("{} {warning}", session.printer.story_paint().warn("warning:")));
        session.printer.story(&format!("help: {help}"));
    }
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
    session.credential_row(&store, name)?;
    store.remove_credential(name).map_err(|error| match error {
        StoreError::Refused(what) => Trouble::usage(what)
            .help(
                "give that integration another credential (`userload integration save -f FILE`), or remove it: \
                 `userload integration remove NAME`",
            )
            .into(),
        error => anyhow::Error::from(error),
    })?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("removed", name).text()?)?;
    } else {
        session.printer.answer(&format!("credential {} removed", shown(name)))?;
    }
    Ok(ExitStatus::Done)
}
