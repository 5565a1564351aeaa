//! Small worlds.

use graph_sim::World;

/// The sign-in name of the n-th person of a plain world.
pub fn upn(n: usize) -> String {
    format!("p{n}@contoso.example")
}

/// A world of plain, enabled people with a department each, and their object ids.
pub fn plain(count: usize) -> (World, Vec<String>) {
    let mut world = World::empty(7);
    let ids: Vec<String> = (0..count).map(|n| world.hire(&upn(n), &format!("Person {n}"))).collect();
    for (n, id) in ids.iter().enumerate() {
        let done = world.update_text(id, "department", ["Sales", "IT", "Law"][n % 3]);
        assert!(done.is_ok(), "{id} was hired just now");
    }
    (world, ids)
}
