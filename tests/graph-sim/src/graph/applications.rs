//! What the directory knows of applications: the app registration with its secrets and certificates, and the
//! permissions that were consented to. Sources: Graph pages "application", "servicePrincipal",
//! "appRoleAssignment".

use serde_json::{Value, json};

use super::{Call, Refused, Site};
use crate::prng::Prng;
use crate::reply::{GRAPH_JSON, Reply};
use crate::world::App;

/// Microsoft Graph's own application.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// Permissions that Graph has beside those that somebody was granted.
const SOME: [&str; 4] = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Mail.Read"];

/// The key in `applications(appId='KEY')` and `servicePrincipals(appId='KEY')`.
pub(super) fn key<'a>(segment: &'a str, collection: &str) -> Option<&'a str> {
    segment.strip_prefix(collection)?.strip_prefix("(appId='")?.strip_suffix("')")
}

fn app<'a>(site: &'a Site<'_>, call: &Call<'_>, key: &str) -> Result<&'a App, Refused> {
    call.grant.may_read_applications()?;
    let found = site.world.apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(key));
    found.ok_or_else(|| Refused::no_object(key))
}

fn reply(body: Value) -> Reply {
    Reply::new(200, GRAPH_JSON, body.to_string())
}

/// An id that belongs to a name, the same each time.
fn id(name: &str) -> String {
    let seed = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Prng::new(seed).guid()
}

/// `GET /applications(appId='…')`: values of secrets are never told again, their first letters are.
pub(super) fn application(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    let app = app(site, call, key)?;
    let secret = |secret: &str, ends: &str| {
        let hint: String = secret.chars().take(3).collect();
        json!({"customKeyIdentifier": null, "displayName": "userload", "endDateTime": ends, "hint": hint,
            "keyId": id(secret), "secretText": null, "startDateTime": "2026-01-01T00:00:00Z"})
    };
    let mut secrets = vec![secret(&app.secret, &app.secret_ends)];
    secrets.extend(app.more_secrets.iter().map(|it| secret(it, "2028-11-23T00:00:00Z")));
    let certificates = app.certificates.iter().map(|it| {
        json!({"customKeyIdentifier": it.thumbprint, "displayName": "CN=userload", "endDateTime": it.ends,
            "key": null, "keyId": id(&it.thumbprint), "type": "AsymmetricX509Cert", "usage": "Verify"})
    });
    Ok(reply(json!({
        "@odata.context": format!("{}/v1.0/$metadata#applications(passwordCredentials,keyCredentials)/$entity", site.origin),
        "passwordCredentials": secrets,
        "keyCredentials": certificates.collect::<Vec<_>>(),
    })))
}

/// `GET /servicePrincipals(appId='…')`: Graph's own, with the permissions that it has.
pub(super) fn service_principal(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    if key != GRAPH_APP {
        app(site, call, key)?;
        return Ok(reply(json!({"id": id(key), "appId": key, "appRoles": []})));
    }
    call.grant.may_read_applications()?;
    let granted = site.world.apps.iter().flat_map(|app| app.granted.iter().map(String::as_str));
    let mut names: Vec<&str> = granted.chain(SOME).collect();
    names.sort_unstable();
    names.dedup();
    let role = |name: &&str| json!({"allowedMemberTypes": ["Application"], "id": id(name), "isEnabled": true, "value": name});
    let roles: Vec<Value> = names.iter().map(role).collect();
    Ok(reply(json!({"id": id(GRAPH_APP), "appRoles": roles})))
}

/// `GET /servicePrincipals(appId='…')/appRoleAssignments`: what was consented to, Graph's and others'.
pub(super) fn assignments(site: &Site<'_>, call: &Call<'_>, key: &str) -> Result<Reply, Refused> {
    let app = app(site, call, key)?;
    let assignment = |name: &str, resource: &str, shown: &str| {
        json!({"id": id(shown), "appRoleId": id(name), "principalId": id(key), "principalType": "ServicePrincipal",
            "resourceDisplayName": shown, "resourceId": id(resource)})
    };
    let graph = app.granted.iter().map(|name| assignment(name, GRAPH_APP, "Microsoft Graph"));
    // The same id in another API is another permission.
    let other = assignment("Mail.Read", "another", "Another API");
    Ok(reply(json!({"value": graph.chain([other]).collect::<Vec<_>>()})))
}
