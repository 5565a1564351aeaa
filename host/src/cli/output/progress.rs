//! Progress of a run, on a terminal only.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;
use crate::sync::Progress;

/// One bar on stderr, with rate and remaining time. Where stderr is no terminal only the notes are told.
pub(crate) struct Bars {
    printer: Printer,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, bar: Mutex::new(None) }
    }

    /// Takes the bar away, so that the answer stands alone.
    pub(crate) fn done(&self) {
        if let Some(bar) = self.take(None) {
            bar.finish_and_clear();
        }
    }

    /// Puts another bar, or none, in the place of the present one.
    fn take(&self, next: Option<ProgressBar>) -> Option<ProgressBar> {
        let mut bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::replace(&mut *bar, next)
    }

    fn with(&self, what: impl FnOnce(&ProgressBar)) -> bool {
        let bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        bar.as_ref().map(what).is_some()
    }
}

/// With a total there is a bar; without one only what is done can be counted.
const KNOWN: &str = "{msg:<12} {wide_bar} {human_pos} of {human_len}  {per_sec}  {eta} left";
const UNKNOWN: &str = "{msg:<12} {spinner} {human_pos}  {per_sec}  {elapsed}";

impl Progress for Bars {
    fn stage(&self, name: &str, total: Option<u64>) {
        if !self.printer.shows_progress() {
            return;
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = if total.is_some() { KNOWN } else { UNKNOWN };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if let Some(before) = self.take(Some(bar)) {
            before.finish_and_clear();
        }
    }

    fn advance(&self, people: u64) {
        self.with(|bar| bar.inc(people));
    }

    fn note(&self, text: &str) {
        let text = super::shown(text).into_owned();
        if !self.with(|bar| bar.println(&text)) {
            self.printer.story(&text);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.done();
    }
}
