//! Connections: accepted, encrypted if need be, and handed to hyper.

use std::io;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::answer::answer;
use super::body::Flow;
use super::shared::Shared;
use super::wire::{Cord, Wire};
use crate::reply::Ask;

/// Longest body that is read: Graph's own limit for a request.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// Accepts connections for ever.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let _ = tcp.set_nodelay(true);
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            let (wire, cord) = Wire::new(tcp);
            match tls {
                None => converse(shared, wire, cord).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(wire).await {
                        converse(shared, stream, cord).await;
                    }
                }
            }
        });
    }
}

async fn converse<S>(shared: Arc<Shared>, stream: S, cord: Cord)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| one(Arc::clone(&shared), cord.clone(), request));
    // An error here is a fault on purpose, or a client that went away.
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn one(shared: Arc<Shared>, cord: Cord, request: Request<Incoming>) -> io::Result<Response<Flow>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(io::Error::other)?;
    let ask = Ask {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    answer(&shared, &cord, ask).await
}
