//! Access tokens by the client-credentials flow (RFC 6749 section 4.4).
//!
//! What is kept here is whatever the host put into the answer's `access_token`: a placeholder. There is no
//! clock, so a token is used until the source answers 401, then renewed once. Errors of the login are told
//! apart by `error` (RFC 6749 section 5.2); the `AADSTS` numbers are Microsoft's, and Microsoft says not to
//! branch on them, so only those that say "try again" make a difference:
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

use serde_json::value::RawValue;

use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::secrets::SecretError;
use crate::bindings::userload::directory::types::Error;
use crate::error::{malformed, problem, upstream};
use crate::graph::fault::retry_after;
use crate::host_imports::Outside;
use crate::json::{Entries, items};
use crate::manifest::{
    ASSERTION_FIELD, CERTIFICATE, CLIENT_SECRET, FEDERATED_TOKEN, NEXT_CLIENT_SECRET, SECRET_FIELD,
};
use crate::settings::{Authentication, Settings};
use crate::transport::{Request, Response};

/// Numbers that mean "not now": the login is busy (90006, 90012, 90024, 90033) or the tenant is throttled
/// (90055).
const TRANSIENT: [&str; 5] = ["90006", "90012", "90024", "90033", "90055"];

/// The number of "not within its valid time range": the host has heard the login's own time by then.
const WRONG_TIME: &str = "/AADSTS700024";

/// The access token of this instance, and the settings that it was given for. Losing it costs one request.
#[derive(Default)]
pub struct Tokens {
    token: Option<(Settings, String)>,
    /// The client secret was refused, and the next one taken, in this instance.
    next: bool,
}

impl Tokens {
    /// No token yet.
    pub const fn new() -> Self {
        Self { token: None, next: false }
    }

    /// The token for these settings, a new one if there is none.
    pub(crate) fn get(&mut self, outside: &mut dyn Outside, settings: &Settings) -> Result<String, Error> {
        match &self.token {
            Some((owner, token)) if owner == settings => Ok(token.clone()),
            _ => self.renew(outside, settings),
        }
    }

    /// A new token, whatever there was.
    pub(crate) fn renew(&mut self, outside: &mut dyn Outside, settings: &Settings) -> Result<String, Error> {
        self.token = None;
        let token = match settings.authentication {
            Authentication::ClientSecret => self.by_secret(outside, settings)?,
            Authentication::Certificate => by_certificate(outside, settings)?,
            Authentication::FederatedToken => {
                let token = outside.placeholder(FEDERATED_TOKEN).map_err(|e| missing(FEDERATED_TOKEN, e))?;
                ask(outside, settings, (ASSERTION_FIELD, &token))?
            }
        };
        self.token = Some((settings.clone(), token.clone()));
        Ok(token)
    }

    /// With the client secret; when the login does not accept it (`invalid_client`: wrong, or expired), with
    /// the next one, if there is one. An instance asks with a refused one no second time.
    fn by_secret(&mut self, outside: &mut dyn Outside, settings: &Settings) -> Result<String, Error> {
        let secret = outside.placeholder(CLIENT_SECRET).map_err(|e| missing(CLIENT_SECRET, e))?;
        let next = outside.placeholder(NEXT_CLIENT_SECRET).ok();
        if let (true, Some(next)) = (self.next, &next) {
            return ask(outside, settings, (SECRET_FIELD, next));
        }
        let refused = match ask(outside, settings, (SECRET_FIELD, &secret)) {
            Err(Error::AuthRejected(up)) if up.code.starts_with("invalid_client") => up,
            answer => return answer,
        };
        let Some(next) = next else { return Err(Error::AuthRejected(refused)) };
        outside.log(
            Level::Warn,
            &format!("the client secret was refused ({}): trying the next one", refused.code),
        );
        match ask(outside, settings, (SECRET_FIELD, &next)) {
            Ok(token) => {
                self.next = true;
                Ok(token)
            }
            // Of two that are refused, the first is the one that people know.
            Err(Error::AuthRejected(_)) => Err(Error::AuthRejected(refused)),
            Err(other) => Err(other),
        }
    }
}

/// With an assertion that the host signs; once more when the login's clock and ours differ.
fn by_certificate(outside: &mut dyn Outside, settings: &Settings) -> Result<String, Error> {
    let mut attempt = || {
        let assertion = outside.sign_assertion(CERTIFICATE, &settings.token_url());
        ask(outside, settings, (ASSERTION_FIELD, &assertion.map_err(|e| missing(CERTIFICATE, e))?))
    };
    match attempt() {
        Err(Error::AuthRejected(up)) if up.code.ends_with(WRONG_TIME) => attempt(),
        answer => answer,
    }
}

