//! Random worlds, moves and trouble, and between the nights random decisions by people: holds approved, rejected
//! and decided, people set, locked, merged, unlinked and erased, runs undone. After every step the directory is
//! held against the source and the rules, by code that knows nothing of the host's.

use std::collections::BTreeSet;

use graph_sim::Schedule;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use userload::model::Outcome;
use userload::store::{Edit, Locking, Merging, UndoOrder, Unpinning};
use userload::sync::Order;
use userload_tests::{Hold, House, MINUTE, plain};

use crate::moves::{Move, Trouble, make, moves, schedule, troubles};
use crate::oracle::{Moment, Oracle, PAGE};

/// What somebody decides between two nights. Numbers pick holds, people, fields and runs.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Approve(usize),
    ApproveAll,
    Reject(usize),
    Decide(usize, usize),
    Set(usize, usize),
    Empty(usize, usize),
    SetStatus(usize, bool),
    Lock(usize, usize),
    Unlock(usize),
    Unpin(usize),
    Merge(usize, usize),
    Unlink(usize),
    Erase(usize),
    Unerase(usize),
    Undo(usize),
    UndoOnly(usize, usize),
    UndoPerson(usize, usize),
    /// Somebody is entered whom the source hires as well.
    EnterAndHire,
    /// Somebody is entered with the mail of another one: two candidates.
    EnterANamesake(usize),
    Narrow,
    Widen,
    Remap,
}

fn decisions() -> impl Strategy<Value = Decision> {
    let who = || 0..1000_usize;
    prop_oneof![
        4 => who().prop_map(Decision::Approve),
        1 => Just(Decision::ApproveAll),
        2 => who().prop_map(Decision::Reject),
        2 => (who(), who()).prop_map(|(a, b)| Decision::Decide(a, b)),
        2 => (who(), who()).prop_map(|(a, b)| Decision::Set(a, b)),
        1 => (who(), who()).prop_map(|(a, b)| Decision::Empty(a, b)),
        2 => (who(), any::<bool>()).prop_map(|(a, b)| Decision::SetStatus(a, b)),
        2 => (who(), who()).prop_map(|(a, b)| Decision::Lock(a, b)),
        1 => who().prop_map(Decision::Unlock),
        1 => who().prop_map(Decision::Unpin),
        1 => (who(), who()).prop_map(|(a, b)| Decision::Merge(a, b)),
        1 => who().prop_map(Decision::Unlink),
        1 => who().prop_map(Decision::Erase),
        1 => who().prop_map(Decision::Unerase),
        3 => who().prop_map(Decision::Undo),
        2 => (who(), who()).prop_map(|(a, b)| Decision::UndoOnly(a, b)),
        1 => (who(), who()).prop_map(|(a, b)| Decision::UndoPerson(a, b)),
        1 => Just(Decision::EnterAndHire),
        1 => who().prop_map(Decision::EnterANamesake),
        1 => Just(Decision::Narrow),
        1 => Just(Decision::Widen),
        1 => Just(Decision::Remap),
    ]
}

/// What people set and lock; the empty one is the person wholly.
const FIELDS: [&str; 5] = ["department", "job_title", "office", "status", ""];

const OUTCOMES: [Outcome; 5] =
    [Outcome::Created, Outcome::Updated, Outcome::Renamed, Outcome::Deactivated, Outcome::Adopted];

fn nth<T: Clone>(list: &[T], n: usize) -> Option<T> {
    (!list.is_empty()).then(|| list[n % list.len()].clone())
}

/// A stage: the house, what is known beside it, and what was done so far.
struct Stage {
    house: House,
    oracle: Oracle,
    fresh: u32,
    runs: Vec<i64>,
    /// Filter or mapping are others than in the last night.
    reshaped: bool,
}

