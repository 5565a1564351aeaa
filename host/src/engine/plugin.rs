//! A plugin: checked, compiled, ready to be instantiated.

use super::bindings::{PluginBindingsPre, userload::directory as own};
use super::cache::{Entry, Key};
use super::connector::State;
use super::error::LoadError;
use super::runtime::Engine;
use super::surface;
use super::transformer::PureState;
use crate::capabilities::{Log, SecretSet};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use wasmtime::component::{Component, HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::clocks::WasiClocks;
use wasmtime_wasi::p2::bindings::{clocks, io};

/// A component that fits the contract. Clones share it.
#[derive(Clone)]
pub struct Plugin(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) connector: PluginBindingsPre<State>,
    pub(super) transform: PluginBindingsPre<PureState>,
    asks: Asks,
    cached: bool,
}

/// What a component is and asks for, as its own bytes say it: for `plugin inspect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asks {
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// The version of the contract that it speaks.
    pub contract: String,
    /// Every interface that it imports: its whole list of powers.
    pub imports: Vec<String>,
    /// Every interface that it exports.
    pub exports: Vec<String>,
}

impl Plugin {
    /// Checks and compiles a component. Takes a fraction of a second when it is not in the cache, and what the compiler's
    /// limits allow at the most: call it where blocking is allowed.
    pub fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        let limit = engine.options.plugin_bytes;
        if bytes.len() > limit {
            return Err(LoadError::TooLarge { bytes: bytes.len(), limit });
        }
        recognise(bytes)?;
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Key::new(&digest, &engine.inner);
        let entry = engine.options.cache_dir.as_deref().map(|dir| Entry::new(dir, key.clone()));
        let found = entry.as_ref().and_then(|entry| entry.load(&engine.inner));
        let cached = found.is_some();
        let component = match found {
            Some(component) => component,
            None => engine.options.compiler.compile(&engine.inner, &key, bytes)?,
        };
        let names = component.component_type();
        let imports: Vec<String> = names.imports(&engine.inner).map(|(name, _)| name.to_owned()).collect();
        let exports: Vec<String> = names.exports(&engine.inner).map(|(name, _)| name.to_owned()).collect();
        let contract = surface::check(&imports, &exports)?;
        let types = |error: wasmtime::Error| LoadError::Types {
            version: contract.clone(),
            why: format!("{error:#}"),
        };
        let connector = link_all(engine, &component).map_err(types)?;
        let transform = link_pure(engine, &component).map_err(types)?;
        // Only what passed every check is worth keeping.
        if let Some(entry) = entry.filter(|_| !cached) {
            entry.store(&component);
        }
        let asks = Asks { digest, contract, imports, exports };
        Ok(Self(Arc::new(Inner { engine: engine.clone(), connector, transform, asks, cached })))
    }

    /// What it is and asks for.
    pub fn asks(&self) -> &Asks {
        &self.0.asks
    }

    /// SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.asks.digest
    }

    /// Whether the compiled form came from the cache.
    pub fn from_cache(&self) -> bool {
        self.0.cached
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugin").field(&self.0.asks).finish()
    }
}

/// Clear words for what is not a component; the compiler's own are about byte offsets.
fn recognise(bytes: &[u8]) -> Result<(), LoadError> {
    let what = match bytes {
        [] => "an empty file",
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core module",
        [0, b'a', b's', b'm', ..] => "WebAssembly of another version",
        [0x7f, b'E', b'L', b'F', ..] if wasmtime::Engine::detect_precompiled(bytes).is_some() => {
            "compiled code (`.cwasm`), which is never loaded"
        }
        [0x7f, b'E', b'L', b'F', ..] => "a native program",
        bytes if bytes.trim_ascii_start().starts_with(b"(") => "text",
        _ => "something else",
    };
    Err(LoadError::NotAComponent { what })
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// World `plugin`, interface by interface: what is not here does not exist for a guest.
fn link_all(engine: &Engine, component: &Component) -> wasmtime::Result<PluginBindingsPre<State>> {
    let mut linker = Linker::<State>::new(&engine.inner);
    let l = &mut linker;
    own::secrets::add_to_linker::<_, HasSelf<SecretSet>>(l, |state| &mut state.secrets)?;
    own::log::add_to_linker::<_, HasSelf<Log>>(l, |state| &mut state.log)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    io::error::add_to_linker::<_, HasTable>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<_, HasTable>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<_, HasTable>(l, |state| &mut state.table)?;
    clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, State::clocks)?;
    PluginBindingsPre::new(linker.instantiate_pre(component)?)
}

/// World `pure`: the log. Everything else that the component names is a trap.
fn link_pure(engine: &Engine, component: &Component) -> wasmtime::Result<PluginBindingsPre<PureState>> {
    let mut linker = Linker::<PureState>::new(&engine.inner);
    own::log::add_to_linker::<_, HasSelf<Log>>(&mut linker, |state| &mut state.log)?;
    linker.define_unknown_imports_as_traps(component)?;
    PluginBindingsPre::new(linker.instantiate_pre(component)?)
}
