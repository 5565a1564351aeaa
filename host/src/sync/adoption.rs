//! Who of a sample's records is in the directory already: what a first run would recognise, by today's match
//! keys, and what it would have to ask. Goes the way of a run (`PageWorker`) and reads only; what a run learns
//! from its other pages alone is not in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use roaring::RoaringTreemap;
use serde::Serialize;
use serde_json::Value;

use super::error::RunError;
use super::page::PageWorker;
use super::terms::Terms;
use crate::engine::Transformer;
use crate::engine::contract::PageUser;
use crate::model::Outcome;
use crate::store::{StagedRow, Store, StoreError};

/// Records that are judged at once.
const CHUNK: usize = 500;

/// Records that are told of by name.
const EXAMPLES: usize = 3;

/// The key that no two people share, whatever the match keys are.
const USERNAME: &str = "username";

/// A record that somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its id at the source.
    pub source_id: String,
    /// What is the matter.
    pub reason: String,
}

/// What a first run would make of a sample's records: `records` is the sum of the other numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// Different records that were looked at.
    pub records: u64,
    /// They lead to one person by a match key, who would be adopted.
    pub matched: u64,
    /// Another integration has linked the same user of the source already.
    pub linked: u64,
    /// They could be several people, or several of them could be one: somebody has to decide.
    pub ambiguous: u64,
    /// Nobody has their keys: they would be created.
    pub new: u64,
    /// They cannot be mapped, or their values are refused.
    pub failed: u64,
    /// A rule passes them over, because they were erased for one.
    pub skipped: u64,
    /// Values of matched people that are there and differ, by field: how many people. A first run holds these.
    pub overwrites: BTreeMap<String, u64>,
    /// The first few that are ambiguous.
    pub doubts: Vec<Example>,
    /// The first few that failed.
    pub failures: Vec<Example>,
}

/// What becomes of one record.
enum Fate {
    Matched(i64),
    Linked(i64),
    Ambiguous(String),
    New,
    Failed(String),
    Skipped,
}

/// Looks at the records of a sample, with a mapping as the plugin takes it. `known` is the directory and today's
/// terms ([`super::look::terms_of`]); none = nobody is in it yet.
///
/// # Errors
/// When the plugin or the store fails. A record that cannot be mapped is no error.
pub fn preview(
    known: Option<(&Store, &Terms)>,
    mapping: &str,
    transformer: &dyn Fn() -> Transformer,
    records: &[PageUser],
) -> Result<Adoption, RunError> {
    let mut listed = HashSet::new();
    // A source may list somebody twice; a run counts the first.
    let records: Vec<PageUser> = records.iter().filter(|it| listed.insert(&it.id)).cloned().collect();
    match known {
        Some((store, terms)) => judged(store, terms, transformer, &records),
        None => mapped(mapping, transformer, &records),
    }
}

/// Nobody is there: everybody who can be mapped is new.
fn mapped(
    mapping: &str,
    transformer: &dyn Fn() -> Transformer,
    records: &[PageUser],
) -> Result<Adoption, RunError> {
    let mut transformer = transformer();
    let mut adoption = Adoption::default();
    for user in records {
        let asked = transformer.map_record(mapping, &user.raw);
        let asked =
            asked.map_err(|error| RunError::Call { doing: format!("mapping user {}", user.id), error })?;
        adoption.count(
            user.id.clone(),
            match asked {
                Ok(_) => Fate::New,
                Err(bad) => {
                    let field = bad.field.map(|it| format!("{it}: ")).unwrap_or_default();
                    Fate::Failed(format!("{field}{}", bad.reason))
                }
            },
        );
    }
    Ok(adoption)
}

