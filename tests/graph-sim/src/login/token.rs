//! `POST /{tenant}/oauth2/v2.0/token`, client credentials only.

use std::collections::BTreeMap;

use http::Method;
use serde_json::json;

use super::{LoginError, Tokens, assertion};
use crate::base64;
use crate::clock;
use crate::reply::{Ask, Reply};
use crate::world::{App, World};

/// A form whose fields all came once.
type Form = BTreeMap<String, String>;

/// Answers a token request. `lifetime` is that of the token, in seconds.
pub(crate) fn token(
    origin: &str,
    world: &World,
    tokens: &mut Tokens,
    lifetime: u64,
    tenant: &str,
    ask: &Ask,
) -> Result<Reply, LoginError> {
    if ask.method != Method::POST {
        let message = format!("The endpoint only accepts POST requests. Received a {} request.", ask.method);
        return Err(LoginError::new(400, "invalid_request", 900_561, &message));
    }
    if !world.is_tenant(tenant) {
        return Err(unknown_tenant(tenant));
    }
    let mut form = form(ask)?;
    basic(ask, &mut form)?;
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty());
    let grant = field("grant_type").ok_or_else(|| LoginError::missing("grant_type"))?;
    if grant != "client_credentials" {
        let message = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(LoginError::new(400, "unsupported_grant_type", 70_003, &message));
    }
    let client = field("client_id").ok_or_else(|| LoginError::missing("client_id"))?;
    let scope = field("scope").ok_or_else(|| LoginError::missing("scope"))?;
    let app = world.apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(client));
    let app = app.ok_or_else(|| unknown_app(client, world))?;
    check_scope(scope, origin, world)?;
    let now = clock::now() + world.login_ahead;
    match (field("client_secret"), field("client_assertion")) {
        (None, Some(assertion)) => {
            let kind = field("client_assertion_type");
            let kind = kind.ok_or_else(|| LoginError::missing("client_assertion_type"))?;
            if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
                let message = format!("The client assertion type '{kind}' is not supported.");
                return Err(LoginError::new(400, "invalid_request", 50_027, &message));
            }
            let url = format!("{origin}{}", ask.path);
            assertion::check(app, tokens, assertion, &url, now)?;
        }
        (secret, _) => check_secret(app, secret)?,
    }
    if app.disabled {
        let message = format!("Application '{}'(userload) is disabled.", app.client_id);
        return Err(LoginError::new(400, "unauthorized_client", 7_000_112, &message));
    }
    let body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": tokens.issue(origin, world, app, lifetime),
    });
    Ok(Reply::new(200, "application/json; charset=utf-8", body.to_string())
        .with("cache-control", "no-store, no-cache")
        .with("pragma", "no-cache"))
}

fn form(ask: &Ask) -> Result<Form, LoginError> {
    let kind = ask.header("content-type").unwrap_or_default();
    let mut form = Form::new();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Ok(form);
    }
    for (name, value) in form_urlencoded::parse(&ask.body) {
        if form.insert(name.to_string(), value.into_owned()).is_some() {
            let message =
                format!("The request is not properly formatted. The parameter '{name}' is duplicated.");
            return Err(LoginError::new(400, "invalid_request", 9_000_411, &message));
        }
    }
    Ok(form)
}

/// Client id and secret in a Basic header, each form-encoded (RFC 6749, 2.3.1).
fn basic(ask: &Ask, form: &mut Form) -> Result<(), LoginError> {
    let Some(coded) = ask.header("authorization").and_then(|value| value.strip_prefix("Basic ")) else {
        return Ok(());
    };
    let decoded = base64::decode(coded).and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let Some((id, secret)) = pair else {
        let message = "The Basic credentials are not properly formatted.";
        return Err(LoginError::new(400, "invalid_request", 9_000_411, message));
    };
    let plain = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    form.insert("client_id".to_owned(), plain(id));
    form.insert("client_secret".to_owned(), plain(secret));
    Ok(())
}

/// A word that is neither GUID nor domain is refused differently from an unknown tenant.
fn unknown_tenant(tenant: &str) -> LoginError {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let guid_or_domain = tenant.bytes().all(letters) && tenant.contains(['.', '-']);
    if guid_or_domain {
        return LoginError::no_tenant(tenant);
    }
    let message = format!(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external \
         domain."
    );
    LoginError::new(400, "invalid_request", 900_023, &message)
}

fn unknown_app(client: &str, world: &World) -> LoginError {
    let message = format!(
        "Application with identifier '{client}' was not found in the directory '{}'. This can \
         happen if the application has not been installed by the administrator of the tenant or \
         consented to by any user in the tenant. You may have sent your authentication request to \
         the wrong tenant.",
        world.tenant_name
    );
    LoginError::new(400, "unauthorized_client", 700_016, &message)
}

fn check_scope(scope: &str, origin: &str, world: &World) -> Result<(), LoginError> {
    let Some(resource) = scope.strip_suffix("/.default") else {
        let message = format!(
            "The provided request must include a 'scope' input parameter. The provided value for \
             the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        return Err(LoginError::new(400, "invalid_scope", 70_011, &message));
    };
    if resource == origin {
        return Ok(());
    }
    let message = format!(
        "The resource principal named {resource} was not found in the tenant named {}. This can \
         happen if the application has not been installed by the administrator of the tenant or \
         consented to by any user in the tenant. You might have sent your authentication request \
         to the wrong tenant.",
        world.tenant_name
    );
    Err(LoginError::new(400, "invalid_resource", 500_011, &message))
}

fn check_secret(app: &App, secret: Option<&String>) -> Result<(), LoginError> {
    let refuse = |number, message: &str| Err(LoginError::new(401, "invalid_client", number, message));
    match secret {
        None => refuse(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        ),
        Some(secret) if app.more_secrets.contains(secret) => Ok(()),
        Some(secret) if *secret != app.secret => refuse(
            7_000_215,
            &format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is \
                 the client secret value, not the client secret ID, for a secret added to app \
                 '{}'.",
                app.client_id
            ),
        ),
        _ if app.secret_expired => refuse(
            7_000_222,
            &format!(
                "The provided client secret keys for app '{}' are expired. Visit the Azure portal \
                 to create new keys for your app: https://aka.ms/NewClientSecret, or consider \
                 using certificate credentials for added security: https://aka.ms/certCreds.",
                app.client_id
            ),
        ),
        _ => Ok(()),
    }
}
