//! What the suites share: a [`House`] with a simulated tenant, a store and a clock of its own, in which a
//! story is a few lines long. After every run that is applied the house checks by itself that the directory
//! is what the ledger says ([`House::check`]).

mod document;
mod hand;
mod house;
mod ledger;
pub mod program;
mod scim_sim;
mod view;
mod workshop;
mod worlds;

pub use document::Document;
pub use hand::Pin;
pub use house::{DAY, Failure, House, MINUTE};
pub use scim_sim::{ScimSim, ScimWorld};
pub use view::{Hold, Person, Row, SaasUser};
pub use workshop::{fields, net, plugin, transformer};
pub use worlds::{plain, upn};
