//! What is staged about somebody whom no listing returned.

use super::allowed;
use super::error::RunError;
use super::evidence::Evidence;
use super::terms::Terms;
use crate::config::Action;
use crate::engine::contract::{Decision, KnownPerson, Situation};
use crate::model::Outcome;
use crate::store::{Deed, StagedRow, Status, Unlisted};

/// What would prove that somebody is to be deactivated, and the terms under which it does.
pub(super) struct Proof<'a> {
    /// The run's terms.
    pub(super) terms: &'a Terms,
    /// The person, with what bars their status.
    pub(super) known: &'a KnownPerson,
    /// What is done for this cause.
    pub(super) action: Action,
    /// What the source has said; none = it proves nothing yet.
    pub(super) evidence: Option<Evidence>,
}

impl Proof<'_> {
    /// The evidence, as far as the terms let anything follow from it: the plugin is not believed.
    fn holds(self) -> Option<Evidence> {
        self.evidence.filter(|_| allowed::deactivates(self.terms, self.known, self.action))
    }
}

/// A decision about an absent person, as a row to stage; none when nothing is to be done or said.
pub(super) fn row(
    person: &Unlisted,
    decision: Decision,
    proof: Proof<'_>,
    version: i64,
) -> Result<Option<StagedRow>, RunError> {
    let broken = |what: String| RunError::Misbehaved(format!("user {}: {what}", person.source_id));
    if !decision.differences.is_empty() {
        return Err(broken("fields of an absent person are to change".into()));
    }
    let outcome = match decision.situation {
        Situation::Unchanged => return Ok(None),
        Situation::Deactivate => {
            let evidence = proof.holds().ok_or_else(|| {
                broken("deactivated before the grace was over, or against the terms".into())
            })?;
            let mut row = note(person, Outcome::Deactivated, decision.reason);
            if let Some(change) = &mut row.change {
                change.cause = evidence.cause().to_owned();
                change.deed =
                    Deed::Alter { person: person.person, version, status: Status::Deactivate(evidence) };
            }
            return Ok(Some(row));
        }
        Situation::Wait => Outcome::Waiting,
        Situation::Keep => Outcome::Kept,
        other => return Err(broken(format!("`{other:?}` does not fit an absent person"))),
    };
    Ok(Some(note(person, outcome, decision.reason)))
}

/// Of somebody who was not listed only the status is judged; everything else about them waits until they are
/// listed again.
pub(super) fn only_status(mut row: StagedRow) -> StagedRow {
    row.linking = false;
    row.raw = None;
    row.keys = None;
    let fields_only = [Outcome::Updated, Outcome::Renamed, Outcome::Adopted];
    match &mut row.change {
        Some(change) if fields_only.contains(&change.outcome) => row.change = None,
        Some(change) => change.differences = None,
        None => {}
    }
    row
}

/// Somebody who is kept though they were not listed. Who is there and enabled is no question any more.
pub(super) fn kept(person: &Unlisted, reason: &str, enabled: Option<bool>) -> StagedRow {
    StagedRow { enabled, ..note(person, Outcome::Kept, reason.to_owned()) }
}

/// A row that says something about an absent person and changes nothing.
pub(super) fn note(person: &Unlisted, outcome: Outcome, reason: String) -> StagedRow {
    let known = (Some(person.link), Some(person.person));
    StagedRow::told(Some(person.source_id.clone()), known, [0; 16], outcome, reason)
}

#[cfg(test)]
mod tests {
    use super::super::allowed::tests::{known, terms};
    use super::{Action, Evidence, Outcome, Proof, RunError, row};
    use crate::engine::contract::{Decision, Situation};
    use crate::store::Unlisted;

    fn decided(more: &str, action: Action, barred: Option<&str>, proven: bool) -> Result<Outcome, String> {
        let (terms, mut known) = (terms(more), known("{}"));
        known.status_barred = barred.map(str::to_owned);
        let evidence = Evidence::disabled(proven.then_some(false));
        let person = Unlisted {
            link: 1,
            source_id: "a".to_owned(),
            person: 1,
            absent_runs: 0,
            absent_since: None,
            active: true,
            asked_at: None,
        };
        let decision = Decision {
            person: Some(0),
            situation: Situation::Deactivate,
            active: Some(false),
            reason: "gone".into(),
            differences: Vec::new(),
            not_applied: Vec::new(),
        };
        let proof = Proof { terms: &terms, known: &known, action, evidence };
        match row(&person, decision, proof, 1) {
            Ok(row) => Ok(row.unwrap().change.unwrap().outcome),
            Err(RunError::Misbehaved(what)) => Err(what),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_plugin_deactivates_nobody_against_the_terms() {
        let on = "deactivate = true";
        assert_eq!(decided(on, Action::Deactivate, None, true), Ok(Outcome::Deactivated));
        for (more, action, barred, proven) in [
            ("deactivate = false", Action::Deactivate, None, true),
            (on, Action::Keep, None, true),
            (on, Action::Deactivate, Some("locked"), true),
            (on, Action::Deactivate, None, false),
        ] {
            let refused = decided(more, action, barred, proven).unwrap_err();
            assert!(refused.contains("against the terms"), "{more}, {action:?}, {barred:?}: {refused}");
        }
    }
}
