//! Applying a staged run: one transaction, over all of it at once.

use roaring::RoaringTreemap;
use rusqlite::{Transaction, TransactionBehavior, named_params, params};

use super::runs::RunId;
use super::{Choice, Result, Store, StoreError, holds, withdrawal};
use crate::model::Millis;
use crate::sync::RunReport;

/// What applying needs to know beside what is staged.
#[derive(Debug)]
pub struct Apply<'a> {
    /// The run.
    pub run: RunId,
    /// Its integration.
    pub integration: &'a str,
    /// Whose directory the links belong to.
    pub source_tenant: &'a str,
    /// In which cloud.
    pub cloud: &'a str,
    /// Digest of filter, mapping and match keys.
    pub shape: &'a str,
    /// Links that were seen.
    pub seen: &'a RoaringTreemap,
    /// Rows of the listing, when it was complete.
    pub complete_rows: Option<u64>,
    /// Refuse the whole run when somebody moved since it was staged.
    pub strict: bool,
    /// Fields by which people are recognised: who was entered since the run began is not made a second time.
    pub match_keys: &'a [String],
    /// Whom the run is about.
    pub scope: Scope<'a>,
    /// Now: the sync time of everybody who was seen.
    pub at: Millis,
}

/// Whom a run is about.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everybody whom the source lists.
    Listing,
    /// Those whom the source says to have changed, and those who are looked at again; everybody else is as the
    /// source last told.
    Changes,
    /// Some people, asked about by id. Stamps, graces and the questions about others stay as they are.
    Some {
        /// Who a record was decided to be, remembered from now on.
        decision: Option<(&'a str, Choice)>,
    },
}

/// What applying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// People who had changed since the run was staged, and were left out: the outcome that they would have
    /// had, and their name.
    pub moved: Vec<(crate::model::Outcome, String)>,
    /// Holds that this run opened.
    pub newly_held: u64,
    /// Holds that this run withdrew.
    pub withdrawn: u64,
    /// Of a pass over SaaS users: how many were left out because their person is not deactivated after all, and
    /// how many have no person. None = there was no pass.
    pub saas: Option<(u64, u64)>,
}

