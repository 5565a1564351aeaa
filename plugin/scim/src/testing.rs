//! A host that plays back answers.

use std::collections::VecDeque;

use userload_plugin::bindings::exports::userload::directory::connector::Source;
use userload_plugin::bindings::userload::directory::log::Level;
use userload_plugin::bindings::userload::directory::secrets::SecretError;
use userload_plugin::bindings::userload::directory::types::Setting;
use userload_plugin::{Outside, Request, Response, Transport, TransportError};

/// The answers to come, and the requests that came.
pub(crate) struct Script {
    answers: VecDeque<Response>,
    pub(crate) seen: Vec<Request>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Response>) -> Self {
        Self { answers: answers.into_iter().collect(), seen: Vec::new() }
    }

    pub(crate) fn urls(&self) -> Vec<&str> {
        self.seen.iter().map(|it| it.url.as_str()).collect()
    }
}

impl Transport for Script {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        self.seen.push(request);
        Ok(self.answers.pop_front().expect("a request that nobody expected"))
    }
}

impl Outside for Script {
    fn placeholder(&mut self, name: &str) -> Result<String, SecretError> {
        assert_eq!(name, crate::BEARER_TOKEN);
        Ok("PLACEHOLDER".to_owned())
    }

    fn sign_assertion(&mut self, _: &str, _: &str) -> Result<String, SecretError> {
        Err(SecretError::NotSignable)
    }

    fn log(&mut self, _: Level, _: &str) {}
}

pub(crate) fn answer(status: u16, body: &str) -> Response {
    answer_with(status, &[], body)
}

pub(crate) fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

pub(crate) fn source() -> Source {
    let setting = |name: &str, value: &str| Setting { name: name.to_owned(), value: value.to_owned() };
    Source {
        settings: vec![setting("base-url", "https://scim.example.com/v2")],
        filter: None,
        select: Vec::new(),
        page_size: 999,
        delta: false,
    }
}
