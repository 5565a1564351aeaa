//! What a run's report reads from the ledger.

use std::collections::BTreeMap;

use rusqlite::params;

use super::fields::Difference;
use super::runs::RunId;
use super::{Result, Store};
use crate::model::Outcome;
use crate::sync::guard::RENAME_FIELDS;
use crate::sync::{CauseGroup, FailedRow, HeldGroup, PlannedChange, Sample};

/// How many people of a group are named.
const SAMPLES: usize = 3;
/// How many rows that failed or are ambiguous are named.
const ROWS: i64 = 20;
/// How many people a difference needs to be a group of its own.
const OWN_GROUP: u64 = 3;
/// How many different differences are told apart; beyond, they are counted with their field.
const DISTINCT: usize = 10_000;

/// The changes of a group, the first few by number.
#[derive(Default)]
struct Group {
    count: u64,
    first: Vec<i64>,
}

impl Group {
    fn add(&mut self, change: i64) {
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(change);
        }
    }
}

/// Finds the name of a change's person.
const NAME: &str = "coalesce(
   json_extract(c.fields, '$.display_name'), json_extract(p.fields, '$.display_name'),
   json_extract(c.fields, '$.username'), json_extract(p.fields, '$.username'), c.source_id, '')";

impl Store {
    /// What flows, by cause, most first. Updates are grouped by what they do to one field, so that a person may
    /// stand in several groups.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cause_groups(&self, run: RunId) -> Result<Vec<CauseGroup>> {
        let mut groups = self.status_groups(run)?;
        for outcome in [Outcome::Adopted, Outcome::Renamed, Outcome::Updated] {
            groups.extend(self.field_groups(run, outcome)?);
        }
        groups.sort_by(|a, b| {
            a.outcome.cmp(&b.outcome).then(b.count.cmp(&a.count)).then(a.cause.cmp(&b.cause))
        });
        Ok(groups)
    }

    /// Creations, reactivations, deactivations, and who was skipped: one reason is one group.
    fn status_groups(&self, run: RunId) -> Result<Vec<CauseGroup>> {
        let mut query = self.sql.prepare(
            "SELECT outcome, coalesce(cause, reason) AS why, count(*) FROM change
             WHERE run = ?1 AND outcome = 'skipped' OR run = ?1 AND state = 'flows'
               AND outcome IN ('created', 'reactivated', 'deactivated', 'removed')
             GROUP BY outcome, why",
        )?;
        let mut samples = self.sql.prepare(&format!(
            "SELECT c.source_id, {NAME}, c.reason, c.differences FROM change c LEFT JOIN person p ON p.id = c.person
             WHERE c.run = ?1 AND (c.state = 'flows' OR c.outcome = 'skipped') AND c.outcome = ?2
               AND coalesce(c.cause, c.reason) = ?3 ORDER BY c.id LIMIT {SAMPLES}"
        ))?;
        let mut rows = query.query([run.row])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            let outcome: String = row.get(0)?;
            let cause: String = row.get(1)?;
            let samples: Vec<Sample> = samples
                .query_map(params![run.row, outcome, cause], sample)?
                .collect::<rusqlite::Result<Vec<_>>>()?
                .into_iter()
                .map(named)
                .collect::<Result<_>>()?;
            groups.push(CauseGroup {
                outcome: outcome.parse()?,
                cause: match cause.as_str() {
                    "deactivate:disabled" => "disabled at the source".into(),
                    "deactivate:deleted" => "deleted at the source".into(),
                    "deactivate:not-found" => "not found at the source, and the grace is over".into(),
                    "deactivate:left-filter" => "left the filter".into(),
                    _ => cause,
                },
                count: count(row.get(2)?),
                samples,
            });
        }
        Ok(groups)
    }

    /// One difference that several people share is a group; whatever else changes about somebody is told once,
    /// by field.
    fn field_groups(&self, run: RunId, outcome: Outcome) -> Result<Vec<CauseGroup>> {
        let mut shared: BTreeMap<(String, String), Group> = BTreeMap::new();
        self.each_difference(run, outcome, |id, _, list| {
            for (field, before, after) in list {
                let difference = ((*field).to_owned(), arrow(*before, *after));
                if shared.len() < DISTINCT || shared.contains_key(&difference) {
                    shared.entry(difference).or_default().add(id);
                }
            }
        })?;
        shared.retain(|_, group| group.count >= OWN_GROUP);
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        self.each_difference(run, outcome, |id, cause, list| {
            let own = |it: &&Difference<'_>| !shared.contains_key(&(it.0.to_owned(), arrow(it.1, it.2)));
            let renames = |it: &&Difference<'_>| RENAME_FIELDS.contains(&it.0);
            let first = list.iter().filter(own).find(renames).or_else(|| list.iter().find(own));
            if let Some((field, ..)) = first {
                groups.entry((*field).to_owned()).or_default().add(id);
            } else if list.is_empty() {
                let cause = if outcome == Outcome::Adopted { "linked, nothing to fill" } else { cause };
                groups.entry(cause.into()).or_default().add(id);
            }
        })?;
        groups.extend(shared.into_iter().map(|((field, what), group)| (format!("{field}: {what}"), group)));
        let mut samples = self.sql.prepare(&format!(
            "SELECT c.source_id, {NAME}, c.reason, c.differences FROM change c LEFT JOIN person p ON p.id = c.person
             WHERE c.id = ?1"
        ))?;
        groups
            .into_iter()
            .map(|(cause, group)| {
                let samples: Result<Vec<Sample>> =
                    group.first.into_iter().map(|id| named(samples.query_row([id], sample)?)).collect();
                Ok(CauseGroup { outcome, cause, count: group.count, samples: samples? })
            })
            .collect()
    }

    fn each_difference(
        &self,
        run: RunId,
        outcome: Outcome,
        mut each: impl FnMut(i64, &str, &[Difference<'_>]),
    ) -> Result<()> {
        let mut query = self.sql.prepare_cached(
            "SELECT id, differences, coalesce(cause, '') FROM change WHERE run = ?1 AND state = 'flows' AND outcome = ?2 ORDER BY id",
        )?;
        let mut rows = query.query(params![run.row, outcome.name()])?;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            let list: Vec<Difference<'_>> = text.map(serde_json::from_str).transpose()?.unwrap_or_default();
            each(row.get(0)?, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?, &list);
        }
        Ok(())
    }

    /// What the run holds, by cause, with what stands since earlier.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn held_groups(&self, run: RunId, integration: &str, at: i64) -> Result<Vec<HeldGroup>> {
        let mut query = self.sql.prepare(
            "SELECT h.cause, count(*), sum(o.id IS NULL), min(coalesce(o.opened_at, ?4)),
                    coalesce(min(CASE WHEN h.reason != 'held before' THEN h.reason END), min(o.reason), '')
             FROM staged_hold h
             LEFT JOIN hold o ON o.tenant = ?2 AND o.integration = ?3 AND o.state = 'open'
                             AND o.source_id = h.source_id AND o.cause = h.cause
             WHERE h.run = ?1 GROUP BY h.cause ORDER BY h.cause",
        )?;
        let mut samples = self.sql.prepare(
            "SELECT h.source_id,
                    coalesce(json_extract(p.fields, '$.display_name'), json_extract(p.fields, '$.username'), h.source_id),
                    h.reason, h.differences
             FROM staged_hold h LEFT JOIN person p ON p.id = h.person
             WHERE h.run = ?1 AND h.cause = ?2 ORDER BY h.source_id LIMIT 3",
        )?;
        let mut rows = query.query(params![run.row, self.tenant.0, integration, at])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            let cause: String = row.get(0)?;
            let samples: Vec<Sample> = samples
                .query_map(params![run.row, cause], sample)?
                .collect::<rusqlite::Result<Vec<_>>>()?
                .into_iter()
                .map(named)
                .collect::<Result<_>>()?;
            groups.push(HeldGroup {
                cause,
                reason: row.get(4)?,
                count: count(row.get(1)?),
                new: count(row.get(2)?),
                since: row.get(3)?,
                samples,
            });
        }
        Ok(groups)
    }

    /// The first rows with an outcome, and why.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn first_rows(&self, run: RunId, outcome: Outcome) -> Result<Vec<FailedRow>> {
        Ok(self
            .sql
            .prepare(
                "SELECT source_id, reason FROM change WHERE run = ?1 AND outcome = ?2 ORDER BY id LIMIT ?3",
            )?
            .query_map(params![run.row, outcome.name(), ROWS], |row| {
                Ok(FailedRow { source_id: row.get(0)?, reason: row.get(1)? })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Entries of the listing of which nobody can tell who they are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn nameless_rows(&self, run: RunId) -> Result<u64> {
        Ok(count(self.sql.query_row(
            "SELECT count(*) FROM change WHERE run = ?1 AND outcome = 'failed' AND source_id IS NULL",
            [run.row],
            |row| row.get(0),
        )?))
    }

    /// How many bytes the run has staged, about.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn staged_bytes(&self, run: RunId) -> Result<u64> {
        Ok(count(self.sql.query_row(
            "SELECT coalesce(sum(length(fields)), 0) + coalesce(sum(length(differences)), 0) + 256 * count(*)
             FROM change WHERE run = ?1",
            [run.row],
            |row| row.get(0),
        )?))
    }
}

fn sample(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Sample, Option<String>)> {
    Ok((
        Sample { source_id: row.get(0)?, name: row.get(1)?, reason: row.get(2)?, changes: Vec::new() },
        row.get(3)?,
    ))
}

fn named((mut sample, differences): (Sample, Option<String>)) -> Result<Sample> {
    if let Some(text) = differences {
        let list: Vec<Difference<'_>> = serde_json::from_str(&text)?;
        sample.changes = list
            .into_iter()
            .map(|(field, before, after)| PlannedChange {
                field: field.to_owned(),
                before: before.map(|it| it.get().to_owned()),
                after: after.map(|it| it.get().to_owned()),
            })
            .collect();
    }
    Ok(sample)
}

fn arrow(
    before: Option<&serde_json::value::RawValue>,
    after: Option<&serde_json::value::RawValue>,
) -> String {
    let text = |value: Option<&serde_json::value::RawValue>| value.map_or("empty", |it| it.get()).to_owned();
    format!("{} → {}", text(before), text(after))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
