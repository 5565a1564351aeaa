//! The store: one SQLite file that holds people, links, the ledger and everything that is configured.
//! The only place that writes SQL.

mod catalog;
mod error;
pub mod fields;
mod functions;
mod known;
mod open;
mod people;
mod runs_read;

pub use catalog::{CredentialRow, IntegrationRow, Saved};
pub use error::StoreError;
pub use known::{Candidate, Known, Unlisted};
pub use open::Store;
pub use people::{Census, ChangeRow, Found, Import, ImportRow, Imported, LinkRow, PeopleFilter, PersonRow};
pub use runs_read::{HoldGroup, HoldRow, RunRow};

/// What a call to the store gives.
pub type Result<T> = std::result::Result<T, StoreError>;
