//! What was held, and somebody in charge has approved: exactly that flows, as far as the source still says it.

use std::collections::{HashMap, HashSet};

use super::absent::Absence;
use super::absent_row::{self, Proof};
use super::allowed;
use super::bars::{Pins, Word};
use super::error::RunError;
use super::evidence::{Approval, Evidence, GoneAnswer, LEFT_FILTER};
use super::guard::{self, parts};
use super::run::{Course, Job};
use super::settle::LEAVING;
use super::take_name;
use super::terms::Terms;
use crate::engine::contract::{AbsentPerson, Evidence as Told, Incoming, Presence, Tie};
use crate::model::{Millis, Outcome};
use crate::store::fields::Difference;
use crate::store::{AMBIGUOUS, Closing, Held, HeldPart, Narrowed, OpenHold, Store, Unlisted};

/// The holds that were approved.
pub(super) struct Wanted<'a> {
    all: Vec<&'a OpenHold>,
    by_id: HashMap<&'a str, Vec<&'a OpenHold>>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(standing: &'a [OpenHold], holds: &[i64]) -> Self {
        let ids: HashSet<i64> = holds.iter().copied().collect();
        let all: Vec<&OpenHold> =
            standing.iter().filter(|it| ids.contains(&it.id) && it.cause != AMBIGUOUS).collect();
        let mut by_id: HashMap<&str, Vec<&OpenHold>> = HashMap::new();
        for hold in &all {
            by_id.entry(&hold.source_id).or_default().push(hold);
        }
        Self { all, by_id }
    }

    fn of(&self, source_id: &str) -> &[&'a OpenHold] {
        self.by_id.get(source_id).map_or(&[], Vec::as_slice)
    }

    /// The order that somebody leaves, if there is one.
    pub(super) fn leaving(&self, source_id: &str) -> Option<&'a OpenHold> {
        self.of(source_id).iter().copied().find(|it| it.cause.starts_with(LEAVING))
    }

    /// Whether somebody leaves at once when nobody knows them any more. Who was to leave for another reason, or
    /// without an answer, has their grace: that they are not found was not asked.
    fn graceless(&self, source_id: &str) -> bool {
        let mut leaving = self.of(source_id).iter().filter(|it| it.cause.starts_with(LEAVING)).peekable();
        leaving.peek().is_none() || leaving.any(|it| [NOT_FOUND, DELETED].contains(&it.cause.as_str()))
    }

    /// Whether somebody is to leave because the filter does not let them through any more.
    pub(super) fn leaves_for_filter(&self, source_id: &str) -> bool {
        self.of(source_id).iter().any(|it| it.cause == LEFT_FILTER)
    }

    /// Whether somebody else's username was approved for them.
    pub(super) fn takes_name(&self, source_id: &str) -> bool {
        self.of(source_id).iter().any(|it| it.cause == KEY)
    }
}

/// The cause under which somebody waits for a username that is another person's.
const KEY: &str = "key:username";

/// Names of a note.
const NAMED: usize = 5;

