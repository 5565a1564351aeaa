//! Resolve, judge every address, connect to the judged address, prove the name.

use super::fault::{Fault, Refusal};
use super::limits::EgressLimits;
use super::tunnel;
use crate::capabilities::denial::Denial;
use crate::capabilities::networks::{Reach, reach};
use crate::capabilities::origin::Origin;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The addresses of a name.
pub trait Resolve: Send + Sync {
    /// Every address that `host` (a name, never an address) has. An error is for the operator's eyes.
    fn resolve(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let host = host.to_owned();
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// Makes connections under one address policy. The client that owns it keeps them in a pool of its own, so
/// that a connection made under a private grant never serves a request without one.
#[derive(Clone)]
pub(super) struct Dialler {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: TlsConnector,
    pub(super) limits: EgressLimits,
    pub(super) private: bool,
    /// Everything goes through it; never together with `private`.
    pub(super) proxy: Option<Origin>,
    pub(super) dialled: Arc<AtomicU64>,
}

impl Dialler {
    async fn dial(self, origin: Origin) -> Result<Conn, Refusal> {
        let after = self.limits.connect;
        match tokio::time::timeout(after, self.connect(&origin)).await {
            Ok(done) => done,
            Err(_) => Err(Fault::ConnectTimeout { origin, after }.into()),
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Conn, Refusal> {
        let stream = match &self.proxy {
            None => {
                let addresses = self.addresses(origin, Way::Origin { private: self.private }).await?;
                self.first_that_answers(origin, &addresses).await?
            }
            Some(proxy) => self.through(proxy, origin).await?,
        };
        self.dialled.fetch_add(1, Ordering::Relaxed);
        if !origin.is_secure() {
            return Ok(Conn(TokioIo::new(Box::pin(stream))));
        }
        let untrusted = |why: String| Fault::Tls { origin: origin.clone(), why };
        let name = origin.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| untrusted(error.to_string()))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| untrusted(error.to_string()))?;
        Ok(Conn(TokioIo::new(Box::pin(stream))))
    }

    /// A connection that a proxy makes. Names are the proxy's to resolve, so that only an origin which is an
    /// address can be judged; the certificate still has to be the name's.
    async fn through(&self, proxy: &Origin, origin: &Origin) -> Result<TcpStream, Refusal> {
        let bare = origin.host().trim_start_matches('[').trim_end_matches(']');
        if !origin.is_secure() {
            return Err(Denial::NotEncrypted { origin: origin.clone() }.into());
        }
        if let Ok(address) = bare.parse()
            && reach(address) != Reach::Public
        {
            return Err(Denial::Address { origin: origin.clone(), address, reach: reach(address) }.into());
        }
        let addresses = self.addresses(proxy, Way::Proxy).await?;
        let stream = self.first_that_answers(proxy, &addresses).await?;
        tunnel::open(stream, proxy, origin).await
    }

    /// All addresses of the origin, or a refusal when one of them is out of reach: a name with a public and
    /// a private answer is somebody trying.
    async fn addresses(&self, origin: &Origin, way: Way) -> Result<Vec<SocketAddr>, Refusal> {
        let bare = origin.host().trim_start_matches('[').trim_end_matches(']');
        let unresolved = |why: String| Fault::Resolve { origin: origin.clone(), why };
        let found = match bare.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                self.resolver.resolve(origin.host()).await.map_err(|error| unresolved(error.to_string()))?
            }
        };
        for address in &found {
            admit(origin, *address, way)?;
        }
        if found.is_empty() {
            return Err(unresolved("it has no address".to_owned()).into());
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, origin.port())).collect())
    }

    async fn first_that_answers(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
    ) -> Result<TcpStream, Refusal> {
        // Each address gets its share of the time, so that one that is dead leaves some for the next.
        let share = self.limits.connect / addresses.len().clamp(1, 4) as u32;
        let mut why = String::new();
        for address in addresses {
            match tokio::time::timeout(share.max(Duration::from_millis(1)), TcpStream::connect(address)).await
            {
                Ok(Ok(stream)) => {
                    // Requests are small and wait for their reply.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => why = format!("{address}: {error}"),
                Err(_) => why = format!("{address}: no answer within {share:?}"),
            }
        }
        Err(Fault::Connect { origin: origin.clone(), why }.into())
    }
}

/// Whom a connection is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The origin itself; `private`: under a grant that says so.
    Origin { private: bool },
    /// The operator's proxy. It may be anywhere that a proxy can be, and CONNECT is in clear by nature: what goes
    /// through the tunnel is encrypted to the origin.
    Proxy,
}

fn admit(origin: &Origin, address: IpAddr, way: Way) -> Result<(), Denial> {
    match (reach(address), way) {
        (Reach::Public | Reach::Private, Way::Proxy) => Ok(()),
        (Reach::Public, Way::Origin { .. }) if origin.is_secure() => Ok(()),
        (Reach::Public, Way::Origin { .. }) => Err(Denial::NotEncrypted { origin: origin.clone() }),
        (Reach::Private, Way::Origin { private: true }) => Ok(()),
        // Metadata services and their like are nobody's proxy, whatever a name resolves to.
        (reach, _) => Err(Denial::Address { origin: origin.clone(), address, reach }),
    }
}

impl tower_service::Service<http::Uri> for Dialler {
    type Response = Conn;
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Conn, Refusal>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let dialler = self.clone();
        Box::pin(async move {
            let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
            let origin = Origin::of(uri.scheme_str().unwrap_or_default(), authority);
            let origin = origin.map_err(|error| Denial::Request { why: error.to_string() })?;
            dialler.dial(origin).await
        })
    }
}

/// A stream of bytes, encrypted or not.
trait Wire: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Wire for T {}

/// A connection that was dialled.
pub(super) struct Conn(TokioIo<Pin<Box<dyn Wire>>>);

impl Connection for Conn {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_be_public_or_private_but_no_metadata_service() {
        let proxy: Origin = "http://proxy.example:3128".parse().unwrap();
        let admits = |address: &str, way| admit(&proxy, address.parse().unwrap(), way);
        for address in ["8.8.8.8", "2603:1006::1", "10.1.2.3", "127.0.0.1", "::1"] {
            assert_eq!(admits(address, Way::Proxy), Ok(()), "{address}");
        }
        for address in ["169.254.169.254", "168.63.129.16", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"]
        {
            assert!(matches!(admits(address, Way::Proxy), Err(Denial::Address { .. })), "{address}");
        }
        // The same address, dialled as an origin without TLS.
        let way = Way::Origin { private: true };
        assert!(matches!(admits("8.8.8.8", way), Err(Denial::NotEncrypted { .. })));
        assert!(matches!(admits("10.1.2.3", Way::Origin { private: false }), Err(Denial::Address { .. })));
        assert_eq!(admits("10.1.2.3", way), Ok(()));
    }
}
