//! The Graph host: what `/v1.0` answers to a request that is let in.

mod access;
mod applications;
mod batch;
pub(crate) mod catalog;
mod delta;
mod list;
mod one;
mod page_token;
mod query;
mod refused;
mod render;
mod roles;
mod throttle;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::reply::{GRAPH_JSON, Reply};
use crate::world::World;

pub(crate) use access::{Grant, unauthorised};
pub(crate) use batch::{Batch, Part, finish as finish_batch, wrap as wrap_part};
pub(crate) use list::Listing;
pub(crate) use page_token::{expired as expired_page_token, page_of};
pub(crate) use refused::{Ids, Refused};
pub use throttle::Throttle;
pub(crate) use throttle::{Buckets, cost};

/// What all answers depend on.
pub(crate) struct Site<'a> {
    /// Scheme, host and port, to build links with.
    pub(crate) origin: &'a str,
    pub(crate) world: &'a World,
    /// How long page tokens live, in milliseconds.
    pub(crate) page_lifetime: Option<u64>,
    /// Milliseconds since the simulator started.
    pub(crate) uptime: u64,
}

/// A request to Graph, on its own or as a part of a batch.
pub(crate) struct Call<'a> {
    pub(crate) get: bool,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) consistency: Option<&'a str>,
    pub(crate) grant: &'a Grant,
    pub(crate) in_batch: bool,
}

/// An answer that may still be tampered with.
pub(crate) enum Outcome {
    Listing(Listing),
    Done(Reply),
}

impl Outcome {
    /// The answer as it is.
    pub(crate) fn finish(self) -> Reply {
        match self {
            Self::Listing(listing) => listing.finish(),
            Self::Done(reply) => reply,
        }
    }
}

/// Answers everything under `/v1.0` but a batch.
pub(crate) fn answer(site: &Site<'_>, call: &Call<'_>) -> Result<Outcome, Refused> {
    let segments = segments(call.path);
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let ["v1.0", rest @ ..] = segments.as_slice() else {
        return Err(Refused::no_segment(segments.first().copied().unwrap_or_default()));
    };
    let reply = match rest {
        ["users", ..] | ["directory", "deletedItems", ..] | ["subscribedSkus"] if !call.get => {
            Err(Refused::new(
                405,
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.",
            ))
        }
        ["users"] => return list::users(site, call).map(Outcome::Listing),
        ["users", "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()"] => {
            return delta::users(site, call).map(Outcome::Listing);
        }
        ["users", "$count"] => list::count_users(site, call),
        ["users", key] => one::user(site, call, key),
        ["directory", "deletedItems", "microsoft.graph.user"] => {
            return list::deleted(site, call).map(Outcome::Listing);
        }
        ["directory", "deletedItems", "microsoft.graph.user", "$count"] => list::count_deleted(site, call),
        ["directory", "deletedItems"] => {
            Err(Refused::bad("Resource 'deletedItems' needs a type cast, such as microsoft.graph.user."))
        }
        ["directory", "deletedItems", id] => one::deleted(site, call, id),
        ["subscribedSkus"] => skus(site, call),
        ["roleManagement", "directory", "roleDefinitions"] => roles::definitions(site, call),
        ["roleManagement", "directory", "roleAssignments"] => roles::assignments(site, call),
        ["servicePrincipals", id] => roles::application(site, call, id),
        ["servicePrincipals", id, "appRoleAssignedTo"] => roles::assigned(site, call, id),
        ["groups", id, "transitiveMembers", "microsoft.graph.user"] => roles::members(site, call, id),
        [one] if roles::is_enterprise(site, one) => {
            roles::application(site, call, &one["servicePrincipals".len()..])
        }
        _ => of_applications(site, call, rest),
    };
    reply.map(Outcome::Done)
}

/// Answers about applications; anything else is not there.
fn of_applications(site: &Site<'_>, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Refused> {
    let unknown = || Refused::no_segment(rest.last().copied().unwrap_or_default());
    let first = rest.first().copied().unwrap_or_default();
    let application = applications::key(first, "applications");
    let principal = applications::key(first, "servicePrincipals");
    match (application, principal, &rest[1.min(rest.len())..]) {
        _ if !call.get => Err(unknown()),
        (Some(key), _, []) => applications::application(site, call, key),
        (_, Some(key), []) => applications::service_principal(site, call, key),
        (_, Some(key), ["appRoleAssignments"]) => applications::assignments(site, call, key),
        _ => Err(unknown()),
    }
}

/// The parts of a path, decoded.
fn segments(path: &str) -> Vec<Cow<'_, str>> {
    let parts = path.trim_start_matches('/').split('/');
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy()).collect()
}

/// `GET /subscribedSkus`: never paged.
fn skus(site: &Site<'_>, call: &Call<'_>) -> Result<Reply, Refused> {
    call.grant.may_read_organisation()?;
    let sku = |sku: &crate::world::Sku| {
        serde_json::json!({
            "id": format!("{}_{}", site.world.tenant_id, sku.id),
            "skuId": sku.id,
            "skuPartNumber": sku.part_number,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": 0,
            "prepaidUnits": {"enabled": sku.enabled, "suspended": 0, "warning": 0},
            "servicePlans": [],
        })
    };
    let value: Vec<_> = site.world.skus.iter().map(sku).collect();
    let body = serde_json::json!({
        "@odata.context": format!("{}/v1.0/$metadata#subscribedSkus", site.origin),
        "value": value,
    });
    Ok(Reply::new(200, GRAPH_JSON, body.to_string()))
}
