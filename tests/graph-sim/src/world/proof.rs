//! How an application may prove itself beside its secret.

use ring::digest::{SHA256, digest};

use crate::base64;

/// A certificate that was uploaded to the app registration.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Its SHA-256 in base64url, as `x5t#S256` names it.
    pub thumbprint: String,
    /// Its public key: PKCS #1 `RSAPublicKey`, in DER.
    pub public_key: Vec<u8>,
    /// When it ends, RFC 3339. Microsoft refuses what was signed with it afterwards.
    pub ends: String,
}

impl Registered {
    /// A certificate, in DER, of this public key.
    pub fn new(certificate: &[u8], public_key: &[u8], ends: &str) -> Self {
        let thumbprint = base64::url(digest(&SHA256, certificate).as_ref());
        Self { thumbprint, public_key: public_key.to_owned(), ends: ends.to_owned() }
    }
}

/// Another identity provider whose tokens are taken (workload identity federation).
#[derive(Debug, Clone)]
pub struct Federated {
    /// The provider, to the letter.
    pub issuer: String,
    /// Whom it has to vouch for, to the letter.
    pub subject: String,
    /// For whom: normally `api://AzureADTokenExchange`.
    pub audience: String,
    /// What it signs with (RS256): PKCS #1 `RSAPublicKey`, in DER.
    pub public_key: Vec<u8>,
}
