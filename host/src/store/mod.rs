//! The store: one SQLite file that holds people, links, the ledger and everything that is configured.
//! The only place that writes SQL.

mod apply;
mod catalog;
mod delta;
mod error;
pub mod fields;
mod flowing;
mod functions;
mod hand;
mod holding;
mod holds;
mod keys;
mod known;
mod manager_holds;
mod managers;
mod narrowing;
mod open;
mod people;
pub mod pins;
mod runs;
mod runs_read;
mod saas;
mod settle;
mod stage;
mod standing;
mod summary;
mod withdrawal;

pub use apply::{Applied, Apply, Scope};
pub use catalog::{CredentialRow, IntegrationRow, Removed, Saved};
pub use delta::{Base, DeltaState, Leaves};
pub use error::StoreError;
pub use flowing::Flowing;
pub use hand::{Edit, Edited, LockRow, Locking, Merging, PinRow, UndoOrder, Undone, Unpinning};
pub use holding::{AMBIGUOUS, Doubt, HeldPart, Rest, record_of};
pub use holds::{Closing, Held, OpenHold, Rejected};
pub use keys::KeyFields;
pub use known::{Candidate, Known, Unlisted};
pub use manager_holds::manager_change;
pub use managers::{MANAGER_CAUSES, Managed, ManagerChange, ManagerHold};
pub use narrowing::{EndedRow, Narrowed};
pub use open::Store;
pub use people::{Account, DecisionRow, LinkState, Question, StandingLock, StandingPin};
pub use people::{
    Census, ChangeRow, DocumentRow, Found, Import, ImportRow, Imported, LinkRow, PeopleFilter, PersonRow,
};
pub use pins::{NewPin, STATUS, WHOLE, fields_digest};
pub use runs::{Interrupted, NewRun, Planned, Progress, RunId};
pub use runs_read::{HoldGroup, HoldRow, RunRow};
pub use saas::{
    CatalogEntry, Idle, KnownSaas, NewSaas, SAAS_LEAVING, SaasApplication, SaasCandidate, SaasFeed, SaasLine,
    SaasOutcome, SaasPinned, SaasPins, SaasUserRow,
};
pub use settle::{Claim, KeyConflict, Mark};
pub use stage::{Counts, Deed, NewChange, StagedPage, StagedRow, Status};
pub use standing::{Choice, Pin, Standing};

/// What a call to the store gives.
pub type Result<T> = std::result::Result<T, StoreError>;
