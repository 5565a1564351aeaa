//! One run, from the source to the directory. Start reading here.
//!
//! A user record arrives on a page of the listing ([`super::stage`]), byte for byte as Graph sent it. If
//! nothing about it has changed since the last run, it is passed over. Else the plugin maps it and says what
//! it means to the people who are known ([`super::page`]); what would change becomes a row of the ledger,
//! staged with its page. When the last page is staged, the run is settled as a whole ([`super::settle`]): who
//! is claimed twice, who was absent and what the source says about them ([`super::absent`]), what the guard
//! holds ([`super::guard`]), whose username is still somebody else's. Until then nobody has changed. What
//! flows is applied in one transaction ([`crate::store::Apply`]); what is held waits, by name.

use std::time::Instant;

use tokio::runtime::Handle;

use super::absent::{Absence, Judge};
use super::delta::{self, Changes, Wanted, Way, choose};
use super::enumeration::{Listing, judge};
use super::error::RunError;
use super::page::PageWorker;
use super::preflight::Ready;
use super::progress::Progress;
use super::report::{Completeness, Managers, Reading, RunKind, RunReport, RunState, SaasPass, Timings};
use super::retry::Retry;
use super::stage::{call, stage_listing};
use super::terms::Terms;
use super::{disk, managers, saas, settle};
use crate::credential::NEXT_CLIENT_SECRET;
use crate::engine::Transformer;
use crate::engine::contract::Identity;
use crate::model::{Clock, Millis, Outcome};
use crate::store::{Apply, Counts, NewRun, Progress as Staged, RunId, Scope, Store};

/// What a run needs from outside, checked before.
pub struct Job<'a> {
    /// Where calls to the source run.
    pub net: &'a Handle,
    /// The store.
    pub store: &'a mut Store,
    /// Makes an instance for the pure stages.
    pub transformer: &'a (dyn Fn() -> Transformer + Sync),
    /// What preflight found to be in order.
    pub ready: &'a mut Ready,
    /// Which way the source is to be read.
    pub wanted: Wanted,
    /// Time.
    pub clock: Clock,
    /// Hears how far the run is.
    pub progress: &'a dyn Progress,
    /// What is to be told with the report, whatever becomes of the run.
    pub notes: Vec<String>,
}

/// What the last applied run of the integration left.
#[derive(Clone, Debug, Default)]
pub struct LastApplied {
    /// Whose directory the links belong to.
    pub source_tenant: Option<String>,
    /// In which cloud.
    pub cloud: Option<String>,
    /// Digest of filter, mapping and match keys.
    pub shape: Option<String>,
    /// Rows of the last complete listing.
    pub complete_rows: Option<u64>,
}

/// An interrupted run older than this is not gone on with: what it has staged may no longer be so.
const OLDEST: Millis = 24 * 60 * 60 * 1000;

/// After so long an open question is called to mind: 14 days. Nothing happens by itself.
pub const OVERDUE: Millis = 14 * 24 * 60 * 60 * 1000;

/// Runs an integration: `Plan` stops before it applies, `Sync` applies what flows.
///
/// # Errors
/// When the run cannot be finished. Nobody has changed then. The report, when there is one by then, says what
/// happened until it failed.
pub fn run(job: &mut Job<'_>, kind: RunKind) -> Result<RunReport, (RunError, Option<Box<RunReport>>)> {
    let mut retry = Retry::default();
    let (terms, started_at, way) = match begin(job, kind, &mut retry) {
        Ok(begun) => begun,
        Err(error) => {
            let error = error.at(job.store.path());
            let report = not_begun(job, kind, &retry, &error);
            return Err((error, report.map(Box::new)));
        }
    };
    let mut course = Course {
        report: RunReport::new(terms.run.number, &terms.integration.name, kind, started_at),
        timings: Timings::default(),
        terms,
        retry,
        at: job.clock.now(),
    };
    course.report.notes.extend(job.notes.iter().cloned());
    course.follow(job, kind, way).map_err(|error| {
        let error = error.at(job.store.path());
        let report = course.fail(job, &error);
        (error, Some(Box::new(report)))
    })
}

