//! One person: by object id or sign-in name, or deleted by object id.

use super::query::{Query, is_eventual};
use super::render::{Projection, context};
use super::{Call, Refused, Site};
use crate::reply::{GRAPH_JSON, Reply};
use crate::world::{User, push_json};

/// `GET /users/{id or userPrincipalName}`.
pub(crate) fn user(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    let query = read(call)?;
    if query.selects("signInActivity") {
        call.grant.may_read_activity(site.world)?;
        if !is_guid(key) {
            return Err(Refused::odata("Get By Key only supports UserId and the key has to be a valid Guid"));
        }
    }
    let found = if is_guid(key) { site.world.user(key) } else { site.world.find_by_upn(key) };
    let projection = Projection::of(&query, is_eventual(call.consistency)?)?;
    let user = found.ok_or_else(|| Refused::no_object(key))?;
    Ok(render(site, &query, projection, user, ""))
}

/// `GET /directory/deletedItems/{id}`.
pub(crate) fn deleted(site: &Site<'_>, call: &Call<'_>, id: &str) -> Result<Reply, Refused> {
    let query = read(call)?;
    let mut projection = Projection::of(&query, false)?;
    if query.select.is_none() {
        projection = projection.and("deletedDateTime");
    }
    let user = site.world.deleted_user(id).ok_or_else(|| Refused::no_object(id))?;
    let kind = "\"@odata.type\":\"#microsoft.graph.user\",";
    Ok(render(site, &query, projection, user, kind))
}

fn read(call: &Call<'_>) -> Result<Query, Refused> {
    call.grant.may_read_users()?;
    let query = Query::parse(call.query, is_eventual(call.consistency)?)?;
    let listing = [
        ("$filter", query.filter.is_some()),
        ("$top", query.top.is_some()),
        ("$skiptoken", query.skip_token.is_some()),
    ];
    match listing.iter().find(|(_, sent)| *sent) {
        Some((name, _)) => {
            Err(Refused::odata(format!("Query option '{name}' is not allowed on a single object.")))
        }
        None => Ok(query),
    }
}

fn render(site: &Site<'_>, query: &Query, mut projection: Projection, user: &User, kind: &str) -> Reply {
    let mut head = String::from("{\"@odata.context\":");
    push_json(&mut head, &context(site, query, true));
    head.push(',');
    head.push_str(kind);
    let mut out = head.into_bytes();
    projection.write_properties(user, site.world, &mut out);
    if out.ends_with(b",") {
        out.pop();
    }
    out.push(b'}');
    Reply::new(200, GRAPH_JSON, out)
}

fn is_guid(key: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = key.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && key.split('-').all(hex)
}
