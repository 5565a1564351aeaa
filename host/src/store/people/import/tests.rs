//! Imports: what they write, and that they write all or nothing.

use super::*;
use crate::store::{Found, PeopleFilter};

fn row(line: u64, cells: &[(&'static str, &str)], active: Option<bool>) -> ImportRow {
    let raw = |text: &str| RawValue::from_string(serde_json::to_string(text).unwrap()).unwrap();
    ImportRow {
        line,
        fields: cells.iter().map(|(name, text)| ((*name).to_owned(), raw(text))).collect(),
        active,
    }
}

fn import(store: &mut Store, rows: Vec<ImportRow>) -> Result<RunReport> {
    store.import_people(&Import { file: "people.csv".into(), rows }, 1000).map(|it| it.report)
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s"), "default").unwrap();
    (folder, store)
}

fn one(store: &Store, who: &str) -> crate::store::PersonRow {
    match store.find_person(who, &[]).unwrap() {
        Found::One(person) => *person,
        other => panic!("{who}: {other:?}"),
    }
}

#[test]
fn created_updated_unchanged_deactivated() {
    let (_folder, mut store) = store();
    let ana = [("username", "Ana@X.example"), ("access_role", "Employee"), ("employee_id", "007")];
    let report = import(&mut store, vec![row(2, &ana, None)]).unwrap();
    assert_eq!((report.run, report.count(Outcome::Created)), (1, 1));
    let person = one(&store, "ana@x.EXAMPLE");
    assert_eq!(person.fields, r#"{"access_role":"Employee","employee_id":"007","username":"Ana@X.example"}"#);
    assert_eq!((person.active, person.version), (true, 1));

    let report = import(&mut store, vec![row(2, &ana, Some(true))]).unwrap();
    assert_eq!(report.count(Outcome::Unchanged), 1);
    assert_eq!(one(&store, "007").version, 1, "found by employee id, and not touched");

    let moved = [("username", "ana@x.example"), ("city", "Bonn")];
    let report = import(&mut store, vec![row(2, &moved, Some(false))]).unwrap();
    assert_eq!(report.count(Outcome::Deactivated), 1);
    let person = one(&store, &person.uid[..8]);
    assert_eq!((person.active, person.ended_by.as_deref(), person.version), (false, Some("hand"), 2));
    assert_eq!(person.text("city").as_deref(), Some("Bonn"));
    let history = store.history_of(person.id, 10).unwrap();
    assert_eq!(history.iter().map(|it| it.outcome.as_str()).collect::<Vec<_>>(), ["deactivated", "created"]);
    assert_eq!(history[0].reason, "imported from people.csv, line 2");
    assert!(history.iter().all(|it| it.was_applied() && it.integration.is_none()));
}

#[test]
fn all_or_nothing() {
    let (_folder, mut store) = store();
    let error = import(
        &mut store,
        vec![
            row(2, &[("username", "a"), ("access_role", "Guest")], None),
            row(3, &[("username", "b")], None),
            row(4, &[("username", "c")], None),
        ],
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @r"
    `people.csv` was not imported:
      line 3, column `access_role`: a new person needs an access role, such as Employee
      line 4, column `access_role`: a new person needs an access role, such as Employee
    ");
    assert_eq!(store.census().unwrap(), crate::store::Census::default());
    assert!(store.runs(None, 10).unwrap().is_empty());
}

#[test]
fn a_username_that_was_given_up_makes_somebody_else() {
    let (_folder, mut store) = store();
    import(&mut store, vec![row(2, &[("username", "a"), ("access_role", "Guest")], None)]).unwrap();
    let first = one(&store, "a");
    store.sql.execute("UPDATE person_key SET key = 'z' WHERE key = 'a'", []).unwrap();
    import(&mut store, vec![row(2, &[("username", "a"), ("access_role", "Guest")], None)]).unwrap();
    assert_ne!(one(&store, "a").uid, first.uid);
}

#[test]
fn people_are_listed_searched_and_streamed() {
    let (_folder, mut store) = store();
    let names = ["\u{c9}lodie", "bo", "Cy", "O'Neil", "100%"];
    let rows = names
        .iter()
        .map(|name| {
            let user = format!("{name}@x.example");
            row(
                2,
                &[("username", &user), ("access_role", "Guest"), ("display_name", name)],
                Some(*name != "bo"),
            )
        })
        .collect();
    import(&mut store, rows).unwrap();
    let found = |search: &str, active| {
        let filter = PeopleFilter { search: Some(search.into()), active, ..PeopleFilter::default() };
        let people = store.people(&filter, &[]).unwrap();
        assert_eq!(store.count_people(&filter).unwrap(), people.len() as u64);
        people.iter().map(crate::store::PersonRow::name).collect::<Vec<_>>()
    };
    assert_eq!(found("e\u{301}LO", None), ["\u{c9}lodie"], "however the accent was typed");
    assert_eq!(found("%", None), ["100%"]);
    assert_eq!(found("x.example", Some(false)), ["bo"]);
    assert_eq!(found("", None).len(), 5);
    assert!(matches!(store.find_person("zzz", &[]).unwrap(), Found::Nobody));
    assert!(matches!(store.find_person("", &[]).unwrap(), Found::Nobody));
    assert_eq!(one(&store, "cy").name(), "Cy", "an unambiguous beginning is enough");

    let mut uids = Vec::new();
    store
        .each_person(None, &[], |person| {
            uids.push(person.uid);
            Ok::<(), ()>(())
        })
        .unwrap()
        .unwrap();
    assert!(uids.is_sorted() && uids.len() == 5);
    assert_eq!(store.each_person(None, &[], |_| Err("stop")).unwrap(), Err("stop"));
}
