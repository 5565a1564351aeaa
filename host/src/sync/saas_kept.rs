//! What an undo keeps of SaaS users, while a pass is judged: what the source still says is not done again, and
//! what it says anew lifts the pin.

use super::saas_user::Told;
use crate::store::{SaasPinned, SaasPins};

/// The pins of an application, and which of them are lifted.
pub(super) struct Kept {
    pins: SaasPins,
    lifted: Vec<(String, SaasPinned)>,
}

impl Kept {
    pub(super) fn new(pins: SaasPins) -> Self {
        Self { pins, lifted: Vec::new() }
    }

    /// Takes out of what is told whatever is kept. False: the record makes no user.
    pub(super) fn narrow(&mut self, told: &mut Told<'_>, known: bool) -> bool {
        if self.pins.is_empty() {
            return true;
        }
        if let Some(holds) = told.holds {
            let word = if holds && !told.person_ended { SaasPinned::USER } else { SaasPinned::LEFT };
            // Neither leaves nor comes back.
            told.deactivate &= !self.keeps(told.source_id, SaasPinned::Status, Some(word));
            if !known && self.keeps(told.source_id, SaasPinned::Whole, told.role.as_deref().filter(|_| holds))
            {
                return false;
            }
        }
        if told.role.is_some() && self.keeps(told.source_id, SaasPinned::Role, told.role.as_deref()) {
            told.role = None;
        }
        true
    }

    /// Whether somebody whom the source does not list stays active.
    pub(super) fn stays(&mut self, source_id: &str) -> bool {
        self.keeps(source_id, SaasPinned::Status, Some(SaasPinned::LEFT))
    }

    /// The pins that the source has lifted since the last call.
    pub(super) fn lifted(&mut self) -> Vec<(String, SaasPinned)> {
        std::mem::take(&mut self.lifted)
    }

    /// Whether something is kept while the source says this. What it says anew is not.
    fn keeps(&mut self, source_id: &str, what: SaasPinned, word: Option<&str>) -> bool {
        let Some(pinned) = self.pins.get(&(source_id.to_owned(), what)) else { return false };
        let same = pinned.as_deref() == word;
        if !same {
            self.lifted.push((source_id.to_owned(), what));
        }
        same
    }
}
