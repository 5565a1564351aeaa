//! A name that was given to somebody else meanwhile tells of that one, and goes on doing so.

use userload_tests::House;

use super::manager::{told, world};

fn manage(house: &House, id: &str, manager: &str) {
    house.sim.change(|world| world.edit(id, |user| user.set_manager(Some(manager)))).unwrap();
}

#[test]
fn who_has_the_old_name_of_somebody_erased_stays_a_manager() {
    let (mut world, ids) = world(8);
    world.rename(&ids[0], "boss@contoso.example").unwrap();
    let mut house = House::with(world, |doc| doc.no_limits().set("manager", "true"));
    house.night();
    // The first one has another name by now, and a second one has theirs, in another spelling.
    house.sim.change(|world| world.rename(&ids[0], "quellwasser@contoso.example")).unwrap();
    house.night();
    house.sim.change(|world| world.rename(&ids[1], "Boss@Contoso.example")).unwrap();
    ids[2..5].iter().for_each(|id| manage(&house, id, &ids[1]));
    assert_eq!(told(&house.night()).changed, 4);
    let manager = |house: &House, n: usize| house.text(&ids[n], "manager");
    let boss = || Some("Boss@Contoso.example".to_owned());
    assert_eq!((manager(&house, 0), manager(&house, 2)), (boss(), boss()));
    assert_eq!(manager(&house, 6).as_deref(), Some("quellwasser@contoso.example"));
    house.erase(&ids[0]);
    assert_eq!((manager(&house, 2), manager(&house, 4)), (boss(), boss()), "theirs is somebody else");
    assert_eq!(manager(&house, 6), None, "theirs is nobody any more");
    let bytes = std::fs::read(house.store_path()).unwrap();
    assert!(
        !String::from_utf8_lossy(&bytes).to_lowercase().contains("quellwasser"),
        "the store tells of them"
    );
    let report = house.night();
    assert_eq!((report.changes(), report.newly_held), (0, 0), "{report:#?}");
    assert_eq!((manager(&house, 2), manager(&house, 6)), (boss(), None));
}
