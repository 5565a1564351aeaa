//! A row of the ledger that is to be undone, and how much of it was undone before.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction};

use super::{STATUS, swaps};
use crate::model::Outcome;
use crate::store::{Result, pins};

/// A row of the ledger.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) id: i64,
    pub(super) run: i64,
    pub(super) integration: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) person: Option<i64>,
    pub(super) uid: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) reason: String,
    pub(super) fields: Option<String>,
    pub(super) differences: Option<String>,
    pub(super) active_after: Option<bool>,
    pub(super) evidence: Option<String>,
    pub(super) base_version: Option<i64>,
    pub(super) undoes: Option<i64>,
    /// Of the row that started the chain of undos: the digest of what the record mapped to.
    mapped: Option<String>,
    /// Of that row too: every field of a creation.
    first_fields: Option<String>,
    /// Of that row too: what the source had said.
    first: (Outcome, String),
    /// Undoing it keeps the source from its word: an odd number of undos.
    pub(super) pins: bool,
}

impl Deed {
    /// A row by its number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn read(tx: &Transaction<'_>, id: i64) -> Result<Self> {
        let mut deed = Self::plain(tx, id)?;
        let mut first = deed.undoes;
        while let Some(id) = first {
            let before = Self::plain(tx, id)?;
            deed.pins = !deed.pins;
            first = before.undoes;
            deed.mapped = before.mapped;
            deed.first_fields = before.first_fields;
            deed.first = before.first;
        }
        Ok(deed)
    }

    fn plain(tx: &Transaction<'_>, id: i64) -> Result<Self> {
        let (deed, outcome) = tx
            .prepare_cached(
                "SELECT id, run, integration, source_id, person, uid, outcome, coalesce(cause, ''), reason, fields,
                   differences, active_after, evidence, base_version, undoes, mapped
                 FROM change WHERE id = ?1",
            )?
            .query_row([id], |row| {
                Ok((
                    Self {
                        id: row.get(0)?,
                        run: row.get(1)?,
                        integration: row.get(2)?,
                        source_id: row.get(3)?,
                        person: row.get(4)?,
                        uid: row.get(5)?,
                        outcome: Outcome::Kept,
                        reason: row.get(8)?,
                        fields: row.get(9)?,
                        differences: row.get(10)?,
                        active_after: row.get(11)?,
                        evidence: row.get(12)?,
                        base_version: row.get(13)?,
                        undoes: row.get(14)?,
                        mapped: row.get(15)?,
                        first_fields: row.get(9)?,
                        first: (Outcome::Kept, row.get(7)?),
                        pins: true,
                    },
                    row.get::<_, String>(6)?,
                ))
            })?;
        let outcome: Outcome = outcome.parse()?;
        let first = (outcome, deed.first.1.clone());
        Ok(Self { outcome, first, ..deed })
    }

    /// Whether it has to do with one of these fields. Who came or went has no fields to choose from.
    pub(super) fn concerns(&self, fields: &BTreeSet<String>) -> Result<bool> {
        if matches!(self.outcome, Outcome::Created | Outcome::Removed) {
            return Ok(false);
        }
        let status = self.active_after.is_some() && fields.contains(STATUS);
        Ok(status || swaps(self.differences.as_deref())?.iter().any(|(field, ..)| fields.contains(field)))
    }

    /// What a pin of the record as a whole compares.
    ///
    /// # Errors
    /// When the store holds no fields where it should.
    pub(super) fn whole(&self) -> Result<Option<String>> {
        match (&self.mapped, &self.first_fields) {
            (Some(digest), _) => Ok(Some(digest.clone())),
            (None, Some(fields)) => pins::fields_digest(fields).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The word of the source that the run followed when it wrote the status.
    pub(super) fn source_word(&self) -> Option<&'static str> {
        match (self.first.0, self.first.1.as_str()) {
            (_, "deactivate:disabled") => Some("disabled"),
            (_, "deactivate:deleted") => Some("deleted"),
            (_, "deactivate:not-found") => Some("not-found"),
            (_, "deactivate:left-filter") => Some("left-filter"),
            (Outcome::Reactivated | Outcome::Created, _) => Some("enabled"),
            _ => None,
        }
    }

    /// Who had made the person inactive before this row made them active.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn ended_by_before(&self, tx: &Transaction<'_>) -> Result<String> {
        if self.outcome == Outcome::Created {
            return Ok("hand".to_owned());
        }
        let found: Option<String> = tx
            .prepare_cached(
                "SELECT coalesce(json_extract(c.evidence, '$.ended_by'), 'integration:' || r.integration, 'hand')
                 FROM change c JOIN run r ON r.id = c.run
                 WHERE c.person = ?1 AND c.active_after = 0 AND c.state = 'flows' AND r.state = 'applied'
                   AND c.id < ?2
                 ORDER BY c.id DESC LIMIT 1",
            )?
            .query_row(rusqlite::params![self.person, self.id], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or_else(|| "hand".to_owned()))
    }
}

/// What of a row is undone now.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) fields: BTreeSet<String>,
    pub(super) status: bool,
    /// The person came back, or went.
    pub(super) whole: bool,
    /// A row stands that undid it and had no values to take back.
    pub(super) bare: bool,
}

impl Done {
    /// What the rows that undid this one have done, without what was undone of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn of(tx: &Transaction<'_>, deed: &Deed) -> Result<Self> {
        let by: Vec<i64> = tx
            .prepare_cached("SELECT id FROM change WHERE undoes = ?1 AND state = 'flows'")?
            .query_map([deed.id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut done = Self::default();
        for id in by {
            let row = Deed::plain(tx, id)?;
            let back = Self::of(tx, &row)?;
            let fields = swaps(row.differences.as_deref())?;
            let bare = fields.is_empty() && row.active_after.is_none();
            done.fields
                .extend(fields.into_iter().map(|(field, ..)| field).filter(|it| !back.fields.contains(it)));
            let whole = matches!(row.outcome, Outcome::Removed | Outcome::Created);
            done.whole |= whole && !back.whole && !back.status;
            done.status |= !whole && row.active_after.is_some() && !back.status;
            done.bare |= !whole && bare && !back.bare;
        }
        Ok(done)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.fields.is_empty() && !self.status && !self.whole && !self.bare
    }
}
