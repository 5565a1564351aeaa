//! The door: what a session's requests go out through.

use super::body::ReplyBody;
use super::echo::Needles;
use super::fault::{Fault, Refusal, of_client};
use super::limits::{EgressLimits, Wishes};
use super::pool::Egress;
use super::reply::{self, Read};
use super::request::{self, Target};
use super::swap;
use super::traffic::{Ledger, Traffic, TrafficBudget};
use crate::capabilities::denial::Denial;
use crate::capabilities::origin::Origin;
use crate::capabilities::policy::Grants;
use crate::capabilities::vault::SecretSet;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// The network of one session. Clones share its budget.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    egress: Arc<Egress>,
    grants: Grants,
    secrets: SecretSet,
    ledger: Arc<Ledger>,
    in_flight: Arc<Semaphore>,
}

/// What every request says of its sender.
const USER_AGENT: &str = concat!("userload/", env!("CARGO_PKG_VERSION"));

/// Headers of a reply that are the connection's business, or that a client without a memory cannot use.
const HIDDEN: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
];

impl Door {
    /// A door with a fresh budget.
    pub fn new(egress: Arc<Egress>, grants: Grants, secrets: SecretSet, budget: TrafficBudget) -> Self {
        let in_flight = Arc::new(Semaphore::new(egress.limits().in_flight));
        Self(Arc::new(Inner { egress, grants, secrets, ledger: Arc::new(Ledger::new(budget)), in_flight }))
    }

    /// The limits of every request.
    pub fn limits(&self) -> &EgressLimits {
        self.0.egress.limits()
    }

    /// Sends one request and hands back the head of the reply; the body follows under the same deadline.
    /// Never follows a redirect.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        wishes: Wishes,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let sent = self.attempt(request, &wishes).await;
        sent.inspect_err(|refusal| self.0.ledger.refused(refusal))
    }

    /// Remembers a refusal that came before a request was whole.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.0.ledger.refused(refusal);
    }

    /// What the session has used so far.
    pub fn traffic(&self) -> Traffic {
        self.0.ledger.traffic()
    }

    /// The denials and the last fault since the last call of this.
    pub(crate) fn take_facts(&self) -> (Vec<Denial>, Option<Fault>) {
        self.0.ledger.take_facts()
    }

    /// The tenant's connections.
    pub fn egress(&self) -> &Egress {
        &self.0.egress
    }

    async fn attempt(
        &self,
        request: Request<Bytes>,
        wishes: &Wishes,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let Inner { egress, grants, secrets, ledger, in_flight } = &*self.0;
        let limits = egress.limits();
        let (parts, body) = request.into_parts();

        // Checked before anything is swapped: a request that may not leave never holds a secret.
        let target = Target::of(&parts, limits)?;
        let private = grants.check(&target.origin, &target.method, &target.path)?.private;
        let headers = request::headers(&parts.headers, limits)?;
        if body.len() > limits.request_body {
            return Err(too_large(limits).into());
        }
        let swapped = swap::swap(secrets, &target, headers, body)?;
        let permit = in_flight.clone().try_acquire_owned();
        let permit = permit
            .map_err(|_| Denial::Budget { what: "requests at a time", limit: limits.in_flight as u64 })?;
        ledger.request(&target.origin, swapped.body.len() as u64)?;

        let mut outgoing = Request::new(Full::new(swapped.body));
        *outgoing.method_mut() = target.method.clone();
        *outgoing.uri_mut() = target.uri()?;
        *outgoing.headers_mut() = swapped.headers;
        let ours = outgoing.headers_mut();
        ours.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        ours.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));

        let origin = target.origin;
        let started = Instant::now();
        let deadline = started + limits.total;
        let head = limits.head(wishes).min(limits.total);
        let answer = timeout_at(started + head, egress.client(private).request(outgoing)).await;
        let answer = answer.map_err(|_| Fault::HeadTimeout { origin: origin.clone(), after: head })?;
        let sizes = (limits.reply_head, limits.reply_headers);
        let (mut parts, incoming) = answer.map_err(|error| of_client(&error, &origin, sizes))?.into_parts();
        ledger.status(&origin, parts.status.as_u16());
        if let Some(date) = parts.headers.get(header::DATE).and_then(|it| it.to_str().ok()) {
            secrets.hear_time(&origin, date);
        }
        let gzip = open_head(&mut parts.headers, parts.status, &origin)?;
        let pause = limits.pause(wishes);
        let body = ReplyBody::stream(
            incoming,
            gzip,
            origin.clone(),
            *limits,
            ledger.clone(),
            pause,
            deadline,
            permit,
        );
        if swapped.secrets.is_empty() {
            return Ok(Response::from_parts(parts, body));
        }
        let needles = reply::sent_needles(&swapped.secrets, &origin, &parts.headers)?;
        if swapped.wide {
            // The size of data is bounded by the body itself.
            let read = match read_whole(body, usize::MAX, &needles, &origin).await? {
                Read::Whole(read) => read,
                Read::TooLarge => Vec::new(),
            };
            let data = reply::data(secrets, &origin, &mut parts.headers, read)?;
            return Ok(Response::from_parts(parts, ReplyBody::whole(data)));
        }
        let read = read_whole(body.unreported(), limits.secret_reply, &needles, &origin).await?;
        let clean = reply::clean(secrets, &origin, parts.status, &mut parts.headers, read)?;
        if parts.status.is_success() {
            secrets.accept(&swapped.secrets);
        }
        Ok(Response::from_parts(parts, ReplyBody::whole(clean)))
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("traffic", &self.traffic()).finish_non_exhaustive()
    }
}

/// The refusal of a body that is larger than a guest may send.
pub(crate) fn too_large(limits: &EgressLimits) -> Denial {
    Denial::Request { why: format!("its body is larger than {} bytes", limits.request_body) }
}

/// Drops what the guest need not see; true when the body is gzip.
fn open_head(headers: &mut HeaderMap, status: StatusCode, origin: &Origin) -> Result<bool, Fault> {
    if status.is_informational() {
        return Err(Fault::NotHttp { origin: origin.clone(), why: format!("status {status} is no answer") });
    }
    for name in HIDDEN {
        headers.remove(HeaderName::from_static(name));
    }
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let coding =
        codings.next().map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase());
    let gzip = match (coding.as_deref(), codings.next()) {
        (None | Some("identity" | ""), None) => false,
        (Some("gzip" | "x-gzip"), None) => true,
        (coding, _) => {
            let coding = coding.unwrap_or_default().chars().take(40).collect();
            return Err(Fault::Encoding { origin: origin.clone(), coding });
        }
    };
    headers.remove(header::CONTENT_ENCODING);
    if gzip {
        headers.remove(header::CONTENT_LENGTH);
    }
    Ok(gzip)
}

/// Reads a body to its end, or to where it brings back what was sent.
async fn read_whole(
    mut body: ReplyBody,
    most: usize,
    needles: &Needles,
    origin: &Origin,
) -> Result<Read, Refusal> {
    let mut whole = Vec::new();
    let mut search = needles.search();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            if search.push(&bytes) {
                return Err(reply::echo(origin));
            }
            whole.extend_from_slice(&bytes);
        }
        if whole.len() > most {
            return Ok(Read::TooLarge);
        }
    }
    if search.finish() {
        return Err(reply::echo(origin));
    }
    Ok(Read::Whole(whole))
}
