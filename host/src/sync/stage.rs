//! Fetching, working and staging, which overlap: while this page is worked on, the next one is fetched and
//! the last one is written.

use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::delta::Told;
use super::error::RunError;
use super::page::PageWorker;
use super::progress::Progress;
use super::retry::{Disposition, Retry};
use super::run::Job;
use super::terms::Terms;
use crate::engine::contract::{Next, Page};
use crate::engine::{CallError, Connector};
use crate::model::Millis;
use crate::store::{Progress as Staged, StagedPage};

/// Pages that may wait between two stages. Memory is bounded by it: a page is about 1 MiB.
const QUEUE: usize = 2;

/// No listing has more pages: 20 million users.
const MOST_PAGES: u32 = 20_000;

/// How often a listing may start over.
const RESTARTS: u32 = 3;

/// Stages the whole listing, from where `staged` left off. Gives back the progress after its last page.
///
/// # Errors
/// When a page cannot be had for good, or the plugin or the store fails.
pub(super) fn stage_listing(
    job: &mut Job<'_>,
    terms: &Terms,
    retry: &mut Retry,
    at: Millis,
    told: Option<&Told>,
) -> Result<Staged, RunError> {
    loop {
        let staged = job.store.progress(terms.run)?;
        if staged.ended {
            return Ok(staged);
        }
        match attempt(job, terms, &staged, retry, at, told) {
            Ok(()) => {}
            Err(Stopped::Expired) if retry.cost.restarts < RESTARTS => {
                retry.cost.restarts += 1;
                job.progress.note("the page token has expired: the listing starts over");
                job.store.restart_run(terms.run)?;
            }
            Err(Stopped::Expired) => return Err(RunError::Restarts(RESTARTS + 1)),
            Err(Stopped::Error(error)) => return Err(error),
        }
    }
}

/// Why an attempt ended before the last page.
enum Stopped {
    Expired,
    Error(RunError),
}

fn attempt(
    job: &mut Job<'_>,
    terms: &Terms,
    staged: &Staged,
    retry: &mut Retry,
    at: Millis,
    told: Option<&Told>,
) -> Result<(), Stopped> {
    let progress = job.progress;
    let again = || job.store.again().map_err(RunError::from);
    let mut worker = again()
        .and_then(|store| PageWorker::new(terms, store, (job.transformer)(), staged.seen.clone()))
        .map(|worker| worker.expecting(told))
        .map_err(Stopped::Error)?;
    let mut writer = again().map_err(Stopped::Error)?;
    let (pages, mut fetched) = mpsc::channel::<(u32, Page, Option<String>)>(QUEUE);
    let (done, mut worked) = mpsc::channel::<StagedPage>(QUEUE);
    thread::scope(|scope| {
        let working = scope.spawn(move || -> Result<(), RunError> {
            while let Some((number, page, cursor)) = fetched.blocking_recv() {
                let staged = worker.work(number, &page, cursor)?;
                if done.blocking_send(staged).is_err() {
                    break; // The writer has failed, and says why.
                }
            }
            Ok(())
        });
        let writing = scope.spawn(move || -> Result<(), RunError> {
            while let Some(page) = worked.blocking_recv() {
                let rows = page.listed;
                writer.stage_page(terms.run, &terms.integration.name, &page, at)?;
                progress.advance(rows);
            }
            Ok(())
        });
        let fetching =
            job.net.block_on(fetch(terms, &mut job.ready.connector, staged, retry, pages, progress));
        // The first stage that failed says why; those behind it only ran dry.
        let worked = join(working);
        let written = join(writing);
        written.map_err(Stopped::Error)?;
        worked.map_err(Stopped::Error)?;
        fetching
    })
}

fn join(stage: thread::ScopedJoinHandle<'_, Result<(), RunError>>) -> Result<(), RunError> {
    stage.join().unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
        Err(RunError::Panic(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()))
    })
}

async fn fetch(
    terms: &Terms,
    connector: &mut Connector,
    staged: &Staged,
    retry: &mut Retry,
    pages: mpsc::Sender<(u32, Page, Option<String>)>,
    progress: &dyn Progress,
) -> Result<(), Stopped> {
    let mut number = staged.pages;
    let mut cursor = staged.cursor.clone();
    loop {
        let doing = || format!("reading page {} of the listing", number + 1);
        let page = loop {
            match connector.fetch_users(&terms.source, cursor.as_deref()).await {
                Ok(page) => break page,
                Err(error) => wait(retry, error, doing, progress).await?,
            }
        };
        retry.success();
        if number == 0 {
            progress.stage("load", page.total);
        }
        let next = match &page.next {
            Next::More(cursor) => Some(cursor.clone()),
            Next::Complete(_) => None,
        };
        if pages.send((number, page, next.clone())).await.is_err() {
            return Ok(()); // The worker has failed, and says why.
        }
        number += 1;
        match next {
            Some(next) if Some(&next) == cursor.as_ref() || number >= MOST_PAGES => {
                let what = format!("after page {number} the listing goes round in circles");
                return Err(Stopped::Error(RunError::Misbehaved(what)));
            }
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Waits before a call is made again, or says that it is not.
async fn wait(
    retry: &mut Retry,
    error: CallError,
    doing: impl Fn() -> String,
    progress: &dyn Progress,
) -> Result<(), Stopped> {
    match retry.failure(&error) {
        Disposition::Again(wait) => {
            if wait >= Duration::from_secs(1) {
                progress.note(&format!("{}: {error}; again in {:.1} s", doing(), wait.as_secs_f64()));
            }
            tokio::time::sleep(wait).await;
            Ok(())
        }
        Disposition::StartOver => Err(Stopped::Expired),
        Disposition::Stop => Err(Stopped::Error(RunError::Call { doing: doing(), error })),
    }
}

/// Calls the source, again and again as long as that may help.
///
/// # Errors
/// When it failed for good.
pub fn call<T>(
    net: &Handle,
    retry: &mut Retry,
    doing: &str,
    progress: &dyn Progress,
    mut once: impl AsyncFnMut() -> Result<T, CallError>,
) -> Result<T, RunError> {
    net.block_on(async {
        loop {
            match once().await {
                Ok(answer) => {
                    retry.success();
                    return Ok(answer);
                }
                Err(error) => match wait(retry, error, || doing.to_owned(), progress).await {
                    Ok(()) => {}
                    Err(Stopped::Error(error)) => return Err(error),
                    Err(Stopped::Expired) => return Err(RunError::Restarts(1)),
                },
            }
        }
    })
}
