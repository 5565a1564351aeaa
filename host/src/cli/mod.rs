//! The command line: arguments in, answers out. Nothing but this prints.
//!
//! One file for each group of commands; `services.rs` is where they meet runs and plugins; `output/` is how
//! answers look.

mod arguments;
mod check;
mod credential;
mod credential_end;
mod credential_foreign;
mod credential_input;
mod credential_keep;
mod credential_next;
mod credential_test;
mod demo;
mod exit;
mod fields;
mod hand;
mod held;
mod init;
mod installation;
mod integration;
mod integration_example;
mod integration_save;
mod interrupt;
mod mapping;
mod mapping_blast;
mod mapping_views;
mod output;
mod people;
mod people_file;
mod person_card;
mod plugin;
mod population;
mod proof;
mod run;
mod runs;
mod saas;
mod saas_users;
mod services;
mod session;
mod site;
mod status;
mod story;
mod sync_all;
mod trouble;
mod undo;
mod why;

pub use arguments::main;
pub use exit::ExitStatus;
pub use proof::{CheckItem, Verdict};
pub use services::PluginInfo;
pub use session::Session;
pub use trouble::Trouble;
