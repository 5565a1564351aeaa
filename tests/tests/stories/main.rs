//! The rules of what happens to a person, each as a story: what was there, what the source says, what this
//! night does, and what the next night does. One module for each group of rules.

mod absent;
mod barred;
mod consent;
mod deactivating;
mod decided;
mod feeders;
mod filter;
mod guard;
mod guard_wiped;
mod held;
mod incidents;
mod listing;
mod manager;
mod manager_rows;
mod mapping;
mod matching;
mod moves;
mod one_person;
mod oracle;
mod people_property;
mod plans;
mod property;
mod saas;
mod saas_absent;
mod saas_roles;
mod saas_undo;
mod trouble;
mod undo;
mod undo_linked;
mod undo_property;
mod values;