/// Learns whose directory the credential opens, and takes up an interrupted run or begins a new one.
fn begin(job: &mut Job<'_>, kind: RunKind, retry: &mut Retry) -> Result<(Terms, Millis, Way), RunError> {
    job.store.sweep()?;
    let mut way = choose(job)?;
    let (source, connector) = (&job.ready.source, &mut job.ready.connector);
    let identity = call(job.net, retry, "proving the credential", job.progress, async || {
        connector.identify(source).await
    })?;
    if job.ready.applied.source_tenant.is_none() {
        // It was removed and saved again: its links are still there.
        (job.ready.applied.source_tenant, job.ready.applied.cloud) =
            job.store.links_belong_to(&job.ready.integration.name)?;
    }
    belongs(&job.ready.applied, &identity.tenant, &identity.cloud, &job.ready.integration.name)?;
    let at = job.clock.now();
    let (run, started_at) = match job.store.interrupted(&job.ready.integration.name)? {
        Some(found)
            if found.config == job.ready.config
                && found.progress.pages > 0
                && at - found.started_at <= OLDEST =>
        {
            retry.cost.resumed_pages = found.progress.pages;
            job.progress.note(&format!(
                "run {} was interrupted after page {}: it goes on from there",
                found.id.number, found.progress.pages
            ));
            job.store.take_up(found.id, kind)?;
            if let Way::Changes(_) = way {
                way = Way::Listing(Some("an interrupted listing goes on".to_owned()));
            }
            (found.id, found.started_at)
        }
        _ => {
            let new = NewRun {
                integration: &job.ready.integration.name,
                kind,
                config: &job.ready.config,
                shape: &job.ready.shape,
                basis: &job.ready.basis,
                at,
            };
            (job.store.begin_run(&new)?, at)
        }
    };
    Ok((terms(job, run, identity)?, started_at, way))
}

/// What is settled before the first record is looked at.
pub(super) fn terms(job: &Job<'_>, run: RunId, identity: Identity) -> Result<Terms, RunError> {
    Ok(Terms {
        integration: job.ready.integration.clone(),
        run,
        mapping: job.ready.mapping.clone(),
        policy: job.ready.policy.clone(),
        source: job.ready.source.clone(),
        source_tenant: identity.tenant,
        cloud: identity.cloud,
        shape: job.ready.shape.clone(),
        others: job.ready.others.clone(),
        written: Terms::written(&job.ready.integration),
        checks_roles: Terms::takes_roles(&job.ready.integration),
        standing: job.store.standing(&job.ready.integration.name)?,
        wish: None,
    })
}

/// The report of a run that ended before its first page, stored as a failed run. What an interrupted run has
/// staged, and a plan that waits, stay as they are. None when the store itself is the trouble.
fn not_begun(job: &mut Job<'_>, kind: RunKind, retry: &Retry, error: &RunError) -> Option<RunReport> {
    if matches!(error, RunError::Store(_)) {
        return None;
    }
    let at = job.clock.now();
    let name = &job.ready.integration.name;
    let (config, shape, basis) = (&job.ready.config, &job.ready.shape, &job.ready.basis);
    let new = NewRun { integration: name, kind, config, shape, basis, at };
    let mut report = RunReport::new(0, name, kind, at);
    report.state = RunState::Failed;
    report.error = Some(told(error));
    report.cost = retry.cost;
    report.receipt = job.ready.receipt();
    report.ended_at = Some(at);
    job.store.add_failed_run(&new, report).ok()
}

/// An error as a report has it.
fn told(error: &RunError) -> String {
    match error.help() {
        Some(help) => format!("{error}\nhelp: {help}"),
        None => error.to_string(),
    }
}

