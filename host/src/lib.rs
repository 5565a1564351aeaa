//! userload: people from Microsoft Entra ID into a people directory.

pub mod capabilities;
pub mod cli;
pub mod config;
pub mod credential;
pub mod engine;
pub mod explain;
pub mod model;
pub mod store;
pub mod sync;
