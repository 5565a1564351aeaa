//! The program at a terminal, with somebody who types.
//!
//! The terminal is made by `script` of util-linux, which every Linux has: a pseudo-terminal that is the controlling one,
//! with echo on, as a person's is.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait for a text. A busy machine is slow; a program that hangs is slower.
const LIMIT: Duration = Duration::from_secs(120);

/// The key that goes down in a list.
pub const DOWN: &str = "\u{1b}[B";

/// A program at a terminal. Ended when it is dropped.
pub struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Arc<Mutex<String>>,
    seen: usize,
}

impl Terminal {
    /// The command with its arguments, environment and folder, at a terminal of its own.
    pub(super) fn start(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<String> = words.map(|it| quoted(&it.to_string_lossy())).collect();
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--echo", "always", "--command", &line.join(" ")]);
        script.arg("/dev/null").env_clear().env("TERM", "xterm").env("SHELL", "/bin/sh").env("NO_COLOR", "1");
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                script.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            script.current_dir(folder);
        }
        let spawned = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.expect("`script` of util-linux makes the terminal");
        let (screen, mut out) = (Arc::default(), child.stdout.take().expect("it was asked for"));
        let shared: Arc<Mutex<String>> = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = out.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..length]).into_owned();
                shared.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { keys: child.stdin.take(), child, screen, seen: 0 }
    }

    /// Everything that the terminal was sent so far.
    #[must_use]
    pub fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until this stands on the screen, behind what was waited for last.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let until = Instant::now() + LIMIT;
        loop {
            let screen = self.screen();
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let over = Instant::now() > until || self.child.try_wait().is_ok_and(|it| it.is_some());
            // What it said last may have come since.
            if over && self.screen() == screen {
                panic!("no `{text}` on the screen:\n{screen}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Presses these keys.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn types(&mut self, keys: &str) {
        let to = self.keys.as_mut().expect("it is open");
        to.write_all(keys.as_bytes()).and_then(|()| to.flush()).expect("a terminal takes keys");
    }

    /// Waits for the end: the exit code, and the screen.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn ends(mut self) -> (i32, String) {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                // The reader is done when the screen stands still.
                let mut screen = self.screen();
                loop {
                    std::thread::sleep(Duration::from_millis(50));
                    let now = self.screen();
                    if now == screen {
                        return (status.code().unwrap_or(-1), screen);
                    }
                    screen = now;
                }
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.keys = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One word of a shell's line.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
