//! The words of the people directory: target fields, outcomes, ids, and how values are compared.

mod clock;
mod fold;
mod ids;
mod outcome;
mod target;

pub use clock::{Clock, Millis};
pub use fold::fold_key;
pub use ids::{PersonUid, TenantId};
pub use outcome::{Outcome, UnknownOutcome};
pub use target::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, Filled, MANAGER, Target, Targets, ValueType};
