//! Memories that a test can look into: proof that a value never entered a guest.
//!
//! The component interface gives no way to a guest's memory, and that is as it should be; so the memories
//! are allocated here and remembered. `EngineOptions::memories` takes this instead of the pool.
//! Include this file with `#[path]` where it is needed: it is the only `unsafe` code outside of the engine's
//! cache, and never part of the program.

#![expect(unsafe_code, reason = "a memory creator is unsafe by its nature; tests only")]
#![allow(unreachable_pub, reason = "where it is public depends on who includes it")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::{Arc, Mutex};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// The largest memory that is handed out.
const MOST: usize = 128 << 20;

/// Every memory that is alive.
#[derive(Clone, Default)]
pub struct RecordingMemories(Arc<Mutex<Vec<Slot>>>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    base: usize,
    size: usize,
}

impl RecordingMemories {
    /// Which of `needles` stand in a guest's memory now. Call it between calls, while no guest runs.
    pub fn find(&self, needles: &[&[u8]]) -> Vec<usize> {
        let slots = self.0.lock().unwrap();
        let found = |needle: &[u8]| {
            slots.iter().any(|slot| {
                // SAFETY: the slot is alive while the list is locked (`drop` takes it out under the same
                // lock), `size` bytes of it are initialised, and the caller lets no guest run.
                let bytes = unsafe { std::slice::from_raw_parts(slot.base as *const u8, slot.size) };
                bytes.windows(needle.len()).any(|window| window == needle)
            })
        };
        needles.iter().enumerate().filter(|(_, needle)| found(needle)).map(|(at, _)| at).collect()
    }

    /// How many bytes the living memories have.
    #[allow(dead_code, reason = "two test crates include this file, and only one of them counts")]
    pub fn bytes(&self) -> usize {
        self.0.lock().unwrap().iter().map(|slot| slot.size).sum()
    }
}

// SAFETY: `new_memory` gives zeroed bytes that nobody else writes to. The engine sets reservation and guard
// to zero when a creator is given, so that compiled code checks every bound.
unsafe impl MemoryCreator for RecordingMemories {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if guard != 0 || reserved.is_some_and(|reserved| reserved != 0) {
            return Err(format!("a guard of {guard} and a reservation of {reserved:?} are not supported"));
        }
        let capacity = maximum.unwrap_or(MOST).clamp(4_096, MOST);
        if minimum > capacity {
            return Err(format!("{minimum} bytes are too many"));
        }
        let layout = Layout::from_size_align(capacity, 4_096).map_err(|error| error.to_string())?;
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) } as usize;
        if base == 0 {
            return Err("out of memory".to_owned());
        }
        let slot = Slot { base, size: minimum };
        self.0.lock().unwrap().push(slot);
        Ok(Box::new(Memory { slot, layout, all: self.clone() }))
    }
}

struct Memory {
    slot: Slot,
    layout: Layout,
    all: RecordingMemories,
}

// SAFETY: `as_ptr` points to `byte_capacity` bytes that live as long as this and never move.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.slot.size
    }

    fn byte_capacity(&self) -> usize {
        self.layout.size()
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        if size > self.layout.size() {
            return Err(wasmtime::format_err!("{size} bytes are too many"));
        }
        let mut slots = self.all.0.lock().unwrap();
        for slot in slots.iter_mut().filter(|slot| slot.base == self.slot.base) {
            slot.size = size;
        }
        self.slot.size = size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slot.base as *mut u8
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.all.0.lock().unwrap().retain(|slot| slot.base != self.slot.base);
        // SAFETY: allocated with this layout, and nobody looks at it any more.
        unsafe { dealloc(self.slot.base as *mut u8, self.layout) };
    }
}
