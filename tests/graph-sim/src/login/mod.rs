//! The login host: tokens for applications, and where to get them.
//! Source: "OAuth 2.0 client credentials flow" and the AADSTS reference of Microsoft Entra,
//! `facts/graph-and-oomnitza.md` 3.10.

mod discovery;
mod error;
mod token;
mod tokens;

pub(crate) use discovery::discovery;
pub(crate) use error::LoginError;
pub(crate) use token::token;
pub(crate) use tokens::Tokens;
