//! One page: what is known of each record, what it means, what it would change.

use roaring::RoaringTreemap;
use xxhash_rust::xxh3::xxh3_128;

use super::allowed::{self, parse};
use super::bars::{self, Pins, Word};
use super::delta::Told;
use super::error::RunError;
use super::merge::differing;
use super::row::{doubt, ended, failed, name, row, undecided};
use super::terms::Terms;
use crate::config::Write;
use crate::engine::contract::{
    BadRecord, CandidateSet, Decision, Incoming, MappedRecord, Page, PageUser, Situation, Tie,
};
use crate::engine::{CallError, Transformer};
use crate::model::{ACCESS_ROLE, MANAGER, Outcome, fold_key};
use crate::store::{Candidate, Choice, Deed, Known, StagedPage, StagedRow, Store};

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
    /// Fields whose overwriting waits for consent, by source id.
    overwrites: std::collections::HashMap<String, Vec<String>>,
    /// What the listing has to find, when runs have read changes since the last one.
    told: Option<&'a Told>,
}

/// A record that is to be judged, with everybody it could be.
pub(super) struct Case<'a> {
    pub(super) user: &'a PageUser,
    pub(super) known: Option<Known>,
    pub(super) digest: [u8; 16],
    pub(super) mapped: MappedRecord,
    pub(super) candidates: Vec<Candidate>,
    found: Found,
    pub(super) pins: Pins,
    /// The id that the person had at the source before, when this record takes its place.
    pub(super) relinks: Option<String>,
}

