//! The blast radius of a mapping: what it would make of the records that are stored, held against the people
//! that exist. Asks the plugin as a run does, so that owners, locks and write rules count as they would in
//! one. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bars::{Pins, Word};
use super::error::RunError;
use super::row::name;
use super::terms::{Feeder, Terms};
use crate::config::{self, Integration};
use crate::engine::Transformer;
use crate::engine::contract::{CandidateSet, Incoming, Tie};
use crate::store::{DocumentRow, Store};

/// Records that are judged at once.
const CHUNK: usize = 500;

/// Samples that are kept of each field.
const SAMPLES: usize = 3;

/// One person's value of one field, before and after. JSON texts; none = empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SampleChange {
    /// What people call them.
    pub name: String,
    /// Now.
    pub before: Option<String>,
    /// With the new mapping.
    pub after: Option<String>,
}

/// What would become of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldEffect {
    /// People who get another value.
    pub change: u64,
    /// People who lose theirs.
    pub clear: u64,
    /// People who get one where they had none.
    pub fill: u64,
    /// People whose value stays, because the field is somebody else's or locked; by reason.
    pub not_applied: BTreeMap<String, u64>,
    /// The first few.
    pub samples: Vec<SampleChange>,
}

/// What a mapping would do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Blast {
    /// Stored records that were mapped.
    pub records: u64,
    /// People of whom something would change.
    pub people: u64,
    /// Fields of which something would change, or would but for their owner.
    pub fields: BTreeMap<String, FieldEffect>,
    /// Records that the mapping cannot map, and the first few reasons.
    pub failed: u64,
    /// The first few of them, with the field.
    pub failures: Vec<String>,
    /// Fields that are written today and not by the new mapping: their values stay.
    pub dropped: Vec<String>,
    /// Properties that the new mapping reads and the stored records may not have: they were not asked for.
    pub not_selected: Vec<String>,
}

/// Maps the stored records of an integration with another document's mapping. `terms` are those that a run
/// would have today ([`super::look::terms_of`]).
///
/// # Errors
/// When the store or the plugin fails.
pub fn blast_radius(
    store: &Store,
    transformer: &mut Transformer,
    mut terms: Terms,
    new: &Integration,
    others: Vec<Feeder>,
) -> Result<Blast, RunError> {
    let current = std::mem::replace(&mut terms.integration, new.clone());
    terms.mapping = config::mapping_text(new);
    terms.policy = config::policy_text(new);
    terms.written = Terms::written(new);
    terms.checks_roles = Terms::takes_roles(new);
    terms.others = others;
    let mut properties = |of: &Integration| {
        let examined = transformer.examine_mapping(&config::mapping_text(of));
        let examined =
            examined.map_err(|error| RunError::Call { doing: "reading a mapping".into(), error })?;
        Ok::<_, RunError>(examined.map(|it| it.properties).unwrap_or_default())
    };
    let (was, is) = (properties(&current)?, properties(new)?);
    let targets = |of: &Integration| -> BTreeSet<String> {
        of.mapping.iter().map(|rule| rule.target.name.to_string()).collect()
    };
    let mut blast = Blast {
        dropped: targets(&current).difference(&targets(new)).cloned().collect(),
        not_selected: is.into_iter().filter(|path| !was.contains(path)).collect(),
        ..Blast::default()
    };
    let mut chunk: Vec<DocumentRow> = Vec::with_capacity(CHUNK);
    store.each_document(&current.name, |row| -> Result<(), RunError> {
        chunk.push(row);
        if chunk.len() < CHUNK {
            return Ok(());
        }
        judge(store, transformer, &terms, &chunk, &mut blast)?;
        chunk.clear();
        Ok(())
    })??;
    judge(store, transformer, &terms, &chunk, &mut blast)?;
    Ok(blast)
}

fn judge(
    store: &Store,
    transformer: &mut Transformer,
    terms: &Terms,
    rows: &[DocumentRow],
    blast: &mut Blast,
) -> Result<(), RunError> {
    let call = |doing: &str, error| RunError::Call { doing: doing.to_owned(), error };
    let mut present = Vec::with_capacity(rows.len());
    let mut names = Vec::with_capacity(rows.len());
    for row in rows {
        blast.records += 1;
        let mapped = transformer
            .map_record(&terms.mapping, &row.raw)
            .map_err(|error| call(&format!("mapping user {}", row.source_id), error))?;
        let mapped = match mapped {
            Ok(mapped) => mapped,
            Err(bad) => {
                blast.failed += 1;
                if blast.failures.len() < SAMPLES {
                    let field = bad.field.map(|it| format!("{it}: ")).unwrap_or_default();
                    blast.failures.push(format!("user {}: {field}{}", row.source_id, bad.reason));
                }
                continue;
            }
        };
        let candidate = store.candidate(&terms.integration.name, row.person)?;
        let mut known = terms.known_person(store, 0, Tie::Linked, &candidate)?;
        let word = Word::Listed(mapped.enabled);
        Pins::of(terms, store, &row.source_id, word, Some(&mapped.fields), true)?.bar(&mut known);
        names.push(name(&candidate.fields));
        present.push(CandidateSet { incoming: mapped, known: vec![known] });
    }
    if present.is_empty() {
        return Ok(());
    }
    let incoming = Incoming { present, absent: Vec::new() };
    let decisions = super::allowed::decisions(transformer, terms, &incoming, "judging stored records")?;
    for (decision, name) in decisions.into_iter().zip(names) {
        blast.people += u64::from(!decision.differences.is_empty());
        for it in decision.differences {
            let effect = blast.fields.entry(it.field).or_default();
            match (&it.before, &it.after) {
                (Some(_), None) => effect.clear += 1,
                (None, _) => effect.fill += 1,
                (Some(_), Some(_)) => effect.change += 1,
            }
            if effect.samples.len() < SAMPLES {
                effect.samples.push(SampleChange { name: name.clone(), before: it.before, after: it.after });
            }
        }
        for sentence in decision.not_applied {
            let Some((field, reason)) = sentence.split_once(": ") else { continue };
            if field == "status" {
                continue;
            }
            let effect = blast.fields.entry(field.to_owned()).or_default();
            *effect.not_applied.entry(reason.to_owned()).or_default() += 1;
        }
    }
    Ok(())
}
