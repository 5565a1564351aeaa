//! Secrets that are not kept in the store: read when a run needs them, and checked each time.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::about::Kept;
use super::keyring::{self, KeyringError};
use super::secret::SecretText;

/// The most that such a file may hold. Tokens of identity providers have one or two KiB.
const LARGEST: u64 = 16 * 1024;

/// Why such a secret cannot be had. Quotes nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// No such file, or it may not be read.
    #[error("the {what} cannot be read from `{path}`: {source}")]
    Unreadable {
        /// `federated token`, `client secret`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else could have written or read it.
    #[error("the file `{path}` of the {what} can be {done} by others (mode {mode:03o})")]
    Open {
        /// What is in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// `written`, `read`.
        done: &'static str,
        /// Its permissions.
        mode: u32,
    },
    /// Too large.
    #[error("the file `{path}` holds more than {LARGEST} bytes, which is no {what}")]
    TooLarge {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Something else is in it.
    #[error("{place} holds no {what}: {why}")]
    NotOne {
        /// Where.
        place: String,
        /// What should be there.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The variable is not set.
    #[error("the environment variable `{0}`, which the client secret is kept in, is not set")]
    NotSet(String),
    /// The keyring does not give it.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl OutsideError {
    /// What to type next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Open { path, done: "written", .. } => Some(format!("chmod o-w '{}'", path.display())),
            Self::Open { path, .. } => Some(format!("chmod 600 '{}'", path.display())),
            Self::NotSet(variable) => Some(format!("set it where userload runs: export {variable}=…")),
            Self::Unreadable { what: "federated token", .. } => Some(
                "the platform that runs userload puts it there; in Kubernetes the path is AZURE_FEDERATED_TOKEN_FILE"
                    .to_owned(),
            ),
            Self::Keyring(error) => error.help(),
            _ => None,
        }
    }
}

/// The federated token in a file. The platform renews it, so it is read each time.
///
/// # Errors
/// When it is not there, somebody else could have put it there, or it is no JWT.
pub fn federated_token(path: &Path) -> Result<SecretText, OutsideError> {
    const WHAT: &str = "federated token";
    let text = bounded(path, WHAT, 0o002, "written")?;
    let text = text.trim();
    let parts: Vec<&str> = text.split('.').collect();
    let coded = |part: &&str| !part.is_empty() && URL_SAFE_NO_PAD.decode(part).is_ok();
    if parts.len() != 3 || !parts.iter().all(coded) {
        let why = "expected a JWT, three parts of base64url with dots between";
        return Err(OutsideError::NotOne { place: format!("`{}`", path.display()), what: WHAT, why });
    }
    Ok(SecretText::new(text.to_owned()))
}

/// The client secret from where it is kept outside of the store; none when it is in the store.
///
/// # Errors
/// When it is not there, others can read it, or it is no secret.
pub fn kept_outside(kept: &Kept) -> Result<Option<SecretText>, OutsideError> {
    const WHAT: &str = "client secret";
    let (text, place) = match kept {
        Kept::Store => return Ok(None),
        Kept::Environment { variable } => {
            let value = std::env::var(variable).map_err(|_| OutsideError::NotSet(variable.clone()))?;
            (Zeroizing::new(value), format!("the environment variable `{variable}`"))
        }
        Kept::File { path } => {
            (bounded(path, WHAT, 0o077, "read")?, format!("the file `{}`", path.display()))
        }
        Kept::Keyring { entry } => {
            let found = keyring::find(entry)?;
            (Zeroizing::new(found.expose().to_owned()), format!("the entry `{entry}` of the keyring"))
        }
    };
    let text = text.trim_end_matches(['\r', '\n']);
    let why = if text.is_empty() {
        "it is empty"
    } else if text.chars().any(char::is_control) {
        "it has several lines or control characters"
    } else {
        return Ok(Some(SecretText::new(text.to_owned())));
    };
    Err(OutsideError::NotOne { place, what: WHAT, why })
}

/// The text of a small file for which nobody has the permissions `forbidden`.
fn bounded(
    path: &Path,
    what: &'static str,
    forbidden: u32,
    done: &'static str,
) -> Result<Zeroizing<String>, OutsideError> {
    let unreadable = |source| OutsideError::Unreadable { what, path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, not of its name: the one that is checked is the one that is read.
    let mode = permissions(&file.metadata().map_err(unreadable)?);
    if mode & forbidden != 0 {
        return Err(OutsideError::Open { what, path: path.to_owned(), done, mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(LARGEST as usize + 1));
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(OutsideError::TooLarge { what, path: path.to_owned() });
    }
    Ok(text)
}

#[cfg(unix)]
fn permissions(of: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    of.permissions().mode() & 0o777
}

/// Elsewhere the folder of the file is what keeps others out.
#[cfg(not(unix))]
fn permissions(_: &std::fs::Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_jwt_of_a_reasonable_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(federated_token(&path).unwrap_err().to_string().contains("cannot be read"));
        for (text, said) in [
            ("a.b".to_owned(), "expected a JWT"),
            ("YQ.YQ.".to_owned(), "expected a JWT"),
            ("YQ.YQ.Y Q".to_owned(), "expected a JWT"),
            ("a".repeat(20_000), "more than 16384 bytes"),
        ] {
            std::fs::write(&path, &text).unwrap();
            let error = federated_token(&path).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("YQ"), "{error}");
        }
        std::fs::write(&path, "YQ.YWI.YWJj\n").unwrap();
        assert_eq!(federated_token(&path).unwrap().expose(), "YQ.YWI.YWJj");
    }

    #[cfg(unix)]
    #[test]
    fn others_may_neither_write_a_token_nor_read_a_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::write(&path, "YQ.YWI.YWJj").unwrap();
        set(0o666);
        assert!(matches!(federated_token(&path), Err(OutsideError::Open { mode: 0o666, .. })));
        set(0o644);
        federated_token(&path).unwrap();
        let kept = Kept::File { path: path.clone() };
        let error = kept_outside(&kept).unwrap_err();
        assert!(error.to_string().contains("can be read by others (mode 644)"), "{error}");
        set(0o600);
        assert!(kept_outside(&kept).unwrap().is_some());
        let unset = Kept::Environment { variable: "USERLOAD_TEST_NEVER_SET".to_owned() };
        assert!(matches!(kept_outside(&unset), Err(OutsideError::NotSet(_))));
        assert!(kept_outside(&Kept::Store).unwrap().is_none());
    }
}
