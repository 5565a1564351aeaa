//! What goes wrong, and when: a schedule that a test writes down beforehand.

mod action;
mod ledger;
mod schedule;
mod tamper;

pub use action::{Action, Echo, Element};
pub(crate) use ledger::{Ledger, Picked, Request};
pub use schedule::{On, Rule, Schedule, Times};
pub(crate) use tamper::{echo, tamper, tamper_batch};
