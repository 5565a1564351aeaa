//! The commands, and the way from arguments to an exit status.

use std::ffi::OsString;
use std::path::PathBuf;

use anstream::ColorChoice;
use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use super::exit::ExitStatus;
use super::output::{Mode, Printer};
use super::session::{Session, default_home};
use super::trouble::{self, Trouble};
use super::{
    credential, demo, fields, held, init, integration, mapping, people, plugin, run, runs, saas, status,
    undo, why,
};
use crate::config::is_sound_name;
use crate::model::Clock;

/// Loads people from Microsoft Entra ID into a people directory, through a sandboxed plugin.
///
/// Without a command it shows how things stand (`userload status`).
#[derive(Debug, Parser)]
#[command(name = "userload", version, max_term_width = 100)]
#[command(
    after_help = "Begin:  userload demo                      a story on a simulated directory\n        \
    userload init                      a credential, a draft, then: check, plan, launch, sync\n\n\
    Exit codes: 0 done, 1 failed, 2 usage or configuration,\n            \
    3 newly held or incomplete listing, 4 failed rows"
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "For every command")]
struct Global {
    /// Folder of the store and the key [default: the platform's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "USERLOAD_HOME", hide_env_values = true)]
    home: Option<PathBuf>,
    /// Whose people: one store can serve many tenants [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    tenant: Option<String>,
    /// Answer in JSON, with a version in it
    #[arg(long, global = true)]
    json: bool,
    /// Use this component instead of the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Only answers, warnings and errors
    #[arg(long, short, global = true)]
    quiet: bool,
    /// When to colour; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// The time that it is, RFC 3339: for tests and demonstrations.
    #[arg(long, global = true, hide = true, env = "USERLOAD_CLOCK", hide_env_values = true)]
    clock: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell a story on a simulated directory of 2,000 people
    ///
    /// Makes a credential and an integration for it, then shows a first load, a day of changes, and two
    /// disasters that look alike. It leaves its folder behind, for you to go on exploring.
    ///
    /// Example: userload demo --home /tmp/userload-demo
    Demo(demo::Arguments),
    /// Begin: prove a credential, propose a mapping, and save a draft
    ///
    /// Asks for what no flag says, when there is a terminal: arrow keys choose, the secret is not shown. Proves the credential at the source, reads a sample,
    /// proposes mapping and match keys, counts who is there, tells who is in the directory already, writes the
    /// document to a file, saves it as a draft, and says what is missing before launch. It launches nothing and
    /// changes no person; when the credential cannot be proven, it saves nothing.
    ///
    /// Example: userload init contoso --tenant-id contoso.example --client-id 6731de76-… --secret-file secret.txt
    /// --access-role Employee
    Init(Box<init::Arguments>),
    /// Show how things stand: integrations, last runs, what is held, what to do next
    Status,
    /// Keep what opens a source: add, list, test, edit, remove
    #[command(subcommand)]
    Credential(Box<credential::Command>),
    /// Keep what is loaded and how: save, list, show, remove
    #[command(subcommand)]
    Integration(integration::Command),
    /// Mappings: propose, show, change, try
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// Look whether an integration can run; changes nothing
    ///
    /// Example: userload check contoso
    Check(run::Which),
    /// Turn a draft into an integration whose runs may be applied
    ///
    /// Example: userload launch contoso
    Launch(run::Which),
    /// Read the source and show what would change; changes nobody
    ///
    /// A draft can be planned too.
    ///
    /// Example: userload plan contoso --csv > changes.csv
    Plan(run::PlanArguments),
    /// Apply a plan
    ///
    /// People who changed since the plan are left out and listed; nobody is deactivated without being asked
    /// about again.
    ///
    /// Example: userload apply 7
    Apply(run::ApplyArguments),
    /// Read the source and apply what is safe; hold the rest
    ///
    /// With --all every launched integration of every tenant runs in this one process, several tenants at a time; what
    /// goes wrong in one changes nothing in another. Integrations of one tenant run one after the other, in the order
    /// of their names, because they share people. The exit code is the worst one.
    ///
    /// Example: userload sync contoso
    ///
    /// Example: userload sync --all --jobs 8
    Sync(run::SyncArguments),
    /// What waits for you to decide: list, show, approve, reject, decide
    #[command(subcommand)]
    Held(held::Command),
    /// Fields that people have: list, and add, rename, remove your own
    #[command(subcommand)]
    Fields(fields::Command),
    /// People: list, show, import, export, set, lock, unlink, merge, erase
    #[command(subcommand)]
    People(people::Command),
    /// Take back what a run did, whole or in part; the next night does not do it again
    ///
    /// What was edited since is kept and listed. What comes back is pinned until the source says something else
    /// (`userload people unpin`). An undo is a run, and can be undone.
    ///
    /// Exit code 4: some of it could not be undone.
    ///
    /// Example: userload undo 12 --only deactivated --dry-run
    Undo(undo::Arguments),
    /// SaaS applications and their users: list, users, link, catalog
    #[command(subcommand)]
    Saas(saas::Command),
    /// Tell why somebody is as they are, and what comes next
    ///
    /// For the last run or a given one: the source's record, the filter, each field with its rule and its
    /// history, who the record is, what was decided, what is open. It works for people who were skipped, held,
    /// ambiguous or never seen as well. Nothing is written, and nothing sent unless --ask is given.
    ///
    /// Example: userload why ana.perez@contoso.example --run 7
    Why(why::Arguments),
    /// Runs: list, show
    #[command(subcommand)]
    Runs(runs::Command),
    /// The component that talks to the source
    #[command(subcommand)]
    Plugin(plugin::Command),
}

