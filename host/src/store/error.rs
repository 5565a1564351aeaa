//! What can go wrong in the store.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store did not do it. Nothing was changed: every write is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A later userload wrote the file.
    #[error("`{path}` was written by a newer userload (schema {found}; this one knows {known})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file is something else.
    #[error("`{path}` is not a userload store")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The folder or file cannot be made or opened.
    #[error("cannot open the store `{path}`: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The store serves other tenants.
    #[error("there is no tenant `{name}` in this store")]
    NoTenant {
        /// As it was asked for.
        name: String,
        /// Those that are there.
        names: Vec<String>,
    },
    /// The file or its folder is read-only.
    #[error("the store `{0}` is read-only")]
    ReadOnly(PathBuf),
    /// The disk is full.
    #[error("the disk is full; nothing was changed in the store `{0}`")]
    Full(PathBuf),
    /// Another process is writing and did not finish in time.
    #[error("another process keeps the store busy")]
    Busy,
    /// Something the caller asked for is not there, or is there already.
    #[error("{0}")]
    Refused(String),
    /// What stands in the file cannot be: a bug, or a hand in the file.
    #[error("the store holds something that cannot be: {0}")]
    Corrupt(String),
    /// Any other error of SQLite.
    #[error("store: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full(PathBuf::new()),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(PathBuf::new()),
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<crate::model::UnknownOutcome> for StoreError {
    fn from(error: crate::model::UnknownOutcome) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl StoreError {
    /// What to do about it, when there is something.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => {
                Some("install the newer userload, or point `--home` to another folder".into())
            }
            Self::Foreign { .. } => Some("point `--home` to a folder of userload's own".into()),
            Self::Open { .. } | Self::ReadOnly(_) => Some(
                "check the folder's permissions, or point `--home` to a folder that you can write to".into(),
            ),
            Self::Full(_) => Some("free some space and run the same command again".into()),
            Self::NoTenant { name, names } => {
                let near = crate::config::nearest(name, names.iter().map(String::as_str));
                let list = names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
                Some(match near {
                    Some(near) => format!("did you mean `--tenant {near}`?"),
                    None if names.is_empty() => "begin with `userload credential add NAME`".to_owned(),
                    None => format!(
                        "there is {list}; `userload --tenant {name} credential add NAME` begins a new one"
                    ),
                })
            }
            Self::Busy => Some("wait until the other command has finished, then try again".into()),
            _ => None,
        }
    }
}
