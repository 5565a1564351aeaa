//! What all stories of a process share: the engine, the compiled plugin, the network.

use std::path::Path;
use std::sync::OnceLock;

use tokio::runtime::Runtime;
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::config::SourceField;
use userload::engine::contract::Manifest;
use userload::engine::{Engine, EngineOptions, Plugin, Transformer};
use userload::sync::preflight;

/// The component as `cargo xtask build` leaves it.
const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm");

/// Where compiled plugins are kept between runs of the suites.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/story-cache");

struct Workshop {
    plugin: Plugin,
    manifest: Manifest,
    fields: Vec<SourceField>,
    net: Runtime,
}

fn workshop() -> &'static Workshop {
    static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
    WORKSHOP.get_or_init(|| {
        let options =
            EngineOptions { cache_dir: Some(CACHE.into()), instances: 64, ..EngineOptions::default() };
        let engine = Engine::new(options).expect("an engine");
        let bytes = std::fs::read(Path::new(COMPONENT))
            .unwrap_or_else(|error| panic!("{COMPONENT}: {error}; `cargo xtask build` makes it"));
        let plugin = Plugin::load(&engine, &bytes).expect("the component");
        let manifest = Transformer::new(&plugin, log()).describe().expect("its manifest");
        let fields = preflight::source_fields(&manifest);
        let net = Runtime::new().expect("threads");
        Workshop { plugin, manifest, fields, net }
    })
}

fn log() -> Log {
    Log::new(LogLimits::default(), SecretSet::none())
}

/// The component, compiled once.
pub fn plugin() -> &'static Plugin {
    &workshop().plugin
}

/// What it says of itself.
pub(crate) fn manifest() -> &'static Manifest {
    &workshop().manifest
}

/// The fields that it knows.
pub fn fields() -> &'static [SourceField] {
    &workshop().fields
}

/// Where calls to the source run.
pub fn net() -> &'static Runtime {
    &workshop().net
}

/// An instance for the pure stages.
pub fn transformer() -> Transformer {
    Transformer::new(plugin(), log())
}
