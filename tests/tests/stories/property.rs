//! Random worlds, random moves, random passing trouble; a small model of the rules says who must be active
//! afterwards, and with which values.

use std::collections::{BTreeMap, BTreeSet};

use graph_sim::{User, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload::model::{Millis, Outcome};
use userload_tests::{DAY, House, plain};

use crate::moves::{Move, Trouble, make, moves, schedule, troubles};

const PAGE: usize = 10;

/// Somebody, as the rules want them.
#[derive(Clone, Debug, PartialEq)]
struct Someone {
    active: bool,
    username: String,
    email: String,
    department: Option<String>,
    job_title: Option<String>,
    missing: Option<(u32, Millis)>,
}

/// The rules.
#[derive(Default)]
struct Model {
    people: BTreeMap<String, Someone>,
}

impl Model {
    fn night(&mut self, world: &World, trouble: Trouble, now: Millis) {
        if trouble == Trouble::Refused {
            return;
        }
        let mut listed: Vec<&User> = world.users().collect();
        let cut = trouble == Trouble::Cut && listed.len() > 2 * PAGE;
        if cut {
            listed.truncate(2 * PAGE);
        }
        if trouble == Trouble::Empty {
            listed.clear();
        }
        let whole = !cut && (trouble == Trouble::Cut || !trouble.leaves_out());
        let seen: BTreeSet<String> = listed.iter().map(|user| user.id().into_owned()).collect();
        listed.retain(|user| !user.get("department").unwrap().starts_with('1'));
        let names: BTreeSet<String> =
            self.people.values().flat_map(|it| [it.username.clone(), it.email.clone()]).collect();
        let held = self.held_names(&listed);
        for user in listed {
            let (id, upn) = (user.id().into_owned(), user.upn().into_owned());
            let department = user.text("department").map(|it| it.into_owned());
            let enabled = user.get("accountEnabled").unwrap();
            let email = user.text("mail").unwrap().into_owned();
            let job_title = user.text("jobTitle").map(|it| it.into_owned());
            match self.people.get_mut(&id) {
                Some(person) => {
                    match enabled {
                        "true" => person.active = true,
                        "false" => person.active = false,
                        _ => {}
                    }
                    if !held.contains(&id) {
                        person.username = upn;
                    }
                    (person.email, person.department, person.job_title) = (email, department, job_title);
                }
                None if names.contains(&upn) || names.contains(&email) => {}
                None => {
                    let active = enabled != "false";
                    let someone =
                        Someone { active, username: upn, email, department, job_title, missing: None };
                    self.people.insert(id, someone);
                }
            }
        }
        for (id, person) in &mut self.people {
            if seen.contains(id) {
                person.missing = None;
            } else if whole && trouble != Trouble::Silent && person.active {
                if world.deleted_user(id).is_some() {
                    person.active = false;
                } else {
                    let (runs, since) = person.missing.unwrap_or((0, now));
                    person.missing = Some((runs + 1, since));
                    person.active = runs + 1 < 3 || now - since < 3 * DAY;
                }
            }
        }
    }

    /// Those whose new username is still somebody's who keeps it.
    fn held_names(&self, listed: &[&User]) -> BTreeSet<String> {
        let wishes: BTreeMap<String, String> = listed
            .iter()
            .map(|user| (user.id().into_owned(), user.upn().into_owned()))
            .filter(|(id, _)| self.people.contains_key(id))
            .collect();
        let owners: BTreeMap<&String, &String> =
            self.people.iter().map(|(id, it)| (&it.username, id)).collect();
        let mut held = BTreeSet::new();
        loop {
            let stuck = wishes.iter().find(|(id, name)| {
                let owner = owners.get(name).filter(|owner| ***owner != **id);
                let leaves = |owner: &String| {
                    !held.contains(owner) && wishes.get(owner).is_some_and(|wish| wish != *name)
                };
                !held.contains(*id) && owner.is_some_and(|owner| !leaves(owner))
            });
            match stuck {
                Some((id, _)) => held.insert(id.clone()),
                None => return held,
            };
        }
    }
}

fn hold(house: &House, model: &Model) {
    let people: BTreeMap<String, Someone> = model
        .people
        .keys()
        .map(|id| {
            let person = house.of(id).unwrap_or_else(|| panic!("{id} is nobody's: {}", house.said(id)));
            let text = |field| person.text(field);
            let someone = Someone {
                active: person.active,
                username: person.username(),
                email: text("email").unwrap_or_default(),
                department: text("department"),
                job_title: text("job_title"),
                missing: model.people[id].missing,
            };
            (id.clone(), someone)
        })
        .collect();
    for (id, person) in &people {
        assert_eq!(person, &model.people[id], "{id}: the directory, then the model; {}", house.said(id));
    }
    assert_eq!(house.people().len(), people.len());
}

fn story(people: usize, nights: &[(Vec<Move>, Trouble)]) {
    let (world, _) = plain(people);
    let mut house = House::with(world, |doc| doc.no_limits().set("page-size", &PAGE.to_string()));
    let (mut model, mut fresh) = (Model::default(), 0);
    house.night();
    house.sim.look(|world| model.night(world, Trouble::None, house.now));
    let quiet = (Vec::new(), Trouble::None);
    for (moves, trouble) in nights.iter().chain([&quiet; 5]) {
        house.sim.change(|world| moves.iter().for_each(|it| make(world, *it, &mut fresh)));
        let before = house.people();
        house.trouble(schedule(*trouble));
        let runs_through = *trouble != Trouble::Refused || house.sim.look(World::len) <= PAGE;
        if runs_through {
            house.night();
        } else {
            house.fails();
        }
        house.sim.look(|world| model.night(world, *trouble, house.now));
        hold(&house, &model);
        for id in house.sim.look(|world| {
            let enabled = world.users().filter(|it| it.get("accountEnabled") == Some("true"));
            enabled.map(|it| it.id().into_owned()).collect::<Vec<_>>()
        }) {
            let Some(after) = house.of(&id) else { continue };
            let was = before.iter().find(|it| it.id == after.id);
            assert!(after.active || was.is_none_or(|it| !it.active), "{id} is enabled, and was deactivated");
        }
    }
    let last = house.night();
    assert_eq!((last.changes(), last.newly_held, last.withdrawn), (0, 0, 0), "{:?}", last.outcomes);
    assert_eq!(last.count(Outcome::Waiting), 0);
}

#[test]
fn whatever_happens_the_rules_hold() {
    let config = Config { cases: 30, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let night = (prop::collection::vec(moves(), 0..12), troubles());
    let nights = (30..80_usize, prop::collection::vec(night, 4));
    TestRunner::new_with_rng(config, rng)
        .run(&nights, |(people, nights)| {
            story(people, &nights);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
