//! Graph's errors: one shape for all, with ids that support asks for.
//! Source: Graph page "errors", "Microsoft Graph error responses".

use serde_json::json;

use crate::clock;
use crate::filter::Refusal;
use crate::reply::{GRAPH_JSON, Reply};

/// A refusal before it has ids.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// What makes an answer findable in logs.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(crate) request: String,
    /// The client's own id if it sent one, else the same as `request`.
    pub(crate) client: String,
}

impl Refused {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// 400 `Request_BadRequest`.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 400 `Request_UnsupportedQuery`.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// 400 for OData that does not parse.
    pub(crate) fn odata(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403 for want of a permission.
    pub(crate) fn privileges() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 404 for an object.
    pub(crate) fn no_object(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    }

    /// 404 for a path.
    pub(crate) fn no_segment(segment: &str) -> Self {
        let message = format!("Resource not found for the segment '{segment}'.");
        Self::new(404, "ResourceNotFound", message)
    }

    /// The answer.
    pub(crate) fn into_reply(self, ids: &Ids) -> Reply {
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": clock::iso(clock::now()).trim_end_matches('Z'),
                "request-id": ids.request,
                "client-request-id": ids.client,
            },
        }});
        let mut reply = Reply::new(self.status, GRAPH_JSON, body.to_string());
        reply.headers.extend(self.headers);
        reply
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::new(400, refusal.code, refusal.message)
    }
}