/// How candidates were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// By a link, of this integration or of another one.
    Link,
    /// By their match keys.
    Key,
    /// Somebody in charge has said so.
    Decision,
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
        let overwrites = store.overwrites(&terms.integration.name)?;
        Ok(Self { terms, store, transformer, seen, adopts, overwrites, told: None })
    }

    /// Holds what is listed against what reading changes has come to.
    pub(super) fn expecting(self, told: Option<&'a Told>) -> Self {
        Self { told, ..self }
    }

    /// The properties of a record that reading changes has missed.
    fn missed(&self, user: &PageUser) -> Result<Vec<String>, RunError> {
        let Some(told) = self.told else { return Ok(Vec::new()) };
        let ids = std::iter::once(user.id.as_str());
        let base = self.store.bases(&self.terms.integration.name, ids)?.into_iter().flatten().next();
        let Some(base) = base.and_then(|it| it.raw) else { return Ok(Vec::new()) };
        match told.expects(&user.id, &base)? {
            Some(expected) if expected != user.raw => differing(&expected, &user.raw),
            _ => Ok(Vec::new()),
        }
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
                    if let Some(change) = &mut row.change {
                        change.deed = Deed::None { person: row.person };
                    }
                }
            }
            staged.rows.push(row);
        }
        let ids = page.users.iter().map(|user| user.id.as_str());
        let known = self.store.known(&self.terms.integration.name, self.terms.run.basis, ids)?;
        let digests: Vec<[u8; 16]> =
            page.users.iter().map(|user| xxh3_128(user.raw.as_bytes()).to_le_bytes()).collect();
        // What nobody has to look at is not mapped.
        let looked_at = known
            .iter()
            .zip(&digests)
            .map(|(known, digest)| !known.is_some_and(|known| known.settled && known.digest == *digest));
        let mut mapped = self.map(page.users.iter().zip(looked_at))?.into_iter();
        let mut cases = Vec::new();
        for ((user, known), digest) in page.users.iter().zip(known).zip(digests) {
            let mapped = mapped.next().flatten();
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
            if known.is_some_and(|known| known.digest != digest) {
                let missed = self.missed(user)?;
                if !missed.is_empty() {
                    staged.parity.push((user.id.clone(), missed));
                }
            }
            match self.case(user, known, digest, true, mapped, &mut staged.unpins)? {
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
        let mut mapped = self.map(users.iter().map(|user| (user, true)))?.into_iter();
        let mut cases = Vec::new();
        for (user, known) in users.iter().zip(known) {
            let mapped = mapped.next().flatten();
            let digest = xxh3_128(user.raw.as_bytes()).to_le_bytes();
            match self.case(user, known, digest, false, mapped, &mut staged.unpins)? {
                Ok(case) => cases.push(case),
                Err(row) => staged.rows.push(row),
            }
        }
        self.judge(cases, &mut staged)?;
        Ok(staged)
    }

    /// Maps those of some users that are to be; for each user what came of it, nothing for the others.
    fn map<'p>(
        &mut self,
        users: impl Iterator<Item = (&'p PageUser, bool)>,
    ) -> Result<Vec<Option<Result<MappedRecord, BadRecord>>>, RunError> {
        let users: Vec<(&PageUser, bool)> = users.collect();
        let wanted: Vec<&PageUser> =
            users.iter().filter(|(_, wanted)| *wanted).map(|(user, _)| *user).collect();
        let raws: Vec<&str> = wanted.iter().map(|user| user.raw.as_str()).collect();
        let mapping = &self.terms.mapping;
        let mapped = match self.transformer.map_records(mapping, &raws) {
            Ok(mapped) if mapped.len() == wanted.len() => mapped,
            Ok(mapped) => {
                let (came, went) = (mapped.len(), wanted.len());
                return Err(RunError::Misbehaved(format!("{came} records came back from mapping {went}")));
            }
            Err(error) => {
                // Whose record it was is worth a second look, where that takes no longer than a crash.
                if matches!(error, CallError::Trap { .. }) {
                    for user in wanted {
                        self.transformer.map_record(mapping, &user.raw).map(drop).map_err(|error| {
                            RunError::Call { doing: format!("mapping user {}", user.id), error }
                        })?;
                    }
                }
                return Err(RunError::Call { doing: "mapping the users of a page".to_owned(), error });
            }
        };
        let mut mapped = mapped.into_iter();
        Ok(users.into_iter().map(|(_, wanted)| if wanted { mapped.next() } else { None }).collect())
    }

    /// Takes what became of a record and finds everybody it could be; or the row of a record that ends here.
    fn case<'p>(
        &mut self,
        user: &'p PageUser,
        known: Option<Known>,
        digest: [u8; 16],
        listed: bool,
        mapped: Option<Result<MappedRecord, BadRecord>>,
        unpins: &mut Vec<i64>,
    ) -> Result<Result<Case<'p>, StagedRow>, RunError> {
        let skipped = |reason| ended(Some(user.id.clone()), known, digest, Outcome::Skipped, reason);
        if let Some(reason) = bars::erased(self.terms, &self.store, &user.id)? {
            return Ok(Err(skipped(reason)));
        }
        let mapped = match mapped {
            Some(Ok(mapped)) => mapped,
            Some(Err(bad)) => return Ok(Err(failed(&bad, digest, Some((user, known))))),
            None => {
                return Err(RunError::Misbehaved(format!("user {} did not come back from mapping", user.id)));
            }
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
        let word = if listed { Word::Listed(mapped.enabled) } else { Word::Unlisted(mapped.enabled) };
        let fields = Some(mapped.fields.as_str());
        let pins = Pins::of(self.terms, &self.store, &user.id, word, fields, known.is_some())?;
        unpins.extend(&pins.lifted);
        if let Some(reason) = pins.whole() {
            return Ok(Err(skipped(reason.to_owned())));
        }
        let (candidates, found) = self.candidates(user, known, &mapped)?;
        let mut relinks = None;
        if let (None, Found::Link, [candidate]) = (known, found, candidates.as_slice()) {
            // Another integration knows who this is. Here the person may have been another user.
            match self.store.own_link(&self.terms.integration.name, candidate.person, &user.id)? {
                None => {}
                Some((id, true)) => relinks = Some(id),
                Some((id, false)) => {
                    let reason = format!(
                        "is {}, whom this integration has linked to another user of the source ({id})",
                        name(&candidate.fields)
                    );
                    let doubt = doubt(&mapped.fields, &candidates)?;
                    return Ok(Err(undecided(user, digest, reason, doubt)));
                }
            }
        }
        for candidate in candidates.iter().filter(|_| found != Found::Link) {
            let (tenant, cloud) = (&self.terms.source_tenant, &self.terms.cloud);
            if let Some(id) = self.store.linked_to_another(candidate.person, tenant, cloud, &user.id)? {
                if self.terms.takes_place_of(&user.id, &id) {
                    relinks = Some(id);
                    continue;
                }
                let reason = format!(
                    "matches {}, who is linked to another user of the source ({id})",
                    name(&candidate.fields)
                );
                let doubt = doubt(&mapped.fields, &candidates)?;
                return Ok(Err(undecided(user, digest, reason, doubt)));
            }
        }
        Ok(Ok(Case { user, known, digest, mapped, candidates, found, pins, relinks }))
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
    ) -> Result<(Vec<Candidate>, Found), RunError> {
        let integration = &self.terms.integration.name;
        if let Some(known) = known {
            return Ok((vec![self.store.candidate(integration, known.person)?], Found::Link));
        }
        // What is filtered is not adopted, and not asked who it is.
        if !self.adopts || mapped.filtered.is_some() {
            return Ok((Vec::new(), Found::Key));
        }
        if let Some(person) =
            self.store.linked_elsewhere(&self.terms.source_tenant, &self.terms.cloud, &user.id)?
        {
            return Ok((vec![self.store.candidate(integration, person)?], Found::Link));
        }
        match self.terms.decided(&self.store, &user.id)? {
            Some(Choice::New) => return Ok((Vec::new(), Found::Decision)),
            Some(Choice::Link(person)) => {
                return Ok((vec![self.store.candidate(integration, person)?], Found::Decision));
            }
            None => {}
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
        Ok((people?, Found::Key))
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
                let tie = match case.found {
                    Found::Link => Tie::Linked,
                    Found::Key => Tie::Matched(self.terms.integration.match_keys.join(" or ")),
                    Found::Decision => Tie::Decided,
                };
                let mut person = self.terms.known_person(&self.store, number, tie, candidate)?;
                case.pins.bar(&mut person);
                known.push(person);
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
                staged.filtered.extend(case.known.and_then(|known| u64::try_from(known.link).ok()));
                continue;
            }
            let unheard = self.unheard(&case)?;
            let id = case.user.id.clone();
            let mut row = row(self.terms, &self.store, case, decision, &set)?;
            // As long as a question stands, the record is looked at.
            row.open |= !unheard.is_empty();
            staged.unheard.extend(unheard.into_iter().map(|cause| (id.clone(), cause)));
            if row.change.is_none() {
                *staged.counts.entry(Outcome::Unchanged).or_default() += 1;
            }
            staged.rows.push(row);
        }
        Ok(())
    }

    /// Questions about overwriting of which a record says nothing: the field is not mapped any more, is empty and
    /// kept, or may not be written now. That is no answer, and the person need not be asked again for it to flow.
    fn unheard(&self, case: &Case<'_>) -> Result<Vec<String>, RunError> {
        let Some(fields) = self.overwrites.get(&case.user.id) else { return Ok(Vec::new()) };
        let map = parse(&case.mapped.fields)?;
        let heard = |field: &str| {
            let rule = self.terms.integration.mapping.iter().find(|rule| rule.target.name == field);
            rule.is_some_and(|rule| rule.write == Write::Always) && map.contains_key(field)
        };
        // The pass over managers asks on by itself.
        Ok(fields
            .iter()
            .filter(|it| *it != MANAGER && !heard(it))
            .map(|it| format!("overwrite:{it}"))
            .collect())
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
}
