//! How fields are filled: fields of one's own, expressions, converters, conditions, write rules, and the
//! filter after the fetch.

use userload::model::{Filled, Outcome, Target, ValueType};
use userload_tests::{House, plain, upn};

/// Gives the house a field of its own.
fn add_field(house: &mut House, name: &str, value_type: ValueType, key: bool) {
    let now = house.now;
    let field = Target {
        name: name.to_owned(),
        label: name.to_uppercase(),
        value_type,
        key,
        mandatory: false,
        filled: Filled::ByMapping,
        custom: true,
    };
    house.store().add_field(&field, now).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_field_of_ones_own_is_mapped_and_kept() {
    let (mut world, ids) = plain(3);
    for (n, id) in ids.iter().enumerate() {
        let raw = format!("{{\"extensionAttribute1\":\"CC-{n}\",\"extensionAttribute2\":null}}");
        world.update(id, "onPremisesExtensionAttributes", &raw).unwrap();
        world.update(id, "businessPhones", "[\"+49 1\"]").unwrap();
    }
    let mut house = House::new(world);
    add_field(&mut house, "cost_unit", ValueType::Text, false);
    house
        .change("entra", |doc| {
            // By its label, too.
            doc.map("COST_UNIT", "\"onPremisesExtensionAttributes.extensionAttribute1\"")
                .map("business_phone", "\"businessPhones[0]\"")
        })
        .unwrap();
    house.night();
    assert_eq!(house.text(&ids[1], "cost_unit").as_deref(), Some("CC-1"));
    assert_eq!(house.text(&ids[1], "business_phone").as_deref(), Some("+49 1"));
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| {
        world.update(&ids[1], "onPremisesExtensionAttributes", "{\"extensionAttribute1\":null}").unwrap();
        world.update(&ids[1], "businessPhones", "[]").unwrap();
    });
    house.night();
    assert_eq!(house.text(&ids[1], "cost_unit"), None);
    assert_eq!(house.text(&ids[1], "business_phone"), None, "an empty list has no first item: null");
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_key_of_ones_own_recognises_people() {
    let (mut world, ids) = plain(2);
    world.update(&ids[0], "onPremisesExtensionAttributes", "{\"extensionAttribute3\":\"b-7\"}").unwrap();
    let mut house = House::new(world);
    add_field(&mut house, "badge", ValueType::Text, true);
    house.by_hand("ana@elsewhere.example", &[("badge", "B-7")], None);
    let ana = house.named("ana@elsewhere.example").unwrap().id;
    house
        .change("entra", |doc| {
            doc.map("badge", "\"onPremisesExtensionAttributes.extensionAttribute3\"")
                .set("match-keys", "[\"badge\"]")
        })
        .unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Adopted), report.count(Outcome::Created)), (1, 1));
    assert_eq!(house.of(&ids[0]).unwrap().id, ana, "case does not matter");
    assert_eq!(house.night().count(Outcome::Created), 0);
}

