//! Questions at a terminal whose answers are not a typed line: a choice by arrow keys, and what nobody may see.

use std::io;

use dialoguer::console::Term;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Password, Select};

use super::Paint;

/// Whether the terminal can move its cursor, which a choice needs.
pub(crate) fn can_choose() -> bool {
    std::env::var_os("TERM").is_some_and(|it| !it.is_empty() && it != "dumb")
}

/// One of `choices`, by arrow keys and Enter; its index. `first` is the one that Enter alone takes.
pub(crate) fn choose(text: &str, choices: &[&str], first: usize, paint: Paint) -> io::Result<usize> {
    let theme: &dyn Theme = if paint.0 { &ColorfulTheme::default() } else { &SimpleTheme };
    let chosen = Select::with_theme(theme).with_prompt(text).items(choices).default(first);
    chosen.interact_on(&Term::stderr()).map_err(|dialoguer::Error::IO(error)| error)
}

/// A line that is typed and not shown; it may be empty.
pub(crate) fn masked(text: &str) -> io::Result<String> {
    let asked = Password::with_theme(&SimpleTheme).with_prompt(text).allow_empty_password(true).report(false);
    asked.interact_on(&Term::stderr()).map_err(|dialoguer::Error::IO(error)| error)
}

/// A choice hides the cursor; whoever leaves in the middle of one gets it back.
pub(crate) fn show_cursor() {
    let term = Term::stderr();
    if term.is_term() {
        drop(term.show_cursor());
    }
}
