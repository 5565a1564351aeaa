//! `userload demo`.

use anyhow::Result;

use super::exit::ExitStatus;
use super::services;
use super::session::Session;

/// Arguments of `demo`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// People in the simulated directory
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    people: u32,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    services::demo(session, arguments.people)?;
    Ok(ExitStatus::Done)
}
