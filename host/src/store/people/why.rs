//! What `why` reads of one person or one user of the source: everything that stands about them. Reads only.

use rusqlite::{OptionalExtension as _, params};

use super::PersonRow;
use crate::model::{Millis, fold_key};
use crate::store::{ChangeRow, Result, Store};

/// A user of the source that some integration has met, whether or not it is somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// The integration.
    pub integration: String,
    /// The user at the source.
    pub source_id: String,
}

/// A link with everything that the next run goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The person's row.
    pub person: i64,
    /// Whose directory the user is of.
    pub source_tenant: String,
    /// In which cloud.
    pub cloud: String,
    /// The latest record, byte for byte; none when none was kept.
    pub raw: Option<String>,
    /// Something is held, waiting or unresolved, so that the next run looks again whatever the record.
    pub open: bool,
    /// What the source last said of signing in.
    pub enabled: Option<bool>,
    /// The absence is settled: not asked about again.
    pub gone: bool,
    /// When a complete listing first did not find them.
    pub absent_since: Option<Millis>,
    /// How many complete, applied runs have not found them since.
    pub absent_runs: u32,
    /// When an applied run last saw them.
    pub seen_at: Option<Millis>,
    /// The last applied run saw them.
    pub seen_last: bool,
}

/// A question about a user of the source, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its number.
    pub id: i64,
    /// The integration.
    pub integration: String,
    /// The user at the source.
    pub source_id: String,
    /// The cause, such as `clear:department`.
    pub cause: String,
    /// `open`, `withdrawn`, `approved` or `rejected`.
    pub state: String,
    /// Why it is held.
    pub reason: String,
    /// JSON list of `[field, before, after]`.
    pub differences: Option<String>,
    /// The number of the run that opened it.
    pub opened_run: i64,
    /// When.
    pub opened_at: Millis,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// Why it was closed.
    pub closed_note: Option<String>,
}

/// What no run may write, by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingLock {
    /// A target field, `status`, or empty: the person wholly.
    pub field: String,
    /// Why, in the words of whoever locked it.
    pub note: Option<String>,
    /// When.
    pub at: Millis,
}

/// What a run may not write again while the source says what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingPin {
    /// A target field; `status`; `*`: the record as a whole.
    pub field: String,
    /// What the source says while the pin holds.
    pub source_value: Option<String>,
    /// Who made it: `undone in run 12`.
    pub reason: String,
    /// When.
    pub at: Millis,
}

/// Who a record is, as somebody decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// `link` or `new`.
    pub kind: String,
    /// Who it is: name and lasting id.
    pub person: Option<(String, String)>,
    /// When.
    pub at: Millis,
}

/// More users than these are not told apart.
const MOST: usize = 10;

impl Store {
    /// The people whose display name is this, whatever its case: at most eleven.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn people_called(&self, name: &str, stamped: &[String]) -> Result<Vec<PersonRow>> {
        let Some(folded) = fold_key(name).map(std::borrow::Cow::into_owned) else {
            return Ok(Vec::new());
        };
        self.register_fold()?;
        let rows: Vec<i64> = self
            .sql
            .prepare(
                "SELECT id FROM person
                 WHERE tenant = ?1 AND fold_text(json_extract(fields, '$.display_name')) = ?2 ORDER BY id LIMIT 11",
            )?
            .query_map(params![self.tenant.0, folded], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        rows.into_iter().map(|id| self.person_by_row(id, stamped)).collect()
    }

    /// The person of a row.
    ///
    /// # Errors
    /// When the store cannot be read, or there is none.
    pub fn person_of_row(&self, id: i64, stamped: &[String]) -> Result<PersonRow> {
        self.person_by_row(id, stamped)
    }

    /// Usernames, folded, that begin with this text: what somebody may have meant. At most 500.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn usernames_from(&self, begin: &str) -> Result<Vec<String>> {
        let names = self
            .sql
            .prepare_cached(
                "SELECT key FROM person_key WHERE tenant = ?1 AND field = 'username'
                   AND key >= ?2 AND key < ?2 || char(1114111) ORDER BY key LIMIT 500",
            )?
            .query_map(params![self.tenant.0, begin], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(names)
    }

