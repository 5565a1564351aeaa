//! Reading people: lists, one person by whatever names them, everybody in a stable order.

mod find;
mod history;
mod import;
mod why;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Row, named_params, params};

pub use find::Found;
pub use history::{ChangeRow, LinkRow};
pub use import::{Import, ImportRow, Imported};
pub use why::{Account, DecisionRow, LinkState, Question, StandingLock, StandingPin};

use super::{Result, Store, fields};
use crate::model::{Millis, fold_key};

/// A person as the store has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// The row; means nothing outside of the store.
    pub id: i64,
    /// The lasting id.
    pub uid: String,
    /// Active or inactive.
    pub active: bool,
    /// Who made the person inactive: `integration:NAME` or `hand`.
    pub ended_by: Option<String>,
    /// JSON object from field to value. Empty fields are missing.
    pub fields: String,
    /// Counts the changes of the person.
    pub version: i64,
    /// When the person came to be.
    pub created_at: Millis,
    /// The latest Connector Sync Time of the person's links to integrations that map it.
    pub sync_time: Option<Millis>,
}

impl PersonRow {
    /// The text of a field, if it has one. Other values as their JSON text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        let map = fields::parse(&self.fields).ok()?;
        let value = map.get(field)?.get();
        Some(serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned()))
    }

    /// What people call this person: display name, else username, else the id.
    #[must_use]
    pub fn name(&self) -> String {
        self.text("display_name").or_else(|| self.text("username")).unwrap_or_else(|| self.uid.clone())
    }
}

/// Which people. The default is everybody.
#[derive(Clone, Debug, Default)]
pub struct PeopleFilter {
    /// Only the active, or only the inactive.
    pub active: Option<bool>,
    /// Part of username, email or display name; case does not matter.
    pub search: Option<String>,
    /// Only those whom this integration has linked.
    pub integration: Option<String>,
    /// Only those about whom a question is open.
    pub held: bool,
    /// At most so many.
    pub limit: Option<u32>,
    /// After so many.
    pub offset: u32,
}

/// People by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Active people.
    pub active: u64,
    /// Inactive people.
    pub inactive: u64,
}

/// A person's row, with the Connector Sync Time of the integrations in `:stamped`.
const SELECT: &str = "SELECT p.id, p.uid, p.active, p.ended_by, p.fields, p.version, p.created_at,
    (SELECT max(coalesce(l.sync_time, i.sync_time))
     FROM link l JOIN integration i ON i.tenant = l.tenant AND i.name = l.integration
     WHERE l.person = p.id AND l.integration IN (SELECT value FROM json_each(:stamped)))
  FROM person p";

const WHERE: &str = "WHERE p.tenant = :tenant AND (:active IS NULL OR p.active = :active)
    AND (:search IS NULL
      OR instr(fold_text(json_extract(p.fields, '$.username')), :search)
      OR instr(fold_text(json_extract(p.fields, '$.email')), :search)
      OR instr(fold_text(json_extract(p.fields, '$.display_name')), :search))
    AND (:integration IS NULL OR EXISTS (
      SELECT 1 FROM link l WHERE l.person = p.id AND l.integration = :integration))
    AND (NOT :held OR p.id IN (
      SELECT h.person FROM hold h WHERE h.tenant = :tenant AND h.state = 'open' AND h.person IS NOT NULL))";

impl Store {
    /// How many people there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn census(&self) -> Result<Census> {
        let (active, all): (i64, i64) = self.sql.query_row(
            "SELECT count(*) FILTER (WHERE active = 1), count(*) FROM person WHERE tenant = ?1",
            [self.tenant.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(Census { active: active.unsigned_abs(), inactive: (all - active).unsigned_abs() })
    }

    /// How many people a filter lets through, its limit and offset aside.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_people(&self, filter: &PeopleFilter) -> Result<u64> {
        self.register_fold()?;
        let search = filter.search.as_deref().and_then(fold_key);
        let count: i64 = self.sql.query_row(
            &format!("SELECT count(*) FROM person p {WHERE}"),
            named_params! {
                ":tenant": self.tenant.0, ":active": filter.active, ":search": search,
                ":integration": filter.integration, ":held": filter.held,
            },
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }

    /// The people that a filter lets through, by username, then id. `stamped` names the integrations whose
    /// Connector Sync Time is shown.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn people(&self, filter: &PeopleFilter, stamped: &[String]) -> Result<Vec<PersonRow>> {
        self.register_fold()?;
        let search = filter.search.as_deref().and_then(fold_key);
        let mut statement = self.sql.prepare(&format!(
            "{SELECT} {WHERE}
             ORDER BY fold_text(json_extract(p.fields, '$.username')), p.uid LIMIT :limit OFFSET :offset"
        ))?;
        let rows = statement.query_map(
            named_params! {
                ":tenant": self.tenant.0, ":active": filter.active, ":search": search,
                ":integration": filter.integration, ":held": filter.held,
                ":stamped": serde_json::to_string(stamped)?,
                ":limit": filter.limit.map_or(-1, i64::from), ":offset": filter.offset,
            },
            read,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Everybody that a status lets through, one by one, in the order of their ids: the same directory gives
    /// the same sequence. `each` may stop it by an error.
    ///
    /// # Errors
    /// When the store cannot be read; the error of `each` in its own place.
    pub fn each_person<E>(
        &self,
        active: Option<bool>,
        stamped: &[String],
        mut each: impl FnMut(PersonRow) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let mut statement = self.sql.prepare(&format!(
            "{SELECT} WHERE p.tenant = :tenant AND (:active IS NULL OR p.active = :active) ORDER BY p.uid"
        ))?;
        let stamped = serde_json::to_string(stamped)?;
        let mut rows = statement
            .query(named_params! { ":tenant": self.tenant.0, ":active": active, ":stamped": stamped })?;
        while let Some(row) = rows.next()? {
            if let Err(stop) = each(read(row)?) {
                return Ok(Err(stop));
            }
        }
        Ok(Ok(()))
    }

    /// The person of that row.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no such row.
    pub fn person_by_row(&self, id: i64, stamped: &[String]) -> Result<PersonRow> {
        Ok(self
            .sql
            .prepare_cached(&format!("{SELECT} WHERE p.id = :id"))?
            .query_row(named_params! { ":id": id, ":stamped": serde_json::to_string(stamped)? }, read)?)
    }

    /// `fold_text(TEXT)`: how texts are searched, whatever their case and accents' composition. NULL = empty.
    fn register_fold(&self) -> Result<()> {
        let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.sql.create_scalar_function("fold_text", 1, pure, |call| {
            let text = call.get_raw(0).as_str_or_null().ok().flatten().unwrap_or_default();
            Ok(fold_key(text).map(std::borrow::Cow::into_owned).unwrap_or_default())
        })?;
        Ok(())
    }

    /// How many people are linked to at least one integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked_people(&self) -> Result<u64> {
        let count: i64 = self.sql.query_row(
            "SELECT count(DISTINCT person) FROM link WHERE tenant = ?1",
            params![self.tenant.0],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        id: row.get(0)?,
        uid: row.get(1)?,
        active: row.get(2)?,
        ended_by: row.get(3)?,
        fields: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get(6)?,
        sync_time: row.get(7)?,
    })
}
