//! What is configured: credentials, integrations, fields.

mod credentials;
mod fields;
mod integrations;

pub use credentials::CredentialRow;
pub use fields::Removed;
pub(super) use fields::targets;
pub use integrations::{IntegrationRow, Saved};