/// Links belong to a tenant and a cloud; a credential for another one is refused.
pub(super) fn belongs(
    applied: &LastApplied,
    tenant: &str,
    cloud: &str,
    integration: &str,
) -> Result<(), RunError> {
    match (&applied.source_tenant, &applied.cloud) {
        (Some(own), Some(own_cloud)) if own != tenant || own_cloud != cloud => Err(RunError::Refused {
            message: format!(
                "the people of `{integration}` are linked to tenant {own} ({own_cloud}), but the credential opens \
                 tenant {tenant} ({cloud})"
            ),
            help: Some(format!(
                "give `{integration}` a credential of tenant {own}, or save another integration for tenant {tenant}"
            )),
        }),
        _ => Ok(()),
    }
}

/// What was read of the source.
struct Read {
    staged: Staged,
    /// None = everybody was listed.
    changes: Option<Changes>,
}

/// A run under way.
pub(super) struct Course {
    pub(super) terms: Terms,
    pub(super) report: RunReport,
    pub(super) timings: Timings,
    pub(super) retry: Retry,
    pub(super) at: Millis,
}

impl Course {
    fn follow(&mut self, job: &mut Job<'_>, kind: RunKind, way: Way) -> Result<RunReport, RunError> {
        let clock = Instant::now();
        let Read { staged, changes } = self.read(job, way)?;
        self.timings.stage = millis(clock);

        let clock = Instant::now();
        job.store.begin_judging(self.terms.run)?;
        let twice = settle::claims(&self.terms, job.store)?;
        let (absence, away) = match changes {
            None => (self.judge_absence(job, &staged)?, None),
            Some(changes) => {
                let away = changes.absent.clone();
                (self.judge_changes(job, &staged, changes)?, Some(away))
            }
        };
        let place = |link: i64| u64::try_from(link).unwrap_or(0);
        let listed = |link: i64| match &away {
            None => staged.seen.contains(place(link)),
            Some(away) => !away.contains(place(link)),
        };
        settle::guard(&self.terms, job.store, job.ready.applied.shape.as_deref(), self.at)?;
        settle::usernames(&self.terms, job.store, &listed)?;
        let there = self.there(job, &staged, away.as_ref())?;
        let managers = managers::pass(job, &self.terms, &there, &mut self.retry, self.at)?;
        let saas = saas::pass(job, &self.terms, &there, &mut self.retry, self.at)?;
        self.tell_passes(managers, saas);
        self.tell(job, &staged, absence, twice)?;
        self.timings.judge = millis(clock);

        let run = self.terms.run;
        match kind {
            RunKind::Sync => {
                job.progress.stage("apply", Some(self.report.changes()));
                let shape = self.terms.shape.clone();
                let apply = Apply {
                    run,
                    integration: &self.terms.integration.name,
                    source_tenant: &self.terms.source_tenant,
                    cloud: &self.terms.cloud,
                    shape: &shape,
                    seen: &staged.seen,
                    complete_rows: self.report.complete_rows(staged.rows),
                    strict: false,
                    match_keys: &self.terms.integration.match_keys,
                    scope: if self.report.changes_only() { Scope::Changes } else { Scope::Listing },
                    at: self.at,
                };
                apply_staged(job.store, &apply, self.report.clone(), self.timings)
            }
            _ => {
                self.report.state = RunState::Planned;
                self.report.timings = self.timings;
                self.report.ended_at = Some(job.clock.now());
                job.store.end_run(run, RunState::Planned, &self.report)?;
                Ok(self.report.clone())
            }
        }
    }

    /// Reads the source: what has changed, or else everybody.
    fn read(&mut self, job: &mut Job<'_>, way: Way) -> Result<Read, RunError> {
        let why = match way {
            Way::Listing(why) => why,
            Way::Changes(state) => match delta::stage(job, &self.terms, &mut self.retry, self.at, &state)? {
                Ok(mut changes) => {
                    self.report.reading = Some(std::mem::take(&mut changes.reading));
                    let staged = changes.staged.clone();
                    return Ok(Read { staged, changes: Some(changes) });
                }
                Err(why) => {
                    job.progress.note(&format!("{why}: everybody is listed"));
                    Some(why)
                }
            },
        };
        let mut reading = Reading { why, ..Reading::default() };
        let mut told = None;
        if self.terms.integration.delta.on && self.retry.cost.resumed_pages == 0 {
            told = delta::before_listing(job, &self.terms, &mut self.retry, self.at, &mut reading)?;
        }
        job.progress.stage("load", None);
        let staged = stage_listing(job, &self.terms, &mut self.retry, self.at, told.as_ref())?;
        if let Some(told) = told {
            reading.parity = Some(delta::parity(job, &self.terms, &mut self.retry, &told)?);
        }
        if reading.why.is_some() || self.terms.integration.delta.on {
            self.report.reading = Some(reading);
        }
        Ok(Read { staged, changes: None })
    }

