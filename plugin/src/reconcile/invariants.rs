//! What holds whatever comes in.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::reconcile;
use crate::bindings::exports::userload::directory::transform::{
    AbsentPerson, BarredField, CandidateSet, DeactivatedBy, Evidence, Incoming, KnownPerson, MappedRecord,
    Situation, Tie,
};

const FIELDS: [&str; 3] = ["username", "department", "level"];

fn fields() -> impl Strategy<Value = String> {
    let value = select(vec!["", "null", "\"\"", "\"a\"", "\"b\"", "1", "1.0"]);
    prop::array::uniform3(value).prop_map(|values| {
        let entries = FIELDS.iter().zip(values).filter(|(_, value)| !value.is_empty());
        let entries = entries.map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
    })
}

fn known() -> impl Strategy<Value = KnownPerson> {
    let tie = select(vec![
        Tie::Linked,
        Tie::Matched("email".into()),
        Tie::Matched("username".into()),
        Tie::Decided,
    ]);
    let since = select(vec![
        DeactivatedBy::ThisIntegration,
        DeactivatedBy::AnotherIntegration,
        DeactivatedBy::APerson,
    ]);
    let barred = prop::sample::subsequence(FIELDS.to_vec(), 0..=3);
    let status = option::of(Just("locked".to_owned()));
    let flags = (any::<bool>(), option::of(any::<bool>()), any::<bool>());
    (0u32..3, tie, option::of(since), flags, status, barred, fields()).prop_map(
        |(person, tie, inactive_since, (active, was_enabled, was_absent), status_barred, barred, fields)| {
            let bar = |field: &str| BarredField { field: field.to_owned(), reason: "owned by HR".to_owned() };
            KnownPerson {
                person,
                tie,
                active,
                inactive_since,
                was_enabled,
                was_absent,
                status_barred,
                barred: barred.into_iter().map(bar).collect(),
                fields,
            }
        },
    )
}

fn set() -> impl Strategy<Value = CandidateSet> {
    let incoming = (option::of(any::<bool>()), fields(), option::weighted(0.2, Just("no".to_owned())));
    let incoming = incoming.prop_map(|(enabled, fields, filtered)| MappedRecord {
        id: "src".to_owned(),
        enabled,
        fields,
        filtered,
    });
    (incoming, prop::collection::vec(known(), 0..4))
        .prop_map(|(incoming, known)| CandidateSet { incoming, known })
}

fn absent() -> impl Strategy<Value = AbsentPerson> {
    let evidence = select(vec![
        Evidence::Removed,
        Evidence::Deleted(None),
        Evidence::Deleted(Some("2024-01-01T00:00:00Z".into())),
        Evidence::NotFound(false),
        Evidence::NotFound(true),
        Evidence::LeftFilter("city is now 'x'".into()),
    ]);
    (known(), evidence).prop_map(|(known, evidence)| AbsentPerson { id: "src".to_owned(), known, evidence })
}

