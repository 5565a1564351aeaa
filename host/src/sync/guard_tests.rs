//! The limits, one by one.

use super::{Concerned, Split, Tally, Tripped, split};
use crate::config::Guard;
use crate::model::Outcome;
use crate::store::Flowing;

fn flowing(outcome: Outcome, differences: &str, deactivation: Option<&str>) -> Flowing {
    Flowing {
        change: 1,
        source_id: "a".into(),
        person: 1,
        outcome,
        differences: (!differences.is_empty()).then(|| differences.to_owned()),
        deactivation: deactivation.map(str::to_owned),
        status: deactivation.is_some(),
        linked: outcome != Outcome::Adopted,
    }
}

fn trips(changes: &[Flowing], recent: &[Flowing], active: u64, filled: u64) -> Tripped {
    let tally = |list: &[Flowing]| {
        let mut tally = Tally::default();
        list.iter().for_each(|it| tally.add(it, |_| false).unwrap());
        tally
    };
    let concerned = Concerned { linked_active: active, filled: &mut |_| Ok(filled), new_shape: None };
    tally(changes).trips(&tally(recent), &Guard::default(), concerned).unwrap()
}

fn leavers(count: usize) -> Vec<Flowing> {
    vec![flowing(Outcome::Deactivated, "", Some("deactivate:deleted")); count]
}

#[test]
fn deactivations_pass_up_to_five_or_two_percent() {
    assert!(trips(&leavers(5), &[], 10, 0).is_empty());
    assert!(trips(&leavers(6), &[], 10, 0).contains_key("deactivate:deleted"));
    assert!(trips(&leavers(40), &[], 2000, 0).is_empty());
    assert!(trips(&leavers(41), &[], 2000, 0).contains_key("deactivate:deleted"));
}

#[test]
fn never_more_than_five_hundred() {
    assert!(trips(&leavers(500), &[], 1_000_000, 0).is_empty());
    assert!(trips(&leavers(501), &[], 1_000_000, 0).contains_key("deactivate:deleted"));
}

#[test]
fn the_last_day_counts() {
    assert!(trips(&leavers(3), &leavers(2), 10, 0).is_empty());
    assert!(trips(&leavers(3), &leavers(3), 10, 0).contains_key("deactivate:deleted"));
}

#[test]
fn causes_are_counted_apart() {
    let mut both = leavers(5);
    both.extend(vec![flowing(Outcome::Deactivated, "", Some("deactivate:disabled")); 5]);
    assert!(trips(&both, &[], 10, 0).is_empty());
}

#[test]
fn a_new_shape_holds_every_deactivation() {
    let mut tally = Tally::default();
    tally.add(&leavers(1)[0], |_| false).unwrap();
    let concerned = Concerned { linked_active: 1000, filled: &mut |_| Ok(0), new_shape: Some("first run") };
    let tripped = tally.trips(&Tally::default(), &Guard::default(), concerned).unwrap();
    assert_eq!(tripped["deactivate:deleted"], "first run");
}

