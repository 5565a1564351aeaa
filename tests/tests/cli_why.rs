//! `userload why`: a story for each kind of person, told without the network and without a trace.

#[path = "why/bad_input.rs"]
mod bad_input;
#[path = "why/kinds.rs"]
mod kinds;
#[path = "why/next.rs"]
mod next;
#[path = "why/plugins.rs"]
mod plugins;
#[path = "why/town.rs"]
mod town;
