//! The running simulator: a thread, a socket, and what they share with the test.

mod answer;
mod body;
mod cache;
mod hosts;
mod journal;
mod serve;
mod shared;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::faults::Schedule;
use crate::graph::Throttle;
use crate::world::World;
pub use journal::{Exchange, ExchangePart};
use shared::{Shared, locked};

/// How the server behaves when nothing goes wrong.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// https with a certificate of the simulator's own authority, for `localhost` and 127.0.0.1.
    pub tls: bool,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Waiting before every answer.
    pub latency: Duration,
    /// How long a page token may be used after it was issued; `None` is for ever. Real ones last
    /// for minutes, nobody knows how many.
    pub page_lifetime: Option<Duration>,
    /// Lifetime of access tokens in seconds; Microsoft's usual one is 3599.
    pub token_lifetime: u64,
    /// Throttling by resource units; `None` never throttles.
    pub throttle: Option<Throttle>,
    /// For benchmarks: pages are remembered as bytes until the world moves, nothing is
    /// compressed. Has no effect on pages whose tokens age.
    pub fast: bool,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            tls: false,
            port: 0,
            latency: Duration::ZERO,
            page_lifetime: None,
            token_lifetime: 3599,
            throttle: None,
            fast: false,
        }
    }
}

/// A running simulator. Dropping it ends all connections and stops it.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// Starts a simulator of this world.
    ///
    /// # Errors
    /// When the port is taken, or the machine has no threads or keys to give.
    pub fn start(config: SimConfig, world: World) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("graph-sim")
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", config.port)))
            .with_context(|| format!("cannot listen on port {}", config.port))?;
        let address = listener.local_addr()?;
        let port = address.port();
        let (origin, tls) = if config.tls {
            (format!("https://localhost:{port}"), Some(tls::make()?))
        } else {
            (format!("http://127.0.0.1:{port}"), None)
        };
        let (ca_pem, acceptor) = tls.map_or((None, None), |tls| (Some(tls.ca_pem), Some(tls.acceptor)));
        let shared = Arc::new(Shared::new(config, origin, world));
        let (stop, stopped) = oneshot::channel();
        let accepting = serve::accept(Arc::clone(&shared), listener, acceptor);
        let thread = std::thread::Builder::new().name("graph-sim".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accepting => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(2));
        })?;
        Ok(Self { shared, address, ca_pem, stop: Some(stop), thread: Some(thread) })
    }

    /// Scheme, host and port of both the login host and Graph: `http://127.0.0.1:PORT` or
    /// `https://localhost:PORT`.
    pub fn origin(&self) -> String {
        self.shared.origin.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that a client must trust, as PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Moves the world and begins a new epoch.
    pub fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        self.shared.change(change)
    }

    /// Looks at the world.
    pub fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.shared.read_world())
    }

    /// How often the world has moved.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    /// Begins a schedule of faults; the counters of the last one are forgotten.
    pub fn set_faults(&self, schedule: Schedule) {
        locked(&self.shared.faults).set(schedule);
    }

    /// For benchmarks in the fast mode: makes all pages of a listing of users now, for the
    /// permissions of the first app, so that serving them costs nothing. `target` is path and
    /// query of the first page to the letter; `consistency` the value of `ConsistencyLevel`.
    /// Gives the number of pages.
    ///
    /// # Errors
    /// When the mode is not fast, or Graph would refuse the listing.
    pub fn warm_up(&self, target: &str, consistency: Option<&str>) -> anyhow::Result<usize> {
        self.shared.warm_up(target, consistency)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.set_faults(Schedule::none());
    }

    /// The rules that fired less often than their `min-fires`: a test that ends with some has not
    /// tested what it meant to.
    pub fn unfired(&self) -> Vec<String> {
        locked(&self.shared.faults).unfired()
    }

    /// What was asked and answered, in the order in which the questions came.
    pub fn journal(&self) -> Vec<Exchange> {
        locked(&self.shared.journal).entries()
    }

    /// Forgets what was asked.
    pub fn clear_journal(&self) {
        locked(&self.shared.journal).clear();
    }

    /// All access tokens ever issued, so that a test can look for leaks.
    pub fn issued_tokens(&self) -> Vec<String> {
        locked(&self.shared.tokens).issued()
    }

    /// All client assertions whose signature was good, so that a test can look for leaks.
    pub fn assertions(&self) -> Vec<String> {
        locked(&self.shared.tokens).assertions()
    }

    /// Makes all tokens worthless; Graph answers 401 to them from now on.
    pub fn revoke_tokens(&self) {
        locked(&self.shared.tokens).revoke_all();
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
