//! Builds the component: the plugin as a core module, then as a component with the contract's worlds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::toolchain::Toolchain;

/// Where the component is put; `host/build.rs` embeds it from here.
pub(crate) fn path(root: &Path) -> PathBuf {
    root.join("target/component/userload-entra.wasm")
}

/// Builds the component if anything changed, holds it against its world, and returns its path.
///
/// The file is written only when its bytes differ, so that nothing behind it rebuilds for nothing.
pub(crate) fn build(root: &Path, toolchain: Toolchain) -> Result<PathBuf> {
    let target_dir = root.join("target").join(format!("plugin-{}", toolchain.name()));
    let status = toolchain
        .cargo(root)?
        .args(["--package", "userload-plugin", "--profile", "plugin", "--locked", "--quiet"])
        .arg("--target-dir")
        .arg(&target_dir)
        .status()
        .context("running cargo for the plugin")?;
    if !status.success() {
        bail!("the plugin did not build ({status})");
    }
    let core = fs::read(target_dir.join("wasm32-unknown-unknown/plugin/userload_plugin.wasm"))?;
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .context("the core module does not carry the contract")?
        .encode()
        .context("the core module does not make a component")?;
    crate::world::check(root, &component)?;
    let path = path(root);
    fs::create_dir_all(path.parent().context("no folder")?)?;
    if fs::read(&path).ok().as_deref() != Some(&component) {
        fs::write(&path, &component)?;
        crate::say(&format!("component: {} bytes, sha256 {}", component.len(), digest(&component)));
    }
    Ok(path)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
