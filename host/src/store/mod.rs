//! The store: one SQLite file that holds people, links, the ledger and everything that is configured.
//! The only place that writes SQL.

mod apply;
mod catalog;
mod error;
pub mod fields;
mod functions;
mod keys;
mod known;
mod open;
mod people;
pub mod pins;
mod runs;
mod runs_read;
mod settle;
mod stage;
mod summary;

pub use apply::{Applied, Apply};
pub use catalog::{CredentialRow, IntegrationRow, Removed, Saved};
pub use error::StoreError;
pub use keys::KeyFields;
pub use known::{Candidate, Known, Unlisted};
pub use open::Store;
pub use people::{Account, Decided, LinkState, Question, StandingLock, StandingPin};
pub use people::{Census, ChangeRow, Found, Import, ImportRow, Imported, LinkRow, PeopleFilter, PersonRow};
pub use pins::{NewPin, fields_digest};
pub use runs::{Interrupted, NewRun, Planned, Progress, RunId};
pub use runs_read::{HoldGroup, HoldRow, RunRow};
pub use settle::{Claim, Flowing, HeldPart, KeyConflict, Mark, Rest};
pub use stage::{Counts, Deed, NewChange, StagedPage, StagedRow, Status};

/// What a call to the store gives.
pub type Result<T> = std::result::Result<T, StoreError>;
