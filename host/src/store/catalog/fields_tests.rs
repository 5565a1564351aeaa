//! Fields of one's own: who may be called what, and what removing one does.

use super::*;
use crate::store::{Found, Import, ImportRow};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s"), "default").unwrap();
    (folder, store)
}

fn field(name: &str, label: &str, value_type: ValueType, key: bool) -> Target {
    Target {
        name: name.into(),
        label: label.into(),
        value_type,
        key,
        mandatory: false,
        filled: Filled::ByMapping,
        custom: true,
    }
}

fn enter(store: &mut Store, cells: &[(&str, &str)]) {
    let raw = |text: &str| RawValue::from_string(serde_json::to_string(text).unwrap()).unwrap();
    let fields = cells.iter().map(|(name, text)| ((*name).to_owned(), raw(text))).collect();
    let rows = vec![ImportRow { line: 2, fields, active: None }];
    store.import_people(&Import { file: "people.csv".into(), rows }, 1000).unwrap();
}

#[test]
fn names_and_labels_are_ones_own() {
    let (_folder, mut store) = store();
    store.add_field(&field("badge", "Badge number", ValueType::Text, true), 1).unwrap();
    let mut refused = |name: &str, label: &str, value_type, key| {
        store.add_field(&field(name, label, value_type, key), 2).unwrap_err().to_string()
    };
    assert_eq!(refused("badge", "x", ValueType::Text, false), "there is a field `badge` already");
    assert_eq!(
        refused("x", "BADGE number", ValueType::Text, false),
        "there is a field `badge` (`BADGE number`) already"
    );
    assert_eq!(
        refused("x", "Job title", ValueType::Text, false),
        "people have a field `job_title` (`Job title`) already"
    );
    assert!(refused("x", "X", ValueType::Number, true).contains("people are found by texts"));
    assert_eq!(store.keys().names().collect::<Vec<_>>(), ["badge", "email", "employee_id", "username"]);
    assert!(store.rename_field("badge", "Email").is_err());
    store.rename_field("badge", "Badge").unwrap();
    assert_eq!(store.again().unwrap().targets().find("BADGE").unwrap().label, "Badge");
}

#[test]
fn a_key_of_ones_own_finds_people() {
    let (_folder, mut store) = store();
    store.add_field(&field("badge", "Badge number", ValueType::Text, true), 1).unwrap();
    enter(&mut store, &[("username", "ana"), ("access_role", "Employee"), ("badge", "B-7")]);
    let Found::One(person) = store.find_person("b-7", &[]).unwrap() else { panic!("nobody") };
    assert_eq!(person.text("badge").as_deref(), Some("B-7"));
    assert_eq!(store.people_by_key("badge", "b-7").unwrap(), [person.id]);
}

#[test]
fn removing_a_field_that_is_filled_is_a_run() {
    let (_folder, mut store) = store();
    store.add_field(&field("badge", "Badge number", ValueType::Text, true), 1).unwrap();
    enter(&mut store, &[("username", "ana"), ("access_role", "Employee"), ("badge", "B-7")]);
    let refused = store.remove_field("badge", false, 2).unwrap_err();
    assert_eq!(refused.to_string(), "1 people have a value in `badge`");
    assert!(store.targets().named("badge").is_some(), "nothing has happened");
    let removed = store.remove_field("badge", true, 2000).unwrap();
    assert_eq!(removed, Removed { emptied: 1, run: Some(2) });
    assert!(store.targets().named("badge").is_none());
    assert_eq!(store.people_by_key("badge", "b-7").unwrap(), Vec::<i64>::new());
    let Found::One(person) = store.find_person("ana", &[]).unwrap() else { panic!("nobody") };
    assert_eq!((person.text("badge"), person.version), (None, 2));
    let history = store.history_of(person.id, 10).unwrap();
    assert_eq!(history[0].reason, "the field badge was removed");
    assert_eq!(history[0].differences.as_deref(), Some(r#"[["badge","B-7",null]]"#));
    assert!(store.remove_field("badge", true, 3).is_err(), "it is not there any more");
}
