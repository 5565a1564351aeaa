//! What can happen to the people of a tenant.

use anyhow::Context;

use super::World;
use super::store::Entry;
use super::user::User;
use crate::clock;

impl World {
    /// A new object id, different from all others.
    pub fn new_id(&mut self) -> String {
        self.prng.guid()
    }

    /// Adds someone at the end of the listing and returns the object id.
    pub fn add(&mut self, user: User) -> String {
        let id = user.id().into_owned();
        self.users.push(Entry::Person(user));
        id
    }

    /// Adds a plain, enabled member with a new object id, which it returns.
    pub fn hire(&mut self, upn: &str, display_name: &str) -> String {
        let id = self.new_id();
        let mut user = User::new(&id, upn);
        user.set_text("displayName", display_name);
        user.set_text("mail", upn);
        user.set_text("userType", "Member");
        user.set_text("createdDateTime", &clock::iso(self.now));
        user.put_raw("accountEnabled", "true");
        self.add(user)
    }

    /// Adds something to the listing that is no person: any JSON, served as it is.
    ///
    /// # Errors
    /// When `raw` is not JSON.
    pub fn add_junk(&mut self, raw: &str) -> anyhow::Result<()> {
        serde_json::from_str::<serde::de::IgnoredAny>(raw)?;
        self.users.push(Entry::Junk(raw.into()));
        Ok(())
    }

    /// Puts something that is no person where someone stood in the listing.
    ///
    /// # Errors
    /// When `raw` is not JSON or nobody has this id.
    pub fn spoil(&mut self, id: &str, raw: &str) -> anyhow::Result<()> {
        serde_json::from_str::<serde::de::IgnoredAny>(raw)?;
        let found = self.users.spoil(id, raw);
        found.then_some(()).with_context(|| nobody(id))
    }

    /// Changes someone by a function.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut User)) -> anyhow::Result<()> {
        self.users.edit(id, change).with_context(|| nobody(id))
    }

    /// Sets a property of someone to any JSON text, kept verbatim.
    ///
    /// # Errors
    /// When nobody has this id, or `raw` is not JSON.
    pub fn update(&mut self, id: &str, name: &str, raw: &str) -> anyhow::Result<()> {
        let done = self.users.edit(id, |user| user.set(name, raw));
        done.with_context(|| nobody(id))?
    }

    /// Sets a property of someone to a JSON string.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn update_text(&mut self, id: &str, name: &str, text: &str) -> anyhow::Result<()> {
        self.edit(id, |user| user.set_text(name, text))
    }

    /// Takes a property of someone away altogether.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn remove_property(&mut self, id: &str, name: &str) -> anyhow::Result<()> {
        self.edit(id, |user| user.remove(name))
    }

    /// Blocks someone's sign-in.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn disable(&mut self, id: &str) -> anyhow::Result<()> {
        self.update(id, "accountEnabled", "false")
    }

    /// Allows someone's sign-in.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn enable(&mut self, id: &str) -> anyhow::Result<()> {
        self.update(id, "accountEnabled", "true")
    }

    /// Gives someone another sign-in name and mail address.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn rename(&mut self, id: &str, upn: &str) -> anyhow::Result<()> {
        self.edit(id, |user| {
            user.set_text("userPrincipalName", upn);
            user.set_text("mail", upn);
        })
    }

    /// Deletes someone softly, now. As in Entra ID the sign-in name gets the object id in front,
    /// so that the old name is free.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn delete(&mut self, id: &str) -> anyhow::Result<()> {
        let mut user = self.users.take(id).with_context(|| nobody(id))?;
        let upn = format!("{}{}", user.id().replace('-', ""), user.upn());
        user.set_text("userPrincipalName", &upn);
        user.set_text("deletedDateTime", &clock::iso(self.now));
        self.deleted.push(Entry::Person(user));
        Ok(())
    }

    /// Removes someone for good, whether deleted softly before or not.
    ///
    /// # Errors
    /// When nobody has this id.
    pub fn purge(&mut self, id: &str) -> anyhow::Result<()> {
        let gone = self.deleted.take(id).or_else(|| self.users.take(id));
        gone.map(drop).with_context(|| nobody(id))
    }

    /// Brings a softly deleted person back, at the end of the listing.
    ///
    /// # Errors
    /// When no deleted person has this id.
    pub fn restore(&mut self, id: &str) -> anyhow::Result<()> {
        let mut user = self.deleted.take(id).with_context(|| nobody(id))?;
        free_name(&mut user);
        self.users.push(Entry::Person(user));
        Ok(())
    }

    /// Hires the same person again: all properties as before, but a new object id, which is
    /// returned. The old account is deleted softly if it still was there.
    ///
    /// # Errors
    /// When neither a user nor a deleted user has this id.
    pub fn rehire(&mut self, id: &str) -> anyhow::Result<String> {
        if self.user(id).is_some() {
            self.delete(id)?;
        }
        let old = self.deleted.by_id(id).with_context(|| nobody(id))?;
        let mut user = old.clone();
        free_name(&mut user);
        user.set_text("id", &self.new_id());
        user.set_text("createdDateTime", &clock::iso(self.now));
        user.put_raw("accountEnabled", "true");
        Ok(self.add(user))
    }

    /// Makes a property null for everybody, as a broken provisioning job does.
    pub fn wipe(&mut self, name: &str) {
        self.users.edit_all(|user| user.put_raw(name, "null"));
    }

    /// Changes everybody by a function.
    pub fn edit_all(&mut self, change: impl FnMut(&mut User)) {
        self.users.edit_all(change);
    }
}

