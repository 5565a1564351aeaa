//! Values that are wiped, whatever they are wiped with, and names that are taken away; what was approved is
//! nobody's share of the limit.

use userload::model::Outcome;
use userload_tests::House;

fn wipe(house: &House, ids: &[String], property: &str) {
    house.sim.change(|world| ids.iter().for_each(|id| world.update(id, property, "null").unwrap()));
}

#[test]
fn a_column_wiped_by_a_blank_text_waits_as_one_wiped_by_null() {
    let (mut house, ids) =
        House::loaded(40, |doc| doc.map("department", "{ expression = \"department or ''\" }"));
    // Not so many that they would wait for becoming all the same.
    wipe(&house, &ids[..20], "department");
    let report = house.night();
    assert_eq!((report.newly_held, report.changes()), (20, 0));
    assert_eq!(report.held[0].cause, "clear:department");
    assert_eq!(report.held[0].reason, "20 of the 40 people with a department lose it in 24 hours; 10 may");
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"));
    let next = house.night();
    assert_eq!((next.newly_held, next.changes(), house.holds().len()), (0, 0, 20));
    // Approved, it is wiped; a blank that becomes empty takes nothing from anybody.
    house.approve(|_| true);
    assert_eq!(house.text(&ids[0], "department").unwrap_or_default(), "");
    house.integration(|doc| doc.map("department", "\"department\""));
    assert_eq!(house.night().newly_held, 0);
    assert_eq!(house.text(&ids[0], "department"), None);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn whose_mail_is_taken_away_counts_like_one_who_leaves() {
    let (mut house, ids) = House::loaded(60, |doc| doc);
    wipe(&house, &ids[..5], "mail");
    assert_eq!(house.night().changes(), 5);
    wipe(&house, &ids[5..11], "mail");
    let report = house.night();
    assert_eq!((report.newly_held, report.changes()), (6, 0));
    assert_eq!(house.held(&ids[5]), ["clear:email"]);
    assert_eq!(report.held[0].reason, "6 people change or lose their email in 24 hours; 5 may");
    let next = house.night();
    assert_eq!((next.newly_held, house.holds().len()), (0, 6));
    // Those who get another one and those who get none are counted together.
    wipe(&house, &ids[20..23], "mail");
    house.sim.change(|world| {
        ids[23..26]
            .iter()
            .for_each(|id| world.update_text(id, "mail", &format!("x-{id}@contoso.example")).unwrap());
    });
    let report = house.night();
    assert_eq!((report.newly_held, report.changes()), (6, 0));
    assert_eq!(
        (house.held(&ids[20]), house.held(&ids[23])),
        (vec!["clear:email".into()], vec!["rename:email".into()])
    );
    assert_eq!(house.night().newly_held, 0);
}

#[test]
fn never_more_than_five_hundred_lose_their_mail() {
    let (mut house, ids) = House::loaded(510, |doc| {
        doc.set("guard.rename", "{ percent = 100 }").set("guard.clear", "{ count = 100000 }")
    });
    wipe(&house, &ids[..501], "mail");
    let report = house.night();
    assert_eq!((report.newly_held, report.changes()), (501, 0));
    assert_eq!(house.night().newly_held, 0);
}

#[test]
fn what_somebody_approved_uses_up_nothing_of_the_limit() {
    let (mut house, ids) = House::loaded(60, |doc| doc);
    wipe(&house, &ids[..20], "department");
    assert_eq!(house.night().newly_held, 20);
    assert_eq!(house.approve(|_| true).count(Outcome::Updated), 20);
    wipe(&house, &ids[20..21], "department");
    let report = house.sync("entra");
    assert_eq!((report.newly_held, report.count(Outcome::Updated)), (0, 1), "{:?}", report.held);
    // What flowed by itself counts: with the one there are eleven in a day.
    wipe(&house, &ids[21..31], "department");
    let report = house.sync("entra");
    assert_eq!((report.newly_held, report.changes()), (10, 0));
    assert_eq!(house.night().newly_held, 0);
}
