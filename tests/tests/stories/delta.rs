//! Reading changes instead of everybody: each of Graph's warnings about it, and the night after.

use graph_sim::{Action, On, Rule, Schedule};
use userload::model::Outcome;
use userload::sync::{RunReport, Wanted};
use userload_tests::{House, plain};

/// Thirty people, loaded, with a point from which changes can be read.
fn thirty() -> (House, Vec<String>) {
    let (mut world, ids) = plain(30);
    world.delta_page = 3;
    let mut house = House::with(world, |doc| doc.set("delta", "true"));
    let first = house.night();
    assert!(!first.changes_only() && first.completeness.complete);
    house.sim.clear_journal();
    (house, ids)
}

/// Pages of the listing, pages of changes, batches, since the journal was cleared.
fn asked(house: &House) -> (usize, usize, usize) {
    let journal = house.sim.journal();
    let count = |part: &str| journal.iter().filter(|it| it.target.contains(part)).count();
    (count("/v1.0/users?"), count("/users/delta"), count("$batch"))
}

fn why(report: &RunReport) -> &str {
    report.reading.as_ref().and_then(|it| it.why.as_deref()).unwrap_or_default()
}

#[test]
fn a_change_has_what_changed_and_everything_else_stays() {
    let (mut house, ids) = thirty();
    let before = house.of(&ids[4]).unwrap();
    house.sim.change(|world| {
        world.update_text(&ids[4], "jobTitle", "Pilot").unwrap();
        world.update(&ids[5], "department", "null").unwrap();
    });
    let report = house.night();
    assert!(report.changes_only(), "{:?}", report.reading);
    assert_eq!(report.count(Outcome::Updated), 2, "{:?}", report.outcomes);
    assert_eq!(asked(&house).0, 0, "nobody is listed");
    let after = house.of(&ids[4]).unwrap();
    assert_eq!(after.text("job_title").as_deref(), Some("Pilot"));
    assert_eq!(after.text("department"), before.text("department"), "not named: as it was");
    assert_eq!(house.text(&ids[5], "department"), None, "null: cleared");
    // The next night nothing is new; what comes again changes nobody.
    let next = house.night();
    assert!(next.changes_only());
    assert_eq!((next.changes(), next.newly_held), (0, 0), "{:?}", next.causes);
}

#[test]
fn whom_the_changes_do_not_name_is_not_absent() {
    let (mut house, ids) = thirty();
    for _ in 0..3 {
        let quiet = house.night();
        assert!(quiet.changes_only() && quiet.completeness.complete);
        assert_eq!((quiet.absent, quiet.changes()), (0, 0));
    }
    assert!(ids.iter().all(|id| house.active(id)));
    assert_eq!(asked(&house).2, 0, "nobody is asked about");
}

#[test]
fn new_people_are_read_whole() {
    let (mut house, _) = thirty();
    let id = house.sim.change(|world| {
        let id = world.hire("new@contoso.example", "New");
        world.update_text(&id, "department", "Law").unwrap();
        id
    });
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!(report.count(Outcome::Created), 1);
    assert_eq!(house.text(&id, "department").as_deref(), Some("Law"));
    let next = house.night();
    assert_eq!((next.changes_only(), next.changes()), (true, 0));
}

#[test]
fn removed_is_confirmed_and_a_restored_one_comes_back() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!((report.absent, report.count(Outcome::Deactivated)), (1, 1));
    assert_eq!(house.said(&ids[3]), "deactivated: deleted at the source on 2026-11-23T06:00:00Z");
    house.sim.clear_journal();
    let next = house.night();
    assert_eq!((next.changes(), next.absent), (0, 0), "settled");
    house.sim.change(|world| world.restore(&ids[3])).unwrap();
    let back = house.night();
    assert!(back.changes_only());
    assert_eq!(back.count(Outcome::Reactivated), 1);
    assert!(house.active(&ids[3]));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn removed_and_there_again_before_the_question_is_nobody_gone() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    house.sim.change(|world| world.restore(&ids[3])).unwrap();
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!((report.absent, report.changes()), (0, 0), "{:?}", report.causes);
    assert!(house.active(&ids[3]));
}

