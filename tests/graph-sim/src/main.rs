//! The simulator as a program, for demonstrations and benchmarks: prints where it listens and
//! what to log in with, then serves until its standard input closes or it is told to end.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, Schedule, Sim, SimConfig, Throttle, World};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A made-up tenant of Microsoft Entra ID on 127.0.0.1, as unkind as the real one.
#[derive(Parser)]
struct Arguments {
    /// How many people there are.
    #[arg(long, default_value_t = 2000)]
    people: usize,
    /// Which people there are: the same seed makes the same people.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve https with a certificate of its own authority.
    #[arg(long)]
    tls: bool,
    /// Where to write the authority's certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
    /// What goes wrong, as TOML.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Waiting before every answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// How long page tokens live, in milliseconds; for ever if not given.
    #[arg(long)]
    page_lifetime_ms: Option<u64>,
    /// Lifetime of access tokens, in seconds.
    #[arg(long, default_value_t = 3599)]
    token_lifetime: u64,
    /// Throttle as Microsoft does for a tenant of this size.
    #[arg(long)]
    throttle: bool,
    /// Grant one more application permission, such as `AuditLog.Read.All`.
    #[arg(long, value_name = "PERMISSION")]
    grant: Vec<String>,
    /// For benchmarks: remember pages as bytes.
    #[arg(long)]
    fast: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let schedule = match &arguments.faults {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Schedule::parse(&text).with_context(|| format!("in `{}`", path.display()))?
        }
        None => Schedule::none(),
    };
    let mut world = World::contoso(arguments.seed, arguments.people);
    for permission in &arguments.grant {
        world.grant(permission);
    }
    let tenant = world.tenant_id.clone();
    let config = SimConfig {
        tls: arguments.tls,
        port: arguments.port,
        latency: Duration::from_millis(arguments.latency_ms),
        page_lifetime: arguments.page_lifetime_ms.map(Duration::from_millis),
        token_lifetime: arguments.token_lifetime,
        throttle: arguments.throttle.then(|| Throttle::for_tenant_of(arguments.people)),
        fast: arguments.fast,
    };
    let sim = Sim::start(config, world)?;
    sim.set_faults(schedule);

    let mut line = format!(
        "origin={} tenant={tenant} client-id={DEFAULT_CLIENT_ID} client-secret={DEFAULT_SECRET}",
        sim.origin()
    );
    if let (Some(path), Some(pem)) = (&arguments.ca_out, sim.ca_pem()) {
        std::fs::write(path, pem).with_context(|| format!("cannot write `{}`", path.display()))?;
        line.push_str(&format!(" ca={}", path.display()));
    }
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    wait_for_the_end()
}

/// Waits until standard input closes, or SIGTERM or SIGINT comes.
fn wait_for_the_end() -> anyhow::Result<()> {
    let (closed, input) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while matches!(std::io::stdin().read(&mut buffer), Ok(read) if read > 0) {}
        let _ = closed.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = input => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
