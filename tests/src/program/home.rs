//! A home of the program in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Answer, CLOCK, Call};

/// A folder with a home in it, and nothing else that the program could know.
pub struct Home {
    folder: tempfile::TempDir,
    home: PathBuf,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// An empty one; not even the home's folder is there.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { home: folder.path().join("home"), folder }
    }

    /// The home's folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.home.join("userload.sqlite")
    }

    /// The folder around the home, in which the program is started.
    #[must_use]
    pub fn around(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file beside the home.
    ///
    /// # Panics
    /// When that does not work.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// A call with these arguments.
    #[must_use]
    pub fn call(&self, arguments: &[&str]) -> Call {
        let mut command = Command::new(program());
        command.args(arguments);
        self.scrubbed(command, &arguments.join(" "))
    }

    /// A call through a shell, `$0` being the program: for limits that a shell sets.
    #[must_use]
    pub fn shell(&self, script: &str) -> Call {
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program());
        self.scrubbed(command, script)
    }

    fn scrubbed(&self, mut command: Command, shown: &str) -> Call {
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.folder.path())
            .env("USERLOAD_HOME", &self.home)
            .env("USERLOAD_CLOCK", CLOCK)
            .env("TZ", "UTC")
            .current_dir(self.folder.path());
        Call::new(command, shown.to_owned())
    }

    /// Runs it with the words of `arguments`, which are parted by blanks.
    #[must_use]
    pub fn run(&self, arguments: &str) -> Answer {
        self.call(&words(arguments)).run()
    }

    /// Runs what must end well.
    #[track_caller]
    pub fn done(&self, arguments: &str) -> Answer {
        self.run(arguments).ended(0)
    }

    /// Runs what must be refused with this code and without an answer; gives what it tells, with the
    /// folder's name out of it.
    #[track_caller]
    pub fn refused(&self, code: i32, arguments: &str) -> String {
        self.told(self.run(arguments).ended(code))
    }

    /// What an answer without an answer tells, with the folder's name out of it.
    ///
    /// # Panics
    /// When it does answer.
    #[must_use]
    #[track_caller]
    pub fn told(&self, answer: Answer) -> String {
        assert_eq!(answer.out, "", "`userload {}` answers", answer.arguments);
        answer.err.replace(&self.folder.path().display().to_string(), "TMP")
    }

    /// Everybody, byte for byte.
    #[track_caller]
    pub fn people(&self) -> String {
        self.done("people export --json").out
    }

    /// Every file under the home with its bytes, without compiled plugins and locks: what must be as it was.
    ///
    /// # Panics
    /// When a file cannot be read.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let aside = ["cache", "locks"].iter().any(|name| entry.file_name() == *name);
                if path.is_dir() {
                    folders.extend((!aside).then_some(path));
                } else if !path.to_string_lossy().ends_with("-shm") {
                    files.insert(path.clone(), std::fs::read(&path).expect("a file of ours"));
                }
            }
        }
        files
    }
}

fn words(arguments: &str) -> Vec<&str> {
    arguments.split_whitespace().collect()
}

/// The built program: beside the executable that asks, or beside its folder, as for tests.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows where it is");
    let mut places = own.ancestors().skip(1).take(2).map(|folder| folder.join("userload"));
    let found = places.find(|it| it.is_file());
    found.unwrap_or_else(|| panic!("no `userload` near `{}`: run `cargo xtask build`", own.display()))
}
