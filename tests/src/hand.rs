//! What people do by hand in a house: undo, set, lock, merge, erase.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use userload::model::Outcome;
use userload::store::{Edit, Locking, Merging, UndoOrder};
use userload::sync::RunReport;

use crate::house::MINUTE;
use crate::{House, Person};

/// A standing pin: user, field, what the source says while it holds, why.
pub type Pin = (String, String, Option<String>, String);

impl House {
    /// The row of a user's person. Panics when there is none.
    fn row_of(&self, source_id: &str) -> i64 {
        self.of(source_id).unwrap_or_else(|| panic!("{source_id} is nobody's")).id
    }

    /// A minute later a run is undone, wholly.
    ///
    /// # Panics
    /// When it is refused.
    pub fn undo(&mut self, run: i64) -> RunReport {
        self.try_undo(&UndoOrder { run, ..UndoOrder::default() }).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A minute later some fields of a run are undone.
    ///
    /// # Panics
    /// When it is refused.
    pub fn undo_fields(&mut self, run: i64, fields: &[&str]) -> RunReport {
        let fields: BTreeSet<String> = fields.iter().map(|it| (*it).to_owned()).collect();
        let order = UndoOrder { run, fields, ..UndoOrder::default() };
        self.try_undo(&order).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A minute later a run is undone, if it may be.
    ///
    /// # Errors
    /// Why it may not; nobody has changed then.
    pub fn try_undo(&mut self, order: &UndoOrder) -> Result<RunReport, String> {
        self.now += MINUTE;
        let (now, before) = (self.now, self.people());
        let done = self.store().undo(order, now).map(|it| it.report).map_err(|error| error.to_string());
        match &done {
            Ok(report) => {
                let sum: u64 = report.outcomes.values().sum();
                assert_eq!(sum, report.rows_seen, "{:?}", report.outcomes);
            }
            Err(error) => assert_eq!(self.people(), before, "{error}"),
        }
        if order.dry_run {
            assert_eq!(self.people(), before, "only tried");
        }
        self.check();
        done
    }

    /// Sets a text of a user's person by hand; none empties it.
    ///
    /// # Panics
    /// When it is refused.
    pub fn set(&mut self, source_id: &str, field: &str, value: Option<&str>) -> RunReport {
        self.now += MINUTE;
        let raw = value.map(|text| {
            RawValue::from_string(serde_json::Value::from(text).to_string()).expect("JSON of a text")
        });
        let edit = Edit { fields: [(field.to_owned(), raw)].into(), active: None };
        self.edit(source_id, &edit)
    }

    /// Sets the status of a user's person by hand.
    ///
    /// # Panics
    /// When it is refused.
    pub fn set_active(&mut self, source_id: &str, active: bool) -> RunReport {
        self.now += MINUTE;
        self.edit(source_id, &Edit { active: Some(active), ..Edit::default() })
    }

    /// Makes somebody inactive by hand who has no user.
    ///
    /// # Panics
    /// When it is refused.
    pub fn end(&mut self, person: i64) -> RunReport {
        self.now += MINUTE;
        self.edit_person(person, &Edit { active: Some(false), ..Edit::default() })
    }

    fn edit(&mut self, source_id: &str, edit: &Edit) -> RunReport {
        self.edit_person(self.row_of(source_id), edit)
    }

    fn edit_person(&mut self, person: i64, edit: &Edit) -> RunReport {
        let now = self.now;
        let edited = self.store().set_person(person, edit, now).unwrap_or_else(|error| panic!("{error}"));
        self.check();
        edited.report.expect("something to set")
    }

    /// Locks fields of a user's person; an empty one is the person wholly.
    ///
    /// # Panics
    /// When it is refused.
    pub fn lock(&mut self, source_id: &str, fields: &[&str]) -> RunReport {
        self.now += MINUTE;
        let (person, now) = (self.row_of(source_id), self.now);
        let fields: Vec<String> = fields.iter().map(|it| (*it).to_owned()).collect();
        let locking = Locking { fields: &fields, note: Some("agreed") };
        let report = self.store().lock_person(person, &locking, now);
        self.check();
        report.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes one person of two users' people, or of two usernames.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn merge(&mut self, keep: &Person, other: &Person) -> Result<RunReport, String> {
        self.now += MINUTE;
        let now = self.now;
        let merging = Merging { keep: keep.id, other: other.id };
        let merged = self.store().merge_people(merging, now).map_err(|error| error.to_string());
        self.check();
        merged
    }

    /// Takes every link of a user's person away.
    ///
    /// # Panics
    /// When it is refused.
    pub fn unlink(&mut self, source_id: &str) -> RunReport {
        self.now += MINUTE;
        let (person, now) = (self.row_of(source_id), self.now);
        let links = self.store().links_of(person).expect("links");
        let report = self.store().unlink_person(person, &links, now);
        self.check();
        report.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Erases a user's person.
    ///
    /// # Panics
    /// When it is refused.
    pub fn erase(&mut self, source_id: &str) -> RunReport {
        self.now += MINUTE;
        let (person, now) = (self.row_of(source_id), self.now);
        let (report, swept) =
            self.store().erase_person(person, now).unwrap_or_else(|error| panic!("{error}"));
        assert!(swept, "the file was not swept");
        self.check();
        report
    }

    /// All pins, by user and field.
    pub fn pins(&self) -> Vec<Pin> {
        let sql = self.sql();
        let mut query = sql
            .prepare("SELECT source_id, field, source_value, reason FROM pin ORDER BY source_id, field")
            .expect("pins");
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .expect("pins");
        rows.map(|row| row.expect("a pin")).collect()
    }

    /// What was kept by an undo, and of how many.
    pub fn kept(report: &RunReport) -> Vec<(String, u64)> {
        let groups = report.causes.iter().filter(|it| it.outcome == Outcome::Kept);
        groups.map(|it| (it.cause.clone(), it.count)).collect()
    }
}
