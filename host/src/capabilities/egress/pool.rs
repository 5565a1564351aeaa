//! A tenant's connections.

use super::dial::{Dialler, Resolve, SystemResolver};
use super::limits::EgressLimits;
use crate::capabilities::origin::Origin;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_rustls::TlsConnector;

pub(super) type HttpClient = Client<Dialler, Full<Bytes>>;

/// Dialler and connection pool of one tenant. HTTP/1.1 with keep-alive; never shared between tenants.
pub struct Egress {
    /// Two pools: a connection made under a private grant never serves a request without one.
    public: HttpClient,
    private: HttpClient,
    limits: EgressLimits,
    dialled: Arc<AtomicU64>,
}

/// How a tenant's egress is made.
#[derive(Clone, Default)]
pub struct EgressOptions {
    /// The limits of every request.
    pub limits: EgressLimits,
    /// Certificates to trust besides Mozilla's roots, as PEM text (a company's own authority).
    pub extra_ca: Option<Vec<u8>>,
    /// Connections to public origins go through this proxy, by CONNECT. It resolves their names itself.
    pub proxy: Option<Origin>,
    /// None = the operating system's.
    pub resolver: Option<Arc<dyn Resolve>>,
}

/// Why there is no egress.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The extra certificates cannot be read.
    #[error("the extra certificates are not PEM text with at least one valid certificate: {0}")]
    ExtraCa(String),
    /// The TLS library refuses its set-up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Egress {
    /// An egress with empty pools. Connects to nothing yet.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        let limits = options.limits;
        let dialled = Arc::new(AtomicU64::new(0));
        let tls = TlsConnector::from(Arc::new(trust(options.extra_ca.as_deref())?));
        let resolver = options.resolver.unwrap_or_else(|| Arc::new(SystemResolver));
        let proxy = options.proxy;
        let client = |private| {
            let (resolver, tls, dialled) = (resolver.clone(), tls.clone(), dialled.clone());
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(limits.idle)
                .pool_max_idle_per_host(limits.in_flight)
                .http1_max_headers(limits.reply_headers)
                // hyper panics below 8 KiB.
                .http1_max_buf_size(limits.reply_head.max(8 << 10))
                .build(Dialler {
                    resolver,
                    tls,
                    limits,
                    private,
                    proxy: proxy.clone().filter(|_| !private),
                    dialled,
                })
        };
        Ok(Self { public: client(false), private: client(true), limits, dialled })
    }

    /// How many connections were made since the start.
    pub fn dialled(&self) -> u64 {
        self.dialled.load(Ordering::Relaxed)
    }

    pub(super) fn limits(&self) -> &EgressLimits {
        &self.limits
    }

    pub(super) fn client(&self, private: bool) -> &HttpClient {
        if private { &self.private } else { &self.public }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("dialled", &self.dialled()).finish_non_exhaustive()
    }
}

fn trust(extra: Option<&[u8]>) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra {
        let unreadable = |error: &dyn fmt::Display| EgressError::ExtraCa(error.to_string());
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
            found = true;
        }
        if !found {
            return Err(unreadable(&"there is none"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // No ALPN: HTTP/1.1 only, until GHSA-f8mm-ggr3-89wh (empty writes on HTTP/2) is out of the way.
    Ok(config)
}