impl Store {
    /// Applies a run, and stores what `report` makes of the result with it. Commits as a whole or not at all.
    ///
    /// # Errors
    /// When the store cannot be written, or the run is `strict` and somebody moved. Then nobody has changed.
    pub fn apply(
        &mut self,
        apply: &Apply<'_>,
        report: impl FnOnce(&Applied) -> Result<RunReport>,
    ) -> Result<RunReport> {
        let tenant = self.tenant.0;
        // A power cut must not lose an applied run; set outside of the transaction, as SQLite wants it.
        self.sql.pragma_update(None, "synchronous", "FULL")?;
        let done = (|| {
            let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let state: String =
                tx.query_row("SELECT state FROM run WHERE id = ?1", [apply.run.row], |row| row.get(0))?;
            if state != "judging" && state != "planned" {
                return Err(StoreError::Refused(format!("run {} is {state} already", apply.run.number)));
            }
            let mut applied = Applied { moved: leave_out_moved(&tx, tenant, apply)?, ..Applied::default() };
            if apply.strict && !applied.moved.is_empty() {
                return Err(StoreError::Refused(format!(
                    "{} people have changed since run {} was planned: {}",
                    applied.moved.len(),
                    apply.run.number,
                    applied
                        .moved
                        .iter()
                        .take(5)
                        .map(|(_, name)| name.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                )));
            }
            people(&tx, tenant, apply)?;
            unpin(&tx, apply)?;
            match apply.scope {
                Scope::Listing => {
                    stamps(&tx, tenant, apply)?;
                    links(&tx, tenant, apply)?;
                    applied.withdrawn = withdrawal::withdraw(&tx, tenant, apply)?;
                    integration(&tx, tenant, apply)?;
                }
                Scope::Changes => {
                    stamps_of_changes(&tx, tenant, apply)?;
                    links(&tx, tenant, apply)?;
                    applied.withdrawn = withdrawal::withdraw(&tx, tenant, apply)?;
                    integration(&tx, tenant, apply)?;
                }
                Scope::Some { decision } => {
                    links(&tx, tenant, apply)?;
                    applied.withdrawn = holds::close(&tx, apply)?;
                    if let Some((source_id, decided)) = decision {
                        remember(&tx, tenant, apply, source_id, decided)?;
                    }
                }
            }
            super::delta::settle(&tx, tenant, apply)?;
            applied.newly_held = holds::open(&tx, tenant, apply)?;
            super::managers::settle(&tx, tenant, apply)?;
            applied.saas = super::saas::apply(&tx, tenant, apply.run.row, apply.at)?;
            let report = report(&applied)?;
            tx.execute(
                "UPDATE run SET state = 'applied', ended_at = ?2, report = ?3 WHERE id = ?1",
                params![apply.run.row, apply.at, serde_json::to_string(&report)?],
            )?;
            tx.commit()?;
            Ok(report)
        })();
        self.sql.pragma_update(None, "synchronous", "NORMAL")?;
        done.map_err(|error: StoreError| error.at(&self.path))
    }
}

/// Leaves out people whose version is not the one that the change was made from, and records whose username
/// is somebody else's: taken meanwhile, or not given up because its owner was left out.
fn leave_out_moved(
    tx: &Transaction<'_>,
    tenant: i64,
    apply: &Apply<'_>,
) -> Result<Vec<(crate::model::Outcome, String)>> {
    let mut changed = tx.prepare(
        "SELECT c.id, coalesce(json_extract(p.fields, '$.username'), c.source_id), c.outcome
         FROM change c LEFT JOIN person p ON p.id = c.person
         WHERE c.run = ?1 AND c.state IN ('flows', 'held') AND c.base_version IS NOT NULL
           AND p.version IS NOT c.base_version",
    )?;
    let mut taken = tx.prepare(
        "SELECT c.id,
           coalesce(json_extract(p.fields, '$.username'), json_extract(c.fields, '$.username')), c.outcome
         FROM staged s
         JOIN change c ON c.id = s.id AND c.state = 'flows'
         JOIN person_key k ON k.tenant = ?2 AND k.field = 'username'
                          AND k.key = json_extract(s.keys, '$.username') AND k.person != s.person
         LEFT JOIN person p ON p.id = c.person
         WHERE s.run = ?1 AND s.keys IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM staged o JOIN change oc ON oc.id = o.id AND oc.state = 'flows' AND oc.outcome != 'created'
           WHERE o.run = ?1 AND o.person = k.person AND json_type(o.keys, '$.username') IS NOT NULL
             AND json_extract(o.keys, '$.username') IS NOT k.key)",
    )?;
    // Whoever has a match key of a new person now, and had it not when the run was staged, may be that person.
    let mut entered = tx.prepare(
        "SELECT DISTINCT c.id, coalesce(json_extract(c.fields, '$.username'), c.source_id), c.outcome
         FROM staged s
         JOIN change c ON c.id = s.id AND c.state = 'flows' AND c.outcome = 'created'
         JOIN json_each(s.keys) j ON j.key IN (SELECT value FROM json_each(?3))
         -- In this order: the other one would read all keys for each row.
         CROSS JOIN person_key k ON k.tenant = ?2 AND k.field = j.key AND k.key = j.value
         WHERE s.run = ?1 AND s.keys IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM decision d WHERE d.tenant = ?2 AND d.integration = c.integration
             AND d.source_id = c.source_id AND d.kind = 'new')",
    )?;
    // Whoever another integration has linked meanwhile is that person, and nobody else.
    let mut linked = tx.prepare(
        "SELECT c.id, coalesce(json_extract(c.fields, '$.username'), c.source_id), c.outcome
         FROM staged s
         JOIN change c ON c.id = s.id AND c.state = 'flows'
         JOIN link l ON l.tenant = ?2 AND l.source_id = s.source_id AND l.source_tenant = ?3 AND l.cloud = ?4
         WHERE s.run = ?1 AND s.linking = 1 AND s.link IS NULL AND s.person IS NOT l.person",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    };
    let mut names = Vec::new();
    let mut moved: Vec<(i64, String, String)> =
        changed.query_map([apply.run.row], read)?.collect::<rusqlite::Result<_>>()?;
    if others_wrote(tx, tenant, apply)? {
        let keys = serde_json::to_string(apply.match_keys)?;
        let rows = entered.query_map(params![apply.run.row, tenant, keys], read)?;
        moved.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
        let parameters = params![apply.run.row, tenant, apply.source_tenant, apply.cloud];
        let rows = linked.query_map(parameters, read)?;
        moved.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
        moved.sort_unstable();
        moved.dedup();
    }
    loop {
        for (change, name, outcome) in moved {
            leave_out(tx, change)?;
            names.push((outcome.parse()?, name));
        }
        moved = taken.query_map(params![apply.run.row, tenant], read)?.collect::<rusqlite::Result<_>>()?;
        if moved.is_empty() {
            return Ok(names);
        }
    }
}

