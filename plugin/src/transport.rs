//! One request, one answer. The only place that calls `wasi:http`.

use crate::bindings::userload::directory::types::Error;
use crate::error::malformed;

/// The most that is read of one body, in bytes. A page of 999 users with every property is about 2 MiB.
#[cfg(any(target_arch = "wasm32", test))]
const BODY_LIMIT: usize = 32 << 20;

/// The two methods that this plugin needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Asks for a token, or carries a batch of reads.
    Post,
}

/// A request to the source. It may hold a placeholder (or, with hosts that hand out plain values, a secret),
/// which is why it has no `Debug`.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL, percent-encoded.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for a GET.
    pub body: Vec<u8>,
}

impl Request {
    /// A read that wants JSON.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: vec![("accept", "application/json".to_owned())],
            body: Vec::new(),
        }
    }

    /// A body of the given media type, for an answer in JSON.
    pub fn post(url: impl Into<String>, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            method: Method::Post,
            url: url.into(),
            headers: vec![
                ("accept", "application/json".to_owned()),
                ("content-type", content_type.to_owned()),
                ("content-length", body.len().to_string()),
            ],
            body,
        }
    }

    /// With one more header; one of the same name is replaced.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer, whatever its status, read to its end.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// In the order of the answer; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The host refused to send the request.
    Denied(String),
    /// No connection, or it broke before the answer was whole.
    Unreachable(String),
    /// The body is longer than so many bytes.
    TooLarge(usize),
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Denied(text) => Self::DeniedByHost(text),
            TransportError::Unreachable(text) => Self::Unreachable(text),
            TransportError::TooLarge(limit) => {
                malformed(None, format!("the answer is longer than {limit} bytes"))
            }
        }
    }
}

/// Sends requests.
pub trait Transport {
    /// Sends one request and reads its answer to the end. An answer of any status is an answer.
    fn send(&mut self, request: Request) -> Result<Response, TransportError>;
}

/// Puts a body together and stops when it grows beyond `limit`. `chunk` gives the next piece, none at the
/// end.
#[cfg(any(target_arch = "wasm32", test))]
fn read_body(
    limit: usize,
    mut chunk: impl FnMut() -> Result<Option<Vec<u8>>, TransportError>,
) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(piece) = chunk()? {
        if body.len() + piece.len() > limit {
            return Err(TransportError::TooLarge(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// `wasi:http`, through waki.
#[cfg(target_arch = "wasm32")]
pub(crate) mod wasi {
    use waki::{Client, ErrorCode};

    use super::{BODY_LIMIT, Method, Request, Response, Transport, TransportError, read_body};

    /// How much is asked for at once. waki's `body()` would read without a limit.
    const CHUNK: u64 = 256 << 10;

    /// The host's `wasi:http`.
    pub(crate) struct WasiHttp;

    impl Transport for WasiHttp {
        fn send(&mut self, request: Request) -> Result<Response, TransportError> {
            let client = Client::new();
            let builder = match request.method {
                Method::Get => client.get(&request.url),
                Method::Post => client.post(&request.url),
            };
            let headers = request.headers.iter();
            let response = builder
                .headers(headers.map(|(name, value)| (*name, value.as_str())))
                .body(request.body)
                .send()
                .map_err(|error| match error.downcast_ref::<ErrorCode>() {
                    Some(code) => from_code(code),
                    None => TransportError::Unreachable(error.to_string()),
                })?;
            let headers = response.headers().iter();
            let headers = headers.filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            });
            let headers = headers.collect();
            let body = read_body(BODY_LIMIT, || {
                let piece = response.chunk(CHUNK);
                piece.map_err(|error| TransportError::Unreachable(error.to_string()))
            })?;
            Ok(Response { status: response.status_code(), headers, body })
        }
    }

    fn from_code(code: &ErrorCode) -> TransportError {
        match code {
            ErrorCode::HttpRequestDenied
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::ConfigurationError => TransportError::Denied(format!("{code:?}")),
            _ => TransportError::Unreachable(format!("{code:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_bounded() {
        let mut pieces = vec![vec![1; 6], vec![], vec![2; 4]];
        let body = read_body(10, || Ok(pieces.pop())).unwrap();
        assert_eq!(body.len(), 10);
        let mut pieces = vec![vec![1; 7], vec![], vec![2; 4]];
        let error = read_body(10, || Ok(pieces.pop())).unwrap_err();
        assert_eq!(error, TransportError::TooLarge(10));
        let endless = read_body(BODY_LIMIT, || Ok(Some(vec![0; 1 << 20])));
        assert!(matches!(endless, Err(TransportError::TooLarge(_))));
    }

    #[test]
    fn a_post_says_its_length() {
        let request = Request::post("https://login.example/token", "text/plain", b"abc".to_vec());
        assert!(request.headers.contains(&("content-length", "3".to_owned())));
    }
}
