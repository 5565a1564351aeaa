//! Short ways to say the contract's errors.

use crate::bindings::userload::directory::types::{BadRecord, Error, SettingProblem, Upstream};
use crate::json::shorten;

/// The most that a message of the source may hold, in bytes (`types.wit`).
const MESSAGE_BYTES: usize = 1024;

/// An answer that is not what the source promises; `field` names the property at fault.
pub fn malformed(field: Option<&str>, reason: impl Into<String>) -> Error {
    Error::Malformed(BadRecord { id: None, field: field.map(str::to_owned), reason: reason.into() })
}

/// One setting that the plugin cannot work with.
pub fn problem(setting: &str, problem: impl Into<String>) -> SettingProblem {
    SettingProblem { setting: setting.to_owned(), problem: problem.into() }
}

/// An answer that was not success, its message shortened to what the contract allows.
pub fn upstream(status: u16, code: impl Into<String>, message: &str, request_id: Option<String>) -> Upstream {
    Upstream { status, code: code.into(), message: shorten(message, MESSAGE_BYTES).into_owned(), request_id }
}
