//! What becomes of one SaaS user. Pure.

use crate::model::Millis;
use crate::store::{KnownSaas, NewSaas, SaasOutcome};

/// What is to be said of a user tonight.
pub(super) struct Told<'a> {
    /// The id at the source.
    pub(super) source_id: &'a str,
    /// What people know the user by.
    pub(super) name: Option<String>,
    /// Has a licence or a role; none = that could not be read.
    pub(super) holds: Option<bool>,
    /// The role; none = unknown, or blank.
    pub(super) role: Option<String>,
    /// None = unknown.
    pub(super) last_activity: Option<Millis>,
    /// The person is inactive by what a source said.
    pub(super) person_ended: bool,
    /// SaaS users become inactive and active again at all.
    pub(super) deactivate: bool,
}

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// To be written; none = nothing changes.
    pub(super) row: Option<NewSaas>,
    /// To be made inactive, if the listing turns out to be whole and the guard lets it flow.
    pub(super) leaves: Option<NewSaas>,
}

/// Judges one user who was listed.
pub(super) fn verdict(told: &Told<'_>, known: Option<&KnownSaas>) -> Verdict {
    let Some(known) = known else { return created(told) };
    let gone = told.holds == Some(false);
    let leaving = told.deactivate && known.active && (gone || told.person_ended);
    let name = told.name.clone().or_else(|| known.name.clone());
    // Whoever leaves, or is held, keeps the role that they had: one row of the ledger says one thing.
    let role = told.role.clone().filter(|_| !leaving).or_else(|| known.role.clone());
    let last_activity = told.last_activity.or(known.last_activity);
    let stamps = name != known.name || role != known.role || last_activity != known.last_activity;
    let returns = told.deactivate && !known.active && told.holds == Some(true) && !told.person_ended;
    let mut verdict = Verdict::default();
    if leaving {
        verdict.leaves = Some(NewSaas {
            source_id: told.source_id.to_owned(),
            values: None,
            outcome: Some(SaasOutcome::Deactivated),
            reason: if gone { "has no licence or role any more" } else { "the user is deactivated" }
                .to_owned(),
            role_before: known.role.clone(),
            role_after: role.clone(),
            active_after: Some(false),
            follows: !gone,
        });
    }
    let outcome = if returns {
        Some(SaasOutcome::Reactivated)
    } else if role != known.role {
        Some(SaasOutcome::Updated)
    } else {
        None
    };
    if stamps || outcome.is_some() {
        verdict.row = Some(NewSaas {
            source_id: told.source_id.to_owned(),
            values: stamps.then(|| (name, role.clone(), last_activity)),
            outcome,
            reason: if returns { "is a user again" } else { "another role at the source" }.to_owned(),
            role_before: known.role.clone(),
            role_after: role,
            active_after: returns.then_some(true),
            follows: false,
        });
    }
    verdict
}

fn created(told: &Told<'_>) -> Verdict {
    if told.holds != Some(true) {
        return Verdict::default();
    }
    let active = !(told.deactivate && told.person_ended);
    Verdict {
        row: Some(NewSaas {
            source_id: told.source_id.to_owned(),
            values: Some((told.name.clone(), told.role.clone(), told.last_activity)),
            outcome: Some(SaasOutcome::Created),
            reason: "new at the source".to_owned(),
            role_before: None,
            role_after: told.role.clone(),
            active_after: Some(active),
            follows: false,
        }),
        leaves: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(holds: Option<bool>, role: Option<&str>) -> Told<'static> {
        Told {
            source_id: "a",
            name: Some("a@contoso.example".into()),
            holds,
            role: role.map(str::to_owned),
            last_activity: Some(5),
            person_ended: false,
            deactivate: true,
        }
    }

    fn known(active: bool) -> KnownSaas {
        KnownSaas {
            id: 1,
            name: Some("a@contoso.example".into()),
            role: Some("E3".into()),
            last_activity: Some(5),
            active,
        }
    }

    #[test]
    fn an_unchanged_user_writes_nothing() {
        assert_eq!(verdict(&told(Some(true), Some("E3")), Some(&known(true))), Verdict::default());
        let unknown = Told { name: None, last_activity: None, ..told(None, None) };
        assert_eq!(verdict(&unknown, Some(&known(true))), Verdict::default());
    }

    #[test]
    fn a_blank_role_overwrites_nothing() {
        assert_eq!(verdict(&told(Some(true), None), Some(&known(true))), Verdict::default());
        let off = Told { deactivate: false, ..told(Some(false), None) };
        assert_eq!(verdict(&off, Some(&known(true))), Verdict::default());
    }

    #[test]
    fn only_holders_become_users() {
        assert!(verdict(&told(Some(true), None), None).row.is_some());
        assert_eq!(verdict(&told(Some(false), Some("E3")), None), Verdict::default());
        assert_eq!(verdict(&told(None, None), None), Verdict::default());
    }

    #[test]
    fn leaving_and_coming_back() {
        let gone = verdict(&told(Some(false), None), Some(&known(true)));
        assert!(gone.row.is_none() && gone.leaves.is_some_and(|it| !it.follows && it.role_after.is_some()));
        let ended = Told { person_ended: true, ..told(Some(true), Some("E3")) };
        assert!(verdict(&ended, Some(&known(true))).leaves.is_some_and(|it| it.follows));
        assert_eq!(verdict(&ended, Some(&known(false))), Verdict::default(), "with a licence all the same");
        let back = verdict(&told(Some(true), Some("E3")), Some(&known(false))).row.unwrap();
        assert_eq!((back.outcome, back.active_after), (Some(SaasOutcome::Reactivated), Some(true)));
        assert_eq!(back.values, None, "nothing else changes");
        assert_eq!(verdict(&told(None, None), Some(&known(false))), Verdict::default());
    }
}
