//! Guests that misbehave, written as core WebAssembly text and made into components.

mod corners;
mod guest;
mod hostile;
mod load;
mod real;
#[path = "../../../tests/support/recording_memories.rs"]
mod recording_memories;
mod session;

use super::*;
use crate::capabilities::{
    Egress, EgressLimits, EgressOptions, Grant, Grants, Log, LogLimits, Origin, RunBudget, SecretSet,
    TrafficBudget,
};
use contract::Source;
use guest::Guest;
use std::sync::Arc;
use std::time::Duration;

/// Limits that a test can wait for.
fn options() -> EngineOptions {
    let limits =
        Limits { cpu: Duration::from_millis(200), wall: Duration::from_secs(20), ..Limits::connector() };
    EngineOptions { connector: limits, transform: limits, instances: 8, ..EngineOptions::default() }
}

fn load(guest: &Guest) -> Plugin {
    load_with(options(), guest)
}

fn load_with(options: EngineOptions, guest: &Guest) -> Plugin {
    Plugin::load(&Engine::new(options).unwrap(), &guest.component()).unwrap()
}

fn log() -> Log {
    Log::new(LogLimits::default(), SecretSet::none())
}

fn capabilities(grants: Grants, secrets: SecretSet) -> ConnectorCapabilities {
    let second = Duration::from_secs(5);
    let limits = EgressLimits { connect: second, first_byte: second, ..EgressLimits::default() };
    let egress = Egress::new(EgressOptions { limits, ..EgressOptions::default() }).unwrap();
    let log = Log::new(LogLimits::default(), secrets.clone());
    ConnectorCapabilities {
        grants,
        secrets,
        egress: Arc::new(egress),
        budget: TrafficBudget::default(),
        meter: Meter::default(),
        log,
    }
}

/// A session without network and secrets.
fn connector(plugin: &Plugin) -> Connector {
    Connector::new(plugin, capabilities(Grants::default(), SecretSet::none()))
}

fn granted(origin: &Origin) -> Grants {
    Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)])
}

fn source() -> Source {
    Source { settings: Vec::new(), filter: None, select: Vec::new(), page_size: 1, delta: false }
}