/// Whether anybody else has written since the run began: another integration, an import, a hand.
fn others_wrote(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<bool> {
    Ok(tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM run r JOIN run own ON own.id = ?1
           WHERE r.tenant = ?2 AND r.id != own.id AND r.state = 'applied' AND r.ended_at >= own.started_at)",
        params![apply.run.row, tenant],
        |row| row.get(0),
    )?)
}

/// Leaves somebody out of a staged run. Their link stays as it was, so that the next run looks again.
pub(super) fn leave_out(tx: &Transaction<'_>, change: i64) -> Result<()> {
    for sql in [
        "UPDATE change SET state = 'moved' WHERE id = ?1",
        "DELETE FROM document WHERE id = (SELECT document FROM staged WHERE id = ?1)",
        "DELETE FROM staged_absent WHERE (run, link) = (SELECT run, link FROM staged WHERE id = ?1)",
        "DELETE FROM staged_unlink WHERE (run, link) IN
           (SELECT s.run, l.id FROM staged s JOIN link l ON l.person = s.person WHERE s.id = ?1)",
        "UPDATE staged SET linking = 0, keys = NULL, document = NULL WHERE id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([change])?;
    }
    Ok(())
}

fn people(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let by = format!("integration:{}", apply.integration);
    // SQLite checks unique keys row by row, so whoever gets another key first loses the old one: swaps and
    // chains of usernames need no order.
    tx.execute(
        "DELETE FROM person_key WHERE (tenant, field, key, person) IN (
           SELECT k.tenant, k.field, k.key, k.person
           FROM staged s
           JOIN change c ON c.id = s.id AND c.state = 'flows' AND c.outcome != 'created'
           JOIN json_each(s.keys) j
           JOIN person_key k ON k.person = s.person AND k.field = j.key
           WHERE s.run = ?1 AND s.keys IS NOT NULL)",
        [apply.run.row],
    )?;
    tx.execute(
        "INSERT INTO person (id, tenant, uid, active, ended_by, fields, version, created_at)
         SELECT c.person, c.tenant, c.uid, c.active_after, CASE c.active_after WHEN 0 THEN :by END, c.fields, 1, :at
         FROM change c WHERE c.run = :run AND c.outcome = 'created' AND c.state = 'flows' ORDER BY c.id",
        named_params! { ":run": apply.run.row, ":by": by, ":at": apply.at },
    )?;
    tx.execute(
        "UPDATE person SET
           fields = merge_fields(person.fields, c.differences),
           active = coalesce(c.active_after, person.active),
           ended_by = CASE c.active_after WHEN 0 THEN :by WHEN 1 THEN NULL ELSE person.ended_by END,
           version = person.version + 1
         FROM change c
         WHERE c.run = :run AND c.outcome IN ('reactivated', 'deactivated', 'adopted', 'renamed', 'updated')
           AND c.state = 'flows' AND (c.differences IS NOT NULL OR c.active_after IS NOT NULL)
           AND person.id = c.person",
        named_params! { ":run": apply.run.row, ":by": by },
    )?;
    tx.execute(
        "INSERT INTO person_key (tenant, field, key, person)
         SELECT ?2, j.key, j.value, s.person
         FROM staged s
         JOIN change c ON c.id = s.id AND c.state = 'flows'
         JOIN json_each(s.keys) j
         WHERE s.run = ?1 AND s.keys IS NOT NULL AND j.value IS NOT NULL
         ORDER BY j.key, j.value",
        params![apply.run.row, tenant],
    )?;
    Ok(())
}

