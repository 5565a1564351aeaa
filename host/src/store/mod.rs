//! The store: one SQLite file that holds people, links, the ledger and everything that is configured.
//! The only place that writes SQL.

mod error;
pub mod fields;
mod functions;
mod open;

pub use error::StoreError;
pub use open::Store;

/// What a call to the store gives.
pub type Result<T> = std::result::Result<T, StoreError>;
