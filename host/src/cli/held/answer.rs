//! `userload held approve|reject|decide`: what somebody in charge says.

use anyhow::Result;

use crate::cli::exit::ExitStatus;
use crate::cli::output::json_v1::{Answer, Run};
use crate::cli::output::{Bars, count, shown};
use crate::cli::session::{Session, unknown};
use crate::cli::trouble::Trouble;
use crate::cli::{run as commands, services};
use crate::store::{AMBIGUOUS, Choice, Found, HoldRow, MANAGER_CAUSES, PersonRow, SAAS_LEAVING, Store};
use crate::sync::Order;

/// Which holds.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Which {
    /// Numbers of holds, as `userload held list` says them; or the integration
    #[arg(value_name = "HOLD|INTEGRATION")]
    what: Vec<String>,
    /// Those of this cause
    #[arg(long)]
    cause: Option<String>,
    /// Those of this person: username, email, employee id, id, source id, or the beginning of one
    #[arg(long)]
    person: Option<String>,
    /// All of them
    #[arg(long, conflicts_with_all = ["cause", "person"])]
    all: bool,
}

impl Which {
    /// Nothing was said at all.
    pub(super) fn is_empty(&self) -> bool {
        self.what.is_empty() && self.cause.is_none() && self.person.is_none() && !self.all
    }

    /// Numbers of holds, and the integration.
    fn parts(&self) -> Result<(Vec<i64>, Option<&str>)> {
        let mut numbers = Vec::new();
        let mut integration = None;
        for word in &self.what {
            match word.parse::<i64>() {
                Ok(number) => numbers.push(number),
                Err(_) if integration.is_none() => integration = Some(word.as_str()),
                Err(_) => {
                    return Err(Trouble::usage(format!(
                        "`{}` is neither the number of a hold nor the only integration",
                        shown(word)
                    ))
                    .help("`userload held list` shows both")
                    .into());
                }
            }
        }
        Ok((numbers, integration))
    }
}

/// Who an ambiguous record is.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Decision {
    /// The record: its id at the source, the beginning of it, or the number of its hold
    #[arg(value_name = "SOURCE_ID|HOLD")]
    who: String,
    /// It is this person: username, email, employee id or id
    #[arg(long, value_name = "USERNAME", required_unless_present = "new", conflicts_with = "new")]
    link: Option<String>,
    /// It is nobody who is known: a new person
    #[arg(long)]
    new: bool,
}

/// The holds that were meant, and their integration. `one` refuses holds of several integrations.
pub(super) fn select(
    session: &Session,
    store: &Store,
    which: &Which,
    one: bool,
) -> Result<(String, Vec<HoldRow>)> {
    let (numbers, integration) = which.parts()?;
    if let Some(name) = integration {
        session.integration_row(store, Some(name))?;
    }
    if one && numbers.is_empty() && which.cause.is_none() && which.person.is_none() && !which.all {
        return Err(Trouble::usage("which holds?")
            .help("say it: --cause CAUSE, --person WHO, --all, or numbers; `userload held list` lists them")
            .into());
    }
    if let Some(cause) = &which.cause {
        let groups = store.hold_groups(integration)?;
        if !groups.iter().any(|it| it.cause == *cause) {
            let names: Vec<String> = groups.into_iter().map(|it| it.cause).collect();
            return Err(unknown("open hold of the cause", cause, &names, "userload held list").into());
        }
    }
    let mut holds = store.open_holds(integration, which.cause.as_deref(), None)?;
    for number in &numbers {
        if !holds.iter().any(|it| it.id == *number) {
            return Err(not_open(store, *number)?.into());
        }
    }
    if !numbers.is_empty() {
        holds.retain(|it| numbers.contains(&it.id));
    }
    if let Some(who) = &which.person {
        let uid = match store.find_person(who, &[])? {
            Found::One(person) => Some(person.uid),
            Found::Nobody => None,
            Found::Several(people) => return Err(several(who, &people).into()),
        };
        holds.retain(|it| it.source_id == *who || uid.is_some() && it.uid == uid);
    }
    let Some(first) = holds.first() else {
        let nobody = which.person.as_ref().map(|who| format!("nothing is held about `{}`", shown(who)));
        return Err(Trouble::usage(nobody.unwrap_or_else(|| "nothing is held".into()))
            .help("`userload held list` lists what is held")
            .into());
    };
    let name = first.integration.clone();
    if one && let Some(other) = holds.iter().find(|it| it.integration != name) {
        return Err(Trouble::usage(format!(
            "these are holds of `{}` and of `{}`",
            shown(&name),
            shown(&other.integration)
        ))
        .help("name the integration: one at a time")
        .into());
    }
    Ok((name, holds))
}

/// Why a number is no open hold.
fn not_open(store: &Store, number: i64) -> Result<Trouble> {
    let list = "`userload held list` lists those that are open";
    Ok(match store.hold_state(number)? {
        None => Trouble::usage(format!("there is no hold {number}")).help(list),
        Some((state, _)) if state == "open" => {
            Trouble::usage(format!("hold {number} is not among those that were asked for")).help(list)
        }
        Some((state, note)) => {
            let note = note.map(|it| format!(": {}", shown(&it))).unwrap_or_default();
            Trouble::usage(format!("hold {number} was {state} already{note}")).help(list)
        }
    })
}

fn several(who: &str, people: &[PersonRow]) -> Trouble {
    let names: Vec<String> = people
        .iter()
        .map(|it| format!("  {}  {}", it.uid, shown(&it.text("username").unwrap_or_else(|| it.name()))))
        .collect();
    Trouble::usage(format!("`{}` is more than one person:\n{}", shown(who), names.join("\n")))
        .help("type more of it, or the id")
}

