//! SaaS applications and their users: configured (`applications`), staged (`stage`), judged (`judge`), applied (`apply`),
//! read (`read`).

mod applications;
mod apply;
mod judge;
mod read;
mod stage;

pub use applications::{CatalogEntry, SaasApplication, SaasFeed};
pub(super) use apply::apply;
pub use judge::SAAS_LEAVING;
pub use read::{Idle, SaasLine, SaasUserRow};
pub use stage::{KnownSaas, NewSaas, SaasCandidate, SaasOutcome};
