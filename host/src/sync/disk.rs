//! A look at the disk before anything is applied: a transaction that runs out of space is undone, but only
//! after it has taken its time.

use std::path::Path;

use super::error::RunError;

/// How many times the staged bytes must be free: the write-ahead log, and the tables it goes to.
const FACTOR: u64 = 2;

/// Refuses to apply when the disk has less than twice the staged bytes free, and room to copy back the
/// write-ahead log that staging has left.
///
/// # Errors
/// When there is too little space.
pub(super) fn check(store: &Path, staged_bytes: u64) -> Result<(), RunError> {
    let folder = store.parent().unwrap_or(Path::new("."));
    // A file system that does not tell is not a reason to stop: SQLite stops by itself when it is full.
    let Ok(stat) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let log = std::fs::metadata(log).map_or(0, |it| it.len());
    let wanted = staged_bytes.saturating_mul(FACTOR).saturating_add(log);
    if free >= wanted {
        return Ok(());
    }
    Err(RunError::Refused {
        message: format!(
            "applying needs about {} MiB of free disk at `{}`, and there are {} MiB; nothing was applied",
            wanted / (1024 * 1024) + 1,
            folder.display(),
            free / (1024 * 1024)
        ),
        help: Some("free some space and run the same command again".into()),
    })
}
