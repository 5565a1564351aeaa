//! The half that talks to the source: one store, with the door, the secrets and the log linked.

use super::bindings::{PluginBindings, PluginBindingsPre};
use super::contract::{
    self, CredentialFacts, DeltaStart, Identity, ManagerPage, Page, Presence, RolePage, RoleSource, SaasPage,
    Source,
};
use super::cpu::{self, Charged, CpuClock};
use super::error::{CallError, PluginFailure};
use super::limits::Limits;
use super::memory::{Allowance, MemoryMarks};
use super::meter::Meter;
use super::network::Network;
use super::plugin::Plugin;
use super::usage::Usage;
use super::verdict::{Witness, panic_words};
use crate::capabilities::{Door, Egress, Grants, Log, SecretSet, TrafficBudget};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// What a session may do. Nothing is reached, known or kept that is not in here.
#[derive(Clone, Debug)]
pub struct ConnectorCapabilities {
    /// Where to.
    pub grants: Grants,
    /// With which secrets.
    pub secrets: SecretSet,
    /// Through whose connections: the tenant's.
    pub egress: Arc<Egress>,
    /// How much of the network.
    pub budget: TrafficBudget,
    /// How much else.
    pub meter: Meter,
    /// What it says.
    pub log: Log,
}

/// One session with a source. Calls follow each other on one instance; after a failure that is not the
/// contract's own `error` the next call gets a fresh one.
pub struct Connector {
    maker: Maker,
    live: Option<Live>,
    usage: Usage,
}

/// Makes instances.
#[derive(Clone)]
struct Maker {
    pre: PluginBindingsPre<State>,
    limits: Limits,
    door: Door,
    secrets: SecretSet,
    witness: Witness,
}

struct Live {
    store: Store<State>,
    plugin: PluginBindings,
}

impl Live {
    /// The instance, unless what its calls have left behind fills half of the table of host resources: then the next
    /// call gets a new one. The engine itself leaves something: its `handle` takes the options of a request and
    /// never frees them, so that a listing of a thousand pages would end at the limit.
    fn good_for_more(mut self, handles: usize) -> Option<Self> {
        let left = self.store.data_mut().table.iter_mut().count();
        (left <= handles / 2).then_some(self)
    }
}

/// What an instance's imports work on.
pub(super) struct State {
    pub(super) table: ResourceTable,
    pub(super) secrets: SecretSet,
    pub(super) log: Log,
    http: WasiHttpCtx,
    network: Network,
    time: WasiClocksCtx,
    allowance: Allowance,
}

impl State {
    pub(super) fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView { ctx: &mut self.time, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.network, table: &mut self.table, ctx: &mut self.http }
    }
}

type Answer<R> = wasmtime::Result<Result<R, contract::Error>>;
type Asked<'a, R> = Pin<Box<dyn Future<Output = Answer<R>> + Send + 'a>>;

impl Connector {
    /// A session that has not started: the first call makes the instance.
    pub fn new(plugin: &Plugin, capabilities: ConnectorCapabilities) -> Self {
        let ConnectorCapabilities { grants, secrets, egress, budget, meter, log } = capabilities;
        let door = Door::new(egress, grants, secrets.clone(), budget);
        let (pre, mut limits) = (plugin.0.connector.clone(), plugin.0.engine.options.connector);
        limits.memory = meter.memory(limits.memory);
        let witness = Witness { clock: CpuClock::of(meter), marks: MemoryMarks::default(), log };
        Self { maker: Maker { pre, limits, door, secrets, witness }, live: None, usage: Usage::default() }
    }