/// Lifts the pins that the source has outlived.
fn unpin(tx: &Transaction<'_>, apply: &Apply<'_>) -> Result<()> {
    tx.execute("DELETE FROM pin WHERE id IN (SELECT pin FROM staged_unpin WHERE run = ?1)", [apply.run.row])?;
    Ok(())
}

/// Remembers who a record was decided to be.
fn remember(
    tx: &Transaction<'_>,
    tenant: i64,
    apply: &Apply<'_>,
    source_id: &str,
    decided: Choice,
) -> Result<()> {
    let (kind, person) = match decided {
        Choice::Link(person) => ("link", Some(person)),
        Choice::New => ("new", None),
    };
    tx.execute(
        "INSERT OR REPLACE INTO decision (tenant, integration, source_id, kind, person, run, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![tenant, apply.integration, source_id, kind, person, apply.run.row, apply.at],
    )?;
    Ok(())
}

fn links(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    for sql in [
        "DELETE FROM document WHERE id IN (
           SELECT l.document FROM staged_unlink u JOIN link l ON l.id = u.link WHERE u.run = ?1)",
        "DELETE FROM link WHERE id IN (SELECT link FROM staged_unlink WHERE run = ?1)",
    ] {
        tx.execute(sql, [apply.run.row])?;
    }
    tx.execute(
        "DELETE FROM document WHERE id IN (
           SELECT l.document FROM staged s JOIN link l ON l.id = s.link
           WHERE s.run = ?1 AND s.linking = 1 AND s.document IS NOT NULL AND s.document IS NOT l.document)",
        [apply.run.row],
    )?;
    tx.execute(
        "UPDATE link SET
           person = s.person,
           document = coalesce(s.document, link.document),
           digest = s.digest,
           basis = :basis,
           person_version = (SELECT version FROM person p WHERE p.id = s.person),
           open = s.open,
           enabled = s.enabled
         FROM staged s WHERE s.run = :run AND s.linking = 1 AND s.link IS NOT NULL AND link.id = s.link",
        named_params! { ":run": apply.run.row, ":basis": apply.run.basis },
    )?;
    tx.execute(
        "INSERT INTO link (tenant, integration, source_tenant, cloud, source_id, person, document, digest, basis,
                           person_version, open, enabled, made_by)
         SELECT :tenant, :integration, :source_tenant, :cloud, s.source_id, s.person, s.document, s.digest, :basis,
                p.version, s.open, s.enabled, :run
         FROM staged s JOIN person p ON p.id = s.person
         WHERE s.run = :run AND s.linking = 1 AND s.link IS NULL ORDER BY s.source_id",
        named_params! {
            ":run": apply.run.row, ":tenant": tenant, ":integration": apply.integration,
            ":source_tenant": apply.source_tenant, ":cloud": apply.cloud, ":basis": apply.run.basis,
        },
    )?;
    Ok(())
}

