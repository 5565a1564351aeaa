//! Ctrl-C while a run is under way: it says how things stand before it ends the program.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use super::output::{Printer, show_cursor};
use super::trouble;
use crate::sync::Progress;

/// As a shell gives it for SIGINT.
const INTERRUPTED: i32 = 130;

const STOPPED: &str = "stopped: nobody was changed";
const GOES_ON: &str = "the next run goes on from there";

/// Nothing to say.
const IDLE: u8 = 0;
/// A run reads and judges: nobody is changed by stopping it.
const READING: u8 = 1;
/// One transaction is under way, which is over in a moment.
const APPLYING: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(IDLE);
static LISTENS: OnceLock<()> = OnceLock::new();

/// Watches over one run, and hears how far it is. Ctrl-C is as before when it is dropped.
pub(super) struct Watch<'a>(&'a dyn Progress);

impl<'a> Watch<'a> {
    /// Begins to watch; what the run says goes on to `progress`.
    pub(super) fn begin(printer: Printer, progress: &'a dyn Progress) -> Self {
        begin_to_listen(printer);
        STATE.store(READING, Ordering::SeqCst);
        Self(progress)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        STATE.store(IDLE, Ordering::SeqCst);
    }
}

impl Progress for Watch<'_> {
    fn stage(&self, name: &str, total: Option<u64>) {
        if name == "apply" {
            STATE.store(APPLYING, Ordering::SeqCst);
        }
        self.0.stage(name, total);
    }

    fn advance(&self, people: u64) {
        self.0.advance(people);
    }

    fn note(&self, text: &str) {
        self.0.note(text);
    }
}

/// Ctrl-C at a question that hides the cursor gives it back.
pub(super) fn listen_at_prompt(printer: Printer) {
    begin_to_listen(printer);
}

fn begin_to_listen(printer: Printer) {
    LISTENS.get_or_init(|| {
        // A machine that gives no thread has a Ctrl-C without words, as ever.
        let _ = std::thread::Builder::new().name("ctrl-c".into()).spawn(move || listen(printer));
    });
}

fn listen(printer: Printer) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let mut patient = true;
        while tokio::signal::ctrl_c().await.is_ok() {
            match STATE.load(Ordering::SeqCst) {
                // What is being written is one transaction: it is either there as a whole or not at all.
                APPLYING if patient => {
                    patient = false;
                    printer.tell(
                        "the run is being applied, which is over in a moment; Ctrl-C again ends it now",
                    );
                }
                state => stop(printer, state),
            }
        }
    });
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the run's threads wait for the network; the store is safe at any moment"
)]
fn stop(printer: Printer, state: u8) -> ! {
    show_cursor();
    match state {
        READING if printer.json() => printer.tell(&trouble::object_of(STOPPED, Some(GOES_ON))),
        READING => printer.tell(&format!("\n{STOPPED}; {GOES_ON}")),
        APPLYING => {
            printer.tell("stopped while the run was applied: `userload runs list` says whether it is")
        }
        _ => {}
    }
    std::process::exit(INTERRUPTED)
}