/// Undoes what a soft deletion does to properties.
fn free_name(user: &mut User) {
    let prefix = user.id().replace('-', "");
    let upn = user.upn().into_owned();
    user.set_text("userPrincipalName", upn.strip_prefix(&prefix).unwrap_or(&upn));
    user.remove("deletedDateTime");
}

fn nobody(id: &str) -> String {
    format!("nobody in this world has the id `{id}`")
}

impl User {
    /// Sets a property to JSON that is known to be right.
    fn put_raw(&mut self, name: &str, raw: &'static str) {
        let done = self.set(name, raw);
        debug_assert!(done.is_ok(), "{raw} is JSON");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_frees_the_name_and_a_restore_takes_it_back() {
        let mut world = World::empty(1);
        let id = world.hire("ann@contoso.example", "Ann");
        world.delete(&id).unwrap();
        assert!(world.user(&id).is_none());
        assert!(world.find_by_upn("ann@contoso.example").is_none());
        let gone = world.deleted_user(&id).unwrap();
        assert!(gone.upn().ends_with("ann@contoso.example") && gone.upn().len() > 32);
        assert!(gone.text("deletedDateTime").is_some());
        world.restore(&id).unwrap();
        assert_eq!(world.find_by_upn("ANN@contoso.example").unwrap().id(), id);
        assert_eq!(world.len(), 1);
    }

    #[test]
    fn a_rehire_is_the_same_person_with_another_id() {
        let mut world = World::empty(1);
        let id = world.hire("ann@contoso.example", "Ann");
        let again = world.rehire(&id).unwrap();
        assert_ne!(again, id);
        assert_eq!(world.find_by_upn("ann@contoso.example").unwrap().id(), again);
        assert!(world.deleted_user(&id).is_some());
        world.purge(&id).unwrap();
        assert!(world.deleted_user(&id).is_none());
        assert!(world.purge(&id).is_err());
    }

    #[test]
    fn junk_counts_in_the_listing_but_is_nobody() {
        let mut world = World::empty(1);
        let id = world.hire("ann@contoso.example", "Ann");
        world.add_junk("null").unwrap();
        assert!(world.add_junk("{").is_err());
        world.spoil(&id, "[1]").unwrap();
        assert_eq!((world.len(), world.ids().len()), (2, 0));
    }

    #[test]
    fn names_are_looked_up_as_they_are_now() {
        let mut world = World::empty(1);
        let id = world.hire("ann@contoso.example", "Ann");
        world.rename(&id, "ann.b@contoso.example").unwrap();
        assert!(world.find_by_upn("ann@contoso.example").is_none());
        assert!(world.find_by_upn("ann.b@contoso.example").is_some());
        world.wipe("displayName");
        assert_eq!(world.user(&id).unwrap().get("displayName"), Some("null"));
    }
}