/// Managers and SaaS users are read as a whole: nobody can be asked about alone.
fn is_answered_by_the_next_run(cause: &str) -> bool {
    cause.starts_with(SAAS_LEAVING) || MANAGER_CAUSES.contains(&cause)
}

pub(super) fn approve(session: &Session, which: &Which) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let (integration, holds) = select(session, &store, which, true)?;
    let doubtful = holds.iter().filter(|it| it.cause == AMBIGUOUS).count() as u64;
    let (later, now): (Vec<&HoldRow>, Vec<&HoldRow>) =
        holds.iter().partition(|it| is_answered_by_the_next_run(&it.cause));
    if !later.is_empty() {
        let _alone = services::alone(session, &integration)?;
        let ids: Vec<i64> = later.iter().map(|it| it.id).collect();
        store.approve_for_next_run(&ids, session.now())?;
        let says = format!("{} approved: the next run does it", count(ids.len() as u64, "hold", "holds"));
        let next = format!("next: `userload sync {}`", shown(&integration));
        if now.is_empty() {
            if session.printer.json() {
                let answer = Answer::new("approved", &ids).and("done_by", "the next run");
                session.printer.answer(&answer.text()?)?;
            } else {
                session.printer.answer(&says)?;
                session.printer.story(&next);
            }
            return Ok(ExitStatus::Done);
        }
        session.printer.story(&says);
        session.printer.story(&next);
    }
    let ids: Vec<i64> = now.iter().map(|it| it.id).collect();
    drop(store);
    let status = order(session, &integration, &Order::Approve(ids))?;
    if doubtful > 0 {
        let records = count(doubtful, "ambiguous record was", "ambiguous records were");
        session.printer.story(&format!(
            "{records} left: who they are is decided one by one, `userload held show --cause {AMBIGUOUS}`"
        ));
    }
    Ok(status)
}

pub(super) fn reject(session: &Session, which: &Which) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let (integration, holds) = select(session, &store, which, true)?;
    let _alone = services::alone(session, &integration)?;
    let ids: Vec<i64> = holds.iter().map(|it| it.id).collect();
    let rejected = store.reject_holds(&integration, &ids, session.now())?;
    let report = &rejected.report;
    if session.printer.json() {
        let left: Vec<serde_json::Value> = rejected
            .left
            .iter()
            .map(|(hold, why)| serde_json::json!({"hold": hold, "reason": why}))
            .collect();
        session.printer.answer(&Answer::new("run", Run::from(report)).and("left", left).text()?)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.answer(&format!(
        "{} rejected in run {}: nothing of it happens until the source says something else",
        count(report.rows_seen, "hold", "holds"),
        report.run
    ))?;
    for (hold, why) in rejected.left.iter().take(5) {
        session.printer.story(&format!("hold {hold} stays: {why}"));
    }
    if rejected.left.len() > 5 {
        session.printer.story(&format!("and {} more stay", rejected.left.len() - 5));
    }
    Ok(ExitStatus::Done)
}

pub(super) fn decide(session: &Session, decision: &Decision) -> Result<ExitStatus> {
    let store = session.store()?;
    let all = store.open_holds(None, Some(AMBIGUOUS), None)?;
    let number = decision.who.parse::<i64>().ok();
    let mut found: Vec<&HoldRow> =
        all.iter().filter(|it| it.source_id == decision.who || number == Some(it.id)).collect();
    if found.is_empty() && decision.who.len() > 3 {
        found = all.iter().filter(|it| it.source_id.starts_with(&decision.who)).collect();
    }
    let who = shown(&decision.who);
    let hold = match found.as_slice() {
        [one] => *one,
        [] => {
            if let Some(number) = number
                && store.hold_state(number)?.is_some_and(|(state, _)| state != "open")
            {
                return Err(not_open(&store, number)?.into());
            }
            return Err(Trouble::usage(format!("nothing is to be decided about `{who}`"))
                .help(format!(
                    "`userload held show --cause {AMBIGUOUS}` shows the records that are ambiguous"
                ))
                .into());
        }
        _ => {
            return Err(Trouble::usage(format!("`{who}` is more than one record"))
                .help("type the whole id, or the number of the hold")
                .into());
        }
    };
    let decided = match &decision.link {
        None => Choice::New,
        Some(who) => match store.find_person(who, &[])? {
            Found::One(person) => Choice::Link(person.id),
            Found::Several(people) => return Err(several(who, &people).into()),
            Found::Nobody => {
                return Err(Trouble::usage(format!("there is nobody `{}`", shown(who)))
                    .help("`userload people list --search TEXT` looks in usernames, emails and display names")
                    .into());
            }
        },
    };
    let (integration, source_id) = (hold.integration.clone(), hold.source_id.clone());
    drop(store);
    order(session, &integration, &Order::Decide(source_id, decided))
}

fn order(session: &Session, integration: &str, order: &Order) -> Result<ExitStatus> {
    let store = session.store()?;
    let row = session.integration_row(&store, Some(integration))?;
    drop(store);
    if row.launched_at.is_none() {
        return Err(Trouble::usage(format!("`{integration}` is a draft: nothing of it is applied"))
            .help(format!("userload launch {integration}"))
            .into());
    }
    let bars = Bars::new(session.printer);
    let report = services::run_order(session, integration, order, &bars)?;
    bars.done();
    commands::show(session, &report, true, false)
}