impl Stage {
    fn night(&mut self, trouble: Trouble, what: &str) {
        let before = Moment::of(&self.house);
        let size = self.house.sim.look(|world| world.users().filter(|it| self.oracle.listed(it)).count());
        // With this filter nobody is counted.
        let uncounted = self.oracle.narrow && trouble == Trouble::Miscounted;
        self.house.trouble(if uncounted { Schedule::none() } else { schedule(trouble) });
        if trouble == Trouble::Refused && size > PAGE {
            self.house.fails();
            return;
        }
        let report = self.house.night();
        let after = Moment::of(&self.house);
        let (now, oracle) = (self.house.now, &mut self.oracle);
        self.house.sim.look(|world| {
            oracle.count(world, trouble, now, &after);
            oracle.may(world, &before, &after, now, false, what);
            if trouble != Trouble::Empty && (trouble != Trouble::Cut || size <= PAGE) {
                oracle.must(world, &after, what);
            }
            if report.completeness.complete && trouble != Trouble::Silent && !oracle.narrow {
                oracle.gone_are_gone(world, &after, what);
            }
            oracle.forget(world, &after);
        });
        if report.completeness.complete {
            assert!(
                !trouble.leaves_out() || size <= 2 * PAGE,
                "{what}: {trouble:?} went for a whole listing"
            );
        } else {
            let ended = report.count(Outcome::Deactivated);
            let gone = after.people.iter().filter(|(id, it)| {
                let users = after.users_of(**id);
                let listed = users.iter().any(|user| self.house.sim.look(|world| world.user(user).is_some()));
                before.people.get(*id).is_some_and(|was| was.active && !it.active) && !listed
            });
            assert_eq!(gone.count(), 0, "{what}: {ended} deactivated; an incomplete listing judges nobody");
        }
        if self.reshaped {
            assert_eq!(report.count(Outcome::Deactivated), 0, "{what}: the first night of another shape");
        }
        // A shape counts once it was applied.
        self.reshaped = false;
        self.runs.push(report.run);
    }

    fn order(&mut self, order: &Order, what: &str) {
        let before = Moment::of(&self.house);
        if let Ok(report) = self.house.order(order) {
            self.runs.push(report.run);
            let after = Moment::of(&self.house);
            let (now, oracle) = (self.house.now, &self.oracle);
            self.house.sim.look(|world| oracle.may(world, &before, &after, now, true, what));
            let touched: BTreeSet<String> = match order {
                Order::Approve(ids) => {
                    let of = before.holds.iter().filter(|it| ids.contains(&it.id));
                    of.map(|it| it.source_id.clone()).collect()
                }
                Order::Decide(user, _) => [user.clone()].into(),
            };
            for (id, is) in &after.people {
                let same = before
                    .people
                    .get(id)
                    .is_some_and(|was| (was.active, &was.fields) == (is.active, &is.fields));
                let theirs = after.users_of(*id).iter().any(|user| touched.contains(*user));
                let gave_name = before.people.get(id).is_some_and(|was| was.username() != is.username());
                assert!(same || theirs || gave_name, "{what}: {id} was not decided about");
            }
            self.oracle.kept.retain(|(user, _), _| !touched.contains(user));
        }
    }

