//! Embeds the component. Building it is `cargo xtask build`: from here it would inherit this build's
//! compiler and flags.

use std::path::Path;

fn main() {
    // Asked for now and not when this was compiled: a copied target folder would embed its owner's component.
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let component = Path::new(&here).join("../target/component/userload-entra.wasm");
    println!("cargo::rerun-if-changed={}", component.display());
    if !component.exists() {
        println!("cargo::error=the component is not built yet: run `cargo xtask build`");
    }
    println!("cargo::rustc-env=USERLOAD_COMPONENT={}", component.display());
}
