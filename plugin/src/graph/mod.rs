//! What Microsoft Graph's URLs, filters, pages and errors look like. Nothing here sends anything.

pub(crate) mod fault;
pub(crate) mod filter;
mod filter_rules;
mod filter_words;
pub(crate) mod page;
pub(crate) mod url;
