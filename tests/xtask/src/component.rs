//! Builds the components: each plugin as a core module, then as a component with the contract's worlds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::toolchain::Toolchain;

/// A plugin of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plugin {
    /// Its package.
    package: &'static str,
    /// The component's file under `target/component`; `host/build.rs` embeds the first one.
    file: &'static str,
}

/// All of them.
pub(crate) const PLUGINS: [Plugin; 2] = [
    Plugin { package: "userload-plugin", file: "userload-entra.wasm" },
    Plugin { package: "userload-scim", file: "userload-scim.wasm" },
];

impl Plugin {
    /// Where the component is put.
    pub(crate) fn path(self, root: &Path) -> PathBuf {
        root.join("target/component").join(self.file)
    }
}

/// Builds the components if anything changed and holds them against their world.
///
/// A file is written only when its bytes differ, so that nothing behind it rebuilds for nothing.
pub(crate) fn build(root: &Path, toolchain: Toolchain) -> Result<()> {
    let target_dir = root.join("target").join(format!("plugin-{}", toolchain.name()));
    for plugin in PLUGINS {
        let component = make(root, toolchain, plugin, &target_dir)?;
        crate::world::check(root, &component).with_context(|| format!("`{}`", plugin.file))?;
        let path = plugin.path(root);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        if fs::read(&path).ok().as_deref() != Some(&component) {
            fs::write(&path, &component)?;
            let digest = digest(&component);
            crate::say(&format!("{}: {} bytes, sha256 {digest}", plugin.file, component.len()));
        }
    }
    Ok(())
}

/// The bytes of one component. One call of cargo for each: together, the one would get the other's features.
pub(crate) fn make(root: &Path, toolchain: Toolchain, plugin: Plugin, target_dir: &Path) -> Result<Vec<u8>> {
    let status = toolchain
        .cargo(root)?
        .args(["--package", plugin.package, "--profile", "plugin", "--locked", "--quiet"])
        .arg("--target-dir")
        .arg(target_dir)
        .status()
        .context("running cargo for the plugin")?;
    if !status.success() {
        bail!("the plugin `{}` did not build ({status})", plugin.package);
    }
    let core = format!("wasm32-unknown-unknown/plugin/{}.wasm", plugin.package.replace('-', "_"));
    let core = fs::read(target_dir.join(core))?;
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .context("the core module does not carry the contract")?
        .encode()
        .context("the core module does not make a component")
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
