//! SaaS users whom a listing did not return are asked about by id; and an answer of somebody in charge is good
//! for as long as what it was about.

use graph_sim::{Action, On, Rule, Schedule};
use userload::sync::SaasPass;
use userload_tests::{Document, House};

use super::saas::{E3, deactivating, license, loaded, saas, silent};

const CAUSE: &str = "saas-deactivate:Microsoft Entra ID";

/// People stay whatever the source says of them; SaaS users do not.
fn people_stay(document: &mut Document) -> &mut Document {
    deactivating(document).set("deactivate", "false")
}

fn counts(told: &SaasPass) -> (u64, u64) {
    (told.deactivated, told.held)
}

fn is_user(house: &House, id: &str) -> bool {
    house.saas(id).unwrap().active
}

fn hold(house: &House, id: &str) -> i64 {
    house.number(&format!("SELECT id FROM hold WHERE state = 'open' AND source_id = '{id}'"))
}

#[test]
fn whoever_vanishes_is_asked_about_by_id_though_people_stay() {
    let (mut house, ids) = loaded(30, 30, people_stay);
    house.sim.change(|world| {
        world.delete(&ids[0]).unwrap();
        world.purge(&ids[1]).unwrap();
    });
    house.sim.clear_journal();
    let report = house.night();
    assert_eq!(counts(&saas(&report)), (1, 1), "deleted is an answer; not found alone decides nothing");
    assert!(house.sim.journal().iter().any(|it| it.target.contains("$batch")), "the source was asked");
    assert!(house.active(&ids[0]) && house.active(&ids[1]), "people stay");
    assert!(!is_user(&house, &ids[0]) && is_user(&house, &ids[1]));
    assert_eq!((report.newly_held, house.held(&ids[1])), (1, vec![CAUSE.to_owned()]));
    assert!(report.held[0].reason.contains("not found at the source"), "{}", report.held[0].reason);
    let next = silent(&mut house);
    assert_eq!((next.newly_held, next.withdrawn, house.holds().len()), (0, 0, 1));
    // Somebody says yes, and the next night does it.
    let (yes, now) = (hold(&house, &ids[1]), house.now);
    house.store().approve_for_next_run(&[yes], now).unwrap();
    assert_eq!(counts(&saas(&house.night())), (1, 0));
    assert!(!is_user(&house, &ids[1]));
    silent(&mut house);
}

#[test]
fn without_an_answer_they_wait_and_with_one_they_do_not() {
    let (mut house, ids) = loaded(30, 30, people_stay);
    house.sim.change(|world| ids[..3].iter().for_each(|id| world.delete(id).unwrap()));
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    let report = house.night();
    assert_eq!((counts(&saas(&report)), report.newly_held), ((0, 3), 3));
    assert!(report.held[0].reason.contains("gave no answer"), "{}", report.held[0].reason);
    house.sim.change(|world| world.restore(&ids[0])).unwrap();
    // One said yes to goes on waiting while the source gives no answer, and asks nothing anew.
    let (yes, now) = (hold(&house, &ids[1]), house.now);
    house.store().approve_for_next_run(&[yes], now).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(500)).always()));
    let report = silent(&mut house);
    assert_eq!((report.newly_held, report.withdrawn, house.holds().len()), (0, 1, 1));
    assert_eq!(counts(&saas(&house.night())), (1, 1), "what waits goes on waiting");
    assert!(is_user(&house, &ids[0]) && !is_user(&house, &ids[1]) && is_user(&house, &ids[2]));
    silent(&mut house);
}

#[test]
fn whom_the_listing_missed_stays_though_nobody_is_linked_to_them() {
    let (mut house, ids) = loaded(203, 203, |doc| deactivating(doc).filter("department eq 'Sales'"));
    house.trouble(
        Schedule::one(Rule::new(On::UsersCount, Action::WrongCount { n: 200 }))
            .and(Rule::new(On::Saas, Action::CutListing).page(2)),
    );
    let report = silent(&mut house);
    let told = saas(&report);
    assert_eq!((told.complete, told.read, told.held), (true, 200, 0), "{told:?}");
    assert!(is_user(&house, &ids[200]) && is_user(&house, &ids[201]) && is_user(&house, &ids[202]));
    assert!(
        report.notes.iter().any(|it| it.starts_with("3 SaaS users were not in their listing")),
        "{:?}",
        report.notes
    );
    silent(&mut house);
}

#[test]
fn the_first_run_after_another_filter_ends_no_saas_user_by_itself() {
    let (mut house, ids) = loaded(20, 20, deactivating);
    house.integration(|doc| doc.map("city", "\"city\""));
    house.sim.change(|world| license(world, &ids[0], &[]));
    let report = house.night();
    assert_eq!((counts(&saas(&report)), report.newly_held), ((0, 1), 1));
    assert_eq!(report.held[0].reason, "filter, mapping or match keys have changed since the last run");
    // Only the first: the next who leaves is one of few.
    house.sim.change(|world| license(world, &ids[1], &[]));
    let next = house.night();
    assert_eq!((counts(&saas(&next)), next.newly_held), ((1, 1), 0));
    silent(&mut house);
}

#[test]
fn an_answer_ends_with_what_it_was_about() {
    let (mut house, ids) = loaded(30, 30, deactivating);
    let without =
        |house: &House| house.sim.change(|world| ids[..6].iter().for_each(|id| license(world, id, &[])));
    let with =
        |house: &House| house.sim.change(|world| ids[..6].iter().for_each(|id| license(world, id, &[E3])));
    without(&house);
    assert_eq!(house.night().newly_held, 6);
    let (yes, no, now) = (hold(&house, &ids[1]), hold(&house, &ids[2]), house.now);
    house.store().approve_for_next_run(&[yes], now).unwrap();
    house.store().reject_holds("entra", &[no], now).unwrap();
    // A plan is no run: what it sees ends nothing.
    with(&house);
    house.plan();
    without(&house);
    let report = house.plan();
    assert_eq!((saas(&report).deactivated, saas(&report).held), (1, 4));
    with(&house);
    assert_eq!(silent(&mut house).withdrawn, 4);
    // Months later they leave once more: that is another question, for all of them.
    house.nights(2);
    without(&house);
    let report = house.night();
    assert_eq!((counts(&saas(&report)), report.newly_held), ((0, 6), 6));
    assert!(is_user(&house, &ids[1]));
    assert_eq!(silent(&mut house).newly_held, 0);
}

#[test]
fn what_was_approved_uses_up_nothing_of_the_limit_here_either() {
    let (mut house, ids) = loaded(30, 30, deactivating);
    house.sim.change(|world| ids[..6].iter().for_each(|id| license(world, id, &[])));
    house.night();
    let (all, now): (Vec<i64>, _) = (house.holds().iter().map(|it| it.id).collect(), house.now);
    house.store().approve_for_next_run(&all, now).unwrap();
    assert_eq!(counts(&saas(&house.night())), (6, 0));
    house.sim.change(|world| license(world, &ids[6], &[]));
    assert_eq!(counts(&saas(&house.sync("entra"))), (1, 0));
    silent(&mut house);
}
