//! Each rule as a story: what was there, what the source says, what becomes of it.

use super::*;
use crate::bindings::exports::userload::directory::transform::DeactivatedBy;
use crate::reconcile::testing::{Known, POLICY, known, policy, record};

const ANN: &str = r#"{"username":"ann@x","display_name":"Ann Lee","department":"IT"}"#;
const MOVED: &str = r#"{"username":"ann@x","display_name":"Ann Lee","department":"HR"}"#;
const RENAMED: &str = r#"{"username":"lee@x","display_name":"Ann Lee","department":"IT"}"#;

fn with(changes: &[(&str, &str)]) -> Policy {
    let text = changes.iter().fold(POLICY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from));
        text.replace(from, to)
    });
    super::super::policy::read(&text).unwrap()
}

fn update_only() -> Policy {
    with(&[("create-and-update", "update-only")])
}

fn create_only() -> Policy {
    with(&[("create-and-update", "create-only"), ("\"deactivate\":true", "\"deactivate\":false")])
}

fn judge(policy: &Policy, enabled: Option<bool>, fields: &str, known: Vec<Known>) -> Decision {
    let set = CandidateSet {
        incoming: record(enabled, fields),
        known: known.into_iter().map(Into::into).collect(),
    };
    super::judge(policy, &set).unwrap()
}

#[track_caller]
fn expect(decision: &Decision, situation: Situation, active: Option<bool>, reason: &str) {
    let found = (decision.situation, decision.active, decision.reason.as_str());
    assert_eq!(found, (situation, active, reason));
}

#[test]
fn new_people() {
    let new = |policy: &Policy, enabled| judge(policy, enabled, "not even parsed", Vec::new());
    for enabled in [Some(true), None] {
        let decision = new(&policy(), enabled);
        expect(&decision, Situation::Create, Some(true), "new at the source");
        assert!(decision.person.is_none() && decision.differences.is_empty());
    }
    let disabled = new(&policy(), Some(false));
    expect(&disabled, Situation::Create, Some(false), "new at the source, disabled there: created inactive");
    let skip = with(&[("create-inactive", "skip")]);
    let reason = "new, and disabled at the source; disabled-new is skip";
    expect(&new(&skip, Some(false)), Situation::Skip, None, reason);
    expect(&new(&skip, None), Situation::Create, Some(true), "new at the source");
    expect(&new(&update_only(), Some(true)), Situation::Skip, None, "mode is update-only");
    expect(&new(&create_only(), Some(true)), Situation::Create, Some(true), "new at the source");
}

#[test]
fn known_people_change() {
    let linked = || vec![known(7).with_fields(ANN)];
    let same = judge(&policy(), Some(true), ANN, linked());
    expect(&same, Situation::Unchanged, None, "nothing differs");
    assert_eq!(same.person, Some(7));
    let moved = judge(&policy(), Some(true), MOVED, linked());
    expect(&moved, Situation::Update, None, "department differs");
    assert_eq!(moved.differences[0].before.as_deref(), Some("\"IT\""));
    let renamed = judge(&policy(), Some(true), RENAMED, linked());
    expect(&renamed, Situation::Rename, None, "username differs");
    let first_name = judge(&policy(), None, ANN, vec![known(7)]);
    let reason = "username, display_name, department differ";
    expect(&first_name, Situation::Update, None, reason);
    let skipped = judge(&create_only(), Some(false), MOVED, linked());
    expect(&skipped, Situation::Skip, None, "mode is create-only");
    assert!(skipped.differences.is_empty());
    let updated = judge(&update_only(), Some(true), MOVED, linked());
    expect(&updated, Situation::Update, None, "department differs");
}

#[test]
fn the_link_outranks_whoever_has_the_same_key() {
    let set = vec![
        known(1).with_fields(ANN).matched("email"),
        known(2).with_fields(ANN).matched("username"),
        known(7).with_fields(ANN),
    ];
    let decision = judge(&policy(), Some(true), MOVED, set);
    expect(&decision, Situation::Update, None, "department differs");
    assert_eq!(decision.person, Some(7));
}

