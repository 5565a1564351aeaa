//! `userload demo`: where the demonstration lives. What it tells is in [`super::story`].

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::exit::ExitStatus;
use super::session::Session;
use super::story;
use super::trouble::Trouble;
use crate::model::Clock;

/// Starts a simulated directory, makes a credential and an integration, and tells what happens: a first
/// load, a day of changes, and two disasters that look alike.
///
/// It leaves its folder behind, for you to go on exploring.
///
/// Example: userload demo --folder /tmp/userload-demo
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// People in the simulated directory
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    people: u32,
    /// Where the demonstration lives; a folder of an earlier one is made anew
    #[arg(long, value_name = "DIR", default_value = "userload-demo")]
    folder: PathBuf,
}

/// Tells a folder of a demonstration from one that somebody needs.
const MARK: &str = "this-is-a-demonstration";

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    let home = &arguments.folder;
    if home.exists() {
        let empty = home.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        if !empty && !home.join(MARK).exists() {
            return Err(Trouble::usage(format!(
                "`{}` is there already, and not from a demonstration",
                home.display()
            ))
            .help("give another folder: `userload demo --folder DIR`")
            .into());
        }
        std::fs::remove_dir_all(home).with_context(|| format!("cannot clear `{}`", home.display()))?;
    }
    crate::credential::make_private_folder(home)
        .with_context(|| format!("cannot make the folder `{}`", home.display()))?;
    std::fs::write(home.join(MARK), "").with_context(|| format!("cannot write to `{}`", home.display()))?;
    let mut own = Session {
        home: home.clone(),
        tenant: "default".to_owned(),
        tenant_given: false,
        clock: Clock::Fixed(session.now()),
        plugin: session.plugin.clone(),
        printer: session.printer,
        sites: Default::default(),
        pinned: Default::default(),
    };
    story::tell(&mut own, arguments.people as usize)?;
    Ok(ExitStatus::Done)
}
