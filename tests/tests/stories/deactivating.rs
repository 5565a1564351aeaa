//! Deactivating and reactivating, and the three modes.

use userload::model::Outcome;
use userload_tests::{House, plain, upn};

fn twenty(
    change: impl FnOnce(&mut userload_tests::Document) -> &mut userload_tests::Document,
) -> (House, Vec<String>) {
    let (world, ids) = plain(20);
    let mut house = House::with(world, change);
    house.night();
    (house, ids)
}

#[test]
fn a_disabled_account_is_deactivated_at_once_and_comes_back() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| world.disable(&ids[3])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[3]), "deactivated: disabled at the source");
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[3]), "reactivated: enabled at the source again");
    assert_eq!(house.of(&ids[3]).unwrap().ended_by, None);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn fields_go_on_flowing_while_somebody_is_inactive() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| {
        world.disable(&ids[3]).unwrap();
        world.update_text(&ids[3], "department", "Gone").unwrap();
    });
    house.night();
    assert_eq!(house.said(&ids[3]), "deactivated: disabled at the source; department differs");
    assert_eq!(house.text(&ids[3], "department").as_deref(), Some("Gone"));
    house.sim.change(|world| world.update_text(&ids[3], "department", "Still gone")).unwrap();
    house.night();
    assert_eq!(house.said(&ids[3]), "updated: department differs");
    assert!(!house.active(&ids[3]));
}

#[test]
fn new_and_disabled_is_created_inactive_and_no_deactivation() {
    let (mut house, _) = twenty(|doc| doc);
    let new = house.sim.change(|world| {
        let new = world.hire("new@contoso.example", "New");
        world.disable(&new).unwrap();
        new
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Deactivated)), (1, 0));
    assert_eq!(house.said(&new), "created: new at the source, disabled there: created inactive");
    assert!(!house.active(&new));
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.enable(&new)).unwrap();
    house.night();
    assert_eq!(house.said(&new), "reactivated: enabled at the source again");
}

#[test]
fn new_and_disabled_can_be_skipped() {
    let (mut house, _) = twenty(|doc| doc.set("disabled-new", "\"skip\""));
    let new = house.sim.change(|world| {
        let new = world.hire("new@contoso.example", "New");
        world.disable(&new).unwrap();
        new
    });
    for _ in 0..2 {
        house.night();
        assert_eq!(house.said(&new), "skipped: new, and disabled at the source; disabled-new is skip");
    }
    house.sim.change(|world| world.enable(&new)).unwrap();
    assert_eq!(house.night().count(Outcome::Created), 1);
}

#[test]
fn restored_within_thirty_days_is_the_same_person() {
    let (mut house, ids) = twenty(|doc| doc);
    let before = house.of(&ids[3]).unwrap();
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    house.nights(4);
    assert!(!house.active(&ids[3]));
    house.sim.change(|world| world.restore(&ids[3])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[3]), "reactivated: back at the source");
    let after = house.of(&ids[3]).unwrap();
    assert_eq!((after.id, after.fields, after.active), (before.id, before.fields, true));
    assert_eq!(house.people().len(), 20);
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1, "a second time as well");
}

#[test]
fn restored_but_disabled_stays_inactive() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    house.night();
    house.sim.change(|world| {
        world.restore(&ids[3]).unwrap();
        world.disable(&ids[3]).unwrap();
    });
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    house.night();
    assert!(house.active(&ids[3]));
}

#[test]
fn deactivated_by_hand_stays_so_while_enabled_at_the_source() {
    let (mut house, ids) = twenty(|doc| doc);
    house.by_hand(&upn(3), &[], Some(false));
    for _ in 0..3 {
        let report = house.night();
        assert_eq!((report.changes(), report.count(Outcome::Kept)), (0, 1));
        assert_eq!(house.said(&ids[3]), "kept: inactive by hand while enabled at the source");
    }
    // The source itself goes from disabled to enabled: that is news.
    house.sim.change(|world| world.disable(&ids[3])).unwrap();
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    house.night();
    assert_eq!(house.said(&ids[3]), "reactivated: enabled at the source again");
}

