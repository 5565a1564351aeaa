//! One allowance for all memories and tables of a store, with its high-water mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wasmtime::ResourceLimiter;

/// What outlives a store: the most that any of them used, and whether the last one asked for too much.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryMarks(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    peak: AtomicU64,
    refused: AtomicBool,
}

impl MemoryMarks {
    pub(super) fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Whether growth was refused since the last call of this.
    pub(super) fn take_refused(&self) -> bool {
        self.0.refused.swap(false, Ordering::Relaxed)
    }
}

/// Counts what a store holds and refuses what goes over.
pub(super) struct Allowance {
    held: usize,
    most: usize,
    parts: usize,
    marks: MemoryMarks,
}

/// What the host spends on a table's element.
const ELEMENT: usize = size_of::<usize>();

impl Allowance {
    pub(super) fn new(most: usize, parts: usize, marks: MemoryMarks) -> Self {
        Self { held: 0, most, parts, marks }
    }

    fn grow(&mut self, current: usize, desired: usize, fits: bool) -> bool {
        // wasmtime limits each memory; many small ones would pass it by.
        let held = self.held.saturating_add(desired.saturating_sub(current));
        if held > self.most {
            self.marks.0.refused.store(true, Ordering::Relaxed);
            return false;
        }
        // Over its own maximum it fails anyway, and must not be counted.
        if fits {
            self.held = held;
            self.marks.0.peak.fetch_max(held as u64, Ordering::Relaxed);
        }
        fits
    }
}

impl ResourceLimiter for Allowance {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum.is_none_or(|maximum| desired <= maximum)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT), fits))
    }

    fn instances(&self) -> usize {
        self.parts
    }

    fn tables(&self) -> usize {
        self.parts
    }

    fn memories(&self) -> usize {
        self.parts
    }
}
