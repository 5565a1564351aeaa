//! The blast radius of a changed document: what it would make of the records that are stored, or of those that
//! the source has now, held against the people that exist. Asks the plugin as a run does, so that owners, locks
//! and write rules count as they would in one. What the records at hand cannot tell is said to be unknown, and
//! never counted as nothing. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bars::{Pins, Word};
use super::error::RunError;
use super::row::name;
use super::terms::{Feeder, Terms};
use crate::config::{self, Integration};
use crate::engine::Transformer;
use crate::engine::contract::{BadRecord, CandidateSet, Decision, Incoming, MappedRecord, PageUser, Tie};
use crate::store::{Known, Store};

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

/// Some people of whom one thing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// How many.
    pub people: u64,
    /// What the first few are called.
    pub samples: Vec<String>,
}

impl Crowd {
    fn add(&mut self, name: &str) {
        self.people += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(name.to_owned());
        }
    }
}

/// A record that the mapping cannot map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What people call them.
    pub name: String,
    /// Their id at the source.
    pub source_id: String,
    /// The field; none when it is the record.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
}

/// What a changed document would do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Blast {
    /// Records that were looked at.
    pub records: u64,
    /// They were read from the source just now; else they are those that the last runs have stored.
    pub from_source: bool,
    /// Records of users who are linked to nobody: a run would create them, or ask who they are.
    pub unlinked: u64,
    /// People of whom a field would change. None: not known, `unknown` says why.
    pub people: Option<u64>,
    /// How many of them are known.
    pub people_at_least: u64,
    /// Fields of which nothing is known, with the properties that the records at hand do not have.
    pub unknown: BTreeMap<String, Vec<String>>,
    /// Records that `only-if` lets through today and would not any more. None: not known.
    pub filtered_out: Option<Crowd>,
    /// Records that `only-if` drops today and would let through. None: not known.
    pub let_in: Option<Crowd>,
    /// People whom a changed `filter` does not list any more. None: not known, it takes a whole listing.
    pub not_listed: Option<Crowd>,
    /// Fields of which something would change, or would but for their owner.
    pub fields: BTreeMap<String, FieldEffect>,
    /// Records that the mapping cannot map.
    pub failed: u64,
    /// How many of them the mapping of today cannot map either.
    pub failed_before: u64,
    /// How many by the field.
    pub failed_fields: BTreeMap<String, u64>,
    /// The first few of them.
    pub failures: Vec<Failure>,
    /// Fields that are written today and not by the new mapping: their values stay.
    pub dropped: Vec<String>,
    /// What of the shape is another than the saved document's: `filter`, `only-if`, `mapping`, `match-keys`.
    pub changed: Vec<&'static str>,
    /// The next run with this document holds every deactivation: it would be the first of its shape.
    pub holds_deactivations: bool,
}

/// A document whose effect is asked for.
#[derive(Debug)]
pub struct Changed {
    /// The document.
    pub new: Integration,
    /// The other integrations that fill people's fields.
    pub others: Vec<Feeder>,
    /// The shape of the last applied run; none when there was none.
    pub applied: Option<String>,
    /// Users as the source has them now, with what both mappings read, and whether they are all that the new
    /// filter lists. None: the records that the last runs have stored.
    pub read: Option<(Vec<PageUser>, bool)>,
}

