//! The reply to a request that carried a secret: tokens become placeholders, and a reply that brings the
//! secret back is withheld. Pure but for the run's table of placeholders.

use super::echo::{Needles, contains};
use super::fault::{Fault, Refusal};
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

/// A reply's body, as far as it was read.
pub(super) enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// More than may be read.
    TooLarge,
}

/// The body that the guest may see. `headers` lose what would betray the original's length or type.
pub(super) fn clean(
    set: &SecretSet,
    sent: &[Arc<Secret>],
    origin: &Origin,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: Read,
) -> Result<Bytes, Refusal> {
    let echo = || Denial::Echo { origin: origin.clone() };
    let needles: Vec<Needles> = sent.iter().map(|secret| Needles::of(secret)).collect();
    let echoes = |text: &[u8]| needles.iter().any(|needle| needle.found_in(text));
    if headers.iter().any(|(_, value)| echoes(value.as_bytes())) {
        return Err(echo().into());
    }
    let parsed = match &body {
        Read::TooLarge => None,
        Read::Whole(body) if echoes(body) => return Err(echo().into()),
        Read::Whole(body) if body.is_empty() => return Ok(Bytes::new()),
        Read::Whole(body) => serde_json::from_slice::<Value>(body).ok(),
    };
    headers.remove(http::header::CONTENT_LENGTH);
    let Some(mut value) = parsed else { return withhold(origin, status, headers, &body) };
    if needles.iter().any(|needle| needle.found_in_json(&value)) {
        return Err(echo().into());
    }
    let mut tokens = Vec::new();
    replace(set, origin, &mut value, &mut tokens)?;
    let text = value.to_string();
    // A token that stands in another field as well, or in a header, would slip through.
    let betrays = |text: &[u8]| tokens.iter().any(|token| contains(text, token.as_bytes()));
    if betrays(text.as_bytes()) || headers.iter().any(|(_, value)| betrays(value.as_bytes())) {
        let why = "a token stands outside of the fields that tokens stand in".to_owned();
        return Err(Fault::Withheld { origin: origin.clone(), why }.into());
    }
    Ok(Bytes::from(text))
}

/// Refuses a reply with data that brings a secret back, raw or encoded. Its bytes stay as they are: a record of
/// the source is never written again.
pub(super) fn hold_back_echo(
    sent: &[Arc<Secret>],
    origin: &Origin,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Refusal> {
    let needles: Vec<Needles> = sent.iter().map(|secret| Needles::of(secret)).collect();
    let echoes = |text: &[u8]| needles.iter().any(|needle| needle.found_in(text));
    let escaped = body.contains(&b'\\');
    // Escapes hide a value from a search of the text; a body without any needs no second look.
    let parsed = if escaped { serde_json::from_slice::<Value>(body).ok() } else { None };
    let in_json = |value: Value| needles.iter().any(|needle| needle.found_in_json(&value));
    if headers.iter().any(|(_, value)| echoes(value.as_bytes()))
        || echoes(body)
        || parsed.is_some_and(in_json)
    {
        return Err(Denial::Echo { origin: origin.clone() }.into());
    }
    Ok(())
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
                    let limit = 256;
                    let placeholder =
                        set.issue_token(name, token).ok_or(Denial::Budget { what: "tokens", limit })?;
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
