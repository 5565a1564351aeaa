//! A very small HTTP/1.1 client, so that what is tested is what really goes over the socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim};
use serde_json::Value;

/// An answer as it came, chunks put together.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and `error.code` of Graph, or `error` of the login host.
    pub(crate) fn error(&self) -> (u16, String) {
        let json = self.json();
        let code = json["error"]["code"].as_str().or(json["error"].as_str());
        (self.status, code.unwrap_or_default().to_owned())
    }

    pub(crate) fn next(&self) -> Option<String> {
        self.json()["@odata.nextLink"].as_str().map(str::to_owned)
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let json = self.json();
        let value = json["value"].as_array().unwrap().iter();
        value.filter_map(|user| user["id"].as_str().map(str::to_owned)).collect()
    }
}

/// Sends a request over any connection and reads the answer.
pub(crate) fn exchange<S: Read + Write>(
    stream: &mut BufReader<S>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: simulator\r\n");
    if method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend(body);
    stream.get_mut().write_all(&bytes)?;
    read(stream)
}

fn line<S: Read>(stream: &mut BufReader<S>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Reads an answer.
pub(crate) fn read<S: Read>(stream: &mut BufReader<S>) -> io::Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
    loop {
        let header = line(stream)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap();
        answer.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(stream)?, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk)?;
            answer.body.extend(&chunk[..size]);
            if size == 0 {
                return Ok(answer);
            }
        }
    }
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    answer.body = body;
    Ok(answer)
}

/// A connection to a simulator without TLS.
pub(crate) fn connect(sim: &Sim) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(sim.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    BufReader::new(stream)
}

/// One request over a connection of its own.
pub(crate) fn ask(
    sim: &Sim,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    exchange(&mut connect(sim), method, target, headers, body)
}

/// The form that gets a token.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Asks for a token with the right form, changed in some fields; an empty value takes one away.
pub(crate) fn ask_token(sim: &Sim, tenant: &str, changes: &[(&str, &str)]) -> Answer {
    let scope = format!("{}/.default", sim.origin());
    let mut fields = vec![
        ("client_id", DEFAULT_CLIENT_ID),
        ("scope", scope.as_str()),
        ("client_secret", DEFAULT_SECRET),
        ("grant_type", "client_credentials"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    let target = format!("/{tenant}/oauth2/v2.0/token");
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    ask(sim, "POST", &target, &kind, form(&fields).as_bytes()).unwrap()
}

/// A good token.
pub(crate) fn token(sim: &Sim) -> String {
    let answer = ask_token(sim, DEFAULT_TENANT, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// A client with a token.
pub(crate) struct Client<'a> {
    pub(crate) sim: &'a Sim,
    bearer: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(sim: &'a Sim) -> Self {
        let bearer = format!("Bearer {}", token(sim));
        Self { sim, bearer }
    }

    /// A `GET`, by path or by absolute address.
    pub(crate) fn try_get(&self, target: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let target = target.strip_prefix(&self.sim.origin()).unwrap_or(target);
        let target = target.replace(' ', "%20");
        let mut all = vec![("Authorization", self.bearer.as_str())];
        all.extend(headers);
        ask(self.sim, "GET", &target, &all, b"")
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.try_get(target, &[]).unwrap()
    }

    /// A `GET` with the consistency header.
    pub(crate) fn eventual(&self, target: &str) -> Answer {
        self.try_get(target, &[("ConsistencyLevel", "eventual")]).unwrap()
    }

    pub(crate) fn batch(&self, requests: &Value) -> Answer {
        let headers = [("Authorization", self.bearer.as_str()), ("Content-Type", "application/json")];
        let body = serde_json::json!({"requests": requests}).to_string();
        ask(self.sim, "POST", "/v1.0/$batch", &headers, body.as_bytes()).unwrap()
    }

    /// All pages from an address on, with or without the consistency header.
    pub(crate) fn pages(&self, first: &str, eventual: bool) -> Vec<Answer> {
        let mut next = Some(first.to_owned());
        let mut pages = Vec::new();
        while let Some(target) = next {
            let page = if eventual { self.eventual(&target) } else { self.get(&target) };
            assert_eq!(page.status, 200, "{}", page.text());
            next = page.next();
            pages.push(page);
            assert!(pages.len() < 100, "a listing without end");
        }
        pages
    }
}
