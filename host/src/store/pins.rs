//! Pins: what a run may not write again while the source says what it said.

use rusqlite::{Transaction, params};
use sha2::{Digest as _, Sha256};

use super::Result;
use crate::model::Millis;

/// The `field` of a pin that keeps a record as a whole from becoming, or staying with, a person.
pub const WHOLE: &str = "*";

/// The `field` of a pin, and of a lock, that keeps the status.
pub const STATUS: &str = "status";

/// A pin to be.
#[derive(Clone, Copy, Debug)]
pub struct NewPin<'a> {
    /// The row of the tenant.
    pub tenant: i64,
    /// The integration whose runs it binds.
    pub integration: &'a str,
    /// The user at the source.
    pub source_id: &'a str,
    /// The person; none = nobody: the record is not to become one.
    pub person: Option<i64>,
    /// A target field, [`STATUS`] or [`WHOLE`].
    pub field: &'a str,
    /// What the source says while the pin holds. Of a field: its mapped value, JSON; none = empty. Of the
    /// status: `enabled`, `disabled`, `deleted`, `not-found`, `left-filter`. Of the whole: [`whole_digest`];
    /// none = whatever it says, until somebody lifts the pin.
    pub source_value: Option<&'a str>,
    /// Why, for people: `undone in run 12`, `rejected in run 13`.
    pub reason: &'a str,
    /// The row of the run that makes it.
    pub run: i64,
    /// When.
    pub at: Millis,
}

/// Writes a pin, in the place of an earlier one of the same record and field.
///
/// # Errors
/// When the store cannot be written.
pub(super) fn insert(tx: &Transaction<'_>, pin: &NewPin<'_>) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO pin (tenant, integration, source_id, person, field, source_value, reason, run, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (tenant, integration, source_id, field) DO UPDATE SET
           person = excluded.person, source_value = excluded.source_value, reason = excluded.reason,
           run = excluded.run, at = excluded.at",
    )?
    .execute(params![
        pin.tenant,
        pin.integration,
        pin.source_id,
        pin.person,
        pin.field,
        pin.source_value,
        pin.reason,
        pin.run,
        pin.at
    ])?;
    Ok(())
}

/// What a pin of the whole record compares: SHA-256, in hexadecimal, of the `fields` text that a creation
/// from the record has or would have.
#[must_use]
pub fn whole_digest(fields: &str) -> String {
    Sha256::digest(fields.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_of_the_text() {
        let digest = super::whole_digest("{}");
        assert_eq!(digest, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }
}
