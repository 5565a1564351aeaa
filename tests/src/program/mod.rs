//! The built program, driven as a user would: arguments in, streams and exit code out.
//!
//! Nothing of the surroundings gets through to it but `PATH`; its home is a folder of the test, its clock
//! stands still, and it is killed when it takes too long. [`Contoso`] is a home with a simulated directory
//! to read from.

mod answer;
mod call;
mod contoso;
mod forms;
mod home;
mod tenants;
mod terminal;

pub use answer::Answer;
pub use call::{Call, Running};
pub use contoso::{Contoso, Origin, add_credential, document, save};
pub use forms::Forms;
pub use home::{Home, program};
pub use tenants::{dripping, launched_tenant};
pub use terminal::{DOWN, Terminal};

/// The time that every call is told, unless it is told another.
pub const CLOCK: &str = "2026-11-23T04:05:06Z";