    /// Proves the credential and tells whose directory it opens.
    pub async fn identify(&mut self, source: &Source) -> Result<Identity, CallError> {
        let source = source.clone();
        self.call("identify", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_identify(&mut live.store, &source).await
            })
        })
        .await
    }

    /// What the source says about the credential itself, as far as it may be seen.
    pub async fn inspect_credential(&mut self, source: &Source) -> Result<CredentialFacts, CallError> {
        let source = source.clone();
        self.call("inspect-credential", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_inspect_credential(&mut live.store, &source).await
            })
        })
        .await
    }

    /// One page of users; `after` none = the first.
    pub async fn fetch_users(&mut self, source: &Source, after: Option<&str>) -> Result<Page, CallError> {
        let (source, after) = (source.clone(), after.map(str::to_owned));
        self.call("fetch-users", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_fetch_users(&mut live.store, &source, after.as_ref()).await
            })
        })
        .await
    }

    /// Where changes from now on can be read.
    pub async fn begin_delta(&mut self, source: &Source) -> Result<DeltaStart, CallError> {
        let source = source.clone();
        self.call("begin-delta", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_begin_delta(&mut live.store, &source).await
            })
        })
        .await
    }

    /// Asks about users by id, at most 500; answers in the same order.
    pub async fn confirm_absent(
        &mut self,
        source: &Source,
        ids: &[String],
    ) -> Result<Vec<Presence>, CallError> {
        let (source, ids) = (source.clone(), ids.to_vec());
        self.call("confirm-absent", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_confirm_absent(&mut live.store, &source, &ids).await
            })
        })
        .await
    }

    /// How many users the filter lets through; none when the source does not count them.
    pub async fn count_users(&mut self, source: &Source) -> Result<Option<u64>, CallError> {
        let source = source.clone();
        self.call("count-users", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_count_users(&mut live.store, &source).await
            })
        })
        .await
    }

    /// One page of users of the vendor's application; `after` none = the first.
    pub async fn fetch_saas_users(
        &mut self,
        source: &Source,
        after: Option<&str>,
    ) -> Result<SaasPage, CallError> {
        let (source, after) = (source.clone(), after.map(str::to_owned));
        self.call("fetch-saas-users", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_fetch_saas_users(&mut live.store, &source, after.as_ref()).await
            })
        })
        .await
    }

    /// One page of who has which role; `after` none = the first.
    pub async fn fetch_saas_roles(
        &mut self,
        source: &Source,
        roles: &RoleSource,
        after: Option<&str>,
    ) -> Result<RolePage, CallError> {
        let (source, roles, after) = (source.clone(), roles.clone(), after.map(str::to_owned));
        self.call("fetch-saas-roles", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_fetch_saas_roles(&mut live.store, &source, &roles, after.as_ref()).await
            })
        })
        .await
    }

    /// One page of managers; `after` none = the first.
    pub async fn fetch_managers(
        &mut self,
        source: &Source,
        after: Option<&str>,
    ) -> Result<ManagerPage, CallError> {
        let (source, after) = (source.clone(), after.map(str::to_owned));
        self.call("fetch-managers", |live| {
            Box::pin(async move {
                let connector = live.plugin.userload_directory_connector();
                connector.call_fetch_managers(&mut live.store, &source, after.as_ref()).await
            })
        })
        .await
    }

    /// What the session has used so far.
    pub fn usage(&self) -> Usage {
        let mut usage = self.maker.witness.usage(&self.usage);
        usage.traffic = self.maker.door.traffic();
        usage
    }

    /// Whether the source has given a token for the secret of this name in this session.
    pub fn accepted(&self, secret: &str) -> bool {
        self.maker.secrets.accepted(secret)
    }

    /// The limits of each of its calls.
    pub fn limits(&self) -> Limits {
        self.maker.limits
    }

    /// What the run may use: the half that maps is to be charged to it as well.
    pub fn meter(&self) -> &Meter {
        self.maker.witness.clock.meter()
    }

    /// The session's log.
    pub fn log(&self) -> &Log {
        &self.maker.witness.log
    }

    async fn call<R, F>(&mut self, call: &'static str, ask: F) -> Result<R, CallError>
    where
        R: Send + 'static,
        F: for<'a> FnOnce(&'a mut Live) -> Asked<'a, R> + Send + 'static,
    {
        let limits = self.maker.limits;
        let meter = self.meter().clone();
        if let Some(used_up) = meter.used_up() {
            return Err(used_up.stops(call));
        }
        self.usage.calls += 1;
        self.maker.witness.begin_call();
        // What an earlier call left behind must not explain this one.
        self.maker.door.take_facts();
        let (kept, maker) = (self.live.take(), self.maker.clone());
        if kept.is_none() {
            self.usage.instances += 1;
        }
        let work = async move {
            let mut live = match kept {
                Some(live) => live,
                None => maker.make().await?,
            };
            let answer = ask(&mut live).await?;
            Ok::<_, wasmtime::Error>((live, answer))
        };
        // A task of its own: a panic in host code ends here, and dropping this future ends the call.
        let mut task = JoinSet::new();
        task.spawn(Charged::new(timeout(meter.wall(limits.wall), work), self.maker.witness.clock.clone()));
        match task.join_next().await {
            Some(Ok(Ok(Ok((live, answer))))) => {
                self.live = live.good_for_more(limits.handles);
                answer.map_err(|error| self.failure(error))
            }
            Some(Ok(Ok(Err(error)))) => Err(self.maker.witness.verdict(call, &error, &limits)),
            Some(Ok(Err(_))) => Err(match meter.used_up() {
                Some(used_up) => used_up.stops(call),
                None => CallError::Deadline { call, limit: limits.wall },
            }),
            Some(Err(join)) => Err(CallError::Host { call, why: panic_words(join.into_panic()) }),
            None => Err(CallError::Host { call, why: "the call vanished".to_owned() }),
        }
    }

    fn failure(&self, error: contract::Error) -> CallError {
        let (denials, fault) = self.maker.door.take_facts();
        CallError::Plugin(Box::new(PluginFailure { error, denials, fault }))
    }
}

impl Maker {
    async fn make(&self) -> wasmtime::Result<Live> {
        let Limits { memory, cpu, crossing, handles, headers, parts, .. } = self.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(headers);
        let state = State {
            table,
            secrets: self.secrets.clone(),
            log: self.witness.log.clone(),
            http,
            network: Network(self.door.clone()),
            time: WasiClocksCtx::default(),
            allowance: Allowance::new(memory, parts, self.witness.marks.clone()),
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.allowance);
        store.set_hostcall_fuel(crossing);
        store.set_max_component_handles(handles);
        cpu::bound_async(&mut store, self.witness.clock.clone(), cpu);
        let plugin = self.pre.instantiate_async(&mut store).await?;
        Ok(Live { store, plugin })
    }
}
