//! Time on a processor: what a call is charged for, and what stops it.
//!
//! A tick every 10 ms makes running guest code look at its clock. The clock runs only while the call is
//! being polled, so that waiting for the network costs nothing, and each look also lets other tasks run.

use super::meter::Meter;
use rustix::time::{ClockId, clock_gettime};
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

/// The clock of one session's calls, in nanoseconds of this thread's processor time, so that a busy machine
/// does not make a plugin look slow.
#[derive(Clone, Debug, Default)]
pub(super) struct CpuClock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Of all calls, finished stretches only.
    total: AtomicU64,
    /// Of this call, finished stretches only.
    call: AtomicU64,
    /// What the thread had used when the present stretch began; zero while it is not known.
    since: AtomicU64,
    /// The run's.
    meter: Meter,
}

impl CpuClock {
    /// A clock that is charged to a run as well.
    pub(super) fn of(meter: Meter) -> Self {
        Self(Arc::new(Inner { meter, ..Inner::default() }))
    }

    /// The run's meter.
    pub(super) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Of all calls.
    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.total.load(Ordering::Relaxed))
    }

    /// A new call begins.
    pub(super) fn begin_call(&self) {
        self.0.call.store(0, Ordering::Relaxed);
    }

    /// A stretch of guest code begins on this thread.
    fn start(&self) -> Running<'_> {
        self.0.since.store(thread_time(), Ordering::Relaxed);
        Running { clock: self, began: None }
    }

    /// The same for calls of microseconds: asking the system for the thread's time would double them, so
    /// that is left to the first tick. What runs before it is charged by the clock on the wall, at most a
    /// tick of it.
    pub(super) fn start_cheaply(&self) -> Running<'_> {
        self.0.since.store(0, Ordering::Relaxed);
        Running { clock: self, began: Some(Instant::now()) }
    }

    /// Whether this call has run for `most`, or the run has used up its own. To be asked on the thread that it runs on.
    fn is_over(&self, most: Duration) -> bool {
        let now = thread_time();
        let begun = self.0.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let running = now.saturating_sub(begun.err().unwrap_or(now));
        let call = Duration::from_nanos(self.0.call.load(Ordering::Relaxed) + running);
        call >= most || self.0.meter.is_over(running)
    }
}

/// What this thread has used of a processor since it was made, in nanoseconds; never zero.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64 + 1
}

/// A stretch of running, charged when dropped (also by a panic).
pub(super) struct Running<'a> {
    clock: &'a CpuClock,
    began: Option<Instant>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let CpuClock(clock) = self.clock;
        let ran = match (clock.since.swap(0, Ordering::Relaxed), self.began) {
            (0, Some(began)) => began.elapsed().min(TICK).as_nanos() as u64,
            (since, _) => thread_time().saturating_sub(since),
        };
        clock.call.fetch_add(ran, Ordering::Relaxed);
        clock.total.fetch_add(ran, Ordering::Relaxed);
        clock.meter.charge(ran);
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
        Ok(if clock.is_over(most) {
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
        Ok(if clock.is_over(most) { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
    });
}
