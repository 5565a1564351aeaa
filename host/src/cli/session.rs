//! What every command starts from: home, tenant, clock, printer; and the things it finds there by name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::output::Printer;
use super::site::{Site, Sites};
use super::trouble::Trouble;
use crate::config::{self, Integration, PluginPin, SourceField, nearest};
use crate::credential::{self, Credential, FEDERATED_TOKEN, Key, SecretText};
use crate::model::{Clock, Millis, Targets};
use crate::store::{CredentialRow, IntegrationRow, Store, StoreError};

/// One call of the program.
pub struct Session {
    /// The folder of the store and the key.
    pub home: PathBuf,
    /// The tenant's name.
    pub tenant: String,
    /// Whether somebody chose it.
    pub(super) tenant_given: bool,
    /// The time.
    pub clock: Clock,
    /// The component that takes the place of the built-in one.
    pub plugin: Option<PathBuf>,
    pub(super) printer: Printer,
    /// The plugins that a command has needed.
    pub(super) sites: Sites,
    /// The plugin of the integration that the command is about; none = the usual one.
    pub(super) pinned: RefCell<Option<PluginPin>>,
}

impl Session {
    /// The store's file.
    #[must_use]
    pub fn store_file(&self) -> PathBuf {
        self.home.join("userload.sqlite")
    }

    /// The plugin of what the command is about, loaded at the first call.
    pub(super) fn site(&self) -> Result<&Site> {
        let pin = self.pinned.borrow().clone();
        self.site_of(pin.as_ref())
    }

    /// A pinned plugin; without a pin the usual one.
    pub(super) fn site_of(&self, pin: Option<&PluginPin>) -> Result<&Site> {
        self.sites.get(pin, || match pin {
            Some(pin) => Site::load_pinned(&self.home, pin),
            None => Site::load(&self.home, self.plugin.as_deref()),
        })
    }

    /// From here on the command is about the integration of this document, and uses its plugin.
    pub(super) fn use_plugin_of(&self, document: &str) {
        *self.pinned.borrow_mut() = config::plugin_of(document);
    }

    /// From here on the command is about this credential, and uses the plugin of the integrations that use it.
    pub(super) fn use_plugin_of_credential(&self, store: &Store, credential: &str) -> Result<()> {
        let rows = store.integrations()?;
        if let Some(row) = rows.iter().find(|row| row.credential == credential) {
            self.use_plugin_of(&row.document);
        }
        Ok(())
    }

    /// The fields that the plugin of a document knows; any, when a pinned plugin cannot be loaded: what a document
    /// says is shown all the same.
    fn fields_of(&self, document: &str) -> Result<Vec<SourceField>> {
        match config::plugin_of(document) {
            None => Ok(self.site_of(None)?.fields.clone()),
            Some(pin) => {
                let loaded = self.site_of(Some(&pin));
                Ok(loaded.map_or_else(|_| config::any_field().into(), |site| site.fields.clone()))
            }
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The store, when there is one. One that was only just begun has no tenant yet, and is none.
    pub(super) fn store_if_any(&self) -> Result<Option<Store>> {
        self.opened(Store::open_known)
    }

    /// The same for a command that may begin a tenant: none as well when the store has other tenants only.
    pub(super) fn store_if_begun(&self) -> Result<Option<Store>> {
        match self.store_if_any() {
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::NoTenant { .. })) => Ok(None),
            opened => opened,
        }
    }

    fn opened(&self, open: impl FnOnce(&Path, &str) -> crate::store::Result<Store>) -> Result<Option<Store>> {
        let file = self.store_file();
        if !file.exists() {
            return Ok(None);
        }
        match open(&file, &self.tenant) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::NoTenant { names, .. }) if names.is_empty() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The store; that there is none is an error, so that a mistyped `--home` is no empty directory.
    pub(super) fn store(&self) -> Result<Store> {
        Ok(self.store_if_any()?.ok_or_else(|| self.nothing_yet())?)
    }

    /// The same, to read only: the file stays as it is, byte for byte.
    pub(super) fn store_to_read(&self) -> Result<Store> {
        Ok(self.opened(Store::open_to_read)?.ok_or_else(|| self.nothing_yet())?)
    }

    pub(super) fn nothing_yet(&self) -> Trouble {
        Trouble::usage(format!("there is nothing in `{}` yet", self.home.display())).help(
            "begin with `userload init` or `userload demo`; `--home DIR` (or USERLOAD_HOME) points elsewhere",
        )
    }

