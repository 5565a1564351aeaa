//! Opening the file: schema, migrations, settings.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::{KeyFields, Result, StoreError, catalog, functions};
use crate::model::{Targets, TenantId};

/// Marks the file as ours (`PRAGMA application_id`): "ulod".
const APPLICATION_ID: i64 = 0x756c_6f64;

/// Each entry brings the schema one version further; the file says how many it has (`PRAGMA user_version`).
const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema_2.sql")];

/// A fixed page cache, so that memory does not grow with the directory: 16 MiB for each connection.
const CACHE_KIB: i64 = 16 * 1024;

/// Pages in the write-ahead log before they are copied back: 32 MiB. A staged page of the listing is about
/// 3 MiB, so that the default of 4 MiB would copy and wait for the disk at every other one.
const CHECKPOINT_PAGES: i64 = 8192;

/// One connection to the store, for one tenant.
pub struct Store {
    pub(super) sql: Connection,
    pub(super) path: PathBuf,
    pub(super) tenant: TenantId,
    pub(super) tenant_name: String,
    /// It was opened to read: writing is refused, by further connections too.
    reading: bool,
    pub(super) targets: Targets,
    pub(super) keys: KeyFields,
}

impl Store {
    /// Opens the store for a tenant; makes the file, the schema and the tenant when they are not there.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a store, or was written by a newer program.
    pub fn open(path: &Path, tenant: &str) -> Result<Self> {
        let sql = opened(path)?;
        let there: bool = sql
            .query_row("SELECT EXISTS (SELECT 1 FROM tenant WHERE name = ?1)", [tenant], |row| row.get(0))
            .map_err(|error| StoreError::from(error).at(path))?;
        if !there {
            // Only then: reading must not wait for whoever is writing.
            sql.execute("INSERT INTO tenant (name) VALUES (?1) ON CONFLICT DO NOTHING", [tenant])
                .map_err(|error| StoreError::from(error).at(path))?;
        }
        Self::with(sql, path, tenant, false)
    }

    /// Opens the store for a tenant that is there: a mistyped name makes no tenant.
    ///
    /// # Errors
    /// As for [`Store::open`], and when there is no such tenant.
    pub fn open_known(path: &Path, tenant: &str) -> Result<Self> {
        Self::with(opened(path)?, path, tenant, false)
    }

    /// The same, to read only: nothing can be written through it, and the file stays as it is, byte for byte.
    ///
    /// # Errors
    /// As for [`Store::open_known`].
    pub fn open_to_read(path: &Path, tenant: &str) -> Result<Self> {
        // What a killed process left in the log belongs to the next one that writes: closing must not move it.
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let left = std::fs::metadata(log).is_ok_and(|it| it.len() > 0);
        let store = Self::with(opened(path)?, path, tenant, true)?;
        if left {
            store.sql.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        Ok(store)
    }

    /// The names of all tenants of a store, in order.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn tenants(path: &Path) -> Result<Vec<String>> {
        names(&opened(path)?)
    }

    /// A further connection to the same store.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn again(&self) -> Result<Self> {
        Self::with(connect(&self.path, OpenFlags::default())?, &self.path, &self.tenant_name, self.reading)
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tenant's name.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant_name
    }

    /// The fields that people of the tenant have.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Those of them that people are found by.
    #[must_use]
    pub fn keys(&self) -> &KeyFields {
        &self.keys
    }

    fn with(sql: Connection, path: &Path, tenant: &str, reading: bool) -> Result<Self> {
        let id: Option<i64> =
            sql.query_row("SELECT id FROM tenant WHERE name = ?1", [tenant], |row| row.get(0)).optional()?;
        let Some(id) = id else {
            let names = names(&sql)?;
            return Err(StoreError::NoTenant { name: tenant.to_owned(), names });
        };
        if reading {
            sql.pragma_update(None, "query_only", "ON")?;
        }
        let targets = catalog::targets(&sql, TenantId(id))?;
        let keys = KeyFields::of(&targets);
        let (path, tenant_name) = (path.to_owned(), tenant.to_owned());
        Ok(Self { sql, path, tenant: TenantId(id), tenant_name, reading, targets, keys })
    }
}

