//! People, their links, the ledger and holds.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::super::difference::stored_differences;
use super::{moment, raw};
use crate::model::{CONNECTOR_SYNC_TIME, Millis};
use crate::store::{ChangeRow, HoldGroup, HoldRow, LinkRow, PersonRow};

/// A person.
#[derive(Serialize)]
pub(crate) struct Person<'a> {
    uid: &'a str,
    status: &'static str,
    ended_by: Option<&'a str>,
    version: i64,
    created_at: String,
    fields: Fields<'a>,
}

impl<'a> From<&'a PersonRow> for Person<'a> {
    fn from(it: &'a PersonRow) -> Self {
        Self {
            uid: &it.uid,
            status: if it.active { "active" } else { "inactive" },
            ended_by: it.ended_by.as_deref(),
            version: it.version,
            created_at: moment(it.created_at),
            fields: Fields { stored: &it.fields, sync_time: it.sync_time },
        }
    }
}

/// The fields of a person by name, with the stamp that is no value of theirs.
struct Fields<'a> {
    stored: &'a str,
    sync_time: Option<Millis>,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let stored = crate::store::fields::parse(self.stored).map_err(serde::ser::Error::custom)?;
        let stamp = self.sync_time.map(|at| raw(&format!("\"{}\"", moment(at))));
        let mut all = stored;
        if let Some(stamp) = &stamp {
            all.insert(CONNECTOR_SYNC_TIME, stamp);
        }
        let mut map = to.serialize_map(Some(all.len()))?;
        for (name, value) in &all {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A link of a person.
#[derive(Serialize)]
pub(crate) struct Link<'a> {
    integration: &'a str,
    source_tenant: &'a str,
    cloud: &'a str,
    source_id: &'a str,
    enabled: Option<bool>,
    absent_since: Option<String>,
    gone: bool,
    seen_at: Option<String>,
}

impl<'a> From<&'a LinkRow> for Link<'a> {
    fn from(it: &'a LinkRow) -> Self {
        Self {
            integration: &it.integration,
            source_tenant: &it.source_tenant,
            cloud: &it.cloud,
            source_id: &it.source_id,
            enabled: it.enabled,
            absent_since: it.absent_since.map(moment),
            gone: it.gone,
            seen_at: it.sync_time.map(moment),
        }
    }
}

/// A row of the ledger.
#[derive(Serialize)]
pub(crate) struct LedgerRow<'a> {
    run: i64,
    integration: Option<&'a str>,
    source_id: Option<&'a str>,
    name: Option<&'a str>,
    outcome: &'a str,
    state: &'a str,
    applied: bool,
    reason: &'a str,
    active_after: Option<bool>,
    fields: Option<Box<RawValue>>,
    changes: Vec<OwnedChange>,
    not_applied: Box<RawValue>,
    evidence: Option<Box<RawValue>>,
    at: String,
}

#[derive(Serialize)]
pub(super) struct OwnedChange {
    field: String,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

pub(super) fn owned_changes(differences: Option<&str>) -> Vec<OwnedChange> {
    stored_differences(differences)
        .into_iter()
        .map(|it| OwnedChange {
            before: it.before.as_deref().map(raw),
            after: it.after.as_deref().map(raw),
            field: it.field,
        })
        .collect()
}

impl<'a> From<&'a ChangeRow> for LedgerRow<'a> {
    fn from(it: &'a ChangeRow) -> Self {
        Self {
            run: it.run,
            integration: it.integration.as_deref(),
            source_id: it.source_id.as_deref(),
            name: it.name.as_deref(),
            outcome: &it.outcome,
            state: &it.state,
            applied: it.was_applied(),
            reason: &it.reason,
            active_after: it.active_after,
            fields: it.fields.as_deref().map(raw),
            changes: owned_changes(it.differences.as_deref()),
            not_applied: raw_list(it.not_applied.as_deref()),
            evidence: it.evidence.as_deref().map(raw),
            at: moment(it.at),
        }
    }
}

/// An open hold.
#[derive(Serialize)]
pub(crate) struct Hold<'a> {
    id: i64,
    integration: &'a str,
    source_id: &'a str,
    name: Option<&'a str>,
    uid: Option<&'a str>,
    cause: &'a str,
    reason: &'a str,
    changes: Vec<OwnedChange>,
    opened_run: i64,
    opened_at: String,
}

impl<'a> From<&'a HoldRow> for Hold<'a> {
    fn from(it: &'a HoldRow) -> Self {
        Self {
            id: it.id,
            integration: &it.integration,
            source_id: &it.source_id,
            name: it.name.as_deref(),
            uid: it.uid.as_deref(),
            cause: &it.cause,
            reason: &it.reason,
            changes: owned_changes(it.differences.as_deref()),
            opened_run: it.opened_run,
            opened_at: moment(it.opened_at),
        }
    }
}

/// Open holds with one cause.
#[derive(Serialize)]
pub(crate) struct HoldCause<'a> {
    integration: &'a str,
    cause: &'a str,
    reason: &'a str,
    count: u64,
    since: String,
}

impl<'a> From<&'a HoldGroup> for HoldCause<'a> {
    fn from(it: &'a HoldGroup) -> Self {
        Self {
            integration: &it.integration,
            cause: &it.cause,
            reason: &it.reason,
            count: it.count,
            since: moment(it.since),
        }
    }
}

fn raw_list(json: Option<&str>) -> Box<RawValue> {
    raw(json.unwrap_or("[]"))
}
