//! The sandbox: loads a component, checks what it asks for, and calls it under limits.
//!
//! [`Plugin::load`] refuses whatever is not a plugin. [`Connector`] talks to the source through the door of
//! [`crate::capabilities`]; [`Transformer`] is the same component with no network and no secrets linked. A
//! store in which something went wrong is never used again.

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code; its words stand in `wit/`")]
mod bindings;
mod cache;
mod compiler;
mod connector;
mod cpu;
mod error;
mod imports;
mod limits;
mod memory;
mod meter;
mod needs;
mod network;
mod plugin;
mod runtime;
mod surface;
mod transformer;
mod usage;
mod verdict;

#[cfg(test)]
mod tests;

pub use compiler::{ChildCompiler, CompileLimit, CompileLimits, Compiler, compile_as_child};
pub use connector::{Connector, ConnectorCapabilities};
pub use error::{CallError, LoadError, PluginFailure};
pub use limits::Limits;
pub use meter::{Meter, Metered};
pub use needs::{Needs, NeedsError};
pub use plugin::{Asks, Plugin};
pub use runtime::{Engine, EngineError, EngineOptions};
pub use surface::CONTRACT_VERSION;
pub use transformer::Transformer;
pub use usage::Usage;

/// The words of the contract, as `wit/` defines them.
pub mod contract {
    pub use super::bindings::exports::userload::directory::connector::{
        CatalogEntry, CredentialFacts, CredentialPage, DeltaStart, FieldInfo, FilterFinding, FilterReport,
        Identity, ManagedUser, ManagerPage, Manifest, Next, Page, PagePurpose, PageUser, PermissionInfo,
        Place, Presence, PresentUser, RegisteredKey, Removal, RemovedUser, RoleHolder, RolePage, RoleSource,
        SaasPage, SaasUser, SecretAsk, SecretKind, SettingInfo, Source, Suggestion, TokenBinding, Weight,
    };
    pub use super::bindings::exports::userload::directory::transform::{
        AbsentPerson, BarredField, CandidateSet, DeactivatedBy, Decision, Difference, Evidence, Incoming,
        KnownPerson, MappedRecord, MappingFault, MappingNeeds, Situation, Tie,
    };
    pub use super::bindings::userload::directory::types::{
        BadRecord, Error, Setting, SettingProblem, Upstream, ValueType,
    };
}
