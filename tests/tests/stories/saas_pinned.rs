//! An undo keeps a SaaS user as they were until the source says something else; not being listed says it too, when
//! the source was asked.

use graph_sim::{Action, On, Rule, Schedule};
use userload_tests::{Document, House};

use super::saas::{E3, deactivating, license, loaded, saas, silent};

/// Somebody whose licence came back, and of whom that was undone: inactive, with a licence all the same.
fn undone(change: impl FnOnce(&mut Document) -> &mut Document) -> (House, Vec<String>) {
    let (mut house, ids) = loaded(12, 10, change);
    house.sim.change(|world| license(world, &ids[3], &[]));
    assert_eq!(saas(&house.night()).deactivated, 1);
    house.sim.change(|world| license(world, &ids[3], &[E3]));
    let report = house.night();
    assert_eq!(saas(&report).reactivated, 1);
    house.undo(report.run);
    silent(&mut house);
    assert_eq!((is_user(&house, &ids[3]), pins(&house)), (false, 1));
    (house, ids)
}

fn is_user(house: &House, id: &str) -> bool {
    house.saas(id).unwrap().active
}

fn pins(house: &House) -> i64 {
    house.number("SELECT count(*) FROM saas_pin")
}

#[test]
fn whose_person_left_meanwhile_is_a_user_again() {
    let (mut house, ids) = undone(deactivating);
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    silent(&mut house);
    assert!(!house.active(&ids[3]));
    assert_eq!(pins(&house), 0, "the source has said something else");
    house.sim.change(|world| world.restore(&ids[3])).unwrap();
    house.night();
    house.night();
    assert!(house.active(&ids[3]) && is_user(&house, &ids[3]));
    silent(&mut house);
}

#[test]
fn who_is_deleted_is_a_user_again_when_restored_though_people_stay() {
    let (mut house, ids) = undone(|doc| deactivating(doc).set("deactivate", "false"));
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    // Without an answer nothing is known to be otherwise.
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    silent(&mut house);
    assert_eq!((pins(&house), house.holds().len()), (1, 0), "nothing is asked about who is inactive");
    silent(&mut house);
    assert_eq!(pins(&house), 0);
    house.sim.change(|world| world.restore(&ids[3])).unwrap();
    assert_eq!(saas(&house.night()).reactivated, 1);
    assert!(is_user(&house, &ids[3]));
    silent(&mut house);
}

#[test]
fn whom_the_listing_missed_is_kept_as_they_were() {
    let (mut house, ids) = undone(|doc| deactivating(doc).set("deactivate", "false"));
    // Purged: that alone decides nothing.
    let user = house.sim.look(|world| world.user(&ids[3]).unwrap().clone());
    house.sim.change(|world| world.purge(&ids[3])).unwrap();
    silent(&mut house);
    assert_eq!((pins(&house), house.holds().len()), (1, 0));
    house.sim.change(|world| world.add(user));
    silent(&mut house);
    assert_eq!((pins(&house), is_user(&house, &ids[3])), (1, false));
}