fn missing(name: &str, error: SecretError) -> Error {
    match error {
        SecretError::Missing => Error::Settings(vec![problem(name, "no value is stored for it")]),
        SecretError::NotGranted => Error::DeniedByHost(format!("the secret `{name}` is not granted")),
        other => Error::Internal(format!("the host gave no `{name}`: {other:?}")),
    }
}

/// Asks for a token, with `proof` in its field. Of both fields only one is ever sent.
fn ask(outside: &mut dyn Outside, settings: &Settings, proof: (&str, &str)) -> Result<String, Error> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &settings.client_id)
        .append_pair("scope", &settings.scope)
        .append_pair("grant_type", "client_credentials");
    if proof.0 == ASSERTION_FIELD {
        form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    }
    let form = form.append_pair(proof.0, proof.1).finish();
    let request = Request::post(settings.token_url(), "application/x-www-form-urlencoded", form.into_bytes());
    let response = outside.send(request)?;
    if response.status != 200 {
        return Err(login_fault(&response));
    }
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    let token = Entries::parse(text).ok().and_then(|e| e.text("access_token"));
    match token {
        Some(token) if !token.is_empty() => Ok(token.into_owned()),
        _ => Err(malformed(Some("access_token"), "the login answered 200 without a token")),
    }
}

/// An answer of the login that was not success, in the words of the contract.
pub(crate) fn login_fault(response: &Response) -> Error {
    let wait = retry_after(response);
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    let body = Entries::parse(text).unwrap_or(Entries(Vec::new()));
    let error = body.text("error").unwrap_or_default();
    let description = body.text("error_description").unwrap_or_default();
    let number = number(&body, &description);
    let transient =
        error == "temporarily_unavailable" || number.as_deref().is_some_and(|n| TRANSIENT.contains(&n));
    if response.status == 429 || transient || (response.status == 503 && wait.is_some()) {
        return Error::Throttled(wait);
    }
    let code = match &number {
        Some(number) => format!("{error}/AADSTS{number}"),
        None => error.to_string(),
    };
    let id = body.text("trace_id").map(|id| id.into_owned());
    // What follows repeats the ids and the time, on lines of its own or behind the text.
    let message = description.lines().next().unwrap_or_default();
    let message = message.split(" Trace ID: ").next().unwrap_or_default();
    let upstream = upstream(response.status, code, message, id);
    if (400..500).contains(&response.status) && !error.is_empty() {
        Error::AuthRejected(upstream)
    } else {
        Error::Upstream(upstream)
    }
}

