//! A house: a simulated tenant, a store, a clock, and the nights that pass.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, Schedule, Sim, SimConfig, World};
use serde_json::value::RawValue;
use tempfile::TempDir;
use userload::config;
use userload::credential::{Credential, SecretText};
use userload::model::{Clock, Millis, Outcome};
use userload::store::{Choice, Import, ImportRow, Imported, Store};
use userload::sync::preflight::{self, Problem};
use userload::sync::saas_link;
use userload::sync::{self, Job, Order, Progress, RunError, RunKind, RunReport, Silent, Wanted};

use crate::document::Document;
use crate::plain;
use crate::view::Hold;
use crate::workshop;

/// A day.
pub const DAY: Millis = 24 * 60 * MINUTE;
/// A minute.
pub const MINUTE: Millis = 60 * 1000;

/// Noon of the house's first day.
const BEGINNING: Millis = 1_795_435_200_000;

/// Why a run failed, and what it told until then.
pub type Failure = (RunError, Option<Box<RunReport>>);

/// Breaks down at the first note.
struct BreaksDown;

impl Progress for BreaksDown {
    fn stage(&self, _name: &str, _total: Option<u64>) {}
    fn advance(&self, _people: u64) {}
    fn note(&self, text: &str) {
        panic!("broken down on purpose: {text}");
    }
}

/// A house of its own for one story. The integration `entra` is there from the start.
pub struct House {
    /// The source.
    pub sim: Sim,
    /// The time of the next run.
    pub now: Millis,
    /// The tenant of the credential.
    pub tenant: String,
    /// The secret of the credential.
    pub secret: String,
    /// Where login and Graph are, for the credential.
    pub origin: String,
    /// Which way runs read the source.
    pub wanted: Wanted,
    store: Store,
    documents: Vec<Document>,
    home: TempDir,
}

impl House {
    /// A house over this world, with the usual document.
    pub fn new(world: World) -> Self {
        Self::with(world, |document| document)
    }

    /// A house over this world, with a document that `change` has made its own.
    pub fn with(world: World, change: impl FnOnce(&mut Document) -> &mut Document) -> Self {
        let tenant = world.tenant_id.clone();
        let sim = Sim::start(SimConfig::default(), world).expect("a simulator");
        let home = tempfile::tempdir().expect("a folder");
        let store = Store::open(&home.path().join("userload.db"), "default").expect("a store");
        let origin = sim.origin();
        let document = Document::new("entra", &origin);
        let secret = DEFAULT_SECRET.to_owned();
        let mut house = Self {
            sim,
            now: BEGINNING,
            tenant,
            secret,
            origin,
            wanted: Wanted::Usual,
            store,
            documents: vec![document],
            home,
        };
        house.integration(change);
        house
    }

    /// Changes the document of `entra`, saves and launches it.
    pub fn integration(&mut self, change: impl FnOnce(&mut Document) -> &mut Document) {
        self.change("entra", change).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A house over a plain world of so many people, after its first night; and their ids.
    pub fn loaded(people: usize, change: impl FnOnce(&mut Document) -> &mut Document) -> (Self, Vec<String>) {
        let (world, ids) = plain(people);
        let mut house = Self::with(world, change);
        house.night();
        (house, ids)
    }

    /// The document of `entra`, as it stands.
    ///
    /// # Panics
    /// Never: there is one.
    #[must_use]
    pub fn document(&self) -> Document {
        self.documents.iter().find(|it| it.name() == "entra").expect("the document").clone()
    }

    /// Changes the document of an integration, saves and launches it. One that is not there yet starts with
    /// the usual document.
    ///
    /// # Errors
    /// When the document is refused.
    pub fn change(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Document) -> &mut Document,
    ) -> Result<(), String> {
        let found = self.documents.iter().find(|it| it.name() == name).cloned();
        let mut document = found.unwrap_or_else(|| Document::new(name, &self.origin));
        change(&mut document);
        let (text, fields) = (document.text(), workshop::fields());
        let integration =
            config::parse(name, &text, fields, self.store.targets()).map_err(|report| report.to_string())?;
        let chosen = saas_link::choose(&self.store, workshop::manifest(), &integration)
            .map_err(|problem| problem.what)?;
        self.store
            .save_integration(&integration, &text, fields, self.now)
            .map_err(|error| error.to_string())?;
        saas_link::link(&mut self.store, workshop::manifest(), name, &chosen, self.now)
            .map_err(|error| error.to_string())?;
        self.store.launch_integration(name, self.now).map_err(|error| error.to_string())?;
        self.documents.retain(|it| it.name() != name);
        self.documents.push(document);
        Ok(())
    }

    /// The store.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The store's file.
    pub fn store_path(&self) -> PathBuf {
        self.home.path().join("userload.db")
    }

    /// What goes wrong in the next run. The run must meet all of it.
    pub fn trouble(&self, schedule: Schedule) {
        self.sim.set_faults(schedule);
    }

    /// A day passes, then `entra` runs and is applied.
    ///
    /// # Panics
    /// When it fails.
    pub fn night(&mut self) -> RunReport {
        self.now += DAY;
        self.sync("entra")
    }

