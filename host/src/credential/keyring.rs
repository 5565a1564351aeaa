//! Secrets in the operating system's keyring, by the system's own tool: `secret-tool` of libsecret (GNOME Keyring,
//! KWallet, KeePassXC: whatever serves the Secret Service), `security` on macOS.
//!
//! A subprocess and no library: the one that the field uses brings fifty crates and a second asynchronous runtime into
//! a program that has none but its own, for what is read once in a run. A secret goes to the tool over its standard
//! input and comes back over its standard output; it is never an argument. Time and output are bounded.

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::key::VARIABLE;
use super::secret::SecretText;

/// The most that an entry may hold.
const LARGEST: usize = 16 * 1024;

/// How long the tool may take. A keyring that is locked asks its owner for a password first.
const LIMIT: Duration = Duration::from_secs(60);

/// What entries of ours are marked with.
const SERVICE: &str = "userload";

/// Why the keyring does not help. Quotes nothing of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// This system has none that can be used.
    #[error("the keyring of this operating system cannot be used")]
    Unsupported,
    /// The tool is not installed.
    #[error("the operating system's keyring needs the program `{0}`, which is not installed")]
    NoTool(&'static str),
    /// Nobody serves a keyring to this session.
    #[error("no keyring answers in this session: {0}")]
    NoService(String),
    /// It is locked, and nobody unlocks it.
    #[error("the operating system's keyring is locked")]
    Locked,
    /// It has no such entry.
    #[error("the operating system's keyring has no entry `{0}`, or is locked")]
    Absent(String),
    /// The tool did not end.
    #[error("the operating system's keyring did not answer within {0:?}")]
    Slow(Duration),
    /// What it gives is not what was put there.
    #[error("the operating system's keyring does not keep this secret as it is")]
    Changed,
    /// Anything else, in the tool's own words.
    #[error("the operating system's keyring: {0}")]
    Other(String),
}

impl KeyringError {
    /// What to type next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        const FILE: &str =
            "or keep the secret in a file of yours: `userload credential edit NAME --from-file FILE`";
        Some(match self {
            Self::Unsupported => {
                "keep the secret in a file of yours: `userload credential edit NAME --from-file FILE`"
                    .to_owned()
            }
            Self::NoTool("secret-tool") => {
                format!("install it: `apt-get install libsecret-tools` or `dnf install libsecret`; {FILE}")
            }
            Self::NoService(_) => format!(
                "run userload in the session of the person whose keyring it is (DBUS_SESSION_BUS_ADDRESS says which); {FILE}"
            ),
            Self::Locked => format!("unlock it, by logging in or in its own window, and try again; {FILE}"),
            Self::Absent(_) => {
                "unlock it, or put the secret there again: `userload credential edit NAME --keyring`"
                    .to_owned()
            }
            Self::Slow(_) => format!("it may be asking for a password in a window; {FILE}"),
            Self::NoTool(_) | Self::Changed | Self::Other(_) => FILE.trim_start_matches("or ").to_owned(),
        })
    }
}

/// A name for an entry that no other credential, of this home or another, has.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_entry(credential: &str) -> Result<String, getrandom::Error> {
    let mut mark = [0_u8; 4];
    getrandom::fill(&mut mark)?;
    Ok(format!("{credential}-{}", mark.map(|byte| format!("{byte:02x}")).concat()))
}

/// Puts a secret into the keyring, in the place of what the entry held, and looks whether it is there.
///
/// # Errors
/// When it is not there afterwards.
pub fn keep(entry: &str, secret: &SecretText) -> Result<(), KeyringError> {
    Tool::of_this_system()?.keep(entry, secret)
}

/// The secret of an entry.
///
/// # Errors
/// When the keyring does not give it.
pub fn find(entry: &str) -> Result<SecretText, KeyringError> {
    Tool::of_this_system()?.find(entry)
}

/// Removes an entry; one that is not there is no error.
///
/// # Errors
/// When the keyring does not remove it.
pub fn forget(entry: &str) -> Result<(), KeyringError> {
    Tool::of_this_system()?.forget(entry)
}

/// The tool of a system.
struct Tool {
    kind: Kind,
    program: &'static str,
    limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SecretService,
    Keychain,
}

/// What the tool said.
struct Said {
    status: ExitStatus,
    out: Zeroizing<Vec<u8>>,
    err: String,
}

impl Tool {
    fn of_this_system() -> Result<Self, KeyringError> {
        let (kind, program) = if cfg!(target_os = "macos") {
            (Kind::Keychain, "security")
        } else if cfg!(unix) {
            (Kind::SecretService, "secret-tool")
        } else {
            return Err(KeyringError::Unsupported);
        };
        Ok(Self { kind, program, limit: LIMIT })
    }

