//! A list of people in a fixed order, with look-ups by id and by sign-in name.
//!
//! Places never move: someone who goes leaves a hole. A page token is therefore just the place
//! to go on from, and a listing stays stable while people come and go.

use std::collections::HashMap;

use super::told::{Told, What, differing};
use super::user::User;

/// What stands at one place of the list.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// A person.
    Person(User),
    /// Something that a listing must not contain: any JSON, served as it is.
    Junk(Box<str>),
}

/// The list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    places: Vec<Option<Entry>>,
    by_id: HashMap<Box<str>, usize>,
    by_upn: HashMap<Box<str>, usize>,
    live: usize,
    /// What happened, in order.
    told: Vec<Told>,
}

impl Store {
    /// How many elements an unfiltered listing has.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// What happened, in order.
    pub(crate) fn told(&self) -> &[Told] {
        &self.told
    }

    /// Something that is told to nobody, so that every token is older.
    pub(crate) fn forget(&mut self) {
        self.tell("", What::Changed(Vec::new()));
    }

    /// Nothing has happened yet.
    pub(crate) fn begin(&mut self) {
        self.told = Vec::new();
    }

    /// Nothing has happened since.
    pub(crate) fn keep(&mut self, told: usize) {
        self.told.truncate(told);
    }

    fn tell(&mut self, id: &str, what: What) {
        self.told.push(Told { id: id.into(), what });
    }

    /// How many places there are, holes included.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    /// The elements from a place on, each with its place.
    pub(crate) fn from(&self, place: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let rest = self.places.get(place..).unwrap_or_default();
        let live = rest.iter().enumerate();
        live.filter_map(move |(at, entry)| Some((place + at, entry.as_ref()?)))
    }

    /// Those with these ids, from a place on, in the order of the list.
    pub(crate) fn of_ids(&self, ids: &[&str], place: usize) -> Vec<(usize, &Entry)> {
        let mut places: Vec<usize> =
            ids.iter().filter_map(|id| self.by_id.get(key(id).as_ref()).copied()).collect();
        places.sort_unstable();
        places.dedup();
        let later = places.into_iter().filter(|at| *at >= place);
        later.filter_map(|at| Some((at, self.places.get(at)?.as_ref()?))).collect()
    }

    /// The people, in order.
    pub(crate) fn people(&self) -> impl Iterator<Item = &User> {
        self.from(0).filter_map(|(_, entry)| match entry {
            Entry::Person(user) => Some(user),
            Entry::Junk(_) => None,
        })
    }

    /// Someone by object id, upper or lower case.
    pub(crate) fn by_id(&self, id: &str) -> Option<&User> {
        let place = *self.by_id.get(key(id).as_ref())?;
        self.person(place)
    }

    /// Someone by sign-in name, upper or lower case.
    pub(crate) fn by_upn(&self, upn: &str) -> Option<&User> {
        let place = *self.by_upn.get(key(upn).as_ref())?;
        self.person(place)
    }

    fn person(&self, place: usize) -> Option<&User> {
        match self.places.get(place)? {
            Some(Entry::Person(user)) => Some(user),
            _ => None,
        }
    }

    /// Puts an element at the end.
    pub(crate) fn push(&mut self, entry: Entry) {
        if let Entry::Person(user) = &entry {
            self.told.push(Told { id: user.id().into(), what: What::Came });
        }
        self.places.push(Some(entry));
        self.live += 1;
        self.index(self.places.len() - 1);
    }

    /// Takes someone out, leaving a hole.
    pub(crate) fn take(&mut self, id: &str) -> Option<User> {
        let place = *self.by_id.get(key(id).as_ref())?;
        self.unindex(place);
        match self.places.get_mut(place)?.take()? {
            Entry::Person(user) => {
                self.live -= 1;
                self.tell(&user.id(), What::Went);
                Some(user)
            }
            Entry::Junk(_) => None,
        }
    }

    /// Changes someone where they stand, whatever that does to id or sign-in name.
    pub(crate) fn edit<R>(&mut self, id: &str, change: impl FnOnce(&mut User) -> R) -> Option<R> {
        let place = *self.by_id.get(key(id).as_ref())?;
        self.edit_at(place, change)
    }

    /// Changes everybody.
    pub(crate) fn edit_all(&mut self, mut change: impl FnMut(&mut User)) {
        for place in 0..self.places.len() {
            self.edit_at(place, &mut change);
        }
    }

    fn edit_at<R>(&mut self, place: usize, change: impl FnOnce(&mut User) -> R) -> Option<R> {
        self.unindex(place);
        let result = match self.places.get_mut(place) {
            Some(Some(Entry::Person(user))) => {
                let before = user.clone();
                let result = change(user);
                let names = differing(&before, user);
                if !names.is_empty() {
                    self.told.push(Told { id: before.id().into(), what: What::Changed(names) });
                }
                Some(result)
            }
            _ => None,
        };
        self.index(place);
        result
    }

    /// Puts junk where someone stood.
    pub(crate) fn spoil(&mut self, id: &str, raw: &str) -> bool {
        let Some(place) = self.by_id.get(key(id).as_ref()).copied() else {
            return false;
        };
        self.unindex(place);
        self.tell(id, What::Spoilt(raw.into()));
        self.places[place] = Some(Entry::Junk(raw.into()));
        true
    }

    fn index(&mut self, place: usize) {
        if let Some(Some(Entry::Person(user))) = self.places.get(place) {
            let (id, upn) = (key(&user.id()), key(&user.upn()));
            self.by_id.insert(id, place);
            self.by_upn.insert(upn, place);
        }
    }

    fn unindex(&mut self, place: usize) {
        if let Some(Some(Entry::Person(user))) = self.places.get(place) {
            let (id, upn) = (key(&user.id()), key(&user.upn()));
            if self.by_id.get(id.as_ref()) == Some(&place) {
                self.by_id.remove(id.as_ref());
            }
            if self.by_upn.get(upn.as_ref()) == Some(&place) {
                self.by_upn.remove(upn.as_ref());
            }
        }
    }
}

fn key(text: &str) -> Box<str> {
    text.to_lowercase().into_boxed_str()
}
