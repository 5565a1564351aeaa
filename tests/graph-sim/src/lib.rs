//! A simulator of Microsoft's login and Graph hosts, as unkind as the real ones.
//!
//! A [`World`] is the made-up tenant; a [`Sim`] serves it on 127.0.0.1, login and Graph from one
//! origin; a [`Schedule`] says what goes wrong and when; the journal of [`Exchange`]s says what
//! was asked. What the real hosts do is taken from Microsoft's own pages, named where it is
//! used. Where that is in doubt, the simulator refuses.
//!
//! ```
//! use graph_sim::{Sim, SimConfig, World};
//!
//! let sim = Sim::start(SimConfig::default(), World::contoso(7, 100)).unwrap();
//! assert!(sim.origin().starts_with("http://127.0.0.1:"));
//! let first = sim.look(|world| world.ids()[0].clone());
//! sim.change(|world| world.delete(&first)).unwrap();
//! ```

mod base64;
mod clock;
mod faults;
mod filter;
mod graph;
mod login;
mod prng;
mod reply;
mod server;
mod world;

pub use faults::{Action, Echo, Element, On, Rule, Schedule, Times};
pub use graph::Throttle;
pub use server::{Exchange, ExchangePart, Sim, SimConfig};
pub use world::{
    Access, App, Application, DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Federated, Group,
    PROPERTIES, Principal, Registered, Sku, User, World,
};
