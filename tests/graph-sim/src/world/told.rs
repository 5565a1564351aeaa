//! What has happened to the people of a list, in order: what a delta tells.

use super::user::User;

/// One thing that happened to somebody.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The object id.
    pub(crate) id: Box<str>,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Somebody came, new or restored.
    Came,
    /// Somebody went.
    Went,
    /// These properties have other values.
    Changed(Vec<Box<str>>),
    /// Something stands there that is nobody.
    Spoilt(Box<str>),
}

/// The properties in which two states of somebody differ.
pub(crate) fn differing(before: &User, after: &User) -> Vec<Box<str>> {
    let gone = before.names().filter(|name| after.get(name).is_none());
    let other = after.names().filter(|name| before.get(name) != after.get(name));
    let mut names: Vec<Box<str>> = gone.chain(other).map(Into::into).collect();
    if before.manager() != after.manager() {
        names.push("manager".into());
    }
    names
}