/// The `AADSTS` number: the first of `error_codes`, or the one that the description begins with.
fn number(body: &Entries<'_>, description: &str) -> Option<String> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit());
        let digits = &text[..end.unwrap_or(text.len())];
        (!digits.is_empty() && digits.len() <= 10).then(|| digits.to_owned())
    };
    let listed = body.get("error_codes").and_then(|list| items(list).ok());
    let listed = listed.and_then(|list| list.first().map(|first: &&RawValue| first.get()));
    listed.and_then(digits).or_else(|| description.strip_prefix("AADSTS").and_then(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, settings};

    fn refusal(number: u32) -> Response {
        let body = format!(r#"{{"error":"invalid_client","error_codes":[{number}]}}"#);
        answer(401, &body)
    }

    fn sent(script: &Script) -> Vec<String> {
        let bodies = script.token_requests.iter().map(|it| String::from_utf8(it.body.clone()).unwrap());
        bodies.map(|it| it.rsplit_once("client_credentials&").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_refused_secret_gives_way_to_the_next_one_once() {
        let mut script = Script::new();
        script.next_secret = Ok("NEXT".to_owned());
        script.logins.push_back(refusal(7_000_222));
        let mut tokens = Tokens::new();
        tokens.get(&mut script, &settings()).unwrap();
        tokens.renew(&mut script, &settings()).unwrap();
        let expected = ["client_secret=PLACEHOLDER", "client_secret=NEXT", "client_secret=NEXT"];
        assert_eq!(sent(&script), expected);

        let mut script = Script::new();
        script.next_secret = Ok("NEXT".to_owned());
        script.logins.extend([refusal(7_000_222), refusal(7_000_215)]);
        let error = Tokens::new().get(&mut script, &settings()).unwrap_err();
        assert!(
            matches!(error, Error::AuthRejected(up) if up.code.ends_with("7000222")),
            "the first is told"
        );

        // Another fault is no reason to show a second secret.
        let mut script = Script::new();
        script.next_secret = Ok("NEXT".to_owned());
        script.logins.push_back(answer(400, r#"{"error":"unauthorized_client","error_codes":[700016]}"#));
        Tokens::new().get(&mut script, &settings()).unwrap_err();
        assert_eq!(script.token_requests.len(), 1);
    }

    #[test]
    fn an_assertion_is_new_each_time_and_tried_again_where_the_clock_was_wrong() {
        let with = Settings { authentication: Authentication::Certificate, ..settings() };
        let mut script = Script::new();
        script.logins.push_back(refusal(700_024));
        let mut tokens = Tokens::new();
        tokens.get(&mut script, &with).unwrap();
        let jwt = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let expected = |n| format!("client_assertion_type={jwt}&client_assertion=ASSERTION{n}");
        assert_eq!(sent(&script), [expected(1), expected(2)]);
        assert!(script.audiences.iter().all(|it| *it == with.token_url()));
        let mut script = Script::new();
        script.logins.push_back(refusal(700_027));
        Tokens::new().get(&mut script, &with).unwrap_err();
        assert_eq!(script.token_requests.len(), 1);
    }

    #[test]
    fn a_federated_token_stands_where_an_assertion_does() {
        let with = Settings { authentication: Authentication::FederatedToken, ..settings() };
        let mut script = Script::new();
        Tokens::new().get(&mut script, &with).unwrap();
        assert!(sent(&script)[0].ends_with("jwt-bearer&client_assertion=FEDERATED"));
    }

    #[test]
    fn the_placeholder_stands_in_its_field_only() {
        let mut script = Script::new();
        let mut tokens = Tokens::new();
        let token = tokens.get(&mut script, &settings()).unwrap();
        assert_eq!(token, "TOKEN1");
        assert_eq!(tokens.get(&mut script, &settings()).unwrap(), "TOKEN1");
        assert_eq!(tokens.renew(&mut script, &settings()).unwrap(), "TOKEN2");
        assert_eq!(script.token_requests.len(), 2);
        let request = &script.token_requests[0];
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert!(body.ends_with("grant_type=client_credentials&client_secret=PLACEHOLDER"));
        assert!(body.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"));
        assert!(!request.url.contains("PLACEHOLDER"));
        assert!(request.headers.iter().all(|(_, v)| !v.contains("PLACEHOLDER")));
    }

    #[test]
    fn another_source_gets_another_token() {
        let mut script = Script::new();
        let mut tokens = Tokens::new();
        tokens.get(&mut script, &settings()).unwrap();
        let other = Settings { tenant: "other".to_owned(), ..settings() };
        assert_eq!(tokens.get(&mut script, &other).unwrap(), "TOKEN2");
    }

    #[test]
    fn a_wrong_secret() {
        let response = answer(
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 9","error_codes":[7000215],"trace_id":"9"}"#,
        );
        let Error::AuthRejected(up) = login_fault(&response) else { panic!() };
        assert_eq!(up.code, "invalid_client/AADSTS7000215");
        assert_eq!(up.message, "AADSTS7000215: Invalid client secret provided.");
        assert_eq!(up.request_id.as_deref(), Some("9"));
        let unlisted = answer(
            400,
            r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}"#,
        );
        let Error::AuthRejected(up) = login_fault(&unlisted) else { panic!() };
        assert_eq!(up.code, "invalid_request/AADSTS90002");
    }

    #[test]
    fn a_busy_login() {
        for body in
            [r#"{"error":"temporarily_unavailable"}"#, r#"{"error":"invalid_grant","error_codes":[90055]}"#]
        {
            assert_eq!(login_fault(&answer(400, body)), Error::Throttled(None));
        }
        assert!(matches!(login_fault(&answer(500, "oops")), Error::Upstream(u) if u.status == 500));
        assert!(matches!(login_fault(&answer(404, "<html>")), Error::Upstream(_)));
    }

    #[test]
    fn no_secret_sends_nothing() {
        let mut script = Script::new();
        script.secret = Err(SecretError::Missing);
        let error = Tokens::new().get(&mut script, &settings()).unwrap_err();
        assert!(matches!(error, Error::Settings(p) if p[0].setting == "client-secret"));
        script.secret = Err(SecretError::NotGranted);
        let error = Tokens::new().get(&mut script, &settings()).unwrap_err();
        assert!(matches!(error, Error::DeniedByHost(_)));
        assert!(script.token_requests.is_empty());
    }
}
