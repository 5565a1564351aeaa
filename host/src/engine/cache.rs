//! Compiled plugins on disk: compiling takes 0.2 s, loading under a millisecond.
//!
//! A compiled file is machine code, so that whoever can write one can run anything. The folder belongs to
//! this user and nobody else can write to it, a file carries the digest of all that it must fit, and what
//! was checked is what is loaded: the bytes in memory, not the file again.

use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The place of one plugin, compiled by one engine.
pub(super) struct Entry {
    dir: PathBuf,
    file: PathBuf,
    /// What a file's digest covers besides its content.
    key: String,
}

/// First line of a file, then 32 bytes of digest, then the compiled component.
const MAGIC: &[u8] = b"userload compiled plugin 1\n";

const DIGEST: usize = 32;

/// The largest file that is read: compiled code is about five times as large as a component.
const MOST: u64 = 256 << 20;

impl Entry {
    /// `plugin` is the hexadecimal digest of the component.
    pub(super) fn new(dir: &Path, plugin: &str, engine: &Engine) -> Self {
        let mut compatible = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatible);
        let key = format!("{plugin}-{:016x}-{}", compatible.finish(), env!("CARGO_PKG_VERSION"));
        Self { dir: dir.to_owned(), file: dir.join(format!("{key}.compiled")), key }
    }

    /// The compiled component, or none when there is no file that can be trusted.
    pub(super) fn load(&self, engine: &Engine) -> Option<Component> {
        let compiled = self.read().ok()??;
        #[expect(unsafe_code, reason = "wasmtime cannot check machine code; see the SAFETY note")]
        // SAFETY: `deserialize` needs bytes that `serialize` made. `read` gave them only because folder and
        // file belong to this user and nobody else can write to them, and because the digest in the file
        // covers the content, the plugin, the engine's settings and this program's version. wasmtime itself
        // checks its version and settings once more. The bytes are in memory: nobody changes them now.
        let component = unsafe { Component::deserialize(engine, compiled) };
        component.ok()
    }

    /// Keeps a compiled component: all of it or nothing. A cache that cannot be written is no error.
    pub(super) fn store(&self, component: &Component) {
        if let Ok(compiled) = component.serialize() {
            let _ = self.write(&compiled);
        }
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        if !ours(&fs::symlink_metadata(&self.dir)?, true) {
            return Ok(None);
        }
        let file = File::open(&self.file)?;
        let about = file.metadata()?;
        if !ours(&about, false) || about.len() > MOST {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(about.len() as usize);
        file.take(MOST).read_to_end(&mut bytes)?;
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Ok(None) };
        let Some((digest, compiled)) = rest.split_at_checked(DIGEST) else { return Ok(None) };
        Ok((digest == self.digest(compiled)).then(|| compiled.to_vec()))
    }

    fn write(&self, compiled: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        if !ours(&fs::symlink_metadata(&self.dir)?, true) {
            return Ok(());
        }
        let mut unique = [0_u8; 8];
        getrandom::fill(&mut unique).map_err(io::Error::other)?;
        let draft = self.file.with_extension(format!("{:016x}", u64::from_le_bytes(unique)));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(MAGIC)?;
            file.write_all(&self.digest(compiled))?;
            file.write_all(compiled)?;
            file.sync_all()?;
            fs::rename(&draft, &self.file)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn digest(&self, compiled: &[u8]) -> [u8; DIGEST] {
        let mut sha = Sha256::new();
        sha.update(MAGIC);
        sha.update(self.key.as_bytes());
        sha.update([0]);
        sha.update(compiled);
        sha.finalize().into()
    }
}

/// A folder or file of this user's that nobody else can write to.
fn ours(about: &fs::Metadata, dir: bool) -> bool {
    // The owner of this process, without a call into libc.
    let me = fs::metadata("/proc/self").map(|process| process.uid());
    about.is_dir() == dir && about.mode() & 0o022 == 0 && me.is_ok_and(|me| me == about.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands in the file: it is what was written for this plugin, or nothing.
        #[test]
        fn only_what_was_written_is_read(
            compiled in prop::collection::vec(any::<u8>(), 0..200),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in prop::option::of(any::<prop::sample::Index>()),
            tail in prop::collection::vec(any::<u8>(), 0..3),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let engine = Engine::default();
            let entry = Entry::new(&dir.path().join("cache"), "digest", &engine);
            entry.write(&compiled).unwrap();
            let kept = entry.read().unwrap();
            prop_assert_eq!(kept.as_ref(), Some(&compiled));

            let whole = fs::read(&entry.file).unwrap();
            let mut bytes = whole.clone();
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(at) = cut {
                bytes.truncate(at.index(bytes.len()));
            }
            bytes.extend(tail);
            fs::write(&entry.file, &bytes).unwrap();
            let expected = (bytes == whole).then_some(&compiled);
            let found = entry.read().unwrap();
            prop_assert_eq!(found.as_ref(), expected);

            // Another plugin's file in this one's place.
            let other = Entry::new(&dir.path().join("cache"), "another", &engine);
            fs::write(&other.file, &whole).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&other.file, mode).unwrap();
            prop_assert_eq!(other.read().unwrap(), None);
        }
    }
}
