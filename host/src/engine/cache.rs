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

/// One plugin, compiled by one engine of one version of this program: what the digest of a compiled form covers
/// besides its content.
#[derive(Clone)]
pub(super) struct Key(String);

/// The place of one plugin, compiled by one engine.
pub(super) struct Entry {
    dir: PathBuf,
    file: PathBuf,
    key: Key,
}

/// First line of a file, then 32 bytes of digest, then the compiled component.
const MAGIC: &[u8] = b"userload compiled plugin 1\n";

const DIGEST: usize = 32;

/// The largest compiled form that is read: it is about five times as large as a component.
pub(super) const MOST: u64 = 128 << 20;

impl Key {
    /// `plugin` is the hexadecimal digest of the component.
    pub(super) fn new(plugin: &str, engine: &Engine) -> Self {
        let mut compatible = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatible);
        Self(format!("{plugin}-{:016x}-{}", compatible.finish(), env!("CARGO_PKG_VERSION")))
    }

    /// What stands before a compiled form in a file, or in a compiling child's answer.
    pub(super) fn head(&self, compiled: &[u8]) -> Vec<u8> {
        [MAGIC, &self.digest(compiled)].concat()
    }

    /// The component of sealed bytes: none when they are not whole, or of another plugin, engine or version.
    ///
    /// Only for bytes that [`Entry::read`] gave, or that came through a pipe from a child that runs this program.
    pub(super) fn open(&self, engine: &Engine, sealed: &[u8]) -> Option<wasmtime::Result<Component>> {
        let compiled = self.compiled(sealed)?;
        #[expect(unsafe_code, reason = "wasmtime cannot check machine code; see the SAFETY note")]
        // SAFETY: `deserialize` needs bytes that `serialize` or `precompile_component` made. A file's bytes were read
        // only because folder and file belong to this user and nobody else can write to them; a child's came through a
        // pipe that nobody else holds. The digest covers the content, the plugin, the engine's settings and this
        // program's version. wasmtime itself checks its version and settings once more. The bytes are in memory:
        // nobody changes them now.
        let component = unsafe { Component::deserialize(engine, compiled) };
        Some(component)
    }

    /// What stands behind a head that fits.
    fn compiled<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (digest, compiled) = sealed.strip_prefix(MAGIC)?.split_at_checked(DIGEST)?;
        (digest == self.digest(compiled)).then_some(compiled)
    }

    fn digest(&self, compiled: &[u8]) -> [u8; DIGEST] {
        let mut sha = Sha256::new();
        sha.update(MAGIC);
        sha.update(self.0.as_bytes());
        sha.update([0]);
        sha.update(compiled);
        sha.finalize().into()
    }
}

impl Entry {
    pub(super) fn new(dir: &Path, key: Key) -> Self {
        Self { dir: dir.to_owned(), file: dir.join(format!("{}.compiled", key.0)), key }
    }

    /// The compiled component, or none when there is no file that can be trusted.
    pub(super) fn load(&self, engine: &Engine) -> Option<Component> {
        self.key.open(engine, &self.read().ok()??)?.ok()
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
        Ok(Some(bytes))
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
            file.write_all(&self.key.head(compiled))?;
            file.write_all(compiled)?;
            file.sync_all()?;
            fs::rename(&draft, &self.file)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
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
            let entry = Entry::new(&dir.path().join("cache"), Key::new("digest", &engine));
            entry.write(&compiled).unwrap();
            let read = |entry: &Entry| entry.key.compiled(&entry.read().unwrap()?).map(<[u8]>::to_vec);
            let kept = read(&entry);
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
            let found = read(&entry);
            prop_assert_eq!(found.as_ref(), expected);

            // Another plugin's file in this one's place.
            let other = Entry::new(&dir.path().join("cache"), Key::new("another", &engine));
            fs::write(&other.file, &whole).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&other.file, mode).unwrap();
            prop_assert_eq!(read(&other), None);
        }
    }
}
