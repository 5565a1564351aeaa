//! Client assertions (RFC 7523): a certificate and its private key, and what is signed with them. Microsoft
//! takes RSA with PSS and the certificate's SHA-256 as `x5t#S256`:
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use sha2::{Digest as _, Sha256};
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::secret::Secret;

/// How long an assertion is good, in seconds. Microsoft recommends 5 to 10 minutes.
const LIFETIME: i64 = 10 * 60;

/// How much earlier than now it begins to be good: for clocks that are a little behind ours.
const EARLY: i64 = 5 * 60;

/// Why a PEM text is no certificate to sign with. Quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Not PEM, or a broken part of it.
    #[error("it is no PEM text: {0}")]
    NotPem(String),
    /// There is no `CERTIFICATE`.
    #[error("it holds no certificate (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("its certificate cannot be read: {0}")]
    BadCertificate(String),
    /// There is no private key.
    #[error("it holds no private key (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// The key has a password.
    #[error("its private key is protected by a password")]
    Encrypted,
    /// Several keys: which one?
    #[error("it holds {0} private keys, expected one")]
    ManyKeys(usize),
    /// Another algorithm, or a broken key.
    #[error("its private key cannot be used, expected RSA of 2,048 to 4,096 bits: {0}")]
    BadKey(String),
    /// The key is that of another certificate.
    #[error("its private key belongs to none of its certificates")]
    Strangers,
    /// The system gave no random numbers.
    #[error("it could not sign")]
    Signing,
}

impl SigningKeyError {
    /// What to type next, with the file's name where there is one.
    #[must_use]
    pub fn help(&self, file: &str) -> String {
        match self {
            Self::Encrypted => format!("openssl pkey -in '{file}' -out clear.pem takes the password off; delete clear.pem afterwards"),
            Self::NoKey => "give the private key's file beside it: `--key FILE`".to_owned(),
            Self::NoCertificate | Self::NotPem(_) => format!(
                "expected text that begins with `-----BEGIN`; `openssl pkcs12 -in '{file}' -nodes -out clear.pem` \
                 makes it of a .pfx file, `openssl x509 -inform der` of a .cer file"
            ),
            Self::ManyKeys(_) | Self::Strangers => "give the certificate and the key that belongs to it".to_owned(),
            Self::BadKey(_) | Self::BadCertificate(_) => {
                "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=userload -keyout key.pem -out cert.pem \
                 makes a new pair; upload cert.pem in Entra"
                    .to_owned()
            }
            Self::Signing => "try again".to_owned(),
        }
    }
}

/// What can be said about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is: `CN=userload`.
    pub subject: String,
    /// When it begins, in seconds since 1970.
    pub not_before: i64,
    /// When it ends, in seconds since 1970.
    pub not_after: i64,
    /// Its SHA-256, as assertions name it (`x5t#S256`).
    pub thumbprint: String,
}

/// A certificate and its private key. The key is wiped when this is dropped; the copy that the signing
/// library makes of it lives as long as one signature.
pub struct SigningKey {
    key: Zeroizing<Vec<u8>>,
    form: SectionKind,
    facts: CertificateFacts,
}

impl SigningKey {
    /// From one PEM text, in any order. Of several certificates (a chain) it is the one of the key.
    ///
    /// # Errors
    /// When there is no such pair.
    pub fn from_pem(text: &str) -> Result<Self, SigningKeyError> {
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(SigningKeyError::Encrypted);
        }
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for part in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            let (kind, der) = part.map_err(|error| SigningKeyError::NotPem(error.to_string()))?;
            match kind {
                SectionKind::Certificate => certificates.push(der),
                SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                    keys.push((kind, Zeroizing::new(der)));
                }
                _ => {}
            }
        }
        if certificates.is_empty() {
            return Err(SigningKeyError::NoCertificate);
        }
        if keys.len() > 1 {
            return Err(SigningKeyError::ManyKeys(keys.len()));
        }
        let (form, key) = keys.pop().ok_or(SigningKeyError::NoKey)?;
        let public = pair(form, &key)?.public().as_ref().to_vec();
        for der in &certificates {
            if let Some(facts) = facts(der, &public)? {
                return Ok(Self { key, form, facts });
            }
        }
        Err(SigningKeyError::Strangers)
    }

    /// What the certificate says.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

fn pair(form: SectionKind, der: &[u8]) -> Result<RsaKeyPair, SigningKeyError> {
    let read = match form {
        SectionKind::PrivateKey => RsaKeyPair::from_pkcs8(der),
        SectionKind::RsaPrivateKey => RsaKeyPair::from_der(der),
        _ => return Err(SigningKeyError::BadKey("it is no RSA key".to_owned())),
    };
    read.map_err(|error| SigningKeyError::BadKey(error.to_string()))
}

/// What a certificate says, if its public key is this one.
fn facts(der: &[u8], public: &[u8]) -> Result<Option<CertificateFacts>, SigningKeyError> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| SigningKeyError::BadCertificate(error.to_string()))?;
    let key = parsed.public_key();
    if key.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION || *key.subject_public_key.data != *public {
        return Ok(None);
    }
    let validity = parsed.validity();
    Ok(Some(CertificateFacts {
        subject: parsed.subject().to_string(),
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(der)),
    }))
}

/// This moment by our own clock, in seconds since 1970: assertions are judged by the source's clock, whatever
/// time the run is told that it is.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An assertion of `subject` for `audience`, made at `now`.
///
/// # Errors
/// When the key cannot be used, or the system gives no random numbers.
pub(super) fn sign(
    key: &SigningKey,
    subject: &str,
    audience: &str,
    now: i64,
) -> Result<Secret, SigningKeyError> {
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|_| SigningKeyError::Signing)?;
    let header = serde_json::json!({"alg": "PS256", "typ": "JWT", "x5t#S256": key.facts.thumbprint});
    let claims = serde_json::json!({
        "aud": audience, "iss": subject, "sub": subject,
        "jti": uuid::Builder::from_random_bytes(id).into_uuid().to_string(),
        "iat": now, "nbf": now - EARLY, "exp": now + LIFETIME,
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let pair = pair(key.form, &key.key)?;
    let mut signature = vec![0_u8; pair.public().modulus_len()];
    let mut assertion = format!("{}.{}", part(&header), part(&claims));
    pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), assertion.as_bytes(), &mut signature)
        .map_err(|_| SigningKeyError::Signing)?;
    assertion.push('.');
    assertion.push_str(&URL_SAFE_NO_PAD.encode(&signature));
    Ok(Secret::new(assertion))
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
