//! What the rules say of any step, whatever the story is: an oracle that looks at the source and at the directory
//! before and after, and knows nothing of the host's code.

use std::collections::{BTreeMap, BTreeSet};

use graph_sim::{User, World};
use userload::model::Millis;
use userload_tests::{DAY, Hold, House, Person};

use crate::moves::Trouble;

/// The fields that are mapped.
const FIELDS: [&str; 7] =
    ["username", "email", "display_name", "department", "job_title", "employee_id", "office"];

/// People of a page.
pub(crate) const PAGE: usize = 10;

/// Links, by the user.
pub(crate) type Links = BTreeMap<String, i64>;

/// The directory at a moment, as far as the rules speak of it.
pub(crate) struct Moment {
    pub(crate) people: BTreeMap<i64, Person>,
    pub(crate) links: Links,
    pub(crate) locks: BTreeSet<(i64, String)>,
    pub(crate) pins: Vec<userload_tests::Pin>,
    pub(crate) holds: Vec<Hold>,
}

impl Moment {
    pub(crate) fn of(house: &House) -> Self {
        let sql = house.sql();
        let pairs = |text: &str| {
            let mut query = sql.prepare(text).unwrap();
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect::<Vec<(String, i64)>>()
        };
        Self {
            people: house.people().into_iter().map(|it| (it.id, it)).collect(),
            links: pairs("SELECT source_id, person FROM link").into_iter().collect(),
            locks: pairs("SELECT field, person FROM lock")
                .into_iter()
                .map(|(field, id)| (id, field))
                .collect(),
            pins: house.pins(),
            holds: house.holds(),
        }
    }

    pub(crate) fn users_of(&self, person: i64) -> Vec<&String> {
        self.links.iter().filter(|(_, id)| **id == person).map(|(user, _)| user).collect()
    }

    pub(crate) fn locked(&self, person: i64, field: &str) -> bool {
        ["", field].iter().any(|it| self.locks.contains(&(person, (*it).to_owned())))
    }

    pub(crate) fn pinned(&self, user: &str, field: &str) -> bool {
        self.pins.iter().any(|(of, what, ..)| of == user && (what == field || what == "*"))
    }

    pub(crate) fn held(&self, user: &str) -> bool {
        self.holds.iter().any(|it| it.source_id == user)
    }
}

/// What is known beside the store, by the rules.
#[derive(Default)]
pub(crate) struct Oracle {
    /// Only Sales is read.
    pub(crate) narrow: bool,
    /// The job title is the office's.
    pub(crate) remapped: bool,
    pub(crate) erased: BTreeSet<String>,
    /// Who is gone without a trace: in how many nights that could count, since when.
    pub(crate) gone: BTreeMap<String, (u32, Millis)>,
    /// Pinned as a whole: what the record said then.
    pub(crate) wholes: BTreeMap<String, Vec<Option<String>>>,
    /// Undone or rejected: user and field, and what the source said.
    pub(crate) kept: BTreeMap<(String, String), Option<String>>,
}

impl Oracle {
    /// What the source's record says of a field.
    pub(crate) fn said(&self, user: &User, field: &str) -> Option<String> {
        let property = match field {
            "username" => "userPrincipalName",
            "email" => "mail",
            "display_name" => "displayName",
            "department" => "department",
            "job_title" if self.remapped => "officeLocation",
            "job_title" => "jobTitle",
            "employee_id" => "employeeId",
            "office" => "officeLocation",
            _ => return None,
        };
        user.text(property).map(|it| it.into_owned())
    }

    pub(crate) fn all(&self, user: &User) -> Vec<Option<String>> {
        FIELDS.iter().map(|field| self.said(user, field)).collect()
    }

