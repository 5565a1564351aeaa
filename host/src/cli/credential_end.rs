//! When a credential ends, and what is said about it.

use super::output::shown;
use super::session::Session;
use crate::credential::End;
use crate::model::Millis;
use crate::store::CredentialRow;

/// When what a credential proves itself with ends, as far as it is known.
pub(super) fn end_of(row: &CredentialRow, now: Millis) -> Option<End> {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(now).ok()?).date();
    row.about.end(row.expires_on.as_deref(), today)
}

/// What is to be said about that end, when it is near, and what to do.
pub(super) fn warning_of(row: &CredentialRow, now: Millis) -> Option<(String, String)> {
    let name = shown(&row.name);
    let end = end_of(row, now)?;
    let warning = end.warning(&row.about.what_ends(&name))?;
    let hasty = format!("{warning}{}", end.haste());
    Some(match (&row.about.certificate, &row.about.next) {
        (_, Some(_)) => {
            (format!("{warning}; the next secret takes over"), "nothing is to be done".to_owned())
        }
        (Some(_), None) => (
            hasty,
            format!(
                "upload a new certificate in Entra, then `userload credential edit {name} --certificate FILE`"
            ),
        ),
        (None, None) => (
            hasty,
            format!("make a new secret in Entra, then `userload credential edit {name} --next-secret`"),
        ),
    })
}

/// Warns of an end that is near.
pub(super) fn tell_end(session: &Session, row: &CredentialRow) {
    if let Some((warning, help)) = warning_of(row, session.now()) {
        session.printer.tell(&format!("{} {warning}", session.printer.story_paint().warn("warning:")));
        session.printer.story(&format!("help: {help}"));
    }
}
