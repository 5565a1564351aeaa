//! The guard: what is safe flows, what could be a disaster is held, by name.
//!
//! Limits are of `semantics` section 6.1. They are counted over a trailing 24 hours, so that many small runs
//! are no way around them. What is held already stays held and does not count again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::Guard;
use crate::model::Outcome;
use crate::store::fields::Difference;
use crate::store::{Flowing, HeldPart};

/// Fields by which people sign in or are written to: a change is guarded like a deactivation.
pub const RENAME_FIELDS: [&str; 2] = ["username", "email"];

/// What the changes of one or more runs add up to.
#[derive(Debug, Default)]
pub struct Tally {
    deactivations: BTreeMap<String, u64>,
    fields: BTreeMap<String, FieldTally>,
}

#[derive(Debug, Default)]
struct FieldTally {
    cleared: u64,
    /// Of the fields of [`RENAME_FIELDS`]: another value, or none.
    renamed: u64,
    changed: u64,
    before: HashSet<u64>,
    after: HashSet<u64>,
}

/// The parts of one change, each with the cause that it would be held for.
pub(super) struct Part<'a> {
    pub(super) cause: String,
    /// The cause whose limit counts, where people are asked in larger groups than are counted.
    limit: Option<String>,
    pub(super) difference: Option<Difference<'a>>,
    always: bool,
}

/// Why a cause is held now.
pub type Tripped = BTreeMap<String, String>;

/// What the limits are measured against.
pub struct Concerned<'a> {
    /// Linked people who are active.
    pub linked_active: u64,
    /// How many linked people have a value in a field; asked only for fields that many lose.
    pub filled: &'a mut dyn FnMut(&str) -> crate::store::Result<u64>,
    /// The first run, or the first after filter, mapping or match keys changed: why deactivations wait.
    pub new_shape: Option<&'static str>,
}

/// The differences of a change.
///
/// # Errors
/// When the ledger does not hold a list of differences.
pub fn differences(flowing: &Flowing) -> crate::store::Result<Vec<Difference<'_>>> {
    Ok(flowing.differences.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default())
}

impl Tally {
    /// Nothing is to be measured against a limit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deactivations.is_empty() && self.fields.is_empty()
    }

    /// Counts a change. `held` tells which causes of this person wait already.
    ///
    /// # Errors
    /// When the change cannot be read.
    pub fn add(&mut self, flowing: &Flowing, held: impl Fn(&str) -> bool) -> crate::store::Result<()> {
        for part in parts(flowing, &held)? {
            if part.always || held(&part.cause) {
                continue;
            }
            let Some((field, before, after)) = part.difference else {
                *self.deactivations.entry(part.cause).or_default() += 1;
                continue;
            };
            let tally = self.fields.entry(field.to_owned()).or_default();
            // What was blank is lost to nobody, whatever comes instead.
            let Some(before) = before.filter(|it| filled(it)) else { continue };
            let named = RENAME_FIELDS.contains(&field);
            // Who loses the name has another one than before, too.
            tally.renamed += u64::from(named);
            match after.filter(|it| filled(it)) {
                None => tally.cleared += 1,
                Some(_) if named => {}
                Some(after) => {
                    tally.changed += 1;
                    tally.before.insert(xxh3_64(before.get().as_bytes()));
                    tally.after.insert(xxh3_64(after.get().as_bytes()));
                }
            }
        }
        Ok(())
    }

    /// Which causes pass their limits, when `recent` was applied in the last 24 hours and `self` is to come.
    ///
    /// # Errors
    /// When the store cannot tell how many have a value in a field.
    pub fn trips(
        &self,
        recent: &Self,
        guard: &Guard,
        concerned: Concerned<'_>,
    ) -> crate::store::Result<Tripped> {
        let mut tripped = Tripped::new();
        for (cause, count) in &self.deactivations {
            let day = count + recent.deactivations.get(cause).copied().unwrap_or(0);
            let limit = guard.deactivate.of(concerned.linked_active).min(u64::from(guard.deactivate_most));
            if let Some(reason) = concerned.new_shape {
                tripped.insert(cause.clone(), reason.to_owned());
            } else if day > limit {
                tripped.insert(
                    cause.clone(),
                    format!(
                        "{day} deactivations in 24 hours; {limit} of {} may flow",
                        concerned.linked_active
                    ),
                );
            }
        }
        let none = FieldTally::default();
        for (field, tally) in &self.fields {
            let before = recent.fields.get(field).unwrap_or(&none);
            let renamed = tally.renamed + before.renamed;
            let limit = guard.rename.of(concerned.linked_active).min(u64::from(guard.deactivate_most));
            if tally.renamed > 0 && renamed > limit {
                let lost = tally.cleared + before.cleared > 0;
                let what = if lost { "change or lose" } else { "change" };
                let reason = format!("{renamed} people {what} their {field} in 24 hours; {limit} may");
                if tally.cleared > 0 {
                    tripped.insert(format!("clear:{field}"), reason.clone());
                }
                tripped.insert(format!("rename:{field}"), reason);
            }
            let cleared = tally.cleared + before.cleared;
            if tally.cleared > 0 && cleared > u64::from(guard.clear.count) {
                let filled = (concerned.filled)(field)?;
                let limit = guard.clear.of(filled);
                if cleared > limit {
                    tripped.insert(
                        format!("clear:{field}"),
                        format!(
                            "{cleared} of the {filled} people with a {field} lose it in 24 hours; {limit} may"
                        ),
                    );
                }
            }
            let changed = tally.changed + before.changed;
            let (was, is) =
                (tally.before.union(&before.before).count(), tally.after.union(&before.after).count());
            if tally.changed > 0 && changed >= u64::from(guard.collapse) && is * 2 <= was {
                tripped.insert(
                    format!("change:{field}"),
                    format!("{changed} people change their {field}, and {was} different values become {is}"),
                );
            }
        }
        Ok(tripped)
    }
}

