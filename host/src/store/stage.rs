//! Staging: one page's worth of changes, cursor, outcome counters and ids seen, in one transaction.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;
use rusqlite::{TransactionBehavior, named_params, params};

use super::holding::{Doubt, doubtful};
use super::pins::fields_digest;
use super::runs::RunId;
use super::standing::unpin_later;
use super::{Result, Store};
use crate::model::{Millis, Outcome, PersonUid};
use crate::sync::Evidence;

/// Rows by outcome.
pub type Counts = BTreeMap<Outcome, u64>;

/// What a change does to somebody's status.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Nothing.
    Stays,
    /// They become active.
    Activate,
    /// They become inactive; only with evidence.
    Deactivate(Evidence),
}

/// What is done to whom.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A new person, who may begin inactive.
    Create {
        /// Their lasting id.
        uid: PersonUid,
        /// Their first status.
        active: bool,
    },
    /// A known person, as they were when they were read.
    Alter {
        /// The row.
        person: i64,
        /// The version that the change was made from.
        version: i64,
        /// What happens to the status.
        status: Status,
    },
    /// Nobody changes: failed, ambiguous, waiting, kept, skipped.
    None {
        /// The person meant, when there is one.
        person: Option<i64>,
    },
}

/// One row of the ledger to be.
#[derive(Clone, Debug)]
pub struct NewChange {
    /// What becomes of the row.
    pub outcome: Outcome,
    /// What is done.
    pub deed: Deed,
    /// What it has in common with others.
    pub cause: String,
    /// Why, for people.
    pub reason: String,
    /// Creations: all fields, JSON. First links to somebody known: what the record maps to, of which only the
    /// digest is kept.
    pub fields: Option<String>,
    /// JSON list of `[field, before, after]`; none when empty.
    pub differences: Option<String>,
    /// JSON list of sentences; none when empty.
    pub not_applied: Option<String>,
}

/// One row of a page that was not passed over.
#[derive(Clone, Debug)]
pub struct StagedRow {
    /// The id at the source; none when the row did not even tell that.
    pub source_id: Option<String>,
    /// The link that it has already.
    pub link: Option<i64>,
    /// The person that the link leads to afterwards, when it is somebody known.
    pub person: Option<i64>,
    /// The record, when it is another one than the link has; none keeps the link's.
    pub raw: Option<String>,
    /// Of the record.
    pub digest: [u8; 16],
    /// What the source says about signing in.
    pub enabled: Option<bool>,
    /// Folded keys that the run would write, JSON; none = no key changes.
    pub keys: Option<String>,
    /// Whether a link is made or refreshed; otherwise one that is there stays as it is.
    pub linking: bool,
    /// Whether the next run must look again, whatever the record.
    pub open: bool,
    /// What changes; none refreshes the link only.
    pub change: Option<NewChange>,
    /// Of a row that is ambiguous: what somebody needs to decide it.
    pub doubt: Option<Doubt>,
    /// The id at the source that the person had before, when this row takes its place.
    pub relinks: Option<String>,
}

impl StagedRow {
    /// A row that says something and changes nobody: a link that is there stays as it is, and is looked at again.
    #[must_use]
    pub fn told(
        source_id: Option<String>,
        (link, person): (Option<i64>, Option<i64>),
        digest: [u8; 16],
        outcome: Outcome,
        reason: String,
    ) -> Self {
        Self {
            source_id,
            link,
            person,
            raw: None,
            digest,
            enabled: None,
            keys: None,
            linking: false,
            open: true,
            change: Some(NewChange {
                outcome,
                deed: Deed::None { person },
                cause: reason.clone(),
                reason,
                fields: None,
                differences: None,
                not_applied: None,
            }),
            doubt: None,
            relinks: None,
        }
    }

    /// Whether its change has this outcome.
    #[must_use]
    pub fn is(&self, outcome: Outcome) -> bool {
        self.change.as_ref().is_some_and(|change| change.outcome == outcome)
    }
}