#[test]
fn reactivated_by_hand_is_deactivated_again_while_disabled_at_the_source() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| world.disable(&ids[3])).unwrap();
    house.night();
    house.by_hand(&upn(3), &[], Some(true));
    house.night();
    assert_eq!(house.said(&ids[3]), "deactivated: disabled at the source", "a lock keeps it, not an edit");
}

#[test]
fn reactivated_by_hand_after_a_deletion_is_asked_about_again() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| world.delete(&ids[3])).unwrap();
    house.night();
    house.by_hand(&upn(3), &[], Some(true));
    house.night();
    assert!(!house.active(&ids[3]), "deleted at the source, and linked: {}", house.said(&ids[3]));
}

#[test]
fn always_reactivates_whom_a_hand_deactivated() {
    let (mut house, ids) = twenty(|doc| doc.set("reactivate", "\"always\""));
    house.by_hand(&upn(3), &[], Some(false));
    house.night();
    assert_eq!(house.said(&ids[3]), "reactivated: enabled at the source");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn never_reactivates_nobody() {
    let (mut house, ids) = twenty(|doc| doc.set("reactivate", "\"never\""));
    house.sim.change(|world| world.disable(&ids[3])).unwrap();
    house.night();
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    for _ in 0..2 {
        assert_eq!(house.night().changes(), 0);
        assert_eq!(house.said(&ids[3]), "kept: inactive while enabled at the source; reactivate is never");
    }
}

#[test]
fn with_deactivation_off_nobody_is_reactivated() {
    let (mut house, ids) = twenty(|doc| doc);
    house.sim.change(|world| world.disable(&ids[3])).unwrap();
    house.night();
    house.integration(|doc| doc.set("deactivate", "false"));
    house.sim.change(|world| world.enable(&ids[3])).unwrap();
    for _ in 0..2 {
        assert_eq!(house.night().changes(), 0);
        assert_eq!(
            house.said(&ids[3]),
            "kept: inactive while enabled at the source; deactivate is off, so nobody is reactivated"
        );
    }
    house.integration(|doc| doc.set("deactivate", "true"));
    assert_eq!(house.night().count(Outcome::Reactivated), 1);
}

#[test]
fn create_only_creates_links_and_writes_nothing() {
    let (world, ids) = plain(5);
    let mut house = House::with(world, |doc| doc.set("mode", "\"create-only\"").set("deactivate", "false"));
    house.by_hand(&upn(0), &[("department", "By hand")], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), report.count(Outcome::Adopted)), (4, 1));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("By hand"));
    assert_eq!(house.text(&ids[0], "display_name"), None, "matched: linked, nothing is written");
    house.sim.change(|world| {
        world.update_text(&ids[1], "department", "Moved").unwrap();
        world.disable(&ids[2]).unwrap();
        world.delete(&ids[3]).unwrap();
        world.hire("new@contoso.example", "New");
    });
    let next = house.night();
    assert_eq!((next.count(Outcome::Created), next.changes()), (1, 1));
    assert_eq!(house.said(&ids[1]), "skipped: mode is create-only");
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("IT"));
    let refused = house.change("entra", |doc| doc.set("deactivate", "true")).unwrap_err();
    assert!(refused.contains("create-only"), "{refused}");
}

#[test]
fn update_only_creates_nobody_and_adopts() {
    let (world, ids) = plain(5);
    let mut house = House::with(world, |doc| doc.set("mode", "\"update-only\""));
    house.by_hand(&upn(0), &[], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), report.count(Outcome::Skipped)), (1, 4));
    assert_eq!(house.said(&ids[1]), "skipped: mode is update-only");
    assert_eq!(house.text(&ids[0], "display_name").as_deref(), Some("Person 0"));
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    assert_eq!(house.night().count(Outcome::Deactivated), 1);
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    assert_eq!(house.night().count(Outcome::Reactivated), 1);
    assert_eq!(house.people().len(), 1);
}
