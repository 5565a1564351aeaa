//! Who has which role, in the directory itself or in an enterprise application. Groups are expanded: whoever
//! is in one, however deeply, has its role.
//!
//! One call is one page: of assignments, or of the members of one group that an earlier page named.

use std::collections::HashMap;

use crate::bindings::exports::userload::directory::connector::{
    Next, RoleHolder, RolePage, RoleSource, Source,
};
use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::types::Error;
use crate::cursor::{Cursor, Kind, Roles};
use crate::error::{malformed, problem};
use crate::graph::page::{self, Listing};
use crate::graph::{fault, url};
use crate::host_imports::Outside;
use crate::json::{Entries, items, shorten};
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::{Settings, is_guid};
use crate::transport::Request;

/// <https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments>
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const DEFINITIONS: &str = "/v1.0/roleManagement/directory/roleDefinitions";

/// Access to an enterprise application without any of its roles.
/// <https://learn.microsoft.com/graph/api/resources/approleassignment>
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";
const DEFAULT_ACCESS: &str = "Default access";

/// The longest name of a role, in bytes.
const NAME_BYTES: usize = 256;

/// Assignments on a page: so few that the groups among them fit into a cursor.
const TOP: u32 = 100;

/// Members on a page, the most that Graph gives.
const MEMBERS: u32 = 999;

/// One page of who has which role. `after` none = the first. Of `source` the settings count.
pub fn fetch_saas_roles(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
    roles: &RoleSource,
    after: Option<&str>,
) -> Result<RolePage, Error> {
    let settings = Settings::read(&source.settings).map_err(Error::Settings)?;
    if let RoleSource::AppRoles(id) = roles
        && !is_guid(id)
    {
        let text = "expected the application (client) id of an enterprise application, a GUID";
        return Err(Error::Settings(vec![problem("app-roles", text)]));
    }
    let mut reader =
        Reader { session: Session { outside, tokens, settings: &settings }, holders: Vec::new() };
    let position = after.map(|text| Cursor::decode(text, Kind::Roles, &settings.domain)).transpose()?;
    let read = match &position {
        None => reader.first(roles),
        Some(cursor) => {
            let carried = cursor.roles.clone().ok_or(Error::CursorExpired)?;
            match roles {
                RoleSource::AppRoles(_) if carried.principal.is_none() => return Err(Error::CursorExpired),
                RoleSource::DirectoryRoles if carried.principal.is_some() => {
                    return Err(Error::CursorExpired);
                }
                _ => reader.next(carried, &cursor.link),
            }
        }
    };
    let (carried, link) = match read {
        Ok(read) => read,
        Err(Stopped::Missing(missing)) => {
            reader.session.log(Level::Warn, &missing);
            let next = Next::Complete(None);
            return Ok(RolePage { holders: Vec::new(), next, missing: Some(missing) });
        }
        Err(Stopped::Error(error)) => return Err(error),
    };
    let next = match link {
        None => Next::Complete(None),
        Some(link) => {
            let mut cursor = match &position {
                None => Cursor::first(Kind::Roles, false, link.url),
                Some(position) if link.goes_on => position.after(link.url)?,
                Some(position) => position.elsewhere(link.url)?,
            };
            cursor.roles = Some(carried);
            Next::More(cursor.encode()?)
        }
    };
    Ok(RolePage { holders: reader.holders, next, missing: None })
}

/// Why there is no page.
enum Stopped {
    /// The app registration may not read it; said for people.
    Missing(String),
    Error(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What is carried on, and where to.
type Read = Result<(Roles, Option<Link>), Stopped>;

struct Link {
    url: String,
    /// It is the next page of the same listing, not the first of another.
    goes_on: bool,
}

struct Reader<'a> {
    session: Session<'a>,
    holders: Vec<RoleHolder>,
}

impl Reader<'_> {
    fn first(&mut self, roles: &RoleSource) -> Read {
        let domain = self.session.settings.domain.clone();
        let RoleSource::AppRoles(app) = roles else {
            let carried = Roles::default();
            let names = self.names(&carried)?;
            return self.assignments(carried, &names, &format!("{domain}{ASSIGNMENTS}?$expand=principal"));
        };
        let url = format!("{domain}/v1.0/servicePrincipals(appId='{app}')?$select=id,appRoles");
        let response = self.session.ask(Request::get(url))?;
        let body = self.allowed(response, "Application.Read.All")?;
        let text = page::text(&body)?;
        let principal = Entries::parse(text).ok().and_then(|it| it.text("id").map(|id| id.into_owned()));
        let principal = principal.filter(|id| url::plausible_id(id));
        let principal =
            principal.ok_or_else(|| malformed(Some("id"), "an enterprise application without an id"))?;
        let names = app_roles(text);
        let carried = Roles { principal: Some(principal), ..Roles::default() };
        let url = format!("{domain}{}?$top={TOP}", path(&carried));
        self.assignments(carried, &names, &url)
    }

