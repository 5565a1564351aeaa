//! A request with the bearer token, and an answer that was not success in the words of the contract.

use userload_plugin::bindings::userload::directory::secrets::SecretError;
use userload_plugin::bindings::userload::directory::types::Error;
use userload_plugin::kit::{Entries, malformed, problem, retry_after, shorten, upstream};
use userload_plugin::{Outside, Request, Response};

use crate::manifest::BEARER_TOKEN;

/// The schema of an error (RFC 7644, 3.12).
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Reads a URL of the service. An answer of any status is an answer, but for 401 and one that asks to wait.
pub(crate) fn get(outside: &mut dyn Outside, url: String) -> Result<Response, Error> {
    // A placeholder: the host puts the token in its place, on the way to the service and nowhere else.
    let token = outside.placeholder(BEARER_TOKEN).map_err(|error| {
        let text = match error {
            SecretError::Missing => "it has no value",
            _ => "the host does not grant it",
        };
        Error::Settings(vec![problem(BEARER_TOKEN, text)])
    })?;
    let request = Request::get(url)
        .with_header("accept", "application/scim+json, application/json")
        .with_header("authorization", format!("Bearer {token}"));
    let response = outside.send(request)?;
    let waits = matches!(response.status, 429 | 503) && retry_after(&response).is_some();
    if response.status == 429 || waits {
        return Err(Error::Throttled(retry_after(&response)));
    }
    if response.status == 401 { Err(fault(&response)) } else { Ok(response) }
}

/// As `get`, with anything but 200 an error.
pub(crate) fn get_ok(outside: &mut dyn Outside, url: String) -> Result<Response, Error> {
    let response = get(outside, url)?;
    if response.status == 200 { Ok(response) } else { Err(fault(&response)) }
}

/// What an answer says that was not success.
pub(crate) fn fault(response: &Response) -> Error {
    let text = String::from_utf8_lossy(&response.body);
    let body = Entries::parse(&text).unwrap_or_else(|_| Entries(Vec::new()));
    let detail = body.text("detail").map(std::borrow::Cow::into_owned);
    let detail = detail.unwrap_or_else(|| shorten(text.trim(), 300).into_owned());
    let code = body.text("scimType").unwrap_or_default();
    let upstream = upstream(response.status, code, &detail, None);
    if response.status == 401 { Error::AuthRejected(upstream) } else { Error::Upstream(upstream) }
}

/// Whether the service itself says with a 404 that it knows no such user: a gateway's 404 is none of its words.
pub(crate) fn is_not_found(response: &Response) -> bool {
    let text = String::from_utf8_lossy(&response.body);
    let Ok(body) = Entries::parse(&text) else { return false };
    let schemas = body.get("schemas").map_or("", |it| it.get());
    let status = body.get("status").map_or("", |it| it.get());
    response.status == 404 && schemas.contains(ERROR) && matches!(status, "\"404\"" | "404")
}

/// The text of a body, without the byte order mark that some gateways put before it.
pub(crate) fn text(response: &Response) -> Result<&str, Error> {
    let text = std::str::from_utf8(&response.body)
        .map_err(|error| malformed(None, format!("the answer is not UTF-8: {error}")))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The one object of a body. One that broke off is `unreachable`: asking again may help.
pub(crate) fn object(response: &Response) -> Result<Entries<'_>, Error> {
    let text = text(response)?;
    Entries::parse(text).map_err(|error| {
        if error.is_eof() {
            Error::Unreachable(format!("the answer broke off after {} bytes", text.len()))
        } else {
            malformed(None, format!("the answer is not a JSON object: {error}"))
        }
    })
}
