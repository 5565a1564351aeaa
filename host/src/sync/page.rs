//! One page: what is known of each record, what it means, what it would change.

use roaring::RoaringTreemap;
use xxhash_rust::xxh3::xxh3_128;

use super::allowed::{self, parse};
use super::error::RunError;
use super::evidence::Evidence;
use super::terms::Terms;
use crate::engine::Transformer;
use crate::engine::contract::{
    BadRecord, CandidateSet, Decision, Incoming, MappedRecord, Page, PageUser, Situation, Tie,
};
use crate::model::{ACCESS_ROLE, Outcome, PersonUid, fold_key};
use crate::store::{Candidate, Deed, Known, NewChange, StagedPage, StagedRow, Status, Store, fields};

/// No source has pages of more users; Graph's have 999 at the most.
const MOST_USERS: usize = 2_000;

/// Works on pages, one after the other.
pub(super) struct PageWorker<'a> {
    terms: &'a Terms,
    store: Store,
    transformer: Transformer,
    /// Links that were seen on any page of this listing.
    seen: RoaringTreemap,
    /// Whether there is anybody to adopt.
    adopts: bool,
}

/// A record that is to be judged, with everybody it could be.
struct Case<'a> {
    user: &'a PageUser,
    known: Option<Known>,
    digest: [u8; 16],
    mapped: MappedRecord,
    candidates: Vec<Candidate>,
    /// The candidate was found by a link, of this integration or of another one, and not by a key.
    by_link: bool,
}

