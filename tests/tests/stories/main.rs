//! The rules of what happens to a person, each as a story: what was there, what the source says, what this
//! night does, and what the next night does. One module for each group of rules.

mod absent;
mod deactivating;
mod feeders;
mod guard;
mod incidents;
mod listing;
mod mapping;
mod matching;
mod plans;
mod property;
mod trouble;
mod values;