    /// Whoever has this source id, by integration: linked, held, or met by a run and nobody yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts_of_source(&self, source_id: &str) -> Result<Vec<Account>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT integration, source_id FROM link WHERE tenant = ?1 AND source_id = ?2
             UNION SELECT integration, source_id FROM hold WHERE tenant = ?1 AND source_id = ?2
             UNION SELECT integration, source_id FROM change
               WHERE tenant = ?1 AND source_id = ?2 AND person IS NULL AND integration IS NOT NULL
             UNION SELECT r.integration, s.source_id FROM staged s JOIN run r ON r.id = s.run
               WHERE r.tenant = ?1 AND s.source_id = ?2 AND r.state = 'planned'
             UNION SELECT integration, source_id FROM pin WHERE tenant = ?1 AND source_id = ?2
             UNION SELECT integration, source_id FROM decision WHERE tenant = ?1 AND source_id = ?2
             ORDER BY 1, 2",
        )?;
        let rows = statement.query_map(params![self.tenant.0, source_id], |row| {
            Ok(Account { integration: row.get(0)?, source_id: row.get(1)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Users of the source whom a standing plan would create under this username, email or display name. At
    /// most ten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn planned_accounts(&self, who: &str) -> Result<Vec<Account>> {
        let Some(folded) = fold_key(who).map(std::borrow::Cow::into_owned) else {
            return Ok(Vec::new());
        };
        self.register_fold()?;
        let mut statement = self.sql.prepare(
            "SELECT DISTINCT c.integration, c.source_id FROM run r JOIN change c ON c.run = r.id
             WHERE r.tenant = ?1 AND r.state = 'planned' AND c.outcome = 'created' AND c.source_id IS NOT NULL
               AND ?2 IN (fold_text(json_extract(c.fields, '$.username')),
                          fold_text(json_extract(c.fields, '$.email')),
                          fold_text(json_extract(c.fields, '$.display_name')))
             LIMIT ?3",
        )?;
        let rows = statement.query_map(params![self.tenant.0, folded, MOST as i64], |row| {
            Ok(Account { integration: row.get(0)?, source_id: row.get(1)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The users of the source to whom a person is, or may be, linked: by link, and by open questions in which
    /// they are a candidate.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts_of_person(&self, person: i64) -> Result<Vec<Account>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT integration, source_id FROM link WHERE tenant = ?1 AND person = ?2
             UNION SELECT integration, source_id FROM hold
               WHERE tenant = ?1 AND state = 'open' AND (person = ?2
                 OR candidates IS NOT NULL AND ?2 IN (SELECT value FROM json_each(candidates)))
             ORDER BY 1, 2",
        )?;
        let rows = statement.query_map(params![self.tenant.0, person], |row| {
            Ok(Account { integration: row.get(0)?, source_id: row.get(1)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The link of a user, with what the next run goes by.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn link_state(&self, account: &Account) -> Result<Option<LinkState>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT l.person, l.source_tenant, l.cloud, d.raw, l.open, l.enabled, l.gone, l.absent_since,
                        l.absent_runs, coalesce(l.sync_time, i.sync_time),
                        l.sync_time IS NULL AND i.sync_time IS NOT NULL
                 FROM link l LEFT JOIN document d ON d.id = l.document
                 LEFT JOIN integration i ON i.tenant = l.tenant AND i.name = l.integration
                 WHERE l.tenant = ?1 AND l.integration = ?2 AND l.source_id = ?3",
            )?
            .query_row(params![self.tenant.0, account.integration, account.source_id], |row| {
                Ok(LinkState {
                    person: row.get(0)?,
                    source_tenant: row.get(1)?,
                    cloud: row.get(2)?,
                    raw: row.get(3)?,
                    open: row.get(4)?,
                    enabled: row.get(5)?,
                    gone: row.get(6)?,
                    absent_since: row.get(7)?,
                    absent_runs: row.get(8)?,
                    seen_at: row.get(9)?,
                    seen_last: row.get(10)?,
                })
            })
            .optional()?)
    }

    /// The record that a plan read of a user, as long as the plan stands.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn planned_record(&self, run: i64, source_id: &str) -> Result<Option<String>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT d.raw FROM run r JOIN staged s ON s.run = r.id JOIN document d ON d.id = s.document
                 WHERE r.tenant = ?1 AND r.number = ?2 AND r.state = 'planned' AND s.source_id = ?3",
            )?
            .query_row(params![self.tenant.0, run, source_id], |row| row.get(0))
            .optional()?)
    }

    /// The rows of the ledger about a person, and about users of the source who are nobody yet; newest first.
    /// Those of `runs`, numbers of plans, are found by the source id: whom they would create is nobody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn rows_about(
        &self,
        person: Option<i64>,
        accounts: &[Account],
        runs: &[i64],
        limit: u32,
    ) -> Result<Vec<ChangeRow>> {
        let ids: Vec<&str> = accounts.iter().map(|it| it.source_id.as_str()).collect();
        let mut statement = self.sql.prepare_cached(&format!(
            "{} WHERE c.id IN (
               SELECT id FROM change WHERE tenant = ?1 AND person = ?2
               UNION SELECT id FROM change
                 WHERE tenant = ?1 AND person IS NULL AND source_id IN (SELECT value FROM json_each(?3))
               UNION SELECT o.id FROM run r JOIN change o ON o.run = r.id
                 WHERE r.tenant = ?1 AND r.number IN (SELECT value FROM json_each(?5)) AND o.source_id IN (SELECT value FROM json_each(?3))
             ) ORDER BY c.id DESC LIMIT ?4",
            super::history::SELECT
        ))?;
        let (ids, runs) = (serde_json::to_string(&ids)?, serde_json::to_string(runs)?);
        let rows =
            statement.query_map(params![self.tenant.0, person, ids, limit, runs], super::history::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All questions about a user of the source, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn questions_about(&self, account: &Account) -> Result<Vec<Question>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT h.id, h.integration, h.source_id, h.cause, h.state, h.reason, h.differences, r.number,
                    h.opened_at, h.closed_at, h.closed_note
             FROM hold h JOIN run r ON r.id = h.opened_run
             WHERE h.tenant = ?1 AND h.integration = ?2 AND h.source_id = ?3 ORDER BY h.id DESC",
        )?;
        let rows =
            statement.query_map(params![self.tenant.0, account.integration, account.source_id], |row| {
                Ok(Question {
                    id: row.get(0)?,
                    integration: row.get(1)?,
                    source_id: row.get(2)?,
                    cause: row.get(3)?,
                    state: row.get(4)?,
                    reason: row.get(5)?,
                    differences: row.get(6)?,
                    opened_run: row.get(7)?,
                    opened_at: row.get(8)?,
                    closed_at: row.get(9)?,
                    closed_note: row.get(10)?,
                })
            })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many people an integration waits for: not found, and the grace is not over.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn waiting_people(&self, integration: &str) -> Result<u64> {
        let count: i64 = self
            .sql
            .prepare_cached(
                "SELECT count(*) FROM link l JOIN person p ON p.id = l.person
                 WHERE l.tenant = ?1 AND l.integration = ?2 AND l.absent_runs > 0 AND l.gone = 0 AND p.active = 1
                   -- The condition of the index on those who are late, so that nobody else is looked at.
                   AND (l.sync_time IS NOT NULL OR l.absent_runs > 0 OR l.gone = 1)",
            )?
            .query_row(params![self.tenant.0, integration], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The run of the same integration before this one that told what became of everybody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_before(&self, run: &crate::store::RunRow) -> Result<Option<crate::store::RunRow>> {
        let Some(integration) = &run.integration else { return Ok(None) };
        let number: Option<i64> = self
            .sql
            .prepare_cached(
                "SELECT max(number) FROM run
                 WHERE tenant = ?1 AND integration = ?2 AND number < ?3 AND report IS NOT NULL
                   AND state IN ('applied', 'planned')",
            )?
            .query_row(params![self.tenant.0, integration, run.number], |row| row.get(0))?;
        match number {
            Some(number) => self.run(number),
            None => Ok(None),
        }
    }

    /// The locks of a person, by field.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn standing_locks(&self, person: i64) -> Result<Vec<StandingLock>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT field, note, at FROM lock WHERE tenant = ?1 AND person = ?2 ORDER BY field",
        )?;
        let rows = statement.query_map(params![self.tenant.0, person], |row| {
            Ok(StandingLock { field: row.get(0)?, note: row.get(1)?, at: row.get(2)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The pins of a user of the source, by field.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn standing_pins(&self, account: &Account) -> Result<Vec<StandingPin>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT field, source_value, reason, at FROM pin
             WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 ORDER BY field",
        )?;
        let rows =
            statement.query_map(params![self.tenant.0, account.integration, account.source_id], |row| {
                Ok(StandingPin {
                    field: row.get(0)?,
                    source_value: row.get(1)?,
                    reason: row.get(2)?,
                    at: row.get(3)?,
                })
            })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Who a user of the source is, as somebody decided.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn decision_of(&self, account: &Account) -> Result<Option<DecisionRow>> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT d.kind, d.at, p.uid,
                        coalesce(json_extract(p.fields, '$.display_name'), json_extract(p.fields, '$.username'), p.uid)
                 FROM decision d LEFT JOIN person p ON p.id = d.person
                 WHERE d.tenant = ?1 AND d.integration = ?2 AND d.source_id = ?3",
            )?
            .query_row(params![self.tenant.0, account.integration, account.source_id], |row| {
                let uid: Option<String> = row.get(2)?;
                let name: Option<String> = row.get(3)?;
                Ok(DecisionRow { kind: row.get(0)?, at: row.get(1)?, person: name.zip(uid) })
            })
            .optional()?)
    }

    /// When the person of a source id was erased, if so.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn erased_at(&self, source_id: &str) -> Result<Option<Millis>> {
        Ok(self
            .sql
            .prepare_cached("SELECT at FROM tombstone WHERE tenant = ?1 AND source_id = ?2")?
            .query_row(params![self.tenant.0, source_id], |row| row.get(0))
            .optional()?)
    }
}