fn policy() -> impl Strategy<Value = String> {
    let then = || select(vec!["deactivate", "keep"]);
    (
        select(vec!["create-and-update", "create-only", "update-only"]),
        any::<bool>(),
        select(vec!["own", "always", "never"]),
        select(vec!["create-inactive", "skip"]),
        then(),
        then(),
        then(),
        select(vec!["", r#","on-create":["department"],"if-empty":["level"]"#]),
    )
        .prop_map(|(mode, deactivate, reactivate, new, disabled, deleted, lost, lists)| {
            format!(
                r#"{{"version":1,"mode":"{mode}","deactivate":{deactivate},"reactivate":"{reactivate}","disabled-new":"{new}","on-disabled":"{disabled}","on-deleted":"{deleted}","on-not-found":"{lost}","rename-fields":["username"]{lists}}}"#
            )
        })
}

proptest! {
    #[test]
    fn invariants(
        policy in policy(),
        present in prop::collection::vec(set(), 0..6),
        absent in prop::collection::vec(absent(), 0..4),
    ) {
        let incoming = Incoming { present, absent };
        let decisions = reconcile(&policy, &incoming).unwrap();
        prop_assert_eq!(decisions.len(), incoming.present.len() + incoming.absent.len());
        prop_assert_eq!(&decisions, &reconcile(&policy, &incoming).unwrap(), "pure");
        let off = policy.contains("\"deactivate\":false");
        let create_only = policy.contains("create-only");
        let (of_present, of_absent) = decisions.split_at(incoming.present.len());

        for (set, decision) in incoming.present.iter().zip(of_present) {
            let person = set.known.iter().find(|k| Some(k.person) == decision.person);
            prop_assert!(!decision.reason.is_empty());
            if set.incoming.filtered.is_some() {
                let fits = matches!(decision.situation, Situation::Filtered | Situation::Deactivate);
                prop_assert!(fits && decision.differences.is_empty());
            } else {
                prop_assert_ne!(decision.situation, Situation::Filtered);
            }
            match decision.situation {
                Situation::Create => {
                    prop_assert!(set.known.is_empty() && !policy.contains("update-only"));
                    prop_assert_eq!(decision.active, Some(set.incoming.enabled != Some(false)));
                }
                Situation::Ambiguous => prop_assert!(decision.person.is_none()),
                Situation::Deactivate => {
                    prop_assert!(!off && !create_only);
                    prop_assert_eq!(set.incoming.enabled, Some(false));
                    prop_assert_eq!(decision.active, Some(false));
                    prop_assert!(set.known.iter().any(|k| k.active && k.status_barred.is_none()));
                }
                Situation::Reactivate => {
                    prop_assert!(!off && !create_only && !policy.contains("never"));
                    prop_assert_eq!(set.incoming.enabled, Some(true));
                    prop_assert_eq!(decision.active, Some(true));
                    prop_assert!(set.known.iter().any(|k| !k.active && !matches!(k.tie, Tie::Matched(_))));
                }
                Situation::Wait => prop_assert!(false, "a record that is there waits for nothing"),
                Situation::Update | Situation::Rename => {
                    prop_assert!(!decision.differences.is_empty());
                    prop_assert_eq!(decision.active, None);
                }
                _ => prop_assert_eq!(decision.active, None),
            }
            if matches!(decision.situation, Situation::Ambiguous | Situation::Skip | Situation::Unchanged | Situation::Keep) {
                prop_assert!(decision.differences.is_empty() && decision.active.is_none());
            }
            for difference in &decision.differences {
                prop_assert!(person.is_some());
                let written = set.known.iter().filter(|k| Some(k.person) == decision.person);
                prop_assert!(written.into_iter().any(|k| k.barred.iter().all(|b| b.field != difference.field)));
                prop_assert_ne!(&difference.before, &difference.after);
                if policy.contains("on-create") {
                    prop_assert_ne!(&difference.field, "department");
                    prop_assert!(difference.field != "level" || difference.before.as_deref().unwrap_or("\"\"") == "\"\"");
                }
                let field = format!("\"{}\":", difference.field);
                prop_assert!(set.incoming.fields.contains(&field), "a missing field is kept");
            }
        }
        for (absent, decision) in incoming.absent.iter().zip(of_absent) {
            prop_assert_eq!(decision.person, Some(absent.known.person));
            prop_assert!(decision.differences.is_empty());
            let deactivates = decision.situation == Situation::Deactivate;
            prop_assert_eq!(decision.active, deactivates.then_some(false));
            if deactivates {
                prop_assert!(!off && !create_only && absent.known.active);
                prop_assert!(absent.known.status_barred.is_none() && absent.known.tie == Tie::Linked);
                prop_assert_ne!(&absent.evidence, &Evidence::NotFound(false));
            }
        }
    }

    #[test]
    fn never_panics(policy_text in ".{0,100}", fields in ".{0,60}", policy in policy(), known in known()) {
        let known = KnownPerson { fields: fields.clone(), ..known };
        let incoming = MappedRecord { id: "src".to_owned(), enabled: None, fields: "{}".to_owned(), filtered: None };
        let sets = Incoming {
            present: vec![CandidateSet { incoming, known: vec![known] }],
            absent: Vec::new(),
        };
        let _ = reconcile(&policy_text, &sets);
        let _ = reconcile(&policy, &sets);
    }
}