    fn keep(&self, entry: &str, secret: &SecretText) -> Result<(), KeyringError> {
        let (arguments, input) = self.keeping(entry, secret);
        let said = self.run(&arguments, &input)?;
        if !said.status.success() {
            return Err(self.fault(entry, &said));
        }
        // One of the tools ends well whatever happened.
        match self.find(entry) {
            Ok(kept) if kept.expose() == secret.expose() => Ok(()),
            Ok(_) => {
                drop(self.forget(entry));
                Err(KeyringError::Changed)
            }
            Err(KeyringError::Absent(_)) if !said.err.is_empty() => Err(self.fault(entry, &said)),
            Err(error) => Err(error),
        }
    }

    /// What it is called with, and what goes over its standard input.
    fn keeping(&self, entry: &str, secret: &SecretText) -> (Vec<String>, Zeroizing<String>) {
        match self.kind {
            Kind::SecretService => {
                let mut words = vec!["store".to_owned(), format!("--label={SERVICE}: {entry}")];
                words.extend(attributes(entry));
                (words, Zeroizing::new(secret.expose().to_owned()))
            }
            // Its commands come over standard input, so that the secret is no argument; hexadecimal needs no quotes.
            Kind::Keychain => {
                let mut input =
                    Zeroizing::new(format!("add-generic-password -U -s {SERVICE} -a {entry} -X "));
                secret.expose().bytes().for_each(|byte| input.push_str(&format!("{byte:02x}")));
                input.push('\n');
                (vec!["-i".to_owned()], input)
            }
        }
    }

    fn find(&self, entry: &str) -> Result<SecretText, KeyringError> {
        let said = self.run(&self.calling("lookup", "find-generic-password", entry, &["-w"]), "")?;
        if !said.status.success() {
            return Err(self.fault(entry, &said));
        }
        if said.out.len() > LARGEST {
            return Err(KeyringError::Other(format!("the entry `{entry}` holds more than {LARGEST} bytes")));
        }
        let text = std::str::from_utf8(&said.out).map_err(|_| KeyringError::Changed)?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(KeyringError::Absent(entry.to_owned()));
        }
        Ok(SecretText::new(text.to_owned()))
    }

    fn forget(&self, entry: &str) -> Result<(), KeyringError> {
        let said = self.run(&self.calling("clear", "delete-generic-password", entry, &[]), "")?;
        match self.fault(entry, &said) {
            _ if said.status.success() => Ok(()),
            KeyringError::Absent(_) => Ok(()),
            error => Err(error),
        }
    }

    fn calling(&self, service: &str, keychain: &str, entry: &str, more: &[&str]) -> Vec<String> {
        match self.kind {
            Kind::SecretService => std::iter::once(service.to_owned()).chain(attributes(entry)).collect(),
            Kind::Keychain => {
                let words = [keychain, "-s", SERVICE, "-a", entry].into_iter().chain(more.iter().copied());
                words.map(str::to_owned).collect()
            }
        }
    }

    /// What a failure means; the tools have no codes for most of it.
    fn fault(&self, entry: &str, said: &Said) -> KeyringError {
        let err = said.err.as_str();
        let small = err.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
        match self.kind {
            Kind::SecretService if err.is_empty() => KeyringError::Absent(entry.to_owned()),
            Kind::Keychain if said.status.code() == Some(44) || says(&["could not be found"]) => {
                KeyringError::Absent(entry.to_owned())
            }
            _ if says(&["locked", "user interaction is not allowed", "dismissed"]) => KeyringError::Locked,
            _ if says(&["d-bus", "dbus", "org.freedesktop.secrets", "object does not exist", "connect"]) => {
                KeyringError::NoService(err.to_owned())
            }
            _ if err.is_empty() => KeyringError::Other(said.status.to_string()),
            _ => KeyringError::Other(err.to_owned()),
        }
    }

    fn run(&self, arguments: &[String], input: &str) -> Result<Said, KeyringError> {
        let mut command = Command::new(self.program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // It has no use for the key of the store.
        command.env_remove(VARIABLE);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => KeyringError::NoTool(self.program),
            _ => KeyringError::Other(format!("`{}` cannot be started: {error}", self.program)),
        })?;
        let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
        if let Some(mut stdin) = child.stdin.take() {
            let input = Zeroizing::new(input.to_owned());
            // A tool that does not read must not stop us; one that ended says so by its status.
            std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        }
        let until = Instant::now() + self.limit;
        let status = wait(&mut child, until).ok_or(KeyringError::Slow(self.limit))?;
        let left = |from: mpsc::Receiver<_>| {
            from.recv_timeout(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(100)))
        };
        let (Ok(out), Ok(err)) = (left(out), left(err)) else { return Err(KeyringError::Slow(self.limit)) };
        Ok(Said { status, out, err: last_words(&err) })
    }
}

