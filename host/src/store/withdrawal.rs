//! Which standing questions a run over the listing has answered by what the source says now.
//!
//! Silence answers nothing: a hold is the memory that nobody has said yes, and without it the next run would do
//! what was held. So a question is only withdrawn when the run has looked at what it asks about, and would not ask
//! it again.

use std::collections::HashMap;

use rusqlite::{Transaction, named_params};

use super::apply::{Apply, Scope};
use super::fields::Difference;
use super::{Result, SAAS_LEAVING};

/// A question that this run does not ask again.
struct Silent {
    id: i64,
    source_id: String,
    cause: String,
    differences: Option<String>,
    /// Nobody yet: the question comes again with the record.
    nobody: bool,
    /// The person is there, and active.
    active: bool,
    /// A lock keeps runs from their status: that is an answer to whether they leave.
    locked: bool,
    /// The link was in the listing.
    listed: bool,
    /// The source gave no answer about them.
    unconfirmed: bool,
    /// The run asks about their leaving under another cause.
    leaves_otherwise: bool,
}

/// What the run made of a record.
struct Judged {
    enabled: Option<bool>,
    outcome: Option<String>,
    not_applied: Option<String>,
}

/// Withdraws what is answered. Gives back how many.
pub(super) fn withdraw(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<u64> {
    let silent = silent(tx, tenant, apply)?;
    if silent.is_empty() {
        return Ok(0);
    }
    let judged = judged(tx, tenant, apply)?;
    let mut close = tx.prepare_cached(
        "UPDATE hold SET state = 'withdrawn', closed_at = ?2, closed_run = ?3,
           closed_note = 'no longer so at the source' WHERE id = ?1",
    )?;
    let mut withdrawn = 0;
    let complete = match apply.scope {
        Scope::Changes => super::delta::answered(tx, apply.run)?,
        _ => apply.complete_rows.is_some(),
    };
    for hold in silent {
        if answered(&hold, judged.get(&hold.source_id), complete)? {
            close.execute(rusqlite::params![hold.id, apply.at, apply.run.row])?;
            withdrawn += 1;
        }
    }
    Ok(withdrawn)
}

fn silent(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<Vec<Silent>> {
    let mut query = tx.prepare(
        "SELECT hold.id, hold.source_id, hold.cause, hold.differences, hold.person IS NULL, p.active IS 1, l.id,
           EXISTS (SELECT 1 FROM staged_hold u WHERE u.run = :run AND u.source_id = hold.source_id
                     AND u.cause = 'deactivate:unconfirmed'),
           EXISTS (SELECT 1 FROM staged_hold u WHERE u.run = :run AND u.source_id = hold.source_id
                     AND u.cause LIKE 'deactivate:%' AND u.cause != 'deactivate:unconfirmed'),
           EXISTS (SELECT 1 FROM lock k WHERE k.tenant = hold.tenant AND k.person = hold.person AND k.field IN ('', 'status'))
         FROM hold
         LEFT JOIN person p ON p.id = hold.person
         LEFT JOIN link l ON l.tenant = hold.tenant AND l.integration = hold.integration
                         AND l.source_id = hold.source_id
         WHERE hold.tenant = :tenant AND hold.integration = :integration AND hold.state = 'open'
           AND NOT EXISTS (SELECT 1 FROM staged_hold h
                           WHERE h.run = :run AND h.source_id = hold.source_id AND h.cause = hold.cause)
           -- An adoption that was undone may be done again, and its question stands until then.
           AND NOT EXISTS (SELECT 1 FROM pin p WHERE p.tenant = :tenant AND p.integration = :integration
                             AND p.source_id = hold.source_id AND p.field = '*')",
    )?;
    let parameters = named_params! {
        ":tenant": tenant, ":integration": apply.integration, ":run": apply.run.row,
    };
    let rows = query.query_map(parameters, |row| {
        let link: Option<i64> = row.get(6)?;
        Ok(Silent {
            id: row.get(0)?,
            source_id: row.get(1)?,
            cause: row.get(2)?,
            differences: row.get(3)?,
            nobody: row.get(4)?,
            active: row.get(5)?,
            listed: link.is_some_and(|it| apply.seen.contains(u64::try_from(it).unwrap_or(0))),
            unconfirmed: row.get(7)?,
            leaves_otherwise: row.get(8)?,
            locked: row.get(9)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What the run made of the records with open questions; of two rows the first counts.
fn judged(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<HashMap<String, Judged>> {
    let mut query = tx.prepare(
        "SELECT s.source_id, s.enabled, c.outcome, c.not_applied FROM staged s LEFT JOIN change c ON c.id = s.id
         WHERE s.run = :run AND s.source_id IN (
           SELECT source_id FROM hold WHERE tenant = :tenant AND integration = :integration AND state = 'open')
         ORDER BY s.id DESC",
    )?;
    let parameters = named_params! {
        ":tenant": tenant, ":integration": apply.integration, ":run": apply.run.row,
    };
    let rows = query.query_map(parameters, |row| {
        Ok((row.get(0)?, Judged { enabled: row.get(1)?, outcome: row.get(2)?, not_applied: row.get(3)? }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether what a question asks about is not so any more.
fn answered(hold: &Silent, judged: Option<&Judged>, complete: bool) -> Result<bool> {
    let outcome = judged.map(|it| it.outcome.as_deref().unwrap_or("unchanged"));
    if outcome == Some("failed") {
        return Ok(false);
    }
    // The passes beside the people ask again whatever they could not find out.
    let beside = hold.cause.starts_with(SAAS_LEAVING) || hold.cause.ends_with(":manager");
    if hold.nobody || beside {
        return Ok(complete || judged.is_some());
    }
    if let Some(word) = hold.cause.strip_prefix("deactivate:") {
        let enabled = judged.and_then(|it| it.enabled);
        let there = match (word, hold.listed) {
            // Who is left out by the filter after the fetch was listed all the same.
            ("disabled", _) => enabled == Some(true),
            (_, true) => enabled != Some(false) || hold.leaves_otherwise,
            ("left-filter", false) => false,
            (_, false) => enabled == Some(true),
        };
        // Without an answer nothing is known to be otherwise.
        return Ok(!hold.active || hold.locked || there || hold.leaves_otherwise && !hold.unconfirmed);
    }
    let looked = hold.listed && outcome.is_some_and(|it| !matches!(it, "ambiguous" | "skipped" | "filtered"));
    Ok(looked && !still_barred(hold, judged.and_then(|it| it.not_applied.as_deref()))?)
}

/// Whether a field that a question is about was not written for another reason.
fn still_barred(hold: &Silent, not_applied: Option<&str>) -> Result<bool> {
    let (Some(not_applied), Some(differences)) = (not_applied, hold.differences.as_deref()) else {
        return Ok(false);
    };
    let sentences: Vec<String> = serde_json::from_str(not_applied)?;
    let fields: Vec<Difference<'_>> = serde_json::from_str(differences)?;
    let about = |field: &str| {
        sentences.iter().any(|it| it.strip_prefix(field).is_some_and(|rest| rest.starts_with(": ")))
    };
    Ok(fields.iter().any(|(field, ..)| about(field)))
}
