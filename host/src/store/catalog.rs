//! What is configured: credentials and integrations.

mod credentials;
mod integrations;

pub use credentials::CredentialRow;
pub use integrations::{IntegrationRow, Saved};
