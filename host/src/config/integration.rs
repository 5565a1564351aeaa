//! An integration, checked: what a document means.

use std::sync::Arc;

use serde::Serialize;

use super::mapping_tests::MappingTest;
use super::plugin::PluginPin;
use super::saas::SaasLoad;
use super::sandbox::Sandbox;
use crate::model::Target;

/// What a run does with rows that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// New people are created, known ones updated.
    CreateAndUpdate,
    /// New people are created, known ones only linked.
    CreateOnly,
    /// Known people are updated, new ones passed over.
    UpdateOnly,
}

/// Where an integration runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Installation {
    /// Wherever the store is, from credentials that are sealed in it.
    Cloud,
    /// On the machine that saved it, from a credential that is kept there.
    Local,
}

/// What happens to somebody for one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// They become inactive.
    Deactivate,
    /// They stay as they are.
    Keep,
}

/// Who becomes active again when the source says that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reactivate {
    /// Those whom this integration deactivated, and those whom the source brings back.
    Own,
    /// Everybody.
    Always,
    /// Nobody.
    Never,
}

/// What happens to new people who are disabled at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisabledNew {
    /// They are created, inactive.
    CreateInactive,
    /// They are passed over.
    Skip,
}

/// What a null at the source does to a field.
#[derive(Clone, Debug, PartialEq)]
pub enum NullRule {
    /// Nothing.
    Keep,
    /// It empties the field.
    Clear,
    /// It becomes this value.
    Default(serde_json::Value),
}

/// One step of a path in a record of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PathStep {
    /// A key of an object.
    Key(String),
    /// The place of an item in a list, from 0.
    Item(u32),
}

/// A path in a record of the source.
pub type Path = Vec<PathStep>;

/// Where the value of a field comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A property of the source, by its path.
    Source(Path),
    /// Always the same value.
    Constant(serde_json::Value),
    /// What an expression makes of the record; the plugin reads it.
    Expression(String),
    /// The first of these that has something.
    First(Vec<Path>),
    /// All of these that have something, with this between them.
    Join(Vec<Path>, String),
    /// The time of the run: a stamp that the host keeps on the link.
    SyncTime,
}

impl Origin {
    /// Whether what the source sends decides the value.
    #[must_use]
    pub fn is_from_source(&self) -> bool {
        !matches!(self, Self::Constant(_) | Self::SyncTime)
    }
}

/// When a field is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Write {
    /// Whenever it differs.
    #[default]
    Always,
    /// Only to a new person.
    OnCreate,
    /// Only where there is no value, or an empty text.
    IfEmpty,
}

/// How one field is filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The field.
    pub target: Arc<Target>,
    /// Where its value comes from.
    pub origin: Origin,
    /// Converters, in order: the JSON text of each, as the plugin takes it.
    pub convert: Vec<String>,
    /// The rule only writes where this expression over the record is true.
    pub when: Option<String>,
    /// When the field is written.
    pub write: Write,
    /// What a null does.
    pub null: NullRule,
    /// Whether a row without a value fails.
    pub required: bool,
}

/// When changes are read instead of a listing of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delta {
    /// Changes are read where the source tells them.
    pub on: bool,
    /// A listing of everybody at least every so many days: it proves what reading changes has come to.
    pub listing_days: u32,
    /// A listing of everybody after so many runs that read changes.
    pub listing_runs: u32,
}

impl Default for Delta {
    fn default() -> Self {
        Self { on: false, listing_days: 7, listing_runs: 1000 }
    }
}

/// How long somebody may be not found before it counts: both must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Grace {
    /// Complete, applied runs.
    pub runs: u32,
    /// Days.
    pub days: u32,
}

/// How much may change at once before it is held: `count` or `percent` of those concerned, whichever is more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// People.
    pub count: u32,
    /// Percent of those concerned.
    pub percent: f64,
}

impl Limit {
    /// How many may change when `concerned` people are concerned.
    #[must_use]
    pub fn of(self, concerned: u64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of people"
        )]
        let share = (concerned as f64 * self.percent / 100.0).floor() as u64;
        share.max(u64::from(self.count))
    }
}

/// The guard's limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Guard {
    /// Deactivations, for each cause, in 24 hours; of the linked active people.
    pub deactivate: Limit,
    /// Never more than this many deactivations in 24 hours, whatever the percentage.
    pub deactivate_most: u32,
    /// Changed usernames or emails, each; of the linked active people.
    pub rename: Limit,
    /// People who lose the value of one field; of those who have one.
    pub clear: Limit,
    /// From how many people on a field that loses half of its distinct values is held.
    pub collapse: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            deactivate: Limit { count: 5, percent: 2.0 },
            deactivate_most: 500,
            rename: Limit { count: 5, percent: 2.0 },
            clear: Limit { count: 10, percent: 5.0 },
            collapse: 25,
        }
    }
}

/// One integration: everything that a run needs to know beside the credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Integration {
    /// Its name.
    pub name: String,
    /// Which of the plugin's integrations it is.
    pub integration: String,
    /// The plugin, pinned; none = the built-in one.
    pub plugin: Option<PluginPin>,
    /// The credential's name.
    pub credential: String,
    /// Where it runs.
    pub installation: Installation,
    /// What it does with rows.
    pub mode: Mode,
    /// The source's filter; none = everybody.
    pub filter: Option<String>,
    /// Whether people are deactivated and reactivated at all.
    pub deactivate: bool,
    /// Who becomes active again.
    pub reactivate: Reactivate,
    /// New people who are disabled at the source.
    pub disabled_new: DisabledNew,
    /// Disabled at the source.
    pub on_disabled: Action,
    /// Deleted at the source, confirmed.
    pub on_deleted: Action,
    /// Unknown to the source, after the grace.
    pub on_not_found: Action,
    /// There and enabled, but no longer let through by the filter.
    pub on_left_filter: Action,
    /// The grace.
    pub grace: Grace,
    /// Who wins when several integrations fill one field: the highest. None = it never shares a field.
    pub priority: Option<i32>,
    /// Fields by which people who are already there are recognised, in order.
    pub match_keys: Vec<String>,
    /// How fields are filled, in the order of the document.
    pub mapping: Vec<Rule>,
    /// People are created and updated only where this expression over the mapped fields is true.
    pub only_if: Option<String>,
    /// The access roles that people may get.
    pub access_roles: Vec<String>,
    /// Administrator roles (see [`super::is_administrator_role`]) that may come from a field of the source.
    pub administrator_roles_from_source: Vec<String>,
    /// The guard's limits.
    pub guard: Guard,
    /// What the plugin may reach and use.
    pub sandbox: Sandbox,
    /// Users a page.
    pub page_size: u32,
    /// SaaS users are loaded as well, and how; none = people only.
    pub saas: Option<SaasLoad>,
    /// Whether managers are read, in a pass of their own, into the field `manager`.
    pub manager: bool,
    /// When changes are read instead of a listing of everybody.
    pub delta: Delta,
    /// Records with what the mapping is to make of them.
    pub mapping_tests: Vec<MappingTest>,
}