/// Everything that one page leaves behind.
#[derive(Debug, Default)]
pub struct StagedPage {
    /// Counted from 0 within the run.
    pub page: u32,
    /// Where the next one starts; none = that was the last.
    pub cursor: Option<String>,
    /// How many rows the page had.
    pub listed: u64,
    /// How many rows the source said that there are.
    pub total: Option<u64>,
    /// Links seen on this page.
    pub seen: RoaringTreemap,
    /// Those of them whom the filter after the fetch dropped.
    pub filtered: RoaringTreemap,
    /// Rows that left no change behind.
    pub counts: Counts,
    /// The others.
    pub rows: Vec<StagedRow>,
    /// Pins that the source has outlived.
    pub unpins: Vec<i64>,
    /// Standing questions of which these records say nothing, so that they stand on: source id and cause.
    pub unheard: Vec<(String, String)>,
    /// Users of whom the page says something else than what reading changes had come to, and which properties.
    pub parity: Vec<(String, Vec<String>)>,
}

impl Store {
    /// Stages one page.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing of the page is.
    pub fn stage_page(&mut self, run: RunId, integration: &str, page: &StagedPage, at: Millis) -> Result<()> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut ids = Ids::take(&tx, page.rows.len())?;
            let mut writer = Writer::new(&tx, tenant, run, integration, at)?;
            for row in &page.rows {
                writer.row(row, &mut ids)?;
                beside(&tx, tenant, run, integration, row)?;
            }
        }
        unpin_later(&tx, run, &page.unpins)?;
        super::delta::stage_parity(&tx, run, &page.parity)?;
        stand_on(&tx, tenant, run, integration, &page.unheard)?;
        let seen = bytes(&page.seen)?;
        let filtered = (!page.filtered.is_empty()).then(|| bytes(&page.filtered)).transpose()?;
        tx.prepare_cached(
            "INSERT INTO run_page (run, page, cursor, rows, total, seen, counts, filtered)
             VALUES (:run, :page, :cursor, :rows, :total, :seen, :counts, :filtered)",
        )?
        .execute(named_params! {
            ":run": run.row, ":page": page.page, ":cursor": page.cursor,
            ":rows": i64::try_from(page.listed).unwrap_or(i64::MAX),
            ":total": page.total.and_then(|it| i64::try_from(it).ok()), ":seen": seen,
            ":counts": serde_json::to_string(&page.counts)?, ":filtered": filtered,
        })?;
        tx.commit()?;
        Ok(())
    }

    /// Stages rows that belong to no page: answers about people who were not listed.
    ///
    /// # Errors
    /// When the store cannot be written; then none of them is.
    pub fn stage_rows(
        &mut self,
        run: RunId,
        integration: &str,
        rows: &[StagedRow],
        at: Millis,
    ) -> Result<()> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut ids = Ids::take(&tx, rows.len())?;
            let mut writer = Writer::new(&tx, tenant, run, integration, at)?;
            for row in rows {
                writer.row(row, &mut ids)?;
            }
        }
        tx.commit()?;
        Ok(())
    }
}

/// A bitmap as the store has it.
fn bytes(links: &RoaringTreemap) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(links.serialized_size());
    links.serialize_into(&mut bytes).map_err(|error| super::StoreError::Corrupt(error.to_string()))?;
    Ok(bytes)
}

/// Numbers for new people and changes, reserved for one transaction. Gaps do no harm.
struct Ids {
    person: i64,
    change: i64,
}

impl Ids {
    fn take(tx: &rusqlite::Transaction<'_>, most: usize) -> Result<Self> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut next =
            tx.prepare_cached("UPDATE sequence SET next = next + ?2 WHERE name = ?1 RETURNING next - ?2")?;
        Ok(Self {
            person: next.query_row(params!["person", most], |row| row.get(0))?,
            change: next.query_row(params!["change", most], |row| row.get(0))?,
        })
    }
}

/// What a row leaves behind beside itself.
fn beside(
    tx: &rusqlite::Transaction<'_>,
    tenant: i64,
    run: RunId,
    integration: &str,
    row: &StagedRow,
) -> Result<()> {
    if let (Some(doubt), Some(source_id), Some(change)) = (&row.doubt, &row.source_id, &row.change) {
        doubtful(tx, run, source_id, &change.reason, doubt)?;
    }
    if let (Some(old), Some(person)) = (&row.relinks, row.person) {
        tx.prepare_cached(
            "INSERT INTO staged_unlink (run, link)
             SELECT ?1, id FROM link WHERE tenant = ?2 AND integration = ?3 AND person = ?4 AND source_id = ?5",
        )?
        .execute(params![run.row, tenant, integration, person, old])?;
    }
    Ok(())
}

