//! userload: people from Microsoft Entra ID into a people directory.

pub mod config;
pub mod model;
pub mod store;
pub mod sync;