    /// So many nights; the report of the last.
    pub fn nights(&mut self, count: usize) -> RunReport {
        (0..count).map(|_| self.night()).last().expect("at least one night")
    }

    /// An integration runs and is applied, now.
    ///
    /// # Panics
    /// When it fails.
    pub fn sync(&mut self, name: &str) -> RunReport {
        self.now += MINUTE;
        let report =
            self.run(name, RunKind::Sync).unwrap_or_else(|(error, report)| panic!("{error}\n{report:#?}"));
        self.settled(&report);
        report
    }

    /// A day passes, then `entra` runs and fails; nobody may have changed.
    ///
    /// # Panics
    /// When it does not fail, or somebody has changed.
    pub fn fails(&mut self) -> Failure {
        self.now += DAY;
        let (before, holds) = (self.people(), self.all_holds());
        let failure = match self.run("entra", RunKind::Sync) {
            Ok(report) => panic!("the run went well: {report:#?}"),
            Err(failure) => failure,
        };
        assert_eq!(self.people(), before, "a failed run has changed somebody");
        assert_eq!(self.all_holds(), holds, "a failed run has held somebody");
        self.trouble_is_over();
        self.check();
        failure
    }

    /// A day passes, then `entra` plans; nobody may have changed.
    ///
    /// # Panics
    /// When it fails, or somebody has changed.
    pub fn plan(&mut self) -> RunReport {
        self.now += DAY;
        let (before, holds) = (self.people(), self.all_holds());
        let report =
            self.run("entra", RunKind::Plan).unwrap_or_else(|(error, report)| panic!("{error}\n{report:#?}"));
        assert_eq!(self.people(), before, "a plan has changed somebody");
        assert_eq!(self.all_holds(), holds, "a plan has held somebody");
        self.adds_up(&report);
        self.trouble_is_over();
        report
    }

    /// A minute later the plan of `entra` is applied.
    ///
    /// # Panics
    /// When it is refused or fails.
    pub fn apply(&mut self, plan: &RunReport) -> RunReport {
        let report = self.try_apply(plan.run, false).unwrap_or_else(|error| panic!("{error}"));
        self.settled(&report);
        report
    }

    /// A minute later a run of `entra` is applied, if it may be.
    ///
    /// # Errors
    /// Why it may not.
    pub fn try_apply(&mut self, run: i64, strict: bool) -> Result<RunReport, RunError> {
        self.now += MINUTE;
        self.job("entra", |job| sync::apply_run(job, run, strict))
            .unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// A day passes, then `entra` runs and breaks down where it first has to wait a second or more: what a
    /// killed process leaves behind.
    ///
    /// # Panics
    /// When it does not break down.
    pub fn breaks_down(&mut self) {
        self.now += DAY;
        let before = self.people();
        let broken = catch_unwind(AssertUnwindSafe(|| {
            self.job("entra", |job| {
                job.progress = &BreaksDown;
                sync::run(job, RunKind::Sync)
            })
        }));
        assert!(broken.is_err(), "it was to break down: {broken:?}");
        assert_eq!(self.people(), before);
        self.trouble_is_over();
    }

    /// A minute later somebody approves the open holds that `which` picks.
    ///
    /// # Panics
    /// When nothing of it can be done.
    pub fn approve(&mut self, which: impl Fn(&Hold) -> bool) -> RunReport {
        let ids = self.numbers_of_holds(which);
        self.order(&Order::Approve(ids)).unwrap_or_else(|(error, report)| panic!("{error}\n{report:#?}"))
    }

    /// A minute later somebody rejects the open holds that `which` picks.
    ///
    /// # Panics
    /// When none of them can be rejected.
    pub fn reject(&mut self, which: impl Fn(&Hold) -> bool) -> RunReport {
        self.now += MINUTE;
        let ids = self.numbers_of_holds(which);
        let before = self.people();
        let rejected =
            self.store.reject_holds("entra", &ids, self.now).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.people(), before, "a rejection has changed somebody");
        self.settled(&rejected.report);
        rejected.report
    }

    /// A minute later somebody says who the record of a user is: a username, or none for a new person.
    ///
    /// # Errors
    /// Why it cannot be. Nobody has changed then.
    pub fn decide(&mut self, source_id: &str, who: Option<&str>) -> Result<RunReport, Failure> {
        let decided = match who {
            Some(username) => Choice::Link(self.named(username).expect("somebody of that name").id),
            None => Choice::New,
        };
        self.order(&Order::Decide(source_id.to_owned(), decided))
    }

