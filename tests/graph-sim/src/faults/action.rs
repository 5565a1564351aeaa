//! What can go wrong.

use anyhow::ensure;
use serde::Deserialize;

/// One way in which an answer is wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// An error in the host's usual shape, instead of an answer.
    Status {
        /// HTTP status, 200 to 599.
        code: u16,
        /// Graph's `error.code` or the login host's `error`; the status gives a usual one.
        #[serde(default)]
        error_code: Option<String>,
        /// The message for people.
        #[serde(default)]
        message: Option<String>,
        /// `Retry-After`, verbatim: seconds, decimals, an HTTP date, or nonsense.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The connection is reset before an answer.
    Reset,
    /// The connection is reset in the middle of the right answer.
    ResetMidBody,
    /// There is never an answer, but the connection stays.
    Stall,
    /// The right answer, so many bytes at a time.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Milliseconds between.
        ms: u64,
    },
    /// The right answer, late.
    Slow {
        /// Milliseconds of waiting.
        ms: u64,
    },
    /// The right Content-Length but half of the body, then the connection ends.
    Truncate,
    /// 200 and JSON by its type, but not by its body.
    NotJson,
    /// 200 and a sign-in page, as captive portals and proxies do.
    #[serde(rename = "html-200")]
    Html200,
    /// 200, no people and no next link.
    #[serde(rename = "empty-200")]
    Empty200,
    /// A page without people, but with a next link that goes on where this page would have begun:
    /// Graph does that, and the listing is not over.
    EmptyPage,
    /// The right page without its next link: the rest of the people is missing, and nothing
    /// says so. Does not fire on a last page.
    CutListing,
    /// 400 `Directory_ExpiredPageToken`.
    ExpiredPageToken,
    /// 401, and the token of this request stays refused.
    RevokeToken,
    /// Another `@odata.count` or `/$count` than the truth. Does not fire without a count.
    WrongCount {
        /// The count that is told.
        n: u64,
    },
    /// The next link leads to the same people once more, under another token.
    DuplicatePage,
    /// The next link leads to this very page.
    LoopNextLink,
    /// The next link leads to another host, where a token must never go.
    ForeignNextLink {
        /// Scheme, host and port of the other host.
        origin: String,
    },
    /// One more element in `value` that is no user.
    BadElement {
        /// Which sort.
        element: Element,
    },
    /// 200 and a body of blanks inside otherwise right JSON.
    HugeBody {
        /// Bytes of the body.
        bytes: u64,
    },
    /// The same as a small gzip stream that becomes huge.
    GzipBomb {
        /// Bytes after unpacking.
        decoded_bytes: u64,
    },
    /// The token endpoint's error quotes the secret that was sent.
    EchoSecret {
        /// How.
        form: Echo,
    },
    /// The right answer with this many more headers.
    ManyHeaders {
        /// How many.
        n: usize,
    },
    /// One part of a batch fails, the batch itself does not.
    BatchPart {
        /// HTTP status of the part.
        status: u16,
        /// Which part, in the order of the request, from 0.
        #[serde(default)]
        part: usize,
        /// Graph's `error.code`; the status gives a usual one.
        #[serde(default)]
        error_code: Option<String>,
        /// `Retry-After` of the part, verbatim.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// One part of a batch has no answer.
    BatchMissingPart {
        /// Which part, in the order of the request, from 0.
        #[serde(default)]
        part: usize,
    },
}

/// What stands in `value` besides users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// `null`
    Null,
    /// A string.
    String,
    /// An object without `id`.
    NoId,
}

/// How a secret is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Echo {
    /// As it is.
    Raw,
    /// Form-encoded.
    UrlEncoded,
    /// In base64.
    Base64,
}

impl Action {
    /// A plain error status.
    pub fn status(code: u16) -> Self {
        Self::Status { code, error_code: None, message: None, retry_after: None }
    }

    /// 429 with this `Retry-After`.
    pub fn throttled(retry_after: &str) -> Self {
        let retry_after = Some(retry_after.to_owned());
        Self::Status { code: 429, error_code: None, message: None, retry_after }
    }

    /// What the numbers must be like.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Status { code: status, .. } | Self::BatchPart { status, .. } => {
                ensure!((200..600).contains(status), "a status lies between 200 and 599");
            }
            Self::Drip { bytes, .. } => ensure!(*bytes > 0, "a drip of no bytes never ends"),
            _ => {}
        }
        Ok(())
    }

    /// Graph's usual code for a status.
    pub(crate) fn usual_code(status: u16) -> &'static str {
        match status {
            400 => "Request_BadRequest",
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "Request_ResourceNotFound",
            410 => "Gone",
            429 => "TooManyRequests",
            500 => "InternalServerError",
            501 => "NotImplemented",
            502 => "BadGateway",
            503 => "ServiceUnavailable",
            504 => "GatewayTimeout",
            _ => "UnknownError",
        }
    }
}
