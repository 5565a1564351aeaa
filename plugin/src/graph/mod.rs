//! What Microsoft Graph's URLs, filters, pages and errors look like. Nothing here sends anything.

pub(crate) mod fault;
pub(crate) mod filter;
mod filter_compare;
pub(crate) mod filter_eval;
pub(crate) mod filter_expr;
mod filter_fields;
mod filter_judge;
pub(crate) mod filter_note;
mod filter_parse;
mod filter_rules;
mod filter_words;
pub(crate) mod page;
pub(crate) mod url;
