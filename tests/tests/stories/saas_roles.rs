//! SaaS roles that are not licences: of the directory, and of an enterprise application.

use graph_sim::{Action, Application, Group, On, Principal, Rule, Schedule, World};
use userload::sync::{RunReport, SaasPass};
use userload_tests::{House, plain};

const APP: &str = "11111111-2222-3333-4444-555555555555";
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";
const ALL: [&str; 3] = ["RoleManagement.Read.Directory", "Application.Read.All", "GroupMember.Read.All"];

fn user(ids: &[String], n: usize) -> Principal {
    Principal::User(ids[n].clone())
}

fn group(id: &str) -> Principal {
    Principal::Group(id.to_owned())
}

/// Twenty people. 0 to 2 are in the outer group, 3 in the inner one; the groups are in each other.
fn world() -> (World, Vec<String>) {
    let (mut world, ids) = plain(20);
    ALL.iter().for_each(|it| world.grant(it));
    let members = |range: std::ops::Range<usize>, more: &str| {
        ids[range].iter().cloned().chain([more.to_owned()]).collect()
    };
    world.access.groups = vec![
        Group { id: "outer".into(), members: members(0..3, "inner") },
        Group { id: "inner".into(), members: members(3..4, "outer") },
    ];
    world.access.directory_roles =
        vec![("r1".into(), "User Administrator".into()), ("r2".into(), "Helpdesk".into())];
    world.access.directory_assignments = vec![
        ("r1".into(), user(&ids, 0)),
        ("r2".into(), group("outer")),
        ("r9".into(), user(&ids, 5)),
        ("r1".into(), Principal::ServicePrincipal("robot".into())),
    ];
    let mut assigned: Vec<_> =
        (4..8).map(|n| (if n == 4 { "a1" } else { NO_ROLE }.to_owned(), user(&ids, n))).collect();
    assigned.push(("a1".into(), group("inner")));
    assigned.push(("a2".into(), user(&ids, 4)));
    let roles = vec![("a1".into(), "Seller".into()), ("a2".into(), "approver".into())];
    world.access.applications = vec![Application { id: "sp".into(), app_id: APP.into(), roles, assigned }];
    (world, ids)
}

fn house(world: World, role: &str) -> House {
    House::with(world, |doc| {
        doc.set("load", "\"users-and-saas\"").set("saas.role", role).set("saas.deactivate", "true")
    })
}

fn told(report: &RunReport) -> SaasPass {
    report.saas.clone().unwrap()
}

fn role(house: &House, id: &str) -> Option<String> {
    house.saas(id).and_then(|it| it.role)
}

fn silent(house: &mut House) -> SaasPass {
    house.seal(&["saas_user", "saas_change"]);
    let report = house.night();
    house.unseal(&["saas_user", "saas_change"]);
    told(&report)
}

#[test]
fn roles_of_the_directory_with_groups_in_groups() {
    let (world, ids) = world();
    let mut house = house(world, "\"directory-roles\"");
    let first = told(&house.night());
    assert_eq!((first.created, first.complete), (5, true), "{first:?}");
    assert_eq!(role(&house, &ids[0]).as_deref(), Some("Helpdesk, User Administrator"));
    assert_eq!(role(&house, &ids[3]).as_deref(), Some("Helpdesk"));
    assert_eq!(role(&house, &ids[5]).as_deref(), Some("r9"), "a role without a name");
    assert_eq!(house.saas(&ids[6]), None);
    assert!(silent(&mut house).complete);
    house.sim.change(|world| world.access.groups[1].members.retain(|it| it != &ids[3]));
    let second = told(&house.night());
    assert_eq!((second.deactivated, second.updated), (1, 0));
    assert!(!house.saas(&ids[3]).unwrap().active);
    silent(&mut house);
}