fn judged(
    store: &Store,
    terms: &Terms,
    transformer: &dyn Fn() -> Transformer,
    records: &[PageUser],
) -> Result<Adoption, RunError> {
    let mut worker = PageWorker::new(terms, store.again()?, transformer(), RoaringTreemap::new())?;
    let mut adoption = Adoption::default();
    let mut rows: Vec<StagedRow> = Vec::with_capacity(records.len());
    for chunk in records.chunks(CHUNK) {
        rows.extend(worker.work_present(chunk)?.rows);
    }
    let mut fates = Vec::with_capacity(rows.len());
    for row in &rows {
        fates.push(fate(store, terms, row)?);
    }
    claims(store, &rows, &mut fates)?;
    for (row, fate) in rows.iter().zip(fates) {
        if let (Fate::Matched(_), Some(differences)) =
            (&fate, row.change.as_ref().and_then(|it| it.differences.as_deref()))
        {
            for (field, before, after) in
                serde_json::from_str::<Vec<(String, Value, Value)>>(differences).map_err(StoreError::from)?
            {
                if !before.is_null() && !after.is_null() {
                    *adoption.overwrites.entry(field).or_default() += 1;
                }
            }
        }
        adoption.count(row.source_id.clone().unwrap_or_default(), fate);
    }
    Ok(adoption)
}

fn fate(store: &Store, terms: &Terms, row: &StagedRow) -> Result<Fate, RunError> {
    let reason = || row.change.as_ref().map(|it| it.reason.clone()).unwrap_or_default();
    Ok(match (row.change.as_ref().map(|it| it.outcome), row.person) {
        (Some(Outcome::Failed), _) => Fate::Failed(reason()),
        (Some(Outcome::Ambiguous), _) => Fate::Ambiguous(reason()),
        (Some(Outcome::Created), _) => Fate::New,
        (_, Some(person)) => {
            let id = row.source_id.as_deref().unwrap_or_default();
            let linked = store.linked_elsewhere(&terms.source_tenant, &terms.cloud, id)?;
            if linked.is_some() || row.link.is_some() { Fate::Linked(person) } else { Fate::Matched(person) }
        }
        (_, None) => Fate::Skipped,
    })
}

/// What only all records together can tell, as a run settles it: two of them claim one person or username, or
/// a new one claims a username that is somebody's.
fn claims(store: &Store, rows: &[StagedRow], fates: &mut [Fate]) -> Result<(), RunError> {
    let mut people: HashMap<i64, u32> = HashMap::new();
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut claimed = Vec::with_capacity(rows.len());
    for (row, fate) in rows.iter().zip(fates.iter()) {
        if let Fate::Matched(person) | Fate::Linked(person) = fate {
            *people.entry(*person).or_default() += 1;
        }
        let name = username(row)?.filter(|_| matches!(fate, Fate::New | Fate::Matched(_)));
        if let Some(name) = &name {
            *names.entry(name.clone()).or_default() += 1;
        }
        claimed.push(name);
    }
    for (fate, name) in fates.iter_mut().zip(claimed) {
        if let Fate::Matched(person) = fate
            && let Some(many @ 2..) = people.get(person)
        {
            *fate = Fate::Ambiguous(format!("{many} records match the same person"));
            continue;
        }
        let Some(name) = name else { continue };
        if let Some(many @ 2..) = names.get(&name) {
            *fate = Fate::Ambiguous(format!("{many} records have the username `{name}`"));
        } else if matches!(fate, Fate::New) && !store.people_by_key(USERNAME, &name)?.is_empty() {
            *fate = Fate::Ambiguous(format!("the username `{name}` already belongs to somebody"));
        }
    }
    Ok(())
}

/// The folded username that a row gives somebody.
fn username(row: &StagedRow) -> Result<Option<String>, RunError> {
    let Some(keys) = &row.keys else { return Ok(None) };
    let keys: BTreeMap<String, Option<String>> = serde_json::from_str(keys).map_err(StoreError::from)?;
    Ok(keys.get(USERNAME).cloned().flatten())
}

impl Adoption {
    fn count(&mut self, source_id: String, fate: Fate) {
        self.records += 1;
        match fate {
            Fate::Matched(_) => self.matched += 1,
            Fate::Linked(_) => self.linked += 1,
            Fate::New => self.new += 1,
            Fate::Skipped => self.skipped += 1,
            Fate::Ambiguous(reason) => {
                self.ambiguous += 1;
                keep(&mut self.doubts, source_id, reason);
            }
            Fate::Failed(reason) => {
                self.failed += 1;
                keep(&mut self.failures, source_id, reason);
            }
        }
    }
}

fn keep(examples: &mut Vec<Example>, source_id: String, reason: String) {
    if examples.len() < EXAMPLES {
        examples.push(Example { source_id, reason });
    }
}
