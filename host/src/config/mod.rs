//! What the operator wrote: integration documents, checked into types.
//!
//! A document goes one way: text → [`parse`] → [`Integration`] → the two texts that the plugin takes
//! ([`mapping_text`], [`policy_text`]).

mod access;
mod document;
mod integration;
mod keys;
mod mapping;
mod near;
mod problem;
mod saas;
mod sections;
mod source;
mod texts;

pub use access::{DEFAULT_ACCESS_ROLES, is_administrator_role, missing_for_launch, shared_fields};
pub use document::{is_sound_name, parse};
pub use integration::{
    Action, DisabledNew, Grace, GrantEntry, Guard, Installation, Integration, Limit, Mode, NullRule, Origin,
    Reactivate, Rule,
};
pub use near::nearest;
pub use problem::{ConfigReport, Problem};
pub use saas::{IDLE_AFTER_DAYS, RoleSource, SaasLoad};
pub use source::SourceField;
#[cfg(test)]
pub(crate) use source::seed_fields;
pub use texts::{document_digest, mapping_text, policy_text, select, shape_digest};

#[cfg(test)]
mod document_tests;
