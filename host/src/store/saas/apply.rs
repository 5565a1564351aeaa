//! Applying a pass over SaaS users with its run.

use rusqlite::{OptionalExtension as _, Transaction, named_params, params};

use crate::model::Millis;
use crate::store::Result;

/// Applies a pass with its run, after people and links. Gives back how many followed a person who is not
/// deactivated after all, and how many users of the application have no person.
///
/// # Errors
/// When the store cannot be written.
pub(in crate::store) fn apply(
    tx: &Transaction<'_>,
    tenant: i64,
    run: i64,
    at: Millis,
) -> Result<Option<(u64, u64)>> {
    let pass: Option<i64> = tx
        .query_row("SELECT application FROM staged_saas_pass WHERE run = ?1", [run], |row| row.get(0))
        .optional()?;
    let Some(application) = pass else { return Ok(None) };
    let moved = tx.execute(
        "UPDATE saas_change SET state = 'moved' WHERE run = ?1 AND follows = 1 AND NOT EXISTS (
           SELECT 1 FROM link l JOIN person p ON p.id = l.person
           WHERE l.tenant = ?2 AND l.source_id = saas_change.source_id AND p.active = 0)",
        params![run, tenant],
    )?;
    tx.execute(
        "INSERT INTO saas_user (application, source_id, name, role, last_activity, active)
         SELECT :application, s.source_id, s.name, s.role, s.last_activity, 1 FROM staged_saas s
         WHERE s.run = :run ORDER BY s.source_id
         ON CONFLICT (application, source_id) DO UPDATE SET
           name = excluded.name, role = excluded.role, last_activity = excluded.last_activity",
        named_params! { ":application": application, ":run": run },
    )?;
    tx.execute(
        "UPDATE saas_user SET active = c.active_after FROM saas_change c
         WHERE c.run = ?1 AND c.state = 'flows' AND c.active_after IS NOT NULL
           AND saas_user.application = c.application AND saas_user.source_id = c.source_id",
        [run],
    )?;
    tx.execute(
        "UPDATE saas_application SET read_at = :at, roles_from = p.roles_from,
           complete_rows = coalesce(p.complete_rows, saas_application.complete_rows)
         FROM staged_saas_pass p WHERE p.run = :run AND saas_application.id = p.application",
        named_params! { ":run": run, ":at": at },
    )?;
    tx.execute(
        "DELETE FROM saas_pin WHERE application = ?2 AND (source_id, field) IN (
           SELECT source_id, field FROM staged_saas_unpin WHERE run = ?1)",
        params![run, application],
    )?;
    tx.execute(
        "UPDATE hold SET outlived_run = :run
         WHERE tenant = :tenant AND state IN ('approved', 'rejected') AND outlived_run IS NULL
           AND cause = :leaving || (SELECT name FROM saas_application WHERE id = :application)
           AND integration = (SELECT integration FROM run WHERE id = :run)
           AND source_id IN (SELECT source_id FROM staged_saas_outlived WHERE run = :run)
           -- What was said after the run had looked is about now.
           AND coalesce(closed_at, opened_at) <= (SELECT started_at FROM run WHERE id = :run)",
        named_params! {
            ":run": run, ":tenant": tenant, ":application": application, ":leaving": super::SAAS_LEAVING,
        },
    )?;
    let unmatched: i64 = tx.query_row(
        "SELECT count(*) FROM saas_user u WHERE u.application = ?1 AND NOT EXISTS (
           SELECT 1 FROM link l WHERE l.tenant = ?2 AND l.source_id = u.source_id)",
        params![application, tenant],
        |row| row.get(0),
    )?;
    Ok(Some((moved as u64, unmatched.unsigned_abs())))
}
