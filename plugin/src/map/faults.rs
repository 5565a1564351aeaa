//! What is wrong with a mapping, as the contract has it.

use super::expression::Refused;
use crate::bindings::exports::userload::directory::transform::MappingFault;

/// A fault of a rule, or of the mapping.
pub(super) fn fault(target: Option<&str>, part: &str, problem: String) -> MappingFault {
    MappingFault {
        target: target.map(str::to_owned),
        part: part.to_owned(),
        step: None,
        offset: None,
        problem,
        help: None,
    }
}

/// A fault inside of an expression.
pub(super) fn of_expression(target: Option<&str>, part: &str, refused: Refused) -> MappingFault {
    MappingFault { offset: Some(refused.offset), help: refused.help, ..fault(target, part, refused.problem) }
}
