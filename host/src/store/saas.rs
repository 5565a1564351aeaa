//! SaaS applications and their users: configured (`applications`), staged (`stage`), judged (`judge`), kept as they are
//! after an undo (`pins`), applied (`apply`),
//! read (`read`).

mod applications;
mod apply;
mod judge;
pub(super) mod pins;
mod read;
mod stage;

pub use applications::{CatalogEntry, SaasApplication, SaasFeed};
pub(super) use apply::apply;
pub use judge::SAAS_LEAVING;
pub use pins::{SaasPinned, SaasPins};
pub use read::{Idle, SaasLine, SaasUserRow};
pub use stage::{KnownSaas, NewSaas, SaasCandidate, SaasOutcome};
