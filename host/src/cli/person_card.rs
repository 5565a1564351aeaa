//! `userload people show`: one person, and where each value comes from.

use std::collections::BTreeMap;

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::json_v1::{
    Answer, LedgerRow, Link, Lock, Origin, Person, Pin, Question as QuestionV1, SaasUser,
};
use super::output::{Column, Table, age, cut, field_changes, shown, stored_differences, time, value};
use super::session::Session;
use super::{people, runs};
use crate::explain::{self, FieldChange};
use crate::model::{CONNECTOR_SYNC_TIME, Millis, Targets};
use crate::store::{ChangeRow, LinkRow, LockRow, PersonRow, PinRow, Question, SaasUserRow, Store, fields};

/// Rows of the ledger in the history that is shown.
const HISTORY: usize = 50;
/// Rows of the ledger in which values are looked up.
const ROWS: u32 = 2_000;

/// Everything that the card shows.
struct Card<'a> {
    targets: &'a Targets,
    person: &'a PersonRow,
    links: Vec<LinkRow>,
    rows: Vec<ChangeRow>,
    values: BTreeMap<String, Vec<FieldChange>>,
    held: Vec<Question>,
    locks: Vec<LockRow>,
    pins: Vec<PinRow>,
    /// What they are in SaaS applications, each with the moment before which an activity counts as idle.
    saas: Vec<(SaasUserRow, Millis)>,
}

pub(super) fn show(session: &Session, store: &Store, person: &PersonRow) -> Result<ExitStatus> {
    let rows = store.rows_about(Some(person.id), &[], &[], ROWS)?;
    let mut held = Vec::new();
    for account in store.accounts_of_person(person.id)? {
        held.extend(store.questions_about(&account)?.into_iter().filter(|it| it.state == "open"));
    }
    let saas = store.saas_of_person(person.id)?;
    let idle = super::saas_users::idle_before(session, store, &saas)?;
    let card = Card {
        targets: store.targets(),
        person,
        links: store.links_of(person.id)?,
        values: explain::values(&rows),
        rows,
        held,
        locks: store.locks_of(person.id)?,
        pins: store.person_pins(person.id)?,
        saas: saas.into_iter().zip(idle).collect(),
    };
    if session.printer.json() {
        session.printer.answer(&json(&card, session.now()).text()?)?;
    } else {
        session.printer.answer(&render(session, &card)?)?;
    }
    Ok(ExitStatus::Done)
}

fn json(card: &Card<'_>, now: Millis) -> Answer {
    let saas: Vec<SaasUser<'_>> =
        card.saas.iter().map(|(user, before)| SaasUser::new(user, *before, now)).collect();
    let links: Vec<Link<'_>> = card.links.iter().map(Link::from).collect();
    let history: Vec<LedgerRow<'_>> = card.rows.iter().take(HISTORY).map(LedgerRow::from).collect();
    let status = explain::status_history(&card.rows);
    let status: Vec<LedgerRow<'_>> = status.iter().map(LedgerRow::from).collect();
    let held: Vec<QuestionV1<'_>> = card.held.iter().map(QuestionV1::from).collect();
    let origins: BTreeMap<&str, Origin<'_>> = card
        .values
        .iter()
        .filter_map(|(field, changes)| Some((field.as_str(), Origin::from(changes.last()?))))
        .collect();
    Answer::new("person", Person::from(card.person))
        .and("links", links)
        .and("origins", origins)
        .and("held", held)
        .and("locks", card.locks.iter().map(Lock::from).collect::<Vec<_>>())
        .and("pins", card.pins.iter().map(Pin::from).collect::<Vec<_>>())
        .and("status_history", status)
        .and("history", history)
        .and("saas", saas)
}

