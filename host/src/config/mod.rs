//! What the operator wrote: integration documents, checked into types.

mod integration;

pub use integration::{
    Action, DisabledNew, Grace, GrantEntry, Guard, Integration, Limit, Mode, NullRule, Origin, Reactivate,
    Rule,
};
