//! The next client secret of a credential, which takes over when the first is refused.

use anyhow::Result;

use super::credential::saved;
use super::credential_input::{Secret, Settings};
use super::exit::ExitStatus;
use super::session::Session;
use super::trouble::Trouble;
use crate::credential::{self, CLIENT_SECRET, Kept, NEXT_CLIENT_SECRET, NextSecret};
use crate::store::Store;

/// A second client secret beside the first.
pub(super) fn next_secret(
    session: &Session,
    name: &str,
    settings: &Settings,
    secret: &Secret,
) -> Result<ExitStatus> {
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
