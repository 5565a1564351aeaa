//! `userload saas users`: who uses an application, in which role, and who does not.

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::json_v1::{SaasApplication, SaasUser, line};
use super::output::{Column, Table, count, cut, number, shown, time};
use super::people_file::Csv;
use super::saas::{application, before, idle_days};
use super::session::Session;
use crate::model::Millis;
use crate::store::{Idle, SaasApplication as Application, SaasLine, SaasUserRow, Store};

/// Users on one screen.
const MOST: u64 = 50;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// What is known of somebody's use.
fn use_of(user: &SaasUserRow, idle: Idle, now: Millis) -> String {
    match user.last_activity {
        _ if !user.active => "no user any more".to_owned(),
        None => "unknown".to_owned(),
        Some(at) => {
            let days = (now - at).max(0) / DAY;
            let days = count(days.unsigned_abs(), "day", "days");
            if at < idle.before { format!("idle for {days}") } else { "in use".to_owned() }
        }
    }
}

fn who(user: &SaasUserRow) -> String {
    match &user.person {
        Some((uid, username, display_name)) => {
            display_name.clone().or_else(|| username.clone()).unwrap_or_else(|| uid.clone())
        }
        None => user.name.clone().unwrap_or_else(|| user.source_id.clone()),
    }
}

fn username(user: &SaasUserRow) -> String {
    match &user.person {
        Some((_, username, _)) => username.clone().unwrap_or_default(),
        None => "(unmatched)".to_owned(),
    }
}

pub(super) fn users(
    session: &Session,
    name: Option<&str>,
    idle: Option<u32>,
    csv: bool,
) -> Result<ExitStatus> {
    let store = session.store()?;
    let found = application(&store, name)?;
    let days = match idle {
        Some(days) if days > 0 => days,
        _ => idle_days(session, &store, found.integration.as_deref())?,
    };
    let (now, limit) = (session.now(), before(session, days));
    let order = idle.map(|_| limit);
    let numbers = store.saas_line(found.id, limit)?;
    let printer = session.printer;
    if csv {
        let mut csv = Csv::new(printer.data());
        csv.row([
            "application",
            "uid",
            "username",
            "display_name",
            "source_id",
            "source_name",
            "role",
            "status",
            "last_tenant_sign_in",
            "idle_days",
        ])?;
        store.each_saas_user(found.id, order, |user| csv.row(cells(&user, limit, now)))??;
        csv.finish()?;
        return Ok(ExitStatus::Done);
    }
    if printer.json() {
        let mut data = printer.data();
        let application = line(&SaasApplication::new(&numbers, days))?;
        data.write(&format!("{{\"version\":1,\"application\":{application},\"users\":["))?;
        let mut first = true;
        store.each_saas_user(found.id, order, |user| -> Result<()> {
            data.write(if first { "\n" } else { ",\n" })?;
            first = false;
            Ok(data.write(&line(&SaasUser::new(&user, limit.before, now))?)?)
        })??;
        data.write("\n]}\n")?;
        data.finish()?;
        return Ok(ExitStatus::Done);
    }
    table(session, &store, &found, &numbers, order, limit)?;
    summary(session, &numbers, days);
    Ok(ExitStatus::Done)
}

fn table(
    session: &Session,
    store: &Store,
    found: &Application,
    line: &SaasLine,
    order: Option<Idle>,
    limit: Idle,
) -> Result<()> {
    let (printer, now) = (session.printer, session.now());
    if line.users == 0 {
        printer.answer("nobody")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        Column::Text("Who"),
        Column::Text("Username"),
        Column::Text("SaaS role"),
        Column::Text("Last tenant sign-in"),
        Column::Text("Use"),
    ]);
    let mut rows = 0;
    store.each_saas_user(found.id, order, |user| {
        rows += 1;
        if rows <= MOST {
            table.row([
                cut(&shown(&who(&user)), 32).into_owned(),
                cut(&shown(&username(&user)), 40).into_owned(),
                cut(&shown(user.role.as_deref().unwrap_or("unknown")), 48).into_owned(),
                user.last_activity.map_or_else(|| "unknown".to_owned(), time),
                use_of(&user, limit, now),
            ]);
        }
        Ok::<(), anyhow::Error>(())
    })??;
    printer.answer(&table.render(0, printer.paint()))?;
    if rows > MOST {
        printer.story(&format!(
            "{} of {}; `--csv` and --json give all",
            number(MOST),
            count(rows, "user", "users")
        ));
    }
    Ok(())
}

fn summary(session: &Session, line: &SaasLine, days: u32) {
    let known = line.active.saturating_sub(line.idle + line.unknown);
    session.printer.story(&format!(
        "{} idle for {days} days or more, {} unknown, {} in use, {} no user any more; {} unmatched",
        number(line.idle),
        number(line.unknown),
        number(known),
        number(line.users.saturating_sub(line.active)),
        number(line.unmatched)
    ));
}

fn cells(user: &SaasUserRow, limit: Idle, now: Millis) -> Vec<String> {
    let (uid, username, display_name) = user.person.clone().unwrap_or_default();
    let idle = user.last_activity.filter(|at| user.active && *at < limit.before);
    vec![
        user.application.clone(),
        uid,
        username.unwrap_or_default(),
        display_name.unwrap_or_default(),
        user.source_id.clone(),
        user.name.clone().unwrap_or_default(),
        user.role.clone().unwrap_or_else(|| "unknown".to_owned()),
        if user.active { "active" } else { "inactive" }.to_owned(),
        user.last_activity.map_or_else(|| "unknown".to_owned(), super::output::json_v1::moment),
        idle.map(|at| ((now - at) / DAY).to_string()).unwrap_or_default(),
    ]
}

/// For each of them, before which moment an activity counts as idle.
pub(super) fn idle_before(session: &Session, store: &Store, users: &[SaasUserRow]) -> Result<Vec<Millis>> {
    users
        .iter()
        .map(|user| Ok(before(session, idle_days(session, store, user.integration.as_deref())?).before))
        .collect()
}

/// What a person is in a SaaS application, as a row for `people show`.
pub(super) fn row_of(user: &SaasUserRow, before: Millis, now: Millis) -> [String; 4] {
    let signed_in = user.last_activity.map_or_else(|| "unknown".to_owned(), time);
    [
        shown(&user.application).into_owned(),
        cut(&shown(user.role.as_deref().unwrap_or("role unknown")), 60).into_owned(),
        format!("last tenant sign-in {signed_in}"),
        use_of(user, Idle { before }, now),
    ]
}