#[test]
fn disabled_at_the_source() {
    let active = || known(7).with_fields(ANN);
    let decision = judge(&policy(), Some(false), ANN, vec![active()]);
    expect(&decision, Situation::Deactivate, Some(false), "disabled at the source");
    let moved = judge(&policy(), Some(false), MOVED, vec![active()]);
    expect(&moved, Situation::Deactivate, Some(false), "disabled at the source; department differs");
    assert_eq!(moved.differences.len(), 1);
    let unknown = judge(&policy(), None, ANN, vec![active()]);
    expect(&unknown, Situation::Unchanged, None, "nothing differs");
    let twice = judge(&policy(), Some(false), ANN, vec![active().inactive(None)]);
    expect(&twice, Situation::Unchanged, None, "nothing differs");

    let off = with(&[("\"deactivate\":true", "\"deactivate\":false")]);
    let kept = judge(&off, Some(false), ANN, vec![active()]);
    expect(&kept, Situation::Keep, None, "disabled at the source; deactivate is off");
    let kept = judge(&off, Some(false), MOVED, vec![active()]);
    expect(&kept, Situation::Update, None, "department differs; disabled at the source; deactivate is off");
    let keep = with(&[("\"on-disabled\":\"deactivate\"", "\"on-disabled\":\"keep\"")]);
    let kept = judge(&keep, Some(false), ANN, vec![active()]);
    expect(&kept, Situation::Keep, None, "disabled at the source; on-disabled is keep");
    let barred = judge(&policy(), Some(false), ANN, vec![active().status_barred("owned by HR")]);
    expect(&barred, Situation::Keep, None, "disabled at the source; the status is owned by HR");
    assert_eq!(barred.not_applied, ["status: owned by HR"]);
}

#[test]
fn enabled_again() {
    use DeactivatedBy::{APerson, AnotherIntegration, ThisIntegration};
    let back = |policy: &Policy, known: Known| judge(policy, Some(true), ANN, vec![known.with_fields(ANN)]);
    let inactive = |since| known(7).inactive(Some(since));
    let own = policy();
    let again = "enabled at the source again";
    expect(&back(&own, inactive(ThisIntegration)), Situation::Reactivate, Some(true), again);
    let by_hand = "inactive by hand while enabled at the source";
    expect(&back(&own, inactive(APerson)), Situation::Keep, None, by_hand);
    let other = "made inactive by another integration while enabled at the source";
    expect(&back(&own, inactive(AnotherIntegration)), Situation::Keep, None, other);
    let flipped = inactive(APerson).was_enabled(Some(false));
    expect(&back(&own, flipped), Situation::Reactivate, Some(true), again);
    let unknown = inactive(APerson).was_enabled(None);
    expect(&back(&own, unknown), Situation::Keep, None, by_hand);
    let returned = inactive(APerson).was_absent();
    expect(&back(&own, returned), Situation::Reactivate, Some(true), "back at the source");
    expect(
        &back(&own, inactive(ThisIntegration).status_barred("locked")),
        Situation::Keep,
        None,
        "enabled at the source again; the status is locked",
    );

    let always = with(&[("\"own\"", "\"always\"")]);
    expect(&back(&always, inactive(APerson)), Situation::Reactivate, Some(true), "enabled at the source");
    let never = with(&[("\"own\"", "\"never\"")]);
    let reason = "inactive while enabled at the source; reactivate is never";
    expect(&back(&never, inactive(ThisIntegration)), Situation::Keep, None, reason);
    let off = with(&[("\"own\"", "\"always\""), ("\"deactivate\":true", "\"deactivate\":false")]);
    let reason = "inactive while enabled at the source; deactivate is off, so nobody is reactivated";
    expect(&back(&off, inactive(ThisIntegration)), Situation::Keep, None, reason);
    let unknown = judge(&own, None, ANN, vec![inactive(ThisIntegration).with_fields(ANN)]);
    expect(&unknown, Situation::Unchanged, None, "nothing differs");
}

#[test]
fn barred_fields() {
    let owned = || known(7).with_fields(ANN).barred("department", "owned by HR");
    let kept = judge(&policy(), Some(true), MOVED, vec![owned()]);
    expect(&kept, Situation::Keep, None, "department: owned by HR");
    assert_eq!(kept.not_applied, ["department: owned by HR"]);
    assert!(kept.differences.is_empty());
    let both = r#"{"username":"lee@x","department":"HR"}"#;
    let renamed = judge(&policy(), Some(true), both, vec![owned()]);
    expect(&renamed, Situation::Rename, None, "username differs");
    assert_eq!(renamed.not_applied.len(), 1);
    let same = judge(&policy(), Some(true), ANN, vec![owned()]);
    assert!(same.not_applied.is_empty(), "nothing would be written");
}

#[test]
fn adoption() {
    let ann = || known(7).with_fields(ANN).matched("email");
    let same = "the same email as a known person";
    let adopted = judge(&policy(), Some(true), MOVED, vec![ann()]);
    expect(&adopted, Situation::Adopt, None, same);
    assert_eq!((adopted.person, adopted.differences.len()), (Some(7), 1));
    let renamed = judge(&policy(), Some(true), RENAMED, vec![ann()]);
    expect(&renamed, Situation::Adopt, None, same);
    let twice = judge(&policy(), None, ANN, vec![ann(), known(7).with_fields(ANN).matched("username")]);
    expect(&twice, Situation::Adopt, None, "the same email and username as a known person");
    let updated = judge(&update_only(), Some(true), MOVED, vec![ann()]);
    expect(&updated, Situation::Adopt, None, same);

    let linked = judge(&create_only(), Some(false), MOVED, vec![ann()]);
    let reason = "the same email as a known person; mode is create-only: linked, nothing is written";
    expect(&linked, Situation::Adopt, None, reason);
    assert!(linked.differences.is_empty());

    let disabled = judge(&policy(), Some(false), MOVED, vec![ann()]);
    let reason = "disabled at the source; the same email as a known person";
    expect(&disabled, Situation::Deactivate, Some(false), reason);
    assert_eq!(disabled.differences.len(), 1);
    let off = with(&[("\"deactivate\":true", "\"deactivate\":false")]);
    let kept = judge(&off, Some(false), ANN, vec![ann()]);
    let reason = "the same email as a known person; disabled at the source; deactivate is off";
    expect(&kept, Situation::Adopt, None, reason);
}

