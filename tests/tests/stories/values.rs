//! Values arrive as they were sent: text, digits, what is empty and what is missing.

use userload::model::Outcome;
use userload_tests::{DAY, House, plain};

const TRAPS: [&str; 14] = [
    "007",
    "1e5",
    "0x1F",
    "1_000",
    "None",
    "312-800-9919",
    "12345678901234567890",
    "O'Brien \"the\" \\ slash",
    "👩‍👩‍👧‍👦 family",
    "عبد الله",
    "Jose\u{301}",
    " leading and trailing ",
    "tab\tline\nend",
    "null",
];

#[test]
fn texts_arrive_as_they_were_sent_and_stay() {
    let (mut world, ids) = plain(TRAPS.len());
    for (id, trap) in ids.iter().zip(TRAPS) {
        world.update_text(id, "employeeId", trap).unwrap();
        world.update_text(id, "displayName", trap).unwrap();
    }
    let mut house = House::new(world);
    house.night();
    for (id, trap) in ids.iter().zip(TRAPS) {
        for field in ["employee_id", "display_name"] {
            assert_eq!(house.text(id, field).as_deref(), Some(trap));
        }
    }
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn the_trap_names_of_the_made_up_company_arrive() {
    let world = graph_sim::World::contoso(7, 60);
    let expected: Vec<(String, Option<String>)> = world
        .users()
        .map(|user| (user.id().into_owned(), user.text("displayName").map(|it| it.into_owned())))
        .collect();
    let mut house = House::with(world, |doc| doc.no_limits());
    let report = house.night();
    assert_eq!(report.count(Outcome::Failed), 0, "{:?}", report.failed);
    for (id, name) in expected {
        assert_eq!(house.text(&id, "display_name"), name);
    }
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_number_in_a_text_field_fails_its_row_and_names_the_field() {
    let (mut world, ids) = plain(5);
    world.update(&ids[0], "employeeId", "12345678901234567890").unwrap();
    let mut house = House::new(world);
    let report = house.night();
    assert_eq!((report.count(Outcome::Failed), report.count(Outcome::Created)), (1, 4));
    let failed = &report.failed[0];
    assert_eq!(failed.source_id.as_ref(), Some(&ids[0]));
    assert!(
        failed.reason.contains("employee_id") && failed.reason.contains("12345678901234567890"),
        "{failed:?}"
    );
}

#[test]
fn a_row_without_its_username_fails() {
    let (mut world, ids) = plain(5);
    world.update(&ids[0], "userPrincipalName", "null").unwrap();
    world.update(&ids[1], "userPrincipalName", "\"  \"").unwrap();
    world.remove_property(&ids[2], "userPrincipalName").unwrap();
    let mut house = House::new(world);
    let report = house.night();
    assert_eq!((report.count(Outcome::Failed), report.count(Outcome::Created)), (3, 2));
    assert!(report.failed.iter().all(|it| it.reason.contains("username")), "{:?}", report.failed);
}

#[test]
fn null_is_not_empty_is_not_missing() {
    let (world, ids) = plain(4);
    let mut house = House::with(world, |doc| {
        doc.map("department", "{ source = \"department\", null = \"keep\" }")
            .map("job_title", "{ source = \"jobTitle\", null = \"clear\" }")
            .map("office", "{ source = \"officeLocation\", default = \"Nowhere\" }")
    });
    let all = |house: &House, raw: &str| {
        house.sim.change(|world| {
            for name in ["department", "jobTitle", "officeLocation"] {
                world.update(&ids[0], name, raw).unwrap();
            }
        });
    };
    let fields = |house: &House| {
        ["department", "job_title", "office"]
            .map(|field| house.text(&ids[0], field).unwrap_or_else(|| "-".to_owned()))
    };
    all(&house, "\"A\"");
    house.night();
    assert_eq!(fields(&house), ["A", "A", "A"]);
    all(&house, "null");
    house.night();
    assert_eq!(fields(&house), ["A", "-", "Nowhere"], "null: keep, clear, default");
    all(&house, "\"\"");
    house.night();
    assert_eq!(fields(&house), ["", "", ""], "an empty text is a value");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn what_is_missing_says_nothing() {
    // Graph sends null for what a user does not have, but leaves extensions out altogether.
    const PATH: &str = "extension_0123456789abcdef0123456789abcdef_site";
    let (world, ids) = plain(2);
    let mut house = House::with(world, |doc| {
        doc.map("city", &format!("{{ source = [\"{PATH}\"], null = \"clear\" }}"))
            .map("state", &format!("{{ source = [\"{PATH}\"], default = \"Nowhere\" }}"))
    });
    house.sim.change(|world| world.update_text(&ids[0], PATH, "Bonn")).unwrap();
    house.night();
    assert_eq!(house.text(&ids[0], "city").as_deref(), Some("Bonn"));
    assert_eq!(house.text(&ids[1], "state"), None, "a default stands for null, not for nothing");
    house.sim.change(|world| world.remove_property(&ids[0], PATH)).unwrap();
    assert_eq!(house.night().changes(), 0);
    assert_eq!(house.text(&ids[0], "city").as_deref(), Some("Bonn"));
}

#[test]
fn a_night_without_a_change_changes_nobody_and_moves_the_sync_time() {
    let world = graph_sim::World::contoso(7, 200);
    let mut house = House::with(world, |doc| doc.no_limits());
    house.night();
    let people = house.people();
    let stamps = |house: &mut House| {
        let all =
            house.store().people(&userload::store::PeopleFilter::default(), &["entra".to_owned()]).unwrap();
        all.into_iter().map(|it| it.sync_time).collect::<Vec<_>>()
    };
    let first = house.now;
    assert!(stamps(&mut house).iter().all(|it| *it == Some(first)));
    let ledger = house.number("SELECT count(*) FROM change");
    let report = house.night();
    assert_eq!((report.changes(), report.count(Outcome::Unchanged)), (0, 200));
    assert_eq!((house.people(), house.number("SELECT count(*) FROM change")), (people, ledger));
    let second = house.now;
    assert!(second >= first + DAY && stamps(&mut house).iter().all(|it| *it == Some(second)));
    // Who is not seen keeps the time when they were.
    let gone = house.sim.change(|world| {
        let gone = world.ids()[50].clone();
        world.purge(&gone).unwrap();
        gone
    });
    house.night();
    let third = house.now;
    let person = house.of(&gone).unwrap().id;
    let of =
        |house: &House, sql: &str| house.number(&format!("SELECT {sql} FROM link WHERE person = {person}"));
    assert_eq!(of(&house, "sync_time"), second);
    assert_eq!(stamps(&mut house).iter().filter(|it| **it == Some(third)).count(), 199);
}
