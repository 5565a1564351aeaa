//! What a story looks at: people, rows of the ledger, holds.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags, Row as SqlRow};
use serde_json::value::RawValue;

use crate::House;

/// A person, as the people table has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The row.
    pub id: i64,
    /// Active or inactive.
    pub active: bool,
    /// Who made them inactive.
    pub ended_by: Option<String>,
    /// Values as their JSON texts, by field.
    pub fields: BTreeMap<String, String>,
    /// Counts the changes.
    pub version: i64,
}

impl Person {
    /// A text field, decoded; none when it is empty.
    pub fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).map(|raw| serde_json::from_str(raw).unwrap_or_else(|_| raw.clone()))
    }

    /// The username.
    pub fn username(&self) -> String {
        self.text("username").unwrap_or_default()
    }
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What became of it.
    pub outcome: String,
    /// `flows`, `held`, `none` or `moved`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// What was not applied, as JSON.
    pub not_applied: Option<String>,
    /// What differs, as JSON.
    pub differences: Option<String>,
}

/// A standing question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// The user at the source.
    pub source_id: String,
    /// The cause.
    pub cause: String,
    /// `open`, `withdrawn`, `approved` or `rejected`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// What waits, as JSON.
    pub differences: Option<String>,
    /// The run that opened it.
    pub opened_run: i64,
    /// Why it was closed.
    pub note: Option<String>,
}

impl House {
    /// The store as SQL, to read.
    pub fn sql(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = Connection::open_with_flags(self.store_path(), flags).expect("the store");
        sql.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
        sql
    }

    /// One number that SQL tells.
    pub fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Names of the fields that people are found by, sorted: the three built-in ones and the tenant's own.
    pub fn key_fields(&self) -> Vec<String> {
        let own = "SELECT name FROM custom_field WHERE key = 1";
        let sql = self.sql();
        let mut query = sql.prepare(own).expect("fields");
        let own = query.query_map([], |row| row.get(0)).expect("fields").map(|row| row.expect("a field"));
        let mut all: Vec<String> = ["email", "employee_id", "username"].map(str::to_owned).into();
        all.extend(own);
        all.sort();
        all
    }

    /// Everybody, by id.
    pub fn people(&self) -> Vec<Person> {
        let sql = self.sql();
        let mut query = sql.prepare(&format!("{PERSON} ORDER BY id")).expect("people");
        let rows = query.query_map([], person).expect("people");
        rows.map(|row| row.expect("a person")).collect()
    }

    /// The person of that username, however it is written; none when there is nobody.
    pub fn named(&self, username: &str) -> Option<Person> {
        self.people().into_iter().find(|it| it.username().eq_ignore_ascii_case(username))
    }

    /// The person to whom the first integration has linked a user.
    pub fn of(&self, source_id: &str) -> Option<Person> {
        let by =
            format!("{PERSON} WHERE id = (SELECT person FROM link WHERE source_id = ?1 ORDER BY id LIMIT 1)");
        self.sql().query_row(&by, [source_id], person).ok()
    }

    /// Whether the person of a user is active. Panics when there is none.
    pub fn active(&self, source_id: &str) -> bool {
        self.of(source_id).unwrap_or_else(|| panic!("{source_id} is nobody's")).active
    }

    /// A text field of the person of a user.
    pub fn text(&self, source_id: &str, field: &str) -> Option<String> {
        self.of(source_id).unwrap_or_else(|| panic!("{source_id} is nobody's")).text(field)
    }

    /// What the last run wrote about a user; none when it left no row behind.
    pub fn row(&self, source_id: &str) -> Option<Row> {
        self.sql()
            .query_row(
                "SELECT outcome, state, reason, not_applied, differences FROM change
                 WHERE source_id = ?1 AND run = (SELECT max(id) FROM run)",
                [source_id],
                |row| {
                    Ok(Row {
                        outcome: row.get(0)?,
                        state: row.get(1)?,
                        reason: row.get(2)?,
                        not_applied: row.get(3)?,
                        differences: row.get(4)?,
                    })
                },
            )
            .ok()
    }

