//! People, records and a policy for the tests of this module.

use crate::bindings::exports::userload::directory::transform::{
    BarredField, DeactivatedBy, KnownPerson, MappedRecord, Tie,
};

use super::policy::{self, Policy};

/// The policy that most people have.
pub(super) const POLICY: &str = r#"{"version":1,"mode":"create-and-update","deactivate":true,"reactivate":"own","disabled-new":"create-inactive","on-disabled":"deactivate","on-deleted":"deactivate","on-not-found":"deactivate","rename-fields":["username","email"]}"#;

pub(super) fn policy() -> Policy {
    policy::read(POLICY).unwrap()
}

pub(super) fn record(enabled: Option<bool>, fields: &str) -> MappedRecord {
    MappedRecord { id: "src".to_owned(), enabled, fields: fields.to_owned(), filtered: None }
}

pub(super) fn barred(field: &str, reason: &str) -> BarredField {
    BarredField { field: field.to_owned(), reason: reason.to_owned() }
}

/// A known person in the making: linked and active, with no fields.
pub(super) struct Known(KnownPerson);

pub(super) fn known(person: u32) -> Known {
    Known(KnownPerson {
        person,
        tie: Tie::Linked,
        active: true,
        inactive_since: None,
        was_enabled: Some(true),
        was_absent: false,
        status_barred: None,
        barred: Vec::new(),
        fields: "{}".to_owned(),
    })
}

impl Known {
    pub(super) fn with_fields(mut self, fields: &str) -> Self {
        self.0.fields = fields.to_owned();
        self
    }

    pub(super) fn matched(mut self, key: &str) -> Self {
        self.0.tie = Tie::Matched(key.to_owned());
        self
    }

    pub(super) fn decided(mut self) -> Self {
        self.0.tie = Tie::Decided;
        self
    }

    pub(super) fn inactive(mut self, since: Option<DeactivatedBy>) -> Self {
        self.0.active = false;
        self.0.inactive_since = since;
        self
    }

    pub(super) fn was_enabled(mut self, enabled: Option<bool>) -> Self {
        self.0.was_enabled = enabled;
        self
    }

    pub(super) fn was_absent(mut self) -> Self {
        self.0.was_absent = true;
        self
    }

    pub(super) fn status_barred(mut self, reason: &str) -> Self {
        self.0.status_barred = Some(reason.to_owned());
        self
    }

    pub(super) fn barred(mut self, field: &str, reason: &str) -> Self {
        self.0.barred.push(barred(field, reason));
        self
    }
}

impl From<Known> for KnownPerson {
    fn from(known: Known) -> Self {
        known.0
    }
}
