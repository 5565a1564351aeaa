//! One call of the program: built, started, waited for, killed.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Answer, Terminal};

/// How long a call may take. A busy machine is slow; a program that hangs is slower.
const LIMIT: Duration = Duration::from_secs(120);

/// A call that has not begun.
pub struct Call {
    pub(super) command: Command,
    arguments: String,
    stdin: Vec<u8>,
    limit: Duration,
}

impl Call {
    pub(super) fn new(mut command: Command, arguments: String) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, arguments, stdin: Vec::new(), limit: LIMIT }
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// At this time.
    #[must_use]
    pub fn at(self, clock: &str) -> Self {
        self.env("USERLOAD_CLOCK", clock)
    }

    /// With this on its standard input, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// With another limit of time.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(mut self) -> Running {
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let mut stdin = child.stdin.take().expect("it was asked for");
        let bytes = std::mem::take(&mut self.stdin);
        // A program that does not read its input must not stop the test.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        Running {
            out: reader(child.stdout.take().expect("it was asked for")),
            err: reader(child.stderr.take().expect("it was asked for")),
            child,
            arguments: self.arguments,
            until: Instant::now() + self.limit,
        }
    }

    /// Starts it at a terminal of its own, with somebody who types.
    #[must_use]
    pub fn at_terminal(self) -> Terminal {
        Terminal::start(&self.command)
    }

    /// Starts it and waits for its end.
    #[must_use]
    pub fn run(self) -> Answer {
        self.spawn().wait()
    }
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(from.read_to_end(&mut bytes));
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("no text: {error}"))
    })
}

/// A call that has begun. Killed when it is dropped.
pub struct Running {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
    arguments: String,
    until: Instant,
}

impl Running {
    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands in a file of `/proc` about it.
    #[must_use]
    pub fn proc(&self, file: &str) -> Vec<u8> {
        std::fs::read(PathBuf::from(format!("/proc/{}/{file}", self.id()))).unwrap_or_default()
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Sends a signal by name: `KILL`, `TERM`, `INT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(done.is_ok_and(|it| it.success()), "cannot send {name}");
    }

    /// `kill -9`; what it had said until then.
    #[must_use]
    pub fn kill(mut self) -> Answer {
        drop(self.child.kill());
        self.finish()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes too long.
    #[must_use]
    pub fn wait(mut self) -> Answer {
        while !self.ended() {
            if Instant::now() > self.until {
                let arguments = self.arguments.clone();
                let said = self.kill();
                panic!("`userload {arguments}` took too long\n{}\n{}", said.out, said.err);
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        self.finish()
    }

    fn finish(mut self) -> Answer {
        let status = self.child.wait().expect("a child can be waited for");
        Answer {
            arguments: std::mem::take(&mut self.arguments),
            code: status.code().unwrap_or(-1),
            out: self.out.join().expect("stdout is text"),
            err: self.err.join().expect("stderr is text"),
        }
    }
}
