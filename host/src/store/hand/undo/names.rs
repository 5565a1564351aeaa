//! Usernames of an undo, on its end state: swaps and chains can be undone, a name that is somebody else's by
//! now cannot.

use std::collections::{BTreeMap, BTreeSet};

use super::deed::Deed;
use super::verdict::{Plan, Verdict};
use crate::model::fold_key;
use crate::store::Result;
use crate::store::hand::Hand;

/// Who wants which username, and who gives theirs up.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By person: the folded name afterwards; none = no name, or nobody.
    wanted: BTreeMap<i64, Option<String>>,
    /// Who cannot have it: the name of whose it is.
    blocked: BTreeMap<i64, String>,
}

impl Claims {
    /// Notes what a verdict does to usernames.
    ///
    /// # Errors
    /// When a value is not what it should be.
    pub(super) fn of(&mut self, deed: &Deed, verdict: Option<Verdict>) -> Result<()> {
        let Some(verdict) = verdict else { return Ok(()) };
        let Some(person) = deed.person else { return Ok(()) };
        match verdict.plan {
            Plan::Remove => {
                self.wanted.insert(person, None);
            }
            Plan::Restore(restored) => {
                self.wanted.insert(person, restored.text("username").as_deref().and_then(folded));
            }
            Plan::Alter { differences, .. } => {
                for (_, _, to) in differences.iter().filter(|(field, ..)| field == "username") {
                    let name: Option<String> =
                        to.as_deref().map(|raw| serde_json::from_str(raw.get())).transpose()?;
                    self.wanted.insert(person, name.as_deref().and_then(folded));
                }
            }
            Plan::Keep => {}
        }
        Ok(())
    }

    /// Finds out who cannot have the name: it is kept by somebody else. Whoever keeps theirs for that reason
    /// keeps it from others in turn.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn settle(&mut self, hand: &Hand<'_>) -> Result<()> {
        let mut owners: BTreeMap<i64, (i64, String)> = BTreeMap::new();
        let mut first: BTreeMap<&str, i64> = BTreeMap::new();
        for (person, name) in &self.wanted {
            let Some(name) = name else { continue };
            if let Some(owner) = hand.named(name)?.filter(|it| it.id != *person) {
                owners.insert(*person, (owner.id, owner.name()));
            }
            if first.insert(name, *person).is_some() {
                self.blocked.insert(*person, "somebody else".to_owned());
            }
        }
        loop {
            let stuck: Vec<(i64, String)> = owners
                .iter()
                .filter(|(person, _)| !self.blocked.contains_key(person))
                .filter(|(person, (owner, _))| {
                    let leaves = self.wanted.get(owner).is_some_and(|name| {
                        *name != self.wanted[person] && !self.blocked.contains_key(owner)
                    });
                    !leaves
                })
                .map(|(person, (_, name))| (*person, name.clone()))
                .collect();
            if stuck.is_empty() {
                return Ok(());
            }
            self.blocked.extend(stuck);
        }
    }

    /// Whose the username is that a person cannot have back.
    pub(super) fn blocked(&self, person: i64) -> Option<&str> {
        self.blocked.get(&person).map(String::as_str)
    }

    /// Takes the names away that change hands, so that they can be written in any order.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn give_up(&self, hand: &Hand<'_>) -> Result<()> {
        let mut delete =
            hand.tx.prepare_cached("DELETE FROM person_key WHERE person = ?1 AND field = 'username'")?;
        let moving: BTreeSet<&i64> = self.wanted.keys().filter(|it| !self.blocked.contains_key(it)).collect();
        for person in moving {
            delete.execute([person])?;
        }
        Ok(())
    }
}

fn folded(name: &str) -> Option<String> {
    fold_key(name).map(std::borrow::Cow::into_owned)
}
