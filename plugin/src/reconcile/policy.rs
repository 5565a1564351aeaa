//! The text of a policy. Every key but the lists of fields is mandatory, and unknown ones are refused: a rule
//! that decides over people is never left to a default that its author did not see.

use serde::Deserialize;

use crate::bindings::userload::directory::types::Error;
use crate::error::problem;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Policy {
    version: u32,
    pub(super) mode: Mode,
    pub(super) deactivate: bool,
    pub(super) reactivate: Reactivate,
    pub(super) disabled_new: DisabledNew,
    pub(super) on_disabled: Then,
    pub(super) on_deleted: Then,
    pub(super) on_not_found: Then,
    /// The one default: to keep is what can do no harm.
    #[serde(default = "keep")]
    pub(super) on_left_filter: Then,
    #[serde(default)]
    pub(super) rename_fields: Vec<String>,
    /// Fields that only a new person gets.
    #[serde(default)]
    pub(super) on_create: Vec<String>,
    /// Fields that are written only where there is nothing.
    #[serde(default)]
    pub(super) if_empty: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    CreateAndUpdate,
    CreateOnly,
    UpdateOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reactivate {
    Own,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DisabledNew {
    CreateInactive,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Then {
    Deactivate,
    Keep,
}

fn keep() -> Then {
    Then::Keep
}

/// Reads a policy.
pub(super) fn read(text: &str) -> Result<Policy, Error> {
    let fault = |text: String| Error::Settings(vec![problem("policy", text)]);
    let policy: Policy = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
    if policy.version != 1 {
        return Err(fault(format!("expected version 1, found {}", policy.version)));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::POLICY;

    #[test]
    fn strict() {
        assert_eq!(read(POLICY).unwrap().mode, Mode::CreateAndUpdate);
        for (from, to, part) in [
            ("\"version\":1", "\"version\":2", "expected version 1"),
            ("\"version\":1", "\"version\":1,\"speed\":9", "unknown field `speed`"),
            ("\"deactivate\":true,", "", "missing field `deactivate`"),
            ("\"own\"", "\"maybe\"", "unknown variant `maybe`"),
            ("true", "\"yes\"", "expected a boolean"),
        ] {
            let Err(Error::Settings(problems)) = read(&POLICY.replace(from, to)) else { panic!("{to}") };
            assert_eq!(problems[0].setting, "policy");
            assert!(problems[0].problem.contains(part), "{}", problems[0].problem);
        }
    }
}
