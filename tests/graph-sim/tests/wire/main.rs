//! The simulator as its clients see it: over a real socket, byte by byte.

mod assertions;
mod faults;
mod listing;
mod login;
mod modes;
mod talk;
