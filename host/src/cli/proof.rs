//! `check` and `credential test`: proves settings, credential, permission and mapping at the source, one
//! after the other, and reads a few users. Changes nothing.

use anyhow::Result;
use serde::Serialize;

use super::credential_end::warning_of;
use super::population::Counter;
use super::services::ready;
use super::session::Session;
use crate::config::{Integration, Sandbox, missing_for_launch};
use crate::engine::contract::{Identity, Page, Setting, Source};
use crate::engine::{CallError, Connector};
use crate::store::Store;
use crate::sync::preflight::{self, Problem};
use crate::sync::{Progress, Retry, RunError, ask};

/// How many users a check reads.
pub(super) const SAMPLE: u32 = 25;

/// What one look of a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing is in the way, but it is good to know.
    Note,
    /// In the way, and to be put right.
    Problem,
    /// In the way, but nothing of ours: the source is away, busy or broken.
    #[serde(rename = "problem")]
    Failure,
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

pub(super) fn item(
    what: &str,
    verdict: Verdict,
    detail: impl Into<String>,
    help: Option<String>,
) -> CheckItem {
    CheckItem { what: what.to_owned(), verdict, detail: detail.into(), help }
}

pub(super) fn problem(problem: Problem) -> CheckItem {
    item(problem.place, Verdict::Problem, problem.what, problem.help)
}

fn failed(what: &str, error: RunError) -> CheckItem {
    let help = error.help();
    let verdict = if error.asks_for_change() { Verdict::Problem } else { Verdict::Failure };
    let detail = match error {
        RunError::Call { error, .. } => error.to_string(),
        other => other.to_string(),
    };
    item(what, verdict, detail, help)
}

/// Looks whether an integration can run: all problems at once. Changes nothing.
///
/// # Errors
/// When it could not even be looked at.
pub(super) fn check(session: &Session, name: &str, progress: &dyn Progress) -> Result<Vec<CheckItem>> {
    let store = session.store()?;
    let row = session.integration_row(&store, Some(name))?;
    let site = session.site()?;
    let mut ready = match ready(session, site, &store, &row)? {
        Ok(ready) => ready,
        Err(problems) => return Ok(problems.into_iter().map(problem).collect()),
    };
    let mapped = ready.integration.mapping.len();
    let mut items = vec![
        item("document", Verdict::Ok, format!("{mapped} fields are mapped"), None),
        item("plugin", Verdict::Ok, "speaks the contract and imports nothing beyond it", None),
    ];
    items.extend(missing(&ready.integration));
    items.extend(end(session, &store, &row.credential)?);
    let page_size = ready.integration.page_size.min(SAMPLE);
    let source = Source { page_size, ..ready.source.clone() };
    let Some(Proven { page, .. }) = prove(session, &mut ready.connector, &source, &mut items, progress)?
    else {
        return Ok(items);
    };
    if let Some(own) = &ready.applied.source_tenant {
        items.push(item("links", Verdict::Ok, format!("belong to tenant {own}"), None));
    }
    listing(&source, &page, &mut items);
    let net = site.net.handle();
    let mut counter = Counter { net, connector: &mut ready.connector, source: &ready.source, progress };
    items.extend(counter.population(ready.filter.as_ref(), &ready.integration, &site.fields, None).0);
    let mut transformer = site.transformer();
    let mut bad = Vec::new();
    let mut dropped = 0;
    for user in &page.users {
        match transformer.map_record(&ready.mapping, &user.raw)? {
            Ok(mapped) => dropped += usize::from(mapped.filtered.is_some()),
            Err(reason) => {
                let field = reason.field.map(|it| format!("{it}: ")).unwrap_or_default();
                bad.push(format!("user {}: {field}{}", user.id, reason.reason));
            }
        }
    }
    let read = page.users.len();
    if ready.integration.only_if.is_some() {
        let detail = format!("lets {} of the first {read} users through", read - bad.len() - dropped);
        items.push(item("only-if", Verdict::Ok, detail, None));
    }
    items.push(match bad.first() {
        None => item("mapping", Verdict::Ok, format!("the first {read} users can be mapped"), None),
        Some(first) => item(
            "mapping",
            Verdict::Note,
            format!("{} of the first {read} users cannot be mapped; {first}", bad.len()),
            Some(
                "such rows fail and count as present; map another property, or give the field a default"
                    .into(),
            ),
        ),
    });
    Ok(items)
}

/// A session through a credential alone.
pub(super) struct Opened {
    /// To talk to the source.
    pub(super) connector: Connector,
    /// Everybody, and no property beside those that the plugin needs.
    pub(super) source: Source,
}

