//! What becomes of somebody whom a complete listing did not return, by the evidence that came with it.

use crate::bindings::exports::userload::directory::transform::{
    AbsentPerson, Decision, Evidence, Situation, Tie,
};

use super::nothing;
use super::policy::{Mode, Policy, Then};

/// Judges one absent person.
pub(super) fn judge(policy: &Policy, absent: &AbsentPerson) -> Decision {
    let known = &absent.known;
    let person = Some(known.person);
    let decide = |situation, reason: String| nothing(person, situation, reason);
    if !known.active {
        return decide(Situation::Unchanged, "already inactive".to_owned());
    }
    let (what, then, name) = match &absent.evidence {
        Evidence::Removed => ("removed at the source".to_owned(), policy.on_deleted, "on-deleted"),
        Evidence::Deleted(Some(time)) => {
            (format!("deleted at the source on {time}"), policy.on_deleted, "on-deleted")
        }
        Evidence::Deleted(None) => ("deleted at the source".to_owned(), policy.on_deleted, "on-deleted"),
        Evidence::NotFound(_) => ("not found at the source".to_owned(), policy.on_not_found, "on-not-found"),
        Evidence::LeftFilter(why) => {
            (format!("left the filter: {why}"), policy.on_left_filter, "on-left-filter")
        }
    };
    let keep = |why: String| decide(Situation::Keep, format!("{what}; {why}"));
    if !matches!(known.tie, Tie::Linked) {
        // Only whom the source once gave us can be gone from it.
        return keep("the person is not linked to it".to_owned());
    }
    if !policy.deactivate {
        return keep("deactivate is off".to_owned());
    }
    if policy.mode == Mode::CreateOnly {
        return keep("mode is create-only".to_owned());
    }
    if then == Then::Keep {
        return keep(format!("{name} is keep"));
    }
    if let Some(reason) = &known.status_barred {
        let mut decision = keep(format!("the status is {reason}"));
        decision.not_applied.push(format!("status: {reason}"));
        return decision;
    }
    if absent.evidence == Evidence::NotFound(false) {
        return decide(Situation::Wait, "not found; the grace is not over".to_owned());
    }
    let reason = match absent.evidence {
        Evidence::NotFound(_) => format!("{what}, and the grace is over"),
        _ => what,
    };
    Decision { active: Some(false), ..decide(Situation::Deactivate, reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::{Known, POLICY, known, policy};

    fn of(policy: &Policy, known: Known, evidence: Evidence) -> (Situation, Option<bool>, String) {
        let absent = AbsentPerson { id: "src".to_owned(), known: known.into(), evidence };
        let decision = judge(policy, &absent);
        assert_eq!(decision.person, Some(1));
        (decision.situation, decision.active, decision.reason)
    }

    fn with(from: &str, to: &str) -> Policy {
        super::super::policy::read(&POLICY.replace(from, to)).unwrap()
    }

    #[test]
    fn evidence_decides() {
        let time = Some("2024-01-02T03:04:05Z".to_owned());
        for (evidence, situation, active, reason) in [
            (Evidence::Removed, Situation::Deactivate, Some(false), "removed at the source"),
            (
                Evidence::Deleted(time),
                Situation::Deactivate,
                Some(false),
                "deleted at the source on 2024-01-02T03:04:05Z",
            ),
            (Evidence::Deleted(None), Situation::Deactivate, Some(false), "deleted at the source"),
            (Evidence::NotFound(false), Situation::Wait, None, "not found; the grace is not over"),
            (
                Evidence::NotFound(true),
                Situation::Deactivate,
                Some(false),
                "not found at the source, and the grace is over",
            ),
        ] {
            assert_eq!(of(&policy(), known(1), evidence), (situation, active, reason.to_owned()));
        }
    }

    #[test]
    fn rules_that_keep() {
        let all =
            [Evidence::Removed, Evidence::Deleted(None), Evidence::NotFound(true), Evidence::NotFound(false)];
        for evidence in all {
            let (situation, active, reason) =
                of(&with("\"deactivate\":true", "\"deactivate\":false"), known(1), evidence.clone());
            assert_eq!((situation, active), (Situation::Keep, None));
            assert!(reason.ends_with("; deactivate is off"));
            let (situation, _, reason) =
                of(&policy(), known(1).status_barred("owned by HR"), evidence.clone());
            assert_eq!(situation, Situation::Keep);
            assert!(reason.ends_with("; the status is owned by HR"));
            let (situation, active, reason) = of(&policy(), known(1).inactive(None), evidence.clone());
            assert_eq!(
                (situation, active, reason.as_str()),
                (Situation::Unchanged, None, "already inactive")
            );
            let (situation, ..) = of(&policy(), known(1).matched("email"), evidence.clone());
            assert_eq!(situation, Situation::Keep, "not linked");
        }
        let keep = with("\"on-deleted\":\"deactivate\"", "\"on-deleted\":\"keep\"");
        assert_eq!(of(&keep, known(1), Evidence::Removed).2, "removed at the source; on-deleted is keep");
        assert_eq!(of(&keep, known(1), Evidence::NotFound(true)).0, Situation::Deactivate);
        let keep = with("\"on-not-found\":\"deactivate\"", "\"on-not-found\":\"keep\"");
        assert_eq!(of(&keep, known(1), Evidence::NotFound(true)).0, Situation::Keep);
        assert_eq!(of(&keep, known(1), Evidence::Deleted(None)).0, Situation::Deactivate);
    }

    #[test]
    fn who_left_the_filter_is_kept_unless_the_policy_says_otherwise() {
        let left = || Evidence::LeftFilter("city is now 'Bonn'".to_owned());
        let (situation, active, reason) = of(&policy(), known(1), left());
        assert_eq!((situation, active), (Situation::Keep, None));
        assert_eq!(reason, "left the filter: city is now 'Bonn'; on-left-filter is keep");
        let told = r#""on-left-filter":"deactivate","on-not-found""#;
        let deactivates = with("\"on-not-found\"", told);
        let (situation, active, reason) = of(&deactivates, known(1), left());
        assert_eq!((situation, active), (Situation::Deactivate, Some(false)));
        assert_eq!(reason, "left the filter: city is now 'Bonn'");
        assert_eq!(of(&deactivates, known(1).inactive(None), left()).0, Situation::Unchanged);
        assert_eq!(of(&deactivates, known(1).status_barred("locked"), left()).0, Situation::Keep);
        assert_eq!(of(&deactivates, known(1).matched("email"), left()).0, Situation::Keep);
    }
}
