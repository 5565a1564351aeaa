//! The door over real sockets, against servers that misbehave.

mod bodies;
mod policy;
mod proxy;
mod secrets;
mod timing;
mod tls;

use super::*;
use crate::capabilities::vault::SecretSet;
use crate::capabilities::{Grant, Grants, Origin};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with one request.
pub(super) enum Act {
    /// Answers, and keeps the connection.
    Answer(Vec<u8>),
    /// Answers and closes.
    Last(Vec<u8>),
    /// Says this, then the second one byte at a time with a pause before each.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// Says this and then nothing, for ever.
    Hang(Vec<u8>),
    /// Says the first, then the second again and again, for ever.
    Flood(Vec<u8>, Vec<u8>),
}

/// A server on the loopback that remembers what it was sent.
pub(super) struct Server {
    pub(super) origin: Origin,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(act: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (act, log) = (Arc::new(act), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, act.clone(), log.clone()));
            }
        });
        Self { origin, seen }
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    act: Arc<impl Fn(&str) -> Act>,
    seen: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    loop {
        let mut request = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some(end) = text.find("\r\n\r\n") {
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
                if request.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
                    break;
                }
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await? {
                0 => return Ok(()),
                n => request.extend_from_slice(&piece[..n]),
            }
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        seen.lock().unwrap().push(text.clone());
        match act(&text) {
            Act::Answer(bytes) => stream.write_all(&bytes).await?,
            Act::Last(bytes) => return stream.write_all(&bytes).await,
            Act::Drip(first, rest, pause) => {
                stream.write_all(&first).await?;
                for byte in rest {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&[byte]).await?;
                }
            }
            Act::Hang(bytes) => {
                stream.write_all(&bytes).await?;
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Act::Flood(first, more) => {
                stream.write_all(&first).await?;
                loop {
                    stream.write_all(&more).await?;
                }
            }
        }
    }
}

/// A whole answer.
pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(super) fn ok(body: &str) -> Act {
    Act::Answer(answer("200 OK", "content-type: application/json\r\n", body.as_bytes()))
}

/// Limits that a test can wait for.
pub(super) fn fast() -> EgressLimits {
    EgressLimits {
        connect: Duration::from_millis(300),
        first_byte: Duration::from_millis(300),
        between_bytes: Duration::from_millis(300),
        total: Duration::from_secs(2),
        ..EgressLimits::default()
    }
}

pub(super) fn egress(limits: EgressLimits) -> Arc<Egress> {
    Arc::new(Egress::new(EgressOptions { limits, ..EgressOptions::default() }).unwrap())
}

/// A door that may reach `origin`, private or not, without secrets.
pub(super) fn door_to(origin: &Origin, limits: EgressLimits) -> Door {
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)]);
    Door::new(egress(limits), grants, SecretSet::none(), TrafficBudget::default())
}

pub(super) fn get(origin: &Origin, path: &str) -> Request<Bytes> {
    Request::get(format!("{origin}{path}")).body(Bytes::new()).unwrap()
}

pub(super) async fn send(door: &Door, request: Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
    let (parts, body) = door.send(request, Wishes::default()).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

pub(super) async fn fault(door: &Door, request: Request<Bytes>) -> Fault {
    match send(door, request).await {
        Err(Refusal::Failed(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn denial(door: &Door, request: Request<Bytes>) -> Denial {
    match send(door, request).await {
        Err(Refusal::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

pub(super) use crate::capabilities::denial::Denial;
