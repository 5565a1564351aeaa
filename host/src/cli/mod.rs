//! The command line: arguments in, answers out. Nothing but this prints.
//!
//! One file for each group of commands; `services.rs` is where they meet runs and plugins; `output/` is how
//! answers look.

mod arguments;
mod check;
mod credential;
mod demo;
mod exit;
mod fields;
mod held;
mod integration;
mod output;
mod people;
mod people_file;
mod plugin;
mod proof;
mod run;
mod runs;
mod services;
mod session;
mod site;
mod status;
mod story;
mod trouble;
mod why;

pub use arguments::main;
pub use exit::ExitStatus;
pub use proof::{CheckItem, Verdict};
pub use services::PluginInfo;
pub use session::Session;
pub use trouble::Trouble;
