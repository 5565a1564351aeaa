//! A run over some people: what somebody in charge has decided about them. The source is asked about each by id
//! instead of being listed, so that nothing is done on what it said nights ago. Nobody else is touched: no
//! stamp, no grace, no question about others, and no later listing is judged by it.

use std::time::Instant;

use super::absent::{ASK_AT_ONCE, Absence};
use super::approve::{self, Approved};
use super::error::RunError;
use super::evidence::{Approval, Evidence};
use super::page::PageWorker;
use super::report::{Completeness, RunKind, RunReport, Timings};
use super::retry::Retry;
use super::run::{Course, Job, apply_staged, belongs, millis, terms};
use super::settle;
use super::stage::call;
use super::terms::{Terms, Wish};
use crate::engine::Transformer;
use crate::engine::contract::{PageUser, Presence, PresentUser};
use crate::model::{Millis, Outcome};
use crate::store::{
    AMBIGUOUS, Apply, Choice, Closing, Deed, Held, NewChange, NewRun, OpenHold, Scope, StagedPage, Status,
};

/// What somebody in charge has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// These holds are to be done.
    Approve(Vec<i64>),
    /// The record of this id at the source is this person, or somebody new.
    Decide(String, Choice),
}

/// Carries out an order. What the source has taken back meanwhile is left out, and its holds are withdrawn.
///
/// # Errors
/// When nothing of it can be done, the source cannot be asked, and for whatever stops a run. Nobody has changed
/// then, and every hold is as it was.
pub fn run_some(job: &mut Job<'_>, order: &Order) -> Result<RunReport, (RunError, Option<Box<RunReport>>)> {
    let at = job.clock.now();
    let kind = match order {
        Order::Approve(_) => RunKind::Approve,
        Order::Decide(..) => RunKind::Decide,
    };
    let mut errand = begin(job, order, kind, at).map_err(|error| (error.at(job.store.path()), None))?;
    errand.follow(job, order).map_err(|error| {
        let error = error.at(job.store.path());
        let report = errand.course.fail(job, &error);
        (error, Some(Box::new(report)))
    })
}

/// A run over some people under way.
struct Errand {
    course: Course,
    /// The questions of the integration that stand.
    standing: Vec<OpenHold>,
    /// Whom to ask about.
    ids: Vec<String>,
}

/// Checks the order before anything is asked or written.
fn begin(job: &mut Job<'_>, order: &Order, kind: RunKind, at: Millis) -> Result<Errand, RunError> {
    job.store.sweep()?;
    let name = job.ready.integration.name.clone();
    let standing = job.store.questions(&name)?;
    let ids = match order {
        Order::Approve(holds) => approve::wanted(&standing, holds)?,
        Order::Decide(source_id, decided) => {
            let linked = job.store.known(&name, 0, std::iter::once(source_id.as_str()))?;
            if linked.into_iter().flatten().next().is_some() {
                return Err(RunError::Refused {
                    message: format!("{source_id} is linked to a person already"),
                    help: Some("`userload people show` shows to whom; there is nothing to decide".into()),
                });
            }
            let mut ids = vec![source_id.clone()];
            if let Choice::Link(person) = decided {
                let (tenant, cloud) = &job.store.links_belong_to(&name)?;
                let (tenant, cloud) = (tenant.as_deref().unwrap_or(""), cloud.as_deref().unwrap_or(""));
                ids.extend(job.store.linked_to_another(*person, tenant, cloud, source_id)?);
            }
            ids
        }
    };
    let mut retry = Retry::default();
    let (source, connector) = (&job.ready.source, &mut job.ready.connector);
    let identity = call(job.net, &mut retry, "proving the credential", job.progress, async || {
        connector.identify(source).await
    })?;
    if job.ready.applied.source_tenant.is_none() {
        (job.ready.applied.source_tenant, job.ready.applied.cloud) = job.store.links_belong_to(&name)?;
    }
    belongs(&job.ready.applied, &identity.tenant, &identity.cloud, &name)?;
    let (config, shape, basis) = (&job.ready.config, &job.ready.shape, &job.ready.basis);
    let new = NewRun { integration: &name, kind, config, shape, basis, at };
    let run = job.store.begin_run(&new)?;
    let terms = terms(job, run, identity)?;
    let report = RunReport::new(terms.run.number, &name, kind, at);
    let course = Course { report, timings: Timings::default(), terms, retry, at };
    Ok(Errand { course, standing, ids })
}