    /// A minute later an order is carried out.
    ///
    /// # Errors
    /// Why it cannot be. Nobody has changed then.
    pub fn order(&mut self, order: &Order) -> Result<RunReport, Failure> {
        self.now += MINUTE;
        let (before, holds) = (self.people(), self.all_holds());
        let stamps = self.stamps();
        let done = self
            .job("entra", |job| sync::run_some(job, order))
            .unwrap_or_else(|problems| panic!("{problems:#?}"));
        match &done {
            Ok(report) => {
                self.settled(report);
                let after = self.stamps();
                let moved: Vec<_> = stamps.iter().filter(|it| !after.contains(it)).collect();
                assert!(
                    moved.is_empty() || self.unlinked(&moved),
                    "an order has stamped somebody: {moved:?}"
                );
            }
            Err(_) => {
                assert_eq!(self.people(), before, "a refused order has changed somebody");
                assert_eq!(self.all_holds(), holds, "a refused order has answered a question");
                self.trouble_is_over();
                self.check();
            }
        }
        done
    }

    fn numbers_of_holds(&self, which: impl Fn(&Hold) -> bool) -> Vec<i64> {
        self.holds().iter().filter(|it| which(it)).map(|it| it.id).collect()
    }

    /// What a listing leaves on links and integrations, and an order must not touch.
    fn stamps(&self) -> Vec<String> {
        let sql = self.sql();
        let mut query = sql
            .prepare(
                "SELECT source_id || coalesce(sync_time, '-') || absent_runs || coalesce(absent_since, '-') || gone FROM link
                 UNION ALL SELECT name || coalesce(applied_run, '-') || coalesce(applied_shape, '-')
                   || coalesce(complete_rows, '-') || coalesce(sync_time, '-') FROM integration",
            )
            .expect("stamps");
        let rows = query.query_map([], |row| row.get(0)).expect("stamps");
        rows.map(|row| row.expect("a stamp")).collect()
    }

    /// Whether these stamps are of links that are not there any more.
    fn unlinked(&self, stamps: &[&String]) -> bool {
        let links = self.number("SELECT count(*) FROM link");
        let there: Vec<String> = self.stamps();
        let ids: Vec<&str> = there.iter().filter_map(|it| it.get(..36)).collect();
        links > 0 && stamps.iter().all(|it| it.get(..36).is_some_and(|id| !ids.contains(&id)))
    }

    /// Runs an integration.
    ///
    /// # Errors
    /// As the run.
    pub fn run(&mut self, name: &str, kind: RunKind) -> Result<RunReport, Failure> {
        self.job(name, |job| sync::run(job, kind)).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// Does something with everything that a run of an integration needs.
    ///
    /// # Errors
    /// What preflight finds.
    pub fn job<T>(&mut self, name: &str, work: impl FnOnce(&mut Job<'_>) -> T) -> Result<T, Vec<Problem>> {
        let plugin = workshop::plugin();
        let row = self.store.integration(name).expect("the store").expect("an integration");
        let mut ready =
            preflight::prepare(plugin, workshop::manifest(), &self.store, &row, self.credential())?;
        let mut job = Job {
            net: workshop::net().handle(),
            store: &mut self.store,
            transformer: &workshop::transformer,
            ready: &mut ready,
            wanted: self.wanted,
            clock: Clock::Fixed(self.now),
            progress: &Silent,
            notes: Vec::new(),
        };
        Ok(work(&mut job))
    }

    fn credential(&self) -> Credential {
        let settings = [
            ("domain", self.origin.clone()),
            ("login", self.origin.clone()),
            ("tenant", self.tenant.clone()),
            ("client-id", DEFAULT_CLIENT_ID.to_owned()),
        ];
        Credential {
            name: "entra".to_owned(),
            settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
            secrets: BTreeMap::from([("client-secret".to_owned(), SecretText::new(self.secret.clone()))]),
        }
    }

    /// Enters or changes somebody by hand, as an import of one line does. Values are texts.
    pub fn by_hand(&mut self, username: &str, values: &[(&str, &str)], active: Option<bool>) -> Imported {
        self.now += MINUTE;
        let usual = [("username", username), ("access_role", "Employee")];
        let fields = usual.iter().chain(values).map(|(name, value)| {
            let target = self.store.targets().named(name).expect("a field");
            let raw = RawValue::from_string(serde_json::Value::from(*value).to_string()).expect("JSON");
            (target.name.clone(), raw)
        });
        let row = ImportRow { line: 2, fields: fields.collect(), active };
        let import = Import { file: "people.csv".to_owned(), rows: vec![row] };
        let imported = self.store.import_people(&import, self.now).unwrap_or_else(|error| panic!("{error}"));
        self.check();
        imported
    }

    /// What must hold of an applied run.
    fn settled(&self, report: &RunReport) {
        self.adds_up(report);
        self.trouble_is_over();
        self.check();
    }

    fn adds_up(&self, report: &RunReport) {
        let sum: u64 = report.outcomes.values().sum();
        assert_eq!(sum, report.rows_seen + report.absent, "{:?}", report.outcomes);
        let filters = self.documents.iter().any(|it| it.text().contains("only-if"));
        assert!(filters || report.count(Outcome::Filtered) == 0, "filtered without a filter");
    }

    fn trouble_is_over(&self) {
        let unfired = self.sim.unfired();
        assert!(unfired.is_empty(), "trouble that the run did not meet: {unfired:?}");
        self.sim.clear_faults();
    }
}