#[test]
fn roles_of_an_enterprise_application() {
    let (world, ids) = world();
    let mut house = house(world, &format!("{{ app-roles = \"{APP}\" }}"));
    assert_eq!(told(&house.night()).created, 8);
    assert_eq!(role(&house, &ids[4]).as_deref(), Some("approver, Seller"), "in the order of the alphabet");
    assert_eq!(role(&house, &ids[5]).as_deref(), Some("Default access"));
    assert_eq!(role(&house, &ids[0]).as_deref(), Some("Seller"), "through two groups");
    silent(&mut house);
}

#[test]
fn more_assignments_than_a_page_has() {
    let (mut world, ids) = world();
    let robots = (0..250).map(|n| ("a1".to_owned(), Principal::ServicePrincipal(format!("robot-{n}"))));
    world.access.applications[0].assigned.splice(0..0, robots);
    let mut house = house(world, &format!("{{ app-roles = \"{APP}\" }}"));
    assert_eq!(told(&house.night()).created, 8);
    assert_eq!(role(&house, &ids[0]).as_deref(), Some("Seller"));
}

#[test]
fn without_permission_roles_are_unknown_and_nobody_is_judged() {
    for missing in ["RoleManagement.Read.Directory", "GroupMember.Read.All"] {
        let (world, ids) = world();
        let mut house = house(world, "\"directory-roles\"");
        house.night();
        house.sim.change(|world| {
            world.app_mut().unwrap().granted.retain(|it| it != missing);
            world.access.directory_assignments.clear();
            world.access.directory_assignments.push(("r2".into(), group("outer")));
        });
        house.seal(&["saas_user", "saas_change"]);
        let report = house.night();
        house.unseal(&["saas_user", "saas_change"]);
        assert_eq!(report.notes.iter().filter(|it| it.contains(missing)).count(), 1, "{:?}", report.notes);
        assert!(!told(&report).complete);
        assert_eq!(role(&house, &ids[0]).as_deref(), Some("Helpdesk, User Administrator"));
        house.sim.change(|world| world.grant(missing));
        let next = told(&house.night());
        assert_eq!((next.updated, next.deactivated), (1, 1), "{missing}");
    }
}

#[test]
fn an_application_that_is_not_there_is_told() {
    let (mut world, ids) = world();
    world.access.applications.clear();
    let mut house = house(world, &format!("{{ app-roles = \"{APP}\" }}"));
    let report = house.night();
    assert!(!told(&report).complete);
    assert!(report.notes.iter().any(|it| it.contains("404") && it.contains(APP)), "{:?}", report.notes);
    assert_eq!(house.saas(&ids[4]), None);
}

#[test]
fn roles_that_break_off_judge_nobody() {
    let (world, ids) = world();
    let mut house = house(world, "\"directory-roles\"");
    house.night();
    house.sim.change(|world| world.access.groups[0].members.clear());
    house.trouble(Schedule::one(Rule::new(On::Roles, Action::status(500)).nth(3).always()));
    assert!(!silent(&mut house).complete);
    assert!(house.saas(&ids[1]).unwrap().active);
    assert_eq!(told(&house.night()).deactivated, 3);
}

#[test]
fn roles_from_elsewhere_hold_whoever_has_none_there() {
    let (world, ids) = world();
    let mut house = house(world, "\"directory-roles\"");
    house.night();
    house.integration(|doc| doc.set("saas.role", &format!("{{ app-roles = \"{APP}\" }}")));
    // 5 stays with another role; nobody else of the five has lost less than a limit allows, yet all wait.
    house.sim.change(|world| world.access.applications[0].assigned.retain(|(_, who)| *who != group("inner")));
    let report = house.night();
    assert_eq!((told(&report).held, told(&report).deactivated, report.newly_held), (4, 0, 4));
    assert!(house.saas(&ids[1]).unwrap().active);
    let next = house.night();
    assert_eq!((told(&next).held, next.newly_held), (4, 0), "it waits, and asks nothing new");
}