/// The ids at the source of the holds that were approved, each once.
///
/// # Errors
/// When nothing is left to be approved.
pub(super) fn wanted(standing: &[OpenHold], holds: &[i64]) -> Result<Vec<String>, RunError> {
    let wanted = Wanted::new(standing, holds);
    if wanted.all.is_empty() {
        let doubtful = standing.iter().any(|it| holds.contains(&it.id));
        let (message, help) = if doubtful {
            (
                "who an ambiguous record is cannot be approved",
                "decide it: `userload held decide SOURCE_ID --link USERNAME`, or `--new`",
            )
        } else {
            ("none of these holds is open any more", "`userload held list` lists those that are")
        };
        return Err(RunError::Refused { message: message.into(), help: Some(help.into()) });
    }
    let mut ids: Vec<String> = wanted.by_id.keys().map(|id| (*id).to_owned()).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Stages what follows for those who are not there: gone, or not answered for.
pub(super) fn gone(
    course: &Course,
    job: &mut Job<'_>,
    wanted: &Wanted<'_>,
    gone: Vec<(String, Presence)>,
) -> Result<Absence, RunError> {
    let (terms, store) = (&course.terms, &mut *job.store);
    let name = &terms.integration.name;
    let mut absence = Absence { people: gone.len() as u64, ..Absence::default() };
    let known = store.known(name, terms.run.basis, gone.iter().map(|(id, _)| id.as_str()))?;
    let (mut rows, mut unpins) = (Vec::new(), Vec::new());
    let (mut judged, mut incoming) = (Vec::new(), Incoming { present: Vec::new(), absent: Vec::new() });
    for ((id, presence), known) in gone.into_iter().zip(known) {
        let (told, word, why) = match &presence {
            Presence::NotFound if !wanted.graceless(&id) => {
                let mut row = absent_row::note(&nobody(&id), Outcome::Waiting, NO_GRACE.to_owned());
                (row.link, row.person) = (known.map(|it| it.link), known.map(|it| it.person));
                rows.push(row);
                continue;
            }
            Presence::Deleted(time) => (Told::Deleted(time.clone()), Word::Deleted, "deleted at the source"),
            // The order stands in for the grace.
            Presence::NotFound => (Told::NotFound(true), Word::NotFound, "not found at the source"),
            Presence::Present(user) if user.inside_filter == Some(false) => {
                let why = user.outside_because.clone().unwrap_or_else(|| "it is outside now".to_owned());
                (Told::LeftFilter(why), Word::Unlisted(None), "left the filter")
            }
            Presence::Present(_) | Presence::Unknown(_) => {
                let mut row = absent_row::note(&nobody(&id), Outcome::Held, SILENCE.to_owned());
                (row.link, row.person) = (known.map(|it| it.link), known.map(|it| it.person));
                rows.push(row);
                continue;
            }
        };
        let (Some(link), Some(hold), Some(answer)) = (known, wanted.leaving(&id), GoneAnswer::of(&presence))
        else {
            let mut row = absent_row::note(&nobody(&id), Outcome::Skipped, why.to_owned());
            (row.link, row.person) = (known.map(|it| it.link), known.map(|it| it.person));
            rows.push(row);
            continue;
        };
        let candidate = store.candidate(name, link.person)?;
        let mut person = terms.known_person(store, incoming.absent.len(), Tie::Linked, &candidate)?;
        let pins = Pins::of(terms, store, &id, word, None, true)?;
        pins.bar(&mut person);
        unpins.extend(pins.lifted);
        if let Some(other) = store.seen_by_others(name, link.person)?.first() {
            person.status_barred = Some(format!("still seen by {other}"));
        }
        let unlisted = Unlisted { link: link.link, person: link.person, ..nobody(&id) };
        judged.push((unlisted, Evidence::approved(answer, Approval::of(hold)), candidate.version));
        incoming.absent.push(AbsentPerson { id, known: person, evidence: told });
    }
    let mut transformer = (job.transformer)();
    let decisions =
        allowed::decisions(&mut transformer, terms, &incoming, "reconciling people who are gone")?;
    for (((unlisted, proof, version), decision), told) in
        judged.into_iter().zip(decisions).zip(&incoming.absent)
    {
        let action = match told.evidence {
            Told::NotFound(_) => terms.integration.on_not_found,
            Told::Deleted(_) | Told::Removed => terms.integration.on_deleted,
            Told::LeftFilter(_) => terms.integration.on_left_filter,
        };
        let proof = Proof { terms, known: &told.known, action, evidence: Some(proof) };
        match absent_row::row(&unlisted, decision, proof, version)? {
            Some(row) => rows.push(row),
            None => *absence.counts.entry(Outcome::Unchanged).or_default() += 1,
        }
    }
    store.stage_rows(terms.run, name, &rows, course.at)?;
    store.stage_unpins(terms.run, &unpins)?;
    Ok(absence)
}

/// Causes of leaving that an answer "not found" proves at once when they were approved.
const NOT_FOUND: &str = "deactivate:not-found";
const DELETED: &str = "deactivate:deleted";

/// What is said of those of whom the grace has only begun.
const NO_GRACE: &str = "not found at the source; the next runs count the grace";

/// What is said of those about whom the source gave no answer.
const SILENCE: &str = "the source gave no answer about them: still held";

fn nobody(id: &str) -> Unlisted {
    Unlisted {
        link: 0,
        source_id: id.to_owned(),
        person: 0,
        absent_runs: 0,
        absent_since: None,
        active: true,
        asked_at: None,
    }
}

/// What settling came to.
pub(super) struct Approved {
    /// Worth saying in the report.
    pub(super) notes: Vec<String>,
    /// Further people who gave up their username.
    pub(super) given_up: u64,
}

/// Lets exactly what was approved flow, and closes the questions that are answered by it.
///
/// # Errors
/// When the store fails, or nothing at all of what was approved can be done.
pub(super) fn settle(
    terms: &Terms,
    store: &mut Store,
    wanted: &Wanted<'_>,
    standing: &[OpenHold],
    at: Millis,
) -> Result<Approved, RunError> {
    let mut verdicts = narrow(terms, store, wanted, standing)?;
    let (refused, given_up) = take_name::usernames(terms, store, wanted, at)?;
    let ended = store.run_outcomes(terms.run)?;
    let number = terms.run.number;
    let mut closings = Vec::new();
    let (mut back, mut open) = (Vec::new(), Vec::new());
    for hold in &wanted.all {
        let name = |store: &Store| called(store, hold);
        let row = ended.get(&hold.source_id);
        let outcome = row.map_or(Outcome::Unchanged, |it| it.outcome);
        let named = hold.cause == KEY || held_value(hold, "username")?.is_some();
        let said = refused.get(&hold.source_id).filter(|_| named);
        let leaves = hold.cause.starts_with(LEAVING) && outcome == Outcome::Deactivated;
        let created = hold.person.is_none() && outcome == Outcome::Created;
        if let Some(why) = said {
            open.push(format!("{}: {why}", name(store)?));
        } else if leaves || created || verdicts.done.contains(&hold.id) {
            let note = format!("approved in run {number}");
            closings.push(Closing { hold: hold.id, state: Held::Approved, note });
        } else if verdicts.amended.contains(&hold.id) {
            open.push(format!(
                "{}: the source has another value by now; the hold asks about that",
                name(store)?
            ));
        } else if let Some(why) = row
            .filter(|it| {
                use Outcome::{Ambiguous, Failed, Held, Waiting};
                // Who has their grace has not come back: the question goes on standing.
                matches!(it.outcome, Failed | Ambiguous | Held | Waiting)
            })
            .map(|it| it.reason.clone())
        {
            open.push(format!("{}: {why}", name(store)?));
        } else {
            back.push(name(store)?);
            let came =
                if hold.cause.starts_with(LEAVING) { "came back" } else { "no longer so at the source" };
            let note = match row.filter(|it| !it.reason.is_empty() && !it.outcome.changes_someone()) {
                Some(row) if row.reason != came => format!("{came}: {}", row.reason),
                _ => came.to_owned(),
            };
            closings.push(Closing { hold: hold.id, state: Held::Withdrawn, note });
        }
    }
    if closings.is_empty() && verdicts.amended.is_empty() {
        let message = format!("nothing was approved: {}", open.join("; "));
        let help = Some("every hold is as it was; `userload held show` says what each one needs".into());
        return Err(RunError::Refused { message, help });
    }
    // Who has left is no question under any other cause of leaving.
    let ours: HashSet<i64> = wanted.all.iter().map(|it| it.id).collect();
    for hold in standing.iter().filter(|it| it.cause.starts_with(LEAVING) && !ours.contains(&it.id)) {
        if ended.get(&hold.source_id).is_some_and(|it| it.outcome == Outcome::Deactivated) {
            let note = format!("deactivated in run {number}");
            closings.push(Closing { hold: hold.id, state: Held::Withdrawn, note });
        }
    }
    store.stage_closings(terms.run, &closings)?;
    let mut notes = std::mem::take(&mut verdicts.notes);
    notes.extend(told("left out, the source has taken it back", &back));
    notes.extend(told("still held", &open));
    Ok(Approved { notes, given_up })
}

/// A note that names the first few.
fn told(what: &str, list: &[String]) -> Option<String> {
    let first = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match list.len() {
        0 => None,
        many if many > NAMED => Some(format!("{many} {what}: {first}; …")),
        many => Some(format!("{many} {what}: {first}")),
    }
}

fn called(store: &Store, hold: &OpenHold) -> Result<String, RunError> {
    Ok(match hold.person {
        Some(person) => store.name_of(person)?,
        None => hold.source_id.clone(),
    })
}

/// What became of the approved holds.
#[derive(Default)]
struct Verdicts {
    done: HashSet<i64>,
    amended: HashSet<i64>,
    notes: Vec<String>,
}

/// Takes everything out of the run that was not approved, or that the source says otherwise by now.
fn narrow(
    terms: &Terms,
    store: &mut Store,
    wanted: &Wanted<'_>,
    standing: &[OpenHold],
) -> Result<Verdicts, RunError> {
    let open: HashSet<(&str, &str)> =
        standing.iter().map(|it| (it.source_id.as_str(), it.cause.as_str())).collect();
    let mut flowing = Vec::new();
    store.each_flowing(terms.run, |it| {
        flowing.push(it);
        Ok(())
    })?;
    let mut verdicts = Verdicts::default();
    let mut narrowed = Vec::with_capacity(flowing.len());
    let mut amended: Vec<(String, Option<i64>, HeldPart)> = Vec::new();
    for change in &flowing {
        let holds = wanted.of(&change.source_id);
        let is_open = |cause: &str| open.contains(&(change.source_id.as_str(), cause));
        let mut rest: Vec<Difference<'_>> = Vec::new();
        let mut other: HashMap<i64, Vec<Difference<'_>>> = HashMap::new();
        let mut leaves = false;
        for part in parts(change, &is_open)? {
            let Some(difference) = part.difference else {
                leaves = wanted.leaving(&change.source_id).is_some();
                continue;
            };
            for hold in holds {
                match held_value(hold, difference.0)? {
                    None => {}
                    Some(value) if value.as_deref() == difference.2.map(|it| it.get()) => {
                        rest.push(difference);
                        verdicts.done.insert(hold.id);
                        break;
                    }
                    Some(_) => {
                        other.entry(hold.id).or_default().push(difference);
                        break;
                    }
                }
            }
        }
        for hold in holds {
            let Some(list) = other.get(&hold.id) else { continue };
            verdicts.done.remove(&hold.id);
            verdicts.amended.insert(hold.id);
            let differences = Some(serde_json::to_string(list).map_err(crate::store::StoreError::from)?);
            let part = HeldPart { cause: hold.cause.clone(), reason: "held before".into(), differences };
            amended.push((hold.source_id.clone(), hold.person, part));
        }
        let drop_status = change.status && !leaves;
        let outcome = match guard::outcome_of(change, &rest, !leaves) {
            Outcome::Held if other.is_empty() => Outcome::Kept,
            outcome => outcome,
        };
        let reason = match outcome {
            Outcome::Held => Some("the source has another value by now"),
            Outcome::Kept => Some("came back"),
            _ => None,
        };
        let differences = (!rest.is_empty())
            .then(|| serde_json::to_string(&rest))
            .transpose()
            .map_err(crate::store::StoreError::from)?;
        narrowed.push(Narrowed { change: change.change, outcome, differences, drop_status, reason });
    }
    store.narrow(&narrowed)?;
    for (source_id, person, part) in amended {
        store.hold_again(terms.run, &source_id, person, &part)?;
    }
    Ok(verdicts)
}

/// The value that a hold wants to write to a field; the outer none when it is not about that field.
fn held_value(hold: &OpenHold, field: &str) -> Result<Option<Option<String>>, RunError> {
    let list: Vec<Difference<'_>> = hold
        .differences
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(crate::store::StoreError::from)?
        .unwrap_or_default();
    Ok(list.iter().find(|it| it.0 == field).map(|it| it.2.map(|raw| raw.get().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::{OpenHold, Wanted};

    /// Which question is the older one says nothing.
    #[test]
    fn who_was_to_leave_for_being_unknown_has_no_grace_whatever_else_is_asked() {
        let holds: Vec<OpenHold> =
            ["deactivate:unconfirmed", "deactivate:not-found", "deactivate:disabled", "ambiguous"]
                .iter()
                .zip(1..)
                .map(|(cause, id)| OpenHold {
                    id,
                    source_id: "a".to_owned(),
                    person: Some(1),
                    cause: (*cause).to_owned(),
                    differences: None,
                    digest: None,
                })
                .collect();
        for (ids, graceless) in [
            (&[1, 2][..], true),
            (&[2, 3], true),
            (&[1], false),
            (&[1, 3], false),
            (&[3], false),
            (&[4], true),
        ] {
            assert_eq!(Wanted::new(&holds, ids).graceless("a"), graceless, "{ids:?}");
        }
    }
}