impl Errand {
    fn follow(&mut self, job: &mut Job<'_>, order: &Order) -> Result<RunReport, RunError> {
        let clock = Instant::now();
        let standing = std::mem::take(&mut self.standing);
        job.progress.stage("ask", Some(self.ids.len() as u64));
        let absence = match order {
            Order::Approve(holds) => {
                let wanted = approve::Wanted::new(&standing, holds);
                let gone = self.ask(job, Some(&wanted))?;
                approve::gone(&self.course, job, &wanted, gone)?
            }
            Order::Decide(source_id, decided) => self.decide(job, source_id, *decided)?,
        };
        self.course.timings.stage = millis(clock);

        let clock = Instant::now();
        let run = self.course.terms.run;
        job.store.begin_judging(run)?;
        let staged = job.store.progress(run)?;
        settle::claims(&self.course.terms, job.store)?;
        let mut absence = absence;
        let decision = match order {
            Order::Approve(holds) => {
                let wanted = approve::Wanted::new(&standing, holds);
                let Approved { notes, given_up } =
                    approve::settle(&self.course.terms, job.store, &wanted, &standing, self.course.at)?;
                absence.people += given_up;
                absence.notes.extend(notes);
                None
            }
            Order::Decide(source_id, decided) => {
                let (terms, shape) = (&self.course.terms, job.ready.applied.shape.as_deref());
                settle::guard(terms, job.store, shape, self.course.at)?;
                settle::usernames(terms, job.store, &|_| true)?;
                self.decided(job, &standing, source_id, *decided)?;
                Some((source_id.as_str(), *decided))
            }
        };
        let rows = staged.rows;
        self.course.report.completeness = Completeness { rows, ..Completeness::default() };
        self.course.tell(job, &staged, absence, 0)?;
        self.course.timings.judge = millis(clock);

        job.progress.stage("apply", Some(self.course.report.changes()));
        let terms = &self.course.terms;
        let apply = Apply {
            run,
            integration: &terms.integration.name,
            source_tenant: &terms.source_tenant,
            cloud: &terms.cloud,
            shape: &terms.shape,
            seen: &staged.seen,
            complete_rows: None,
            strict: false,
            match_keys: &[],
            scope: Scope::Some { decision },
            at: self.course.at,
        };
        apply_staged(job.store, &apply, self.course.report.clone(), self.course.timings)
    }

    /// Asks the source about everybody, stages those who are there, and gives back the other answers.
    fn ask(
        &mut self,
        job: &mut Job<'_>,
        wanted: Option<&approve::Wanted<'_>>,
    ) -> Result<Vec<(String, Presence)>, RunError> {
        let course = &mut self.course;
        let seen = roaring::RoaringTreemap::new();
        let mut worker = PageWorker::new(&course.terms, job.store.again()?, (job.transformer)(), seen)?;
        let mut transformer = (job.transformer)();
        let mut gone = Vec::new();
        let chunks = self.ids.len().div_ceil(ASK_AT_ONCE);
        for (number, ids) in self.ids.chunks(ASK_AT_ONCE).enumerate() {
            let answers = ask(job, &mut course.retry, ids)?;
            let mut users = Vec::new();
            for (id, answer) in ids.iter().zip(answers) {
                match answer {
                    Presence::Present(user)
                        if wanted.is_some_and(|it| it.leaves_for_filter(id))
                            && outside(&course.terms, &mut transformer, &user)? =>
                    {
                        gone.push((id.clone(), Presence::Present(user)));
                    }
                    Presence::Present(user) => users.push(PageUser { id: id.clone(), raw: user.raw }),
                    other => gone.push((id.clone(), other)),
                }
            }
            let mut page = worker.work_present(&users)?;
            page.page = u32::try_from(number).unwrap_or(u32::MAX);
            page.listed = users.len() as u64;
            page.cursor = (number + 1 < chunks).then(|| "asked by id".to_owned());
            keep_links(&mut page);
            if let Some(wanted) = wanted {
                order(&mut page, wanted);
            }
            let name = &course.terms.integration.name;
            job.store.stage_page(course.terms.run, name, &page, course.at)?;
            job.progress.advance(ids.len() as u64);
        }
        Ok(gone)
    }

