//! One user of the source is one person, and one person is one user: whatever the hand, a second integration or
//! an undo makes of links.

use std::path::PathBuf;

use serde_json::value::RawValue;
use userload::model::{Millis, Outcome};
use userload::store::{Import, ImportRow, Store};
use userload::sync::{Progress, RunKind};
use userload_tests::{House, MINUTE, plain, upn};

fn loaded(count: usize) -> (House, Vec<String>) {
    House::loaded(count, |doc| doc.no_limits())
}

/// Nobody has two links of one integration, and no user two people.
fn one_each(house: &House) {
    let twice =
        "SELECT count(*) FROM (SELECT 1 FROM link GROUP BY tenant, integration, person HAVING count(*) > 1)";
    assert_eq!(house.number(twice), 0);
    let split = "SELECT count(*) FROM (SELECT 1 FROM link GROUP BY tenant, source_tenant, cloud, source_id
                   HAVING count(DISTINCT person) > 1)";
    assert_eq!(house.number(split), 0);
}

/// Two who are both missing are merged: one link stays, and whoever comes back is not ended by the other one.
#[test]
fn two_who_are_missing_are_merged_and_one_comes_back() {
    let (mut house, ids) = loaded(30);
    let back = house.sim.look(|world| world.user(&ids[1]).unwrap().clone());
    house.sim.change(|world| {
        world.purge(&ids[0]).unwrap();
        world.purge(&ids[1]).unwrap();
    });
    house.night();
    let (keep, other) = (house.of(&ids[0]).unwrap(), house.of(&ids[1]).unwrap());
    house.merge(&keep, &other).unwrap();
    one_each(&house);
    house.sim.change(|world| world.add(back));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        house.night();
        one_each(&house);
        statuses.push(house.of(&ids[1]).map(|it| it.active));
    }
    statuses.dedup();
    assert!(statuses.len() <= 2, "active and inactive by turns: {statuses:?}");
}

/// An undo of an unlink brings no second link to somebody who has another user by now.
#[test]
fn an_unlink_that_is_undone_later_brings_no_second_link() {
    let (mut house, ids) = loaded(12);
    let unlinked = house.unlink(&ids[0]);
    house.sim.change(|world| {
        world.delete(&ids[0]).unwrap();
        world.hire(&upn(0), "Person 0 again")
    });
    house.night();
    let again = house.named(&upn(0)).unwrap();
    one_each(&house);
    let report = house.undo(unlinked.run);
    one_each(&house);
    assert_eq!(House::kept(&report).len(), 1, "{:?}", report.causes);
    assert_eq!(house.named(&upn(0)).unwrap().id, again.id);
    house.night();
    assert!(house.named(&upn(0)).unwrap().active);
    assert_eq!(house.night().changes(), 0);
}

/// Both integrations begin with an empty directory, at the same time: what one of them staged while the other one
/// was applied is not applied over it.
#[test]
fn two_that_begin_at_once_make_nobody_twice() {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc.no_limits().set("priority", "1"));
    house.change("second", |doc| doc.no_limits().set("priority", "2").set("match-keys", "[]")).unwrap();
    let plan = house.plan();
    house.now += MINUTE;
    house.sync("second");
    assert_eq!(house.people().len(), 20);
    let report = house.try_apply(plan.run, false).unwrap();
    assert_eq!((house.people().len(), report.count(Outcome::Created)), (20, 0), "{:?}", report.outcomes);
    one_each(&house);
    house.night();
    assert_eq!((house.people().len(), house.number("SELECT count(*) FROM link")), (20, 40));
    one_each(&house);
    assert!(ids.iter().all(|id| house.active(id)));
    assert_eq!(house.night().changes(), 0);
}

/// Enters somebody by hand when a run is about to be applied.
struct Meddler(PathBuf, Millis);

impl Progress for Meddler {
    fn stage(&self, name: &str, _total: Option<u64>) {
        if name != "apply" {
            return;
        }
        let mut store = Store::open_known(&self.0, "default").unwrap();
        let text = |text: &str| RawValue::from_string(serde_json::Value::from(text).to_string()).unwrap();
        let fields =
            [("username", "entered@contoso.example"), ("email", &upn(3)), ("access_role", "Employee")];
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        let rows = vec![ImportRow { line: 2, fields, active: None }];
        store.import_people(&Import { file: "people.csv".to_owned(), rows }, self.1).unwrap();
    }
    fn advance(&self, _people: u64) {}
    fn note(&self, _text: &str) {}
}

/// The same for somebody who is entered by hand while a first run is under way.
#[test]
fn who_is_entered_while_a_run_is_under_way_is_not_made_twice() {
    let (world, _) = plain(20);
    let mut house = House::with(world, |doc| doc.no_limits());
    let meddler: &Meddler = Box::leak(Box::new(Meddler(house.store_path(), house.now)));
    let report = house
        .job("entra", |job| {
            job.progress = meddler;
            userload::sync::run(job, RunKind::Sync)
        })
        .unwrap()
        .unwrap();
    assert_eq!((report.count(Outcome::Created), house.people().len()), (19, 20), "{:?}", report.outcomes);
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), house.people().len()), (1, 20), "{:?}", report.outcomes);
    one_each(&house);
}

/// A decision is about a link. Who takes the link away is asked again, and the status that a hand has set stays.
#[test]
fn what_was_decided_ends_with_the_link() {
    let (mut world, _) = plain(5);
    let id = world.hire("two@contoso.example", "Two");
    world.update_text(&id, "mail", "both@contoso.example").unwrap();
    let mut house = House::with(world, |doc| doc.no_limits());
    house.by_hand("one.a@contoso.example", &[("email", "both@contoso.example")], None);
    house.by_hand("one.b@contoso.example", &[("email", "both@contoso.example")], None);
    house.night();
    assert_eq!(house.held(&id), ["ambiguous"]);
    house.decide(&id, Some("one.a@contoso.example")).unwrap();
    let person = house.of(&id).unwrap();
    house.unlink(&id);
    house.end(person.id);
    for _ in 0..2 {
        let report = house.night();
        assert_eq!(report.count(Outcome::Reactivated), 0, "{:?}", report.causes);
    }
    let after = house.people().into_iter().find(|it| it.id == person.id).unwrap();
    assert!(!after.active);
}

/// Where deactivation is off nobody is asked about, so that silence of a listing is no word of the source: another
/// integration does not end somebody whom this one may still have.
#[test]
fn who_is_only_missing_from_a_listing_that_asks_nobody_is_not_ended_by_another() {
    let (world, ids) = plain(20);
    let mut house = House::with(world, |doc| doc.no_limits().set("priority", "1"));
    house.change("quiet", |doc| doc.no_limits().set("priority", "2").set("deactivate", "false")).unwrap();
    house.night();
    house.sync("quiet");
    house.sim.change(|world| world.delete(&ids[0])).unwrap();
    house.now += MINUTE;
    house.sync("quiet");
    let report = house.night();
    assert_eq!(report.count(Outcome::Deactivated), 0, "{:?}", report.causes);
    assert!(house.active(&ids[0]));
}
