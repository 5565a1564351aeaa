//! What went wrong on the way, as the operator should hear it. Guests see a coarse code and turn it into
//! text; the host prefers this.

use crate::capabilities::denial::Denial;
use crate::capabilities::origin::Origin;
use std::error::Error;
use std::time::Duration;

/// A request that was sent, or should have been, and brought no complete reply. Holds no URL, no body and
/// no header: those can hold personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "each case is its message; `origin` is where to, `why` the cause's own words"
)]
pub enum Fault {
    #[error("the name in `{origin}` cannot be resolved: {why}")]
    Resolve { origin: Origin, why: String },
    #[error("no connection to `{origin}` within {after:?}")]
    ConnectTimeout { origin: Origin, after: Duration },
    #[error("no connection to `{origin}`: {why}")]
    Connect { origin: Origin, why: String },
    #[error("no trusted connection to `{origin}`: {why}")]
    Tls { origin: Origin, why: String },
    #[error("`{origin}` did not answer within {after:?}")]
    HeadTimeout { origin: Origin, after: Duration },
    #[error("the head of the answer of `{origin}` is larger than {bytes} bytes or {headers} lines")]
    HeadTooLarge { origin: Origin, bytes: usize, headers: usize },
    #[error("the answer of `{origin}` is not HTTP: {why}")]
    NotHttp { origin: Origin, why: String },
    #[error("`{origin}` paused for more than {after:?} in the middle of its answer")]
    Stalled { origin: Origin, after: Duration },
    #[error("the answer of `{origin}` was not complete after {after:?}")]
    Overdue { origin: Origin, after: Duration },
    #[error("the answer of `{origin}` broke off: {why}")]
    Cut { origin: Origin, why: String },
    #[error("the answer of `{origin}` is larger than {limit} bytes")]
    TooLarge { origin: Origin, limit: u64 },
    #[error("the answer of `{origin}` grew more than {ratio} times when decompressed, and was refused")]
    Bomb { origin: Origin, ratio: u64 },
    #[error("the answer of `{origin}` has the encoding `{coding}`, which was not asked for")]
    Encoding { origin: Origin, coding: String },
    #[error("the answer of `{origin}` is not valid gzip: {why}")]
    BadGzip { origin: Origin, why: String },
    #[error("the answer of `{origin}` to a request with a secret was withheld: {why}")]
    Withheld { origin: Origin, why: String },
}

/// Why a request brought no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The door refused it.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// It failed on the way.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// The truth behind the client's error: the dialler's own word when it has one.
pub(super) fn of_client(error: &(dyn Error + 'static), origin: &Origin, limits: (usize, usize)) -> Refusal {
    let mut cause = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return refusal.clone();
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return of_hyper(error, origin, limits).into();
        }
        last = error.to_string();
        cause = error.source();
    }
    Fault::Connect { origin: origin.clone(), why: last }.into()
}

/// The fault behind a hyper error in a head or a body.
pub(super) fn of_hyper(error: &hyper::Error, origin: &Origin, (bytes, headers): (usize, usize)) -> Fault {
    let origin = origin.clone();
    let why = innermost(error);
    if error.is_parse_too_large() {
        Fault::HeadTooLarge { origin, bytes, headers }
    } else if error.is_parse() {
        Fault::NotHttp { origin, why }
    } else {
        Fault::Cut { origin, why }
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
