//! SaaS applications and their users.

use serde::Serialize;

use super::moment;
use crate::model::Millis;
use crate::store::{SaasLine, SaasUserRow};
use crate::sync::{Managers, SaasPass};

/// An application with its numbers.
#[derive(Serialize)]
pub(crate) struct SaasApplication<'a> {
    name: &'a str,
    catalog_entry: &'a str,
    integration: Option<&'a str>,
    users: u64,
    active: u64,
    idle: u64,
    idle_after_days: u32,
    unknown: u64,
    unmatched: u64,
    read_at: Option<String>,
}

impl<'a> SaasApplication<'a> {
    pub(crate) fn new(it: &'a SaasLine, idle_after_days: u32) -> Self {
        Self {
            name: &it.name,
            catalog_entry: &it.entry,
            integration: it.integration.as_deref(),
            users: it.users,
            active: it.active,
            idle: it.idle,
            idle_after_days,
            unknown: it.unknown,
            unmatched: it.unmatched,
            read_at: it.read_at.map(moment),
        }
    }
}

/// A user of an application. A role, an activity that is null is unknown.
#[derive(Serialize)]
pub(crate) struct SaasUser<'a> {
    application: &'a str,
    uid: Option<&'a str>,
    username: Option<&'a str>,
    display_name: Option<&'a str>,
    source_id: &'a str,
    source_name: Option<&'a str>,
    role: Option<&'a str>,
    status: &'static str,
    last_tenant_sign_in: Option<String>,
    idle: Option<bool>,
    days_since_sign_in: Option<i64>,
}

impl<'a> SaasUser<'a> {
    pub(crate) fn new(it: &'a SaasUserRow, idle_before: Millis, now: Millis) -> Self {
        let person = it.person.as_ref();
        Self {
            application: &it.application,
            uid: person.map(|(uid, ..)| uid.as_str()),
            username: person.and_then(|(_, username, _)| username.as_deref()),
            display_name: person.and_then(|(.., name)| name.as_deref()),
            source_id: &it.source_id,
            source_name: it.name.as_deref(),
            role: it.role.as_deref(),
            status: if it.active { "active" } else { "inactive" },
            last_tenant_sign_in: it.last_activity.map(moment),
            idle: it.last_activity.map(|at| at < idle_before),
            days_since_sign_in: it.last_activity.map(|at| (now - at).max(0) / (24 * 60 * 60 * 1000)),
        }
    }
}

/// What became of SaaS users in a run.
#[derive(Serialize)]
pub(super) struct SaasRun<'a> {
    application: &'a str,
    complete: bool,
    incomplete_because: Option<&'a str>,
    read: u64,
    created: u64,
    updated: u64,
    deactivated: u64,
    reactivated: u64,
    removed: u64,
    held: u64,
    unmatched: Option<u64>,
}

impl<'a> From<&'a SaasPass> for SaasRun<'a> {
    fn from(it: &'a SaasPass) -> Self {
        Self {
            application: &it.application,
            complete: it.complete,
            incomplete_because: it.reason.as_deref(),
            read: it.read,
            created: it.created,
            updated: it.updated,
            deactivated: it.deactivated,
            reactivated: it.reactivated,
            removed: it.removed,
            held: it.held,
            unmatched: it.unmatched,
        }
    }
}

/// What became of managers in a run.
#[derive(Serialize)]
pub(super) struct ManagersRun {
    complete: bool,
    read: u64,
    changed: u64,
    held: u64,
    unresolved: u64,
    barred: u64,
}

impl From<&Managers> for ManagersRun {
    fn from(it: &Managers) -> Self {
        Self {
            complete: it.complete,
            read: it.read,
            changed: it.changed,
            held: it.held,
            unresolved: it.unresolved,
            barred: it.barred,
        }
    }
}