    fn decide(&mut self, decision: Decision, what: &str) {
        let moment = Moment::of(&self.house);
        let people: Vec<i64> = moment.people.keys().copied().collect();
        let person = |n: usize| nth(&people, n);
        self.house.now += MINUTE;
        let now = self.house.now;
        match decision {
            Decision::Approve(n) => {
                let causes: Vec<&String> = moment.holds.iter().map(|it| &it.cause).collect();
                let Some(cause) = nth(&causes, n) else { return };
                let every = n % 3 + 1;
                let of = moment.holds.iter().filter(|it| it.cause == *cause).step_by(every).map(|it| it.id);
                self.order(&Order::Approve(of.collect()), what);
            }
            Decision::ApproveAll => {
                let all: Vec<i64> = moment.holds.iter().map(|it| it.id).collect();
                self.order(&Order::Approve(all), what);
            }
            Decision::Reject(n) => {
                let Some(hold) = nth(&moment.holds, n) else { return };
                let done = self.house.store().reject_holds("entra", &[hold.id], now);
                let differences: Vec<(String, Option<serde_json::Value>, Option<serde_json::Value>)> = hold
                    .differences
                    .as_deref()
                    .map(|it| serde_json::from_str(it).unwrap())
                    .unwrap_or_default();
                if done.is_ok() && moment.links.contains_key(&hold.source_id) {
                    for (field, _, after) in differences {
                        let after = after.and_then(|it| it.as_str().map(str::to_owned));
                        self.oracle.kept.insert((hold.source_id.clone(), field), after);
                    }
                }
                assert!(
                    Moment::of(&self.house).people == moment.people,
                    "{what}: a rejection changes nobody"
                );
            }
            Decision::Decide(n, who) => {
                let doubts: Vec<&Hold> = moment.holds.iter().filter(|it| it.cause == "ambiguous").collect();
                let Some(hold) = nth(&doubts, n) else { return };
                let choice = match (who % 3, person(who)) {
                    (0, Some(id)) | (1, Some(id)) => userload::store::Choice::Link(id),
                    _ => userload::store::Choice::New,
                };
                self.order(&Order::Decide(hold.source_id.clone(), choice), what);
            }
            Decision::Set(n, field) | Decision::Empty(n, field) => {
                let (Some(id), field) = (person(n), FIELDS[field % 3]) else { return };
                let value = matches!(decision, Decision::Set(..)).then(|| {
                    let raw = format!("\"by hand {n}\"");
                    serde_json::value::RawValue::from_string(raw).unwrap()
                });
                let edit = Edit { fields: [(field.to_owned(), value)].into(), active: None };
                self.house.store().set_person(id, &edit, now).unwrap();
                assert_eq!(self.house.people().len(), people.len());
            }
            Decision::SetStatus(n, active) => {
                let Some(id) = person(n) else { return };
                let edit = Edit { active: Some(active), ..Edit::default() };
                self.house.store().set_person(id, &edit, now).unwrap();
            }
            Decision::Lock(n, field) => {
                let (Some(id), field) = (person(n), FIELDS[field % FIELDS.len()].to_owned()) else { return };
                let locking = Locking { fields: &[field], note: None };
                self.house.store().lock_person(id, &locking, now).unwrap();
            }
            Decision::Unlock(n) => {
                let locks: Vec<&(i64, String)> = moment.locks.iter().collect();
                let Some((id, field)) = nth(&locks, n) else { return };
                self.house.store().unlock_person(*id, std::slice::from_ref(field), now).unwrap();
            }
            Decision::Unpin(n) => {
                let pinned: Vec<i64> = people
                    .iter()
                    .copied()
                    .filter(|id| !self.house.store().person_pins(*id).unwrap().is_empty())
                    .collect();
                let Some(id) = nth(&pinned, n) else { return };
                let pins = self.house.store().person_pins(id).unwrap();
                self.house.store().unpin(&Unpinning { person: Some(id), pins: &pins }, now).unwrap();
                self.oracle.kept.retain(|(user, _), _| moment.links.get(user) != Some(&id));
            }
            Decision::Merge(a, b) => {
                let (Some(keep), Some(other)) = (person(a), person(b)) else { return };
                if keep == other || self.house.store().merge_people(Merging { keep, other }, now).is_err() {
                    return;
                }
                let both = [Some(&keep), Some(&other)];
                self.oracle.kept.retain(|(user, _), _| !both.contains(&moment.links.get(user)));
            }
            Decision::Unlink(n) => {
                let Some(id) = person(n) else { return };
                let links = self.house.store().links_of(id).unwrap();
                if !links.is_empty() {
                    self.house.store().unlink_person(id, &links, now).unwrap();
                }
            }
            Decision::Erase(n) => {
                let Some(id) = person(n) else { return };
                self.oracle.erased.extend(moment.users_of(id).into_iter().cloned());
                self.house.store().erase_person(id, now).unwrap();
            }
            Decision::Unerase(n) => {
                let erased: Vec<String> = self.oracle.erased.iter().cloned().collect();
                let Some(user) = nth(&erased, n) else { return };
                self.house.store().unerase(&user, now).unwrap();
                self.oracle.erased.remove(&user);
            }
            Decision::Undo(n) => self.undo(n, UndoOrder::default()),
            Decision::UndoOnly(n, outcome) => {
                let only = vec![OUTCOMES[outcome % OUTCOMES.len()]];
                self.undo(n, UndoOrder { only, ..UndoOrder::default() });
            }
            Decision::UndoPerson(n, who) => {
                self.undo(n, UndoOrder { person: person(who), ..UndoOrder::default() })
            }
            Decision::EnterAndHire | Decision::EnterANamesake(_) => {
                self.fresh += 1;
                let name = format!("fresh{}@contoso.example", self.fresh);
                if let Decision::EnterANamesake(n) = decision {
                    let Some(mail) = person(n).and_then(|id| moment.people[&id].text("email")) else {
                        return;
                    };
                    self.house.by_hand(&name, &[("email", &mail)], None);
                } else {
                    self.house.by_hand(&name, &[("office", "by hand"), ("department", "by hand")], None);
                }
                self.house.sim.change(|world| world.hire(&name, "Entered"));
            }
            Decision::Narrow | Decision::Widen => {
                let narrow = matches!(decision, Decision::Narrow);
                self.reshaped |= self.oracle.narrow != narrow;
                self.oracle.narrow = narrow;
                self.house.integration(|doc| match narrow {
                    true => doc.filter("department eq 'Sales'"),
                    false => doc.unset("filter"),
                });
            }
            Decision::Remap => {
                self.oracle.remapped = !self.oracle.remapped;
                self.reshaped = true;
                let source = if self.oracle.remapped { "\"officeLocation\"" } else { "\"jobTitle\"" };
                self.house.integration(|doc| doc.map("job_title", source));
            }
        }
        self.house.check();
        let (after, oracle) = (Moment::of(&self.house), &mut self.oracle);
        self.house.sim.look(|world| oracle.note(world, &after));
        if !matches!(decision, Decision::Narrow | Decision::Widen | Decision::Remap) {
            // Whoever has a hand in it decides anew.
            let after = Moment::of(&self.house);
            let changed = |user: &str| {
                let id = moment.links.get(user);
                id.is_none() || id != after.links.get(user)
            };
            self.oracle.kept.retain(|(user, _), _| !changed(user));
        }
    }

