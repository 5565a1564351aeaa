//! Which SaaS application an integration feeds: chosen when it is saved, linked to the software catalog.

use super::preflight::Problem;
use crate::config::{Integration, nearest};
use crate::engine::contract::Manifest;
use crate::model::Millis;
use crate::store::{CatalogEntry, Store, StoreError};

/// The application that an integration is to feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// None: it loads people only.
    Nothing,
    /// The vendor's own, which is linked by itself.
    Vendor(String),
    /// One that somebody has linked.
    Linked(String),
}

/// The entries that a plugin brings.
#[must_use]
pub fn catalog(manifest: &Manifest) -> Vec<CatalogEntry> {
    let entry = |it: &crate::engine::contract::CatalogEntry| CatalogEntry {
        name: it.name.clone(),
        publisher: it.publisher.clone(),
        category: it.category.clone(),
        by_hand: false,
    };
    let mut entries: Vec<CatalogEntry> = manifest.catalog.iter().map(entry).collect();
    if !entries.iter().any(|it| it.name == manifest.application) {
        entries.push(CatalogEntry {
            name: manifest.application.clone(),
            publisher: String::new(),
            category: String::new(),
            by_hand: false,
        });
    }
    entries
}

/// Looks which application it is to be. Writes nothing.
///
/// # Errors
/// When there is no linked application of that name (the linked ones are listed), or another integration feeds
/// it already.
pub fn choose(store: &Store, manifest: &Manifest, integration: &Integration) -> Result<Chosen, Problem> {
    let Some(load) = &integration.saas else { return Ok(Chosen::Nothing) };
    let linked = store.saas_applications().map_err(|error| failed(&error))?;
    let chosen = match &load.application {
        None => Chosen::Vendor(manifest.application.clone()),
        Some(name) => {
            let found = store.saas_application(name).map_err(|error| failed(&error))?;
            let Some(found) = found else {
                let names: Vec<&str> = linked.iter().map(|it| it.name.as_str()).collect();
                let there = match names.as_slice() {
                    [] => "none is linked yet".to_owned(),
                    names => format!("linked: {}", names.join(", ")),
                };
                let help = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "`userload saas link \"{name}\"` links it; `saas-application = \"auto\"` is {}",
                        manifest.application
                    ),
                };
                return Err(Problem {
                    place: "saas-application",
                    what: format!("`{name}` is not linked to the software catalog ({there})"),
                    help: Some(help),
                });
            };
            Chosen::Linked(found.name)
        }
    };
    let (Chosen::Vendor(name) | Chosen::Linked(name)) = &chosen else { return Ok(chosen) };
    match store.saas_fed_by_other(name, &integration.name).map_err(|error| failed(&error))? {
        None => Ok(chosen),
        Some(other) => Err(Problem {
            place: "saas-application",
            what: format!("the users of `{name}` are loaded by the integration `{other}` already"),
            help: Some(
                "one integration for one application: set `load = \"users\"` in one of the two".to_owned(),
            ),
        }),
    }
}

/// Links the application, and lets the integration feed it. Returns the application's name when it was linked
/// just now.
///
/// # Errors
/// When the store cannot be written.
pub fn link(
    store: &mut Store,
    manifest: &Manifest,
    integration: &str,
    chosen: &Chosen,
    now: Millis,
) -> Result<Option<String>, StoreError> {
    let mut new = None;
    let name = match chosen {
        Chosen::Nothing => {
            store.feed_saas(integration, None)?;
            return Ok(None);
        }
        Chosen::Vendor(name) => {
            store.add_to_catalog(&catalog(manifest), now)?;
            if store.saas_application(name)?.is_none() && store.link_saas(name, name, now)? {
                new = Some(name.clone());
            }
            name
        }
        Chosen::Linked(name) => name,
    };
    let application = store.saas_application(name)?.map(|it| it.id);
    store.feed_saas(integration, application)?;
    Ok(new)
}

fn failed(error: &StoreError) -> Problem {
    Problem { place: "store", what: error.to_string(), help: error.help() }
}
