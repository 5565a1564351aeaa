//! What random stories are made of: what the source does, what goes wrong on the way, and what people decide
//! between two nights. One language for all property tests.

use graph_sim::{Action, On, Rule, Schedule, World};
use proptest::prelude::*;

/// Something that the source does. Numbers pick people.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    Hire,
    HireWithAFreedName(usize),
    Rehire(usize),
    Delete(usize),
    Purge(usize),
    Restore(usize),
    Disable(usize),
    Enable(usize),
    Forget(usize),
    Rename(usize),
    Swap(usize, usize),
    Transfer(usize, usize),
    Promote(usize, usize),
    Clear(usize),
    Spoil(usize),
    /// A null wave: everybody loses the department.
    Wave,
}

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    None,
    Throttled,
    Unavailable,
    Reset,
    Expired,
    Revoked,
    Cut,
    Empty,
    Twice,
    Miscounted,
    Silent,
    Refused,
}

impl Trouble {
    /// The listing is told to be incomplete, when there is enough of it.
    pub(crate) fn leaves_out(self) -> bool {
        matches!(self, Self::Cut | Self::Empty | Self::Twice | Self::Miscounted)
    }
}

/// What the source does: what every story can follow.
pub(crate) fn moves() -> impl Strategy<Value = Move> {
    let who = || 0..1000_usize;
    prop_oneof![
        Just(Move::Hire),
        who().prop_map(Move::HireWithAFreedName),
        who().prop_map(Move::Rehire),
        who().prop_map(Move::Delete),
        who().prop_map(Move::Purge),
        who().prop_map(Move::Restore),
        who().prop_map(Move::Disable),
        who().prop_map(Move::Enable),
        who().prop_map(Move::Forget),
        who().prop_map(Move::Rename),
        (who(), who()).prop_map(|(a, b)| Move::Swap(a, b)),
        (who(), who()).prop_map(|(a, b)| Move::Transfer(a, b)),
        (who(), who()).prop_map(|(a, b)| Move::Promote(a, b)),
        who().prop_map(Move::Clear),
        who().prop_map(Move::Spoil),
    ]
}

/// What goes wrong; most often nothing.
pub(crate) fn troubles() -> impl Strategy<Value = Trouble> {
    use Trouble::{
        Cut, Empty, Expired, Miscounted, None, Refused, Reset, Revoked, Silent, Throttled, Twice, Unavailable,
    };
    prop::sample::select(vec![
        None,
        None,
        None,
        None,
        Throttled,
        Unavailable,
        Reset,
        Expired,
        Revoked,
        Cut,
        Empty,
        Twice,
        Miscounted,
        Silent,
        Refused,
    ])
}

/// What the source does. `fresh` makes names that nobody had before.
pub(crate) fn make(world: &mut World, what: Move, fresh: &mut u32) {
    let mut name = || {
        *fresh += 1;
        format!("fresh{fresh}@contoso.example")
    };
    let ids = world.ids();
    if ids.is_empty() {
        return;
    }
    let deleted: Vec<String> = world.deleted_users().map(|user| user.id().into_owned()).collect();
    let one = |n: usize| ids[n % ids.len()].clone();
    let upn = |world: &World, id: &str| world.user(id).unwrap().upn().into_owned();
    match what {
        Move::Hire => {
            world.hire(&name(), "Hired");
        }
        Move::HireWithAFreedName(n) => {
            let old = upn(world, &one(n));
            world.rename(&one(n), &name()).unwrap();
            world.hire(&old, "Heir");
        }
        Move::Rehire(n) => {
            world.rehire(&one(n)).unwrap();
        }
        Move::Delete(n) => world.delete(&one(n)).unwrap(),
        Move::Purge(n) => world.purge(&one(n)).unwrap(),
        Move::Restore(n) if !deleted.is_empty() => {
            let id = &deleted[n % deleted.len()];
            // Entra refuses to restore somebody whose name was given away.
            let old = world.deleted_user(id).unwrap().upn().replacen(&id.replace('-', ""), "", 1);
            if world.find_by_upn(&old).is_none() {
                world.restore(id).unwrap();
            }
        }
        Move::Disable(n) => world.disable(&one(n)).unwrap(),
        Move::Enable(n) => world.enable(&one(n)).unwrap(),
        Move::Forget(n) => world.update(&one(n), "accountEnabled", "null").unwrap(),
        Move::Rename(n) => world.rename(&one(n), &name()).unwrap(),
        Move::Swap(a, b) if one(a) != one(b) => {
            let (first, second) = (upn(world, &one(a)), upn(world, &one(b)));
            world.rename(&one(a), &name()).unwrap();
            world.rename(&one(b), &first).unwrap();
            world.rename(&one(a), &second).unwrap();
        }
        Move::Transfer(a, b) => world.update_text(&one(a), "department", &format!("D{}", b % 7)).unwrap(),
        Move::Promote(a, b) => world.update_text(&one(a), "jobTitle", &format!("J{}", b % 5)).unwrap(),
        Move::Clear(n) => world.update(&one(n), "department", "null").unwrap(),
        Move::Spoil(n) => world.update(&one(n), "department", "1").unwrap(),
        Move::Wave => {
            for id in &ids {
                world.update(id, "department", "null").unwrap();
            }
        }
        Move::Restore(_) | Move::Swap(..) => {}
    }
}

/// How the simulator makes the trouble. It may pass a small listing by.
pub(crate) fn schedule(trouble: Trouble) -> Schedule {
    let rule = match trouble {
        Trouble::None => return Schedule::none(),
        Trouble::Throttled => Rule::new(On::Any, Action::throttled("0.01")).nth(4).times(2),
        Trouble::Unavailable => Rule::new(On::Any, Action::status(503)).nth(3),
        Trouble::Reset => Rule::new(On::Users, Action::ResetMidBody).page(2),
        Trouble::Expired => Rule::new(On::Users, Action::ExpiredPageToken).page(2),
        Trouble::Revoked => Rule::new(On::Users, Action::RevokeToken).page(2),
        Trouble::Cut => Rule::new(On::Users, Action::CutListing).page(2),
        Trouble::Empty => Rule::new(On::Users, Action::Empty200).page(1),
        Trouble::Twice => Rule::new(On::Users, Action::DuplicatePage).page(1),
        Trouble::Miscounted => Rule::new(On::UsersCount, Action::WrongCount { n: 500 }),
        Trouble::Silent => Rule::new(On::Batch, Action::status(403)).always(),
        Trouble::Refused => Rule::new(On::Users, Action::status(403)).page(2),
    };
    let sure = matches!(trouble, Trouble::Miscounted | Trouble::Twice);
    Schedule::one(rule.min_fires(u64::from(sure)))
}