    /// Judges those of whom the changes say that they are gone. Whom they do not name is as before.
    fn judge_changes(
        &mut self,
        job: &mut Job<'_>,
        staged: &Staged,
        changes: Changes,
    ) -> Result<Absence, RunError> {
        self.report.completeness =
            Completeness { complete: true, rows: staged.rows, ..Completeness::default() };
        let mut judge = Judge {
            net: job.net,
            terms: &self.terms,
            store: job.store,
            connector: &mut job.ready.connector,
            transformer: (job.transformer)(),
            retry: &mut self.retry,
            at: self.at,
            progress: job.progress,
        };
        delta::judge_absent(&mut judge, changes.suspects)
    }

    /// Who is there, for the passes beside the users, which go over everybody.
    fn there(
        &self,
        job: &Job<'_>,
        staged: &Staged,
        away: Option<&roaring::RoaringTreemap>,
    ) -> Result<Staged, RunError> {
        let mut there = staged.clone();
        let integration = &self.terms.integration;
        if let Some(away) = away.filter(|_| integration.manager || integration.saas.is_some()) {
            there.seen |= job.store.unfiltered_links(&integration.name)? - away;
            there.total = None;
        }
        Ok(there)
    }

    /// Judges the listing, and, when it proves who is absent, those who are.
    fn judge_absence(&mut self, job: &mut Job<'_>, staged: &Staged) -> Result<Absence, RunError> {
        let (proof, completeness) = judge(Listing {
            ended: staged.ended,
            rows: staged.rows,
            broken: job.store.nameless_rows(self.terms.run)?,
            expected: staged.total,
            last: job
                .ready
                .applied
                .complete_rows
                .filter(|_| job.ready.applied.shape.as_deref() == Some(&self.terms.shape)),
        });
        self.report.completeness = completeness;
        let Some(proof) = proof else { return Ok(Absence::default()) };
        let mut worker =
            PageWorker::new(&self.terms, job.store.again()?, (job.transformer)(), staged.seen.clone())?;
        let mut judge = Judge {
            net: job.net,
            terms: &self.terms,
            store: job.store,
            connector: &mut job.ready.connector,
            transformer: (job.transformer)(),
            retry: &mut self.retry,
            at: self.at,
            progress: job.progress,
        };
        judge.judge(&proof, &staged.seen, &mut worker)
    }

    /// Takes down what the passes beside the users came to.
    fn tell_passes(
        &mut self,
        managers: Option<(Managers, Vec<String>)>,
        saas: Option<(SaasPass, Vec<String>)>,
    ) {
        if let Some((told, notes)) = managers {
            self.report.managers = Some(told);
            self.report.notes.extend(notes);
        }
        if let Some((told, notes)) = saas {
            self.report.saas = Some(told);
            self.report.notes.extend(notes);
        }
    }

