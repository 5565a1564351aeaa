//! `userload plugin`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::exit::ExitStatus;
use super::output::json_v1::Answer;
use super::output::{Column, Paint, Table, number, shown};
use super::services::{self, PluginInfo};
use super::session::Session;
use super::site::digest_of;
use crate::config::plugin_of;
use crate::engine::compile_as_child;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what a plugin is, takes and asks for
    ///
    /// Example: userload plugin inspect other.wasm
    Inspect {
        /// The component; without one, what `--plugin` names, else the built-in one
        file: Option<PathBuf>,
    },
    /// Look whether the plugin of each integration is the one that is pinned, and can be used
    ///
    /// Example: userload plugin verify
    Verify,
    /// Compiles what comes through standard input; this program calls itself so
    #[command(hide = true)]
    Compile,
}

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    let file = match command {
        Command::Inspect { file } => file,
        Command::Verify => return verify(session),
        Command::Compile => {
            session.printer.bytes(&compile_as_child(std::io::stdin().lock())?)?;
            return Ok(ExitStatus::Done);
        }
    };
    let info = services::inspect_plugin(session, file.as_deref().or(session.plugin.as_deref()))?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("plugin", &info).text()?)?;
    } else {
        session.printer.answer(&render(&info, session.printer.paint()))?;
    }
    Ok(ExitStatus::Done)
}

/// One integration's plugin.
#[derive(Serialize)]
struct Verified {
    integration: String,
    /// None = built in.
    file: Option<String>,
    pinned: Option<String>,
    found: Option<String>,
    problem: Option<String>,
}

fn verify(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let mut lines = Vec::new();
    for row in store.integrations()? {
        let pin = plugin_of(&row.document);
        let loaded = session.site_of(pin.as_ref());
        let found = match &pin {
            Some(pin) => digest_of(&session.home, pin).ok(),
            None => loaded.as_ref().ok().map(|site| site.plugin.digest().to_owned()),
        };
        lines.push(Verified {
            integration: row.name,
            file: pin.as_ref().map(|it| it.file.display().to_string()),
            pinned: pin.map(|it| it.sha256),
            found,
            problem: loaded.err().map(|error| format!("{error:#}")),
        });
    }
    let bad = lines.iter().any(|it| it.problem.is_some());
    if session.printer.json() {
        session.printer.answer(&Answer::new("plugins", &lines).text()?)?;
    } else {
        let mut table = Table::new(&[
            Column::Text("Integration"),
            Column::Text("Plugin"),
            Column::Text("SHA-256"),
            Column::Text("Verdict"),
        ]);
        for line in &lines {
            table.row([
                shown(&line.integration).as_ref(),
                line.file.as_deref().map_or_else(|| "built in".into(), shown).as_ref(),
                line.found.as_deref().unwrap_or_default(),
                if line.problem.is_some() { "problem" } else { "ok" },
            ]);
        }
        session.printer.answer(&table.render(0, session.printer.paint()))?;
        for (name, problem) in lines.iter().filter_map(|it| Some((&it.integration, it.problem.as_ref()?))) {
            session.printer.tell(&format!("{}: {}", shown(name), shown(problem)));
        }
    }
    Ok(if bad { ExitStatus::Usage } else { ExitStatus::Done })
}

fn render(info: &PluginInfo, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.bold(&shown(&info.application)));
    let mut facts = Table::new(&[Column::Text(""), Column::Text("")]);
    facts.row(["component", info.file.as_deref().map_or_else(|| "built in".into(), shown).as_ref()]);
    facts.row(["contract", shown(&info.contract).as_ref()]);
    facts.row(["size", &format!("{} bytes", number(info.size))]);
    facts.row(["sha-256", &info.digest]);
    for (at, name) in info.integrations.iter().enumerate() {
        facts.row([if at == 0 { "integrations" } else { "" }, shown(name).as_ref()]);
    }
    text.push_str(&facts.render(2, paint));
    let mut list = |title: &str, items: &[String]| {
        text.push_str(&format!("\n{}\n", paint.bold(title)));
        for item in items {
            text.push_str(&format!("  {}\n", shown(item)));
        }
        if items.is_empty() {
            text.push_str("  nothing\n");
        }
    };
    list("It imports", &info.imports);
    list("It wants to reach", &info.origins);
    list("It asks for the secrets", &info.secrets);
    text.push_str(&format!("\n{}\n", paint.bold("Settings of its credential")));
    let mut settings = Table::new(&[Column::Text(""), Column::Text("")]);
    for (name, what) in &info.settings {
        settings.row([shown(name), shown(what)]);
    }
    text.push_str(&settings.render(2, paint));
    text.push('\n');
    let mut fields = Table::new(&[
        Column::Text("Field of the source"),
        Column::Text("Label"),
        Column::Text("Type"),
        Column::Text("Suggested target"),
    ]);
    for (field, target) in &info.fields {
        fields.row([
            shown(&field.path).as_ref(),
            shown(&field.label).as_ref(),
            &format!("{:?}", field.value_type).to_lowercase(),
            target.as_deref().unwrap_or(""),
        ]);
    }
    text.push_str(&fields.render(0, paint));
    text
}