#[test]
fn purged_is_the_sources_own_word() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.purge(&ids[3])).unwrap();
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!(report.count(Outcome::Deactivated), 1);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn without_an_answer_nobody_is_deactivated_and_the_question_comes_again() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    house.trouble(Schedule::one(Rule::new(On::Batch, Action::status(403)).always()));
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!((report.count(Outcome::Deactivated), report.newly_held), (0, 1));
    assert!(house.active(&ids[3]));
    // The source does not name them a second time: the house asks by itself.
    let next = house.night();
    assert!(next.changes_only());
    assert_eq!((next.count(Outcome::Deactivated), house.holds().len()), (1, 0), "answered now");
    assert!(!house.active(&ids[3]));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_token_that_is_gone_leads_to_a_listing_in_the_same_night() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| {
        world.update_text(&ids[4], "jobTitle", "Pilot").unwrap();
        world.forget_changes();
        world.update_text(&ids[6], "jobTitle", "Cook").unwrap();
    });
    let report = house.night();
    assert!(!report.changes_only());
    assert_eq!(why(&report), "the source does not know any more what has changed since");
    assert_eq!(report.count(Outcome::Updated), 2);
    let next = house.night();
    assert!(next.changes_only(), "from the new point on");
    assert_eq!(next.changes(), 0);
}

#[test]
fn what_changes_during_a_listing_is_told_afterwards() {
    let (mut house, ids) = thirty();
    house.integration(|doc| doc.set("listing-days", "30"));
    let listed = house.night();
    assert_eq!(why(&listed), "the integration, its credential or the plugin has changed since the last run");
    house.sim.change(|world| world.update_text(&ids[1], "jobTitle", "Pilot")).unwrap();
    assert_eq!(house.night().count(Outcome::Updated), 1);
}

#[test]
fn a_changed_mapping_or_filter_lists_everybody() {
    let (mut house, _) = thirty();
    house.integration(|doc| doc.map("job_title", "\"officeLocation\""));
    assert!(!house.night().changes_only());
    assert!(house.night().changes_only());
    house.integration(|doc| doc.filter("department eq 'Sales'"));
    assert!(!house.night().changes_only());
    let never = house.night();
    assert!(!never.changes_only());
    let next = never.reading.unwrap().next.unwrap();
    assert!(next.contains("has a filter"), "{next}");
}

#[test]
fn what_was_planned_and_not_applied_is_read_again() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.update_text(&ids[4], "jobTitle", "Pilot")).unwrap();
    let plan = house.plan();
    assert!(plan.changes_only());
    assert_eq!(plan.count(Outcome::Updated), 1);
    let again = house.plan();
    assert_eq!((again.changes_only(), again.count(Outcome::Updated)), (true, 1));
    assert_eq!(house.apply(&again).count(Outcome::Updated), 1);
    assert_eq!(house.text(&ids[4], "job_title").as_deref(), Some("Pilot"));
    let next = house.night();
    assert_eq!((next.changes_only(), next.changes()), (true, 0));
}

#[test]
fn a_record_that_fails_is_looked_at_until_it_does_not() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.update(&ids[4], "department", "1")).unwrap();
    let expected = {
        let (world, twins) = plain(30);
        let mut twin = House::new(world);
        twin.night();
        twin.sim.change(|world| world.update(&twins[4], "department", "1")).unwrap();
        let report = twin.night();
        (report.count(Outcome::Failed), report.count(Outcome::Updated))
    };
    for night in 0..2 {
        let report = house.night();
        assert!(report.changes_only());
        assert_eq!(report.count(Outcome::Failed), expected.0, "night {night}");
    }
    house.sim.change(|world| world.update_text(&ids[4], "department", "Law")).unwrap();
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!(house.text(&ids[4], "department").as_deref(), Some("Law"));
}

