//! SaaS applications and their users: configured (`applications`), staged and applied (`stage`), read (`read`).

mod applications;
mod read;
mod stage;

pub use applications::{CatalogEntry, SaasApplication, SaasFeed};
pub use read::{Idle, SaasLine, SaasUserRow};
pub(super) use stage::apply;
pub use stage::{KnownSaas, NewSaas, SaasCandidate, SaasOutcome};
