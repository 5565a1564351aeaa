//! Microsoft Entra ID as a source of people, as a WebAssembly component.

/// Generated from `wit/`.
#[allow(missing_docs, unreachable_pub, clippy::all, unsafe_code, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "plugin-bindings",
        pub_export_macro: true,
        additional_derives: [PartialEq, Eq, Clone],
    });
}
