//! `userload init`: from nothing to a draft. Everything is known, proven and looked at before anything is
//! written; the parts are those of `credential add`, `check`, `mapping smart` and `integration save`.

mod answers;
mod document;
mod look;
mod questions;
mod save;
mod show;

use std::path::PathBuf;

use anyhow::Result;

use super::check as checks;
use super::credential_input::{KeyFile, Secret, Settings};
use super::credential_keep::Secrets;
use super::exit::ExitStatus;
use super::output::Bars;
use super::proof::CheckItem;
use super::session::Session;
use crate::credential::Credential;
use crate::store::CredentialRow;
use crate::sync::adoption::Adoption;
use crate::sync::sample::SAMPLE_USERS;
use answers::{answers, ask};
use look::{look, open};
use questions::{Ask, Asked};
use save::save;

/// Arguments of `init`: every question has one.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// What the integration is to be called
    #[arg(value_name = "INTEGRATION")]
    name: Option<String>,
    /// The credential: one that is there, or the name of the new one
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// What everybody whom it loads may do in the directory: Employee, Contractor, External, Guest
    #[arg(long, value_name = "ROLE")]
    access_role: Option<String>,
    /// Whom to load, in Graph's $filter [default: Default, which is everybody]
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Deactivate who is disabled or deleted at the source; off when left out
    #[arg(long)]
    deactivate: bool,
    /// Who wins where another integration fills the same fields: the highest
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1_000_000..=1_000_000))]
    priority: Option<i32>,
    /// Let it reach this origin, though it is private or without TLS; can be given several times
    #[arg(long = "grant", value_name = "ORIGIN")]
    grants: Vec<String>,
    /// How many users to look at
    #[arg(long, value_name = "COUNT", default_value_t = SAMPLE_USERS as u32, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    users: u32,
    /// Where the document goes [default: INTEGRATION.toml]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Overwrite that file
    #[arg(long)]
    force: bool,
    /// Print the document; write and save nothing
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    key: KeyFile,
}

/// The credential of the new integration.
enum Chosen {
    /// One that the store has.
    Known(String),
    /// One to be added.
    New(String),
}

/// Everything that was answered.
struct Answers {
    name: String,
    credential: Chosen,
    access_role: String,
    filter: Option<String>,
    file: PathBuf,
}

/// The credential, ready to be used and, when it is new, to be kept.
struct Opening {
    row: CredentialRow,
    credential: Credential,
    /// What the store is to keep of a new one.
    secrets: Option<Secrets>,
}

/// What was found out, of which the answer tells.
pub(super) struct Found {
    items: Vec<CheckItem>,
    heads: super::population::Heads,
    sample: crate::sync::sample::Sample,
    smart: crate::sync::mapping_smart::SmartMapping,
    adoption: Adoption,
    document: String,
    /// What a launch needs more.
    missing: Vec<String>,
}

pub(super) fn run(session: &Session, mut arguments: Arguments) -> Result<ExitStatus> {
    let mut at_terminal = |asked: &Asked<'_>| ask(session.printer, asked);
    let asks: Option<Ask<'_>> = if session.printer.can_ask() { Some(&mut at_terminal) } else { None };
    let answers = answers(session, &mut arguments, asks)?;
    let opening = open(session, &arguments, &answers)?;
    let bars = Bars::new(session.printer);
    let found = look(session, &arguments, &answers, &opening, &bars)?;
    bars.done();
    let found = match found {
        Ok(found) => found,
        Err(items) => {
            let status = checks::show(session, "Proof of the credential", &items)?;
            session.printer.story("nothing was saved; put it right, and type the same command again");
            return Ok(status);
        }
    };
    if arguments.dry_run {
        show::dry(session, &answers, &found)?;
        return Ok(ExitStatus::Done);
    }
    save(session, &arguments, &answers, opening, &found.document)?;
    show::saved(session, &answers, &found)?;
    Ok(ExitStatus::Done)
}