    fn next(&mut self, mut carried: Roles, link: &str) -> Read {
        // A cursor comes from outside: it is checked as Graph's own links are.
        let domain = self.session.settings.domain.clone();
        let sound = |id: &String| url::plausible_id(id);
        if !carried.principal.iter().all(sound) || !carried.groups.iter().all(|(id, _)| sound(id)) {
            return Err(Error::CursorExpired.into());
        }
        if let Some((group, place)) = carried.groups.first().cloned() {
            url::follow(&domain, &members(&group), link).map_err(|_| Error::CursorExpired)?;
            let role = carried.names.get(place).cloned().ok_or(Error::CursorExpired)?;
            let more = self.members(&group, &role, link)?;
            if more.is_none() {
                carried.groups.remove(0);
            }
            let next = more.map(|url| Link { url, goes_on: true });
            let next = next.or_else(|| following(&domain, &carried, false));
            return Ok((carried, next));
        }
        url::follow(&domain, &path(&carried), link).map_err(|_| Error::CursorExpired)?;
        let names = self.names(&carried)?;
        self.assignments(Roles { names: Vec::new(), ..carried }, &names, link)
    }

    /// One page of assignments.
    fn assignments(&mut self, mut carried: Roles, names: &HashMap<String, String>, link: &str) -> Read {
        let domain = self.session.settings.domain.clone();
        let needs = if carried.principal.is_some() {
            "Application.Read.All"
        } else {
            "RoleManagement.Read.Directory"
        };
        let response = self.session.ask(Request::get(link.to_owned()))?;
        let response = self.allowed(response, needs)?;
        let listing = page::listing(&response)?;
        let mut odd = 0;
        for item in &listing.items {
            let assignment = Entries::parse(item.get()).ok();
            let assignment = assignment.and_then(|it| match carried.principal {
                Some(_) => app_assignment(&it, names),
                None => directory_assignment(&it, names),
            });
            match assignment {
                Some((Holder::User(id), role)) => self.holders.push(RoleHolder { id, role }),
                Some((Holder::Group(id), role)) => {
                    let place = carried.names.iter().position(|name| *name == role).unwrap_or_else(|| {
                        carried.names.push(role);
                        carried.names.len() - 1
                    });
                    carried.groups.push((id, place));
                }
                Some((Holder::Other, _)) => {}
                None => odd += 1,
            }
        }
        if odd > 0 {
            // Somebody may have a role that nobody can tell: what is left is not all.
            return Err(malformed(Some("value"), format!("{odd} role assignments cannot be read")).into());
        }
        carried.assignments = follow(&domain, &path(&carried), &listing)?;
        let next = following(&domain, &carried, true);
        Ok((carried, next))
    }

    /// One page of the members of a group.
    fn members(&mut self, group: &str, role: &str, link: &str) -> Result<Option<String>, Stopped> {
        let response = self.session.ask(Request::get(link.to_owned()))?;
        if response.status == 404 && fault::code(&response) == "Request_ResourceNotFound" {
            // Deleted since its assignment was listed: nobody has a role by it any more.
            return Ok(None);
        }
        let response = self.allowed(response, "GroupMember.Read.All")?;
        let listing = page::listing(&response)?;
        for item in &listing.items {
            let id = Entries::parse(item.get()).ok().and_then(|it| it.text("id").map(|id| id.into_owned()));
            let id = id.filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| malformed(Some("id"), "a member of a group without an id"))?;
            self.holders.push(RoleHolder { id, role: role.to_owned() });
        }
        let domain = self.session.settings.domain.clone();
        Ok(follow(&domain, &members(group), &listing)?)
    }

    /// Role id and name.
    fn names(&mut self, carried: &Roles) -> Result<HashMap<String, String>, Stopped> {
        let domain = self.session.settings.domain.clone();
        if let Some(principal) = &carried.principal {
            let url = format!("{domain}/v1.0/servicePrincipals/{principal}?$select=id,appRoles");
            let response = self.session.ask(Request::get(url))?;
            let response = self.allowed(response, "Application.Read.All")?;
            return Ok(app_roles(page::text(&response)?));
        }
        let mut names = HashMap::new();
        let mut url = format!("{domain}{DEFINITIONS}?$select=id,displayName");
        let mut position: Option<Cursor> = None;
        loop {
            let response = self.session.ask(Request::get(url))?;
            let response = self.allowed(response, "RoleManagement.Read.Directory")?;
            let listing = page::listing(&response)?;
            for item in &listing.items {
                if let Ok(role) = Entries::parse(item.get()) {
                    named(&role, &mut names);
                }
            }
            let Some(link) = follow(&domain, DEFINITIONS, &listing)? else {
                return Ok(names);
            };
            position = Some(match position {
                None => Cursor::first(Kind::Roles, false, link.clone()),
                Some(position) => position.after(link.clone())?,
            });
            url = link;
        }
    }

    /// An answer of 200, or why the app registration may not have it.
    fn allowed(
        &mut self,
        response: crate::transport::Response,
        needs: &str,
    ) -> Result<crate::transport::Response, Stopped> {
        match response.status {
            200 => Ok(response),
            403 => {
                let code = fault::code(&response);
                let text = format!("the app registration may not read SaaS roles: it needs {needs} ({code})");
                Err(Stopped::Missing(text))
            }
            _ => Err(fault::fault(&response).into()),
        }
    }
}

