//! The one place that prints: the answer goes to stdout, the story to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};

use anstream::AutoStream;
use anstream::ColorChoice;

use super::Paint;
use super::text::hostile;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Owns both streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    /// How answers are written.
    pub(crate) mode: Mode,
    quiet: bool,
    out: Paint,
    err: Paint,
    /// The tenant that was asked for by name: what is to be typed next is about the same one.
    tenant: Option<&'static str>,
}

impl Printer {
    pub(crate) fn new(mode: Mode, quiet: bool, colour: ColorChoice) -> Self {
        let choose = |auto: ColorChoice| match colour {
            ColorChoice::Auto => auto != ColorChoice::Never,
            choice => choice != ColorChoice::Never,
        };
        Self {
            mode,
            quiet,
            // Honours NO_COLOR, CLICOLOR, CI and what stands at the other end.
            out: Paint(mode == Mode::Text && choose(AutoStream::choice(&io::stdout()))),
            err: Paint(choose(AutoStream::choice(&io::stderr()))),
            tenant: None,
        }
    }

    /// The same, for a tenant that was asked for by name. Kept until the process ends.
    pub(crate) fn of_tenant(self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned().leak()), ..self }
    }

    /// A line of commands to type, for the tenant that was asked for.
    pub(crate) fn commands<'a>(&self, line: &'a str) -> Cow<'a, str> {
        match self.tenant {
            Some(tenant) => Cow::Owned(line.replace("userload ", &format!("userload --tenant {tenant} "))),
            None => Cow::Borrowed(line),
        }
    }

    /// A text for people, its commands (between backticks) for the tenant that was asked for.
    fn addressed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(tenant) = self.tenant else { return Cow::Borrowed(text) };
        let mut parts = text.split("`userload ");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let command = part.split('`').next().unwrap_or_default();
            out.push_str("`userload ");
            if !command.contains("--tenant ") {
                out.push_str(&format!("--tenant {tenant} "));
            }
            out.push_str(part);
        }
        Cow::Owned(out)
    }

    /// The colours of the answer.
    pub(crate) fn paint(&self) -> Paint {
        self.out
    }

    /// The colours of the story.
    pub(crate) fn story_paint(&self) -> Paint {
        self.err
    }

    /// Whether the answer is JSON.
    pub(crate) fn json(&self) -> bool {
        self.mode == Mode::Json
    }

    /// Whether progress has somebody to look at it.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether a question can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The answer, or a part of it.
    pub(crate) fn answer(&self, text: &str) -> io::Result<()> {
        let text = if self.json() { Cow::Borrowed(text) } else { self.addressed(text) };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// An answer that is not for people, byte for byte.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// A line of the story. Not told to those who want it quiet.
    pub(crate) fn story(&self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Something that everybody should know: errors, warnings.
    pub(crate) fn tell(&self, text: &str) {
        // When nobody listens to stderr there is nobody to tell that to.
        let text = if self.json() { Cow::Borrowed(text) } else { self.addressed(text) };
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A question; the answer is typed behind it.
    pub(crate) fn prompt(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Where data is streamed to. On a terminal, what would act on it is shown as an escape instead.
    pub(crate) fn data(&self) -> Data {
        let out = io::stdout();
        let terminal = out.is_terminal();
        Data { out: io::BufWriter::with_capacity(64 * 1024, out), terminal }
    }
}

/// A stream of data on stdout. Takes whole characters, as texts.
pub(crate) struct Data {
    out: io::BufWriter<io::Stdout>,
    terminal: bool,
}

impl Data {
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.terminal || !text.chars().any(|it| hostile(it) && !matches!(it, '\n' | '\r' | '\t')) {
            return self.out.write_all(text.as_bytes());
        }
        for letter in text.chars() {
            if hostile(letter) && !matches!(letter, '\n' | '\r' | '\t') {
                write!(self.out, "{}", letter.escape_default())?;
            } else {
                write!(self.out, "{letter}")?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_type_next_is_for_the_same_tenant() {
        let plain = Printer::new(Mode::Text, false, ColorChoice::Never);
        let acme = plain.of_tenant("acme");
        let text = "next: `userload sync a`, or `userload runs show --tenant b`; userload loads people";
        assert_eq!(plain.addressed(text), text);
        assert_eq!(
            acme.addressed(text),
            "next: `userload --tenant acme sync a`, or `userload runs show --tenant b`; userload loads people"
        );
        assert_eq!(acme.commands("userload check a; userload plan a").matches("--tenant acme").count(), 2);
    }
}
