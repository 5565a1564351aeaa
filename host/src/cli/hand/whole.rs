//! `userload people unlink`, `merge`, `erase` and `unerase`.

use anyhow::Result;

use super::{reported, told};
use crate::cli::exit::ExitStatus;
use crate::cli::output::{count, shown};
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use crate::cli::{people, services};
use crate::store::{LinkRow, Merging};

pub(super) fn unlink(session: &Session, who: &str, integration: Option<&str>) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let name = shown(&person.name()).into_owned();
    let links = store.links_of(person.id)?;
    if links.is_empty() {
        return Err(Trouble::usage(format!("{name} is not linked to any source"))
            .help("nothing was changed")
            .into());
    }
    let chosen: Vec<LinkRow> =
        links.iter().filter(|it| integration.is_none_or(|name| it.integration == name)).cloned().collect();
    let all: Vec<String> =
        links.iter().map(|it| format!("{} ({})", shown(&it.integration), shown(&it.source_id))).collect();
    if chosen.is_empty() {
        return Err(Trouble::usage(format!(
            "{name} is not linked by `{}`",
            shown(integration.unwrap_or_default())
        ))
        .help(format!("linked by: {}", all.join(", ")))
        .into());
    }
    if integration.is_none() && links.len() > 1 {
        return Err(Trouble::usage(format!("{name} has {} links: {}", links.len(), all.join(", ")))
            .help("say which: `--integration NAME`")
            .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let report = store.unlink_person(person.id, &chosen, session.now())?;
    let gone: Vec<String> =
        chosen.iter().map(|it| format!("{} ({})", shown(&it.integration), shown(&it.source_id))).collect();
    let answer = format!("{name} is no longer linked by {} (run {})", gone.join(", "), report.run);
    told(session, &store, &person, Some(&report), &answer)?;
    session.printer.story(&format!(
        "the next run meets that user as somebody new and adopts {name} again, when a match key fits; \
         `userload undo {}` links them again",
        report.run
    ));
    Ok(ExitStatus::Done)
}

pub(super) fn merge(session: &Session, keep: &str, other: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let (kept, gone) = (people::find(session, &store, keep)?, people::find(session, &store, other)?);
    if kept.id == gone.id {
        return Err(Trouble::usage(format!(
            "`{}` and `{}` are one person already",
            shown(keep),
            shown(other)
        ))
        .help("nothing was changed")
        .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let merging = Merging { keep: kept.id, other: gone.id };
    let report = store.merge_people(merging, session.now())?;
    let answer = format!(
        "{} is {} now; {} is removed (run {})",
        shown(&gone.name()),
        shown(&kept.name()),
        shown(&gone.uid),
        report.run
    );
    told(session, &store, &kept, Some(&report), &answer)
}

pub(super) fn erase(session: &Session, who: &str, yes: bool) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let person = people::find(session, &store, who)?;
    let links = store.links_of(person.id)?;
    if !yes {
        return Err(Trouble::usage(format!(
            "this erases {} ({}) for good: the person, {}, raw documents, values in the ledger",
            shown(&person.name()),
            person.uid,
            count(links.len() as u64, "link", "links")
        ))
        .help(format!("nothing was changed; `userload people erase {} --yes` does it", shown(&person.uid)))
        .into());
    }
    let _alone = services::all_alone(session, &store)?;
    let (report, swept) = store.erase_person(person.id, session.now())?;
    let answer = format!("{} is erased (run {})", person.uid, report.run);
    reported(session, &report, &answer)?;
    if !swept {
        session.printer.story(
            "another process has the store open: its file may tell of them until the next erasure sweeps it",
        );
    }
    let managed = report.count(crate::model::Outcome::Updated);
    if managed > 0 {
        session
            .printer
            .story(&format!("{} had them as manager: that is empty now", count(managed, "person", "people")));
    }
    if !links.is_empty() {
        session
            .printer
            .story(&format!("no run makes them again until `userload people unerase {}`", person.uid));
    }
    Ok(ExitStatus::Done)
}

pub(super) fn unerase(session: &Session, id: &str) -> Result<ExitStatus> {
    let mut store = session.store()?;
    let id = id.trim();
    if store.tombstone(id)?.is_none() {
        return Err(Trouble::usage(format!("nobody was erased as `{}`", shown(id)))
            .help("the id at the source, or the id that `people erase` told")
            .into());
    }
    let report = store.unerase(id, session.now())?;
    let answer = format!("the erasure of {} is lifted (run {})", shown(id), report.run);
    reported(session, &report, &answer)?;
    session.printer.story("the next run makes the person again, when the source still lists them");
    Ok(ExitStatus::Done)
}
