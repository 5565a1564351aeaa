//! What ended a call: the engine's error, and what the clocks and counters saw.

use super::cpu::CpuClock;
use super::error::CallError;
use super::limits::Limits;
use super::memory::MemoryMarks;
use super::usage::Usage;
use crate::capabilities::Log;
use std::any::Any;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi_http::FieldMapError;

/// What outlives a session's instances.
#[derive(Clone)]
pub(super) struct Witness {
    pub(super) clock: CpuClock,
    pub(super) marks: MemoryMarks,
    pub(super) log: Log,
}

impl Witness {
    /// Forgets what an earlier call left behind.
    pub(super) fn begin_call(&self) {
        self.clock.begin_call();
        self.marks.take_refused();
        self.log.take_last_error();
    }

    /// `counted` with what the clocks and counters say.
    pub(super) fn usage(&self, counted: &Usage) -> Usage {
        Usage {
            cpu_ms: self.clock.total().as_millis() as u64,
            memory_peak: self.marks.peak(),
            log_lines: self.log.kept(),
            log_dropped: self.log.dropped(),
            ..counted.clone()
        }
    }

    pub(super) fn verdict(&self, call: &'static str, error: &wasmtime::Error, limits: &Limits) -> CallError {
        if error.is::<PoolConcurrencyLimitError>() {
            return CallError::Crowded { call };
        }
        let trap = error.downcast_ref::<Trap>();
        if trap == Some(&Trap::Interrupt) {
            if let Some(used_up) = self.clock.meter().used_up() {
                return used_up.stops(call);
            }
            return CallError::CpuLimit { call, limit: limits.cpu };
        }
        if let Some(why) = host_allocation(error) {
            return CallError::HostAllocation { call, why };
        }
        // A guest that is refused memory usually gives up with a trap of its own.
        if self.marks.take_refused() {
            return CallError::MemoryLimit { call, limit: limits.memory };
        }
        let why = trap.map_or_else(|| error.root_cause().to_string(), Trap::to_string);
        CallError::Trap { call, why, said: self.log.take_last_error() }
    }
}

/// The host-side limits whose errors are not traps. Two of them have no type, only words.
fn host_allocation(error: &wasmtime::Error) -> Option<String> {
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Some("too many open requests, streams or headers".to_owned());
    }
    if let Some(error @ (FieldMapError::TooManyFields | FieldMapError::TotalSizeTooBig)) =
        error.downcast_ref()
    {
        return Some(error.to_string());
    }
    let words = format!("{error:#}");
    let known = [
        ("fuel allocated for hostcalls", "too much data in one crossing"),
        ("handle limit exceeded", "too many handles"),
    ];
    known.into_iter().find(|(sign, _)| words.contains(sign)).map(|(_, why)| why.to_owned())
}

/// The words of a panic.
pub(super) fn panic_words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("a panic without words").to_owned(),
    }
}
