//! What was asked and answered.

/// A request and what became of it. Bodies, tokens and secrets are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// HTTP method.
    pub method: String,
    /// Path and query as they were sent, percent-encoding included.
    pub target: String,
    /// `ConsistencyLevel`, if sent.
    pub consistency_level: Option<String>,
    /// Whether there was an `Authorization` header; never what it said.
    pub authorized: bool,
    /// `Content-Length`, if sent.
    pub content_length: Option<String>,
    /// `Content-Type`, if sent.
    pub content_type: Option<String>,
    /// `User-Agent`, if sent.
    pub user_agent: Option<String>,
    /// `Accept-Encoding`, if sent.
    pub accept_encoding: Option<String>,
    /// HTTP status of the answer; 0 when there was none (reset, stall, or not yet).
    pub status: u16,
    /// When the request had come, in milliseconds since the simulator started.
    pub millis: u64,
    /// The fault that fired, if one did.
    pub fault: Option<String>,
    /// The parts, if it was a batch.
    pub parts: Vec<ExchangePart>,
}

/// A part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangePart {
    /// HTTP method.
    pub method: String,
    /// Relative address as it was sent.
    pub url: String,
    /// HTTP status of the part; 0 when it had no answer.
    pub status: u16,
}

/// All exchanges since the journal was cleared.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<Exchange>,
    cleared: u64,
}

/// Where an exchange stands; of no use after the journal was cleared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    at: usize,
    cleared: u64,
}

impl Journal {
    pub(crate) fn begin(&mut self, exchange: Exchange) -> Place {
        self.entries.push(exchange);
        Place { at: self.entries.len() - 1, cleared: self.cleared }
    }

    pub(crate) fn end(&mut self, place: Place, finish: impl FnOnce(&mut Exchange)) {
        if place.cleared != self.cleared {
            return;
        }
        if let Some(exchange) = self.entries.get_mut(place.at) {
            finish(exchange);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Exchange> {
        self.entries.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.cleared += 1;
    }
}
