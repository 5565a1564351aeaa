//! What reports look like.

use super::{Paint, View, render};
use crate::model::Outcome;
use crate::sync::*;

const DAY: i64 = 86_400_000;

fn view() -> View {
    View { paint: Paint(false), now: 20_000 * DAY, all: false, launched: true }
}

fn sample(name: &str, reason: &str, changes: &[(&str, Option<&str>, Option<&str>)]) -> Sample {
    Sample {
        source_id: Some(format!("id-{name}")),
        name: name.into(),
        reason: reason.into(),
        changes: changes
            .iter()
            .map(|(field, before, after)| PlannedChange {
                field: (*field).into(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            })
            .collect(),
    }
}

fn report() -> RunReport {
    RunReport {
        run: 7,
        undoes: None,
        kept: None,
        integration: "contoso".into(),
        kind: RunKind::Plan,
        state: RunState::Planned,
        started_at: 20_000 * DAY,
        ended_at: Some(20_000 * DAY + 5_000),
        completeness: Completeness {
            complete: true,
            reason: None,
            rows: 10_000,
            expected: Some(10_000),
            last: Some(9_990),
        },
        rows_seen: 10_000,
        absent: 5,
        outcomes: [
            (Outcome::Created, 12),
            (Outcome::Updated, 431),
            (Outcome::Deactivated, 3),
            (Outcome::Ambiguous, 2),
            (Outcome::Failed, 1),
            (Outcome::Held, 2),
            (Outcome::Unchanged, 9_554),
        ]
        .into(),
        causes: vec![
            CauseGroup {
                outcome: Outcome::Updated,
                cause: "department: \"Sales\" → \"Revenue\"".into(),
                count: 400,
                samples: vec![
                    sample(
                        "Ana P\u{e9}rez",
                        "fields differ",
                        &[("department", Some("\"Sales\""), Some("\"Revenue\""))],
                    ),
                    sample(
                        "\u{1f469}\u{200d}\u{1f52c} Bo",
                        "fields differ",
                        &[
                            ("department", Some("\"Sales\""), Some("\"Revenue\"")),
                            ("employee_id", None, Some("12345678901234567890")),
                        ],
                    ),
                ],
            },
            CauseGroup {
                outcome: Outcome::Updated,
                cause: "other fields".into(),
                count: 31,
                samples: vec![sample("\u{1b}[31mEvil", "x", &[("city", Some("\"Bonn\""), None)])],
            },
            CauseGroup {
                outcome: Outcome::Created,
                cause: "new at the source".into(),
                count: 12,
                samples: vec![sample("\u{645}\u{631}\u{64a}\u{645}", "new at the source", &[])],
            },
            CauseGroup {
                outcome: Outcome::Deactivated,
                cause: "deleted at the source".into(),
                count: 3,
                samples: vec![sample("O'Hara", "deleted on 2024-10-01", &[])],
            },
        ],
        held: vec![HeldGroup {
            cause: "clear:department".into(),
            reason: "12 people would lose their department, more than 10 and 5% of 200".into(),
            count: 12,
            new: 2,
            since: 19_997 * DAY,
            samples: vec![sample("Cy", "", &[("department", Some("\"Ops\""), None)])],
        }],
        newly_held: 2,
        withdrawn: 1,
        failed: vec![FailedRow { source_id: None, reason: "`username`: expected a text, found null".into() }],
        ambiguous: vec![FailedRow {
            source_id: Some("id-9".into()),
            reason: "two people have the email a@x.example".into(),
        }],
        notes: vec!["3 users are in the directory but not in the listing".into()],
        reading: None,
        managers: None,
        saas: None,
        timings: Timings { stage: 4_200, judge: 310, apply: 0 },
        cost: Cost { retries: 3, throttled: 2, waited: 12_000, restarts: 1, resumed_pages: 4 },
        receipt: serde_json::json!({
            "calls": 1013, "cpu_ms": 4200, "memory_peak": 3_541_880,
            "traffic": {"requests": 1012, "received_bytes": 150_000_000,
                        "origins": {"https://graph.microsoft.com": {"requests": 1012}}},
        }),
        error: None,
    }
}

#[test]
fn a_plan_is_one_screen() {
    insta::assert_snapshot!(render(&report(), view()), @r#"
    Plan 7 for contoso: nobody was changed yet
    listing complete: 10,000 users

      +12 created  -3 deactivated  ~431 updated  x1 failed  !2 ambiguous  ‖2 held  =9,554 unchanged
      = 10,005 rows (10,000 listed + 5 absent)

    + created 12
        new at the source  12
            مريم
            … and 11 more

    - deactivated 3
        deleted at the source  3
            O'Hara  deleted on 2024-10-01
            … and 2 more

    ~ updated 431
        department: "Sales" → "Revenue"  400
            Ana Pérez
            👩‍🔬 Bo      department: "Sales" → "Revenue", employee_id: empty → 12345678901234567890
            … and 398 more
        other fields  31
            \u{1b}[31mEvil  city: "Bonn" → empty
            … and 30 more

    ‖ 12 changes held for you to decide, 2 of them new
        clear:department  12, oldest 3 days ago
          12 people would lose their department, more than 10 and 5% of 200
            Cy  department: "Ops" → empty
            … and 11 more

    x failed 1
        (no id)  `username`: expected a text, found null

    ! ambiguous 2
        id-9  two people have the email a@x.example
        … and 1 more

    note: 3 users are in the directory but not in the listing
    note: 1 held change was withdrawn: no longer needed

    read 4.2 s, judge 0.3 s; 3 retries (2 throttled), 12.0 s waited; listing restarted 1 time; 4 pages taken over from an interrupted run
    plugin: 1,013 calls, 1,012 requests to https://graph.microsoft.com (143.0 MiB received), 4,200 ms of processor, 3.3 MiB of memory

    next: `userload apply 7` makes it so
    next: `userload held list` shows what is held
    next: `userload runs show 7 --changes` lists every change
    "#);
}

#[test]
fn nothing_to_do_says_so() {
    let report = RunReport {
        state: RunState::Applied,
        kind: RunKind::Sync,
        absent: 0,
        outcomes: [(Outcome::Unchanged, 10_000)].into(),
        causes: Vec::new(),
        held: Vec::new(),
        newly_held: 0,
        withdrawn: 0,
        failed: Vec::new(),
        ambiguous: Vec::new(),
        notes: Vec::new(),
        cost: Cost::default(),
        receipt: serde_json::Value::Null,
        ..report()
    };
    insta::assert_snapshot!(render(&report, view()), @r"
    Run 7 of contoso, applied
    listing complete: 10,000 users

      =10,000 unchanged
      = 10,000 rows (10,000 listed)
      Nothing changed.

    read 4.2 s, judge 0.3 s, apply 0.0 s
    ");
}

#[test]
fn incomplete_and_failed_say_why() {
    let incomplete = RunReport {
        completeness: Completeness {
            complete: false,
            reason: Some("the source said 10,000 users and listed 5,100".into()),
            rows: 5_100,
            expected: Some(10_000),
            last: None,
        },
        rows_seen: 5_100,
        absent: 0,
        outcomes: [(Outcome::Unchanged, 5_000), (Outcome::Updated, 100)].into(),
        causes: Vec::new(),
        held: Vec::new(),
        failed: Vec::new(),
        ambiguous: Vec::new(),
        ..report()
    };
    insta::assert_snapshot!(render(&incomplete, View { launched: false, ..view() }), @r"
    Plan 7 for contoso: nobody was changed yet
    listing incomplete, 5,100 of 10,000 users: the source said 10,000 users and listed 5,100; nobody is judged absent by it

      ~100 updated  =5,000 unchanged
      = 5,100 rows (5,100 listed)

    note: 3 users are in the directory but not in the listing
    note: 1 held change was withdrawn: no longer needed

    read 4.2 s, judge 0.3 s; 3 retries (2 throttled), 12.0 s waited; listing restarted 1 time; 4 pages taken over from an interrupted run
    plugin: 1,013 calls, 1,012 requests to https://graph.microsoft.com (143.0 MiB received), 4,200 ms of processor, 3.3 MiB of memory

    next: the integration is a draft: `userload launch contoso` before it can be applied
    next: `userload runs show 7 --changes` lists every change
    ");
    let failed = RunReport {
        state: RunState::Failed,
        outcomes: Default::default(),
        error: Some("reading page 3 of the listing: Graph said 503 (serviceNotAvailable)".into()),
        receipt: serde_json::Value::Null,
        ..incomplete
    };
    insta::assert_snapshot!(render(&failed, view()), @r"
    Run 7 of contoso failed: nobody was changed

    error: reading page 3 of the listing: Graph said 503 (serviceNotAvailable)

    note: 3 users are in the directory but not in the listing
    note: 1 held change was withdrawn: no longer needed

    read 4.2 s, judge 0.3 s; 3 retries (2 throttled), 12.0 s waited; listing restarted 1 time; 4 pages taken over from an interrupted run
    ");
}

#[test]
fn json_is_frozen() {
    let json = super::json_v1::Answer::new("run", super::json_v1::Run::from(&report())).text().unwrap();
    assert!(!json.contains('\u{1b}'));
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "version": 1,
      "run": {
        "number": 7,
        "undoes": null,
        "integration": "contoso",
        "kind": "plan",
        "state": "planned",
        "started_at": "2024-10-04T00:00:00Z",
        "ended_at": "2024-10-04T00:00:05Z",
        "complete": true,
        "incomplete_because": null,
        "rows_seen": 10000,
        "rows_expected": 10000,
        "absent": 5,
        "outcomes": {
          "ambiguous": 2,
          "created": 12,
          "deactivated": 3,
          "failed": 1,
          "held": 2,
          "unchanged": 9554,
          "updated": 431
        },
        "causes": [
          {
            "outcome": "updated",
            "cause": "department: \"Sales\" → \"Revenue\"",
            "count": 400,
            "samples": [
              {
                "source_id": "id-Ana Pérez",
                "name": "Ana Pérez",
                "reason": "fields differ",
                "changes": [
                  {
                    "field": "department",
                    "before": "Sales",
                    "after": "Revenue"
                  }
                ]
              },
              {
                "source_id": "id-👩‍🔬 Bo",
                "name": "👩‍🔬 Bo",
                "reason": "fields differ",
                "changes": [
                  {
                    "field": "department",
                    "before": "Sales",
                    "after": "Revenue"
                  },
                  {
                    "field": "employee_id",
                    "before": null,
                    "after": 12345678901234567890
                  }
                ]
              }
            ]
          },
          {
            "outcome": "updated",
            "cause": "other fields",
            "count": 31,
            "samples": [
              {
                "source_id": "id-\u001b[31mEvil",
                "name": "\u001b[31mEvil",
                "reason": "x",
                "changes": [
                  {
                    "field": "city",
                    "before": "Bonn",
                    "after": null
                  }
                ]
              }
            ]
          },
          {
            "outcome": "created",
            "cause": "new at the source",
            "count": 12,
            "samples": [
              {
                "source_id": "id-مريم",
                "name": "مريم",
                "reason": "new at the source",
                "changes": []
              }
            ]
          },
          {
            "outcome": "deactivated",
            "cause": "deleted at the source",
            "count": 3,
            "samples": [
              {
                "source_id": "id-O'Hara",
                "name": "O'Hara",
                "reason": "deleted on 2024-10-01",
                "changes": []
              }
            ]
          }
        ],
        "held": [
          {
            "cause": "clear:department",
            "reason": "12 people would lose their department, more than 10 and 5% of 200",
            "count": 12,
            "new": 2,
            "since": "2024-10-01T00:00:00Z",
            "samples": [
              {
                "source_id": "id-Cy",
                "name": "Cy",
                "reason": "",
                "changes": [
                  {
                    "field": "department",
                    "before": "Ops",
                    "after": null
                  }
                ]
              }
            ]
          }
        ],
        "newly_held": 2,
        "withdrawn": 1,
        "failed": [
          {
            "source_id": null,
            "reason": "`username`: expected a text, found null"
          }
        ],
        "ambiguous": [
          {
            "source_id": "id-9",
            "reason": "two people have the email a@x.example"
          }
        ],
        "notes": [
          "3 users are in the directory but not in the listing"
        ],
        "reading": null,
        "managers": null,
        "saas": null,
        "milliseconds": {
          "stage": 4200,
          "judge": 310,
          "apply": 0,
          "waited": 12000
        },
        "cost": {
          "retries": 3,
          "throttled": 2,
          "restarts": 1,
          "resumed_pages": 4
        },
        "receipt": {
          "calls": 1013,
          "cpu_ms": 4200,
          "memory_peak": 3541880,
          "traffic": {
            "origins": {
              "https://graph.microsoft.com": {
                "requests": 1012
              }
            },
            "received_bytes": 150000000,
            "requests": 1012
          }
        },
        "error": null
      }
    }
    "#);
}
