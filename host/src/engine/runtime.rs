//! The engine: made once, shared by every plugin and tenant.

use super::compiler::Compiler;
use super::cpu;
use super::limits::Limits;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use wasmtime::{Config, InstanceAllocationStrategy, MemoryCreator, PoolingAllocationConfig};

/// How the engine is made.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where compiled plugins are kept; made with mode 700. None = compile every time.
    pub cache_dir: Option<PathBuf>,
    /// Who compiles a plugin that is not kept there.
    pub compiler: Compiler,
    /// The largest plugin that is looked at, in bytes.
    pub plugin_bytes: usize,
    /// Instances alive at the same time. Each fetch and each mapping stage takes one.
    pub instances: u32,
    /// Limits of instances that talk to a source.
    pub connector: Limits,
    /// Limits of instances that map and reconcile.
    pub transform: Limits,
    /// Who allocates memories, instead of the pool: for tests that must look into a guest's memory.
    pub memories: Option<Arc<dyn MemoryCreator>>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            cache_dir: None,
            compiler: Compiler::InProcess,
            plugin_bytes: 16 << 20,
            instances: 32,
            connector: Limits::connector(),
            transform: Limits::transform(),
            memories: None,
        }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up: {0:#}")]
pub struct EngineError(wasmtime::Error);

/// Compiles and runs plugins. Clones share it; the last one stops the ticker.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: wasmtime::Engine,
    pub(super) options: Arc<EngineOptions>,
}

impl Engine {
    /// An engine with a pool of instances, or without one where the address space is too small for it.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let pooled = options.memories.is_none().then(|| wasmtime::Engine::new(&config(&options, true)));
        let inner = match pooled {
            Some(Ok(engine)) => engine,
            Some(Err(_)) | None => wasmtime::Engine::new(&config(&options, false)).map_err(EngineError)?,
        };
        cpu::tick(inner.weak());
        Ok(Self { inner, options: Arc::new(options) })
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("cache_dir", &self.options.cache_dir).finish_non_exhaustive()
    }
}

/// The settings of an engine. A pool changes nothing in what is compiled.
pub(super) fn config(options: &EngineOptions, pooled: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // The component model's own async is not in the contract, costs every call, and had many advisories.
    config.concurrency_support(false);
    // What LLVM's wasm target does not need is off. `gc` and `threads` are on as cargo features only because
    // builds without them abort (RUSTSEC-2026-0570).
    config.wasm_gc(false).wasm_function_references(false).wasm_exceptions(false);
    config.wasm_threads(false).wasm_shared_everything_threads(false).shared_memory(false);
    config.wasm_memory64(false).wasm_multi_memory(false).wasm_custom_page_sizes(false);
    config.wasm_tail_call(false).wasm_relaxed_simd(false).wasm_wide_arithmetic(false);
    if let Some(memories) = &options.memories {
        // Plain, bounds-checked memories: the creator's need no guard pages.
        config.with_host_memory(memories.clone());
        config.memory_reservation(0).memory_guard_size(0).memory_reservation_for_growth(0);
        config.memory_init_cow(false);
    } else if pooled {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    }
    config
}

fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    // A component of wit-component has three or four core instances and two tables.
    let parts = options.connector.parts.max(options.transform.parts) as u32;
    let instances = options.instances;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 4)
        .total_memories(instances)
        .total_tables(instances * 4)
        .total_stacks(instances)
        .total_gc_heaps(1)
        .max_core_instances_per_component(parts)
        .max_memories_per_component(2)
        .max_tables_per_component(parts)
        .max_memory_size(options.connector.memory.max(options.transform.memory));
    pool
}