    /// Notes what records say that are pinned as a whole.
    pub(crate) fn note(&mut self, world: &World, moment: &Moment) {
        let wholes = std::mem::take(&mut self.wholes);
        for (user, field, ..) in &moment.pins {
            let Some(record) = world.user(user).filter(|_| field == "*") else { continue };
            let says = wholes.get(user).cloned().unwrap_or_else(|| self.all(record));
            self.wholes.insert(user.clone(), says);
        }
    }

    pub(crate) fn maps(field: &str) -> bool {
        FIELDS.contains(&field)
    }

    pub(crate) fn listed(&self, user: &User) -> bool {
        !self.narrow || user.text("department").is_some_and(|it| it == "Sales")
    }

    /// A record that cannot be mapped.
    pub(crate) fn spoilt(user: &User) -> bool {
        user.get("department").is_some_and(|it| it.starts_with('1'))
    }

    /// The source's own proof that somebody is to be inactive.
    pub(crate) fn proof(&self, world: &World, user: &str, now: Millis, ordered: bool) -> bool {
        match world.user(user) {
            Some(user) => user.get("accountEnabled") == Some("false"),
            None if world.deleted_user(user).is_some() || ordered => true,
            None => self.gone.get(user).is_some_and(|(nights, since)| *nights >= 3 && now - since >= 3 * DAY),
        }
    }

    /// Counts the nights of those who are gone without a trace, at most as fast as the host may.
    pub(crate) fn count(&mut self, world: &World, trouble: Trouble, now: Millis, after: &Moment) {
        let size = world.users().filter(|it| self.listed(it)).count();
        // Listed twice or miscounted, everybody was there all the same.
        let full = trouble != Trouble::Empty && (trouble != Trouble::Cut || size <= 2 * PAGE);
        for user in after.links.keys() {
            if world.user(user).is_some() || world.deleted_user(user).is_some() {
                self.gone.remove(user);
            } else if full && trouble != Trouble::Silent {
                self.gone.entry(user.clone()).or_insert((0, now)).0 += 1;
            }
        }
    }

    /// What a run may do to anybody. `ordered`: somebody has approved.
    pub(crate) fn may(
        &self,
        world: &World,
        before: &Moment,
        after: &Moment,
        now: Millis,
        ordered: bool,
        what: &str,
    ) {
        for id in before.people.keys() {
            assert!(after.people.contains_key(id), "{what}: person {id} is gone");
        }
        for (id, is) in &after.people {
            let users = after.users_of(*id);
            let records: Vec<&User> = users.iter().filter_map(|user| world.user(user)).collect();
            let Some(was) = before.people.get(id) else {
                assert!(!records.is_empty(), "{what}: {id} was made of nothing");
                for user in users {
                    let now = world.user(user).map(|it| self.all(it));
                    let same = now.is_some() && now.as_ref() == self.wholes.get(user);
                    let pinned = before.pinned(user, "*") && same;
                    assert!(!pinned || ordered, "{what}: {user} is pinned, says the same, and was made");
                }
                continue;
            };
            if (was.active, &was.fields) == (is.active, &is.fields) {
                continue;
            }
            let linked = !before.users_of(*id).is_empty() || !users.is_empty();
            // The name of somebody inactive goes to whom somebody has approved it for.
            let gave_name = ordered && !was.active;
            assert!(
                linked || gave_name,
                "{what}: nobody linked to {id}, and they were touched: {was:?} {is:?}"
            );
            if was.active && !is.active {
                let proven = users.iter().any(|user| self.proof(world, user, now, ordered));
                assert!(proven, "{what}: {id} {users:?} was deactivated without true evidence");
            }
            if !was.active && is.active {
                let enabled = records.iter().any(|it| it.get("accountEnabled") == Some("true"));
                assert!(enabled, "{what}: {id} was reactivated, and is not enabled");
            }
            if was.active != is.active {
                assert!(!before.locked(*id, "status"), "{what}: the status of {id} is locked");
            }
            let names: BTreeSet<&String> = was.fields.keys().chain(is.fields.keys()).collect();
            for field in names {
                if was.fields.get(field) == is.fields.get(field) {
                    continue;
                }
                assert!(!before.locked(*id, field), "{what}: {field} of {id} is locked, and was written");
                assert!(Self::maps(field), "{what}: {field} of {id} is not mapped, and was written");
                if gave_name && field == "username" {
                    continue;
                }
                let said = records.iter().any(|user| self.said(user, field) == is.text(field));
                assert!(said, "{what}: {field} of {id} is now {:?}: no record says so", is.fields.get(field));
                for (user, record) in users.iter().filter_map(|it| Some((it, world.user(it)?))) {
                    if let Some(then) = self.kept.get(&((*user).clone(), field.clone())) {
                        let now = self.said(record, field);
                        assert!(
                            *then != now,
                            "{what}: {field} of {user} was undone or rejected, and is redone"
                        );
                    }
                }
            }
        }
        for user in &self.erased {
            assert!(!after.links.contains_key(user), "{what}: {user} was erased and is back");
        }
    }

