//! `userload credential test`: proves a credential at the source, and tells what the source says about it.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::credential_end::{end_of, warning_of};
use super::output::shown;
use super::proof::{self, CheckItem, SAMPLE, Verdict, item, problem};
use super::session::Session;
use super::site::Site;
use crate::config::Sandbox;
use crate::credential::{CLIENT_SECRET, EndKnownFrom, NEXT_CLIENT_SECRET, permissions_in};
use crate::engine::contract::{CredentialFacts, CredentialPage, Error, PagePurpose, SecretKind, Source};
use crate::engine::{CallError, Connector};
use crate::store::CredentialRow;
use crate::sync::preflight::{self, Problem};
use crate::sync::{Retry, RunError, Silent, ask};

/// The first wait for consent; each further one is twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Letters of a client secret that the source keeps, to tell which one it is.
const HINT: usize = 3;

/// Proves a credential. `wait` = how many minutes to wait for consent.
///
/// # Errors
/// When it could not even be tried.
pub(super) fn run(session: &Session, name: &str, wait: Option<u32>) -> Result<Vec<CheckItem>> {
    let mut store = session.store()?;
    let row = session.credential_row(&store, name)?;
    let credential = session.credential(&store, name)?;
    session.use_plugin_of_credential(&store, name)?;
    let site = session.site()?;
    let settings = match preflight::complete(&site.plugin, &credential) {
        Ok(settings) => settings,
        Err(problems) => return Ok(problems.into_iter().map(problem).collect()),
    };
    let hint =
        credential.secrets.get(CLIENT_SECRET).map(|it| it.expose().chars().take(HINT).collect::<String>());
    // What the integrations of this credential may reach, it may reach for this test.
    let mut sandbox = Sandbox::default();
    let mut used = false;
    for row in store.integrations()?.into_iter().filter(|row| row.credential == name) {
        used = true;
        if let Ok(integration) = session.parse(&store, &row) {
            sandbox.join(integration.sandbox);
        }
    }
    let connector = preflight::connect(&site.plugin, &site.manifest, &settings, credential, &sandbox);
    let mut connector = match connector {
        Ok(connector) => connector,
        Err(problems) if used => return Ok(problems.into_iter().map(problem).collect()),
        Err(problems) => return Ok(problems.into_iter().map(|it| problem(first_grant(it, name))).collect()),
    };
    let pages = site.transformer().credential_pages(&settings).unwrap_or_default();
    let mut items = vec![item("settings", Verdict::Ok, proof::shown(&settings), None)];
    let source = Source { settings, filter: None, select: Vec::new(), page_size: SAMPLE, delta: false };
    if let Some(minutes) = wait {
        wait_for_consent(session, site, &mut connector, &source, &pages, minutes);
    }
    let proven = proof::prove(session, &mut connector, &source, &mut items, &Silent)?;
    let Some(proof::Proven { page, .. }) = proven else {
        point_to_pages(&mut items, &pages);
        return Ok(items);
    };
    if connector.accepted(NEXT_CLIENT_SECRET) {
        items.push(item(
            "next secret",
            Verdict::Note,
            "the client secret was refused, the next one was accepted",
            Some("the next run puts it in the first one's place".to_owned()),
        ));
    }
    proof::listing(&source, &page, &mut items);
    let mut retry = Retry::default();
    let facts = ask(site.net.handle(), &mut retry, "asking about the credential", &Silent, async || {
        connector.inspect_credential(&source).await
    });
    let facts = facts.unwrap_or(CredentialFacts { permissions: None, keys: None });
    permissions(site, &row, &facts, &pages, &mut items);
    let told = facts.keys.as_deref().and_then(|keys| {
        let hint = hint.as_deref()?;
        let own = keys.iter().filter(|it| it.kind == SecretKind::Text && it.hint.as_deref() == Some(hint));
        // Of several with the same first letters, the one that ends first: better early than late.
        own.map(|it| it.ends.get(..10).unwrap_or_default().to_owned()).min()
    });
    let mut row = row;
    let accepted_first = !connector.accepted(NEXT_CLIENT_SECRET);
    if accepted_first && told.is_some() && row.about.told_end != told {
        row.about.told_end = told;
        store.replace_credential(&row)?;
    }
    items.push(end(&row, session));
    Ok(items)
}

/// A missing grant, where there is no integration yet to add it to.
fn first_grant(problem: Problem, name: &str) -> Problem {
    let line = problem.help.as_deref().and_then(|it| it.strip_prefix(preflight::TO_ALLOW));
    let help = match line.filter(|it| it.starts_with("grants")) {
        Some(line) => Some(format!(
            "no integration uses `{}` yet, and only an integration can grant this: `userload integration save -f FILE` \
             with the line {line}, then test again (a draft will do)",
            shown(name)
        )),
        None => problem.help,
    };
    Problem { help, ..problem }
}

/// Where to go, behind each problem.
pub(super) fn point_to_pages(items: &mut [CheckItem], pages: &[CredentialPage]) {
    let url = |purpose| pages.iter().find(|it| it.purpose == purpose).map(|it| it.url.as_str());
    for item in items.iter_mut().filter(|it| it.verdict == Verdict::Problem) {
        let wanted: &[(PagePurpose, &str)] = if item.what == "credential" {
            &[(PagePurpose::Overview, "ids"), (PagePurpose::Keys, "secrets and certificates")]
        } else if item.detail.contains("403") {
            &[
                (PagePurpose::Permissions, "permissions"),
                (PagePurpose::Consent, "an administrator grants consent at"),
            ]
        } else {
            &[]
        };
        let lines = wanted.iter().filter_map(|(purpose, what)| Some(format!("{what}: {}", url(*purpose)?)));
        let help = item.help.take().into_iter().chain(lines);
        let help: Vec<String> = help.collect();
        item.help = (!help.is_empty()).then(|| help.join("\n"));
    }
}

