//! Ids that follow from what they name, so that a resumed run gives the same ones as an uninterrupted one.

use std::fmt;

use uuid::Uuid;

/// The row of a tenant in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub i64);

/// The lasting id of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonUid(Uuid);

/// Names userload's ids among all UUIDs; made once, at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b1f_84a6_0b0e_4c3a_9d57_2f6c_7e90_c1d4);

impl PersonUid {
    /// Of a person whom an integration creates (RFC 9562, version 5).
    #[must_use]
    pub fn of_source(tenant: &str, integration: &str, source_id: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{tenant}\u{0}{integration}\u{0}{source_id}").as_bytes()))
    }

    /// Of a person who is entered by hand, or imported, under a username.
    #[must_use]
    pub fn of_hand(tenant: &str, username_key: &str) -> Self {
        Self::of_source(tenant, "\u{1}hand", username_key)
    }
}

impl fmt::Display for PersonUid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}
