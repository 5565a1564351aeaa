//! A decision about one record, as a row to stage.

use super::allowed;
use super::error::RunError;
use super::evidence::Evidence;
use super::page::Case;
use super::terms::Terms;
use crate::engine::contract::{BadRecord, CandidateSet, Decision, PageUser, Situation, Tie};
use crate::model::{Outcome, PersonUid};
use crate::store::{
    Candidate, Deed, Doubt, Known, NewChange, StagedRow, Status, Store, fields, fields_digest, record_of,
};

/// A decision, held against the contract, as a row to stage.
pub(super) fn row(
    terms: &Terms,
    store: &Store,
    case: Case<'_>,
    decision: Decision,
    set: &CandidateSet,
) -> Result<StagedRow, RunError> {
    let broken = |what: &str| RunError::Misbehaved(format!("user {}: {what}", case.user.id));
    let person = match decision.person {
        None => None,
        Some(number) => {
            let found = case.candidates.get(number as usize).zip(set.known.get(number as usize));
            Some(found.ok_or_else(|| broken("a decision about nobody who was named"))?)
        }
    };
    let mut row = StagedRow {
        source_id: Some(case.user.id.clone()),
        link: case.known.map(|known| known.link),
        person: person.map(|(candidate, _)| candidate.person),
        raw: case.known.is_none_or(|known| known.digest != case.digest).then(|| case.user.raw.clone()),
        digest: case.digest,
        enabled: case.mapped.enabled,
        keys: None,
        linking: true,
        // What is pinned is looked at every night.
        // Filtered again tomorrow, it has to be counted as filtered again.
        open: !case.pins.holding.is_empty() || case.mapped.filtered.is_some(),
        change: None,
        doubt: None,
        relinks: case.relinks.clone(),
    };
    let linked = person.is_some_and(|(_, known)| matches!(known.tie, Tie::Linked));
    let outcome = match decision.situation {
        Situation::Unchanged if linked => return Ok(row),
        Situation::Create if case.candidates.is_empty() => {
            let fields = allowed::creation(terms, &case.mapped)?;
            row.keys = Some(store.keys().of_fields(&fields).map_err(crate::store::StoreError::from)?);
            let uid = free_uid(terms, store, &case.user.id)?;
            let active = decision.active != Some(false);
            row.change = Some(NewChange {
                outcome: Outcome::Created,
                deed: Deed::Create { uid, active },
                cause: allowed::creation_cause(active).to_owned(),
                reason: decision.reason,
                fields: Some(fields),
                differences: None,
                not_applied: None,
            });
            return Ok(row);
        }
        Situation::Create => return Err(broken("somebody known is to be created again")),
        Situation::Update if linked => Outcome::Updated,
        Situation::Rename if linked => Outcome::Renamed,
        Situation::Adopt if !linked && person.is_some() => Outcome::Adopted,
        Situation::Reactivate if person.is_some() => Outcome::Reactivated,
        Situation::Deactivate if person.is_some() => Outcome::Deactivated,
        Situation::Keep if linked => Outcome::Kept,
        Situation::Ambiguous => Outcome::Ambiguous,
        Situation::Skip => Outcome::Skipped,
        other => return Err(broken(&format!("`{other:?}` does not fit what was asked"))),
    };
    let differences = allowed::differences(terms, &case.mapped, &decision, person.map(|(_, known)| known))?;
    let not_applied = (!decision.not_applied.is_empty())
        .then(|| serde_json::to_string(&decision.not_applied))
        .transpose()
        .map_err(crate::store::StoreError::from)?;
    // What a rule keeps out is looked at until it is settled, whatever else flows.
    row.open |= not_applied.is_some();
    let mut cause = decision.reason.clone();
    let deed = match person {
        Some((candidate, known)) if outcome.changes_someone() => {
            let status = match (outcome, decision.active) {
                (Outcome::Reactivated, Some(true))
                    if allowed::reactivates(terms, known, case.mapped.enabled) =>
                {
                    cause = allowed::reactivation_cause(known).to_owned();
                    Status::Activate
                }
                (Outcome::Deactivated, Some(false)) => {
                    let evidence = Evidence::disabled(case.mapped.enabled)
                        .filter(|_| allowed::deactivates(terms, known, terms.integration.on_disabled))
                        .ok_or_else(|| broken("deactivated without evidence, or against the terms"))?;
                    cause = evidence.cause().to_owned();
                    Status::Deactivate(evidence)
                }
                (Outcome::Reactivated | Outcome::Deactivated, _) | (_, Some(_)) => {
                    return Err(broken("the status does not fit the situation"));
                }
                (_, None) => Status::Stays,
            };
            let keys = differences.as_deref().map(|it| store.keys().of_differences(it)).transpose();
            row.keys = keys.map_err(crate::store::StoreError::from)?.flatten();
            Deed::Alter { person: candidate.person, version: candidate.version, status }
        }
        _ => {
            row.linking = linked;
            row.open = true;
            if !linked {
                row.person = None;
            }
            if outcome == Outcome::Ambiguous {
                row.doubt = Some(doubt(&case.mapped.fields, &case.candidates)?);
            }
            Deed::None { person: row.person }
        }
    };
    let mut reason = decision.reason;
    if let Some(old) = &case.relinks {
        reason.push_str(&format!("; takes the place of {old}"));
    }
    // A first link can be undone: then the record is not linked again while it maps to the same.
    let first = !linked && outcome.changes_someone();
    let fields = first.then(|| case.mapped.fields.clone());
    row.change = Some(NewChange { outcome, deed, cause, reason, fields, differences, not_applied });
    Ok(row)
}

