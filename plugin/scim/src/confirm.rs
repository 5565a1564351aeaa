//! What the service answers about people whom a listing did not return: one GET for each (RFC 7644, 3.4.1).
//!
//! Somebody is deactivated by what is said here, so only a clear answer is one. A deleted user is 404 for good
//! (RFC 7644, 3.6), and so is one who never was: SCIM does not tell them apart, and it is `not-found`, for which
//! the host waits out its grace.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use userload_plugin::Outside;
use userload_plugin::bindings::exports::userload::directory::connector::{Presence, PresentUser, Source};
use userload_plugin::bindings::userload::directory::types::{BadRecord, Error};
use userload_plugin::kit::malformed;

use crate::ask::{fault, get, is_not_found, object, text};
use crate::settings::base_url;

/// The most ids of one call (`wit/connector.wit`).
const IDS: usize = 500;

/// Everything of an id is encoded but what no URL gives a meaning.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// Asks about users by id; answers in the same order.
pub fn confirm_absent(
    outside: &mut dyn Outside,
    source: &Source,
    ids: &[String],
) -> Result<Vec<Presence>, Error> {
    if ids.len() > IDS {
        return Err(Error::Internal(format!("asked about {} ids, at most {IDS} are allowed", ids.len())));
    }
    let (base, _) = base_url(&source.settings)?;
    let mut answers = Vec::with_capacity(ids.len());
    for id in ids {
        match presence(outside, &base, id) {
            Ok(answer) => answers.push(answer),
            // Nothing is known yet: the whole call can be made again.
            Err(error) if answers.is_empty() => return Err(error),
            // What is known is kept; the rest stays open.
            Err(error) => answers.push(Presence::Unknown(error)),
        }
    }
    Ok(answers)
}

fn presence(outside: &mut dyn Outside, base: &str, id: &str) -> Result<Presence, Error> {
    // Encoded dots are dots to a server: `/Users/..` is another place.
    if id.is_empty() || id.bytes().all(|byte| byte == b'.') {
        let reason = "expected an id; this one was not asked about".to_owned();
        let bad = BadRecord { id: Some(id.to_owned()), field: Some("id".to_owned()), reason };
        return Ok(Presence::Unknown(Error::Malformed(bad)));
    }
    let response = get(outside, format!("{base}/Users/{}", utf8_percent_encode(id, ID)))?;
    if is_not_found(&response) {
        return Ok(Presence::NotFound);
    }
    if response.status != 200 {
        return Ok(Presence::Unknown(fault(&response)));
    }
    let answered = object(&response).ok().and_then(|user| user.text("id"));
    if answered.as_deref() != Some(id) {
        let text = "the answer about this user is about none, or another";
        return Ok(Presence::Unknown(malformed(Some("id"), text)));
    }
    let raw = text(&response)?.trim().to_owned();
    // There is no filter, so that everybody is inside.
    Ok(Presence::Present(PresentUser { raw, inside_filter: Some(true), outside_because: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, answer_with, source};

    const GONE: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no such user","status":"404"}"#;

    fn ask(script: &mut Script, ids: &[&str]) -> Result<Vec<Presence>, Error> {
        confirm_absent(script, &source(), &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        let raw = r#"{"id":"a/ä","active":false}"#;
        let answers = [
            answer(200, &format!(" {raw}\n")),
            answer(404, GONE),
            answer(404, "<html>not found</html>"),
            answer(200, r#"{"id":"other"}"#),
            answer(500, ""),
            answer_with(429, &[("retry-after", "3")], ""),
        ];
        let mut script = Script::new(answers);
        let told = ask(&mut script, &["a/ä", "b", "c", "d", "e", "..", "f"]).unwrap();
        assert!(
            matches!(&told[0], Presence::Present(user) if user.raw == raw && user.inside_filter == Some(true))
        );
        assert!(matches!(told[1], Presence::NotFound));
        assert!(told[2..].iter().all(|it| matches!(it, Presence::Unknown(_))));
        assert!(matches!(told[6], Presence::Unknown(Error::Throttled(Some(3000)))));
        assert_eq!(script.urls()[0], "https://scim.example.com/v2/Users/a%2F%C3%A4");
        assert_eq!(script.seen.len(), 6, "dots are never asked about");
    }

    #[test]
    fn a_first_answer_that_asks_to_wait_is_the_calls() {
        let mut script = Script::new([answer_with(429, &[("retry-after", "3")], "")]);
        assert!(matches!(ask(&mut script, &["a", "b"]), Err(Error::Throttled(Some(3000)))));
    }
}
