//! What connections and the test share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use super::SimConfig;
use super::cache::Cache;
use super::journal::Journal;
use crate::faults::Ledger;
use crate::graph::{Buckets, Site};
use crate::login::Tokens;
use crate::prng::Prng;
use crate::world::World;

/// The state of a simulator.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) origin: String,
    world: RwLock<World>,
    epoch: AtomicU64,
    started: Instant,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) faults: Mutex<Ledger>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) buckets: Mutex<Buckets>,
    pub(crate) cache: Mutex<Cache>,
    pub(crate) prng: Mutex<Prng>,
}

impl Shared {
    pub(crate) fn new(config: SimConfig, origin: String, world: World) -> Self {
        Self {
            config,
            origin,
            world: RwLock::new(world),
            epoch: AtomicU64::new(0),
            started: Instant::now(),
            tokens: Mutex::new(Tokens::new()),
            faults: Mutex::default(),
            journal: Mutex::default(),
            buckets: Mutex::default(),
            cache: Mutex::default(),
            prng: Mutex::new(Prng::new(0x5eed)),
        }
    }

    pub(crate) fn read_world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the world. What was remembered of the old one is forgotten while nobody can look.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        self.epoch.fetch_add(1, Ordering::SeqCst);
        locked(&self.cache).clear();
        change(&mut world)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Milliseconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// What Graph's answers depend on.
    pub(crate) fn site<'a>(&'a self, world: &'a World) -> Site<'a> {
        Site {
            origin: &self.origin,
            world,
            page_lifetime: self.config.page_lifetime.map(|lifetime| lifetime.as_millis() as u64),
            uptime: self.uptime(),
        }
    }
}

/// Locks, even if a test panicked while it held the lock.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
