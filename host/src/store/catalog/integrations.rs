//! Integrations: documents as they were saved, draft until they are launched.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use crate::config::{self, Integration, SourceField, missing_for_launch, shared_fields};
use crate::model::{Millis, TenantId};
use crate::store::{Result, Store, StoreError};

/// An integration as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationRow {
    /// Its name.
    pub name: String,
    /// The TOML as it was saved.
    pub document: String,
    /// The credential that it names; whether there is one of that name is not asked.
    pub credential: String,
    /// When it was launched; none = draft.
    pub launched_at: Option<Millis>,
    /// When it was saved.
    pub saved_at: Millis,
    /// The directory that its people came from; none before the first applied run.
    pub source_tenant: Option<String>,
    /// The cloud of that directory.
    pub cloud: Option<String>,
    /// The number of the last applied run.
    pub applied_run: Option<i64>,
    /// Filter, mapping and match keys of the last applied run, as a digest.
    pub applied_shape: Option<String>,
    /// Connector Sync Time of every link that has none of its own.
    pub sync_time: Option<Millis>,
    /// Rows of the last complete listing.
    pub complete_rows: Option<u64>,
    /// The machine that a local one runs on; none = a cloud one.
    pub machine: Option<String>,
}

/// What saving a document did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The document that was there before; none = a new integration.
    pub previous: Option<String>,
    /// Whether it is launched now.
    pub launched: bool,
    /// It was launched, and is a draft again, because this is missing.
    pub missing: Vec<String>,
}

const COLUMNS: &str = "i.name, i.document, i.credential, i.launched_at, i.saved_at, i.source_tenant, i.cloud,
    (SELECT number FROM run WHERE id = i.applied_run), i.applied_shape, i.sync_time, i.complete_rows,
    i.machine";

impl Store {
    /// Saves a document. A launched integration stays launched while it can be.
    ///
    /// # Errors
    /// When it fills a field that another integration fills too, and it is not said who wins.
    pub fn save_integration(
        &mut self,
        integration: &Integration,
        document: &str,
        manifest_fields: &[SourceField],
        now: Millis,
    ) -> Result<Saved> {
        let tenant = self.tenant;
        let targets = self.targets.clone();
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = list(&tx, tenant)?;
        for row in rows.iter().filter(|row| row.name != integration.name) {
            let other =
                config::parse(&row.name, &row.document, manifest_fields, &targets).map_err(|report| {
                    StoreError::Refused(format!(
                        "the saved integration `{}` cannot be read: {report}",
                        row.name
                    ))
                })?;
            who_wins(integration, &other)?;
        }
        let previous = rows.into_iter().find(|row| row.name == integration.name);
        let missing = missing_for_launch(integration);
        let was_launched = previous.as_ref().is_some_and(|row| row.launched_at.is_some());
        tx.execute(
            "INSERT INTO integration (tenant, name, document, credential, saved_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, name) DO UPDATE SET
               document = excluded.document, credential = excluded.credential, saved_at = excluded.saved_at,
               launched_at = CASE WHEN ?6 THEN launched_at END",
            params![tenant.0, integration.name, document, integration.credential, now, missing.is_empty()],
        )?;
        // One that was removed and comes back has its questions again: nobody has said yes to them.
        tx.execute(
            "UPDATE hold SET state = 'open', closed_at = NULL, closed_note = NULL
             WHERE tenant = ?1 AND integration = ?2 AND state = 'withdrawn' AND closed_note = ?3",
            params![tenant.0, integration.name, REMOVED],
        )?;
        tx.commit()?;
        Ok(Saved {
            previous: previous.map(|row| row.document),
            launched: was_launched && missing.is_empty(),
            missing: if was_launched { missing } else { Vec::new() },
        })
    }