    /// Asks about a record, and about the user whose place it may take.
    fn decide(&mut self, job: &mut Job<'_>, source_id: &str, decided: Choice) -> Result<Absence, RunError> {
        let old: Vec<String> = self.ids.split_off(1);
        let mut gone = Vec::new();
        if !old.is_empty() {
            let answers = ask(job, &mut self.course.retry, &old)?;
            for (id, answer) in old.into_iter().zip(answers) {
                let (message, help) = match answer {
                    Presence::Deleted(_) | Presence::NotFound => {
                        gone.push(id);
                        continue;
                    }
                    Presence::Present(_) => (
                        format!("the person is linked to {id}, who is still there at the source"),
                        "they are two users: decide `--new`, or delete one of them at the source first",
                    ),
                    Presence::Unknown(_) => (
                        format!("the person is linked to {id}, and the source gave no answer about that one"),
                        "try again later; nothing was changed",
                    ),
                };
                return Err(RunError::Refused { message, help: Some(help.to_owned()) });
            }
        }
        self.course.terms.wish = Some(Wish { source_id: source_id.to_owned(), decided, gone });
        if let Some((id, _)) = self.ask(job, None)?.first() {
            return Err(RunError::Refused {
                message: format!("the source does not show {id} any more: there is nobody to decide about"),
                help: Some("the next run withdraws the question".into()),
            });
        }
        Ok(Absence::default())
    }

    /// Closes the question, when the decision came to something.
    fn decided(
        &self,
        job: &mut Job<'_>,
        standing: &[OpenHold],
        source_id: &str,
        decided: Choice,
    ) -> Result<(), RunError> {
        let run = self.course.terms.run;
        let ended = job.store.run_outcomes(run)?;
        if let Some(row) = ended.get(source_id)
            && !row.outcome.changes_someone()
            && row.outcome != Outcome::Held
        {
            return Err(RunError::Refused {
                message: format!("{source_id} cannot be taken so: {}", row.reason),
                help: Some("nothing was decided; `userload held show` shows the question".into()),
            });
        }
        let note = match decided {
            Choice::Link(_) => format!("decided in run {}: somebody who is known", run.number),
            Choice::New => format!("decided in run {}: a new person", run.number),
        };
        let closings: Vec<Closing> = standing
            .iter()
            .filter(|it| it.source_id == source_id && it.cause == AMBIGUOUS)
            .map(|it| Closing { hold: it.id, state: Held::Approved, note: note.clone() })
            .collect();
        job.store.stage_closings(run, &closings)?;
        Ok(())
    }
}

/// Whether the filter demonstrably does not let somebody through who is not disabled: that outranks it.
fn outside(terms: &Terms, transformer: &mut Transformer, user: &PresentUser) -> Result<bool, RunError> {
    if user.inside_filter != Some(false) || terms.integration.filter.is_none() {
        return Ok(false);
    }
    let mapped = transformer
        .map_record(&terms.mapping, &user.raw)
        .map_err(|error| RunError::Call { doing: "mapping again".to_owned(), error })?;
    Ok(mapped.is_ok_and(|it| it.enabled != Some(false)))
}

/// The answers about these, in order.
fn ask(job: &mut Job<'_>, retry: &mut Retry, ids: &[String]) -> Result<Vec<Presence>, RunError> {
    let (source, connector) = (&job.ready.source, &mut job.ready.connector);
    let doing = "asking about those who were decided about";
    let answers =
        call(job.net, retry, doing, job.progress, async || connector.confirm_absent(source, ids).await)?;
    if answers.len() == ids.len() {
        return Ok(answers);
    }
    Err(RunError::Misbehaved(format!("asked about {} people, answered about {}", ids.len(), answers.len())))
}

/// Links that are there stay as they are: the next listing looks at the whole record, and by its own rules.
fn keep_links(page: &mut StagedPage) {
    for row in page.rows.iter_mut().filter(|row| row.link.is_some()) {
        row.linking = false;
        row.raw = None;
    }
}

/// Deactivations carry the order beside their proof.
fn order(page: &mut StagedPage, wanted: &approve::Wanted<'_>) {
    for row in &mut page.rows {
        let Some(hold) = row.source_id.as_deref().and_then(|id| wanted.leaving(id)) else { continue };
        if let Some(NewChange { deed: Deed::Alter { status, .. }, .. }) = &mut row.change {
            let told = std::mem::replace(status, Status::Stays);
            *status = match told {
                Status::Deactivate(evidence) => {
                    Status::Deactivate(Evidence::with(evidence, Approval::of(hold)))
                }
                other => other,
            };
        }
    }
}