/// Does what the arguments say.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitStatus {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody knows yet what was meant, but who asks for JSON gets it.
            if error.use_stderr() && arguments.iter().any(|it| it == "--json") {
                let printer = Printer::new(Mode::Json, false, ColorChoice::Never);
                printer.tell(&mistyped(&error));
                return ExitStatus::Usage;
            }
            // Help and version come this way too, and go to stdout.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    let colour = match arguments.global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let mode = if arguments.global.json { Mode::Json } else { Mode::Text };
    let printer = Printer::new(mode, arguments.global.quiet, colour);
    let printer = match arguments.global.tenant.as_deref() {
        Some(tenant) if is_sound_name(tenant) => printer.of_tenant(tenant),
        _ => printer,
    };
    let done = session(arguments.global, printer).and_then(|session| dispatch(&session, arguments.command));
    match done {
        Ok(status) => status,
        Err(error) if trouble::nobody_reads(&error) => ExitStatus::Done,
        Err(error) => {
            if printer.json() {
                printer.tell(&trouble::object(&error));
            } else {
                printer.tell(&trouble::describe(&error, printer.story_paint()));
            }
            trouble::exit(&error)
        }
    }
}

/// What is wrong with the command line, as an object: its first paragraph is what happened, the rest helps.
fn mistyped(error: &clap::Error) -> String {
    let text = error.to_string();
    let (what, rest) = text.split_once("\n\n").unwrap_or((text.as_str(), ""));
    let what = what.trim().trim_start_matches("error: ");
    trouble::object_of(what, Some(rest.trim()).filter(|it| !it.is_empty()))
}

fn session(global: Global, printer: Printer) -> Result<Session> {
    let home = global.home.or_else(default_home).ok_or_else(|| {
        Trouble::usage("there is no folder for data here").help("give one: `--home DIR` or USERLOAD_HOME")
    })?;
    let tenant_given = global.tenant.is_some();
    let tenant = global.tenant.unwrap_or_else(|| "default".to_owned());
    if !is_sound_name(&tenant) {
        return Err(Trouble::usage(format!(
            "`{}` is no tenant's name, expected letters, digits, `.`, `_` and `-`",
            tenant.escape_debug()
        ))
        .into());
    }
    let clock = match global.clock.as_deref().filter(|text| !text.is_empty()) {
        None => Clock::System,
        Some(text) => Clock::fixed(text).map_err(|error| {
            Trouble::usage(format!("USERLOAD_CLOCK is no time: {error}"))
                .help("expected RFC 3339, such as 2026-11-23T04:05:06Z")
        })?,
    };
    Ok(Session {
        home,
        tenant,
        tenant_given,
        clock,
        plugin: global.plugin,
        printer,
        sites: Default::default(),
        pinned: Default::default(),
    })
}

fn dispatch(session: &Session, command: Option<Command>) -> Result<ExitStatus> {
    match command.unwrap_or(Command::Status) {
        Command::Demo(arguments) => demo::run(session, &arguments),
        Command::Init(arguments) => init::run(session, *arguments),
        Command::Status => status::run(session),
        Command::Credential(command) => credential::run(session, *command),
        Command::Integration(command) => integration::run(session, command),
        Command::Mapping(command) => mapping::run(session, command),
        Command::Check(which) => run::check(session, &which),
        Command::Launch(which) => run::launch(session, &which),
        Command::Plan(arguments) => run::plan(session, &arguments),
        Command::Apply(arguments) => run::apply(session, &arguments),
        Command::Sync(arguments) => run::sync(session, &arguments),
        Command::Held(command) => held::run(session, command),
        Command::Fields(command) => fields::run(session, command),
        Command::People(command) => people::run(session, command),
        Command::Undo(arguments) => undo::run(session, &arguments),
        Command::Saas(command) => saas::run(session, command),
        Command::Why(arguments) => why::run(session, &arguments),
        Command::Runs(command) => runs::run(session, command),
        Command::Plugin(command) => plugin::run(session, command),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_sound() {
        super::Arguments::command().debug_assert();
    }

    /// Help is wrapped at 100 columns, and an example that is wrapped cannot be copied.
    #[test]
    fn no_example_is_wrapped() {
        let mut commands = vec![super::Arguments::command()];
        let mut seen = 0;
        while let Some(command) = commands.pop() {
            for text in [command.get_after_help(), command.get_after_long_help()].into_iter().flatten() {
                seen += 1;
                for line in text.to_string().lines() {
                    assert!(line.chars().count() <= 98, "{}: {line}", command.get_name());
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(seen >= 3, "{seen} texts");
    }
}
