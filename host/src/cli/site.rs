//! The plugin of one call of the program, loaded when a command first needs it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::runtime::Runtime;

use super::trouble::Trouble;
use crate::capabilities::{Log, LogLimits, SecretSet};
use crate::config::SourceField;
use crate::engine::contract::Manifest;
use crate::engine::{Engine, EngineOptions, Meter, Plugin, Transformer};
use crate::sync::preflight::source_fields;

/// The built-in component, so that one file is the whole installation.
const BUILT_IN: &[u8] = include_bytes!(env!("USERLOAD_COMPONENT"));

/// A loaded plugin, and where its calls run.
pub(super) struct Site {
    /// The plugin.
    pub(super) plugin: Plugin,
    /// What it says of itself.
    pub(super) manifest: Manifest,
    /// Its fields, as documents name them.
    pub(super) fields: Vec<SourceField>,
    /// The file it came from; none = built in.
    pub(super) file: Option<PathBuf>,
    /// Bytes of the component.
    pub(super) size: usize,
    /// Where calls to the source run.
    pub(super) net: Runtime,
}

impl Site {
    /// Loads a component, the built-in one when no file is given; its compiled form is kept in the home.
    pub(super) fn load(home: &Path, file: Option<&Path>) -> Result<Self> {
        // A home that cannot be written to costs time, not the command.
        let cache_dir = home.is_dir().then(|| home.join("cache"));
        let engine = Engine::new(EngineOptions { cache_dir, ..EngineOptions::default() })?;
        let read;
        let bytes = match file {
            None => BUILT_IN,
            Some(file) => {
                read = std::fs::read(file).map_err(|error| {
                    Trouble::usage(format!("cannot read the plugin `{}`: {error}", file.display()))
                        .help("give the path of a component, or leave `--plugin` out for the built-in one")
                })?;
                &read
            }
        };
        let name =
            || file.map_or_else(|| "the built-in plugin".to_owned(), |it| format!("`{}`", it.display()));
        let plugin = Plugin::load(&engine, bytes).map_err(|error| {
            Trouble::usage(format!("{} cannot be used: {error}", name()))
                .help("`userload plugin inspect` without a file shows what a plugin is like")
        })?;
        let manifest = Transformer::new(&plugin, quiet()).describe().map_err(|error| {
            Trouble::failed(format!("{} could not say what it is: {error}", name()))
                .help("use another version of the plugin, or leave `--plugin` out for the built-in one")
        })?;
        let net = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting the network")?;
        Ok(Self {
            fields: source_fields(&manifest),
            manifest,
            file: file.map(Path::to_path_buf),
            size: bytes.len(),
            net,
            plugin,
        })
    }

    /// An instance for the pure stages of a run.
    pub(super) fn metered(&self, meter: Meter) -> Transformer {
        Transformer::metered(&self.plugin, quiet(), meter)
    }

    /// An instance for the pure stages.
    pub(super) fn transformer(&self) -> Transformer {
        Transformer::new(&self.plugin, quiet())
    }
}

fn quiet() -> Log {
    Log::new(LogLimits::default(), SecretSet::none())
}
