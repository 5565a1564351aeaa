//! Which way a run reads, and reading changes instead of a listing of everybody.
//!
//! What the source says to have changed is put together with the record as it last told it ([`super::merge`]), so
//! that everything behind sees whole records. Where no such record is known, the source is asked by id, and so it
//! is about everybody of whom it says that they are gone. Whom it does not name is as before: that is no evidence
//! of anything. What the last run has left open is looked at again with the record that is known.

use std::collections::{HashMap, HashSet};

use roaring::RoaringTreemap;

use super::absent::{ASK_AT_MOST, ASK_AT_ONCE, Judge};
use super::error::RunError;
use super::merge::{merge, plain};
use super::page::PageWorker;
use super::report::{Parity, Reading};
use super::retry::Retry;
use super::run::Job;
use super::stage::call;
use super::terms::Terms;
use crate::config::document_digest;
use crate::engine::contract::{DeltaStart, Error, Next, Page, PageUser, Presence, Removal, Source};
use crate::model::Millis;
use crate::store::{DeltaState, Leaves, Progress as Staged, Unlisted};

const DAY: Millis = 24 * 60 * 60 * 1000;

/// A point older than this is not gone on from: Graph keeps them for seven days.
const OLDEST: Millis = 6 * DAY;

/// With more changes than this a listing is quicker. Memory is bounded by it: about 20 MB.
const MOST_CHANGED: usize = 20_000;

/// No round of changes has more pages.
const MOST_PAGES: u32 = 20_000;

/// Users who are named where the two ways of reading differ.
const SAMPLES: usize = 20;

/// Records worked on at a time.
const AT_A_TIME: usize = 500;

/// Which way somebody wants a run to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// As the integration says, where it can be.
    #[default]
    Usual,
    /// A listing of everybody.
    Listing,
    /// Changes, or not at all.
    Changes,
}

/// Which way a run reads.
#[derive(Clone, Debug)]
pub enum Way {
    /// Everybody, and why; none when nobody asks.
    Listing(Option<String>),
    /// What has changed since.
    Changes(DeltaState),
}

/// Digest of all that a record is read and judged by.
pub(super) fn terms_digest(job: &Job<'_>) -> String {
    document_digest(&format!("{}\u{1f}{}", job.ready.config, job.ready.basis))
}

/// Which way a run reads.
///
/// # Errors
/// When changes are asked for and cannot be read, and when the store cannot be read.
pub fn choose(job: &Job<'_>) -> Result<Way, RunError> {
    let delta = job.ready.integration.delta;
    let state = match job.wanted {
        Wanted::Listing => return Ok(Way::Listing(Some("asked for".to_owned()))),
        Wanted::Usual if !delta.on => return Ok(Way::Listing(None)),
        _ => job.store.delta_state(&job.ready.integration.name)?,
    };
    let now = job.clock.now();
    let days = |since: Millis| (now - since) / DAY;
    let never = match &state {
        None => Some("no applied run has left a point from which changes can be read".to_owned()),
        Some(state) if state.terms != terms_digest(job) => {
            Some("the integration, its credential or the plugin has changed since the last run".to_owned())
        }
        Some(_) => None,
    };
    if job.wanted == Wanted::Changes {
        return match (state, never) {
            (Some(state), None) => Ok(Way::Changes(state)),
            (_, why) => Err(RunError::Refused {
                message: format!("changes cannot be read: {}", why.unwrap_or_default()),
                help: Some(format!(
                    "set `delta = true` and list everybody once: userload sync {} --full",
                    job.ready.integration.name
                )),
            }),
        };
    }
    let due = |state: &DeltaState| {
        if now < state.at || now < state.listed_at {
            Some("the last run lies in the future".to_owned())
        } else if now - state.listed_at >= i64::from(delta.listing_days) * DAY {
            Some(format!("the last listing of everybody is {} days old", days(state.listed_at)))
        } else if state.runs >= delta.listing_runs {
            Some(format!("{} runs have read changes since the last listing", state.runs))
        } else if now - state.at > OLDEST {
            Some(format!("the point to read changes from is {} days old", days(state.at)))
        } else {
            None
        }
    };
    Ok(match (state, never) {
        (_, Some(why)) => Way::Listing(Some(why)),
        (Some(state), None) => match due(&state) {
            Some(why) => Way::Listing(Some(why)),
            None => Way::Changes(state),
        },
        (None, None) => Way::Listing(None),
    })
}

/// What the source says to have changed, by user.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Users who are there, in the order in which they were first named.
    order: Vec<String>,
    /// What of them has changed; what comes later counts.
    changes: HashMap<String, Vec<String>>,
    removed: HashMap<String, Removal>,
    /// Users whose entry could not be read.
    broken: HashSet<String>,
    /// Where the next round begins.
    pub(super) next: String,
}

