//! Microsoft Entra ID as a source of people: a WebAssembly component, and the same code as a library.
//!
//! Read in this order:
//!
//! 1. `glue`: the exported functions, each one line of work.
//! 2. `fetch`: one page of users, from the URL to the cursor that follows; `confirm`, `identify`, `saas`
//!    and `managers` are its smaller siblings, and `session` is how all of them ask Graph.
//! 3. `graph`: what Graph's URLs, filters, pages and errors look like.
//! 4. `map` and `reconcile`: the pure half. Same input, same output; they call no import.
//!
//! Invariants, each with a test: nothing but `transport` and `host_imports` calls an import
//! (`architecture`); a secret's placeholder stands in its form field and nowhere else (`oauth`); a value of
//! a user is copied, never parsed into a number (`map`, `architecture`); nobody is deactivated without
//! evidence, and no barred field is written (`reconcile`).

mod confirm;
mod cursor;
mod delta;
mod error;
mod fetch;
mod glue;
mod graph;
mod host_imports;
mod identify;
mod inspect;
mod json;
mod managers;
mod manifest;
mod map;
mod oauth;
mod origin;
mod pages;
mod reconcile;
mod saas;
mod same;
mod session;
mod settings;
mod time;
mod transport;

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod testing;

pub use confirm::confirm_absent;
pub use delta::begin_delta;
pub use fetch::{count_users, fetch_users};
pub use graph::filter::check_filter;
pub use host_imports::Outside;
pub use identify::identify;
pub use inspect::inspect_credential;
pub use managers::fetch_managers;
pub use manifest::describe;
pub use map::{examine_mapping, examine_mapping_of, map_record, map_record_of, map_records, map_records_of};
pub use oauth::Tokens;
pub use pages::credential_pages;
pub use reconcile::reconcile;
pub use saas::{fetch_saas_roles, fetch_saas_users};
pub use settings::complete_settings;
pub use transport::{Method, Request, Response, Transport, TransportError};

/// What every plugin in Rust can use, whatever its source: the host's imports behind traits, JSON that stays the
/// source's own bytes, the contract's errors. `plugin/scim` is a plugin made of it, with [`map_record_of`],
/// [`examine_mapping_of`] and [`reconcile`](crate::reconcile()) for its pure half.
pub mod kit {
    pub use crate::error::{malformed, problem, upstream};
    pub use crate::graph::fault::retry_after;
    #[cfg(target_arch = "wasm32")]
    pub use crate::host_imports::wasi::{Host, log_panics};
    pub use crate::json::{Entries, decode, in_words, items, shorten};
    pub use crate::origin::split as split_origin;
}

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
