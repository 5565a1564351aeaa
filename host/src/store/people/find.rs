//! One person, by whatever names them.

use std::collections::BTreeSet;

use rusqlite::params;

use super::PersonRow;
use crate::model::fold_key;
use crate::store::{Result, Store};

/// More candidates than these are not listed.
const MOST: usize = 10;

/// Who was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This person.
    One(Box<PersonRow>),
    /// Nobody.
    Nobody,
    /// One of these, or of still more.
    Several(Vec<PersonRow>),
}

impl Store {
    /// The person that a text names: by the value of any key field, id, source id, or the beginning of
    /// one of them when it is nobody else's.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find_person(&self, who: &str, stamped: &[String]) -> Result<Found> {
        let who = who.trim();
        let folded = fold_key(who).unwrap_or_default();
        if folded.is_empty() {
            return Ok(Found::Nobody);
        }
        let exact = self.rows_of(
            "SELECT person FROM person_key WHERE tenant = ?1 AND field IN (SELECT value FROM json_each(?4)) AND key = ?2
             UNION SELECT id FROM person WHERE tenant = ?1 AND uid = lower(?3)
             UNION SELECT person FROM link WHERE tenant = ?1 AND source_id = ?3",
            &folded,
            who,
            &self.keys.names().collect::<Vec<_>>(),
        )?;
        let rows = if exact.is_empty() {
            // A range instead of LIKE: it is served by an index, and `_` and `%` mean themselves.
            self.rows_of(
                "SELECT person FROM person_key
                   WHERE tenant = ?1 AND field IN (SELECT value FROM json_each(?4)) AND key >= ?2 AND key < ?2 || char(1114111)
                 UNION SELECT id FROM person WHERE tenant = ?1 AND uid >= lower(?3) AND uid < lower(?3) || 'g'
                 UNION SELECT person FROM link
                   WHERE tenant = ?1 AND source_id >= ?3 AND source_id < ?3 || char(1114111)
                 LIMIT 11",
                &folded,
                who,
                &["email", "username"],
            )?
        } else {
            exact
        };
        let mut people = rows
            .into_iter()
            .take(MOST)
            .map(|id| self.person_by_row(id, stamped))
            .collect::<Result<Vec<PersonRow>>>()?;
        Ok(match people.len() {
            0 => Found::Nobody,
            1 => Found::One(Box::new(people.remove(0))),
            _ => Found::Several(people),
        })
    }

    fn rows_of(&self, sql: &str, folded: &str, who: &str, keys: &[&str]) -> Result<BTreeSet<i64>> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let keys = serde_json::to_string(keys)?;
        let rows = statement.query_map(params![self.tenant.0, folded, who, keys], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