impl Told {
    /// Whether the source named this user.
    pub(super) fn names(&self, id: &str) -> bool {
        self.changes.contains_key(id) || self.removed.contains_key(id) || self.broken.contains(id)
    }

    /// The record of a user with what has changed; none when that cannot be told without asking.
    fn put_together(&self, id: &str, base: &str) -> Result<Option<String>, RunError> {
        if self.removed.contains_key(id) || self.broken.contains(id) {
            return Ok(None);
        }
        let mut whole = base.to_owned();
        for change in self.changes.get(id).into_iter().flatten() {
            whole = merge(&whole, change)?;
        }
        Ok(Some(whole))
    }

    /// What reading changes would have made of a record; none when that cannot be told.
    pub(super) fn expects(&self, id: &str, base: &str) -> Result<Option<String>, RunError> {
        self.put_together(id, base)
    }

    fn all(&self) -> usize {
        self.changes.len() + self.removed.len() + self.broken.len()
    }
}

/// Reads one round of changes to its end. The inner error says why everybody has to be listed instead.
///
/// # Errors
/// When the source cannot be read for a reason that a listing would meet as well.
pub(super) fn collect(
    job: &mut Job<'_>,
    retry: &mut Retry,
    cursor: &str,
) -> Result<Result<Told, String>, RunError> {
    let source = Source { delta: true, filter: None, ..job.ready.source.clone() };
    let mut told = Told::default();
    let mut cursor = cursor.to_owned();
    let mut pages = 0;
    loop {
        let connector = &mut job.ready.connector;
        let doing = format!("reading page {} of the changes", pages + 1);
        let asked = call(job.net, retry, &doing, job.progress, async || {
            connector.fetch_users(&source, Some(&cursor)).await
        });
        let page = match asked {
            Ok(page) => page,
            Err(RunError::Restarts(_)) => {
                return Ok(Err("the source does not know any more what has changed since".to_owned()));
            }
            Err(error) if refuses(&error) => {
                retry.success();
                return Ok(Err(format!("the source refuses to tell changes: {error}")));
            }
            Err(error) => return Err(error),
        };
        pages += 1;
        job.progress.advance((page.users.len() + page.removed.len()) as u64);
        for user in page.users {
            let list = told.changes.entry(user.id.clone()).or_default();
            if list.is_empty() {
                told.order.push(user.id);
            }
            list.push(user.raw);
        }
        for removed in page.removed {
            told.removed.insert(removed.id, removed.how);
        }
        for bad in page.malformed {
            match bad.id {
                Some(id) => {
                    told.broken.insert(id);
                }
                None => return Ok(Err(format!("a change names no user: {}", bad.reason))),
            }
        }
        if told.all() > MOST_CHANGED {
            return Ok(Err(format!("more than {MOST_CHANGED} users have changed")));
        }
        match page.next {
            Next::Complete(Some(next)) => {
                told.next = next;
                return Ok(Ok(told));
            }
            Next::Complete(None) => return Ok(Err("the source gave no point for the next time".to_owned())),
            Next::More(next) if next == cursor || pages >= MOST_PAGES => {
                return Ok(Err("the changes go round in circles".to_owned()));
            }
            Next::More(next) => cursor = next,
        }
    }
}

/// Whether it is about changes alone, and a listing may go well.
fn refuses(error: &RunError) -> bool {
    let RunError::Call { error, .. } = error else { return false };
    match error.contract() {
        Some(Error::Upstream(answer)) => {
            (400..500).contains(&answer.status) && !matches!(answer.status, 401 | 403 | 408 | 429)
        }
        Some(Error::Malformed(_) | Error::Settings(_)) => true,
        _ => false,
    }
}

/// What reading changes has come to, beside what is staged.
pub(super) struct Changes {
    /// What is staged.
    pub(super) staged: Staged,
    /// People who are not there, or of whom the source gave no answer.
    pub(super) suspects: Vec<(Unlisted, Option<Presence>)>,
    /// Links of people who are not there.
    pub(super) absent: RoaringTreemap,
    /// For the report.
    pub(super) reading: Reading,
}

/// Where a record comes from.
enum Item {
    Whole(PageUser),
    Known(String),
}

