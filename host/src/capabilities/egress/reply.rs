//! The reply to a request that carried a secret: tokens become placeholders, and a reply that brings the
//! secret back is withheld. Pure but for the run's table of placeholders.

use super::echo::Needles;
use super::fault::{Fault, Refusal};
use super::json_tokens;
use crate::capabilities::denial::Denial;
use crate::capabilities::origin::Origin;
use crate::capabilities::secret::Secret;
use crate::capabilities::vault::SecretSet;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Fields that hold a token in every OAuth reply, whether the manifest names them or not.
const TOKEN_FIELDS: [&str; 3] = ["access_token", "id_token", "refresh_token"];

/// What the guest gets instead of an error's body that cannot be searched.
const WITHHELD: &str = r#"{"error":"withheld_by_host","error_description":"the host withheld a reply that was too large or not JSON"}"#;

/// Why a token is not let through.
const ELSEWHERE: &str = "a token stands outside of the fields that tokens stand in";

/// A reply's body, as far as it was read.
pub(super) enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// More than may be read.
    TooLarge,
}

/// The search for what was sent, in the reply's headers and then in its body, piece by piece as it comes.
pub(super) fn sent_needles(
    sent: &[Arc<Secret>],
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<Needles, Refusal> {
    let needles = Needles::of(sent.iter().map(Arc::as_ref));
    if headers.iter().any(|(_, value)| needles.found_in(value.as_bytes())) {
        return Err(echo(origin));
    }
    Ok(needles)
}

/// The refusal of a reply that brings back what was sent.
pub(super) fn echo(origin: &Origin) -> Refusal {
    Denial::Echo { origin: origin.clone() }.into()
}

/// The body of a sign-in's reply that the guest may see; it was searched for what was sent. `headers` lose what
/// would betray the original's length or type.
pub(super) fn clean(
    set: &SecretSet,
    origin: &Origin,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: Read,
) -> Result<Bytes, Refusal> {
    let parsed = match &body {
        Read::TooLarge => None,
        Read::Whole(body) if body.is_empty() => return Ok(Bytes::new()),
        Read::Whole(body) => serde_json::from_slice::<Value>(body).ok(),
    };
    headers.remove(http::header::CONTENT_LENGTH);
    let Some(mut value) = parsed else { return withhold(origin, status, headers, &body) };
    let mut tokens = Vec::new();
    replace(set, origin, &mut value, &mut tokens)?;
    let text = value.to_string();
    // A token that stands in another field as well, or in a header, would slip through.
    let tokens = Needles::texts(tokens.iter().map(|it| it.as_str()));
    if tokens.found_in(text.as_bytes()) || headers.iter().any(|(_, value)| tokens.found_in(value.as_bytes()))
    {
        return Err(Fault::Withheld { origin: origin.clone(), why: ELSEWHERE.to_owned() }.into());
    }
    Ok(Bytes::from(text))
}

/// The body of a reply with data, all of which was searched for what was sent. A record of the source is never
/// written again: its bytes stay as they are but for tokens, which become placeholders.
pub(super) fn data(
    set: &SecretSet,
    origin: &Origin,
    headers: &mut HeaderMap,
    body: Vec<u8>,
) -> Result<Bytes, Refusal> {
    let withheld = |why: String| Refusal::from(Fault::Withheld { origin: origin.clone(), why });
    let names = set.token_fields();
    let names = TOKEN_FIELDS.into_iter().chain(names.iter().map(String::as_str));
    if !Needles::texts(names).found_in(&body) {
        return Ok(Bytes::from(body));
    }
    let is_token = |name: &str| TOKEN_FIELDS.contains(&name) || set.names_token(name);
    let found = json_tokens::find(&body, is_token).map_err(withheld)?;
    if found.is_empty() {
        return Ok(Bytes::from(body));
    }
    let mut clean = Vec::with_capacity(body.len());
    let mut from = 0;
    for token in &found {
        clean.extend_from_slice(&body[from..token.span.start]);
        // Letters and digits: no escapes.
        clean.extend_from_slice(format!("\"{}\"", issue(set, &token.field, &token.value)?).as_bytes());
        from = token.span.end;
    }
    clean.extend_from_slice(&body[from..]);
    let tokens = Needles::texts(found.iter().map(|it| it.value.as_str()));
    if tokens.found_in(&clean) || headers.iter().any(|(_, value)| tokens.found_in(value.as_bytes())) {
        return Err(withheld(ELSEWHERE.to_owned()));
    }
    headers.remove(http::header::CONTENT_LENGTH);
    Ok(Bytes::from(clean))
}

fn issue(set: &SecretSet, field: &str, token: &str) -> Result<String, Denial> {
    set.issue_token(field, token).ok_or(Denial::Budget { what: "tokens", limit: 256 })
}

/// An error's status must reach the guest even when its body cannot; a success without a readable body is
/// none.
fn withhold(
    origin: &Origin,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: &Read,
) -> Result<Bytes, Refusal> {
    if status.is_success() {
        let why = match body {
            Read::TooLarge => "it is too large for the reply to a sign-in",
            Read::Whole(_) => "it is not JSON",
        };
        return Err(Fault::Withheld { origin: origin.clone(), why: why.to_owned() }.into());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Bytes::from_static(WITHHELD.as_bytes()))
}

/// Replaces tokens at any depth.
fn replace(
    set: &SecretSet,
    origin: &Origin,
    value: &mut Value,
    tokens: &mut Vec<Zeroizing<String>>,
) -> Result<(), Refusal> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| replace(set, origin, item, tokens)),
        Value::Object(fields) => fields.iter_mut().try_for_each(|(name, value)| {
            if !TOKEN_FIELDS.contains(&name.as_str()) && !set.names_token(name) {
                return replace(set, origin, value, tokens);
            }
            match value {
                Value::String(token) if !token.is_empty() => {
                    let placeholder = issue(set, name, token)?;
                    tokens.push(Zeroizing::new(std::mem::replace(token, placeholder)));
                    Ok(())
                }
                Value::String(_) | Value::Null => Ok(()),
                _ => {
                    let why = format!("`{name}` is not a text");
                    Err(Fault::Withheld { origin: origin.clone(), why }.into())
                }
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
