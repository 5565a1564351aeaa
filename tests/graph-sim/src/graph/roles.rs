//! Who has which role: `/roleManagement/directory`, `/servicePrincipals`, `/groups`.
//! Sources: Graph pages "rbacapplication-list-roleassignments", "serviceprincipal-list-approleassignedto",
//! "group-list-transitivemembers".

use serde_json::{Value, json};

use super::page_token::PageToken;
use super::query::{Query, is_eventual};
use super::{Call, Refused, Site};
use crate::prng::digest;
use crate::reply::{GRAPH_JSON, Reply};
use crate::world::Application;

/// Page size without `$top`, here as everywhere.
const USUAL_SIZE: usize = 100;

/// `GET /roleManagement/directory/roleDefinitions`.
pub(crate) fn definitions(site: &Site<'_>, call: &Call<'_>) -> Result<Reply, Refused> {
    call.grant.may_read_directory_roles()?;
    let roles = site.world.access.directory_roles.iter();
    page(site, call, roles.map(|(id, name)| json!({"id": id, "displayName": name})).collect())
}

/// `GET /roleManagement/directory/roleAssignments`. The principal is told only when it is expanded.
pub(crate) fn assignments(site: &Site<'_>, call: &Call<'_>) -> Result<Reply, Refused> {
    call.grant.may_read_directory_roles()?;
    let query = Query::parse(call.query, is_eventual(call.consistency)?)?;
    let expanded = match query.expand.as_deref() {
        None => false,
        Some("principal") => true,
        Some(other) => {
            return Err(Refused::odata(format!("Parsing OData Select and Expand failed: '{other}'.")));
        }
    };
    let assignments = site.world.access.directory_assignments.iter().enumerate();
    let items = assignments.map(|(at, (role, principal))| {
        let (id, kind) = principal.told();
        let mut item = json!({
            "id": format!("assignment-{at}"), "roleDefinitionId": role, "principalId": id, "directoryScopeId": "/",
        });
        if expanded {
            let kind = format!("#microsoft.graph.{}{}", kind[..1].to_lowercase(), &kind[1..]);
            item["principal"] = json!({"@odata.type": kind, "id": id});
        }
        item
    });
    page(site, call, items.collect())
}

/// `GET /servicePrincipals(appId='…')` and `GET /servicePrincipals/{id}`.
pub(crate) fn application(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    call.grant.may_read_applications()?;
    let app = find(site, key)?;
    let role = |(id, name): &(String, String)| json!({"id": id, "displayName": name, "value": name, "isEnabled": true, "allowedMemberTypes": ["User"]});
    let roles: Vec<Value> = app.roles.iter().map(role).collect();
    let body = json!({"id": app.id, "appId": app.app_id, "appRoles": roles});
    Ok(Reply::new(200, GRAPH_JSON, body.to_string()))
}

/// `GET /servicePrincipals/{id}/appRoleAssignedTo`.
pub(crate) fn assigned(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    call.grant.may_read_applications()?;
    let app = find(site, key)?;
    let items = app.assigned.iter().map(|(role, principal)| {
        let (id, kind) = principal.told();
        json!({"appRoleId": role, "principalId": id, "principalType": kind, "resourceId": app.id})
    });
    page(site, call, items.collect())
}

/// `GET /groups/{id}/transitiveMembers/microsoft.graph.user`: of all members only those who are users.
pub(crate) fn members(site: &Site<'_>, call: &Call<'_>, group: &str) -> Result<Reply, Refused> {
    call.grant.may_read_groups()?;
    let members = site.world.access.members(group).ok_or_else(|| Refused::no_object(group))?;
    let users = members.into_iter().filter(|id| site.world.user(id).is_some());
    page(site, call, users.map(|id| json!({"id": id})).collect())
}

/// Whether a path's segment is `servicePrincipals(appId='…')` of an enterprise application.
pub(crate) fn is_enterprise(site: &Site<'_>, segment: &str) -> bool {
    segment.strip_prefix("servicePrincipals").is_some_and(|key| find(site, key).is_ok())
}

fn find<'a>(site: &'a Site<'_>, key: &str) -> Result<&'a Application, Refused> {
    let by_app = key.strip_prefix("(appId='").and_then(|rest| rest.strip_suffix("')"));
    let mut apps = site.world.access.applications.iter();
    let found = match by_app {
        Some(app) => apps.find(|it| it.app_id.eq_ignore_ascii_case(app)),
        None => apps.find(|it| it.id == key),
    };
    found.ok_or_else(|| Refused::no_object(by_app.unwrap_or(key)))
}

fn page(site: &Site<'_>, call: &Call<'_>, items: Vec<Value>) -> Result<Reply, Refused> {
    let query = Query::parse(call.query, is_eventual(call.consistency)?)?;
    let hash = digest(format!("{}?{}", call.path, query.base).as_bytes());
    let issued = site.page_lifetime.map_or(0, |_| site.uptime);
    let mut token = PageToken { query: hash, place: 0, page: 1, issued, advanced: false };
    if let Some(text) = &query.skip_token {
        let sent = PageToken::read(text, hash, site)?;
        (token.place, token.page) = (sent.place, sent.page);
    }
    let (begin, size) = (token.place as usize, query.top.unwrap_or(USUAL_SIZE));
    let some: Vec<&Value> = items.iter().skip(begin).take(size).collect();
    let mut body = json!({"value": some});
    if begin + size < items.len() {
        let next = PageToken { place: (begin + size) as u64, page: token.page + 1, ..token };
        let separator = if query.base.is_empty() { "" } else { "&" };
        let link =
            format!("{}{}?{}{separator}$skiptoken={}", site.origin, call.path, query.base, next.encode());
        body["@odata.nextLink"] = json!(link);
    }
    Ok(Reply::new(200, GRAPH_JSON, body.to_string()))
}
