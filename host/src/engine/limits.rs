//! What one store may take.

use std::time::Duration;

/// The limits of one instance, and of each call into it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all its memories and tables together.
    pub memory: usize,
    /// Time on a processor per call, start functions included. Waiting for the network does not count.
    pub cpu: Duration,
    /// Time per call by the clock, waiting included.
    pub wall: Duration,
    /// Bytes that the host allocates for one crossing of the boundary (arguments of an import, the result
    /// of an export).
    pub crossing: usize,
    /// Handles and host resources (requests, streams, headers) that are alive at the same time.
    pub handles: usize,
    /// Bytes of one set of headers, by the host's own reckoning.
    pub headers: usize,
    /// Core instances, memories and tables in the component, each.
    pub parts: usize,
}

impl Limits {
    /// For talking to a source.
    pub fn connector() -> Self {
        Self {
            memory: 64 << 20,
            // A page of 999 users takes some ten milliseconds: this is hundreds of times more.
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(240),
            crossing: 32 << 20,
            handles: 1_000,
            headers: 64 << 10,
            parts: 16,
        }
    }

    /// For mapping and reconciling.
    pub fn transform() -> Self {
        Self { cpu: Duration::from_secs(5), wall: Duration::from_secs(20), ..Self::connector() }
    }
}
