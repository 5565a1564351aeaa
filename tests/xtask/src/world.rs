//! Holds the built component against the contract: its imports are the list of powers that it asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::DecodedWasm;

/// The whole list of imports that a plugin may have. The wasi:io and wasi:clocks ones are what wasi:http's
/// own types need.
const ALLOWED: [&str; 8] = [
    "userload:directory/log@0.2.0",
    "userload:directory/secrets@0.2.0",
    "userload:directory/types@0.2.0",
    "wasi:clocks/monotonic-clock@0.2.2",
    "wasi:http/outgoing-handler@0.2.2",
    "wasi:http/types@0.2.2",
    "wasi:io/error@0.2.2",
    "wasi:io/poll@0.2.2",
];
const ALLOWED_STREAMS: &str = "wasi:io/streams@0.2.2";

/// Fails unless the component fits world `plugin` and imports nothing beyond the list.
pub(crate) fn check(root: &Path, component: &[u8]) -> Result<()> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(root.join("wit")).context("reading `wit`")?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    wit_component::targets(&resolve, world, component, false)
        .context("the component does not fit world `plugin`")?;

    let DecodedWasm::Component(decoded, world) = wit_component::decode(component)? else {
        bail!("not a component");
    };
    let imports: BTreeSet<String> =
        decoded.worlds[world].imports.keys().map(|key| decoded.name_world_key(key)).collect();
    let foreign: Vec<&String> =
        imports.iter().filter(|name| !ALLOWED.contains(&name.as_str()) && *name != ALLOWED_STREAMS).collect();
    if !foreign.is_empty() {
        bail!("the component asks for more than the contract allows: {foreign:?}");
    }
    Ok(())
}