fn render(session: &Session, card: &Card<'_>) -> Result<String> {
    let paint = session.printer.paint();
    let person = card.person;
    let ended = match person.ended_by.as_deref() {
        Some("hand") => ", by hand".to_owned(),
        Some(by) => format!(", by {}", shown(by.strip_prefix("integration:").unwrap_or(by))),
        None => String::new(),
    };
    let status = people::status(person);
    let mut text = format!("{}\n{status}{ended}\n\n", paint.bold(&shown(&person.name())));
    text.push_str(&values(card)?.render(2, paint));
    if !card.links.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Links")));
        text.push_str(&links(&card.links).render(2, paint));
    }
    text.push_str(&standing(session, &card.locks, &card.pins));
    if !card.held.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Held for you to decide")));
        let mut table = Table::new(&[Column::Text(""), Column::Text(""), Column::Text(""), Column::Text("")]);
        for question in &card.held {
            table.row([
                shown(&question.integration).into_owned(),
                shown(&question.cause).into_owned(),
                cut(&field_changes(&stored_differences(question.differences.as_deref())), 80).into_owned(),
                age(session.now(), question.opened_at),
            ]);
        }
        text.push_str(&table.render(2, paint));
    }
    if !card.saas.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("SaaS applications")));
        let mut table = Table::new(&[Column::Text(""); 4]);
        for (user, before) in &card.saas {
            table.row(super::saas_users::row_of(user, *before, session.now()));
        }
        text.push_str(&table.render(2, paint));
    }
    let statuses = explain::status_history(&card.rows);
    if !statuses.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Status")));
        let mut table =
            Table::new(&[Column::Text(""), Column::Number(""), Column::Text(""), Column::Text("")]);
        for row in &statuses {
            let status = if row.active_after == Some(true) { "active" } else { "inactive" };
            let reason = cut(&shown(&row.reason), 90).into_owned();
            table.row([time(row.at), format!("run {}", row.run), status.to_owned(), reason]);
        }
        text.push_str(&table.render(2, paint));
    }
    let told: Vec<&ChangeRow> = card
        .rows
        .iter()
        .take(HISTORY)
        .filter(|it| it.was_applied() || it.state == "held" && it.run_state == "applied")
        .collect();
    if !told.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("History")));
        let mut table =
            Table::new(&[Column::Text(""), Column::Number(""), Column::Text(""), Column::Text("")]);
        for change in told {
            table.row([
                time(change.at),
                format!("run {}", change.run),
                change.outcome.clone(),
                cut(&runs::what(change), 100).into_owned(),
            ]);
        }
        text.push_str(&table.render(2, paint));
    }
    let who = person.text("username").unwrap_or_else(|| person.uid.clone());
    text.push_str(&format!(
        "\n{}\n",
        paint.dim(&format!("`userload why {}` tells the whole story", shown(&who)))
    ));
    Ok(text)
}

/// What no run writes: locks and pins.
fn standing(session: &Session, locks: &[LockRow], pins: &[PinRow]) -> String {
    let paint = session.printer.paint();
    let mut text = String::new();
    if !locks.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Locked: no run writes it")));
        let mut table = Table::new(&[Column::Text(""), Column::Text(""), Column::Text("")]);
        for lock in locks {
            let field = if lock.field.is_empty() { "everything" } else { &lock.field };
            let note = cut(&shown(lock.note.as_deref().unwrap_or_default()), 80).into_owned();
            table.row([shown(field).into_owned(), format!("run {}, {}", lock.run, time(lock.at)), note]);
        }
        text.push_str(&table.render(2, paint));
    }
    if !pins.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            paint.bold("Pinned: no run writes it while the source says the same")
        ));
        let mut table = Table::new(&[Column::Text(""), Column::Text(""), Column::Text("")]);
        for pin in pins {
            let while_so = match pin.source_value.as_deref() {
                Some(_) if pin.field == "*" => String::new(),
                Some(value) => format!("while {} says {}", shown(&pin.integration), cut(&shown(value), 60)),
                None => format!("while {} says nothing", shown(&pin.integration)),
            };
            table.row([
                shown(pin.field_for_people()).into_owned(),
                shown(&pin.reason).into_owned(),
                while_so,
            ]);
        }
        text.push_str(&table.render(2, paint));
    }
    text
}

/// Each value, where it comes from, and what it was before.
fn values(card: &Card<'_>) -> Result<Table> {
    let mut table = Table::new(&[
        Column::Text("Field"),
        Column::Text("Value"),
        Column::Text("From"),
        Column::Text("Since"),
        Column::Text("Before"),
    ]);
    let map = fields::parse(&card.person.fields)?;
    let known = card.targets.iter().map(|it| (it.name.as_str(), it.label.as_str()));
    let own = map.keys().filter(|name| card.targets.named(name).is_none()).map(|name| (*name, *name));
    for (name, label) in known.chain(own) {
        let text = match map.get(name) {
            Some(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()),
            None if name == CONNECTOR_SYNC_TIME => match card.person.sync_time {
                Some(at) => super::output::json_v1::moment(at),
                None => continue,
            },
            None => continue,
        };
        let last = card.values.get(name).and_then(|changes| changes.last());
        let from = last.map(|it| format!("{}, run {}", shown(&it.who), it.run)).unwrap_or_default();
        let before = last.and_then(|it| it.before.as_deref()).map(|it| value(Some(it))).unwrap_or_default();
        table.row([
            shown(label).into_owned(),
            shown(&text).into_owned(),
            from,
            last.map(|it| time(it.at)).unwrap_or_default(),
            before,
        ]);
    }
    table.row(["ID", &card.person.uid, "", "", ""]);
    Ok(table)
}

fn links(links: &[LinkRow]) -> Table {
    let mut table = Table::new(&[Column::Text(""), Column::Text(""), Column::Text(""), Column::Text("")]);
    for link in links {
        let enabled = match link.enabled {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None => "",
        };
        let state = match (link.gone, link.absent_since) {
            (true, _) => "gone".to_owned(),
            (false, Some(at)) => format!("not found since {}", time(at)),
            (false, None) => enabled.to_owned(),
        };
        let seen = link.sync_time.map(|at| format!("seen {}", time(at))).unwrap_or_default();
        table.row([shown(&link.integration).as_ref(), shown(&link.source_id).as_ref(), &state, &seen]);
    }
    table
}
