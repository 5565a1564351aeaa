use super::*;
use crate::config;

const NOW: Millis = 1_795_435_200_000;

fn integration(more: &str) -> Integration {
    let document = format!(
        "name = \"x\"\ncredential = \"x\"\naccess-role = \"Employee\"\ndeactivate = true\n{more}\n[mapping]\n\
         username = \"userPrincipalName\"\n"
    );
    config::parse("x", &document, &config::seed_fields(), &crate::model::Targets::built_in())
        .unwrap_or_else(|report| panic!("{report}"))
}

fn decision(outcome: Option<&str>) -> Decision {
    Decision { outcome: outcome.map(str::to_owned), reason: "mode is update-only".into(), row: None }
}

fn link(seen_last: bool, gone: bool) -> LinkState {
    LinkState {
        person: 1,
        source_tenant: String::new(),
        cloud: String::new(),
        raw: None,
        open: false,
        enabled: Some(true),
        gone,
        absent_since: None,
        absent_runs: 0,
        seen_at: None,
        seen_last,
    }
}

fn today(outcome: Outcome, differences: Option<&str>) -> Today {
    Today {
        outcome,
        reason: "department differs".into(),
        differences: differences.map(str::to_owned),
        not_applied: Vec::new(),
        rules_changed: false,
    }
}

fn held(cause: &str, differences: Option<&str>) -> Question {
    Question {
        id: 1,
        integration: "x".into(),
        source_id: "a".into(),
        cause: cause.into(),
        state: "open".into(),
        reason: "too many".into(),
        differences: differences.map(str::to_owned),
        opened_run: 3,
        opened_at: NOW,
        closed_at: None,
        closed_note: None,
    }
}

/// Of somebody about whom nothing is known but the integration and what was decided.
fn facts<'a>(integration: &'a Integration, decision: &'a Decision) -> Facts<'a> {
    Facts {
        name: "x",
        launched: Some(true),
        integration: Some(integration),
        person: None,
        link: None,
        run: None,
        decision,
        today: None,
        held: &[],
        waiting: None,
        barred: None,
        pins: &[],
        erased_at: None,
        now: NOW,
    }
}

fn told(change: impl FnOnce(&mut Facts<'_>)) -> String {
    let (integration, decision) = (integration(""), decision(None));
    let mut facts = facts(&integration, &decision);
    change(&mut facts);
    next(&facts).join(" | ")
}

fn next_with(waiting: Option<Waiting>, pins: &[StandingPin], held: &[Question]) -> String {
    let (integration, decision) = (integration(""), decision(None));
    next(&Facts { held, waiting, pins, ..facts(&integration, &decision) }).join(" | ")
}

#[test]
fn what_stops_everything_is_said_alone() {
    assert_eq!(told(|it| it.launched = None), "`x` was removed: no run looks at them any more");
    assert!(told(|it| it.launched = Some(false)).contains("`userload launch x`"));
    assert!(told(|it| it.erased_at = Some(NOW)).starts_with("erased by hand on 2026-11-23"));
}

#[test]
fn the_grace_says_runs_and_days() {
    let waiting = |runs, days_ago: Millis| {
        Some(Waiting { runs, of_runs: 3, since: NOW - days_ago * DAY, until: NOW + (3 - days_ago) * DAY })
    };
    let said = |runs, ago| told(|it| it.waiting = waiting(runs, ago));
    assert!(said(1, 2).contains("not found by 1 of 3 complete runs; 2 more runs and 1 day (until "));
    assert!(said(1, 9).contains("; 2 more runs, then deactivated for not-found, unless"));
    assert!(said(2, 9).contains("; the next complete run deactivates them for not-found, unless"));
    assert!(
        said(5, 1).contains("not found by 3 of 3 complete runs; 1 more run and 2 days"),
        "{}",
        said(5, 1)
    );
}

#[test]
fn a_grace_ends_nobody_whose_status_may_not_be_written() {
    let over = Some(Waiting { runs: 4, of_runs: 3, since: NOW - 9 * DAY, until: NOW - 6 * DAY });
    let pin = |word: &str| StandingPin {
        field: "status".into(),
        source_value: Some(word.into()),
        reason: "undone in run 7".into(),
        at: NOW,
    };
    let with = |change: &dyn Fn(&mut Facts<'_>)| {
        told(|it| {
            it.waiting = over;
            change(it);
        })
    };
    assert!(with(&|_| {}).contains("the next complete run deactivates them"));
    let barred = with(&|it| it.barred = Some("the status is locked"));
    assert!(barred.ends_with(
        "not found by 3 of 3 complete runs; kept again, however long it lasts: the status is locked"
    ));
    let ours = [pin("deleted")];
    assert!(
        next_with(over, &ours, &[])
            .contains("kept again, however long it lasts: the status is pinned (undone in run 7)")
    );
    // What the source said otherwise before holds no longer.
    assert!(next_with(over, &[pin("enabled")], &[]).contains("the next complete run deactivates them"));
    let asked = [held("deactivate:not-found", None)];
    assert!(next_with(over, &[], &asked).ends_with("next run: held again, until it is decided"));
    assert!(next_with(over, &[], &[held("clear:city", None)]).contains("deactivates them"));
}

#[test]
fn the_stored_record_tells_what_the_next_run_does() {
    let link = link(true, false);
    let said = |outcome, differences, held: &[Question]| {
        let today = today(outcome, differences);
        let held = held.to_vec();
        let (integration, decision) = (integration(""), decision(None));
        next(&Facts {
            name: "x",
            launched: Some(true),
            integration: Some(&integration),
            person: None,
            link: Some(&link),
            run: None,
            decision: &decision,
            today: Some(&today),
            held: &held,
            waiting: None,
            barred: None,
            pins: &[],
            erased_at: None,
            now: NOW,
        })
        .join(" | ")
    };
    let change = Some(r#"[["department","a",null]]"#);
    assert_eq!(
        said(Outcome::Unchanged, None, &[]),
        "next run: nothing changes while the source says the same"
    );
    assert!(said(Outcome::Updated, change, &[]).starts_with("next run: updated (department differs)"));
    let question = held("clear:department", change);
    let waits = said(Outcome::Updated, change, std::slice::from_ref(&question));
    assert!(waits.contains("clear:department: too many; `userload held approve 1` or "), "{waits}");
    assert!(waits.ends_with("next run: held again, until it is decided"), "{waits}");
    let more = Some(r#"[["department","a",null],["city","b","c"]]"#);
    assert!(said(Outcome::Updated, more, &[question]).contains("next run: updated"), "the city is not held");
}

#[test]
fn nobody_yet() {
    let said = |outcome: &str| {
        let decision = decision(Some(outcome));
        let integration = integration("");
        next(&facts(&integration, &decision)).join(" | ")
    };
    assert!(said("ambiguous").contains("until somebody decides who it is"));
    assert!(said("failed").contains("fails again until"));
    assert_eq!(said("skipped"), "next run: passed over again: mode is update-only");
}