    /// The same as `outcome: reason`; `-` when the last run had nothing to say.
    pub fn said(&self, source_id: &str) -> String {
        self.row(source_id).map_or_else(|| "-".to_owned(), |row| format!("{}: {}", row.outcome, row.reason))
    }

    /// All holds, closed ones included, the oldest first.
    pub fn all_holds(&self) -> Vec<Hold> {
        let sql = self.sql();
        let mut query = sql
            .prepare(
                "SELECT h.source_id, h.cause, h.state, h.reason, h.differences, r.number, h.closed_note, h.id
                 FROM hold h JOIN run r ON r.id = h.opened_run ORDER BY h.id",
            )
            .expect("holds");
        let rows = query.query_map([], hold).expect("holds");
        rows.map(|row| row.expect("a hold")).collect()
    }

    /// Open holds.
    pub fn holds(&self) -> Vec<Hold> {
        self.all_holds().into_iter().filter(|hold| hold.state == "open").collect()
    }

    /// Causes of a user's open holds.
    pub fn held(&self, source_id: &str) -> Vec<String> {
        let mut causes: Vec<String> =
            self.holds().into_iter().filter(|it| it.source_id == source_id).map(|it| it.cause).collect();
        causes.sort();
        causes
    }
}

/// What a user is in an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasUser {
    /// The role; none = unknown.
    pub role: Option<String>,
    /// The last activity, in milliseconds since 1970; none = unknown.
    pub last_activity: Option<i64>,
    /// Whether they are a user.
    pub active: bool,
}

impl House {
    /// What a user is in the one application that has them; none when they are no SaaS user.
    pub fn saas(&self, source_id: &str) -> Option<SaasUser> {
        self.sql()
            .query_row(
                "SELECT role, last_activity, active FROM saas_user WHERE source_id = ?1",
                [source_id],
                |row| Ok(SaasUser { role: row.get(0)?, last_activity: row.get(1)?, active: row.get(2)? }),
            )
            .ok()
    }

    /// From now on nothing may be written to these tables.
    pub fn seal(&self, tables: &[&str]) {
        let sql = Connection::open(self.store_path()).expect("the store");
        for table in tables {
            for deed in ["INSERT", "UPDATE", "DELETE"] {
                sql.execute_batch(&format!(
                    "CREATE TRIGGER sealed_{table}_{deed} BEFORE {deed} ON {table}
                     BEGIN SELECT RAISE(ABORT, '{table} is sealed'); END"
                ))
                .expect("a trigger");
            }
        }
    }

    /// Lets tables be written again.
    pub fn unseal(&self, tables: &[&str]) {
        let sql = Connection::open(self.store_path()).expect("the store");
        for table in tables {
            for deed in ["INSERT", "UPDATE", "DELETE"] {
                sql.execute_batch(&format!("DROP TRIGGER sealed_{table}_{deed}")).expect("a trigger");
            }
        }
    }
}

const PERSON: &str = "SELECT id, active, ended_by, fields, version FROM person";

fn person(row: &SqlRow<'_>) -> rusqlite::Result<Person> {
    let fields: String = row.get(3)?;
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&fields).expect("an object");
    Ok(Person {
        id: row.get(0)?,
        active: row.get(1)?,
        ended_by: row.get(2)?,
        fields: fields.into_iter().map(|(name, raw)| (name, raw.get().to_owned())).collect(),
        version: row.get(4)?,
    })
}

fn hold(row: &SqlRow<'_>) -> rusqlite::Result<Hold> {
    Ok(Hold {
        source_id: row.get(0)?,
        cause: row.get(1)?,
        state: row.get(2)?,
        reason: row.get(3)?,
        differences: row.get(4)?,
        opened_run: row.get(5)?,
        note: row.get(6)?,
        id: row.get(7)?,
    })
}
