//! Index.

pub mod capabilities;
pub mod engine;
