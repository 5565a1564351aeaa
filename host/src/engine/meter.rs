//! What one run of a plugin may use in all, over every call and both of its halves.

use super::error::CallError;
use crate::capabilities::RunBudget;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The meter of one run. Clones share it.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: RunBudget,
    began: Instant,
    /// Nanoseconds of processor time, finished stretches only.
    cpu: AtomicU64,
}

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsedUp {
    pub(super) what: &'static str,
    pub(super) limit: Duration,
}

impl UsedUp {
    /// As the error of a call.
    pub(super) fn stops(self, call: &'static str) -> CallError {
        CallError::Budget { call, what: self.what, limit: self.limit }
    }
}

/// What one run used of its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Metered {
    /// Milliseconds on a processor, both halves together.
    pub cpu_ms: u64,
    /// How many there may be.
    pub cpu_ms_limit: u64,
    /// Milliseconds by the clock.
    pub wall_ms: u64,
    /// How many there may be.
    pub wall_ms_limit: u64,
}

impl Meter {
    /// A run begins.
    #[must_use]
    pub fn new(budget: RunBudget) -> Self {
        Self(Arc::new(Inner { budget, began: Instant::now(), cpu: AtomicU64::new(0) }))
    }

    /// What was used so far.
    #[must_use]
    pub fn used(&self) -> Metered {
        let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        Metered {
            cpu_ms: self.0.cpu.load(Ordering::Relaxed) / 1_000_000,
            cpu_ms_limit: millis(self.0.budget.cpu),
            wall_ms: millis(self.0.began.elapsed()),
            wall_ms_limit: millis(self.0.budget.wall),
        }
    }

    /// Bytes of memory that an instance may have, of `most`.
    pub(super) fn memory(&self, most: usize) -> usize {
        self.0.budget.memory.unwrap_or(most).min(most)
    }

    pub(super) fn charge(&self, nanoseconds: u64) {
        self.0.cpu.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Whether the processor is used up, with what runs now.
    pub(super) fn is_over(&self, running: u64) -> bool {
        let used = self.0.cpu.load(Ordering::Relaxed).saturating_add(running);
        Duration::from_nanos(used) >= self.0.budget.cpu
    }

    /// How long a call may take by the clock, of `most`.
    pub(super) fn wall(&self, most: Duration) -> Duration {
        self.0.budget.wall.saturating_sub(self.0.began.elapsed()).min(most)
    }

    /// The processor's time, if it is used up. Asked before every record, so that no clock is looked at.
    pub(super) fn cpu_used_up(&self) -> Option<UsedUp> {
        self.is_over(0).then_some(UsedUp { what: "processor time", limit: self.0.budget.cpu })
    }

    /// What is used up, if something is.
    pub(super) fn used_up(&self) -> Option<UsedUp> {
        let wall = self.0.budget.wall;
        let over = || (self.0.began.elapsed() >= wall).then_some(UsedUp { what: "time", limit: wall });
        self.cpu_used_up().or_else(over)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(RunBudget::default())
    }
}
