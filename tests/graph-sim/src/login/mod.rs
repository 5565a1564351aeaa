//! The login host: tokens for applications, and where to get them.
//! Source: "OAuth 2.0 client credentials flow" and "Microsoft Entra authentication and
//! authorization error codes".

mod assertion;
mod discovery;
mod error;
mod token;
mod tokens;

pub(crate) use discovery::discovery;
pub(crate) use error::LoginError;
pub(crate) use token::token;
pub(crate) use tokens::Tokens;