#[test]
fn what_is_passed_on_is_not_retyped() {
    const TRAPS: [&str; 8] =
        ["007", "1e5", "0x1F", "1_000", "None", "True", "312-800-9919", "12345678901234567890"];
    const NUMBERS: [&str; 5] = ["12345678901234567890", "1e5", "1.50", "-0", "1E+40"];
    const PATH: &str = "extension_0123456789abcdef0123456789abcdef_level";
    let (mut world, ids) = plain(TRAPS.len());
    for (n, id) in ids.iter().enumerate() {
        world.update_text(id, "employeeId", TRAPS[n]).unwrap();
        world.update(id, PATH, NUMBERS[n % NUMBERS.len()]).unwrap();
    }
    let mut house = House::new(world);
    add_field(&mut house, "level", ValueType::Number, false);
    house
        .change("entra", |doc| {
            doc.map("employee_id", "\"{{ employeeId }}\"")
                .map("office", "{ expression = \"faxNumber|default(employeeId)\" }")
                .map(
                    "job_title",
                    "{ source = \"employeeId\", convert = { lookup = { x = \"y\" }, else = \"keep\" } }",
                )
                .map("city", &format!("{{ expression = \"text({PATH})\" }}"))
                .map("level", &format!("{{ expression = \"{PATH}\" }}"))
        })
        .unwrap();
    let report = house.night();
    assert_eq!(report.count(Outcome::Failed), 0, "{:?}", report.failed);
    for (n, id) in ids.iter().enumerate() {
        for field in ["employee_id", "office", "job_title"] {
            assert_eq!(house.text(id, field).as_deref(), Some(TRAPS[n]), "{field}");
        }
        let number = NUMBERS[n % NUMBERS.len()];
        assert_eq!(house.text(id, "city").as_deref(), Some(number));
        assert_eq!(house.of(id).unwrap().fields["level"], number, "digit for digit");
    }
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn what_people_do_daily() {
    let (mut world, ids) = plain(1);
    for (name, raw) in [
        ("displayName", "\"PEREZ GARCIA, ANA\""),
        ("mail", "\"Ana.Perez@Contoso.Example\""),
        ("city", "\"Bonn\""),
        ("state", "null"),
        ("country", "\"Germany\""),
        ("department", "\"Sales\""),
        ("employeeHireDate", "\"2024-01-31T00:00:00Z\""),
        ("proxyAddresses", "[\"smtp:b@x.example\",\"SMTP:Main@x.example\"]"),
        ("userType", "\"Member\""),
    ] {
        world.update(&ids[0], name, raw).unwrap();
    }
    let mut house = House::with(world, |doc| {
        doc.map("given_name", "{ source = \"displayName\", convert = [\"first-name\", \"title\"] }")
            .map("surname", "{ source = \"displayName\", convert = [\"last-name\", \"title\"] }")
            .map("email", "{ first = [\"Mail\", \"userPrincipalName\"], convert = \"lower\" }")
            .map(
                "mail_nickname",
                "{ source = \"mail\", convert = [\"mail-local\", { replace = \".\", with = \"_\" }] }",
            )
            .map("office", "{ location = [\"city\", \"state\", \"country\"] }")
            .map(
                "department",
                "{ source = \"department\", convert = { lookup = { sales = \"S\" }, ignore-case = true } }",
            )
            .map("employee_type", "{ source = \"employeeHireDate\", convert = { date = \"DD.MM.YYYY\" } }")
            .map("other_email", "\"{{ proxyAddresses|starting('SMTP:')|first|replace('SMTP:', '') }}\"")
            .map("job_title", "{ constant = \"Colleague\", when = \"userType == 'Member'\" }")
    });
    house.night();
    for (field, value) in [
        ("given_name", "Ana"),
        ("surname", "Perez Garcia"),
        ("email", "ana.perez@contoso.example"),
        ("mail_nickname", "Ana_Perez"),
        ("office", "Bonn, Germany"),
        ("department", "S"),
        ("employee_type", "31.01.2024"),
        ("other_email", "Main@x.example"),
        ("job_title", "Colleague"),
    ] {
        assert_eq!(house.text(&ids[0], field).as_deref(), Some(value), "{field}");
    }
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn one_row_that_does_not_fit_fails_alone_and_is_not_absent() {
    let (world, ids) = plain(4);
    let mut house = House::with(world, |doc| {
        doc.map(
            "department",
            "{ source = \"department\", convert = { lookup = { Sales = \"S\", IT = \"I\", Law = \"L\" } } }",
        )
        .map("city", "{ expression = \"city ~ ' / ' ~ usageLocation\", when = \"city is not blank\" }")
    });
    house.night();
    let before = house.of(&ids[0]).unwrap();
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "Unheard of").unwrap();
        world.update_text(&ids[1], "department", "Law").unwrap();
    });
    let report = house.nights(5);
    assert_eq!((report.count(Outcome::Failed), report.count(Outcome::Unchanged)), (1, 3));
    let failed = &report.failed[0];
    assert_eq!(failed.source_id.as_ref(), Some(&ids[0]));
    assert_eq!(failed.reason, "department: `lookup` does not have the text \"Unheard of\"");
    assert_eq!(house.of(&ids[0]).unwrap(), before, "nothing of the row is written, and nobody is absent");
    assert_eq!(house.text(&ids[1], "department").as_deref(), Some("L"), "the others flow");
    house.sim.change(|world| world.update_text(&ids[0], "department", "IT").unwrap());
    assert_eq!(house.night().count(Outcome::Updated), 1);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn an_expression_that_burns_fails_its_row_and_no_other() {
    let (mut world, ids) = plain(3);
    let long = "x".repeat(60_000);
    world.update_text(&ids[0], "companyName", &long).unwrap();
    let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
    world.update(&ids[1], "employeeOrgData", &deep).unwrap();
    let mut house = House::with(world, |doc| {
        doc.map("company", "{ expression = \"((companyName or '') * 20) * 20\" }")
            .map("division", "{ expression = \"employeeOrgData|default('none')|text\" }")
    });
    let report = house.night();
    assert_eq!(
        (report.count(Outcome::Failed), report.count(Outcome::Created)),
        (2, 1),
        "{:?}",
        report.failed
    );
    let reasons: Vec<&str> = report.failed.iter().map(|it| it.reason.as_str()).collect();
    assert!(reasons.iter().any(|it| it.contains("costs more than one row may")), "{reasons:?}");
    assert!(reasons.iter().any(|it| it.contains("32 deep")), "{reasons:?}");
    assert_eq!(house.night().count(Outcome::Failed), 2);
}