/// What of a change waits, and what flows on.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// What waits, by cause.
    pub held: Vec<HeldPart>,
    /// The outcome of the rest.
    pub outcome: Outcome,
    /// JSON list of the differences that flow.
    pub differences: Option<String>,
    /// The status waits.
    pub hold_status: bool,
}

/// Splits a change. None when all of it flows.
///
/// `standing` tells whether a cause of this person was held before this run: what waits goes on waiting.
///
/// # Errors
/// When the change cannot be read.
pub fn split(
    flowing: &Flowing,
    tripped: &Tripped,
    standing: impl Fn(&str) -> bool,
) -> crate::store::Result<Option<Split>> {
    let mut held: BTreeMap<String, (String, Vec<Difference<'_>>)> = BTreeMap::new();
    let mut rest = Vec::new();
    let mut hold_status = false;
    for part in parts(flowing, &standing)? {
        let reason = if part.always {
            Some("the first time, values that are there are overwritten only with consent".to_owned())
        } else if let Some(reason) = tripped.get(&part.cause).or_else(|| tripped.get(part.limit.as_ref()?)) {
            Some(reason.clone())
        } else {
            standing(&part.cause).then(|| "held before".to_owned())
        };
        match (reason, part.difference) {
            (None, Some(difference)) => rest.push(difference),
            (None, None) => {}
            (Some(reason), difference) => {
                hold_status |= difference.is_none();
                held.entry(part.cause).or_insert((reason, Vec::new())).1.extend(difference);
            }
        }
    }
    if held.is_empty() {
        return Ok(None);
    }
    let outcome = outcome_of(flowing, &rest, hold_status);
    let list = |list: &[Difference<'_>]| {
        if list.is_empty() { Ok(None) } else { serde_json::to_string(list).map(Some) }
    };
    let mut parts = Vec::with_capacity(held.len());
    for (cause, (reason, differences)) in held {
        parts.push(HeldPart { cause, reason, differences: list(&differences)? });
    }
    Ok(Some(Split { held: parts, outcome, differences: list(&rest)?, hold_status }))
}

/// The outcome of what is left of a change.
pub(super) fn outcome_of(flowing: &Flowing, rest: &[Difference<'_>], hold_status: bool) -> Outcome {
    if flowing.status && !hold_status {
        return flowing.outcome;
    }
    if !flowing.linked {
        return Outcome::Adopted;
    }
    let renamed = |it: &Difference<'_>| RENAME_FIELDS.contains(&it.0) && it.1.is_some();
    if rest.iter().any(renamed) {
        Outcome::Renamed
    } else if rest.is_empty() {
        Outcome::Held
    } else {
        Outcome::Updated
    }
}

/// A value that waited for consent when the person was adopted goes on waiting for it, though the person is
/// linked by now.
pub(super) fn parts<'f>(
    flowing: &'f Flowing,
    standing: &dyn Fn(&str) -> bool,
) -> crate::store::Result<Vec<Part<'f>>> {
    let mut parts = Vec::new();
    if let Some(cause) = &flowing.deactivation {
        parts.push(Part { cause: cause.clone(), limit: None, difference: None, always: false });
    }
    for difference in differences(flowing)? {
        let (field, before, after) = difference;
        let overwrites = !flowing.linked && before.is_some_and(filled);
        let waits = before.is_some_and(filled) && standing(&format!("overwrite:{field}"));
        let kind = if overwrites || waits {
            "overwrite"
        } else if before.is_some_and(filled) && !after.is_some_and(filled) {
            // Blanks wipe a value as well as nothing does.
            "clear"
        } else if RENAME_FIELDS.contains(&field) {
            "rename"
        } else {
            "change"
        };
        let cause = format!("{kind}:{field}");
        let moved =
            before.zip(after).filter(|_| kind == "rename").and_then(|(from, to)| new_domain(from, to));
        let (cause, limit) = match moved {
            Some(moved) => (moved, Some(cause)),
            None => (cause, None),
        };
        parts.push(Part { cause, limit, difference: Some(difference), always: overwrites });
    }
    Ok(parts)
}

/// The cause of a name that moves to another domain: a renamed mail domain is one question, whatever fields
/// have it.
fn new_domain(from: &RawValue, to: &RawValue) -> Option<String> {
    /// No domain is longer.
    const MOST: usize = 253;
    let domain = |value: &RawValue| {
        let text = serde_json::from_str::<String>(value.get()).ok()?;
        let (_, domain) = text.rsplit_once('@')?;
        (!domain.is_empty() && domain.len() <= MOST).then(|| domain.to_lowercase())
    };
    let (from, to) = (domain(from)?, domain(to)?);
    (from != to).then(|| format!("{RENAMING}@{from}:@{to}"))
}

/// How the causes of renames begin.
pub(super) const RENAMING: &str = "rename:";

/// Whether there is more to a value than blanks.
fn filled(value: &RawValue) -> bool {
    match value.get() {
        "null" => false,
        text if text.starts_with('"') => {
            serde_json::from_str::<Cow<'_, str>>(text).map_or(true, |text| !text.trim().is_empty())
        }
        _ => true,
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
