//! Sealing: XChaCha20-Poly1305 with a random nonce for each sealing. The names of tenant and credential are
//! authenticated with it, so that a sealed row cannot be moved to another name.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize as _, Zeroizing};

use super::key::{Key, KeySource};
use super::secret::SecretText;

/// The first byte of what is sealed: how.
const VERSION: u8 = 1;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// Why secrets could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Another key sealed it, or somebody changed it.
    #[error(
        "the secrets of the credential `{name}` cannot be opened with {key}: it is not the key that sealed them, or the row was changed"
    )]
    WrongKey {
        /// The credential.
        name: String,
        /// Where the key came from.
        key: KeySource,
    },
    /// A later userload sealed it.
    #[error("the secrets of the credential `{name}` were sealed by a newer userload")]
    Newer {
        /// The credential.
        name: String,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl SealError {
    /// What to type next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::WrongKey { name, .. } => Some(format!(
                "bring the old key back (the file `key` of the home folder, or USERLOAD_KEY), or enter the \
                 secret again: `userload credential edit {name}`"
            )),
            Self::Newer { .. } => Some("install the newer userload".into()),
            Self::Random(_) => None,
        }
    }
}

/// What is authenticated beside the secrets. Lengths go first: `a` + `bc` is not `ab` + `c`.
fn bound_to(tenant: &str, name: &str) -> Vec<u8> {
    let mut bytes = b"userload credential".to_vec();
    for part in [tenant, name] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Seals the secrets of a credential of a tenant.
///
/// # Errors
/// When the system gives no random bytes.
pub fn seal(
    key: &Key,
    tenant: &str,
    name: &str,
    secrets: &BTreeMap<String, SecretText>,
) -> Result<Vec<u8>, SealError> {
    // Room for everything at once: a growing text would leave copies behind.
    let room = secrets.iter().map(|(name, secret)| name.len() + secret.expose().len() * 6 + 16).sum();
    let mut plain = Zeroizing::new(Vec::<u8>::with_capacity(room));
    let shown: BTreeMap<&str, &str> = secrets.iter().map(|(name, it)| (name.as_str(), it.expose())).collect();
    // Texts in a map always have a JSON text.
    let _ = serde_json::to_writer(&mut *plain, &shown);
    let mut nonce = [0_u8; NONCE];
    getrandom::fill(&mut nonce).map_err(SealError::Random)?;
    let aad = bound_to(tenant, name);
    let sealed = XChaCha20Poly1305::new((&*key.bytes).into())
        .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &aad })
        // Fails only beyond 256 GiB.
        .unwrap_or_default();
    Ok([&[VERSION][..], &nonce, &sealed].concat())
}

/// Opens the secrets of a credential of a tenant.
///
/// # Errors
/// When another key sealed them, or they belong to another tenant or name.
pub fn open(
    key: &Key,
    tenant: &str,
    name: &str,
    sealed: &[u8],
) -> Result<BTreeMap<String, SecretText>, SealError> {
    let wrong = || SealError::WrongKey { name: name.to_owned(), key: key.source.clone() };
    let (version, rest) = sealed.split_first().ok_or_else(wrong)?;
    if *version != VERSION {
        return Err(SealError::Newer { name: name.to_owned() });
    }
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
    let aad = bound_to(tenant, name);
    let plain = XChaCha20Poly1305::new((&*key.bytes).into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| wrong())?;
    let mut secrets: BTreeMap<String, String> = serde_json::from_slice(&plain).map_err(|_| wrong())?;
    let opened =
        secrets.iter_mut().map(|(name, value)| (name.clone(), SecretText::new(std::mem::take(value))));
    let opened = opened.collect();
    secrets.values_mut().for_each(String::zeroize);
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> Key {
        Key::load(std::path::Path::new("/nonexistent"), Some(&digit.repeat(64)), false).unwrap()
    }

    fn secrets() -> BTreeMap<String, SecretText> {
        BTreeMap::from([("client-secret".to_owned(), SecretText::new("p\u{e4}ss\"w\u{f6}rd".to_owned()))])
    }

    #[test]
    fn what_is_sealed_opens() {
        let sealed = seal(&key("a"), "default", "entra", &secrets()).unwrap();
        assert!(!sealed.windows(4).any(|it| it == b"rd\"}"));
        let opened = open(&key("a"), "default", "entra", &sealed).unwrap();
        assert_eq!(opened["client-secret"].expose(), secrets()["client-secret"].expose());
        let again = seal(&key("a"), "default", "entra", &secrets()).unwrap();
        assert_ne!(sealed, again, "each sealing has a nonce of its own");
    }

    #[test]
    fn neither_another_key_nor_another_name_opens_it() {
        let sealed = seal(&key("a"), "default", "entra", &secrets()).unwrap();
        for (digit, tenant, name) in [
            ("b", "default", "entra"),
            ("a", "other", "entra"),
            ("a", "default", "entra2"),
            ("a", "defaulte", "ntra"),
        ] {
            let error = open(&key(digit), tenant, name, &sealed).unwrap_err();
            assert!(matches!(error, SealError::WrongKey { .. }), "{error}");
        }
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&key("a"), "default", "entra", &changed).is_err());
        for end in 0..sealed.len() {
            assert!(open(&key("a"), "default", "entra", &sealed[..end]).is_err());
        }
    }
}