fn path(carried: &Roles) -> String {
    match &carried.principal {
        Some(principal) => format!("/v1.0/servicePrincipals/{principal}/appRoleAssignedTo"),
        None => ASSIGNMENTS.to_owned(),
    }
}

fn members(group: &str) -> String {
    format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user")
}

/// What comes next: the first group that waits, then the next page of assignments, which `goes_on` when it
/// follows one of them.
fn following(domain: &str, carried: &Roles, goes_on: bool) -> Option<Link> {
    match carried.groups.first() {
        Some((id, _)) => {
            let url = format!("{domain}{}?$select=id&$top={MEMBERS}", members(id));
            Some(Link { url, goes_on: false })
        }
        None => carried.assignments.clone().map(|url| Link { url, goes_on }),
    }
}

fn follow(domain: &str, path: &str, listing: &Listing<'_>) -> Result<Option<String>, Error> {
    let link = listing.next_link.as_ref();
    let link = link.map(|link| url::follow(domain, path, link));
    link.transpose().map_err(|text| malformed(Some("@odata.nextLink"), text))
}

/// Who has a role.
enum Holder {
    User(String),
    Group(String),
    /// An application: nobody.
    Other,
}

fn holder(kind: &str, id: String) -> Option<Holder> {
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    Some(match kind.to_ascii_lowercase().as_str() {
        "user" => Holder::User(id),
        "group" => Holder::Group(id),
        "serviceprincipal" => Holder::Other,
        _ => return None,
    })
}

fn directory_assignment(it: &Entries<'_>, names: &HashMap<String, String>) -> Option<(Holder, String)> {
    let role = it.text("roleDefinitionId")?.to_ascii_lowercase();
    let principal = it.get("principal").and_then(|it| Entries::parse(it.get()).ok())?;
    let id = principal.text("id").filter(|id| url::plausible_id(id))?.into_owned();
    let holder = holder(&principal.text("@odata.type")?, id)?;
    let name = names.get(&role).cloned().unwrap_or(role);
    Some((holder, name))
}

fn app_assignment(it: &Entries<'_>, names: &HashMap<String, String>) -> Option<(Holder, String)> {
    let role = it.text("appRoleId")?.to_ascii_lowercase();
    let id = it.text("principalId").filter(|id| url::plausible_id(id))?.into_owned();
    let holder = holder(&it.text("principalType")?, id)?;
    let name = match role.as_str() {
        NO_ROLE => DEFAULT_ACCESS.to_owned(),
        _ => names.get(&role).cloned().unwrap_or(role),
    };
    Some((holder, name))
}

fn app_roles(text: &str) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let principal = Entries::parse(text).ok();
    let roles = principal.as_ref().and_then(|it| it.get("appRoles")).and_then(|list| items(list).ok());
    for role in roles.unwrap_or_default() {
        if let Ok(role) = Entries::parse(role.get()) {
            named(&role, &mut names);
        }
    }
    names
}

/// Notes a role's name, if it has one.
fn named(role: &Entries<'_>, names: &mut HashMap<String, String>) {
    if let (Some(id), Some(name)) = (role.text("id"), role.text("displayName")) {
        let name = shorten(name.trim(), NAME_BYTES).into_owned();
        if !name.is_empty() {
            names.insert(id.to_ascii_lowercase(), name);
        }
    }
}

#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