    fn undo(&mut self, n: usize, order: UndoOrder) {
        let Some(run) = nth(&self.runs, n) else { return };
        let before = Moment::of(&self.house);
        let order = UndoOrder { run, ..order };
        let Ok(report) = self.house.try_undo(&order) else { return };
        self.runs.push(report.run);
        let kind: String = {
            let sql = self.house.sql();
            sql.query_row("SELECT kind FROM run WHERE number = ?1", [run], |row| row.get(0)).unwrap()
        };
        let after = Moment::of(&self.house);
        let oracle = &mut self.oracle;
        if kind == "undo" {
            // An undo that is undone lifts what the first had pinned.
            let same = |id: &i64| before.people.get(id) == after.people.get(id);
            oracle.kept.retain(|(user, _), _| after.links.get(user).is_some_and(same));
        } else {
            self.house.sim.look(|world| oracle.keep(world, &before, &after));
        }
    }
}

type Night = (Vec<Move>, Trouble, Vec<Decision>);

fn story(people: usize, guarded: bool, nights: &[Night]) {
    let (world, _) = plain(people);
    let house = House::with(world, |doc| {
        let doc = doc.set("page-size", &PAGE.to_string());
        if guarded {
            doc.set("guard.deactivate", "{ count = 2 }").set("guard.clear", "{ count = 2 }")
        } else {
            doc.no_limits()
        }
    });
    let (oracle, runs) = (Oracle::default(), Vec::new());
    let mut stage = Stage { house, oracle, fresh: 0, runs, reshaped: true };
    stage.night(Trouble::None, "the first night");
    for (number, (moves, trouble, decisions)) in nights.iter().enumerate() {
        let fresh = &mut stage.fresh;
        stage.house.sim.change(|world| moves.iter().for_each(|it| make(world, *it, fresh)));
        stage.night(*trouble, &format!("night {number} with {trouble:?}"));
        for decision in decisions {
            stage.decide(*decision, &format!("{decision:?} after night {number}"));
        }
    }
    for number in 0..5 {
        stage.night(Trouble::None, &format!("quiet night {number}"));
    }
    let before = Moment::of(&stage.house);
    let last = stage.house.night();
    assert_eq!((last.changes(), last.newly_held, last.withdrawn), (0, 0, 0), "{:?}", last.causes);
    let after = Moment::of(&stage.house);
    assert_eq!(
        (before.people, before.links, before.locks, before.pins),
        (after.people, after.links, after.locks, after.pins)
    );
}

#[test]
fn whatever_people_decide_the_rules_hold() {
    let cases = std::env::var("USERLOAD_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(25);
    let seed = std::env::var("USERLOAD_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(13);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 12, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let moves = prop::collection::vec(prop_oneof![30 => moves(), 1 => Just(Move::Wave)], 0..10);
    let night = (moves, troubles(), prop::collection::vec(decisions(), 0..5));
    let nights = (25..45_usize, any::<bool>(), prop::collection::vec(night, 5));
    TestRunner::new_with_rng(config, rng)
        .run(&nights, |(people, guarded, nights)| {
            story(people, guarded, &nights);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
