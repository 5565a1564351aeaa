//! The plugin of one call of the program, loaded when a command first needs it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::trouble::Trouble;
use crate::capabilities::{Log, LogLimits, SecretSet};
use crate::config::{PluginPin, SourceField};
use crate::engine::contract::Manifest;
use crate::engine::{
    ChildCompiler, CompileLimits, Compiler, Engine, EngineOptions, LoadError, Meter, Plugin, Transformer,
};
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

/// The plugins of one call of the program: most need one, a board of all integrations may need several.
#[derive(Default)]
pub(super) struct Sites(OnceCell<Box<Loaded>>);

struct Loaded {
    pin: Option<PluginPin>,
    site: Site,
    rest: Sites,
}

impl Sites {
    /// The plugin of this pin, loaded when it was not yet.
    pub(super) fn get(&self, pin: Option<&PluginPin>, load: impl FnOnce() -> Result<Site>) -> Result<&Site> {
        let mut at = self;
        while let Some(loaded) = at.0.get() {
            if loaded.pin.as_ref() == pin {
                return Ok(&loaded.site);
            }
            at = &loaded.rest;
        }
        let loaded = Box::new(Loaded { pin: pin.cloned(), site: load()?, rest: Self::default() });
        Ok(&at.0.get_or_init(|| loaded).site)
    }
}

impl Site {
    /// Loads a pinned component: its digest is compared before anything of it is read.
    pub(super) fn load_pinned(home: &Path, pin: &PluginPin) -> Result<Self> {
        let file = home.join(&pin.file);
        // Read once: what is compared is what is compiled.
        let bytes = read_pinned(&file)?;
        let found = digest(&bytes);
        if found != pin.sha256 {
            return Err(Trouble::usage(format!(
                "the plugin `{}` is not the one that is pinned: expected {}, found {found}",
                pin.file.display(),
                pin.sha256
            ))
            .help("`userload plugin inspect FILE` shows what it is now; when it is meant, pin its digest in the document")
            .into());
        }
        Self::load_bytes(home, Some(&file), &bytes)
    }

    /// Loads a component, the built-in one when no file is given; its compiled form is kept in the home.
    pub(super) fn load(home: &Path, file: Option<&Path>) -> Result<Self> {
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
        Self::load_bytes(home, file, bytes)
    }

    /// Loads a component from what was read of `file`; none = the built-in one.
    fn load_bytes(home: &Path, file: Option<&Path>, bytes: &[u8]) -> Result<Self> {
        // A home that cannot be written to costs time, not the command.
        let cache_dir = home.is_dir().then(|| home.join("cache"));
        // The built-in one is as trusted as this program is.
        let compiler = file.map_or(Ok(Compiler::InProcess), |_| child_compiler())?;
        let engine = Engine::new(EngineOptions { cache_dir, compiler, ..EngineOptions::default() })?;
        let name =
            || file.map_or_else(|| "the built-in plugin".to_owned(), |it| format!("`{}`", it.display()));
        let plugin = Plugin::load(&engine, bytes).map_err(|error| {
            Trouble::usage(format!("{} cannot be used: {error}", name())).help(match error {
                LoadError::CompileLimit(_) => "ask its maker for a smaller build; nothing of this one was kept, and without `--plugin`, or `plugin` in the document, the built-in one is used",
                LoadError::Compiler(_) => "try again; when it stays so, `userload plugin inspect` without a file shows whether the built-in one works here",
                _ => "`userload plugin inspect` without a file shows what a plugin is like",
            })
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

/// This program itself, as `userload plugin compile`.
fn child_compiler() -> Result<Compiler> {
    // The running one, also when another version has been installed over it meanwhile.
    let running = Path::new("/proc/self/exe");
    let program = if running.exists() {
        running.to_owned()
    } else {
        std::env::current_exe().context("looking for this program's own file")?
    };
    let arguments = ["plugin", "compile", "--home", "/"].map(Into::into).to_vec();
    Ok(Compiler::Child(ChildCompiler { program, arguments, limits: CompileLimits::default() }))
}

/// SHA-256 of what lies where a pin points, in hexadecimal.
pub(super) fn digest_of(home: &Path, pin: &PluginPin) -> Result<String> {
    Ok(digest(&read_pinned(&home.join(&pin.file))?))
}

fn read_pinned(file: &Path) -> Result<Vec<u8>> {
    Ok(std::fs::read(file).map_err(|error| {
        Trouble::usage(format!("cannot read the plugin `{}`: {error}", file.display())).help(
            "put the file there, or another `plugin` into the document; a relative file begins at the home",
        )
    })?)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn quiet() -> Log {
    Log::new(LogLimits::default(), SecretSet::none())
}
