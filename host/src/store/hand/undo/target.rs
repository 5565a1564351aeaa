//! Which run is to be undone, which of its rows, and whether they can be.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::UndoOrder;
use super::deed::Deed;
use crate::store::{Result, StoreError};

/// The run to be undone.
pub(super) struct Target {
    pub(super) row: i64,
    pub(super) number: i64,
    kind: String,
}

/// The run, when it can be undone.
///
/// # Errors
/// When it cannot, saying what to do.
pub(super) fn target(tx: &Transaction<'_>, tenant: i64, number: i64) -> Result<Target> {
    let refused = |text: String| Err(StoreError::Refused(text));
    let found = tx
        .query_row(
            "SELECT id, kind, state FROM run WHERE tenant = ?1 AND number = ?2",
            params![tenant, number],
            |row| Ok((Target { row: row.get(0)?, number, kind: row.get(1)? }, row.get::<_, String>(2)?)),
        )
        .optional()?;
    let Some((target, state)) = found else {
        return refused(format!("there is no run {number}: `userload runs list` lists them"));
    };
    match state.as_str() {
        "applied" => {}
        "planned" => {
            return refused(format!(
                "run {number} is a plan: nobody was changed, there is nothing to undo; `userload runs list` lists the runs"
            ));
        }
        "failed" | "discarded" => {
            return refused(format!(
                "run {number} is {state}: nobody was changed, there is nothing to undo; `userload runs list` lists the runs"
            ));
        }
        _ => return refused(format!("run {number} has not ended: nobody was changed yet")),
    }
    let cause: Option<String> = tx
        .query_row(
            "SELECT cause FROM change WHERE run = ?1
               AND cause IN ('locked', 'unlocked', 'unpinned', 'merged', 'erased', 'unerased') LIMIT 1",
            [target.row],
            |row| row.get(0),
        )
        .optional()?;
    let instead = match cause.as_deref().filter(|_| target.kind == "hand") {
        None => return Ok(target),
        Some("locked") => "locked somebody: `userload people unlock` lifts the lock",
        Some("unlocked") => "unlocked somebody: `userload people lock` locks them again",
        Some("unpinned") => "lifted pins: undo what the next run does, and it is pinned again",
        Some("merged") => {
            "merged two people, which cannot be parted again: `userload people show` shows what each of them was, \
             `userload people import` enters one anew"
        }
        Some("erased") => {
            "erased somebody: nothing is left to bring back; `userload people unerase` lets the next run make the person anew"
        }
        Some(_) => "lifted an erasure: `userload people erase` erases somebody",
    };
    refused(format!("run {number} {instead}"))
}

/// The rows to undo, the last one first.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn deeds(tx: &Transaction<'_>, target: &Target, order: &UndoOrder) -> Result<Vec<i64>> {
    let only: Vec<&str> = order.only.iter().map(|it| it.name()).collect();
    let all: Vec<i64> = tx
        .prepare(
            "SELECT id FROM change WHERE run = ?1 AND state = 'flows'
               AND (?2 = '[]' OR outcome IN (SELECT value FROM json_each(?2)))
               AND (?3 IS NULL OR person = ?3)
             ORDER BY id DESC",
        )?
        .query_map(params![target.row, serde_json::to_string(&only)?, order.person], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut left = Vec::with_capacity(all.len());
    for id in all {
        if order.fields.is_empty() || Deed::read(tx, id)?.concerns(&order.fields)? {
            left.push(id);
        }
    }
    Ok(left)
}

/// Why there is nothing to undo.
pub(super) fn nothing_to_undo(target: &Target, order: &UndoOrder) -> StoreError {
    let number = target.number;
    let narrowed = !order.only.is_empty() || !order.fields.is_empty() || order.person.is_some();
    StoreError::Refused(if narrowed {
        format!(
            "run {number} did nothing of that kind: `userload runs show {number} --changes` lists what it did"
        )
    } else {
        format!("run {number} changed nobody: there is nothing to undo")
    })
}

/// Why there is nothing left to undo.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn undone_already(tx: &Transaction<'_>, target: &Target) -> Result<StoreError> {
    let by: Option<i64> = tx.query_row(
        "SELECT max(r.number) FROM run r WHERE r.id IN (SELECT undone_by FROM change WHERE run = ?1
           UNION SELECT undone_by FROM saas_change WHERE run = ?1)",
        [target.row],
        |row| row.get(0),
    )?;
    let number = target.number;
    Ok(StoreError::Refused(match by {
        Some(by) => format!(
            "run {number} was undone already, in run {by}; `userload undo {by}` brings back what run {number} did"
        ),
        None => format!("nothing of run {number} is left to undo"),
    }))
}