#[test]
fn a_condition_that_is_not_true_keeps_the_field() {
    let (mut world, ids) = plain(2);
    world.update_text(&ids[0], "officeLocation", "1A").unwrap();
    world.update_text(&ids[1], "officeLocation", "1B").unwrap();
    world.update_text(&ids[1], "userType", "Guest").unwrap();
    let mut house = House::with(world, |doc| {
        doc.map("office", "{ source = \"officeLocation\", when = \"userType|default('Member') != 'Guest'\" }")
    });
    house.night();
    let office = |house: &House, n: usize| house.text(&ids[n], "office");
    assert_eq!((office(&house, 0).as_deref(), office(&house, 1)), (Some("1A"), None));
    house.sim.change(|world| {
        world.update_text(&ids[0], "userType", "Guest").unwrap();
        world.update(&ids[0], "officeLocation", "null").unwrap();
    });
    house.night();
    assert_eq!(office(&house, 0).as_deref(), Some("1A"), "kept, though the source says null");
    assert_eq!(house.night().changes(), 0);
    house.sim.change(|world| world.update_text(&ids[0], "userType", "Member").unwrap());
    house.night();
    assert_eq!(office(&house, 0), None, "the condition is true again, and so is the null");
}

#[test]
fn fields_that_are_written_once_or_where_nothing_is() {
    let (mut world, ids) = plain(2);
    for id in &ids {
        world.update_text(id, "jobTitle", "Clerk").unwrap();
        world.update_text(id, "officeLocation", "1A").unwrap();
    }
    world.update(&ids[1], "officeLocation", "null").unwrap();
    let mut house = House::with(world, |doc| {
        doc.map("job_title", "{ source = \"jobTitle\", write = \"on-create\" }")
            .map("office", "{ source = \"officeLocation\", write = \"if-empty\" }")
            .set("match-keys", "[\"username\"]")
    });
    house.by_hand(&upn(1), &[("job_title", "Boss")], None);
    house.night();
    let of = |house: &House, n: usize| ["job_title", "office"].map(|field| house.text(&ids[n], field));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of(&house, 0), [some("Clerk"), some("1A")], "a new person gets both");
    assert_eq!(of(&house, 1), [some("Boss"), None], "one who was there keeps what they have");
    house.sim.change(|world| {
        for id in &ids {
            world.update_text(id, "jobTitle", "Chief").unwrap();
            world.update_text(id, "officeLocation", "2B").unwrap();
        }
    });
    let report = house.night();
    assert_eq!(report.count(Outcome::Updated), 1);
    assert_eq!(of(&house, 0), [some("Clerk"), some("1A")]);
    assert_eq!(of(&house, 1), [some("Boss"), some("2B")], "empty until now");
    assert_eq!((house.night().changes(), house.night().count(Outcome::Unchanged)), (0, 2));
}

