//! Ctrl-C while a run is under way: it says how things stand before it ends the program.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::output::{Printer, show_cursor};
use super::trouble;
use crate::sync::Progress;

/// As a shell gives it for SIGINT.
const INTERRUPTED: i32 = 130;

const STOPPED: &str = "stopped: nobody was changed";
const STOPPED_MANY: &str = "stopped: the runs under way have changed nobody; those that had ended stand";
const GOES_ON: &str = "the next run goes on from there";

/// How things stand, of all runs together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to say.
    Idle,
    /// Runs read and judge: nobody is changed by stopping them.
    Reading,
    /// At least one transaction is under way, which is over in a moment.
    Applying,
}

static RUNS: AtomicUsize = AtomicUsize::new(0);
static APPLYING: AtomicUsize = AtomicUsize::new(0);
/// Runs of this process that have ended.
static ENDED: AtomicUsize = AtomicUsize::new(0);
static LISTENS: OnceLock<()> = OnceLock::new();

fn state() -> State {
    match (RUNS.load(Ordering::SeqCst), APPLYING.load(Ordering::SeqCst)) {
        (0, _) => State::Idle,
        (_, 0) => State::Reading,
        _ => State::Applying,
    }
}

/// Watches over one run, and hears how far it is. Ctrl-C is as before when the last one is dropped.
pub(super) struct Watch<'a> {
    progress: &'a dyn Progress,
    applies: AtomicBool,
}

impl<'a> Watch<'a> {
    /// Begins to watch; what the run says goes on to `progress`.
    pub(super) fn begin(printer: Printer, progress: &'a dyn Progress) -> Self {
        begin_to_listen(printer);
        RUNS.fetch_add(1, Ordering::SeqCst);
        Self { progress, applies: AtomicBool::new(false) }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if *self.applies.get_mut() {
            APPLYING.fetch_sub(1, Ordering::SeqCst);
        }
        ENDED.fetch_add(1, Ordering::SeqCst);
        RUNS.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Progress for Watch<'_> {
    fn stage(&self, name: &str, total: Option<u64>) {
        if name == "apply" && !self.applies.swap(true, Ordering::SeqCst) {
            APPLYING.fetch_add(1, Ordering::SeqCst);
        }
        self.progress.stage(name, total);
    }

    fn advance(&self, people: u64) {
        self.progress.advance(people);
    }

    fn note(&self, text: &str) {
        self.progress.note(text);
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
            match state() {
                // What is being written is one transaction: it is either there as a whole or not at all.
                State::Applying if patient => {
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
fn stop(printer: Printer, state: State) -> ! {
    show_cursor();
    let several = RUNS.load(Ordering::SeqCst) > 1 || ENDED.load(Ordering::SeqCst) > 0;
    let stopped = if several { STOPPED_MANY } else { STOPPED };
    match state {
        State::Reading if printer.json() => printer.tell(&trouble::object_of(stopped, Some(GOES_ON))),
        State::Reading => printer.tell(&format!("\n{stopped}; {GOES_ON}")),
        State::Applying => {
            printer.tell("stopped while the run was applied: `userload runs list` says whether it is")
        }
        State::Idle => {}
    }
    std::process::exit(INTERRUPTED)
}