#[test]
fn a_wiped_column_is_held_and_the_rest_flows() {
    let wiped = flowing(Outcome::Updated, r#"[["department","Sales",null],["job_title","A","B"]]"#, None);
    let tripped = trips(&vec![wiped.clone(); 11], &[], 2000, 100);
    assert_eq!(tripped.keys().collect::<Vec<_>>(), ["clear:department"]);
    assert!(trips(&vec![wiped.clone(); 11], &[], 2000, 1000).is_empty(), "under 5% of those who have one");
    let Split { held, outcome, differences, .. } = split(&wiped, &tripped, |_| false).unwrap().unwrap();
    assert_eq!(held[0].cause, "clear:department");
    assert_eq!(outcome, Outcome::Updated);
    assert_eq!(differences.as_deref(), Some(r#"[["job_title","A","B"]]"#));
}

#[test]
fn blanks_wipe_like_nothing_does_and_what_was_blank_is_no_loss() {
    for blank in [r#""""#, r#"" \t ""#, r#""\u00a0""#] {
        let wiped = flowing(Outcome::Updated, &format!(r#"[["department","Sales",{blank}]]"#), None);
        let tripped = trips(&vec![wiped.clone(); 11], &[], 2000, 100);
        assert_eq!(tripped.keys().collect::<Vec<_>>(), ["clear:department"], "{blank}");
        let Split { held, .. } = split(&wiped, &tripped, |_| false).unwrap().unwrap();
        assert_eq!(held[0].cause, "clear:department");
        let blanked = flowing(Outcome::Updated, &format!(r#"[["department",{blank},null]]"#), None);
        assert!(trips(&vec![blanked; 500], &[], 2000, 100).is_empty(), "{blank} was no value");
    }
}

#[test]
fn a_name_that_is_taken_away_counts_as_a_rename() {
    let lost = flowing(Outcome::Renamed, r#"[["email","a",null]]"#, None);
    let renamed = flowing(Outcome::Renamed, r#"[["email","a","b"]]"#, None);
    assert!(trips(&vec![lost.clone(); 5], &[], 10, 100).is_empty());
    assert_eq!(
        trips(&vec![lost.clone(); 6], &[], 10, 100)["clear:email"],
        "6 people change or lose their email in 24 hours; 5 may"
    );
    let tripped = trips(&vec![lost; 3], &vec![renamed; 3], 10, 100);
    assert!(tripped.contains_key("clear:email"), "what was renamed today counts");
}

#[test]
fn renames_are_guarded_like_deactivations() {
    let renamed = flowing(Outcome::Renamed, r#"[["username","a","b"]]"#, None);
    assert!(trips(&vec![renamed.clone(); 5], &[], 10, 0).is_empty());
    assert!(trips(&vec![renamed; 6], &[], 10, 0).contains_key("rename:username"));
}

#[test]
fn a_new_domain_is_one_question_and_counts_like_any_rename() {
    let moved = flowing(
        Outcome::Renamed,
        r#"[["email","a@Old.example","a@new.example"],["username","a@old.example","b@new.example"]]"#,
        None,
    );
    let tripped = trips(&vec![moved.clone(); 6], &[], 10, 0);
    assert_eq!(tripped.keys().collect::<Vec<_>>(), ["rename:email", "rename:username"]);
    let Split { held, outcome, .. } = split(&moved, &tripped, |_| false).unwrap().unwrap();
    assert_eq!((held.len(), held[0].cause.as_str()), (1, "rename:@old.example:@new.example"));
    assert_eq!((outcome, held[0].differences.as_deref()), (Outcome::Held, moved.differences.as_deref()));
    let same = flowing(Outcome::Renamed, r#"[["email","a@x.example","b@X.example"]]"#, None);
    let tripped = trips(&vec![same.clone(); 6], &[], 10, 0);
    assert_eq!(split(&same, &tripped, |_| false).unwrap().unwrap().held[0].cause, "rename:email");
}

#[test]
fn values_that_collapse_are_held() {
    let moved = |n: usize| flowing(Outcome::Updated, &format!(r#"[["office","o{}","x"]]"#, n % 4), None);
    assert!(trips(&(0..24).map(moved).collect::<Vec<_>>(), &[], 2000, 0).is_empty());
    assert!(trips(&(0..25).map(moved).collect::<Vec<_>>(), &[], 2000, 0).contains_key("change:office"));
    let reorganised = |_| flowing(Outcome::Updated, r#"[["office","Sales","Revenue"]]"#, None);
    assert!(trips(&(0..400).map(reorganised).collect::<Vec<_>>(), &[], 2000, 0).is_empty());
}

#[test]
fn adoption_fills_and_holds_overwriting() {
    let adopted =
        flowing(Outcome::Adopted, r#"[["department","Sales","Revenue"],["city",null,"Bonn"]]"#, None);
    let Split { held, outcome, differences, .. } =
        split(&adopted, &Tripped::new(), |_| false).unwrap().unwrap();
    assert_eq!(held[0].cause, "overwrite:department");
    assert_eq!(outcome, Outcome::Adopted);
    assert_eq!(differences.as_deref(), Some(r#"[["city",null,"Bonn"]]"#));
}

#[test]
fn what_waits_goes_on_waiting() {
    let leaver = &leavers(1)[0];
    let standing = split(leaver, &Tripped::new(), |cause| cause == "deactivate:deleted").unwrap().unwrap();
    assert_eq!(standing.outcome, Outcome::Held);
    assert!(standing.hold_status);
    assert_eq!(split(leaver, &Tripped::new(), |_| false).unwrap(), None);
}
