//! What Graph says about the credential itself: its permissions, and when its secrets and certificates end.
//!
//! Both need Application.Read.All (or Directory.Read.All), which a load does not: without it they are unknown.
//! The token's own claims would tell the permissions as well, but a token is opaque to its client:
//! <https://learn.microsoft.com/entra/identity-platform/access-tokens>.

use crate::bindings::exports::userload::directory::connector::{
    CredentialFacts, RegisteredKey, SecretKind, Source,
};
use crate::bindings::userload::directory::types::Error;
use crate::graph::fault;
use crate::graph::page;
use crate::host_imports::Outside;
use crate::json::{Entries, items};
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::transport::{Request, Response};

/// Microsoft Graph's own application, in every tenant.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// Asks Graph about the application. What may not be seen is none.
pub fn inspect_credential(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
) -> Result<CredentialFacts, Error> {
    let settings = Settings::read(&source.settings).map_err(Error::Settings)?;
    let mut session = Session { outside, tokens, settings: &settings };
    let keys = keys(&mut session)?;
    let permissions = permissions(&mut session)?;
    Ok(CredentialFacts { permissions, keys })
}

/// An answer that may be seen, none for one that may not (403), or is not there (404).
fn seen(session: &mut Session<'_>, path: &str) -> Result<Option<Response>, Error> {
    let response = session.ask(Request::get(format!("{}/v1.0/{path}", session.settings.domain)))?;
    match response.status {
        200 => Ok(Some(response)),
        403 | 404 => Ok(None),
        _ => Err(fault::fault(&response)),
    }
}

fn keys(session: &mut Session<'_>) -> Result<Option<Vec<RegisteredKey>>, Error> {
    let client = session.settings.client_id.clone();
    let path = format!("applications(appId='{client}')?$select=passwordCredentials,keyCredentials");
    let Some(response) = seen(session, &path)? else { return Ok(None) };
    let application = page::object(&response)?;
    let mut keys = Vec::new();
    for (list, kind) in
        [("passwordCredentials", SecretKind::Text), ("keyCredentials", SecretKind::SigningKey)]
    {
        let listed = application.get(list).and_then(|list| items(list).ok()).unwrap_or_default();
        let listed = listed.iter().filter_map(|key| Entries::parse(key.get()).ok());
        keys.extend(listed.filter_map(|key| {
            let ends = key.text("endDateTime")?.into_owned();
            let hint = (kind == SecretKind::Text).then(|| key.text("hint").map(|it| it.into_owned()));
            Some(RegisteredKey { kind, hint: hint.flatten(), ends })
        }));
    }
    Ok(Some(keys))
}

/// Assignments name permissions by ids that Graph's own application explains.
fn permissions(session: &mut Session<'_>) -> Result<Option<Vec<String>>, Error> {
    let client = session.settings.client_id.clone();
    let path = format!("servicePrincipals(appId='{client}')/appRoleAssignments?$top=999");
    let Some(assigned) = seen(session, &path)? else { return Ok(None) };
    let path = format!("servicePrincipals(appId='{GRAPH_APP}')?$select=id,appRoles");
    let Some(graph) = seen(session, &path)? else { return Ok(None) };
    let graph = page::object(&graph)?;
    let graph_id = graph.text("id").unwrap_or_default();
    let roles = graph.get("appRoles").and_then(|list| items(list).ok()).unwrap_or_default();
    let roles: Vec<Entries<'_>> = roles.iter().filter_map(|it| Entries::parse(it.get()).ok()).collect();
    let mut names = Vec::new();
    for assignment in page::listing(&assigned)?.items {
        let Ok(assignment) = Entries::parse(assignment.get()) else { continue };
        if assignment.text("resourceId") != Some(graph_id.clone()) {
            continue;
        }
        let id = assignment.text("appRoleId");
        let role = roles.iter().find(|role| id.is_some() && role.text("id") == id);
        names.extend(role.and_then(|role| role.text("value")).map(|it| it.into_owned()));
    }
    names.sort();
    names.dedup();
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, source};

    #[test]
    fn what_graph_tells() {
        let mut script = Script::new();
        let application = r#"{"passwordCredentials":[{"hint":"Xq8","endDateTime":"2027-01-31T00:00:00Z"}],"keyCredentials":[{"hint":"x","endDateTime":"2027-02-01T00:00:00Z"},{"endDateTime":null}]}"#;
        script.expect("/applications(appId='1111", answer(200, application));
        let assigned = r#"{"value":[{"appRoleId":"r1","resourceId":"g"},{"appRoleId":"r2","resourceId":"other"},{"appRoleId":"r9","resourceId":"g"}]}"#;
        script.expect("/appRoleAssignments", answer(200, assigned));
        let graph =
            r#"{"id":"g","appRoles":[{"id":"r1","value":"User.Read.All"},{"id":"r2","value":"Mail.Read"}]}"#;
        script.expect("appId='00000003-", answer(200, graph));
        let facts = inspect_credential(&mut script, &mut Tokens::new(), &source()).unwrap();
        assert_eq!(facts.permissions.unwrap(), ["User.Read.All"]);
        let keys = facts.keys.unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!((keys[0].hint.as_deref(), keys[1].hint.as_deref()), (Some("Xq8"), None));
        assert!(script.done());
    }

    #[test]
    fn what_may_not_be_seen_is_unknown() {
        let mut script = Script::new();
        let no = r#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#;
        script.expect("/applications", answer(403, no));
        script.expect("/appRoleAssignments", answer(403, no));
        let facts = inspect_credential(&mut script, &mut Tokens::new(), &source()).unwrap();
        assert_eq!((facts.permissions, facts.keys), (None, None));
    }
}
