//! Credentials: settings in clear, secrets sealed. A secret is in clear only in a [`SecretText`], between
//! the key and the egress door.

mod about;
mod key;
pub mod keyring;
mod machine;
mod outside;
mod seal;
mod secret;

use std::collections::BTreeMap;

pub use about::{
    AUTHENTICATION, About, CERTIFICATE, CertificateAbout, End, EndKnownFrom, FEDERATED_TOKEN, Kept,
    NextSecret, permissions_in,
};
pub use key::{Key, KeyError, KeySource};
pub(crate) use key::{make_private_folder, new_private_file};
pub use keyring::KeyringError;
pub use machine::this_machine;
pub use outside::{OutsideError, federated_token, kept_outside};
pub use seal::{SealError, open, seal};
pub use secret::SecretText;

/// The name of the secret that the built-in plugin asks for when nothing else is said.
pub const CLIENT_SECRET: &str = "client-secret";

/// The name of the one that takes over when that is refused.
pub const NEXT_CLIENT_SECRET: &str = "next-client-secret";

/// What opens one source.
#[derive(Debug)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// `domain`, `login`, `tenant`, `client-id`, `scopes`; those that were given.
    pub settings: BTreeMap<String, String>,
    /// Secrets, by the names that the plugin's manifest gives them.
    pub secrets: BTreeMap<String, SecretText>,
}