    /// Notes the machine that a local integration runs on; none = it is a cloud one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_machine(&mut self, name: &str, machine: Option<&str>) -> Result<()> {
        self.sql.execute(
            "UPDATE integration SET machine = ?3 WHERE tenant = ?1 AND name = ?2",
            params![self.tenant.0, name, machine],
        )?;
        Ok(())
    }

    /// All integrations, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn integrations(&self) -> Result<Vec<IntegrationRow>> {
        list(&self.sql, self.tenant)
    }

    /// The integration of that name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn integration(&self, name: &str) -> Result<Option<IntegrationRow>> {
        Ok(self
            .sql
            .query_row(
                &format!("SELECT {COLUMNS} FROM integration i WHERE i.tenant = ?1 AND i.name = ?2"),
                params![self.tenant.0, name],
                read,
            )
            .optional()?)
    }

    /// Launches an integration: from now on its runs may be applied. Whether it can be launched is asked
    /// before ([`missing_for_launch`]). Returns whether it was a draft.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn launch_integration(&mut self, name: &str, now: Millis) -> Result<bool> {
        let launched = self.sql.execute(
            "UPDATE integration SET launched_at = ?3 WHERE tenant = ?1 AND name = ?2 AND launched_at IS NULL",
            params![self.tenant.0, name, now],
        )?;
        if launched == 0 && self.integration(name)?.is_none() {
            return Err(StoreError::Refused(format!("there is no integration `{name}`")));
        }
        Ok(launched > 0)
    }

    /// Removes an integration. Its people, their links and its runs stay: when it is saved again under the
    /// same name, it finds its people again. Open holds are withdrawn, open plans discarded.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn remove_integration(&mut self, name: &str, now: Millis) -> Result<()> {
        let tenant = self.tenant.0;
        let tx = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let removed =
            tx.execute("DELETE FROM integration WHERE tenant = ?1 AND name = ?2", params![tenant, name])?;
        if removed == 0 {
            return Err(StoreError::Refused(format!("there is no integration `{name}`")));
        }
        tx.execute(
            "UPDATE saas_application SET integration = NULL WHERE tenant = ?1 AND integration = ?2",
            params![tenant, name],
        )?;
        tx.execute(
            "UPDATE hold SET state = 'withdrawn', closed_at = ?3, closed_note = ?4
             WHERE tenant = ?1 AND integration = ?2 AND state = 'open'",
            params![tenant, name, now, REMOVED],
        )?;
        tx.execute(
            "UPDATE run SET state = 'discarded', ended_at = ?3
             WHERE tenant = ?1 AND integration = ?2 AND state IN ('staging', 'planned')",
            params![tenant, name, now],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// How many people the integration is linked to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn linked(&self, integration: &str) -> Result<u64> {
        let count: i64 = self.sql.query_row(
            "SELECT count(*) FROM link WHERE tenant = ?1 AND integration = ?2",
            params![self.tenant.0, integration],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }
}

/// What is noted on questions of an integration that was removed.
const REMOVED: &str = "the integration was removed";

/// Refuses two integrations that fill one field when it is not said whose value counts.
fn who_wins(saved: &Integration, other: &Integration) -> Result<()> {
    let shared = shared_fields(saved, other);
    let winner = match (saved.priority, other.priority) {
        (Some(one), Some(another)) => one != another,
        _ => false,
    };
    if shared.is_empty() || winner {
        return Ok(());
    }
    let fields = match shared.as_slice() {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("`{first}`, `{second}`, `{third}` and {} more fields are", rest.len())
        }
        [one] => format!("`{one}` is"),
        all => format!("`{}` are", all.join("`, `")),
    };
    let (name, other_name) = (&saved.name, &other.name);
    let todo = match (saved.priority, other.priority) {
        (None, _) => format!("add `priority = 10` to `{name}`"),
        (_, None) => format!("give `{other_name}` a priority first"),
        (Some(both), _) => format!("both have the priority {both}: give one of them another"),
    };
    Err(StoreError::Refused(format!(
        "{fields} filled by the integration `{other_name}` too, and it is not said whose value counts: {todo} \
         (the highest wins)"
    )))
}