/// What was typed as a scope, what is needed, and what is more than that, where it can be seen.
fn permissions(
    site: &Site,
    row: &CredentialRow,
    facts: &CredentialFacts,
    pages: &[CredentialPage],
    items: &mut Vec<CheckItem>,
) {
    let known = &site.manifest.permissions;
    let typed = permissions_in(&row.settings);
    // What reading a page has proven already.
    let proven = |name: &str| known.iter().any(|it| it.required && it.name.eq_ignore_ascii_case(name));
    let Some(granted) = &facts.permissions else {
        let unseen: Vec<&str> = typed.iter().map(String::as_str).filter(|it| !proven(it)).collect();
        if !unseen.is_empty() {
            items.push(item(
                "permissions",
                Verdict::Note,
                format!("whether {} is granted cannot be seen", unseen.join(", ")),
                Some("only with Application.Read.All a credential sees its own permissions".to_owned()),
            ));
        }
        return;
    };
    let has = |name: &str| granted.iter().any(|it| it.eq_ignore_ascii_case(name));
    items.push(item("permissions", Verdict::Ok, granted.join(", "), None));
    let lacking: Vec<&str> = typed.iter().map(String::as_str).filter(|it| !has(it) && !proven(it)).collect();
    if !lacking.is_empty() {
        let consent = pages.iter().find(|it| it.purpose == PagePurpose::Consent);
        items.push(item(
            "scopes",
            Verdict::Problem,
            format!("{} is not granted", lacking.join(", ")),
            consent.map(|it| format!("add it in Entra, then an administrator grants consent at: {}", it.url)),
        ));
    }
    let useful = |name: &str| {
        known.iter().any(|it| it.name.eq_ignore_ascii_case(name))
            || typed.iter().any(|it| it.eq_ignore_ascii_case(name))
    };
    let more: Vec<&str> = granted.iter().map(String::as_str).filter(|it| !useful(it)).collect();
    if !more.is_empty() {
        items.push(item(
            "permissions",
            Verdict::Note,
            format!("more than is needed: {}", more.join(", ")),
            Some("whoever gets hold of the credential could use them; remove them in Entra".to_owned()),
        ));
    }
}

fn end(row: &CredentialRow, session: &Session) -> CheckItem {
    if let Some((warning, help)) = warning_of(row, session.now()) {
        return item("expiry", Verdict::Note, warning, Some(help));
    }
    match end_of(row, session.now()) {
        Some(end) => {
            let by = match end.known_from {
                EndKnownFrom::Source => "as the source says",
                EndKnownFrom::Certificate => "as the certificate says",
                EndKnownFrom::Administrator => "as you said",
            };
            item("expiry", Verdict::Ok, format!("{}, in {} days, {by}", end.on, end.days_left), None)
        }
        None if row.about.federated_token_file.is_some() => {
            item("expiry", Verdict::Ok, "nothing: the platform renews the token", None)
        }
        None => item(
            "expiry",
            Verdict::Note,
            "nobody said when the secret expires",
            Some(format!(
                "userload credential edit {} --expires-on YYYY-MM-DD, or grant Application.Read.All",
                shown(&row.name)
            )),
        ),
    }
}

/// Prints the consent link and asks again, less and less often, until users can be read or time is up.
fn wait_for_consent(
    session: &Session,
    site: &Site,
    connector: &mut Connector,
    source: &Source,
    pages: &[CredentialPage],
    minutes: u32,
) {
    let until = Instant::now() + Duration::from_secs(u64::from(minutes) * 60);
    let mut wait = FIRST_WAIT;
    while lacks_consent(site, connector, source) {
        if wait == FIRST_WAIT {
            let link = pages.iter().find(|it| it.purpose == PagePurpose::Consent);
            let link = link.map_or_else(String::new, |it| format!(": {}", it.url));
            session.printer.tell(&format!("an administrator has to grant consent{link}"));
            session.printer.story(&format!("waiting for it, at most {minutes} minutes; Ctrl-C gives up"));
        }
        if Instant::now() + wait > until {
            session.printer.tell("nobody has granted consent yet");
            return;
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Whether the source lets the application in but not read users. A token says what was consented to when it
/// was given, so each look begins with a new one.
fn lacks_consent(site: &Site, connector: &mut Connector, source: &Source) -> bool {
    let (net, mut retry) = (site.net.handle(), Retry::default());
    let denied = |error: &RunError| match error {
        RunError::Call { error, .. } => is_consent(error),
        _ => false,
    };
    let identity =
        ask(net, &mut retry, "proving the credential", &Silent, async || connector.identify(source).await);
    match identity {
        Err(error) => denied(&error),
        Ok(_) => {
            let read = async || connector.fetch_users(source, None).await;
            ask(net, &mut retry, "reading the first users", &Silent, read).is_err_and(|error| denied(&error))
        }
    }
}

/// 403 from the source, or `invalid_grant` from the login: consent is missing (AADSTS65001).
fn is_consent(error: &CallError) -> bool {
    match error.contract() {
        Some(Error::Upstream(answer)) => answer.status == 403,
        Some(Error::AuthRejected(answer)) => answer.code.starts_with("invalid_grant"),
        _ => false,
    }
}