/// Maps the records of an integration with another document's mapping. `terms` are those that a run would have
/// today ([`super::look::terms_of`]).
///
/// # Errors
/// When the store or the plugin fails.
pub fn blast_radius(
    store: &Store,
    transformer: &mut Transformer,
    mut terms: Terms,
    changed: Changed,
) -> Result<Blast, RunError> {
    let Changed { new, others, applied, read } = changed;
    let current = std::mem::replace(&mut terms.integration, new.clone());
    let (shape, shape_now) = (config::shape_digest(&new), config::shape_digest(&current));
    terms.mapping = config::mapping_text(&new);
    terms.policy = config::policy_text(&new);
    terms.written = Terms::written(&new);
    terms.checks_roles = Terms::takes_roles(&new);
    terms.others = others;
    let targets = |of: &Integration| -> BTreeSet<String> {
        of.mapping.iter().map(|rule| rule.target.name.to_string()).collect()
    };
    let unknown = match read {
        Some(_) => BTreeMap::new(),
        None => {
            // What was saved since the last run has not been asked for either.
            let sure = applied.as_deref() == Some(&shape_now);
            unread(store, transformer, (&current, sure), &new)?
        }
    };
    let filter_known =
        !new.only_if.as_deref().is_some_and(|text| unknown.keys().any(|field| mentions(text, field)));
    let crowd = || filter_known.then(Crowd::default);
    let mut blast = Blast {
        from_source: read.is_some(),
        dropped: targets(&current).difference(&targets(&new)).cloned().collect(),
        filtered_out: crowd(),
        let_in: crowd(),
        changed: differing(&current, &new),
        // No run was applied: then the first one holds them, whatever the document says.
        holds_deactivations: new.deactivate && applied.as_deref() != Some(&shape),
        unknown,
        ..Blast::default()
    };
    let known = blast.unknown.is_empty();
    let judged =
        Judge { store, terms: &terms, before: &current, mapping_before: config::mapping_text(&current) };
    let refiltered = current.filter != new.filter;
    match read {
        Some((users, whole)) => {
            for chunk in users.chunks(CHUNK) {
                let ids = chunk.iter().map(|user| user.id.as_str());
                let links = store.known(&current.name, 0, ids)?;
                let of = |(user, link): (&PageUser, Option<Known>)| Record {
                    source_id: user.id.clone(),
                    person: link.map(|it| it.person),
                    raw: user.raw.clone(),
                };
                let records: Vec<Record> = chunk.iter().zip(links).map(of).collect();
                judged.judge(transformer, &records, &mut blast)?;
            }
            if whole && refiltered {
                let listed: BTreeSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
                let mut gone = Crowd::default();
                store.each_document(&current.name, |row| -> Result<(), RunError> {
                    if !listed.contains(row.source_id.as_str()) {
                        let candidate = store.candidate(&current.name, row.person)?;
                        if candidate.active {
                            gone.add(&name(&candidate.fields));
                        }
                    }
                    Ok(())
                })??;
                blast.not_listed = Some(gone);
            }
        }
        None => {
            let mut chunk: Vec<Record> = Vec::with_capacity(CHUNK);
            store.each_document(&current.name, |row| -> Result<(), RunError> {
                chunk.push(Record { source_id: row.source_id, person: Some(row.person), raw: row.raw });
                if chunk.len() == CHUNK {
                    judged.judge(transformer, &chunk, &mut blast)?;
                    chunk.clear();
                }
                Ok(())
            })??;
            judged.judge(transformer, &chunk, &mut blast)?;
        }
    }
    if !refiltered {
        blast.not_listed = Some(Crowd::default());
    }
    blast.people = known.then_some(blast.people_at_least);
    Ok(blast)
}

/// The parts of a document after whose change the next run is the first of its shape.
#[must_use]
pub fn differing(before: &Integration, after: &Integration) -> Vec<&'static str> {
    let mapping = |of: &Integration| config::mapping_text(&Integration { only_if: None, ..of.clone() });
    let parts = [
        ("filter", before.filter != after.filter),
        ("only-if", before.only_if != after.only_if),
        ("mapping", mapping(before) != mapping(after)),
        ("match-keys", before.match_keys != after.match_keys),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

/// The properties that the plugin reads for a document's mapping.
///
/// # Errors
/// When the plugin fails.
pub fn properties(transformer: &mut Transformer, of: &Integration) -> Result<Vec<String>, RunError> {
    let examined = transformer.examine_mapping(&config::mapping_text(of));
    let examined = examined.map_err(|error| RunError::Call { doing: "reading a mapping".into(), error })?;
    Ok(examined.map(|it| it.properties).unwrap_or_default())
}

/// Fields of a new mapping that read what the stored records do not have. `sure`: the records are those of the
/// current mapping; else a property counts as read only when the first of them have it.
fn unread(
    store: &Store,
    transformer: &mut Transformer,
    (current, sure): (&Integration, bool),
    new: &Integration,
) -> Result<BTreeMap<String, Vec<String>>, RunError> {
    let mut had: BTreeSet<String> = properties(transformer, current)?.into_iter().collect();
    if !sure {
        let mut left = CHUNK;
        store.each_document(&current.name, |row| -> Result<(), RunError> {
            if left > 0 {
                left -= 1;
                let record: BTreeMap<String, serde::de::IgnoredAny> =
                    serde_json::from_str(&row.raw).unwrap_or_default();
                had.retain(|property| record.contains_key(property));
            }
            Ok(())
        })??;
    }
    let mut unknown = BTreeMap::new();
    for rule in &new.mapping {
        let alone = Integration { mapping: vec![rule.clone()], only_if: None, ..new.clone() };
        let reads = properties(transformer, &alone)?;
        let missing: Vec<String> = reads.into_iter().filter(|it| !had.contains(it)).collect();
        if !missing.is_empty() {
            unknown.insert(rule.target.name.clone(), missing);
        }
    }
    Ok(unknown)
}

/// Whether a condition names a field.
fn mentions(condition: &str, field: &str) -> bool {
    condition.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == field)
}