fn list(sql: &Connection, tenant: TenantId) -> Result<Vec<IntegrationRow>> {
    let mut statement =
        sql.prepare(&format!("SELECT {COLUMNS} FROM integration i WHERE i.tenant = ?1 ORDER BY i.name"))?;
    let rows = statement.query_map([tenant.0], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<IntegrationRow> {
    Ok(IntegrationRow {
        name: row.get(0)?,
        document: row.get(1)?,
        credential: row.get(2)?,
        launched_at: row.get(3)?,
        saved_at: row.get(4)?,
        source_tenant: row.get(5)?,
        cloud: row.get(6)?,
        applied_run: row.get(7)?,
        applied_shape: row.get(8)?,
        sync_time: row.get(9)?,
        complete_rows: row.get::<_, Option<i64>>(10)?.map(i64::unsigned_abs),
        machine: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{parse, seed_fields};

    fn save(store: &mut Store, document: &str) -> Result<Saved> {
        let fields = seed_fields();
        let integration =
            parse("x.toml", document, &fields, store.targets()).unwrap_or_else(|report| panic!("{report}"));
        store.save_integration(&integration, document, &fields, 7)
    }

    const WHOLE: &str =
        "name = \"a\"\ncredential = \"c\"\naccess-role = \"Guest\"\n[mapping]\nusername = \"mail\"\n";
    const DRAFT: &str = "name = \"a\"\ncredential = \"c\"\n";

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s"), "default").unwrap();
        (folder, store)
    }

    #[test]
    fn launched_stays_launched_while_it_can_be() {
        let (_folder, mut store) = store();
        assert_eq!(
            save(&mut store, WHOLE).unwrap(),
            Saved { previous: None, launched: false, missing: Vec::new() }
        );
        assert!(store.launch_integration("a", 9).unwrap());
        assert!(!store.launch_integration("a", 10).unwrap(), "it was launched already");
        assert!(store.launch_integration("b", 10).is_err());
        let again = save(&mut store, &WHOLE.replace("Guest", "Employee")).unwrap();
        assert_eq!((again.previous.as_deref(), again.launched), (Some(WHOLE), true));
        assert_eq!(store.integration("a").unwrap().unwrap().launched_at, Some(9));
        let draft = save(&mut store, DRAFT).unwrap();
        assert_eq!((draft.launched, draft.missing.len()), (false, 2));
        assert_eq!(store.integration("a").unwrap().unwrap().launched_at, None);
    }

    #[test]
    fn a_second_feeder_needs_a_priority() {
        let (_folder, mut store) = store();
        save(&mut store, WHOLE).unwrap();
        let second = WHOLE.replace("\"a\"", "\"b\"");
        insta::assert_snapshot!(save(&mut store, &second).unwrap_err(), @"`username`, `access_role` are filled by the integration `a` too, and it is not said whose value counts: add `priority = 10` to `b` (the highest wins)");
        let ranked = second.replacen("name", "priority = 2\nname", 1);
        insta::assert_snapshot!(save(&mut store, &ranked).unwrap_err(), @"`username`, `access_role` are filled by the integration `a` too, and it is not said whose value counts: give `a` a priority first (the highest wins)");
        save(&mut store, &WHOLE.replacen("name", "priority = 2\nname", 1)).unwrap();
        insta::assert_snapshot!(save(&mut store, &ranked).unwrap_err(), @"`username`, `access_role` are filled by the integration `a` too, and it is not said whose value counts: both have the priority 2: give one of them another (the highest wins)");
        save(&mut store, &ranked.replace('2', "3")).unwrap();
        assert_eq!(store.integrations().unwrap().len(), 2);
    }

    #[test]
    fn a_credential_in_use_stays() {
        let (_folder, mut store) = store();
        save(&mut store, WHOLE).unwrap();
        let row = crate::store::CredentialRow {
            name: "c".into(),
            settings: Default::default(),
            sealed: Vec::new(),
            expires_on: None,
            saved_at: 0,
            about: crate::credential::About::default(),
        };
        store.add_credential(&row).unwrap();
        insta::assert_snapshot!(store.remove_credential("c").unwrap_err(), @"the credential `c` is in use by the integration `a`");
        store.remove_integration("a", 8).unwrap();
        store.remove_credential("c").unwrap();
        assert!(store.remove_integration("a", 8).is_err());
    }
}
