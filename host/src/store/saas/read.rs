//! SaaS applications and their users, as they are shown.

use rusqlite::params;

use crate::model::Millis;
use crate::store::{Result, Store};

/// From when on somebody counts as idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Whose last activity was before this moment.
    pub before: Millis,
}

/// A SaaS application with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasLine {
    /// The row.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The entry of the catalog.
    pub entry: String,
    /// The integration that loads its users.
    pub integration: Option<String>,
    /// When its users were last read.
    pub read_at: Option<Millis>,
    /// Users, inactive ones included.
    pub users: u64,
    /// Active users.
    pub active: u64,
    /// Active users who are idle.
    pub idle: u64,
    /// Active users whose last activity is unknown.
    pub unknown: u64,
    /// Users without a person.
    pub unmatched: u64,
}

/// One user of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaasUserRow {
    /// The application's name.
    pub application: String,
    /// The integration that loads its users.
    pub integration: Option<String>,
    /// The id at the source.
    pub source_id: String,
    /// What people know the user by at the source.
    pub name: Option<String>,
    /// The role; none = unknown.
    pub role: Option<String>,
    /// The last sign-in to the tenant; none = unknown.
    pub last_activity: Option<Millis>,
    /// Whether they are a user.
    pub active: bool,
    /// The person's lasting id, username and display name; none = unmatched.
    pub person: Option<(String, Option<String>, Option<String>)>,
}

impl Store {
    /// One application with its numbers, or all of them by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_line(&self, application: i64, idle: Idle) -> Result<SaasLine> {
        let number = |row: &rusqlite::Row<'_>, at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(self
            .sql
            .prepare_cached(
                "SELECT a.id, a.name, a.entry, a.integration, a.read_at, count(u.id), coalesce(sum(u.active), 0),
                        coalesce(sum(u.active AND u.last_activity < ?3), 0),
                        coalesce(sum(u.active AND u.last_activity IS NULL), 0),
                        coalesce(sum(u.id IS NOT NULL AND NOT EXISTS (
                          SELECT 1 FROM link l WHERE l.tenant = a.tenant AND l.source_id = u.source_id)), 0)
                 FROM saas_application a LEFT JOIN saas_user u ON u.application = a.id
                 WHERE a.tenant = ?1 AND a.id = ?2 GROUP BY a.id",
            )?
            .query_row(params![self.tenant.0, application, idle.before], |row| {
                Ok(SaasLine {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    entry: row.get(2)?,
                    integration: row.get(3)?,
                    read_at: row.get(4)?,
                    users: number(row, 5)?,
                    active: number(row, 6)?,
                    idle: number(row, 7)?,
                    unknown: number(row, 8)?,
                    unmatched: number(row, 9)?,
                })
            })?)
    }

    /// Calls `each` with every user of an application: by name, or, with `idle`, those who are idle first, the
    /// longest idle on top, then the unknown, then the others.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_saas_user<E>(
        &self,
        application: i64,
        idle: Option<Idle>,
        mut each: impl FnMut(SaasUserRow) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let mut query = self.sql.prepare_cached(&format!(
            "{USER} WHERE u.application = ?1
             ORDER BY CASE WHEN ?2 IS NULL THEN 0
                           WHEN NOT u.active THEN 3
                           WHEN u.last_activity < ?2 THEN 0
                           WHEN u.last_activity IS NULL THEN 1 ELSE 2 END,
                      CASE WHEN ?2 IS NOT NULL THEN u.last_activity END,
                      coalesce(json_extract(p.fields, '$.username'), u.name, u.source_id) COLLATE NOCASE, u.id"
        ))?;
        let mut rows = query.query(params![application, idle.map(|it| it.before)])?;
        while let Some(row) = rows.next()? {
            if let Err(error) = each(user(row)?) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// What a person is in which application.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn saas_of_person(&self, person: i64) -> Result<Vec<SaasUserRow>> {
        let mut query = self.sql.prepare_cached(&format!("{USER} WHERE p.id = ?1 ORDER BY a.name, u.id"))?;
        Ok(query.query_map([person], user)?.collect::<rusqlite::Result<_>>()?)
    }
}

const USER: &str = "SELECT a.name, a.integration, u.source_id, u.name, u.role, u.last_activity, u.active,
        p.uid, json_extract(p.fields, '$.username'), json_extract(p.fields, '$.display_name')
     FROM saas_user u JOIN saas_application a ON a.id = u.application
     LEFT JOIN person p ON p.id = (SELECT min(l.person) FROM link l
       WHERE l.tenant = a.tenant AND l.source_id = u.source_id)";

fn user(row: &rusqlite::Row<'_>) -> rusqlite::Result<SaasUserRow> {
    let uid: Option<String> = row.get(7)?;
    let (username, display_name) = (row.get(8)?, row.get(9)?);
    Ok(SaasUserRow {
        application: row.get(0)?,
        integration: row.get(1)?,
        source_id: row.get(2)?,
        name: row.get(3)?,
        role: row.get(4)?,
        last_activity: row.get(5)?,
        active: row.get(6)?,
        person: uid.map(|uid| (uid, username, display_name)),
    })
}
