//! An answer that was not success, in the words of the contract.
//!
//! <https://learn.microsoft.com/graph/errors>: one branches on `code`, never on `message`.

use crate::bindings::userload::directory::types::{Error, Upstream};
use crate::error::upstream;
use crate::json::{Entries, shorten};
use crate::time::http_date;
use crate::transport::Response;

/// What Graph's 403 does not say.
const PERMISSION: &str = "The app registration needs the application permission User.Read.All, and an \
    administrator has to grant consent to it.";

/// Graph's error: what `error` held, whatever else was missing.
struct GraphError {
    code: String,
    inner_code: String,
    message: String,
    request_id: Option<String>,
}

/// Turns an answer that was not success into an error. Says nothing about what to do.
pub(crate) fn fault(response: &Response) -> Error {
    let error = read(response);
    let wait = retry_after(response);
    let is =
        |code: &str| error.code.eq_ignore_ascii_case(code) || error.inner_code.eq_ignore_ascii_case(code);
    let expired = [
        "Directory_ExpiredPageToken",
        "DirectoryPageTokenNotFoundException",
        "syncStateNotFound",
        "syncStateInvalid",
        "resyncRequired",
    ];
    match response.status {
        429 => return Error::Throttled(wait),
        _ if is("TooManyRequests") => return Error::Throttled(wait),
        503 | 504 if wait.is_some() => return Error::Throttled(wait),
        410 => return Error::CursorExpired,
        400..500 if expired.iter().any(|code| is(code)) => return Error::CursorExpired,
        _ => {}
    }
    let message = if response.status == 403 && is("Authorization_RequestDenied") {
        format!("{} {PERMISSION}", shorten(&error.message, 700))
    } else {
        error.message
    };
    let upstream = upstream(response.status, error.code, message.trim(), error.request_id);
    match response.status {
        401 => Error::AuthRejected(upstream),
        _ => Error::Upstream(upstream),
    }
}

/// The code of an answer that was not success; empty when it gave none.
pub(crate) fn code(response: &Response) -> String {
    read(response).code
}

/// The upstream answer itself, for callers that tell the cases apart on their own.
pub(crate) fn as_upstream(response: &Response) -> Upstream {
    let error = read(response);
    upstream(response.status, error.code, &error.message, error.request_id)
}

fn read(response: &Response) -> GraphError {
    let text = String::from_utf8_lossy(&response.body);
    let empty = || Entries(Vec::new());
    let body = Entries::parse(&text).unwrap_or_else(|_| empty());
    let error = body.get("error").and_then(|e| Entries::parse(e.get()).ok());
    let plain = error.is_none();
    let error = error.unwrap_or_else(empty);
    // Both spellings exist: https://github.com/microsoftgraph/microsoft-graph-docs-contrib
    let inner = error.get("innerError").or_else(|| error.get("innererror"));
    let inner = inner.and_then(|inner| Entries::parse(inner.get()).ok());
    let inner = inner.unwrap_or_else(empty);
    let own = |text: Option<std::borrow::Cow<'_, str>>| text.map(|t| t.into_owned());
    let message = match own(error.text("message")) {
        Some(message) => message,
        // A gateway's page, or an OAuth error where Graph's was expected.
        None if plain => shorten(text.trim(), 300).into_owned(),
        None => String::new(),
    };
    let header = response.header("request-id").map(str::to_owned);
    GraphError {
        code: own(error.text("code")).unwrap_or_default(),
        inner_code: own(inner.text("code")).unwrap_or_default(),
        message,
        request_id: own(inner.text("request-id")).or(header),
    }
}

/// `Retry-After` in milliseconds: seconds, with decimals as Graph sends them, or a date, which without a
/// clock is compared with the answer's own `Date`.
pub fn retry_after(response: &Response) -> Option<u64> {
    let value = response.header("retry-after")?.trim();
    if let Some(milliseconds) = seconds(value) {
        return Some(milliseconds);
    }
    let until = http_date(value)?;
    let now = http_date(response.header("date")?)?;
    Some(u64::try_from(until - now).unwrap_or(0).saturating_mul(1000))
}

/// Seconds with decimals, rounded up to milliseconds.
fn seconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !digits(whole) || !digits(part) {
        return None;
    }
    let mut thousandths = 0;
    for place in 0..3 {
        let digit = part.as_bytes().get(place).map_or(0, |b| b - b'0');
        thousandths = thousandths * 10 + u64::from(digit);
    }
    let rest = part.bytes().skip(3).any(|b| b != b'0');
    Some(whole.parse::<u64>().ok()? * 1000 + thousandths + u64::from(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, answer_with};

    fn graph(status: u16, code: &str) -> Error {
        let body = format!(
            r#"{{"error":{{"code":"{code}","message":"words","innerError":{{"request-id":"r1"}}}}}}"#
        );
        fault(&answer(status, &body))
    }

    #[test]
    fn waiting() {
        for (value, expected) in [
            ("3", Some(3000)),
            ("2.128", Some(2128)),
            ("0.0001", Some(1)),
            ("-1", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
        ] {
            let headers = [("Retry-After", value), ("date", "Sun, 06 Nov 1994 08:49:27 GMT")];
            let response = answer_with(429, &headers, "");
            assert_eq!(fault(&response), Error::Throttled(expected), "{value}");
        }
        let no_date = answer_with(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], "");
        assert_eq!(fault(&no_date), Error::Throttled(None));
        let busy = answer_with(503, &[("retry-after", "5")], "");
        assert_eq!(fault(&busy), Error::Throttled(Some(5000)));
        assert!(matches!(fault(&answer(503, "")), Error::Upstream(u) if u.status == 503));
    }

    #[test]
    fn cursors_that_lead_nowhere() {
        assert_eq!(graph(400, "Directory_ExpiredPageToken"), Error::CursorExpired);
        assert_eq!(graph(400, "DirectoryPageTokenNotFoundException"), Error::CursorExpired);
        assert_eq!(graph(400, "SyncStateNotFound"), Error::CursorExpired);
        assert_eq!(fault(&answer(410, "")), Error::CursorExpired);
        let nested = r#"{"error":{"code":"BadRequest","message":"","innererror":{"code":"resyncRequired"}}}"#;
        assert_eq!(fault(&answer(400, nested)), Error::CursorExpired);
    }

    #[test]
    fn facts_of_an_answer() {
        let Error::Upstream(up) = graph(400, "Request_UnsupportedQuery") else { panic!() };
        assert_eq!((up.status, up.code.as_str()), (400, "Request_UnsupportedQuery"));
        assert_eq!(up.request_id.as_deref(), Some("r1"));
        let Error::Upstream(up) = graph(403, "Authorization_RequestDenied") else { panic!() };
        assert!(up.message.starts_with("words The app registration needs"));
        assert!(up.message.contains("User.Read.All") && up.message.contains("consent"));
        assert!(matches!(graph(401, "InvalidAuthenticationToken"), Error::AuthRejected(_)));
        let page = answer_with(502, &[("request-id", "r2")], &"<html>".repeat(1000));
        let Error::Upstream(up) = fault(&page) else { panic!() };
        assert!(up.message.len() <= 300 && up.code.is_empty());
        assert_eq!(up.request_id.as_deref(), Some("r2"));
        let long = format!(r#"{{"error":{{"code":"x","message":"{}"}}}}"#, "ä".repeat(2000));
        assert!(matches!(fault(&answer(400, &long)), Error::Upstream(u) if u.message.len() <= 1024));
    }
}