/// Reads changes and stages what follows from them. The inner error says why everybody has to be listed instead;
/// nothing is staged then.
///
/// # Errors
/// As for a listing.
pub(super) fn stage(
    job: &mut Job<'_>,
    terms: &Terms,
    retry: &mut Retry,
    at: Millis,
    state: &DeltaState,
) -> Result<Result<Changes, String>, RunError> {
    let name = &terms.integration.name;
    job.progress.stage("changes", None);
    let told = match collect(job, retry, &state.cursor)? {
        Ok(told) => told,
        Err(why) => return Ok(Err(why)),
    };
    let mut items = Vec::new();
    let mut ask = Vec::new();
    for id in &told.order {
        let base = job.store.bases(name, std::iter::once(id.as_str()))?.into_iter().next().flatten();
        let whole = match base.and_then(|base| base.raw) {
            Some(raw) => told.put_together(id, &raw)?,
            None => None,
        };
        match whole {
            Some(raw) => items.push(Item::Whole(PageUser { id: id.clone(), raw })),
            None => ask.push(id.clone()),
        }
    }
    let mut known: HashSet<String> = told.order.iter().cloned().collect();
    let asks = terms.integration.deactivate;
    let mut kept = Vec::new();
    let named = told.removed.keys().chain(&told.broken).cloned().collect::<std::collections::BTreeSet<_>>();
    let again = job.store.to_ask(name, asks)?;
    for id in named.into_iter().chain(again) {
        if !known.insert(id.clone()) {
            continue;
        }
        let only_removed = told.removed.contains_key(&id) && !told.broken.contains(&id);
        match job.store.unlisted_one(name, &id)? {
            // Whoever is nobody here need not be judged.
            None if only_removed => {}
            Some(person) if only_removed && !asks => kept.push(person),
            _ => ask.push(id),
        }
    }
    let mut looked = 0;
    for id in job.store.to_look_at(name)? {
        if !known.insert(id.clone()) {
            continue;
        }
        looked += 1;
        let base = job.store.bases(name, std::iter::once(id.as_str()))?.into_iter().next().flatten();
        match base {
            Some(base) if base.raw.is_some() => items.push(Item::Known(id)),
            _ => ask.push(id),
        }
    }
    if ask.len() > ASK_AT_MOST {
        return Ok(Err(format!(
            "{} users would have to be asked about by id, more than {ASK_AT_MOST}",
            ask.len()
        )));
    }
    let answers = answers(job, terms, retry, &ask)?;
    let mut reading = Reading {
        changes_only: true,
        why: Some(format!("since run {}", state.run)),
        told: told.all() as u64,
        asked: ask.len() as u64,
        again: looked,
        ..Reading::default()
    };
    let mut suspects: Vec<(Unlisted, Option<Presence>)> = Vec::new();
    let mut unread = Vec::new();
    for (id, answer) in ask.into_iter().zip(answers) {
        let removed = told.removed.get(&id).copied();
        let answer = match answer {
            Some(Presence::Present(user)) => {
                items.push(Item::Whole(PageUser { raw: plain(&user.raw)?, id }));
                continue;
            }
            // The source's own word that they are gone for good outlives its memory of them.
            Some(Presence::NotFound) if removed == Some(Removal::Purged) => Some(Presence::Deleted(None)),
            Some(Presence::Unknown(_)) | None => None,
            other => other,
        };
        let person = job.store.unlisted_one(name, &id)?;
        let late = match &person {
            Some(_) => {
                job.store.bases(name, std::iter::once(id.as_str()))?.into_iter().flatten().any(|it| it.late)
            }
            None => false,
        };
        match (person, answer) {
            (Some(person), answer @ Some(_)) => suspects.push((person, answer)),
            (Some(person), None) if asks && (late || removed.is_some()) => suspects.push((person, None)),
            (_, None) => {
                reading.unanswered += 1;
                unread.push(id);
            }
            // Nobody here, and nobody there.
            (None, Some(_)) => {}
        }
    }
    let mut absent = job.store.late_links(name)?;
    absent
        .extend(suspects.iter().map(|(it, _)| it).chain(&kept).filter_map(|it| u64::try_from(it.link).ok()));
    work(job, terms, items, at)?;
    job.store.stage_unread(terms.run, &unread)?;
    // With deactivation off an absence changes nothing.
    suspects.extend(kept.into_iter().map(|person| (person, Some(Presence::NotFound))));
    let leaves = Leaves { changes_only: true, cursor: Some(&told.next), terms: &terms_digest(job), at };
    job.store.set_leaves(terms.run, &leaves)?;
    let staged = job.store.progress(terms.run)?;
    absent -= &staged.seen;
    Ok(Ok(Changes { staged, suspects, absent, reading }))
}

/// Asks about users by id. None = no answer; a source that does not answer is no error.
fn answers(
    job: &mut Job<'_>,
    terms: &Terms,
    retry: &mut Retry,
    ids: &[String],
) -> Result<Vec<Option<Presence>>, RunError> {
    let mut all = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(ASK_AT_ONCE) {
        let (source, connector) = (&terms.source, &mut job.ready.connector);
        let asked = call(job.net, retry, "asking about users by id", job.progress, async || {
            connector.confirm_absent(source, chunk).await
        });
        match asked {
            Ok(told) if told.len() == chunk.len() => all.extend(told.into_iter().map(Some)),
            Ok(_) => return Err(RunError::Misbehaved("not as many answers as questions".to_owned())),
            Err(error) => {
                retry.success();
                job.progress.note(&format!("{error}; those who were not asked about wait"));
                break;
            }
        }
    }
    all.resize_with(ids.len(), || None);
    Ok(all)
}