#[test]
fn never_guessed() {
    let two = vec![known(1).matched("email"), known(2).matched("username"), known(1).matched("username")];
    let decision = judge(&policy(), Some(false), ANN, two);
    expect(&decision, Situation::Ambiguous, None, "matches 2 persons, by email and username");
    assert!(decision.person.is_none() && decision.differences.is_empty());

    let gone = || known(7).with_fields(ANN).matched("email").inactive(None);
    let reason = "matches Ann Lee by email, who is inactive: a rehire or a namesake";
    for policy in [policy(), update_only(), create_only(), with(&[("\"own\"", "\"always\"")])] {
        let decision = judge(&policy, Some(true), ANN, vec![gone()]);
        expect(&decision, Situation::Ambiguous, None, reason);
        assert!(decision.person.is_none());
    }
    let nameless = judge(&policy(), None, ANN, vec![gone().with_fields("{}")]);
    assert!(nameless.reason.starts_with("matches a known person by email"));
}

#[test]
fn whom_somebody_has_decided_to_be_known() {
    let by_hand = Some(DeactivatedBy::APerson);
    let old = || known(1).decided().inactive(by_hand).with_fields(ANN);
    let expected = "enabled at the source; decided to be Ann Lee";
    expect(&judge(&policy(), Some(true), ANN, vec![old()]), Situation::Reactivate, Some(true), expected);
    for enabled in [Some(false), None] {
        expect(&judge(&policy(), enabled, ANN, vec![old()]), Situation::Adopt, None, "decided to be Ann Lee");
    }
    let never = with(&[("\"reactivate\":\"own\"", "\"reactivate\":\"never\"")]);
    assert_eq!(judge(&never, Some(true), ANN, vec![old()]).situation, Situation::Adopt);
    let locked = judge(
        &policy(),
        Some(true),
        MOVED,
        vec![old().status_barred("locked").barred("department", "locked")],
    );
    assert_eq!(
        (locked.situation, locked.differences.len(), locked.not_applied.len()),
        (Situation::Adopt, 0, 2)
    );
    // Whoever else has the same keys is not asked.
    let both = judge(&policy(), Some(true), ANN, vec![known(2).matched("email"), old()]);
    assert_eq!((both.situation, both.person), (Situation::Reactivate, Some(1)));
}

#[test]
fn a_filtered_record_does_nothing_but_disabled_outranks_it() {
    let filtered = |enabled| MappedRecord {
        filtered: Some("only-if is not true: x".to_owned()),
        ..record(enabled, r#"{"department":"B"}"#)
    };
    let judged = |incoming: MappedRecord, known: Vec<KnownPerson>| {
        let decision = super::judge(&policy(), &CandidateSet { incoming, known }).unwrap();
        assert!(decision.differences.is_empty());
        (decision.situation, decision.person, decision.active)
    };
    let linked = || vec![known(4).with_fields(r#"{"department":"A"}"#).into()];
    assert_eq!(judged(filtered(Some(true)), Vec::new()), (Situation::Filtered, None, None));
    assert_eq!(judged(filtered(Some(false)), Vec::new()), (Situation::Filtered, None, None));
    let matched = vec![known(4).matched("email").into()];
    assert_eq!(judged(filtered(Some(false)), matched), (Situation::Filtered, None, None));
    assert_eq!(judged(filtered(Some(true)), linked()), (Situation::Filtered, Some(4), None));
    assert_eq!(judged(filtered(None), linked()), (Situation::Filtered, Some(4), None));
    assert_eq!(judged(filtered(Some(false)), linked()), (Situation::Deactivate, Some(4), Some(false)));
    let inactive =
        vec![known(4).inactive(Some(DeactivatedBy::ThisIntegration)).was_enabled(Some(false)).into()];
    assert_eq!(
        judged(filtered(Some(true)), inactive),
        (Situation::Filtered, Some(4), None),
        "nobody comes back"
    );
    let barred = vec![known(4).status_barred("locked").into()];
    assert_eq!(judged(filtered(Some(false)), barred), (Situation::Filtered, Some(4), None));
}
