//! User plus SaaS user: who is a user of the vendor's application, with which role, and when last active.

use graph_sim::{Action, On, Rule, Schedule, World};
use userload::model::Outcome;
use userload::sync::{RunReport, SaasPass};
use userload_tests::{Document, House, MINUTE, plain, upn};

pub(crate) const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
pub(crate) const OTHER: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const SIGNED_IN: &str = r#"{"lastSuccessfulSignInDateTime":"2026-11-01T00:00:00Z"}"#;
const SIGNED_IN_AT: i64 = 1_793_491_200_000;

pub(crate) fn license(world: &mut World, id: &str, skus: &[&str]) {
    let list: Vec<String> = skus.iter().map(|sku| format!(r#"{{"skuId":"{sku}"}}"#)).collect();
    world.update(id, "assignedLicenses", &format!("[{}]", list.join(","))).unwrap();
}

/// So many people; the first `licensed` of them have a licence and have signed in. Everything is granted.
fn world(count: usize, licensed: usize) -> (World, Vec<String>) {
    let (mut world, ids) = plain(count);
    for permission in ["AuditLog.Read.All", "Organization.Read.All"] {
        world.grant(permission);
    }
    world.skus.push(graph_sim::Sku { id: OTHER.into(), part_number: "OTHER_THING".into(), enabled: 9 });
    for id in &ids[..licensed] {
        license(&mut world, id, &[E3]);
        world.update(id, "signInActivity", SIGNED_IN).unwrap();
    }
    (world, ids)
}

pub(crate) fn both(document: &mut Document) -> &mut Document {
    document.set("load", "\"users-and-saas\"")
}

pub(crate) fn deactivating(document: &mut Document) -> &mut Document {
    both(document).set("saas.deactivate", "true")
}

pub(crate) fn loaded(
    count: usize,
    licensed: usize,
    change: impl FnOnce(&mut Document) -> &mut Document,
) -> (House, Vec<String>) {
    let (world, ids) = world(count, licensed);
    let mut house = House::with(world, change);
    let told = saas(&house.night());
    assert_eq!((told.created, told.complete), (licensed as u64, true), "{told:?}");
    (house, ids)
}

pub(crate) fn saas(report: &RunReport) -> SaasPass {
    report.saas.clone().expect("a pass over SaaS users")
}

fn changes(told: &SaasPass) -> [u64; 4] {
    [told.created, told.updated, told.deactivated, told.reactivated]
}

/// A night in which nothing of SaaS users may be written.
pub(crate) fn silent(house: &mut House) -> RunReport {
    house.seal(&["saas_user", "saas_change"]);
    let report = house.night();
    house.unseal(&["saas_user", "saas_change"]);
    assert_eq!(changes(&saas(&report)), [0; 4]);
    report
}

#[test]
fn user_load_with_saas_users() {
    let (mut house, ids) = loaded(20, 12, both);
    let user = house.saas(&ids[0]).unwrap();
    assert_eq!((user.role.as_deref(), user.active), (Some("Microsoft 365 E3"), true));
    assert_eq!(user.last_activity, Some(SIGNED_IN_AT));
    assert_eq!(house.saas(&ids[12]), None, "without a licence");
    let told = saas(&silent(&mut house));
    assert_eq!((told.application.as_str(), told.read, told.unmatched), ("Microsoft Entra ID", 20, Some(0)));
    // A later sign-in is a stamp: written, but no row of the ledger.
    let later = SIGNED_IN.replace("2026-11-01", "2026-11-20");
    house.sim.change(|world| world.update(&ids[0], "signInActivity", &later)).unwrap();
    house.seal(&["saas_change"]);
    house.night();
    assert!(house.saas(&ids[0]).unwrap().last_activity > Some(SIGNED_IN_AT));
}

#[test]
fn user_load_with_filtering_and_saas_users() {
    let (mut house, ids) = loaded(21, 21, |doc| both(doc).filter("department eq 'Sales'"));
    let told = saas(&silent(&mut house));
    assert_eq!((told.read, told.unmatched), (21, Some(14)), "whoever is filtered has no person");
    assert_eq!(house.people().len(), 7);
    assert!(house.saas(&ids[1]).unwrap().active);
    // The filter is widened: whoever was unmatched is matched, and nothing of the SaaS side is written.
    house.integration(|doc| doc.filter("department in ('Sales', 'IT')"));
    let told = saas(&silent(&mut house));
    assert_eq!((told.unmatched, house.people().len()), (Some(7), 14));
}

#[test]
fn only_users_are_loaded_unless_it_is_said() {
    let (world, ids) = world(5, 5);
    let mut house = House::new(world);
    assert_eq!(house.night().saas, None);
    assert_eq!(house.saas(&ids[0]), None);
    assert!(house.sim.journal().iter().all(|it| !it.target.contains("assignedLicenses")));
}

#[test]
fn without_a_premium_licence_activity_is_unknown_not_never() {
    let (mut world, ids) = world(10, 10);
    world.premium = false;
    let mut house = House::with(world, both);
    let report = house.night();
    let notes: Vec<_> = report.notes.iter().filter(|it| it.contains("P1 or P2")).collect();
    assert_eq!(notes.len(), 1, "said once: {:?}", report.notes);
    assert!(saas(&report).complete);
    assert_eq!(house.saas(&ids[0]).unwrap().last_activity, None);
    silent(&mut house);
    house.sim.change(|world| world.premium = true);
    house.night();
    assert_eq!(house.saas(&ids[0]).unwrap().last_activity, Some(SIGNED_IN_AT));
    house.sim.change(|world| world.premium = false);
    silent(&mut house);
    assert_eq!(house.saas(&ids[0]).unwrap().last_activity, Some(SIGNED_IN_AT), "what is known stays");
}

#[test]
fn a_refusal_that_is_not_meant_changes_nothing() {
    let (mut house, ids) = loaded(5, 5, both);
    let refusal = Action::Status {
        code: 403,
        error_code: Some("Authentication_RequestFromNonPremiumTenantOrB2CTenant".into()),
        message: None,
        retry_after: None,
    };
    house.trouble(Schedule::one(Rule::new(On::Saas, refusal).times(2).min_fires(2)));
    let report = silent(&mut house);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert!(house.saas(&ids[0]).unwrap().last_activity.is_some());
}

#[test]
fn without_permission_for_licence_names_roles_are_unknown() {
    let (mut world, ids) = world(6, 6);
    license(&mut world, &ids[0], &[OTHER]);
    license(&mut world, &ids[1], &[OTHER, E3]);
    if let Some(app) = world.app_mut() {
        app.granted.retain(|it| it != "Organization.Read.All");
    }
    let mut house = House::with(world, both);
    let report = house.night();
    assert_eq!(report.notes.iter().filter(|it| it.contains("Organization.Read.All")).count(), 1);
    let role = |house: &House, n: usize| house.saas(&ids[n]).unwrap().role;
    assert_eq!((role(&house, 0), role(&house, 1)), (None, None));
    assert_eq!(role(&house, 2).as_deref(), Some("Microsoft 365 E3"), "the common ones have names anyway");
    silent(&mut house);
    house.sim.change(|world| world.grant("Organization.Read.All"));
    assert_eq!(changes(&saas(&house.night())), [0, 2, 0, 0]);
    assert_eq!(role(&house, 1).as_deref(), Some("Microsoft 365 E3, OTHER_THING"));
    house.sim.change(|world| world.app_mut().unwrap().granted.retain(|it| it != "Organization.Read.All"));
    silent(&mut house);
    assert_eq!(role(&house, 0).as_deref(), Some("OTHER_THING"), "unknown overwrites nothing");
}

#[test]
fn a_role_that_goes_blank_stays_while_the_switch_is_off() {
    let (mut house, ids) = loaded(10, 10, both);
    house.sim.change(|world| license(world, &ids[0], &[]));
    silent(&mut house);
    let user = house.saas(&ids[0]).unwrap();
    assert_eq!((user.role.as_deref(), user.active), (Some("Microsoft 365 E3"), true));
}

#[test]
fn whoever_loses_the_licence_is_no_user_until_they_have_one_again() {
    let (mut house, ids) = loaded(10, 10, deactivating);
    house.sim.change(|world| license(world, &ids[0], &[]));
    assert_eq!(changes(&saas(&house.night())), [0, 0, 1, 0]);
    let user = house.saas(&ids[0]).unwrap();
    assert_eq!((user.role.as_deref(), user.active), (Some("Microsoft 365 E3"), false));
    assert!(house.active(&ids[0]), "the person is nobody's business here");
    silent(&mut house);
    house.sim.change(|world| license(world, &ids[0], &[OTHER]));
    assert_eq!(changes(&saas(&house.night())), [0, 0, 0, 1]);
    let user = house.saas(&ids[0]).unwrap();
    assert_eq!((user.role.as_deref(), user.active), (Some("OTHER_THING"), true));
    silent(&mut house);
}

#[test]
fn whose_user_is_deactivated_is_no_saas_user_and_comes_back_with_them() {
    let (mut house, ids) = loaded(12, 10, deactivating);
    house.sim.change(|world| {
        world.disable(&ids[0]).unwrap();
        world.delete(&ids[1]).unwrap();
    });
    assert_eq!(changes(&saas(&house.night())), [0, 0, 2, 0]);
    assert!(!house.saas(&ids[0]).unwrap().active && !house.saas(&ids[1]).unwrap().active);
    silent(&mut house);
    house.sim.change(|world| {
        world.enable(&ids[0]).unwrap();
        world.restore(&ids[1]).unwrap();
    });
    assert_eq!(changes(&saas(&house.night())), [0, 0, 0, 2]);
    silent(&mut house);
}

#[test]
fn a_plan_whose_leaver_came_back_leaves_the_saas_user_alone() {
    let (mut house, ids) = loaded(10, 10, deactivating);
    house.sim.change(|world| world.disable(&ids[0])).unwrap();
    let plan = house.plan();
    assert_eq!(saas(&plan).deactivated, 1);
    assert!(house.saas(&ids[0]).unwrap().active, "a plan changes nothing");
    house.sim.change(|world| world.enable(&ids[0])).unwrap();
    let report = house.apply(&plan);
    assert_eq!(saas(&report).deactivated, 0);
    assert!(house.saas(&ids[0]).unwrap().active && house.active(&ids[0]));
    silent(&mut house);
}

#[test]
fn many_who_leave_at_once_wait() {
    let (mut house, ids) = loaded(30, 30, deactivating);
    house.sim.change(|world| ids[..6].iter().for_each(|id| license(world, id, &[])));
    let report = house.night();
    assert_eq!((saas(&report).held, report.newly_held, saas(&report).deactivated), (6, 6, 0));
    assert_eq!(house.held(&ids[0]), ["saas-deactivate:Microsoft Entra ID"]);
    assert!(report.held[0].reason.contains("6 SaaS users"), "{}", report.held[0].reason);
    // The next night asks nothing again, whatever becomes of the listing.
    house.trouble(Schedule::one(Rule::new(On::Saas, Action::Empty200)));
    let report = silent(&mut house);
    assert_eq!((report.newly_held, report.withdrawn, house.holds().len()), (0, 0, 6));
    // One has a licence again, one is approved.
    house.sim.change(|world| license(world, &ids[0], &[E3]));
    let now = house.now;
    let hold = |house: &House, n: usize| {
        house.number(&format!("SELECT id FROM hold WHERE state = 'open' AND source_id = '{}'", ids[n]))
    };
    let (yes, no) = (hold(&house, 1), hold(&house, 2));
    house.store().approve_for_next_run(&[yes], now).unwrap();
    house.store().reject_holds("entra", &[no], now).unwrap();
    let report = house.night();
    assert_eq!((report.newly_held, report.withdrawn, saas(&report).deactivated), (0, 1, 1));
    assert!(!house.saas(&ids[1]).unwrap().active && house.saas(&ids[2]).unwrap().active);
    assert_eq!(house.holds().len(), 3);
    let report = silent(&mut house);
    assert_eq!((report.newly_held, house.holds().len()), (0, 3), "a no is remembered");
}

#[test]
fn many_small_steps_are_no_way_around_the_guard() {
    let (mut house, ids) = loaded(30, 30, deactivating);
    for (at, expected) in [(0, [0, 0, 3, 0]), (3, [0; 4])] {
        house.sim.change(|world| ids[at..at + 3].iter().for_each(|id| license(world, id, &[])));
        house.now += MINUTE;
        let report = house.sync("entra");
        assert_eq!(changes(&saas(&report)), expected);
    }
    assert_eq!(house.holds().len(), 3);
}

#[test]
fn a_pass_that_dies_on_page_two_judges_nobody_and_the_people_are_loaded() {
    let (mut house, ids) = loaded(150, 150, deactivating);
    house.sim.change(|world| {
        license(world, &ids[0], &[]);
        license(world, &ids[1], &[OTHER]);
        world.update_text(&ids[149], "department", "Moved").unwrap();
    });
    house.trouble(Schedule::one(Rule::new(On::Saas, Action::status(500)).page(2).always()));
    let report = house.night();
    assert!(report.completeness.complete);
    assert_eq!(house.text(&ids[149], "department").as_deref(), Some("Moved"));
    let told = saas(&report);
    assert_eq!((told.complete, changes(&told)), (false, [0, 1, 0, 0]), "what is listed flows");
    assert!(house.saas(&ids[0]).unwrap().active && house.saas(&ids[149]).unwrap().active);
    assert!(report.notes.iter().any(|it| it.contains("SaaS users were not read to the end")));
    assert_eq!(changes(&saas(&house.night())), [0, 0, 1, 0]);
    silent(&mut house);
}

#[test]
fn a_first_page_that_is_refused_fails_nothing() {
    let (world, ids) = world(10, 10);
    let mut house = House::with(world, both);
    house.trouble(Schedule::one(Rule::new(On::Saas, Action::status(403)).always()));
    let report = house.night();
    assert_eq!((report.count(Outcome::Created), saas(&report).complete), (10, false));
    assert_eq!(house.saas(&ids[0]), None);
    assert_eq!(saas(&house.night()).created, 10);
}

#[test]
fn a_listing_that_is_cut_or_empty_or_broken_judges_nobody() {
    let (mut house, ids) = loaded(250, 250, deactivating);
    house.sim.change(|world| license(world, &ids[0], &[]));
    for action in
        [Action::CutListing, Action::Empty200, Action::BadElement { element: graph_sim::Element::NoId }]
    {
        house.trouble(Schedule::one(Rule::new(On::Saas, action)));
        let told = saas(&silent(&mut house));
        assert!(!told.complete && told.reason.is_some());
    }
    assert_eq!(changes(&saas(&house.night())), [0, 0, 1, 0]);
}

#[test]
fn a_page_token_that_expires_starts_the_pass_over() {
    let (mut house, _) = loaded(250, 250, both);
    house.trouble(Schedule::one(Rule::new(On::Saas, Action::ExpiredPageToken).page(3)).and(Rule::new(
        On::Saas,
        Action::Status { code: 429, error_code: None, message: None, retry_after: Some("0.01".into()) },
    )));
    let told = saas(&silent(&mut house));
    assert_eq!((told.complete, told.read), (true, 250));
}

#[test]
fn an_application_that_is_not_linked_is_refused_with_those_that_are() {
    let (mut house, _) = loaded(3, 3, both);
    let refused = house.change("entra", |doc| doc.set("saas-application", "\"Salesforce\"")).unwrap_err();
    assert_eq!(refused, "`Salesforce` is not linked to the software catalog (linked: Microsoft Entra ID)");
    let refused = house.change("second", |doc| both(doc).set("priority", "1")).unwrap_err();
    assert!(refused.contains("loaded by the integration `entra` already"), "{refused}");
}

#[test]
fn the_erased_do_not_come_back_as_saas_users() {
    let (world, ids) = world(4, 4);
    let mut house = House::with(world, both);
    let sql = rusqlite::Connection::open(house.store_path()).unwrap();
    sql.execute("INSERT INTO tombstone VALUES (1, ?1, 'somebody', 0)", [&ids[0]]).unwrap();
    assert_eq!(saas(&house.night()).created, 3);
    assert_eq!(house.saas(&ids[0]), None);
    assert!(house.named(&upn(1)).is_some());
}