/// A record that is judged.
struct Record {
    source_id: String,
    /// None: linked to nobody.
    person: Option<i64>,
    raw: String,
}

impl Record {
    /// What people call somebody whom the directory may not know yet.
    fn called(&self) -> String {
        let raw: serde_json::Value = serde_json::from_str(&self.raw).unwrap_or_default();
        let text = |field: &str| raw.get(field)?.as_str().map(str::to_owned);
        let named = ["userPrincipalName", "displayName", "mail"].into_iter().find_map(text);
        named.unwrap_or_else(|| format!("user {}", self.source_id))
    }
}

/// What records are held against.
struct Judge<'a> {
    store: &'a Store,
    terms: &'a Terms,
    before: &'a Integration,
    mapping_before: String,
}

impl Judge<'_> {
    fn map(
        transformer: &mut Transformer,
        mapping: &str,
        record: &Record,
    ) -> Result<Result<MappedRecord, BadRecord>, RunError> {
        transformer
            .map_record(mapping, &record.raw)
            .map_err(|error| RunError::Call { doing: format!("mapping user {}", record.source_id), error })
    }

    fn judge(
        &self,
        transformer: &mut Transformer,
        records: &[Record],
        blast: &mut Blast,
    ) -> Result<(), RunError> {
        let (store, terms) = (self.store, self.terms);
        let mut present = Vec::with_capacity(records.len());
        let mut names = Vec::with_capacity(records.len());
        for record in records {
            blast.records += 1;
            blast.unlinked += u64::from(record.person.is_none());
            let candidate =
                record.person.map(|person| store.candidate(&terms.integration.name, person)).transpose()?;
            let called = candidate.as_ref().map_or_else(|| record.called(), |it| name(&it.fields));
            let mapped = match Self::map(transformer, &terms.mapping, record)? {
                Ok(mapped) => mapped,
                Err(bad) => {
                    let before = Self::map(transformer, &self.mapping_before, record)?;
                    blast.failed += 1;
                    blast.failed_before += u64::from(before.is_err());
                    if let Some(field) = &bad.field {
                        *blast.failed_fields.entry(field.clone()).or_default() += 1;
                    }
                    if blast.failures.len() < SAMPLES {
                        let (source_id, field, reason) = (record.source_id.clone(), bad.field, bad.reason);
                        blast.failures.push(Failure { name: called, source_id, field, reason });
                    }
                    continue;
                }
            };
            let was_filtered = self.before.only_if.is_some()
                && Self::map(transformer, &self.mapping_before, record)?
                    .is_ok_and(|it| it.filtered.is_some());
            let crowd = match (was_filtered, mapped.filtered.is_some()) {
                (false, true) => &mut blast.filtered_out,
                (true, false) => &mut blast.let_in,
                _ => &mut None,
            };
            if let Some(crowd) = crowd {
                crowd.add(&called);
            }
            let Some(candidate) = candidate else { continue };
            let mut known = terms.known_person(store, 0, Tie::Linked, &candidate)?;
            let word = Word::Listed(mapped.enabled);
            Pins::of(terms, store, &record.source_id, word, Some(&mapped.fields), true)?.bar(&mut known);
            names.push(called);
            present.push(CandidateSet { incoming: mapped, known: vec![known] });
        }
        if present.is_empty() {
            return Ok(());
        }
        let incoming = Incoming { present, absent: Vec::new() };
        let decisions = super::allowed::decisions(transformer, terms, &incoming, "judging records")?;
        for (decision, name) in decisions.into_iter().zip(names) {
            blast.add(decision, &name);
        }
        Ok(())
    }
}

impl Blast {
    fn add(&mut self, mut decision: Decision, name: &str) {
        // Where nothing was read, nothing is known.
        decision.differences.retain(|it| !self.unknown.contains_key(&it.field));
        self.people_at_least += u64::from(!decision.differences.is_empty());
        for it in decision.differences {
            let effect = self.fields.entry(it.field).or_default();
            match (&it.before, &it.after) {
                (Some(_), None) => effect.clear += 1,
                (None, _) => effect.fill += 1,
                (Some(_), Some(_)) => effect.change += 1,
            }
            if effect.samples.len() < SAMPLES {
                let (before, after) = (it.before, it.after);
                effect.samples.push(SampleChange { name: name.to_owned(), before, after });
            }
        }
        for sentence in decision.not_applied {
            let Some((field, reason)) = sentence.split_once(": ") else { continue };
            if field == "status" {
                continue;
            }
            let effect = self.fields.entry(field.to_owned()).or_default();
            *effect.not_applied.entry(reason.to_owned()).or_default() += 1;
        }
    }
}