impl<'a> PageWorker<'a> {
    /// A worker with a connection and an instance of its own.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn new(
        terms: &'a Terms,
        store: Store,
        transformer: Transformer,
        seen: RoaringTreemap,
    ) -> Result<Self, RunError> {
        let adopts = store.has_people()?;
        Ok(Self { terms, store, transformer, seen, adopts })
    }

    /// What a page leaves behind.
    ///
    /// # Errors
    /// When the plugin or the store fails. A record that cannot be mapped is no error, but a failed row.
    pub(super) fn work(
        &mut self,
        number: u32,
        page: &Page,
        cursor: Option<String>,
    ) -> Result<StagedPage, RunError> {
        let listed = (page.users.len() + page.malformed.len()) as u64;
        let mut staged =
            StagedPage { page: number, cursor, listed, total: page.total, ..StagedPage::default() };
        if page.users.len() > MOST_USERS {
            return Err(RunError::Misbehaved(format!("a page of {} users", page.users.len())));
        }
        for bad in &page.malformed {
            let mut row = failed(bad, [0; 16], None);
            // Whoever it is, is present.
            if let Some(id) = &bad.id {
                let ids = std::iter::once(id.as_str());
                let known = self.store.known(&self.terms.integration.name, self.terms.run.basis, ids)?;
                if let Some(known) = known.into_iter().flatten().next() {
                    self.see(known.link, &mut staged.seen);
                    row.link = Some(known.link);
                    row.person = Some(known.person);
                }
            }
            staged.rows.push(row);
        }
        let ids = page.users.iter().map(|user| user.id.as_str());
        let known = self.store.known(&self.terms.integration.name, self.terms.run.basis, ids)?;
        let mut cases = Vec::new();
        for (user, known) in page.users.iter().zip(known) {
            let digest = xxh3_128(user.raw.as_bytes()).to_le_bytes();
            if let Some(known) = known {
                if !self.see(known.link, &mut staged.seen) {
                    *staged.counts.entry(Outcome::Skipped).or_default() += 1;
                    continue;
                }
                if known.settled && known.digest == digest {
                    *staged.counts.entry(Outcome::Unchanged).or_default() += 1;
                    continue;
                }
            }
            match self.case(user, known, digest)? {
                Ok(case) => cases.push(case),
                Err(row) => staged.rows.push(row),
            }
        }
        self.judge(cases, &mut staged)?;
        Ok(staged)
    }

    /// Whether a link is seen for the first time in this listing.
    fn see(&mut self, link: i64, page: &mut RoaringTreemap) -> bool {
        let link = u64::try_from(link).unwrap_or(0);
        page.insert(link);
        self.seen.insert(link)
    }

    /// The staged rows for records of people who were not listed, but are there when asked for by id.
    ///
    /// # Errors
    /// As for [`PageWorker::work`].
    pub(super) fn work_present(&mut self, users: &[PageUser]) -> Result<StagedPage, RunError> {
        let mut staged = StagedPage::default();
        let ids = users.iter().map(|user| user.id.as_str());
        let known = self.store.known(&self.terms.integration.name, self.terms.run.basis, ids)?;
        let mut cases = Vec::new();
        for (user, known) in users.iter().zip(known) {
            let digest = xxh3_128(user.raw.as_bytes()).to_le_bytes();
            match self.case(user, known, digest)? {
                Ok(case) => cases.push(case),
                Err(row) => staged.rows.push(row),
            }
        }
        self.judge(cases, &mut staged)?;
        Ok(staged)
    }

    /// Maps a record and finds everybody it could be; or the row of a record that ends here.
    fn case<'p>(
        &mut self,
        user: &'p PageUser,
        known: Option<Known>,
        digest: [u8; 16],
    ) -> Result<Result<Case<'p>, StagedRow>, RunError> {
        let mapped = match self.transformer.map_record(&self.terms.mapping, &user.raw) {
            Ok(Ok(mapped)) => mapped,
            Ok(Err(bad)) => return Ok(Err(failed(&bad, digest, Some((user, known))))),
            Err(error) => return Err(RunError::Call { doing: format!("mapping user {}", user.id), error }),
        };
        if mapped.id != user.id {
            return Err(RunError::Misbehaved(format!(
                "user {} came back as {} from mapping",
                user.id, mapped.id
            )));
        }
        if mapped.filtered.is_some() && self.terms.integration.only_if.is_none() {
            return Err(RunError::Misbehaved(format!("user {} was filtered without a filter", user.id)));
        }
        if mapped.fields.len() > allowed::MOST_FIELDS {
            let reason =
                format!("its fields have {} bytes, more than {}", mapped.fields.len(), allowed::MOST_FIELDS);
            let bad = BadRecord { id: Some(user.id.clone()), field: None, reason };
            return Ok(Err(failed(&bad, digest, Some((user, known)))));
        }
        if let Some(reason) = self.role_refused(&mapped)? {
            let bad = BadRecord { id: Some(user.id.clone()), field: Some(ACCESS_ROLE.into()), reason };
            return Ok(Err(failed(&bad, digest, Some((user, known)))));
        }
        let (candidates, by_link) = self.candidates(user, known, &mapped)?;
        for candidate in candidates.iter().filter(|_| !by_link) {
            let (tenant, cloud) = (&self.terms.source_tenant, &self.terms.cloud);
            if let Some(id) = self.store.linked_to_another(candidate.person, tenant, cloud, &user.id)? {
                let reason = format!(
                    "matches {}, who is linked to another user of the source ({id})",
                    name(&candidate.fields)
                );
                return Ok(Err(undecided(user, digest, reason)));
            }
        }
        Ok(Ok(Case { user, known, digest, mapped, candidates, by_link }))
    }

    fn role_refused(&self, mapped: &MappedRecord) -> Result<Option<String>, RunError> {
        if !self.terms.checks_roles {
            return Ok(None);
        }
        let map = parse(&mapped.fields)?;
        let role = map.get(ACCESS_ROLE).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        Ok(role.and_then(|role| self.terms.role_refused(&role)))
    }

    fn candidates(
        &self,
        user: &PageUser,
        known: Option<Known>,
        mapped: &MappedRecord,
    ) -> Result<(Vec<Candidate>, bool), RunError> {
        let integration = &self.terms.integration.name;
        if let Some(known) = known {
            return Ok((vec![self.store.candidate(integration, known.person)?], true));
        }
        // What is filtered is not adopted, and not asked who it is.
        if !self.adopts || mapped.filtered.is_some() {
            return Ok((Vec::new(), false));
        }
        if let Some(person) =
            self.store.linked_elsewhere(&self.terms.source_tenant, &self.terms.cloud, &user.id)?
        {
            return Ok((vec![self.store.candidate(integration, person)?], true));
        }
        let map = parse(&mapped.fields)?;
        let mut people = Vec::new();
        for field in &self.terms.integration.match_keys {
            let Some(text) =
                map.get(field.as_str()).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            else {
                continue;
            };
            if let Some(key) = fold_key(&text) {
                people.extend(self.store.people_by_key(field, &key)?);
            }
        }
        people.sort_unstable();
        people.dedup();
        let people: Result<_, RunError> =
            people.into_iter().map(|person| Ok(self.store.candidate(integration, person)?)).collect();
        Ok((people?, false))
    }

    /// Asks the plugin what the cases mean, and stages its answers.
    fn judge(&mut self, cases: Vec<Case<'_>>, staged: &mut StagedPage) -> Result<(), RunError> {
        if cases.is_empty() {
            return Ok(());
        }
        let mut present = Vec::with_capacity(cases.len());
        for case in &cases {
            let mut known = Vec::with_capacity(case.candidates.len());
            for (number, candidate) in case.candidates.iter().enumerate() {
                let tie = if case.by_link {
                    Tie::Linked
                } else {
                    Tie::Matched(self.terms.integration.match_keys.join(" or "))
                };
                known.push(self.terms.known_person(&self.store, number, tie, candidate)?);
            }
            present.push(CandidateSet { incoming: case.mapped.clone(), known });
        }
        let incoming = Incoming { present, absent: Vec::new() };
        let doing = "reconciling a page";
        let decisions = allowed::decisions(&mut self.transformer, self.terms, &incoming, doing)?;
        for ((case, decision), set) in cases.into_iter().zip(decisions).zip(incoming.present) {
            if self.filtered(&case, &decision)? {
                // Neither a row nor a change: link and person stay as they are, and the next run looks again.
                *staged.counts.entry(Outcome::Filtered).or_default() += 1;
                continue;
            }
            let row = self.row(case, decision, &set)?;
            if row.change.is_none() {
                *staged.counts.entry(Outcome::Unchanged).or_default() += 1;
            }
            staged.rows.push(row);
        }
        Ok(())
    }

    /// Whether nothing is done about a record because the filter after the fetch dropped it.
    fn filtered(&self, case: &Case<'_>, decision: &Decision) -> Result<bool, RunError> {
        match (case.mapped.filtered.is_some(), decision.situation) {
            (true, Situation::Filtered) => Ok(true),
            // Disabled at the source outranks the filter.
            (true, Situation::Deactivate) if case.known.is_some() => Ok(false),
            (false, situation) if situation != Situation::Filtered => Ok(false),
            (_, situation) => Err(RunError::Misbehaved(format!(
                "user {}: `{situation:?}` does not fit whether it was filtered",
                case.user.id
            ))),
        }
    }

    /// A decision, held against the contract, as a row to stage.
    fn row(&self, case: Case<'_>, decision: Decision, set: &CandidateSet) -> Result<StagedRow, RunError> {
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
            // Filtered again tomorrow, it has to be counted as filtered again.
            open: case.mapped.filtered.is_some(),
            change: None,
        };
        let linked = person.is_some_and(|(_, known)| matches!(known.tie, Tie::Linked));
        let outcome = match decision.situation {
            Situation::Unchanged if linked => return Ok(row),
            Situation::Create if case.candidates.is_empty() => {
                let fields = allowed::creation(self.terms, &case.mapped)?;
                row.keys =
                    Some(self.store.keys().of_fields(&fields).map_err(crate::store::StoreError::from)?);
                let uid =
                    PersonUid::of_source(self.store.tenant(), &self.terms.integration.name, &case.user.id);
                let active = decision.active != Some(false);
                row.change = Some(NewChange {
                    outcome: Outcome::Created,
                    deed: Deed::Create { uid, active },
                    cause: decision.reason.clone(),
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
        let differences =
            allowed::differences(self.terms, &case.mapped, &decision, person.map(|(_, known)| known))?;
        let not_applied = (!decision.not_applied.is_empty())
            .then(|| serde_json::to_string(&decision.not_applied))
            .transpose()
            .map_err(crate::store::StoreError::from)?;
        let mut cause = decision.reason.clone();
        let deed = match person {
            Some((candidate, known)) if outcome.changes_someone() => {
                let status = match (outcome, decision.active) {
                    (Outcome::Reactivated, Some(true))
                        if allowed::reactivates(self.terms, known, case.mapped.enabled) =>
                    {
                        Status::Activate
                    }
                    (Outcome::Deactivated, Some(false)) => {
                        let evidence = Evidence::disabled(case.mapped.enabled)
                            .filter(|_| {
                                allowed::deactivates(self.terms, known, self.terms.integration.on_disabled)
                            })
                            .ok_or_else(|| broken("deactivated without evidence, or against the terms"))?;
                        cause = evidence.cause().to_owned();
                        Status::Deactivate(evidence)
                    }
                    (Outcome::Reactivated | Outcome::Deactivated, _) | (_, Some(_)) => {
                        return Err(broken("the status does not fit the situation"));
                    }
                    (_, None) => Status::Stays,
                };
                let keys = differences.as_deref().map(|it| self.store.keys().of_differences(it)).transpose();
                row.keys = keys.map_err(crate::store::StoreError::from)?.flatten();
                Deed::Alter { person: candidate.person, version: candidate.version, status }
            }
            _ => {
                row.linking = linked;
                row.open = true;
                if !linked {
                    row.person = None;
                }
                Deed::None { person: row.person }
            }
        };
        row.change = Some(NewChange {
            outcome,
            deed,
            cause,
            reason: decision.reason,
            fields: None,
            differences,
            not_applied,
        });
        Ok(row)
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
fn failed(bad: &BadRecord, digest: [u8; 16], user: Option<(&PageUser, Option<Known>)>) -> StagedRow {
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

fn undecided(user: &PageUser, digest: [u8; 16], reason: String) -> StagedRow {
    ended(Some(user.id.clone()), None, digest, Outcome::Ambiguous, reason)
}

fn ended(
    source_id: Option<String>,
    known: Option<Known>,
    digest: [u8; 16],
    outcome: Outcome,
    reason: String,
) -> StagedRow {
    let person = known.map(|known| known.person);
    StagedRow {
        source_id,
        link: known.map(|known| known.link),
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
    }
}
