//! A tunnel through a proxy: CONNECT (RFC 9110 section 9.3.6). Thirty lines of our own, because the client
//! library's keeps neither the length of the head nor the reason of a refusal.

use super::fault::{Fault, Refusal};
use crate::capabilities::origin::Origin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer of a proxy before the tunnel begins.
const MOST: usize = 8 << 10;

/// Asks a proxy for a connection to an origin. Bounded in time by whoever dials.
///
/// # Errors
/// When the proxy does not give one.
pub(super) async fn open(
    mut stream: TcpStream,
    proxy: &Origin,
    origin: &Origin,
) -> Result<TcpStream, Refusal> {
    let refused = |why: String| Refusal::from(Fault::Connect { origin: origin.clone(), why });
    let failed = |error: std::io::Error| refused(format!("the proxy {proxy}: {error}"));
    let to = format!("{}:{}", origin.host(), origin.port());
    stream
        .write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes())
        .await
        .map_err(failed)?;
    // Byte by byte: what follows the head is not ours to take.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST {
            return Err(refused(format!("the proxy {proxy} answers at too much length")));
        }
        head.push(stream.read_u8().await.map_err(failed)?);
    }
    let line = String::from_utf8_lossy(&head);
    let line = line.lines().next().unwrap_or_default();
    let status = line.strip_prefix("HTTP/1.").and_then(|it| it.get(2..5)).and_then(|it| it.parse().ok());
    match status {
        Some(200..=299_u16) => Ok(stream),
        Some(407) => Err(refused(format!("the proxy {proxy} wants a password, which cannot be given"))),
        Some(status) => Err(refused(format!("the proxy {proxy} refuses it with status {status}"))),
        None => Err(refused(format!("what answers at {proxy} is no HTTP proxy"))),
    }
}
