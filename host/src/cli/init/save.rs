//! Writes what `userload init` made: the document, the credential and the draft; or nothing of it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::super::credential_keep::{release, seal};
use super::super::integration_save;
use super::super::session::Session;
use super::super::trouble::Trouble;
use super::{Answers, Arguments, Opening};
use crate::store::StoreError;

/// Writes the document, keeps the credential and saves the draft. When one of them fails, what was there before is
/// there still, and what this call added is gone.
pub(super) fn save(
    session: &Session,
    arguments: &Arguments,
    answers: &Answers,
    opening: Opening,
    document: &str,
) -> Result<()> {
    let written = Written::write(&answers.file, arguments.force, document)?;
    let mut opening = opening;
    let mut added = false;
    let Err(error) = keep(session, answers, &mut opening, written, document, &mut added) else {
        return Ok(());
    };
    // Only what this call has added: another may have taken the name meanwhile.
    if added && let Ok(Some(mut store)) = session.store_if_any() {
        drop(store.remove_credential(&opening.row.name));
        release(session, &opening.row);
    }
    Err(match error.downcast_ref::<StoreError>() {
        Some(StoreError::Refused(what)) if what.contains("priority") => {
            Trouble::usage(what.clone()).help("`--priority NUMBER` says so; nothing was saved").into()
        }
        _ => error,
    })
}

fn keep(
    session: &Session,
    answers: &Answers,
    opening: &mut Opening,
    written: Written,
    document: &str,
    added: &mut bool,
) -> Result<()> {
    let mut store = session.store_or_new()?;
    if let Some(secrets) = &opening.secrets {
        seal(session, &store, &mut opening.row, secrets)?;
        if let Err(error) = store.add_credential(&opening.row) {
            release(session, &opening.row);
            return Err(error.into());
        }
        *added = true;
    }
    let file = answers.file.display().to_string();
    let kept = integration_save::keep_text(session, &file, document)?;
    written.finish().map_err(|error| {
        if kept.is_new() {
            drop(store.remove_integration(&answers.name, session.now()));
        }
        unwritable(&answers.file, &error).into()
    })
}

/// A document that is on the disk and does not count yet. Gone when it is dropped before it does.
struct Written {
    /// Where it is.
    place: PathBuf,
    /// Where it is to be.
    file: PathBuf,
    counts: bool,
}

impl Written {
    /// Under its own name when that is free; in the place of another file only at the end.
    fn write(file: &Path, force: bool, text: &str) -> Result<Self> {
        if force && file.is_dir() {
            return Err(unwritable(file, &io::Error::from(io::ErrorKind::IsADirectory)).into());
        }
        // What a link leads to is written, and not the link.
        let file =
            if force { fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()) } else { file.to_owned() };
        let place = if force { beside(&file) } else { file.clone() };
        let made = fs::OpenOptions::new().write(true).create_new(true).open(&place);
        let mut made = made.map_err(|error| unwritable(&file, &error))?;
        let written = Self { place, file, counts: false };
        let done =
            made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).and_then(|()| match fs::metadata(
                &written.file,
            ) {
                Ok(before) if force => fs::set_permissions(&written.place, before.permissions()),
                _ => Ok(()),
            });
        done.map_err(|error| unwritable(&written.file, &error))?;
        Ok(written)
    }

    /// It counts from now on.
    fn finish(mut self) -> io::Result<()> {
        if self.place != self.file {
            fs::rename(&self.place, &self.file)?;
        }
        self.counts = true;
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.counts {
            drop(fs::remove_file(&self.place));
        }
    }
}

/// A name in the same folder, so that taking the file's place is one step.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn unwritable(file: &Path, error: &io::Error) -> Trouble {
    Trouble::usage(format!("cannot write `{}`: {error}", file.display()))
        .help("`--file FILE` writes the document elsewhere; nothing was saved")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_until_the_new_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        fs::write(&file, "mine").unwrap();
        assert!(Written::write(&file, false, "new").is_err());
        drop(Written::write(&file, true, "new").unwrap());
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), ("mine", 1));
        let written = Written::write(&file, true, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine", "not before it counts");
        written.finish().unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), ("new", 1));
        let other = folder.path().join("b.toml");
        drop(Written::write(&other, false, "new").unwrap());
        assert_eq!(names(), 1);
        assert!(Written::write(folder.path(), true, "new").is_err());
    }
}
