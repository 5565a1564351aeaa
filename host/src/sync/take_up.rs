//! `apply RUN`: takes a planned run up again.

use std::collections::HashMap;

use super::error::RunError;
use super::evidence::LEFT_FILTER;
use super::report::{RunReport, Timings};
use super::retry::Retry;
use super::run::{Job, apply_staged, belongs};
use super::stage::call;
use crate::engine::contract::Presence;
use crate::model::{Millis, Outcome};
use crate::store::{Apply, Flowing, Planned, Scope};

/// A plan older than this is not applied: what it saw may no longer be so.
const OLDEST: Millis = 24 * 60 * 60 * 1000;

/// How many people are asked about in one call.
const ASK_AT_ONCE: usize = 200;

/// Applies a planned run. Whoever moved since is left out, by name; with `strict` the whole run is refused.
/// Deactivations are confirmed again: who came back is left out.
///
/// # Errors
/// When the plan is too old, overtaken, or made with another configuration, and for whatever stops a run.
/// Nobody has changed then.
pub fn apply_run(job: &mut Job<'_>, number: i64, strict: bool) -> Result<RunReport, RunError> {
    apply(job, number, strict).map_err(|error| error.at(job.store.path()))
}

fn apply(job: &mut Job<'_>, number: i64, strict: bool) -> Result<RunReport, RunError> {
    job.store.sweep()?;
    let planned = job.store.planned(number)?;
    check(job, &planned)?;
    let mut retry = Retry::default();
    let (source, connector) = (&job.ready.source, &mut job.ready.connector);
    let identity = call(job.net, &mut retry, "proving the credential", job.progress, async || {
        connector.identify(source).await
    })?;
    belongs(&job.ready.applied, &identity.tenant, &identity.cloud, &planned.integration)?;
    let mut report = planned.report.clone();
    let back = confirm(job, &planned, &mut retry)?;
    if strict && !back.is_empty() {
        let names: Vec<String> = back.iter().take(5).map(|it| format!("{} {}", it.name, it.why)).collect();
        return Err(RunError::Refused {
            message: format!(
                "{} people have changed since run {} was planned: {}",
                back.len(),
                planned.id.number,
                names.join(", ")
            ),
            help: Some(format!("make a new one: userload plan {}", planned.integration)),
        });
    }
    for Back { leaver, name, why } in back {
        job.store.leave_out(&leaver)?;
        let count = report.outcomes.entry(leaver.outcome).or_default();
        *count = count.saturating_sub(1);
        *report.outcomes.entry(Outcome::Skipped).or_default() += 1;
        report.notes.push(format!("{name} {why}, and was left out"));
    }
    let staged = job.store.progress(planned.id)?;
    job.progress.stage("apply", Some(report.changes()));
    let apply = Apply {
        run: planned.id,
        integration: &planned.integration,
        source_tenant: &identity.tenant,
        cloud: &identity.cloud,
        shape: &job.ready.shape,
        seen: &staged.seen,
        complete_rows: report.complete_rows(staged.rows),
        strict,
        match_keys: &job.ready.integration.match_keys,
        scope: if report.changes_only() { Scope::Changes } else { Scope::Listing },
        at: job.clock.now(),
    };
    let timings = Timings { apply: 0, ..report.timings };
    apply_staged(job.store, &apply, report, timings)
}

/// Refuses a plan that no longer says what would happen.
fn check(job: &Job<'_>, planned: &Planned) -> Result<(), RunError> {
    let number = planned.id.number;
    let name = &planned.integration;
    let refused = |message: String| {
        Err(RunError::Refused { message, help: Some(format!("make a new one: userload plan {name}")) })
    };
    match planned.state.as_str() {
        "planned" => {}
        "applied" => {
            return Err(RunError::Refused {
                message: format!("run {number} is applied already"),
                help: Some(format!("userload runs show {number}")),
            });
        }
        "discarded" => {
            return refused(format!(
                "run {number} was given up when a later run of `{name}` began, or when its links were changed by hand"
            ));
        }
        other => return refused(format!("run {number} is {other}, not planned")),
    }
    if job.clock.now() - planned.started_at > OLDEST {
        return refused(format!("run {number} was planned more than 24 hours ago"));
    }
    if planned.config != job.ready.config {
        return refused(format!(
            "`{name}`, its credential or the plugin has changed since run {number} was planned"
        ));
    }
    if job.store.last_applied(name)?.is_some_and(|last| last > planned.id.row) {
        return refused(format!("a later run of `{name}` has been applied since run {number} was planned"));
    }
    Ok(())
}

/// Somebody whom the plan deactivates and who is to be left out.
struct Back {
    leaver: Flowing,
    name: String,
    why: &'static str,
}

/// Asks again about everybody whom the plan deactivates: who came back.
fn confirm(job: &mut Job<'_>, planned: &Planned, retry: &mut Retry) -> Result<Vec<Back>, RunError> {
    let mut leavers = Vec::new();
    job.store.each_flowing(planned.id, |flowing| {
        if flowing.deactivation.is_some() {
            leavers.push(flowing);
        }
        Ok(())
    })?;
    let mut transformer = (job.transformer)();
    let mut back = Vec::new();
    for chunk in leavers.chunks(ASK_AT_ONCE) {
        let ids: Vec<String> = chunk.iter().map(|it| it.source_id.clone()).collect();
        let (source, connector) = (&job.ready.source, &mut job.ready.connector);
        let answers = call(job.net, retry, "asking again about those who leave", job.progress, async || {
            connector.confirm_absent(source, &ids).await
        })?;
        let mut by_id: HashMap<&str, &Presence> = ids.iter().map(String::as_str).zip(&answers).collect();
        for leaver in chunk {
            let why = match by_id.remove(leaver.source_id.as_str()) {
                Some(Presence::Present(user)) => {
                    let mapped = transformer
                        .map_record(&job.ready.mapping, &user.raw)
                        .map_err(|error| RunError::Call { doing: "mapping again".into(), error })?;
                    let disabled = mapped.is_ok_and(|it| it.enabled == Some(false));
                    let outside = leaver.deactivation.as_deref() == Some(LEFT_FILTER)
                        && user.inside_filter == Some(false);
                    (!disabled && !outside).then_some("came back since the plan was made")
                }
                Some(Presence::Deleted(_) | Presence::NotFound) => None,
                Some(Presence::Unknown(_)) | None => Some("could not be asked about again"),
            };
            if let Some(why) = why {
                let name =
                    super::row::name(&job.store.candidate(&planned.integration, leaver.person)?.fields);
                back.push(Back { leaver: leaver.clone(), name, why });
            }
        }
    }
    Ok(back)
}
