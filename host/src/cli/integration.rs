//! `userload integration`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::exit::ExitStatus;
use super::integration_save::{save, tell_filter};
use super::output::json_v1::{Answer, moment};
use super::output::{Column, Table, count, number, shown, time};
use super::services;
use super::session::Session;
use crate::store::IntegrationRow;
use crate::sync::FilterCheck;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Save a document; shows what changed. Nothing is saved when anything is wrong with it
    #[command(after_long_help = EXAMPLE)]
    Save {
        /// The document (TOML); `-` reads standard input
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List integrations
    List,
    /// Show an integration's document
    ///
    /// Example: userload integration show contoso > contoso.toml
    Show {
        /// The integration; may be left out when there is only one
        name: Option<String>,
    },
    /// Remove an integration; its people and their history stay
    ///
    /// Example: userload integration remove contoso
    Remove {
        /// The integration
        name: String,
    },
}

const EXAMPLE: &str = r#"A document that says everything that has to be said:

  name = "contoso"
  credential = "entra"
  access-role = "Employee"

  [mapping]
  username = "User Principal Name"
  email = "Mail"
  display_name = "Display Name"
  department = "Department"

What has a default, and could be said as well:

  installation = "cloud"            # local: runs only on the machine that saved it
  mode = "create-and-update"        # create-only, update-only
  filter = "Default"                # or "employeeType in ('Admin', 'Staff')"
  deactivate = false                # deactivate and reactivate people at all
  reactivate = "own"                # always, never
  disabled-new = "create-inactive"  # skip
  on = { disabled = "deactivate", deleted = "deactivate", not-found = "deactivate", left-filter = "keep" }
  grace = { runs = 3, days = 3 }    # before "not found" counts
  match-keys = ["username", "email"]
  access-roles = ["Employee", "Contractor", "External", "Guest", "Administrator"]
  page-size = 999
  load = "users"                    # users-and-saas: SaaS users as well, then also:
  #   saas-application = "auto"     # the vendor's own; or one of `userload saas list`
  #   saas.role = "licences"        # directory-roles, or { app-roles = "APPLICATION-ID" }
  #   saas.deactivate = false, saas.idle-after-days = 60
  manager = false                   # true: read the manager's username into `manager`
  delta = false                     # true: read only what has changed, where Graph tells it (no filter, no sign-in
  #   activity), and list everybody at least every listing-days = 7 days, or listing-runs = 1000 runs
  # priority = 10, when two integrations fill one field: the highest wins
  # administrator-roles-from-source = ["Administrator"], when access_role is a field of the source
  # plugin = { file = "other.wasm", sha256 = "…" }, pinned: `userload plugin inspect other.wasm` shows the digest
  # grants = [{ origin = "http://127.0.0.1:8080", private = true }], where the plugin may send requests beside
  #   the credential's cloud. A line about an origin takes the place of what the cloud brings, so that it can be
  #   narrowed: { origin = "https://graph.microsoft.com", methods = ["GET", "POST"], paths = ["/v1.0"] }.
  #   "https://*.example.com" is every name with one more label
  # limits = { requests = 20_000, sent-mib = 256, received-mib = 16_384, cpu-seconds = 1_800,
  #   wall-minutes = 1_440, memory-mib = 64, log-kib = 256 }, what one run of the plugin may use
  # network = { proxy = "http://proxy.example:3128", ca-file = "/etc/ssl/company.pem" }
  # only-if = "employee_type in ['Staff', 'Admin'] and email is not blank": people are created and
  #   updated only where it is true of the mapped fields. Who is dropped stays as they are, and is
  #   never taken for absent; disabled at the source still deactivates.
  #   `userload check` prints such lines, and how many each leaves
  # guard.deactivate = { count = 5, percent = 2 }; deactivate-most, rename, clear, collapse
  # [[mapping-test]], a record and what becomes of it: `userload mapping test --help`

How a field can be filled, by one of:

  department = "Department"                       # a label or property of the source
  business_phone = "businessPhones[0]"            # a path: nested, items of lists, extensions
  cost_center = "onPremisesExtensionAttributes.extensionAttribute1"
  city = { source = "city", null = "keep" }       # a null: keep, clear (default), default
  office = { source = "officeLocation", default = "Home" }
  user_type = { constant = "Member" }
  email = { first = ["mail", "otherMails[0]"] }   # the first that is not empty
  display_name = { join = ["givenName", "surname"], separator = " " }
  office = { location = ["city", "state", "country"] }            # joined by ", "
  mail_nickname = "{{ mail.split('@')[0]|lower }}"                # an expression (Jinja), to a value
  job_title = { expression = "'VIP' if level >= 5 else jobTitle" }

What each of them may have beside:

  convert = "lower"                # or a list, in order: ["trim", "title", { prefix = "E" }]
    trim, squeeze, upper, lower, title, first-name, last-name, mail-local, mail-domain, digits,
    date, time, text, number, flag, blank-is-null,
    { lookup = { Sales = "S", IT = "I" }, else = "keep", ignore-case = true }   # else: null, fail
    { replace = "-", with = "" }, { prefix = "E" }, { suffix = "!" }, { truncate = 20 },
    { split = "-", part = 1 }, { date = "DD.MM.YYYY" }, { parse-date = "DD/MM/YYYY" }
  when = "userType != 'Guest'"     # the field is kept where it is not true of the source
  write = "on-create"              # only to new people; "if-empty": only where nothing is; "always"
  required = true                  # a row without a value fails

  In `expression` and `when` names are properties of the source, in `only-if` they are fields; what has no value
  is null there. ==, !=, <, in, and, or, not, ~, `A if B else C`; `number(level) > 3` compares a number.

  Filters and functions of expressions: default, text, number, lower, upper, title, capitalize, trim,
  replace, split, join, first, last, length, sort, min, max, starting, containing, ending; tests: defined,
  none, blank, string, number, starting, ending, containing. Numbers and texts that are passed on stay as
  they were sent. What does not fit fails its row, which then counts as present.

