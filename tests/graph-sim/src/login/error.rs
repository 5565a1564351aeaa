//! Errors of the login host.

use serde_json::json;

use crate::clock;
use crate::graph::Ids;
use crate::reply::Reply;

/// An error with one of Microsoft's numbers.
#[derive(Debug, Clone)]
pub(crate) struct LoginError {
    pub(crate) status: u16,
    /// The word that clients branch on.
    pub(crate) error: &'static str,
    /// The number behind `AADSTS`.
    pub(crate) number: u32,
    pub(crate) message: String,
}

impl LoginError {
    pub(crate) fn new(status: u16, error: &'static str, number: u32, message: &str) -> Self {
        Self { status, error, number, message: message.to_owned() }
    }

    /// A form field is not there.
    pub(crate) fn missing(field: &str) -> Self {
        let message = format!("The request body must contain the following parameter: '{field}'.");
        Self::new(400, "invalid_request", 900_144, &message)
    }

    /// No such tenant in this cloud.
    pub(crate) fn no_tenant(tenant: &str) -> Self {
        let message = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
             are signing into the correct cloud. Check with your subscription administrator, this \
             may happen if there are no active subscriptions for the tenant."
        );
        Self::new(400, "invalid_request", 90_002, &message)
    }

    /// The answer.
    pub(crate) fn into_reply(self, origin: &str, ids: &Ids) -> Reply {
        let now = clock::login(clock::now());
        let description = format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {now}",
            self.number, self.message, ids.request, ids.client
        );
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.number],
            "timestamp": now,
            "trace_id": ids.request,
            "correlation_id": ids.client,
            "error_uri": format!("{origin}/error?code={}", self.number),
        });
        Reply::new(self.status, "application/json; charset=utf-8", body.to_string())
            .with("cache-control", "no-store, no-cache")
            .with("x-ms-request-id", ids.request.clone())
    }
}