/// Connector Sync Time, and how long somebody has been absent. A link without a time of its own has the
/// integration's, so that a run in which nothing changed writes nothing for each person.
fn stamps(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let seen = |link: i64| apply.seen.contains(u64::try_from(link).unwrap_or(0));
    came_back(tx, tenant, apply)?;
    // Those who were up to date, and were not seen now.
    let last: Option<i64> = tx.query_row(
        "SELECT sync_time FROM integration WHERE tenant = ?1 AND name = ?2",
        params![tenant, apply.integration],
        |row| row.get(0),
    )?;
    if let Some(last) = last {
        let mut left = Vec::new();
        {
            let mut query = tx.prepare(
                "SELECT l.id FROM link l WHERE l.tenant = ?1 AND l.integration = ?2 AND l.sync_time IS NULL",
            )?;
            let mut rows = query.query(params![tenant, apply.integration])?;
            while let Some(row) = rows.next()? {
                let link: i64 = row.get(0)?;
                if !seen(link) {
                    left.push(link);
                }
            }
        }
        let mut stamp = tx.prepare("UPDATE link SET sync_time = ?2 WHERE id = ?1")?;
        for link in left {
            stamp.execute(params![link, last])?;
        }
    }
    absences(tx, apply)
}

/// As [`stamps`], when only changes were read: whoever is not named is as the source last told, and up to date.
fn stamps_of_changes(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    came_back(tx, tenant, apply)?;
    let mut stamp = tx.prepare(
        "UPDATE link SET sync_time = (SELECT sync_time FROM integration WHERE tenant = ?2 AND name = ?3)
         WHERE id = ?1 AND sync_time IS NULL",
    )?;
    for link in super::delta::absent(tx, tenant, apply)? {
        stamp.execute(params![link, tenant, apply.integration])?;
    }
    absences(tx, apply)
}

/// Those who were behind, and were seen.
fn came_back(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let behind: Vec<i64> = tx
        .prepare(
            "SELECT id FROM link WHERE tenant = ?1 AND integration = ?2
               AND (sync_time IS NOT NULL OR absent_runs > 0 OR gone = 1)",
        )?
        .query_map(params![tenant, apply.integration], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut back = tx.prepare(
        "UPDATE link SET sync_time = NULL, absent_since = NULL, absent_runs = 0, gone = 0 WHERE id = ?1",
    )?;
    let seen = |link: &i64| apply.seen.contains(u64::try_from(*link).unwrap_or(0));
    for link in behind.into_iter().filter(seen) {
        back.execute([link])?;
    }
    Ok(())
}

/// What was learnt about those who were not there.
fn absences(tx: &Transaction<'_>, apply: &Apply<'_>) -> Result<()> {
    tx.execute(
        "UPDATE link SET
           absent_runs = CASE WHEN a.back THEN 0 ELSE absent_runs + a.count END,
           -- The grace counts from the first run that did not find them, not from a deletion before that.
           absent_since = CASE WHEN a.back THEN NULL WHEN a.count AND absent_runs = 0 THEN :at
                          ELSE coalesce(absent_since, :at) END,
           gone = a.gone,
           asked_at = :at
         FROM staged_absent a WHERE a.run = :run AND link.id = a.link",
        named_params! { ":run": apply.run.row, ":at": apply.at },
    )?;
    Ok(())
}

fn integration(tx: &Transaction<'_>, tenant: i64, apply: &Apply<'_>) -> Result<()> {
    let there = tx.execute(
        "UPDATE integration SET applied_run = :run, sync_time = :at,
           -- A listing that proved nothing has not been judged by: the next one is still the first.
           applied_shape = CASE WHEN :rows IS NULL THEN applied_shape ELSE :shape END,
           source_tenant = :source_tenant, cloud = :cloud, complete_rows = coalesce(:rows, complete_rows)
         WHERE tenant = :tenant AND name = :name",
        named_params! {
            ":run": apply.run.row, ":shape": apply.shape, ":at": apply.at, ":source_tenant": apply.source_tenant,
            ":cloud": apply.cloud, ":rows": apply.complete_rows.and_then(|it| i64::try_from(it).ok()),
            ":tenant": tenant, ":name": apply.integration,
        },
    )?;
    if there == 0 {
        return Err(StoreError::Refused(format!("`{}` was removed while it ran", apply.integration)));
    }
    Ok(())
}
