//! What today's rules make of one record, told without a run: nothing is staged, written or sent. It goes the
//! way of a run (`PageWorker`), so that it says what a run would say.

use roaring::RoaringTreemap;

use super::allowed::parse;
use super::bars::{Pins, Word};
use super::error::RunError;
use super::page::PageWorker;
use super::preflight::{self, Problem};
use super::terms::Terms;
use crate::config::{self, Integration, SourceField};
use crate::engine::Transformer;
use crate::engine::contract::{BadRecord, BarredField, MappedRecord, PageUser, Source, Tie};
use crate::model::{Outcome, fold_key};
use crate::store::{IntegrationRow, RunId, Store};

/// Somebody whom a match key of the record leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMatch {
    /// The key field.
    pub field: String,
    /// Its value in the record; none when it is empty, so that it matches nobody.
    pub value: Option<String>,
    /// Rows of the people who have it; three are as good as many.
    pub people: Vec<i64>,
}

/// What a run would make of a record before the run is settled as a whole: limits of the guard, other records
/// and usernames of others may hold some of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What would become of the row.
    pub outcome: Outcome,
    /// Why, in the words of the plugin.
    pub reason: String,
    /// JSON list of `[field, before, after]`; none when nothing differs.
    pub differences: Option<String>,
    /// What a rule keeps from being written, as a sentence each.
    pub not_applied: Vec<String>,
}

/// What today's rules make of one record.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The record in the words of the directory; or why it cannot be mapped.
    pub mapped: Result<MappedRecord, BadRecord>,
    /// The match keys, in their order; empty when the record is linked.
    pub keys: Vec<KeyMatch>,
    /// Fields that this integration may not write for the linked person, and why.
    pub barred: Vec<BarredField>,
    /// Why the status may not be changed, if so.
    pub status_barred: Option<String>,
    /// What would become of it.
    pub verdict: Verdict,
}

/// The terms that a run of the integration would have today, without its credential.
///
/// # Errors
/// When the document, or that of another launched integration, cannot be read.
pub fn terms_of(store: &Store, row: &IntegrationRow, fields: &[SourceField]) -> Result<Terms, Problem> {
    let integration: Integration =
        config::parse(&row.name, &row.document, fields, store.targets()).map_err(|report| Problem {
            place: "document",
            what: report.to_string(),
            help: Some("userload integration save -f FILE".to_owned()),
        })?;
    let others = preflight::others(store, &integration, fields)?;
    Ok(Terms {
        run: RunId { row: 0, number: 0, basis: 0 },
        mapping: config::mapping_text(&integration),
        policy: config::policy_text(&integration),
        source: Source { settings: Vec::new(), filter: None, select: Vec::new(), page_size: 1, delta: false },
        source_tenant: row.source_tenant.clone().unwrap_or_default(),
        cloud: row.cloud.clone().unwrap_or_default(),
        shape: config::shape_digest(&integration),
        others,
        written: Terms::written(&integration),
        checks_roles: Terms::takes_roles(&integration),
        standing: store.standing(&row.name).map_err(|error| Problem {
            place: "store",
            what: error.to_string(),
            help: error.help(),
        })?,
        wish: None,
        integration,
    })
}

/// Looks at one record.
///
/// # Errors
/// When the plugin or the store fails. A record that cannot be mapped is no error.
pub fn look(
    terms: &Terms,
    store: &Store,
    transformer: &dyn Fn() -> Transformer,
    source_id: &str,
    raw: &str,
) -> Result<Looked, RunError> {
    let mapped = transformer()
        .map_record(&terms.mapping, raw)
        .map_err(|error| RunError::Call { doing: format!("mapping user {source_id}"), error })?;
    let known =
        store.known(&terms.integration.name, 0, std::iter::once(source_id))?.into_iter().flatten().next();
    let linked = match known {
        Some(known) => Some(known.person),
        None => store.linked_elsewhere(&terms.source_tenant, &terms.cloud, source_id)?,
    };
    let (mut barred, mut status_barred) = (Vec::new(), None);
    if let Some(person) = linked {
        let candidate = store.candidate(&terms.integration.name, person)?;
        let mut person = terms.known_person(store, 0, Tie::Linked, &candidate)?;
        if let Ok(mapped) = &mapped {
            let word = Word::Unlisted(mapped.enabled);
            Pins::of(terms, store, source_id, word, Some(&mapped.fields), known.is_some())?.bar(&mut person);
        }
        (barred, status_barred) = (person.barred, person.status_barred);
    }
    let keys = match (&mapped, linked) {
        (Ok(mapped), None) => keys(terms, store, mapped)?,
        _ => Vec::new(),
    };
    let mut worker = PageWorker::new(terms, store.again()?, transformer(), RoaringTreemap::new())?;
    let user = PageUser { id: source_id.to_owned(), raw: raw.to_owned() };
    let staged = worker.work_present(std::slice::from_ref(&user))?;
    let filtered = staged.counts.contains_key(&Outcome::Filtered);
    let change = staged.rows.into_iter().next().and_then(|row| row.change);
    let verdict = match change {
        None if filtered => Verdict {
            outcome: Outcome::Filtered,
            reason: mapped
                .as_ref()
                .ok()
                .and_then(|mapped| mapped.filtered.clone())
                .unwrap_or_else(|| "dropped by only-if".to_owned()),
            differences: None,
            not_applied: Vec::new(),
        },
        None => Verdict {
            outcome: Outcome::Unchanged,
            reason: "nothing differs".to_owned(),
            differences: None,
            not_applied: Vec::new(),
        },
        Some(change) => Verdict {
            outcome: change.outcome,
            reason: change.reason,
            differences: change.differences,
            not_applied: change
                .not_applied
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(crate::store::StoreError::from)?
                .unwrap_or_default(),
        },
    };
    Ok(Looked { mapped, keys, barred, status_barred, verdict })
}

fn keys(terms: &Terms, store: &Store, mapped: &MappedRecord) -> Result<Vec<KeyMatch>, RunError> {
    let map = parse(&mapped.fields)?;
    let mut keys = Vec::new();
    for field in &terms.integration.match_keys {
        let text = map.get(field.as_str()).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let key = text.as_deref().and_then(fold_key);
        let people = match &key {
            Some(key) => store.people_by_key(field, key)?,
            None => Vec::new(),
        };
        let value = key.is_some().then_some(text).flatten();
        keys.push(KeyMatch { field: field.clone(), value, people });
    }
    Ok(keys)
}
