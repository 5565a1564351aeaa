//! SCIM 2.0 as a source of people (RFC 7643, RFC 7644): a second plugin of the contract in `wit/`, and an example to
//! copy. `plugin/README.md` walks through it.
//!
//! Read in this order: `manifest` (what it is, takes and asks for), `fetch` (one page of users), `confirm` (who is
//! still there), `ask` (a request with the bearer token, an answer that was not success), `glue` (the exports).
//! Mapping and reconciling do not depend on the source: they come from `userload_plugin`.
//!
//! Invariants, each with a test: a user's record stays byte for byte what the service sent; a listing ends with
//! an empty page and nothing else, because services count wrongly; a 404 without a SCIM error in it proves
//! nothing.

mod ask;
mod confirm;
mod fetch;
mod glue;
mod manifest;
mod settings;

#[cfg(test)]
mod testing;

pub use confirm::confirm_absent;
pub use fetch::{count_users, fetch_users, identify};
pub use manifest::{BEARER_TOKEN, check_filter, describe};
pub use settings::complete_settings;

/// The flag by which SCIM says whether a user may sign in (RFC 7643, 4.1.1).
pub const ENABLED: &str = "active";