impl StoreError {
    /// The same error, with the file's name where it has a place for it.
    #[must_use]
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Full(_) => Self::Full(path.to_owned()),
            Self::ReadOnly(_) => Self::ReadOnly(path.to_owned()),
            other => other,
        }
    }
}

/// How long one waits before it asks again whether the other writer has finished.
const NAP: Duration = Duration::from_millis(5);

/// After so many naps, two minutes, it gives up: the longest transaction applies a run as a whole.
const NAPS: i32 = 24_000;

/// Waits for another writer. Everybody asks equally often, however long they have waited: SQLite's own way asks ever
/// more seldom, so that among many runs the one that waits longest would be the last to get its turn.
fn queue(asked: i32) -> bool {
    thread::sleep(NAP);
    asked < NAPS
}

/// A connection to a file with today's schema.
fn opened(path: &Path) -> Result<Connection> {
    let mut sql = connect(path, OpenFlags::default())?;
    migrate(&mut sql, path).map_err(|error| error.at(path))?;
    Ok(sql)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let sql = Connection::open_with_flags(path, flags).map_err(open)?;
    sql.busy_handler(Some(queue)).map_err(open)?;
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        Some(rusqlite::ErrorCode::ReadOnly) => StoreError::ReadOnly(path.to_owned()),
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full(path.to_owned()),
        _ => open(error),
    };
    // Looks at the header before anything is written to a file that is not ours.
    let ours: i64 = sql.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(foreign)?;
    let tables: i64 =
        sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(foreign)?;
    if tables > 0 && ours != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    sql.pragma_update(None, "journal_mode", "WAL").map_err(foreign)?;
    sql.pragma_update(None, "synchronous", "NORMAL").map_err(foreign)?;
    sql.pragma_update(None, "cache_size", -CACHE_KIB).map_err(foreign)?;
    sql.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(foreign)?;
    sql.pragma_update(None, "temp_store", "FILE").map_err(foreign)?;
    sql.pragma_update(None, "foreign_keys", "OFF").map_err(foreign)?;
    sql.set_prepared_statement_cache_capacity(128);
    functions::register(&sql).map_err(foreign)?;
    Ok(sql)
}

/// The names of the tenants.
fn names(sql: &Connection) -> Result<Vec<String>> {
    let mut tenants = sql.prepare("SELECT name FROM tenant ORDER BY name")?;
    Ok(tenants.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn migrate(sql: &mut Connection, path: &Path) -> Result<()> {
    let version = |sql: &Connection| sql.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let known = MIGRATIONS.len() as i64;
    if version(sql)? == known {
        return Ok(());
    }
    let transaction = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Store, StoreError};

    /// Twelve at once, as the runs of many tenants: nobody is turned away, however long the others write.
    #[test]
    fn many_writers_have_their_turns() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store");
        drop(Store::open(&file, "a").unwrap());
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let mut store = Store::open_known(&file, "a").unwrap();
                    for _ in 0..10 {
                        let begun = rusqlite::TransactionBehavior::Immediate;
                        let tx = store.sql.transaction_with_behavior(begun).unwrap();
                        std::thread::sleep(std::time::Duration::from_millis(5));
                        tx.execute("UPDATE sequence SET next = next + 1", []).unwrap();
                        tx.commit().unwrap();
                    }
                });
            }
        });
        assert_eq!(Store::tenants(&file).unwrap(), ["a"]);
    }

    #[test]
    fn a_store_that_is_opened_to_read_takes_no_writing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store");
        assert!(
            matches!(Store::open_known(&file, "a"), Err(StoreError::NoTenant { names, .. }) if names.is_empty())
        );
        drop(Store::open(&file, "fabrikam").unwrap());
        let store = Store::open_to_read(&file, "fabrikam").unwrap();
        for mut store in [store.again().unwrap(), store] {
            let written = store.sql.execute("UPDATE sequence SET next = next + 1", []);
            assert!(written.is_err());
            assert!(store.launch_integration("x", 0).is_err());
        }
        let missing = Store::open_to_read(&file, "fabricam").err().unwrap();
        assert_eq!(missing.to_string(), "there is no tenant `fabricam` in this store");
        assert_eq!(missing.help().unwrap(), "did you mean `--tenant fabrikam`?");
    }
}