    /// The store; made when there is none.
    pub(super) fn store_or_new(&self) -> Result<Store> {
        let file = self.store_file();
        // People's data: the file is closed to others even where the folder is not ours alone. SQLite gives
        // its journal the same permissions.
        let made = credential::make_private_folder(&self.home).and_then(|()| {
            match credential::new_private_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            }
        });
        made.map_err(|error| {
            Trouble::failed(format!("cannot make the store `{}`: {error}", file.display()))
                .help("check the folder's permissions, or point `--home` to a folder that you can write to")
        })?;
        match Store::open_known(&file, &self.tenant) {
            Err(StoreError::NoTenant { names, .. }) => {
                // The first tenant of a store needs no word, unless somebody chose its name.
                if !names.is_empty() || self.tenant != "default" {
                    self.printer.story(&format!("`{}` is a new tenant of this store", self.tenant));
                }
                Ok(Store::open(&file, &self.tenant)?)
            }
            opened => Ok(opened?),
        }
    }

    /// The key that seals and opens secrets.
    pub(super) fn key(&self, store: &Store) -> Result<Key> {
        let environment = std::env::var("USERLOAD_KEY").ok();
        Ok(Key::load(&self.home.join("key"), environment.as_deref(), store.has_sealed()?)?)
    }

    /// A credential's row, by name.
    pub(super) fn credential_row(&self, store: &Store, name: &str) -> Result<CredentialRow> {
        if let Some(row) = store.credential(name)? {
            return Ok(row);
        }
        let names: Vec<String> = store.credentials()?.into_iter().map(|row| row.name).collect();
        Err(unknown("credential", name, &names, "userload credential add NAME").into())
    }

    /// A credential with its secrets opened.
    ///
    /// # Errors
    /// When there is none of that name, or its secrets cannot be opened.
    pub fn credential(&self, store: &Store, name: &str) -> Result<Credential> {
        let row = self.credential_row(store, name)?;
        let secrets = match credential_outside(&row)? {
            Some(secrets) => secrets,
            None => credential::open(&self.key(store)?, &self.tenant, name, &row.sealed)?,
        };
        Ok(Credential { name: row.name, settings: row.settings, secrets })
    }

    /// An integration's row, by name; the only one when no name is given.
    pub(super) fn integration_row(&self, store: &Store, name: Option<&str>) -> Result<IntegrationRow> {
        let row = self.row_by_name(store, name)?;
        self.use_plugin_of(&row.document);
        Ok(row)
    }

    fn row_by_name(&self, store: &Store, name: Option<&str>) -> Result<IntegrationRow> {
        let mut rows = store.integrations()?;
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        match name {
            Some(name) => match rows.iter().position(|row| row.name == name) {
                Some(at) => Ok(rows.swap_remove(at)),
                None => Err(unknown("integration", name, &names, "userload integration save -f FILE").into()),
            },
            None if rows.len() == 1 => Ok(rows.swap_remove(0)),
            None if rows.is_empty() => Err(Trouble::usage("there is no integration yet")
                .help("`userload init` makes one; or write a document (`userload integration save --help` has one) and save it: `userload integration save -f FILE`")
                .into()),
            None => Err(Trouble::usage(format!("which integration? There are {}", list(&names)))
                .help("name one of them at the end of the command")
                .into()),
        }
    }

    /// What an integration's document means.
    ///
    /// # Errors
    /// When the document cannot be read (any more).
    pub fn parse(&self, store: &Store, row: &IntegrationRow) -> Result<Integration> {
        let fields = self.fields_of(&row.document)?;
        config::parse(&row.name, &row.document, &fields, store.targets())
            .with_context(|| format!("the saved integration `{}` cannot be used", row.name))
    }

    /// The fields that people have; the built-in ones while there is no store.
    pub(super) fn targets(&self) -> Result<Targets> {
        Ok(self.store_if_any()?.map_or_else(Targets::built_in, |store| store.targets().clone()))
    }

    /// The names of the integrations whose Connector Sync Time is shown.
    pub(super) fn stamped(&self, store: &Store) -> Result<Vec<String>> {
        let rows = store.integrations()?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        // A document that cannot be read is somebody else's trouble: people are listed all the same.
        let maps = |row: &IntegrationRow| self.parse(store, row).is_ok_and(|it| it.maps_sync_time());
        Ok(rows.into_iter().filter(maps).map(|row| row.name).collect())
    }
}

/// The secrets of a credential that are not kept in the store; none when they are.
pub(super) fn credential_outside(row: &CredentialRow) -> Result<Option<BTreeMap<String, SecretText>>> {
    if let Some(path) = &row.about.federated_token_file {
        return Ok(Some([(FEDERATED_TOKEN.to_owned(), credential::federated_token(path)?)].into()));
    }
    let secret = credential::kept_outside(&row.about.kept)?;
    Ok(secret.map(|secret| [(row.about.secret_name().to_owned(), secret)].into()))
}

/// `a`, `b`.
fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Something of that name is not there.
pub(super) fn unknown(what: &str, name: &str, names: &[String], begin: &str) -> Trouble {
    let trouble = Trouble::usage(format!("there is no {what} `{name}`"));
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => trouble.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => trouble.help(format!("there is none yet: `{begin}`")),
        None => trouble.help(format!("there is {}", list(names))),
    }
}

/// Where the store is when nobody says: the platform's folder for data of programs.
pub(super) fn default_home() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        std::env::home_dir()?.join("Library/Application Support")
    } else {
        match variable("XDG_DATA_HOME").filter(|it| it.is_absolute()) {
            Some(data) => data,
            None => std::env::home_dir()?.join(Path::new(".local/share")),
        }
    };
    Some(data.join("userload"))
}