/// Opens a session through a credential, whatever integrations use it.
///
/// # Errors
/// When it could not even be tried; the problems of the credential in their own place.
pub(super) fn open_credential(session: &Session, name: &str) -> Result<Result<Opened, Vec<Problem>>> {
    let store = session.store()?;
    let credential = session.credential(&store, name)?;
    session.use_plugin_of_credential(&store, name)?;
    let site = session.site()?;
    let settings = match preflight::complete(&site.plugin, &credential) {
        Ok(settings) => settings,
        Err(problems) => return Ok(Err(problems)),
    };
    // What the integrations of this credential may reach, it may reach for this test.
    let mut sandbox = Sandbox::default();
    for row in store.integrations()?.into_iter().filter(|row| row.credential == name) {
        if let Ok(integration) = session.parse(&store, &row) {
            sandbox.join(integration.sandbox);
        }
    }
    let connector = preflight::connect(&site.plugin, &site.manifest, &settings, credential, &sandbox);
    let source = Source { settings, filter: None, select: Vec::new(), page_size: SAMPLE, delta: false };
    Ok(connector.map(|connector| Opened { connector, source }))
}

pub(super) fn shown(settings: &[Setting]) -> String {
    let of = |name: &str| settings.iter().find(|it| it.name == name).map_or("", |it| it.value.as_str());
    if of("domain").is_empty() {
        let all: Vec<String> = settings.iter().map(|it| format!("{} {}", it.name, it.value)).collect();
        return all.join(", ");
    }
    format!("Graph at {}, login at {}", of("domain"), of("login"))
}

fn missing(integration: &Integration) -> Option<CheckItem> {
    let missing = missing_for_launch(integration);
    (!missing.is_empty()).then(|| {
        item(
            "launch",
            Verdict::Note,
            format!("it is a draft until there is more: {}", missing.join("; ")),
            Some("add it to the document and save it: `userload integration save -f FILE`".into()),
        )
    })
}

/// When what the credential proves itself with ends, if that is near.
fn end(session: &Session, store: &Store, credential: &str) -> Result<Option<CheckItem>> {
    let row = session.credential_row(store, credential)?;
    let warning = warning_of(&row, session.now());
    Ok(warning.map(|(warning, help)| item("expiry", Verdict::Note, warning, Some(help))))
}

/// What a credential has opened.
pub(super) struct Proven {
    /// Whose directory it is.
    pub(super) identity: Identity,
    /// The first users.
    pub(super) page: Page,
}

/// Token, tenant, permission and one page.
pub(super) fn prove(
    session: &Session,
    connector: &mut Connector,
    source: &Source,
    items: &mut Vec<CheckItem>,
    progress: &dyn Progress,
) -> Result<Option<Proven>> {
    let site = session.site()?;
    let net = site.net.handle();
    let needed = site.manifest.permissions.iter().filter(|it| it.required).map(|it| it.name.as_str());
    let needed = needed.collect::<Vec<_>>().join(", ");
    let mut retry = Retry::default();
    let proving = async || connector.identify(source).await;
    let identity = match ask(net, &mut retry, "proving the credential", progress, proving) {
        Ok(identity) => identity,
        Err(error) => {
            items.push(failed("credential", error));
            return Ok(None);
        }
    };
    let said = format!("opens tenant {} ({})", identity.tenant, identity.cloud);
    items.push(item("credential", Verdict::Ok, said, None));
    let read = async || -> Result<Page, CallError> { connector.fetch_users(source, None).await };
    match ask(net, &mut retry, "reading the first users", progress, read) {
        Ok(page) => {
            let by = if needed.is_empty() { String::new() } else { format!(" ({needed})") };
            items.push(item("permission", Verdict::Ok, format!("users can be read{by}"), None));
            Ok(Some(Proven { identity, page }))
        }
        Err(error) => {
            items.push(failed("reading users", error));
            Ok(None)
        }
    }
}

pub(super) fn listing(source: &Source, page: &Page, items: &mut Vec<CheckItem>) {
    let filter = source.filter.as_deref().map(|it| format!(" with the filter {it}")).unwrap_or_default();
    items.push(match page.total {
        Some(0) => item(
            "users",
            Verdict::Note,
            format!("there is nobody{filter}"),
            Some("an empty listing judges nobody; check the filter".into()),
        ),
        Some(total) => item("users", Verdict::Ok, format!("{total} users{filter}"), None),
        None => {
            item("users", Verdict::Note, format!("the source does not say how many there are{filter}"), None)
        }
    });
}
