//! The made-up tenant: people, deleted people, applications, licences.

mod access;
mod change;
mod contoso;
mod names;
mod proof;
mod store;
mod told;
mod user;

use crate::prng::Prng;

pub use access::{Access, Application, Group, Principal};
pub use proof::{Federated, Registered};
pub(crate) use store::{Entry, Store};
pub(crate) use told::What;
pub use user::{PROPERTIES, User};
pub(crate) use user::{push_json, string_of};

/// The application that every made-up world has.
pub const DEFAULT_CLIENT_ID: &str = "5f0b4c1e-3a77-4d0e-9b1d-6f2a8c9d0e11";
/// Its secret: as long as Microsoft's, and full of characters that a form has to encode.
pub const DEFAULT_SECRET: &str = "Xq8~made+up/secret=of&contoso%example_0.1";
/// The tenant id of every made-up world.
pub const DEFAULT_TENANT: &str = "c0ffee00-1234-4abc-8def-0123456789ab";

/// An app registration as the login host knows it.
#[derive(Debug, Clone)]
pub struct App {
    /// The application (client) id.
    pub client_id: String,
    /// The client secret.
    pub secret: String,
    /// Application permissions with admin consent, such as `User.Read.All`. They go into a token
    /// when it is issued; a later consent needs a new token, as with Microsoft.
    pub granted: Vec<String>,
    /// The secret is right but has expired (AADSTS7000222).
    pub secret_expired: bool,
    /// The application is disabled in the tenant (AADSTS7000112).
    pub disabled: bool,
    /// Further secrets that are good as well: an app registration has several while one is replaced.
    pub more_secrets: Vec<String>,
    /// When the secret ends, as `/applications` tells it (RFC 3339). That it has ended is `secret_expired`.
    pub secret_ends: String,
    /// Certificates that assertions may be signed with.
    pub certificates: Vec<Registered>,
    /// Other identity providers whose tokens are taken.
    pub federated: Vec<Federated>,
}

impl App {
    /// The application of every made-up world, allowed to read people and nothing more.
    pub fn contoso() -> Self {
        Self {
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            secret: DEFAULT_SECRET.to_owned(),
            granted: vec!["User.Read.All".to_owned()],
            secret_expired: false,
            disabled: false,
            more_secrets: Vec::new(),
            secret_ends: "2028-11-23T00:00:00Z".to_owned(),
            certificates: Vec::new(),
            federated: Vec::new(),
        }
    }
}

/// A licence that the tenant bought (`GET /subscribedSkus`).
#[derive(Debug, Clone)]
pub struct Sku {
    /// The id that `assignedLicenses` of people refers to.
    pub id: String,
    /// The name that people know, such as `SPE_E5`.
    pub part_number: String,
    /// How many may be assigned.
    pub enabled: u32,
}

/// The whole tenant. Reading it is here; moving it is in the methods that change it.
#[derive(Debug, Clone)]
pub struct World {
    /// The tenant's GUID.
    pub tenant_id: String,
    /// The tenant's domains; the first is the default one.
    pub domains: Vec<String>,
    /// The tenant's display name, quoted in errors of the login host.
    pub tenant_name: String,
    /// The app registrations.
    pub apps: Vec<App>,
    /// The licences.
    pub skus: Vec<Sku>,
    /// Whether the tenant has Entra ID P1 or P2, without which there is no signInActivity.
    pub premium: bool,
    /// Groups, directory roles and enterprise applications.
    pub access: Access,
    /// What the world thinks the time is, in seconds since 1970: the time of deletions and of
    /// new accounts. It stands still until somebody sets it.
    pub now: i64,
    /// How many seconds the login host's clock is ahead of the machine's.
    pub login_ahead: i64,
    /// How many users a page of a delta has.
    pub delta_page: usize,
    /// How much of what happened a delta does not know any more: see [`World::forget_changes`].
    pub(crate) forgotten: usize,
    users: Store,
    deleted: Store,
    prng: Prng,
}

impl World {
    /// A tenant with an application and no people.
    pub fn empty(seed: u64) -> Self {
        contoso::empty(seed)
    }

    /// A made-up company: the same seed and number give the same bytes everywhere. The first
    /// people carry values that are easily misread, such as the employee ids `007` and `1e5`.
    pub fn contoso(seed: u64, people: usize) -> Self {
        contoso::build(seed, people)
    }

    /// How many elements an unfiltered listing of users has.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A user by object id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.by_id(id)
    }

    /// A user by sign-in name, upper or lower case.
    pub fn find_by_upn(&self, upn: &str) -> Option<&User> {
        self.users.by_upn(upn)
    }

    /// The users in the order of a listing.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.people()
    }

    /// The users' object ids in the order of a listing.
    pub fn ids(&self) -> Vec<String> {
        self.users().map(|user| user.id().into_owned()).collect()
    }

    /// A soft-deleted user by object id.
    pub fn deleted_user(&self, id: &str) -> Option<&User> {
        self.deleted.by_id(id)
    }

    /// The soft-deleted users.
    pub fn deleted_users(&self) -> impl Iterator<Item = &User> {
        self.deleted.people()
    }

    /// The default domain.
    pub fn domain(&self) -> &str {
        self.domains.first().map_or("contoso.example", String::as_str)
    }

    /// The default application, to change its secret or permissions.
    pub fn app_mut(&mut self) -> Option<&mut App> {
        self.apps.first_mut()
    }

    /// Consents to a permission for the default application. Tokens already issued lack it.
    pub fn grant(&mut self, permission: &str) {
        if let Some(app) = self.app_mut() {
            app.granted.push(permission.to_owned());
        }
    }

    /// From now on the source does not know any more what has changed until now: tokens of deltas are gone.
    pub fn forget_changes(&mut self) {
        self.forgotten = self.users.told().len() + 1;
        self.users.forget();
    }

    /// Changes something that no delta ever tells.
    pub fn untold<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> R {
        let told = self.users.told().len();
        let done = change(self);
        self.users.keep(told);
        done
    }

    /// The list behind `/users`.
    pub(crate) fn user_store(&self) -> &Store {
        &self.users
    }

    /// The list behind `/directory/deletedItems`.
    pub(crate) fn deleted_store(&self) -> &Store {
        &self.deleted
    }

    /// Whether a tenant segment of a login URL means this tenant.
    pub(crate) fn is_tenant(&self, segment: &str) -> bool {
        let same = |name: &String| name.eq_ignore_ascii_case(segment);
        same(&self.tenant_id) || self.domains.iter().any(same)
    }
}