/// The lasting id of the person whom a record makes: it follows from the record, with a number after it when
/// somebody who was unlinked from that record has it.
fn free_uid(terms: &Terms, store: &Store, source_id: &str) -> Result<PersonUid, RunError> {
    let mut name = source_id.to_owned();
    let mut number = 0_u32;
    loop {
        let uid = PersonUid::of_source(store.tenant(), &terms.integration.name, &name);
        if !store.has_uid(&uid)? {
            return Ok(uid);
        }
        number += 1;
        name = format!("{source_id}\u{0}{number}");
    }
}

/// What people call the person with these fields.
pub(super) fn name(fields: &str) -> String {
    let map = fields::parse(fields).unwrap_or_default();
    ["username", "display_name", "email"]
        .iter()
        .find_map(|field| serde_json::from_str(map.get(field)?.get()).ok())
        .unwrap_or_else(|| "a person without a name".to_owned())
}

/// The row of a record that could not be read or mapped. Its link, when it has one, stays as it is.
pub(super) fn failed(
    bad: &BadRecord,
    digest: [u8; 16],
    user: Option<(&PageUser, Option<Known>)>,
) -> StagedRow {
    let reason = match &bad.field {
        Some(field) => format!("{field}: {}", bad.reason),
        None => bad.reason.clone(),
    };
    let known = user.and_then(|(_, known)| known);
    ended(
        user.map(|(user, _)| user.id.clone()).or_else(|| bad.id.clone()),
        known,
        digest,
        Outcome::Failed,
        reason,
    )
}

pub(super) fn undecided(user: &PageUser, digest: [u8; 16], reason: String, doubt: Doubt) -> StagedRow {
    let row = ended(Some(user.id.clone()), None, digest, Outcome::Ambiguous, reason);
    StagedRow { doubt: Some(doubt), ..row }
}

/// What somebody needs to decide who a record is.
///
/// # Errors
/// When the fields are not a JSON object.
pub(super) fn doubt(fields: &str, candidates: &[Candidate]) -> Result<Doubt, RunError> {
    Ok(Doubt {
        candidates: candidates.iter().map(|it| it.person).collect(),
        record: Some(record_of(fields)?),
        digest: Some(fields_digest(fields)?),
    })
}

/// A row that ends here: it changes nobody, and is looked at again.
pub(super) fn ended(
    source_id: Option<String>,
    known: Option<Known>,
    digest: [u8; 16],
    outcome: Outcome,
    reason: String,
) -> StagedRow {
    let known = (known.map(|known| known.link), known.map(|known| known.person));
    StagedRow::told(source_id, known, digest, outcome, reason)
}
