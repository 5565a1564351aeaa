//! The plugin of an integration, when it is not the built-in one: a file, pinned by its digest.

use std::path::PathBuf;

use toml::de::DeTable;

use super::keys::{Keys, wrong_type};
use super::problem::Problems;

/// A component, and the one digest that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginPin {
    /// The file; a relative one begins at the home folder.
    pub file: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal, lower case.
    pub sha256: String,
}

/// The key `plugin`.
pub(super) fn read(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Option<PluginPin> {
    const EXAMPLE: &str = "{ file = \"other.wasm\", sha256 = \"…\" }";
    let value = keys.get("plugin")?;
    let how = "`userload plugin inspect FILE` shows the digest";
    if let Some(file) = value.get_ref().as_str() {
        let line = format!("plugin = {{ file = \"{}\", sha256 = \"…\" }}", file.escape_debug());
        problems.add_with_help(
            value.span(),
            "`plugin` is a file without a digest: whatever lies there would run",
            format!("write `{line}`; {how}"),
        );
        return None;
    }
    let Some(table) = value.get_ref().as_table() else {
        wrong_type(value, "plugin", &format!("a table such as `{EXAMPLE}`"), problems);
        return None;
    };
    let mut keys = Keys::new(table);
    let file = keys.text("file", problems);
    let digest = keys.text("sha256", problems);
    keys.finish(" in `plugin`", problems);
    for key in ["file", "sha256"] {
        if table.get(key).is_none() {
            problems.add_with_help(
                value.span(),
                format!("`plugin` without `{key}`, expected `{EXAMPLE}`"),
                how,
            );
        }
    }
    let (sha256, span) = digest?;
    let sha256 = sha256.to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let what = format!("`sha256` is `{sha256}`, expected 64 hexadecimal digits");
        problems.add_with_help(span, what, how);
        return None;
    }
    Some(PluginPin { file: file?.0.into(), sha256 })
}

/// The plugin that a document names, before anything else of it is read: what its fields are is the plugin's to
/// say. None for the built-in one, and for a document that cannot be read.
#[must_use]
pub fn plugin_of(document: &str) -> Option<PluginPin> {
    let (table, _) = DeTable::parse_recoverable(document);
    read(&mut Keys::new(table.get_ref()), &mut Problems::new(document))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{parse, seed_fields};
    use crate::model::Targets;

    fn problem(line: &str) -> String {
        let text = format!("name = \"a\"\ncredential = \"c\"\n{line}");
        parse("a.toml", &text, &seed_fields(), &Targets::built_in()).unwrap_err().to_string()
    }

    #[test]
    fn a_plugin_is_pinned_or_refused() {
        let digest = "AB".repeat(32);
        let pin = plugin_of(&format!("plugin = {{ file = \"x.wasm\", sha256 = \"{digest}\" }}")).unwrap();
        assert_eq!((pin.file, pin.sha256), ("x.wasm".into(), digest.to_lowercase()));
        assert_eq!(plugin_of("name = \"a\""), None);
        assert_eq!(plugin_of("plugin = "), None);
        assert!(problem("plugin = \"x.wasm\"").contains("without a digest"));
        assert!(problem("plugin = { file = \"x.wasm\" }").contains("without `sha256`"));
        assert!(problem("plugin = { file = \"x.wasm\", sha256 = \"12\" }").contains("64 hexadecimal digits"));
        assert!(problem("plugin = 1").contains("a table"));
        assert!(problem("plugin = { file = \"x\", sha25 = \"y\" }").contains("unknown key `sha25`"));
    }
}