/// Asks standing questions again as they are.
fn stand_on(
    tx: &rusqlite::Transaction<'_>,
    tenant: i64,
    run: RunId,
    integration: &str,
    unheard: &[(String, String)],
) -> Result<()> {
    for (source_id, cause) in unheard {
        tx.prepare_cached(
            "INSERT INTO staged_hold (run, source_id, cause, person, reason, differences)
             SELECT ?1, source_id, cause, person, 'held before', differences FROM hold
             WHERE tenant = ?2 AND integration = ?3 AND state = 'open' AND source_id = ?4 AND cause = ?5
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![run.row, tenant, integration, source_id, cause])?;
    }
    Ok(())
}

struct Writer<'tx> {
    tenant: i64,
    run: RunId,
    integration: &'tx str,
    at: Millis,
    staged: rusqlite::CachedStatement<'tx>,
    document: rusqlite::CachedStatement<'tx>,
    change: rusqlite::CachedStatement<'tx>,
}

impl<'tx> Writer<'tx> {
    fn new(
        tx: &'tx rusqlite::Transaction<'_>,
        tenant: i64,
        run: RunId,
        integration: &'tx str,
        at: Millis,
    ) -> Result<Self> {
        Ok(Self {
            tenant,
            run,
            integration,
            at,
            staged: tx.prepare_cached(
                "INSERT INTO staged
                   (id, run, source_id, person, link, linking, open, document, digest, enabled, keys)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
            document: tx.prepare_cached("INSERT INTO document (raw) VALUES (?1)")?,
            change: tx.prepare_cached(
                "INSERT INTO change (id, tenant, run, integration, source_id, person, uid, outcome, state, cause,
                   reason, fields, differences, not_applied, active_after, evidence, base_version, at, mapped)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )?,
        })
    }

    fn row(&mut self, row: &StagedRow, ids: &mut Ids) -> Result<()> {
        let mut person = row.person;
        if let Some(NewChange { deed: Deed::Create { .. }, .. }) = row.change {
            person = Some(ids.person);
            ids.person += 1;
        }
        let id = ids.change;
        ids.change += 1;
        if let Some(source_id) = &row.source_id {
            let document = match row.raw.as_deref().filter(|_| row.linking) {
                Some(raw) => Some(self.document.insert([raw])?),
                None => None,
            };
            self.staged.execute(params![
                id,
                self.run.row,
                source_id,
                person,
                row.link,
                row.linking,
                row.open,
                document,
                row.digest,
                row.enabled,
                row.keys,
            ])?;
        }
        if let Some(new) = &row.change {
            self.change(id, row.source_id.as_deref(), person, new)?;
        }
        Ok(())
    }

    fn change(
        &mut self,
        id: i64,
        source_id: Option<&str>,
        person: Option<i64>,
        new: &NewChange,
    ) -> Result<()> {
        let (uid, active_after, evidence, base_version, person) = match &new.deed {
            Deed::Create { uid, active } => (Some(uid.to_string()), Some(*active), None, None, person),
            Deed::Alter { person, version, status } => {
                let (after, evidence) = match status {
                    Status::Stays => (None, None),
                    Status::Activate => (Some(true), None),
                    Status::Deactivate(evidence) => (Some(false), Some(serde_json::to_string(evidence)?)),
                };
                (None, after, evidence, Some(*version), Some(*person))
            }
            Deed::None { person } => (None, None, None, None, *person),
        };
        let created = matches!(new.deed, Deed::Create { .. });
        let state = if new.outcome.changes_someone() { "flows" } else { "none" };
        self.change.execute(params![
            id,
            self.tenant,
            self.run.row,
            self.integration,
            source_id,
            person,
            uid,
            new.outcome.name(),
            state,
            new.cause,
            new.reason,
            created.then_some(&new.fields),
            new.differences,
            new.not_applied,
            active_after,
            evidence,
            base_version,
            self.at,
            new.fields.as_deref().filter(|_| !created).map(fields_digest).transpose()?,
        ])?;
        Ok(())
    }
}