const ONLY_IF: &str = "\"department != 'IT'\"";

#[test]
fn who_is_filtered_out_is_neither_created_nor_absent_nor_changed() {
    let (world, ids) = plain(6);
    let mut house = House::new(world);
    house.night();
    house.sim.change(|world| {
        world.hire("new@contoso.example", "New It");
        let id = world.find_by_upn("new@contoso.example").unwrap().id().into_owned();
        world.update_text(&id, "department", "IT").unwrap();
    });
    house.change("entra", |doc| doc.set("only-if", ONLY_IF)).unwrap();
    let before = house.people();
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.count(Outcome::Unchanged)), (3, 4));
    assert_eq!(house.people(), before, "the new one is nobody");
    // A change at the source does not reach the filtered one; nights pass, and nobody is absent.
    house.sim.change(|world| world.update_text(&ids[1], "jobTitle", "Chief").unwrap());
    let report = house.nights(6);
    assert_eq!((report.count(Outcome::Filtered), report.changes(), report.absent), (3, 0, 0));
    assert_eq!(house.people(), before);
    assert_eq!(house.number("SELECT count(*) FROM link"), 6, "links stay");
    // Somebody moves into the filter's shade, and out again.
    house.sim.change(|world| {
        world.update_text(&ids[0], "department", "IT").unwrap();
        world.update_text(&ids[1], "department", "Law").unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.count(Outcome::Updated)), (3, 1));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"), "not changed by the filter");
    assert_eq!(house.text(&ids[1], "job_title").as_deref(), Some("Chief"), "let through: all of it");
    assert_eq!(house.night().count(Outcome::Filtered), 3);
    // Without the filter everybody is loaded again.
    house.change("entra", |doc| doc.unset("only-if")).unwrap();
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.count(Outcome::Created)), (0, 1));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("IT"));
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn disabled_outranks_the_filter() {
    let (world, ids) = plain(6);
    let mut house = House::with(world, |doc| doc.set("only-if", ONLY_IF));
    house.night();
    assert_eq!(house.people().len(), 4);
    house.sim.change(|world| {
        // One is let through no more and disabled, one is disabled who was never let through.
        world.update_text(&ids[0], "department", "IT").unwrap();
        world.update_text(&ids[0], "jobTitle", "Former").unwrap();
        world.disable(&ids[0]).unwrap();
        world.disable(&ids[1]).unwrap();
    });
    let report = house.night();
    assert_eq!((report.count(Outcome::Deactivated), report.count(Outcome::Filtered)), (1, 2));
    assert!(!house.active(&ids[0]));
    assert_eq!(house.text(&ids[0], "department").as_deref(), Some("Sales"), "no field is written");
    assert!(house.of(&ids[1]).is_none());
    assert!(house.said(&ids[0]).contains("disabled at the source"), "{}", house.said(&ids[0]));
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.changes()), (3, 0), "the next night");
    // Enabled again, but still out of the filter: nothing happens to them. Let through, they come back.
    house.sim.change(|world| world.enable(&ids[0]).unwrap());
    assert_eq!(house.night().count(Outcome::Filtered), 3);
    assert!(!house.active(&ids[0]));
    house.sim.change(|world| world.update_text(&ids[0], "department", "Law").unwrap());
    assert_eq!(house.night().count(Outcome::Reactivated), 1);
    assert_eq!(house.night().changes(), 0);
}

#[test]
fn a_filtered_record_adopts_nobody() {
    let (world, ids) = plain(2);
    let mut house = House::with(world, |doc| doc.set("only-if", ONLY_IF));
    house.by_hand(&upn(1), &[("city", "Bonn")], None);
    let report = house.night();
    assert_eq!((report.count(Outcome::Filtered), report.count(Outcome::Adopted)), (1, 0));
    assert!(house.of(&ids[1]).is_none());
    house.sim.change(|world| world.update_text(&ids[1], "department", "Law").unwrap());
    assert_eq!(house.night().count(Outcome::Adopted), 1);
    assert_eq!(house.night().count(Outcome::Filtered), 0);
}
