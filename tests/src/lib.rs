//! Index.

pub mod program;
