//! The only network client of the program.
//!
//! [`Egress`] is a tenant's: dialler and connection pool. [`Door`] is a session's: it checks each request
//! against the grants, swaps placeholders, sends, and hands the reply back under limits. A request that is
//! refused never leaves; a redirect is handed to the guest and never followed.

mod body;
mod dial;
mod disguise;
mod door;
mod echo;
mod fault;
mod json_tokens;
mod limits;
mod pool;
mod reply;
mod request;
mod swap;
#[cfg(test)]
mod tests;
mod traffic;
mod tunnel;

pub use body::ReplyBody;
pub use dial::{Resolve, SystemResolver};
pub use door::Door;
pub(crate) use door::too_large;
pub use fault::{Fault, Refusal};
pub use limits::{EgressLimits, Wishes};
pub use pool::{Egress, EgressError, EgressOptions};
pub use traffic::{OriginTraffic, Traffic, TrafficBudget};
