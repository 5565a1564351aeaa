//! A plugin's words: bounded, cleaned of control characters and known secrets, counted when dropped.

use super::vault::SecretSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// Worth a line in the run's log.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// What one run may write.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Lines that are kept.
    pub lines: usize,
    /// Bytes of one line; a longer one is cut.
    pub line_bytes: usize,
    /// Bytes of all lines.
    pub total_bytes: usize,
    /// Lines below are dropped without being counted.
    pub level: Level,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { lines: 1_000, line_bytes: 1_024, total_bytes: 256 * 1_024, level: Level::Info }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// Without control characters and known secrets.
    pub text: String,
}

/// The log of one run. Clones share it.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    limits: LogLimits,
    secrets: SecretSet,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Line>,
    lines: u64,
    bytes: usize,
    dropped: u64,
    last_error: Option<String>,
}

impl Log {
    /// An empty log that hides the values of `secrets`.
    pub fn new(limits: LogLimits, secrets: SecretSet) -> Self {
        Self(Arc::new(Inner { limits, secrets, state: Mutex::default() }))
    }

    /// Takes a line in, cuts it, or drops and counts it.
    pub fn write(&self, level: Level, message: &str) {
        let limits = self.0.limits;
        if level < limits.level {
            return;
        }
        {
            let mut state = self.lock();
            if state.lines >= limits.lines as u64 || state.bytes >= limits.total_bytes {
                state.dropped += 1;
                return;
            }
        }
        let text = self.clean(message);
        let mut state = self.lock();
        state.lines += 1;
        state.bytes += text.len();
        if level == Level::Error {
            state.last_error = Some(text.clone());
        }
        state.waiting.push(Line { level, text });
    }

    /// The lines that came since the last call of this.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.lock().waiting)
    }

    /// Lines kept, whether taken or not.
    pub fn kept(&self) -> u64 {
        self.lock().lines
    }

    /// Lines that went over a limit.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// The last line of level `error` since the last call of this: a panic's words, before its trap.
    pub(crate) fn take_last_error(&self) -> Option<String> {
        self.lock().last_error.take()
    }

    fn clean(&self, message: &str) -> String {
        // Redaction comes before the cut, or the cut could leave half a secret.
        let room = self.0.limits.line_bytes.saturating_mul(16).max(4_096);
        let mut text = String::new();
        for c in strip_escapes(message) {
            if text.len() >= room {
                break;
            }
            text.push(c);
        }
        let text = self.0.secrets.redact(&text);
        if text.len() <= self.0.limits.line_bytes {
            return text;
        }
        let cut = text.floor_char_boundary(self.0.limits.line_bytes);
        format!("{}…", &text[..cut])
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("kept", &self.kept()).field("dropped", &self.dropped()).finish()
    }
}

/// Without ANSI escape sequences, control characters and invisible direction marks; white space becomes a
/// space, so that one line stays one line.
fn strip_escapes(message: &str) -> impl Iterator<Item = char> + '_ {
    let mut chars = message.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            let c = chars.next()?;
            match c {
                '\u{1b}' => {
                    if chars.next_if_eq(&'[').is_some() {
                        // A control sequence ends with its first byte from `@` to `~`.
                        while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
                        chars.next();
                    }
                }
                '\n' | '\r' | '\t' => return Some(' '),
                '\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{2028}'
                | '\u{2029}' => {}
                c if c.is_control() => {}
                c => return Some(c),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(limits: LogLimits) -> Log {
        Log::new(limits, SecretSet::none())
    }

    fn texts(log: &Log) -> Vec<String> {
        log.take().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn control_characters_and_escapes_do_not_reach_a_terminal() {
        let log = log(LogLimits::default());
        log.write(Level::Info, "a\u{1b}[31mred\u{1b}[0m\u{7}\nb\u{202e}c\u{0}\u{1b}]d\u{9b}e");
        assert_eq!(texts(&log), ["ared bc]de"]);
    }

    #[test]
    fn lines_bytes_and_levels_are_bounded_and_drops_are_counted() {
        let log = log(LogLimits { lines: 3, line_bytes: 8, total_bytes: 30, level: Level::Info });
        log.write(Level::Debug, "quiet");
        log.write(Level::Info, "0123456789");
        log.write(Level::Warn, "ü".repeat(10).as_str());
        log.write(Level::Error, "c");
        log.write(Level::Error, "d");
        assert_eq!(texts(&log), ["01234567…", "üüüü…", "c"]);
        assert_eq!((log.kept(), log.dropped()), (3, 1));
        assert!(log.take().is_empty());
        assert_eq!(log.take_last_error().as_deref(), Some("c"));
    }

    #[test]
    fn total_bytes_are_bounded() {
        let log = log(LogLimits { lines: 1_000, line_bytes: 100, total_bytes: 1_000, level: Level::Info });
        for _ in 0..100 {
            log.write(Level::Info, &"x".repeat(1_000_000));
        }
        assert!(texts(&log).concat().len() < 1_200);
        assert!(log.dropped() > 80);
    }

    #[test]
    fn known_secrets_are_hidden_before_the_line_is_cut() {
        let secrets = SecretSet::none();
        secrets.issue_token("access_token", "the-whole-token-value").unwrap();
        let log = Log::new(LogLimits { line_bytes: 12, ..LogLimits::default() }, secrets);
        log.write(Level::Info, "t=the-whole-token-value");
        log.write(Level::Info, "t=the-whole\u{7}-token-value");
        assert_eq!(texts(&log), ["t=***", "t=***"]);
    }
}
