//! `GET /{tenant}/v2.0/.well-known/openid-configuration`, which anybody may read.

use serde_json::json;

use super::LoginError;
use crate::reply::Reply;
use crate::world::World;

/// The configuration of a tenant. `common` and `organizations` give a template instead of an
/// issuer, as with Microsoft.
pub(crate) fn discovery(origin: &str, world: &World, tenant: &str) -> Result<Reply, LoginError> {
    let anybody = ["common", "organizations"].contains(&tenant);
    if !anybody && !world.is_tenant(tenant) {
        return Err(LoginError::no_tenant(tenant));
    }
    let issuer = if anybody { "{tenantid}" } else { world.tenant_id.as_str() };
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let base = format!("{origin}/{}", if anybody { tenant } else { issuer });
    let body = json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{origin}/{issuer}/v2.0"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": host,
        "msgraph_host": host,
    });
    Ok(Reply::new(200, "application/json; charset=utf-8", body.to_string()))
}
