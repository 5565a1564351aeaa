//! The key that seals secrets: from the environment, or from a file that only its owner can read.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, Zeroizing};

/// The environment variable that takes the place of the key file.
pub(super) const VARIABLE: &str = "USERLOAD_KEY";

/// Bytes of a key.
const LENGTH: usize = 32;

/// Where a key came from, to name it in errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The variable `USERLOAD_KEY`.
    Environment,
    /// The key file.
    File(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => write!(out, "the environment variable `{VARIABLE}`"),
            Self::File(path) => write!(out, "the key file `{}`", path.display()),
        }
    }
}

/// 32 bytes that seal and open secrets. Wiped when dropped.
pub struct Key {
    pub(super) bytes: Zeroizing<[u8; LENGTH]>,
    pub(super) source: KeySource,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key(*** from {})", self.source)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others can read the file.
    #[error(
        "the key file `{path}` can be read by others (mode {mode:03o}), and whoever reads it can read every secret"
    )]
    Readable {
        /// The file or its folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key is no key.
    #[error("{0} holds no key: expected 32 bytes, written in base64 or in 64 hexadecimal digits")]
    Malformed(KeySource),
    /// Sealed secrets are there, but what opens them is not.
    #[error("the key file `{0}` is missing, but the store has sealed secrets that only it can open")]
    Missing(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot use the key file `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl KeyError {
    /// What to type next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Readable { path, .. } => Some(format!("chmod 600 '{}'", path.display())),
            Self::Malformed(KeySource::Environment) => {
                Some(format!("export {VARIABLE}=\"$(openssl rand -base64 32)\" makes a new one"))
            }
            Self::Malformed(KeySource::File(_)) => Some(
                "bring the file back from a backup; without it the secrets have to be entered again".into(),
            ),
            Self::Missing(path) => Some(format!(
                "bring it back from a backup; if it is lost, make a new one, `(umask 077; openssl rand -base64 32 > \
                 '{}')`, and enter each secret again: `userload credential edit NAME`",
                path.display()
            )),
            Self::File { .. } | Self::Random(_) => None,
        }
    }
}

impl Key {
    /// The key of a home: from `environment` (the value of `USERLOAD_KEY`) when there is one, else from the
    /// file. The file is made on first use, and never where `sealed` secrets wait for the old one.
    ///
    /// # Errors
    /// When there is no key, or others can read it.
    pub fn load(file: &Path, environment: Option<&str>, sealed: bool) -> Result<Self, KeyError> {
        if let Some(text) = environment.filter(|text| !text.trim().is_empty()) {
            let source = KeySource::Environment;
            let bytes = decode(text).ok_or_else(|| KeyError::Malformed(source.clone()))?;
            return Ok(Self { bytes, source });
        }
        let io = |source| KeyError::File { path: file.to_owned(), source };
        match fs::metadata(file) {
            Ok(found) => {
                only_ours(file, &found)?;
                let text = Zeroizing::new(fs::read_to_string(file).map_err(io)?);
                let source = KeySource::File(file.to_owned());
                let bytes = decode(&text).ok_or_else(|| KeyError::Malformed(source.clone()))?;
                Ok(Self { bytes, source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && sealed => {
                Err(KeyError::Missing(file.to_owned()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(file),
            Err(error) => Err(io(error)),
        }
    }
}

/// A new key in a new file. Of two processes that come at once, one makes it and the other reads it.
fn create(file: &Path) -> Result<Key, KeyError> {
    let io = |source| KeyError::File { path: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        make_private_folder(folder).map_err(io)?;
    }
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    getrandom::fill(bytes.as_mut()).map_err(KeyError::Random)?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_ref())));
    match new_private_file(file)
        .and_then(|mut made| made.write_all(text.as_bytes()).and_then(|()| made.sync_all()))
    {
        Ok(()) => Ok(Key { bytes, source: KeySource::File(file.to_owned()) }),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Key::load(file, None, true),
        Err(error) => Err(io(error)),
    }
}

/// Base64 in either alphabet, or hexadecimal.
fn decode(text: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
    let text = text.trim();
    let mut decoded = if text.len() == LENGTH * 2 && text.bytes().all(|it| it.is_ascii_hexdigit()) {
        (0..LENGTH)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok())
            .collect::<Option<Vec<u8>>>()?
    } else {
        STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))).ok()?
    };
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    let fits = decoded.len() == LENGTH;
    if fits {
        bytes.copy_from_slice(&decoded);
    }
    decoded.zeroize();
    fits.then_some(bytes)
}

/// The folder of the program's own, closed to others when this makes it.
#[cfg(unix)]
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The folder of the program's own.
#[cfg(not(unix))]
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

/// A new file that only its owner can read; an error when it is there already.
#[cfg(unix)]
pub(crate) fn new_private_file(file: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

/// A new file; an error when it is there already.
#[cfg(not(unix))]
pub(crate) fn new_private_file(file: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(file)
}

/// Refuses a file that somebody else can read or change.
#[cfg(unix)]
fn only_ours(file: &Path, found: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Readable { path: file.to_owned(), mode });
    }
    Ok(())
}

/// Elsewhere the home of the user is what keeps others out.
#[cfg(not(unix))]
fn only_ours(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_makes_a_file_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("home/key");
        let made = Key::load(&file, None, false).unwrap();
        let again = Key::load(&file, None, true).unwrap();
        assert_eq!(*made.bytes, *again.bytes);
        assert!(!format!("{made:?}").contains(&STANDARD.encode(made.bytes.as_ref())));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            let error = Key::load(&file, None, true).unwrap_err();
            assert!(matches!(error, KeyError::Readable { mode: 0o640, .. }), "{error}");
            assert!(error.help().unwrap().starts_with("chmod 600 "));
        }
    }

    #[test]
    fn a_lost_key_is_never_replaced_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        assert!(matches!(Key::load(&file, None, true), Err(KeyError::Missing(_))));
        assert!(!file.exists());
    }

    #[test]
    fn the_environment_comes_first_in_base64_or_hexadecimal() {
        let nowhere = Path::new("/nonexistent/key");
        let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let from_hex = Key::load(nowhere, Some(hex), true).unwrap();
        let text = STANDARD.encode(from_hex.bytes.as_ref());
        assert_eq!(*Key::load(nowhere, Some(&text), true).unwrap().bytes, *from_hex.bytes);
        for bad in ["short", "é", &hex[1..], "AAAA"] {
            assert!(matches!(Key::load(nowhere, Some(bad), false), Err(KeyError::Malformed(_))), "{bad}");
        }
    }
}
