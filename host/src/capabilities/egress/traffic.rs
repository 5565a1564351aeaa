//! What a session used of the network, and how much it may.

use super::fault::{Fault, Refusal};
use crate::capabilities::denial::Denial;
use crate::capabilities::origin::Origin;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrafficBudget {
    /// Requests.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of reply bodies, decoded.
    pub received: u64,
}

impl Default for TrafficBudget {
    /// Enough for 2,000,000 users a hundred at a time, and 16 GiB.
    fn default() -> Self {
        Self { requests: 20_000, sent: 256 << 20, received: 16 << 30 }
    }
}

/// What one session used. Denied requests are counted, not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Requests that left.
    pub requests: u64,
    /// Requests and replies that the door refused.
    pub denied: u64,
    /// Requests that brought no complete reply.
    pub failed: u64,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of reply bodies as they came.
    pub wire_bytes: u64,
    /// Bytes of reply bodies after decoding.
    pub received_bytes: u64,
    /// By origin.
    pub origins: BTreeMap<String, OriginTraffic>,
}

/// What one session did with one origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OriginTraffic {
    /// Requests that left.
    pub requests: u64,
    /// How often each status came.
    pub statuses: BTreeMap<u16, u64>,
}

/// How many denials and faults are kept until somebody takes them.
const KEPT: usize = 16;

/// Counts, and refuses what goes over the budget.
pub(super) struct Ledger {
    budget: TrafficBudget,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    traffic: Traffic,
    denials: Vec<Denial>,
    fault: Option<Fault>,
}

impl Ledger {
    pub(super) fn new(budget: TrafficBudget) -> Self {
        Self { budget, state: Mutex::default() }
    }

    /// A request with a body of `bytes` is about to leave.
    pub(super) fn request(&self, origin: &Origin, bytes: u64) -> Result<(), Denial> {
        let mut state = self.lock();
        let TrafficBudget { requests, sent, .. } = self.budget;
        if state.traffic.requests >= requests {
            return Err(Denial::Budget { what: "requests", limit: requests });
        }
        if state.traffic.sent_bytes + bytes > sent {
            return Err(Denial::Budget { what: "bytes sent", limit: sent });
        }
        state.traffic.requests += 1;
        state.traffic.sent_bytes += bytes;
        state.traffic.origins.entry(origin.to_string()).or_default().requests += 1;
        Ok(())
    }

    pub(super) fn status(&self, origin: &Origin, status: u16) {
        let mut state = self.lock();
        let origin = state.traffic.origins.entry(origin.to_string()).or_default();
        *origin.statuses.entry(status).or_default() += 1;
    }

    pub(super) fn wire(&self, bytes: u64) {
        self.lock().traffic.wire_bytes += bytes;
    }

    pub(super) fn received(&self, bytes: u64) -> Result<(), Denial> {
        let mut state = self.lock();
        state.traffic.received_bytes += bytes;
        if state.traffic.received_bytes > self.budget.received {
            return Err(Denial::Budget { what: "bytes received", limit: self.budget.received });
        }
        Ok(())
    }

    /// Remembers why a request failed, for the host to say.
    pub(super) fn refused(&self, refusal: &Refusal) {
        let mut state = self.lock();
        match refusal {
            Refusal::Denied(denial) => {
                state.traffic.denied += 1;
                if state.denials.len() < KEPT && !state.denials.contains(denial) {
                    state.denials.push(denial.clone());
                }
            }
            Refusal::Failed(fault) => {
                state.traffic.failed += 1;
                state.fault = Some(fault.clone());
            }
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic.clone()
    }

    /// The denials and the last fault since the last call of this.
    pub(super) fn take_facts(&self) -> (Vec<Denial>, Option<Fault>) {
        let mut state = self.lock();
        (std::mem::take(&mut state.denials), state.fault.take())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