fn attributes(entry: &str) -> impl Iterator<Item = String> {
    ["service", SERVICE, "entry", entry].map(str::to_owned).into_iter()
}

/// Its last line: libraries say other things before it. Without what would act on a terminal.
fn last_words(err: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let line = text.lines().map(str::trim).rfind(|it| !it.is_empty()).unwrap_or_default();
    line.chars().filter(|it| !it.is_control()).take(200).collect()
}

/// Reads to the end in a thread of its own, and keeps no more than an entry may hold.
fn reader(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        // With room for all of it, so that no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
        if let Some(mut from) = from {
            drop(from.by_ref().take(LARGEST as u64 + 1).read_to_end(&mut bytes));
            drop(std::io::copy(&mut from, &mut std::io::sink()));
        }
        drop(tell.send(bytes));
    });
    told
}

/// Its end; none when it took too long, and was ended.
fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= until {
            drop(child.kill());
            drop(child.wait());
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(kind: Kind, program: &'static str, limit: Duration) -> Tool {
        Tool { kind, program, limit }
    }

    #[test]
    fn no_argument_holds_the_secret() {
        let secret = SecretText::new("s3cret \"quoted\" value".to_owned());
        for (kind, hidden) in [(Kind::SecretService, "s3cret"), (Kind::Keychain, "733363726574")] {
            let (arguments, input) = tool(kind, "x", LIMIT).keeping("entra-1", &secret);
            let arguments = arguments.join(" ");
            assert!(!arguments.contains("s3cret") && !arguments.contains("7333"), "{arguments}");
            assert!(input.contains(hidden));
        }
        let (arguments, input) =
            tool(Kind::Keychain, "x", LIMIT).keeping("entra-1", &SecretText::new("ab".into()));
        assert_eq!(
            (arguments.join(" ").as_str(), input.as_str()),
            ("-i", "add-generic-password -U -s userload -a entra-1 -X 6162\n")
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_a_tool_says_is_told_apart() {
        use std::os::unix::process::ExitStatusExt as _;
        let fault = |kind, code: i32, err: &str| {
            let said = Said {
                status: ExitStatus::from_raw(code << 8),
                out: Zeroizing::default(),
                err: last_words(err.as_bytes()),
            };
            tool(kind, "x", LIMIT).fault("e", &said)
        };
        use KeyringError as E;
        let service = Kind::SecretService;
        assert!(matches!(fault(service, 1, ""), E::Absent(_)));
        let locked = "Gtk-WARNING **: cannot open display\nsecret-tool: Cannot create an item in a locked collection\n";
        assert!(matches!(fault(service, 1, locked), E::Locked));
        for none in [
            "secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY",
            "secret-tool: The name org.freedesktop.secrets was not provided by any .service files",
            "secret-tool: Object does not exist at path “/org/freedesktop/secrets/collection/login”",
            "secret-tool: Could not connect: Connection refused",
        ] {
            assert!(matches!(fault(service, 1, none), E::NoService(_)), "{none}");
        }
        assert!(
            matches!(fault(service, 2, "usage: \u{1b}[31msecret-tool"), E::Other(it) if it == "usage: [31msecret-tool")
        );
        assert!(matches!(fault(Kind::Keychain, 44, "security: SecKeychainSearchCopyNext: …"), E::Absent(_)));
        assert!(matches!(fault(Kind::Keychain, 36, "User interaction is not allowed."), E::Locked));
    }

    #[cfg(unix)]
    #[test]
    fn a_tool_that_does_not_end_and_one_that_is_not_there_are_told() {
        let sleeper = tool(Kind::SecretService, "sleep", Duration::from_millis(50));
        assert!(matches!(sleeper.run(&["60".to_owned()], ""), Err(KeyringError::Slow(_))));
        let none = tool(Kind::SecretService, "userload-has-no-such-tool", LIMIT);
        assert!(matches!(none.find("e"), Err(KeyringError::NoTool(_))));
        // A flood is bounded.
        let flood = tool(Kind::SecretService, "head", LIMIT);
        let said = flood.run(&["-c".to_owned(), "1000000".to_owned(), "/dev/zero".to_owned()], "").unwrap();
        assert_eq!(said.out.len(), LARGEST + 1);
    }

    #[test]
    fn an_entry_is_named_for_one_credential_alone() {
        let (one, other) = (new_entry("entra").unwrap(), new_entry("entra").unwrap());
        assert!(one.starts_with("entra-") && one.len() == 14 && one != other);
    }
}
