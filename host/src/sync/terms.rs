//! Everything that is settled before the first page, and stays so for the run.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Integration, Origin};
use crate::engine::contract::{BarredField, DeactivatedBy, KnownPerson, Source, Tie};
use crate::model::{ACCESS_ROLE, MANAGER};
use crate::store::{Candidate, Choice, RunId, Standing, Store, StoreError};

/// Another launched integration that fills people's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeder {
    /// Its name.
    pub name: String,
    /// The higher one wins; none is the lowest.
    pub priority: Option<i32>,
    /// Target fields that it writes.
    pub fields: BTreeSet<String>,
    /// It decides the status as well.
    pub status: bool,
}

/// The terms of a run.
#[derive(Debug)]
pub struct Terms {
    /// The integration.
    pub integration: Integration,
    /// The run.
    pub run: RunId,
    /// The mapping, as the plugin takes it.
    pub mapping: String,
    /// The policy, as the plugin takes it.
    pub policy: String,
    /// What to read.
    pub source: Source,
    /// Whose directory it is.
    pub source_tenant: String,
    /// In which cloud.
    pub cloud: String,
    /// Digest of filter, mapping and match keys.
    pub shape: String,
    /// The other launched integrations of the store.
    pub others: Vec<Feeder>,
    /// See [`Terms::written`].
    pub written: BTreeMap<String, Option<String>>,
    /// Access roles come from the source, so that each has to be looked at.
    pub checks_roles: bool,
    /// What of locks, pins, tombstones and decisions there is to respect.
    pub standing: Standing,
    /// What this very run is to decide.
    pub wish: Option<Wish>,
}

/// Who a record is to be by this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its id at the source.
    pub source_id: String,
    /// The decision.
    pub decided: Choice,
    /// Ids of users whose place it may take: the source has just said that they are gone.
    pub gone: Vec<String>,
}

impl Terms {
    /// What the mapping writes to a field: none when it does not; a constant's JSON text when it is one.
    #[must_use]
    pub fn writes(&self, field: &str) -> Option<Option<&str>> {
        self.written.get(field).map(Option::as_deref)
    }

    /// The fields that a mapping writes, with the JSON text of those that are constants.
    #[must_use]
    pub fn written(integration: &Integration) -> BTreeMap<String, Option<String>> {
        let rules = integration.mapping.iter().filter(|rule| rule.origin != Origin::SyncTime);
        rules
            .map(|rule| match &rule.origin {
                Origin::Constant(value) => (rule.target.name.clone(), Some(value.to_string())),
                Origin::Source(_) | Origin::SyncTime => (rule.target.name.clone(), None),
            })
            .collect()
    }

    /// Why nobody may get this access role, if so.
    #[must_use]
    pub fn role_refused(&self, role: &str) -> Option<String> {
        self.integration.check_access_role(role).err()
    }

    /// Whether access roles come from the source.
    #[must_use]
    pub fn takes_roles(integration: &Integration) -> bool {
        integration
            .mapping
            .iter()
            .any(|rule| rule.target.name == ACCESS_ROLE && matches!(rule.origin, Origin::Source(_)))
    }

    /// What the plugin is told of a candidate, without pins: those are the record's.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known_person(
        &self,
        store: &Store,
        number: usize,
        tie: Tie,
        candidate: &Candidate,
    ) -> Result<KnownPerson, StoreError> {
        let own = |name: &str| name == self.integration.name;
        let owners = self.owners(store, candidate.person)?;
        let owned = |owner: &Feeder| format!("owned by {}", owner.name);
        let mut barred = Vec::new();
        for rule in &self.integration.mapping {
            let field = rule.target.name.as_str();
            if let Some(owner) = owners.iter().find(|it| it.fields.contains(field)) {
                barred.push(BarredField { field: field.to_owned(), reason: owned(owner) });
            }
        }
        if self.integration.manager
            && let Some(owner) = owners.iter().find(|it| it.fields.contains(MANAGER))
        {
            barred.push(BarredField { field: MANAGER.to_owned(), reason: owned(owner) });
        }
        let mut known = KnownPerson {
            person: u32::try_from(number).unwrap_or(u32::MAX),
            tie,
            active: candidate.active,
            inactive_since: candidate.ended_by.as_deref().map(|by| match by.strip_prefix("integration:") {
                Some(name) if own(name) => DeactivatedBy::ThisIntegration,
                Some(_) => DeactivatedBy::AnotherIntegration,
                None => DeactivatedBy::APerson,
            }),
            was_enabled: candidate.was_enabled,
            was_absent: candidate.was_absent,
            status_barred: owners.iter().find(|it| it.status).map(|it| owned(it)),
            barred,
            fields: candidate.fields.clone(),
        };
        super::bars::locks(self, store, candidate.person, &mut known)?;
        Ok(known)
    }

    /// Who a record is, when somebody has decided it: by this run, or before it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn decided(&self, store: &Store, source_id: &str) -> Result<Option<Choice>, StoreError> {
        match &self.wish {
            Some(wish) if wish.source_id == source_id => Ok(Some(wish.decided)),
            _ if self.standing.decisions => store.choice(&self.integration.name, source_id),
            _ => Ok(None),
        }
    }

    /// Whether a record takes the place of another user of the source, who is gone.
    #[must_use]
    pub fn takes_place_of(&self, source_id: &str, old: &str) -> bool {
        self.wish.as_ref().is_some_and(|it| it.source_id == source_id && it.gone.iter().any(|id| id == old))
    }

    /// Whether a field of a person belongs to an integration that goes before this one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn owned_by_other(&self, store: &Store, person: i64, field: &str) -> Result<bool, StoreError> {
        Ok(self.owners(store, person)?.iter().any(|it| it.fields.contains(field)))
    }

    /// The integrations that are linked to a person as well, and go before this one.
    fn owners(&self, store: &Store, person: i64) -> Result<Vec<&Feeder>, StoreError> {
        if self.others.is_empty() {
            return Ok(Vec::new());
        }
        let linked = store.seen_by_others(&self.integration.name, person)?;
        Ok(self
            .others
            .iter()
            .filter(|it| it.priority > self.integration.priority && linked.contains(&it.name))
            .collect())
    }
}
