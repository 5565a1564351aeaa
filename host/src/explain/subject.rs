//! Who is meant.

use crate::store::{Account, Found, PersonRow, Result, Store};

/// Who was meant.
#[derive(Clone, Debug)]
pub enum Subject {
    /// This person.
    Person(Box<PersonRow>),
    /// A user of the source who is nobody yet: one for each integration that has met them.
    Nobody(Vec<Account>),
    /// One of these people, or of still more.
    Several(Vec<PersonRow>),
    /// No run has met anybody of this name. What may have been meant comes with it.
    Never {
        /// As it was typed.
        who: String,
        /// A username that is near to it.
        near: Option<String>,
    },
}

/// Finds who is meant by a username, email, employee id, id, source id (or the beginning of one), or display
/// name.
///
/// # Errors
/// When the store cannot be read.
pub fn subject(store: &Store, who: &str, stamped: &[String]) -> Result<Subject> {
    let who = who.trim();
    // Source ids are lower case, and are pasted from everywhere.
    let id = if is_guid(who) { who.to_ascii_lowercase() } else { who.to_owned() };
    let accounts = store.accounts_of_source(&id)?;
    for account in &accounts {
        if let Some(link) = store.link_state(account)? {
            return Ok(Subject::Person(Box::new(store.person_of_row(link.person, stamped)?)));
        }
    }
    if !accounts.is_empty() {
        return Ok(Subject::Nobody(accounts));
    }
    match store.find_person(&id, stamped)? {
        Found::One(person) => return Ok(Subject::Person(person)),
        Found::Several(people) => return Ok(Subject::Several(people)),
        Found::Nobody => {}
    }
    let mut called = store.people_called(who, stamped)?;
    match called.len() {
        0 => {}
        1 => return Ok(Subject::Person(Box::new(called.remove(0)))),
        _ => return Ok(Subject::Several(called)),
    }
    let planned = store.planned_accounts(who)?;
    if !planned.is_empty() {
        return Ok(Subject::Nobody(planned));
    }
    let names = store.usernames_like(who)?;
    let near = crate::config::nearest(who, names.iter().map(String::as_str)).map(str::to_owned);
    Ok(Subject::Never { who: id, near })
}

/// Whether a text has the form of an id of Entra.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

impl Subject {
    /// Whether a name that nobody has is worth a story: an id or an address is, since somebody at the source
    /// may have it; anything else is mistyped.
    #[must_use]
    pub fn is_mistyped(&self) -> bool {
        match self {
            Self::Never { who, .. } => !is_guid(who) && !who.contains('@'),
            _ => false,
        }
    }
}
