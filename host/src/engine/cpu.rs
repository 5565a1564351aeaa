//! Time on a processor: what a call is charged for, and what stops it.
//!
//! A tick every 10 ms makes running guest code look at its clock. The clock runs only while the call is
//! being polled, so that waiting for the network costs nothing, and each look also lets other tasks run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wasmtime::{EngineWeak, Store, UpdateDeadline};

/// How often running guests look at their clock.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Ticks until the engine is gone.
pub(super) fn tick(engine: EngineWeak) {
    std::thread::Builder::new()
        .name("userload-ticker".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .expect("no thread can be started");
}

/// The clock of one session's calls, in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct CpuClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    zero: Instant,
    /// Of all calls, finished stretches only.
    total: AtomicU64,
    /// Of this call, finished stretches only.
    call: AtomicU64,
    /// When the present stretch began, plus one; zero while nothing runs.
    since: AtomicU64,
}

impl CpuClock {
    pub(super) fn new() -> Self {
        let (total, call, since) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { zero: Instant::now(), total, call, since }))
    }

    /// Of all calls.
    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.total.load(Ordering::Relaxed))
    }

    /// A new call begins.
    pub(super) fn begin_call(&self) {
        self.0.call.store(0, Ordering::Relaxed);
    }

    /// Of this call, up to this moment.
    pub(super) fn call(&self) -> Duration {
        let since = self.0.since.load(Ordering::Relaxed);
        let running = if since == 0 { 0 } else { (self.now() + 1).saturating_sub(since) };
        Duration::from_nanos(self.0.call.load(Ordering::Relaxed) + running)
    }

    /// Guest code may run from here on.
    pub(super) fn start(&self) -> Running<'_> {
        self.0.since.store(self.now() + 1, Ordering::Relaxed);
        Running(self)
    }

    fn now(&self) -> u64 {
        self.0.zero.elapsed().as_nanos() as u64
    }
}

/// A stretch of running, charged when dropped (also by a panic).
pub(super) struct Running<'a>(&'a CpuClock);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Running(clock) = self;
        let since = clock.0.since.swap(0, Ordering::Relaxed);
        let ran = (clock.now() + 1).saturating_sub(since);
        clock.0.call.fetch_add(ran, Ordering::Relaxed);
        clock.0.total.fetch_add(ran, Ordering::Relaxed);
    }
}

/// A future that is charged for its polls.
pub(super) struct Charged<F> {
    future: Pin<Box<F>>,
    clock: CpuClock,
}

impl<F> Charged<F> {
    pub(super) fn new(future: F, clock: CpuClock) -> Self {
        Self { future: Box::pin(future), clock }
    }
}

impl<F: Future> Future for Charged<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let _running = this.clock.start();
        this.future.as_mut().poll(cx)
    }
}

/// Stops calls into an async store once they ran for `most`, and yields at every tick.
pub(super) fn bound_async<T>(store: &mut Store<T>, clock: CpuClock, most: Duration) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        Ok(if clock.call() >= most {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
        })
    });
}

/// Stops calls into a synchronous store once they ran for `most`.
pub(super) fn bound_sync<T>(store: &mut Store<T>, clock: CpuClock, most: Duration) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        Ok(if clock.call() >= most { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
    });
}
