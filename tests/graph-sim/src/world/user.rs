//! One person as Graph keeps them: property names with the verbatim JSON of their values.
//!
//! A world of a million people has to fit into memory, so the values of one person sit in one
//! piece of text, and people with the same property names share the list of names.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

/// The name of a property, as Graph spells it.
type Name = Cow<'static, str>;

/// The properties that a made-up person has, in Graph's spelling: the 32 that `userload` reads,
/// then those for phones, licences and activity.
pub const PROPERTIES: [&str; 35] = [
    "id",
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
    "mailNickname",
    "accountEnabled",
    "userType",
    "employeeId",
    "employeeType",
    "employeeHireDate",
    "jobTitle",
    "department",
    "companyName",
    "officeLocation",
    "streetAddress",
    "city",
    "state",
    "postalCode",
    "usageLocation",
    "preferredLanguage",
    "mobilePhone",
    "faxNumber",
    "ageGroup",
    "consentProvidedForMinor",
    "legalAgeGroupClassification",
    "createdDateTime",
    "creationType",
    "isResourceAccount",
    "lastPasswordChangeDateTime",
    "passwordPolicies",
    "businessPhones",
    "assignedLicenses",
    "signInActivity",
];

/// A person. Values are kept as the JSON text that will be served, byte for byte.
#[derive(Debug, Clone)]
pub struct User {
    names: Arc<[Name]>,
    /// All values, one after the other.
    text: Box<str>,
    /// Where each value ends in `text`.
    ends: Box<[u32]>,
    manager: Option<Box<str>>,
}

impl User {
    /// A person of whom nothing but object id and sign-in name is known; everything else is null.
    pub fn new(id: &str, upn: &str) -> Self {
        let mut user = Self::build(&standard(), |name, out| match name {
            "id" => push_json(out, id),
            "userPrincipalName" => push_json(out, upn),
            "businessPhones" | "assignedLicenses" => out.push_str("[]"),
            _ => out.push_str("null"),
        });
        user.manager = None;
        user
    }

    /// A person whose values `write` puts down in the order of `names`.
    pub(crate) fn build(names: &Arc<[Name]>, mut write: impl FnMut(&str, &mut String)) -> Self {
        let mut text = String::with_capacity(700);
        let ends = names.iter().map(|name| {
            write(name, &mut text);
            text.len() as u32
        });
        let ends = ends.collect();
        Self { names: Arc::clone(names), text: text.into_boxed_str(), ends, manager: None }
    }

    /// The names that this person has, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// The list of names itself, to see quickly whether two people share it.
    pub(crate) fn shape(&self) -> &Arc<[Name]> {
        &self.names
    }

    /// Where `name` stands, for [`User::at`].
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The JSON text of the value at a position.
    pub(crate) fn at(&self, position: usize) -> &str {
        let end = self.ends.get(position).map_or(0, |end| *end as usize);
        let start = match position.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(0, |end| *end as usize),
            None => 0,
        };
        self.text.get(start..end).unwrap_or_default()
    }

    /// The verbatim JSON of a property; `None` when this person does not have it at all.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.position(name).map(|position| self.at(position))
    }

    /// A property that is a JSON string, decoded; `None` for null, other types and absence.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(string_of)
    }

    /// The object id, decoded; empty if it was taken away.
    pub fn id(&self) -> Cow<'_, str> {
        self.text("id").unwrap_or_default()
    }

    /// The sign-in name, decoded; empty if it was taken away.
    pub fn upn(&self) -> Cow<'_, str> {
        self.text("userPrincipalName").unwrap_or_default()
    }

    /// The object id of the manager, which is no property in Graph but a reference.
    pub fn manager(&self) -> Option<&str> {
        self.manager.as_deref()
    }

    /// Sets or clears the manager.
    pub fn set_manager(&mut self, id: Option<&str>) {
        self.manager = id.map(Into::into);
    }

    /// Sets a property to any JSON text, kept verbatim (`12345678901234567890`, `1e5`).
    /// A new name goes to the end.
    ///
    /// # Errors
    /// When `raw` is not one JSON value: broken answers are what faults are for.
    pub fn set(&mut self, name: &str, raw: &str) -> anyhow::Result<()> {
        let raw: &RawValue = serde_json::from_str(raw)?;
        self.put(name, Some(raw.get()));
        Ok(())
    }

    /// Sets a property to a JSON string.
    pub fn set_text(&mut self, name: &str, text: &str) {
        let mut raw = String::new();
        push_json(&mut raw, text);
        self.put(name, Some(&raw));
    }

    /// Takes a property away altogether, which is not the same as null.
    pub fn remove(&mut self, name: &str) {
        self.put(name, None);
    }

    fn put(&mut self, name: &str, raw: Option<&str>) {
        let known = self.position(name);
        let names = match (known, raw) {
            (Some(_), Some(_)) => Arc::clone(&self.names),
            (None, None) => return,
            (Some(_), None) => self.names.iter().filter(|n| *n != name).cloned().collect(),
            (None, Some(_)) => {
                let added = Name::Owned(name.to_owned());
                self.names.iter().cloned().chain([added]).collect()
            }
        };
        let mut changed = Self::build(&names, |each, out| {
            let old = || self.get(each).unwrap_or("null");
            out.push_str(match raw {
                Some(raw) if each == name => raw,
                _ => old(),
            });
        });
        changed.manager = self.manager.take();
        *self = changed;
    }
}

/// The names of a made-up person, to be shared by all of them.
pub(crate) fn standard() -> Arc<[Name]> {
    PROPERTIES.iter().map(|name| Name::Borrowed(*name)).collect()
}

/// Appends `text` as a JSON string. Letters outside ASCII stay as they are, as with Graph.
pub(crate) fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", letter as u32)),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// The text of a JSON string; `None` if the JSON is something else.
pub(crate) fn string_of(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_verbatim_and_names_can_go() {
        let mut user = User::new("id-1", "a@contoso.example");
        user.set("employeeId", " 12345678901234567890 ").unwrap();
        user.set("extension_x_y", "1e5").unwrap();
        user.remove("mail");
        user.set_text("surname", "O\"B\\r\nien 🦊");
        assert_eq!(user.get("employeeId"), Some("12345678901234567890"));
        assert_eq!(user.get("extension_x_y"), Some("1e5"));
        assert_eq!(user.get("mail"), None);
        assert_eq!(user.text("surname").unwrap(), "O\"B\\r\nien 🦊");
        assert_eq!(user.get("displayName"), Some("null"));
        assert_eq!(user.id(), "id-1");
        assert!(user.set("mail", "{").is_err());
    }
}