Fields of your own (`userload fields add "Cost unit"`) are mapped like the others, by name or label.

Example: userload integration save -f contoso.toml"#;

pub(super) fn run(session: &Session, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Save { file } => save(session, &file),
        Command::List => list(session),
        Command::Show { name } => show(session, name.as_deref()),
        Command::Remove { name } => remove(session, &name),
    }
}

/// An integration in a list.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    state: &'static str,
    credential: &'a str,
    launched_at: Option<String>,
    saved_at: String,
    linked_people: u64,
    last_applied_run: Option<i64>,
}

fn state(row: &IntegrationRow) -> &'static str {
    if row.launched_at.is_some() { "launched" } else { "draft" }
}

fn list(session: &Session) -> Result<ExitStatus> {
    let store = session.store()?;
    let rows = store.integrations()?;
    let linked = rows.iter().map(|row| store.linked(&row.name)).collect::<Result<Vec<u64>, _>>()?;
    if session.printer.json() {
        let lines: Vec<Line<'_>> = rows
            .iter()
            .zip(&linked)
            .map(|(row, linked)| Line {
                name: &row.name,
                state: state(row),
                credential: &row.credential,
                launched_at: row.launched_at.map(moment),
                saved_at: moment(row.saved_at),
                linked_people: *linked,
                last_applied_run: row.applied_run,
            })
            .collect();
        session.printer.answer(&Answer::new("integrations", lines).text()?)?;
        return Ok(ExitStatus::Done);
    }
    if rows.is_empty() {
        session.printer.answer("no integrations yet: `userload integration save -f FILE`")?;
        return Ok(ExitStatus::Done);
    }
    let mut table = Table::new(&[
        Column::Text("Name"),
        Column::Text("State"),
        Column::Text("Credential"),
        Column::Number("People"),
        Column::Number("Last run"),
        Column::Text("Saved"),
    ]);
    for (row, linked) in rows.iter().zip(&linked) {
        table.row([
            shown(&row.name).into_owned(),
            state(row).to_owned(),
            shown(&row.credential).into_owned(),
            number(*linked),
            row.applied_run.map(|run| run.to_string()).unwrap_or_default(),
            time(row.saved_at),
        ]);
    }
    session.printer.answer(&table.render(0, session.printer.paint()))?;
    Ok(ExitStatus::Done)
}

fn show(session: &Session, name: Option<&str>) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, name)?;
    // A document that cannot be read any more is shown all the same.
    let parsed = session.parse(&store, &row).ok();
    let filter = parsed.as_ref().map(|it| services::filter_check(session, it)).transpose()?.flatten();
    let reaches = parsed.as_ref().and_then(|it| services::reaches(session, &store, &row, it).ok().flatten());
    if session.printer.json() {
        let answer = Answer::new("integration", &row.name)
            .and("state", state(&row))
            .and("launched_at", row.launched_at.map(moment))
            .and("document", &row.document)
            .and(
                "reaches",
                reaches.as_ref().map(|all| {
                    all.iter()
                        .map(|(origin, by)| serde_json::json!({"origin": origin, "grants": by}))
                        .collect::<Vec<_>>()
                }),
            )
            .and("filter_sent", filter.as_ref().and_then(FilterCheck::sent_instead));
        session.printer.answer(&answer.text()?)?;
        return Ok(ExitStatus::Done);
    }
    // The document as it was saved, so that it can be saved again.
    let mut data = session.printer.data();
    data.write(&row.document)?;
    data.finish()?;
    let since =
        row.launched_at.map_or_else(|| "a draft".to_owned(), |at| format!("launched on {}", time(at)));
    session.printer.story(&format!("# {}: {since}", shown(&row.name)));
    for (origin, by) in reaches.iter().flatten() {
        session.printer.story(&match by.as_slice() {
            [] => format!("# may not reach {}, which its plugin asks for", shown(origin)),
            by => format!("# may reach {}", by.iter().map(|it| shown(it)).collect::<Vec<_>>().join("; ")),
        });
    }
    if let Some(filter) = &filter {
        tell_filter(session, filter);
    }
    Ok(ExitStatus::Done)
}

fn remove(session: &Session, name: &str) -> Result<ExitStatus> {
    // Not while it runs.
    let _alone = services::alone(session, name)?;
    let mut store = session.store()?;
    session.integration_row(&store, Some(name))?;
    let linked = store.linked(name)?;
    store.remove_integration(name, session.now())?;
    if session.printer.json() {
        session.printer.answer(&Answer::new("removed", name).and("linked_people", linked).text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!("integration {} removed", shown(name)))?;
    if linked > 0 {
        session.printer.story(&format!(
            "{} it loaded stay as they are; saved again under this name, it finds them again",
            count(linked, "person that", "people that")
        ));
    }
    Ok(ExitStatus::Done)
}
