//! What a plugin may do, and the only code that does it: one door to the network, placeholders for
//! secrets, a bounded log. Everything is denied until it was asked for *and* granted.
//!
//! The pure parts ([`policy`], [`networks`], [`holes`]) decide; [`egress`] is the only network client of the
//! program; nothing here knows of WebAssembly.

pub mod assertion;
pub mod binding;
mod budget;
pub mod denial;
pub mod egress;
pub mod holes;
pub mod log;
pub mod networks;
pub mod origin;
pub mod policy;
pub mod secret;
pub mod vault;

pub use assertion::{CertificateFacts, SigningKey, SigningKeyError};
pub use budget::RunBudget;
pub use denial::{Denial, Layer, Misplaced};
pub use egress::{
    Door, Egress, EgressError, EgressLimits, EgressOptions, Fault, Refusal, Resolve, Traffic, TrafficBudget,
};
pub use log::{Level, Line, Log, LogLimits};
pub use networks::{Reach, reach};
pub use origin::{Origin, OriginError};
pub use policy::{Grant, Grants, OriginPattern};
pub use secret::Secret;
pub use vault::{
    Binding, MIN_SECRET, Place, SecretAsk, SecretError, SecretKind, SecretSet, SecretSetError, TokenAsk,
};
