//! `sync --all` that is killed in the middle of several tenants: each of them is as before or as after, and the next
//! start ends in the directories of a night that nobody disturbed.

use graph_sim::{Action, On, Rule, Schedule, Sim, SimConfig, World};
use userload_tests::program::{Home, Running, launched_tenant};

use super::{pages, until};

const TENANTS: [&str; 4] = ["ada", "bert", "cora", "dirk"];

struct Houses {
    sims: Vec<Sim>,
    killed: Home,
    undisturbed: Home,
    /// Everybody of each tenant before the second day, and after it.
    before: Vec<String>,
    after: Vec<String>,
}

impl Houses {
    /// A first day, and changes for a second one, which only the undisturbed home has seen.
    fn second_day() -> Self {
        let sims: Vec<Sim> = (0..TENANTS.len() as u64)
            .map(|seed| {
                Sim::start(SimConfig::default(), World::contoso(30 + seed, 200)).expect("a simulator")
            })
            .collect();
        let (killed, undisturbed) = (Home::new(), Home::new());
        for home in [&killed, &undisturbed] {
            for (name, sim) in TENANTS.iter().zip(&sims) {
                launched_tenant(home, name, &sim.origin(), None);
            }
            home.call(&["sync", "--all"]).at("2026-11-22T04:05:06Z").run().ended(0);
        }
        for sim in &sims {
            sim.change(|world| {
                let ids = world.ids();
                for id in &ids[20..23] {
                    world.delete(id).unwrap();
                }
                for (at, id) in ids.iter().enumerate().skip(30).step_by(3) {
                    world.update_text(id, "jobTitle", &format!("Keeper of number {at}")).unwrap();
                }
                for number in 0..5 {
                    world.hire(&format!("joiner{number}@contoso.example"), &format!("Joiner {number}"));
                }
            });
        }
        let before = people(&killed);
        undisturbed.done("sync --all");
        let after = people(&undisturbed);
        assert!(before.iter().zip(&after).all(|(before, after)| before != after));
        Self { sims, killed, undisturbed, before, after }
    }

    /// Lets the listings of these tenants stop at their third page, for ever.
    fn stall(&self, tenants: &[usize]) {
        for tenant in tenants {
            self.sims[*tenant].set_faults(Schedule::one(Rule::new(On::Users, Action::Stall).page(3)));
        }
    }

    fn stalled(&self, tenants: &[usize]) -> bool {
        tenants.iter().all(|it| self.sims[*it].unfired().is_empty())
    }

    fn start(&self, jobs: &str) -> Running {
        self.killed.call(&["sync", "--all", "--jobs", jobs]).spawn()
    }

    /// The next start, with sources that answer again: everything as undisturbed, and nothing left to do.
    fn ends_like_undisturbed(&self) -> serde_json::Value {
        self.sims.iter().for_each(Sim::clear_faults);
        let answer = self.killed.done("sync --all --json").json();
        assert_eq!(people(&self.killed), self.after);
        let outcomes = |home: &Home| {
            let runs = home.done("sync --all --json").json()["runs"].clone();
            let rows = runs.as_array().expect("rows").iter();
            rows.map(|row| row["run"]["outcomes"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&self.killed), outcomes(&self.undisturbed), "the next night");
        answer
    }
}

/// Everybody of each tenant.
fn people(home: &Home) -> Vec<String> {
    let export =
        |tenant: &&str| home.call(&["--tenant", tenant, "people", "export", "--json"]).run().ended(0).out;
    TENANTS.iter().map(export).collect()
}

/// One after the other: those before the third one are done, the others are as they were.
#[test]
fn killed_between_two_tenants() {
    let houses = Houses::second_day();
    houses.stall(&[2]);
    let mut running = houses.start("1");
    assert!(until(&mut running, || houses.stalled(&[2])), "it ended before the third tenant");
    assert_eq!(running.kill().code, -1);
    let now = people(&houses.killed);
    assert_eq!(now[..2], houses.after[..2], "those that were done");
    assert_eq!(now[2..], houses.before[2..], "those that were not");
    let answer = houses.ends_like_undisturbed();
    let created = |at: usize| answer["runs"][at]["run"]["outcomes"]["created"].as_u64().unwrap_or(0);
    assert_eq!([created(0), created(1), created(2), created(3)], [0, 0, 5, 5], "{answer}");
}

/// Side by side, all in the middle of their listings: nobody has changed, and each goes on where it was.
#[test]
fn killed_in_the_middle_of_all_tenants() {
    let houses = Houses::second_day();
    houses.stall(&[0, 1, 2, 3]);
    let mut running = houses.start("4");
    assert!(until(&mut running, || houses.stalled(&[0, 1, 2, 3])), "it ended before all of them stalled");
    assert_eq!(running.kill().code, -1);
    assert_eq!(people(&houses.killed), houses.before);
    let answer = houses.ends_like_undisturbed();
    for row in answer["runs"].as_array().expect("rows") {
        assert!(row["run"]["cost"]["resumed_pages"].as_u64().is_some_and(|it| it > 0), "{row}");
    }
}

/// At moments that the number of answered pages says: whoever is not as after is as before.
#[test]
fn killed_at_any_page_of_all_tenants() {
    let houses = Houses::second_day();
    for answered in [1, 9, 17, 25, 33, 41] {
        houses.sims.iter().for_each(Sim::clear_journal);
        let mut running = houses.start("2");
        until(&mut running, || houses.sims.iter().map(pages).sum::<usize>() >= answered);
        let said = running.kill();
        assert!([-1, 0].contains(&said.code), "{said:?}");
        for (at, now) in people(&houses.killed).iter().enumerate() {
            assert!(
                *now == houses.before[at] || *now == houses.after[at],
                "{} is neither as before nor as after, killed at page {answered}",
                TENANTS[at]
            );
        }
    }
    houses.ends_like_undisturbed();
}
