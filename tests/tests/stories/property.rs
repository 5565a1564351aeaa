//! Random worlds, random moves, random passing trouble; a small model of the rules says who must be active
//! afterwards, and with which values.

use std::collections::{BTreeMap, BTreeSet};

use graph_sim::{Action, On, Rule, Schedule, User, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload::model::{Millis, Outcome};
use userload_tests::{DAY, House, plain};

const PAGE: usize = 10;

#[derive(Clone, Copy, Debug)]
enum Move {
    Hire,
    HireWithAFreedName(usize),
    Rehire(usize),
    Delete(usize),
    Purge(usize),
    Restore(usize),
    Disable(usize),
    Enable(usize),
    Forget(usize),
    Rename(usize),
    Swap(usize, usize),
    Transfer(usize, usize),
    Clear(usize),
    Spoil(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Throttled,
    Reset,
    Expired,
    Revoked,
    Cut,
    Twice,
    Miscounted,
    Silent,
    Refused,
}

fn moves() -> impl Strategy<Value = Move> {
    let who = || 0..1000_usize;
    prop_oneof![
        Just(Move::Hire),
        who().prop_map(Move::HireWithAFreedName),
        who().prop_map(Move::Rehire),
        who().prop_map(Move::Delete),
        who().prop_map(Move::Purge),
        who().prop_map(Move::Restore),
        who().prop_map(Move::Disable),
        who().prop_map(Move::Enable),
        who().prop_map(Move::Forget),
        who().prop_map(Move::Rename),
        (who(), who()).prop_map(|(a, b)| Move::Swap(a, b)),
        (who(), who()).prop_map(|(a, b)| Move::Transfer(a, b)),
        who().prop_map(Move::Clear),
        who().prop_map(Move::Spoil),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::{Cut, Expired, Miscounted, None, Refused, Reset, Revoked, Silent, Throttled, Twice};
    prop::sample::select(vec![
        None, None, None, Throttled, Reset, Expired, Revoked, Cut, Twice, Miscounted, Silent, Refused,
    ])
}

/// What the source does. `fresh` makes names that nobody had before.
fn make(world: &mut World, what: Move, fresh: &mut u32) {
    let mut name = || {
        *fresh += 1;
        format!("fresh{fresh}@contoso.example")
    };
    let ids = world.ids();
    let deleted: Vec<String> = world.deleted_users().map(|user| user.id().into_owned()).collect();
    let one = |n: usize| ids[n % ids.len()].clone();
    let upn = |world: &World, id: &str| world.user(id).unwrap().upn().into_owned();
    match what {
        Move::Hire => {
            world.hire(&name(), "Hired");
        }
        Move::HireWithAFreedName(n) => {
            let old = upn(world, &one(n));
            world.rename(&one(n), &name()).unwrap();
            world.hire(&old, "Heir");
        }
        Move::Rehire(n) => {
            world.rehire(&one(n)).unwrap();
        }
        Move::Delete(n) => world.delete(&one(n)).unwrap(),
        Move::Purge(n) => world.purge(&one(n)).unwrap(),
        Move::Restore(n) if !deleted.is_empty() => {
            let id = &deleted[n % deleted.len()];
            // Entra refuses to restore somebody whose name was given away.
            let old = world.deleted_user(id).unwrap().upn().replacen(&id.replace('-', ""), "", 1);
            if world.find_by_upn(&old).is_none() {
                world.restore(id).unwrap();
            }
        }
        Move::Disable(n) => world.disable(&one(n)).unwrap(),
        Move::Enable(n) => world.enable(&one(n)).unwrap(),
        Move::Forget(n) => world.update(&one(n), "accountEnabled", "null").unwrap(),
        Move::Rename(n) => world.rename(&one(n), &name()).unwrap(),
        Move::Swap(a, b) if one(a) != one(b) => {
            let (first, second) = (upn(world, &one(a)), upn(world, &one(b)));
            world.rename(&one(a), &name()).unwrap();
            world.rename(&one(b), &first).unwrap();
            world.rename(&one(a), &second).unwrap();
        }
        Move::Transfer(a, b) => world.update_text(&one(a), "department", &format!("D{}", b % 7)).unwrap(),
        Move::Clear(n) => world.update(&one(n), "department", "null").unwrap(),
        Move::Spoil(n) => world.update(&one(n), "department", "1").unwrap(),
        Move::Restore(_) | Move::Swap(..) => {}
    }
}

/// Somebody, as the rules want them.
#[derive(Clone, Debug, PartialEq)]
struct Someone {
    active: bool,
    username: String,
    email: String,
    department: Option<String>,
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
        let whole = !cut && !matches!(trouble, Trouble::Twice | Trouble::Miscounted);
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
                    (person.email, person.department) = (email, department);
                }
                None if names.contains(&upn) || names.contains(&email) => {}
                None => {
                    let active = enabled != "false";
                    self.people
                        .insert(id, Someone { active, username: upn, email, department, missing: None });
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

fn schedule(trouble: Trouble) -> Schedule {
    let rule = match trouble {
        Trouble::None => return Schedule::none(),
        Trouble::Throttled => Rule::new(On::Any, Action::throttled("0.01")).nth(4).times(2),
        Trouble::Reset => Rule::new(On::Users, Action::ResetMidBody).page(2),
        Trouble::Expired => Rule::new(On::Users, Action::ExpiredPageToken).page(2),
        Trouble::Revoked => Rule::new(On::Users, Action::RevokeToken).page(2),
        Trouble::Cut => Rule::new(On::Users, Action::CutListing).page(2),
        Trouble::Twice => Rule::new(On::Users, Action::DuplicatePage).page(1),
        Trouble::Miscounted => Rule::new(On::UsersCount, Action::WrongCount { n: 500 }),
        Trouble::Silent => Rule::new(On::Batch, Action::status(403)).always(),
        Trouble::Refused => Rule::new(On::Users, Action::status(403)).page(2),
    };
    let sure = matches!(trouble, Trouble::Miscounted | Trouble::Twice);
    Schedule::one(rule.min_fires(u64::from(sure)))
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
    let night = (prop::collection::vec(moves(), 0..12), trouble());
    let nights = (30..80_usize, prop::collection::vec(night, 4));
    TestRunner::new_with_rng(config, rng)
        .run(&nights, |(people, nights)| {
            story(people, &nights);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
