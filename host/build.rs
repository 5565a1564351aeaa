//! Embeds the component. Building it is `cargo xtask build`: from here it would inherit this build's
//! compiler and flags.

use std::path::Path;

fn main() {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/component/userload-entra.wasm");
    println!("cargo::rerun-if-changed={}", component.display());
    if !component.exists() {
        println!("cargo::error=the component is not built yet: run `cargo xtask build`");
    }
    println!("cargo::rustc-env=USERLOAD_COMPONENT={}", component.display());
}
