//! Locks and pins.

use serde::Serialize;

use super::moment;
use crate::store::{LockRow, PinRow};

/// A lock of a person. An empty field is the person wholly.
#[derive(Serialize)]
pub(crate) struct Lock<'a> {
    field: &'a str,
    note: Option<&'a str>,
    run: i64,
    at: String,
}

impl<'a> From<&'a LockRow> for Lock<'a> {
    fn from(it: &'a LockRow) -> Self {
        Self { field: &it.field, note: it.note.as_deref(), run: it.run, at: moment(it.at) }
    }
}

/// A standing pin.
#[derive(Serialize)]
pub(crate) struct Pin<'a> {
    integration: &'a str,
    source_id: &'a str,
    field: &'a str,
    source_value: Option<&'a str>,
    reason: &'a str,
    at: String,
}

impl<'a> From<&'a PinRow> for Pin<'a> {
    fn from(it: &'a PinRow) -> Self {
        Self {
            integration: &it.integration,
            source_id: &it.source_id,
            field: &it.field,
            source_value: it.source_value.as_deref(),
            reason: &it.reason,
            at: moment(it.at),
        }
    }
}