/// Maps, reconciles and stages records, as if they had been listed.
fn work(job: &mut Job<'_>, terms: &Terms, items: Vec<Item>, at: Millis) -> Result<(), RunError> {
    let mut worker = PageWorker::new(terms, job.store.again()?, (job.transformer)(), RoaringTreemap::new())?;
    let mut number = 0;
    let mut items = items.into_iter();
    loop {
        let mut users = Vec::new();
        for item in items.by_ref().take(AT_A_TIME) {
            users.push(match item {
                Item::Whole(user) => user,
                Item::Known(id) => {
                    let name = &terms.integration.name;
                    let base = job.store.bases(name, std::iter::once(id.as_str()))?;
                    match base.into_iter().flatten().next().and_then(|it| it.raw) {
                        Some(raw) => PageUser { id, raw },
                        None => continue,
                    }
                }
            });
        }
        let last = items.len() == 0;
        let page = Page {
            users,
            removed: Vec::new(),
            malformed: Vec::new(),
            next: Next::Complete(None),
            total: None,
        };
        let staged = worker.work(number, &page, (!last).then(|| "more".to_owned()))?;
        job.store.stage_page(terms.run, &terms.integration.name, &staged, at)?;
        number += 1;
        if last {
            return Ok(());
        }
    }
}

/// Judges those of whom the source says, or may say, that they are not there.
///
/// # Errors
/// When the store or the plugin fails.
pub(super) fn judge_absent(
    judge: &mut Judge<'_>,
    suspects: Vec<(Unlisted, Option<Presence>)>,
) -> Result<super::absent::Absence, RunError> {
    judge.judge_told(super::enumeration::Ground::changes(), suspects)
}

/// Before a listing: takes the point from which the next run can read changes, so that none falls between the two.
/// When runs have read changes since the last listing, they are read once more: what they come to is what the
/// listing has to find.
///
/// # Errors
/// When the store cannot be written. That there is no point is none: the next run lists everybody as well.
pub(super) fn before_listing(
    job: &mut Job<'_>,
    terms: &Terms,
    retry: &mut Retry,
    at: Millis,
    reading: &mut Reading,
) -> Result<Option<Told>, RunError> {
    let digest = terms_digest(job);
    let state = job.store.delta_state(&terms.integration.name)?;
    let usable = |state: &DeltaState| {
        state.terms == digest && state.runs > 0 && (0..=OLDEST).contains(&(at - state.at))
    };
    let mut told = None;
    if let Some(state) = state.filter(usable) {
        match collect(job, retry, &state.cursor) {
            Ok(Ok(found)) => told = Some(found),
            Ok(Err(_)) | Err(_) => retry.success(),
        }
    }
    let cursor = match &told {
        Some(told) => Some(told.next.clone()),
        None => {
            let (source, connector) = (&terms.source, &mut job.ready.connector);
            let begun =
                call(job.net, retry, "asking from where changes can be read", job.progress, async || {
                    connector.begin_delta(source).await
                });
            match begun {
                Ok(DeltaStart::FromNow(cursor)) => Some(cursor),
                Ok(DeltaStart::Untold(why)) => {
                    reading.next = Some(why);
                    None
                }
                Err(error) => {
                    retry.success();
                    reading.next = Some(error.to_string());
                    None
                }
            }
        }
    };
    let leaves = Leaves { changes_only: false, cursor: cursor.as_deref(), terms: &digest, at };
    job.store.set_leaves(terms.run, &leaves)?;
    Ok(told)
}

/// After a listing: whom it found otherwise than reading changes had come to. Whoever has changed while it was read
/// does not count.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn parity(
    job: &mut Job<'_>,
    terms: &Terms,
    retry: &mut Retry,
    told: &Told,
) -> Result<Parity, RunError> {
    let mut found = job.store.parity_of(terms.run)?;
    if !found.is_empty() {
        match collect(job, retry, &told.next) {
            Ok(Ok(later)) => found.retain(|(id, _)| !later.names(id)),
            Ok(Err(_)) | Err(_) => retry.success(),
        }
    }
    let mut properties: Vec<String> = found.iter().flat_map(|(_, names)| names.clone()).collect();
    properties.sort_unstable();
    properties.dedup();
    Ok(Parity {
        people: found.len() as u64,
        properties,
        samples: found.into_iter().take(SAMPLES).map(|(id, _)| id).collect(),
    })
}
