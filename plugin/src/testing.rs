//! A host for unit tests: answers by script, remembers what was asked.

use std::collections::VecDeque;

use crate::bindings::exports::userload::directory::connector::Source;
use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::secrets::SecretError;
use crate::bindings::userload::directory::types::Setting;
use crate::host_imports::Outside;
use crate::settings::Settings;
use crate::transport::{Request, Response, Transport, TransportError};

/// Answers requests in the order of its expectations. Token requests are answered by themselves.
pub(crate) struct Script {
    expected: VecDeque<(String, Result<Response, TransportError>)>,
    pub(crate) seen: Vec<Request>,
    pub(crate) token_requests: Vec<Request>,
    pub(crate) logged: Vec<String>,
    pub(crate) secret: Result<String, SecretError>,
    /// What the next client secret stands for; missing unless a test gives one.
    pub(crate) next_secret: Result<String, SecretError>,
    /// What the login answers before it gives tokens.
    pub(crate) logins: VecDeque<Response>,
    /// Audiences that assertions were signed for.
    pub(crate) audiences: Vec<String>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self {
            expected: VecDeque::new(),
            seen: Vec::new(),
            token_requests: Vec::new(),
            logged: Vec::new(),
            secret: Ok("PLACEHOLDER".to_owned()),
            next_secret: Err(SecretError::Missing),
            logins: VecDeque::new(),
            audiences: Vec::new(),
        }
    }

    /// The next request has `part` in its URL and gets this answer.
    pub(crate) fn expect(&mut self, part: &str, response: Response) -> &mut Self {
        self.expected.push_back((part.to_owned(), Ok(response)));
        self
    }

    pub(crate) fn fail(&mut self, part: &str, error: TransportError) -> &mut Self {
        self.expected.push_back((part.to_owned(), Err(error)));
        self
    }

    pub(crate) fn done(&self) -> bool {
        self.expected.is_empty()
    }
}

impl Transport for Script {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        if request.url.ends_with("/oauth2/v2.0/token") {
            self.token_requests.push(request);
            if let Some(response) = self.logins.pop_front() {
                return Ok(response);
            }
            let token = self.token_requests.len();
            return Ok(answer(200, &format!(r#"{{"access_token":"TOKEN{token}"}}"#)));
        }
        let (part, response) =
            self.expected.pop_front().unwrap_or_else(|| panic!("nothing expected, asked {}", request.url));
        assert!(request.url.contains(&part), "expected {part} in {}", request.url);
        self.seen.push(request);
        response
    }
}

impl Outside for Script {
    fn placeholder(&mut self, name: &str) -> Result<String, SecretError> {
        match name {
            "client-secret" => self.secret.clone(),
            "next-client-secret" => self.next_secret.clone(),
            "federated-token" => Ok("FEDERATED".to_owned()),
            other => panic!("asked for {other}"),
        }
    }

    fn sign_assertion(&mut self, name: &str, audience: &str) -> Result<String, SecretError> {
        assert_eq!(name, "certificate");
        self.audiences.push(audience.to_owned());
        Ok(format!("ASSERTION{}", self.audiences.len()))
    }

    fn log(&mut self, _: Level, message: &str) {
        self.logged.push(message.to_owned());
    }
}

/// An answer with a body.
pub(crate) fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

/// An answer with headers.
pub(crate) fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Response { headers: headers.iter().map(owned).collect(), ..answer(status, body) }
}

/// Settings of the global cloud.
pub(crate) fn settings() -> Settings {
    Settings::read(&source().settings).expect("complete settings")
}

/// Everybody, 999 a page.
pub(crate) fn source() -> Source {
    let setting = |name: &str, value: &str| Setting { name: name.to_owned(), value: value.to_owned() };
    Source {
        settings: vec![
            setting("tenant", "contoso.onmicrosoft.com"),
            setting("client-id", "11111111-2222-3333-4444-555555555555"),
        ],
        filter: None,
        select: vec!["displayName".to_owned()],
        page_size: 999,
        delta: false,
    }
}
