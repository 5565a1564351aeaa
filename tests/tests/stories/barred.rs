//! Locks, pins and tombstones: what a run may not do, whatever the source says.

use userload::model::Outcome;
use userload_tests::{House, plain, upn};

fn twenty() -> (House, Vec<String>) {
    let (world, ids) = plain(20);
    let mut house = House::new(world);
    house.night();
    (house, ids)
}

/// What the hand's commands leave in the store.
fn by_hand(house: &House, sql: &str) {
    rusqlite::Connection::open(house.store_path()).unwrap().execute_batch(sql).unwrap();
}

fn lock(house: &House, id: &str, field: &str) {
    by_hand(
        house,
        &format!(
            "INSERT INTO lock SELECT 1, person, '{field}', NULL, 1, 0 FROM link WHERE source_id = '{id}';
             UPDATE person SET version = version + 1 WHERE id = (SELECT person FROM link WHERE source_id = '{id}');"
        ),
    );
}

fn unlock(house: &House, id: &str) {
    by_hand(
        house,
        &format!(
            "DELETE FROM lock WHERE person = (SELECT person FROM link WHERE source_id = '{id}');
             UPDATE person SET version = version + 1 WHERE id = (SELECT person FROM link WHERE source_id = '{id}');"
        ),
    );
}

#[test]
fn a_locked_field_is_kept_and_the_others_flow() {
    let (mut house, ids) = twenty();
    lock(&house, &ids[0], "department");
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.update_text(&ids[0], "jobTitle", "Chief").unwrap();
    });
    assert_eq!(house.night().count(Outcome::Updated), 1);
    assert_eq!(house.row(&ids[0]).unwrap().not_applied.as_deref(), Some(r#"["department: locked"]"#));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    assert_eq!(house.text(&ids[0], "job_title").as_deref(), Some("Chief"));
    house.night();
    assert_eq!(house.said(&ids[0]), "kept: department: locked");
    unlock(&house, &ids[0]);
    assert_eq!(house.night().count(Outcome::Updated), 1, "the same record is looked at again");
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Tax"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_locked_status_is_kept_when_disabled_deleted_or_unknown() {
    let (mut house, ids) = twenty();
    ids[..3].iter().for_each(|id| lock(&house, id, "status"));
    house.sim.change(|world| {
        world.disable(&ids[0]).unwrap();
        world.delete(&ids[1]).unwrap();
        world.purge(&ids[2]).unwrap();
    });
    for _ in 0..5 {
        let report = house.night();
        assert_eq!((report.changes(), report.count(Outcome::Kept)), (0, 3));
        assert!(ids[..3].iter().all(|id| house.said(id).ends_with("; the status is locked")));
    }
    ids[..3].iter().for_each(|id| unlock(&house, id));
    house.nights(3);
    assert!(ids[..3].iter().all(|id| !house.active(id)));
}

#[test]
fn a_locked_person_is_not_touched_at_all() {
    let (mut house, ids) = twenty();
    lock(&house, &ids[0], "");
    house.sim.change(|world| {
        world.rename(&ids[0], "other@contoso.example").unwrap();
        world.disable(&ids[0]).unwrap();
    });
    for _ in 0..2 {
        assert_eq!(house.night().changes(), 0);
        assert_eq!((house.active(&ids[0]), house.of(&ids[0]).unwrap().username()), (true, upn(0)));
    }
    // Their name stays theirs.
    let joiner = house.sim.change(|world| world.hire(&upn(0), "Joiner"));
    house.night();
    assert!(house.of(&joiner).is_none(), "{}", house.said(&joiner));
    // A lock that comes while a question stands is an answer to it.
    unlock(&house, &ids[0]);
    house.integration(|doc| doc.map("city", "\"city\""));
    house.night();
    assert_eq!(house.held(&ids[0]), ["deactivate:disabled"]);
    lock(&house, &ids[0], "");
    house.night();
    assert!(house.held(&ids[0]).is_empty() && house.active(&ids[0]));
}

#[test]
fn an_undone_value_and_an_undone_status_stay_undone() {
    let (mut house, ids) = twenty();
    let pin = |house: &House, id: &str, field: &str, value: &str| {
        by_hand(
            house,
            &format!(
                "INSERT INTO pin (tenant, integration, source_id, person, field, source_value, reason, run, at)
                   SELECT 1, 'entra', source_id, person, '{field}', {value}, 'undone in run 1', 1, 0
                   FROM link WHERE source_id = '{id}';
                 UPDATE link SET open = 1 WHERE source_id = '{id}';"
            ),
        );
    };
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Tax").unwrap();
        world.disable(&ids[1]).unwrap();
        world.delete(&ids[2]).unwrap();
    });
    pin(&house, &ids[0], "department", "'\"Tax\"'");
    pin(&house, &ids[1], "status", "'disabled'");
    pin(&house, &ids[2], "status", "'deleted'");
    for _ in 0..3 {
        let report = house.night();
        assert_eq!((report.changes(), report.count(Outcome::Kept)), (0, 3), "{report:#?}");
    }
    assert_eq!(house.said(&ids[0]), "kept: department: undone in run 1");
    assert!(house.said(&ids[2]).ends_with("; the status is undone in run 1"));
    // Another word, another answer.
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Law").unwrap();
        world.delete(&ids[1]).unwrap();
        world.restore(&ids[2]).unwrap();
    });
    house.night();
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Law"));
    assert!(!house.active(&ids[1]) && house.active(&ids[2]));
    assert_eq!(house.number("SELECT count(*) FROM pin"), 0);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn whom_somebody_erased_no_run_makes_again() {
    let (mut house, _) = twenty();
    let id = house.sim.change(|world| world.hire("erased@contoso.example", "Erased"));
    by_hand(&house, &format!("INSERT INTO tombstone VALUES (1, '{id}', 'x', 0)"));
    for _ in 0..2 {
        assert_eq!(house.night().count(Outcome::Skipped), 1);
        assert_eq!(house.said(&id), format!("skipped: erased; `userload people unerase {id}` lifts it"));
    }
    assert!(house.of(&id).is_none());
    by_hand(&house, "DELETE FROM tombstone");
    assert_eq!(house.night().count(Outcome::Created), 1);
}
