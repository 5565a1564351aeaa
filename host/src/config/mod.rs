//! What the operator wrote: integration documents, checked into types.
//!
//! A document goes one way: text → [`parse`] → [`Integration`] → the two texts that the plugin takes
//! ([`mapping_text`], [`policy_text`]).

mod access;
mod convert;
mod document;
pub mod edit;
mod faults;
mod integration;
mod keys;
mod mapping;
mod mapping_tests;
mod near;
mod plugin;
mod problem;
mod rule;
mod saas;
mod sandbox;
mod sections;
mod source;
mod texts;

pub use access::{DEFAULT_ACCESS_ROLES, is_administrator_role, missing_for_launch, shared_fields};
pub use document::{is_sound_name, parse};
pub use faults::{MappingFault, locate};
pub use integration::{
    Action, Delta, DisabledNew, Grace, Guard, Installation, Integration, Limit, Mode, NullRule, Origin, Path,
    PathStep, Reactivate, Rule, Write,
};
pub use mapping_tests::{MappingTest, read_file as read_mapping_tests};
pub use near::nearest;
pub use plugin::{PluginPin, plugin_of};
pub use problem::{ConfigReport, Problem};
pub use saas::{IDLE_AFTER_DAYS, RoleSource, SaasLoad};
pub use sandbox::Sandbox;
#[cfg(test)]
pub(crate) use source::seed_fields;
pub use source::{SourceField, any_field};
pub use texts::{document_digest, mapping_text, policy_text, shape_digest};

#[cfg(test)]
mod document_tests;
