//! Pins: what a run may not write again while the source says what it said. Made by an undo and by a rejected
//! hold, lifted by the run that finds another value at the source.

use rusqlite::{Transaction, params};

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
    /// The integration whose record it is.
    pub integration: &'a str,
    /// The user at the source.
    pub source_id: &'a str,
    /// The person; none = nobody: the record is not to become one.
    pub person: Option<i64>,
    /// A target field, [`STATUS`] or [`WHOLE`].
    pub field: &'a str,
    /// What the source says while the pin holds: of a field its mapped value as JSON text, none = empty; of the
    /// status `enabled`, `disabled`, `deleted`, `not-found` or `left-filter`; of the whole the
    /// [`super::fields_digest`] of its mapped fields, none = whatever it says, until somebody lifts the pin.
    pub source_value: Option<&'a str>,
    /// For people: `undone in run 12`, `rejected in run 13`.
    pub reason: &'a str,
    /// The row of the run that makes it.
    pub run: i64,
    /// Now.
    pub at: Millis,
}

/// Writes a pin, in place of one of the same record and field. The record's link is looked at every night from
/// now on.
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
    tx.prepare_cached(
        "UPDATE link SET open = 1 WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 AND open = 0",
    )?
    .execute(params![pin.tenant, pin.integration, pin.source_id])?;
    Ok(())
}

/// What a `*` pin compares: the digest of a record's mapped fields (JSON object), whatever their order.
///
/// # Errors
/// When the text is not a JSON object.
pub fn fields_digest(fields: &str) -> Result<String> {
    let mut map = super::fields::parse(fields)?;
    // It comes with the person, by a pass of its own, and never with the record.
    map.remove(crate::model::MANAGER);
    Ok(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(super::fields::write(&map).as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::fields_digest;

    #[test]
    fn order_and_empty_fields_make_no_difference() {
        let one = fields_digest(r#"{"a":"x","b":null,"c":007}"#);
        assert!(one.is_err(), "not JSON");
        let one = fields_digest(r#"{"a":"x","b":null,"c":7}"#).unwrap();
        assert_eq!(one, fields_digest(r#"{"c":7,"a":"x"}"#).unwrap());
        assert_ne!(one, fields_digest(r#"{"c":7.0,"a":"x"}"#).unwrap());
    }
}