    /// Adds up what became of every row, and refuses to go on when it does not add up.
    pub(super) fn tell(
        &mut self,
        job: &mut Job<'_>,
        staged: &Staged,
        absence: Absence,
        twice: u64,
    ) -> Result<(), RunError> {
        let run = self.terms.run;
        let mut outcomes = staged.counts.clone();
        if twice > 0 {
            let unchanged = outcomes.entry(Outcome::Unchanged).or_default();
            *unchanged = unchanged.saturating_sub(twice);
            *outcomes.entry(Outcome::Skipped).or_default() += twice;
        }
        if let Some(managers) = self.report.managers {
            // They have a row of their own now.
            let unchanged = outcomes.entry(Outcome::Unchanged).or_default();
            *unchanged = unchanged.saturating_sub(managers.quiet);
        }
        add(&mut outcomes, &absence.counts);
        add(&mut outcomes, &job.store.change_counts(run)?);
        let sum: u64 = outcomes.values().sum();
        if sum != staged.rows + absence.people {
            return Err(RunError::Totals { rows: staged.rows, absent: absence.people, outcomes: sum });
        }
        let report = &mut self.report;
        report.rows_seen = staged.rows;
        report.absent = absence.people;
        report.outcomes = outcomes;
        report.notes.extend(absence.notes);
        if job.ready.connector.accepted(NEXT_CLIENT_SECRET) {
            let credential = &self.terms.integration.credential;
            report.notes.push(format!(
                "the client secret of the credential {credential} was refused, its next secret was accepted and \
                 takes the place"
            ));
        }
        report.cost = self.retry.cost;
        report.receipt = job.ready.receipt();
        report.causes = job.store.cause_groups(run)?;
        report.held = job.store.held_groups(run, &self.terms.integration.name, self.at)?;
        report.newly_held = report.held.iter().map(|group| group.new).sum();
        for group in report.held.iter().filter(|it| self.at - it.since >= OVERDUE) {
            let days = (self.at - group.since) / (24 * 60 * 60 * 1000);
            report.notes.push(format!("{} has waited for somebody to decide for {days} days", group.cause));
        }
        report.failed = job.store.first_rows(run, Outcome::Failed)?;
        report.ambiguous = job.store.first_rows(run, Outcome::Ambiguous)?;
        Ok(())
    }

    /// Ends a run that failed. What it had staged is gone; the reason stays.
    pub(super) fn fail(&mut self, job: &mut Job<'_>, error: &RunError) -> RunReport {
        self.report.state = RunState::Failed;
        self.report.error = Some(told(error));
        self.report.cost = self.retry.cost;
        self.report.timings = self.timings;
        self.report.receipt = job.ready.receipt();
        self.report.ended_at = Some(job.clock.now());
        // When even this cannot be written, the next start discards the run.
        if let Err(also) = job.store.end_run(self.terms.run, RunState::Failed, &self.report) {
            self.report.notes.push(format!("the failure could not be stored: {also}"));
        }
        self.report.clone()
    }
}

/// Applies what is staged, after a look at the disk, and stores the report with it.
pub(super) fn apply_staged(
    store: &mut Store,
    apply: &Apply<'_>,
    mut report: RunReport,
    mut timings: Timings,
) -> Result<RunReport, RunError> {
    let clock = Instant::now();
    disk::check(store.path(), store.staged_bytes(apply.run)?)?;
    let run = apply.run;
    report = store.apply(apply, |applied| {
        report.state = RunState::Applied;
        report.ended_at = Some(apply.at);
        report.newly_held = applied.newly_held;
        report.withdrawn = applied.withdrawn;
        if let (Some(saas), Some((moved, unmatched))) = (&mut report.saas, applied.saas) {
            saas.deactivated = saas.deactivated.saturating_sub(moved);
            saas.unmatched = Some(unmatched);
        }
        for (outcome, name) in &applied.moved {
            let count = report.outcomes.entry(*outcome).or_default();
            *count = count.saturating_sub(1);
            *report.outcomes.entry(Outcome::Skipped).or_default() += 1;
            report.notes.push(format!("{name} has changed since the run was staged, and was left out"));
        }
        report.outcomes.retain(|_, count| *count > 0);
        Ok(report)
    })?;
    timings.apply = millis(clock);
    report.timings = timings;
    // It is applied: what fails now must not look as if it were not. The next start sweeps.
    if let Err(error) = store.set_report(run, &report).and_then(|()| store.sweep()) {
        report.notes.push(format!("the run is applied, but the store could not be tidied up: {error}"));
    }
    Ok(report)
}

fn add(into: &mut Counts, from: &Counts) {
    for (outcome, count) in from {
        *into.entry(*outcome).or_default() += count;
    }
}

pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