#[test]
fn what_waits_is_kept_waiting_and_what_is_undone_stays_undone() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| ids[..8].iter().for_each(|id| world.disable(id).unwrap()));
    let held = house.night();
    assert!(held.changes_only());
    assert_eq!((held.newly_held, held.count(Outcome::Deactivated)), (8, 0));
    let next = house.night();
    assert!(next.changes_only());
    assert_eq!((next.newly_held, next.withdrawn, next.changes()), (0, 0, 0));
    assert_eq!(house.holds().len(), 8);
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    assert_eq!(house.night().withdrawn, 1, "came back");
    // An undo pins: the next night looks again, and does not do it again.
    house.sim.change(|world| world.update_text(&ids[20], "jobTitle", "Pilot")).unwrap();
    let done = house.night();
    assert_eq!(done.count(Outcome::Updated), 1);
    let order = userload::store::UndoOrder { run: done.run, ..Default::default() };
    house.try_undo(&order).unwrap();
    assert_eq!(house.text(&ids[20], "job_title"), None);
    let next = house.night();
    assert!(next.changes_only());
    assert_eq!((next.changes(), house.text(&ids[20], "job_title")), (0, None));
}

#[test]
fn a_hand_edit_is_written_over_the_next_night_as_by_a_listing() {
    let (mut house, ids) = thirty();
    house.by_hand("p4@contoso.example", &[("department", "By hand")], None);
    assert_eq!(house.text(&ids[4], "department").as_deref(), Some("By hand"));
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!(report.count(Outcome::Updated), 1);
    assert_eq!(house.text(&ids[4], "department").as_deref(), Some("IT"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn the_grace_counts_in_nights_that_read_changes() {
    let (world, ids) = plain(30);
    let mut house = House::with(world, |doc| doc.set("delta", "true"));
    house.night();
    house.sim.change(|world| world.purge(&ids[4])).unwrap();
    house.wanted = Wanted::Listing;
    assert_eq!(house.night().count(Outcome::Waiting), 1);
    house.wanted = Wanted::Usual;
    // The first round names them as removed for good; before that it was the listing that missed them.
    let report = house.night();
    assert!(report.changes_only());
    assert_eq!(report.count(Outcome::Waiting) + report.count(Outcome::Deactivated), 1);
    house.nights(3);
    assert!(!house.active(&ids[4]));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_listing_proves_the_changes_and_heals_what_they_missed() {
    let (mut house, ids) = thirty();
    house.sim.change(|world| world.update_text(&ids[4], "jobTitle", "Pilot")).unwrap();
    assert!(house.night().changes_only());
    house.wanted = Wanted::Listing;
    let proof = house.night().reading.unwrap().parity.unwrap();
    assert_eq!((proof.people, proof.properties.len()), (0, 0));
    house.wanted = Wanted::Usual;
    house.sim.change(|world| world.update_text(&ids[4], "jobTitle", "Cook")).unwrap();
    assert!(house.night().changes_only());
    // A change that the source never tells.
    house
        .sim
        .change(|world| world.untold(|world| world.update_text(&ids[9], "officeLocation", "Bern")))
        .unwrap();
    assert_eq!(house.night().changes(), 0);
    assert!(house.nights(4).changes_only());
    let listed = house.night();
    assert_eq!(why(&listed), "the last listing of everybody is 7 days old");
    let proof = listed.reading.clone().unwrap().parity.unwrap();
    assert_eq!((proof.people, proof.samples), (1, vec![ids[9].clone()]));
    assert_eq!(proof.properties, ["officeLocation"]);
    assert_eq!(house.text(&ids[9], "office").as_deref(), Some("Bern"));
    let next = house.night();
    assert_eq!((next.changes_only(), next.changes()), (true, 0));
}

#[test]
fn changes_are_refused_where_they_cannot_be_read() {
    let (world, _) = plain(5);
    let mut house = House::new(world);
    house.night();
    house.wanted = Wanted::Changes;
    let (error, _) = house.fails();
    assert!(
        error.to_string().starts_with("changes cannot be read: no applied run has left a point"),
        "{error}"
    );
}

#[test]
fn an_incomplete_listing_leaves_no_point() {
    let (mut house, _) = thirty();
    house.wanted = Wanted::Listing;
    house.trouble(Schedule::one(Rule::new(On::UsersCount, Action::WrongCount { n: 99 })));
    assert!(!house.night().completeness.complete);
    house.wanted = Wanted::Usual;
    assert!(!house.night().changes_only());
    assert!(house.night().changes_only());
}