    /// What a night without trouble must have done, to whom nothing stands in its way.
    pub(crate) fn must(&self, world: &World, after: &Moment, what: &str) {
        for record in world.users().filter(|it| self.listed(it) && !Self::spoilt(it)) {
            let user = record.id().into_owned();
            if after.held(&user) || self.erased.contains(&user) {
                continue;
            }
            let Some(id) = after.links.get(&user) else {
                assert!(after.pinned(&user, "*"), "{what}: {user} is listed, and is nobody");
                continue;
            };
            let person = &after.people[id];
            if after.users_of(*id).len() > 1 {
                continue;
            }
            for field in FIELDS {
                if !after.locked(*id, field) && !after.pinned(&user, field) {
                    let said = self.said(record, field);
                    assert_eq!(person.text(field), said, "{what}: {field} of {user}, and the source");
                }
            }
            if after.locked(*id, "status") || after.pinned(&user, "status") {
                continue;
            }
            match record.get("accountEnabled") {
                Some("false") => assert!(!person.active, "{what}: {user} is disabled, and active"),
                Some("true") if person.ended_by.as_deref() == Some("integration:entra") => {
                    assert!(person.active, "{what}: {user} is enabled, and inactive by us");
                }
                _ => {}
            }
        }
    }

    /// Who was deleted must be inactive after a whole night.
    pub(crate) fn gone_are_gone(&self, world: &World, after: &Moment, what: &str) {
        for (user, id) in &after.links {
            let alone = after.users_of(*id).len() == 1;
            let free = !after.held(user) && !after.locked(*id, "status") && !after.pinned(user, "status");
            if alone && free && world.deleted_user(user).is_some() {
                assert!(!after.people[id].active, "{what}: {user} was deleted, and is active");
            }
        }
    }

    /// What an undo or a rejection pins: what stood before, as long as the source says so.
    pub(crate) fn keep(&mut self, world: &World, before: &Moment, after: &Moment) {
        for (id, is) in &after.people {
            let Some(was) = before.people.get(id) else { continue };
            for user in after.users_of(*id) {
                for field in was.fields.keys().chain(is.fields.keys()) {
                    let (then, now) = (was.text(field), is.text(field));
                    let record = world.user(user);
                    if then != now && record.is_some_and(|it| self.said(it, field) == then) {
                        self.kept.insert((user.clone(), field.clone()), then);
                    }
                }
            }
        }
    }

    /// Another value of the source lifts what was kept; so does whoever has a hand in it.
    pub(crate) fn forget(&mut self, world: &World, after: &Moment) {
        let (kept, narrow, remapped) = (std::mem::take(&mut self.kept), self.narrow, self.remapped);
        let rules = Self { narrow, remapped, ..Self::default() };
        self.kept = kept
            .into_iter()
            .filter(|((user, field), then)| {
                after.links.contains_key(user)
                    && world.user(user).is_some_and(|it| Self::spoilt(it) || rules.said(it, field) == *then)
            })
            .collect();
    }
}
