//! The pure half: the same component with nothing but the log linked, called directly.

use super::bindings::{PluginBindings, PluginBindingsPre};
use super::contract::{
    self, BadRecord, CredentialPage, Decision, FilterReport, Incoming, Manifest, MappedRecord, MappingFault,
    MappingNeeds, Setting, Source,
};
use super::cpu::{self, CpuClock};
use super::error::{CallError, PluginFailure};
use super::limits::Limits;
use super::memory::{Allowance, MemoryMarks};
use super::meter::Meter;
use super::plugin::Plugin;
use super::usage::Usage;
use super::verdict::{Witness, panic_words};
use crate::capabilities::Log;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime::Store;

/// One mapping stage. Calls block and compute: up to `Limits::cpu`, usually microseconds. The instance is
/// kept, so that the plugin compiles a mapping once; after a failure the next call gets a fresh one.
pub struct Transformer {
    pre: PluginBindingsPre<PureState>,
    limits: Limits,
    witness: Witness,
    live: Option<Live>,
    usage: Usage,
    raw: String,
    raws: Vec<String>,
}

/// Records of one call to `map-records`, and bytes of their texts (of more than one): what comes back has room in what
/// may cross at once, even when each of them has as many fields as a record may have.
const MOST_AT_ONCE: usize = 64;
const MOST_BYTES: usize = 4 << 20;

struct Live {
    store: Store<PureState>,
    plugin: PluginBindings,
}

/// What an instance's imports work on.
pub(super) struct PureState {
    pub(super) log: Log,
    allowance: Allowance,
}

impl Transformer {
    /// A stage that has not started: the first call makes the instance.
    pub fn new(plugin: &Plugin, log: Log) -> Self {
        Self::metered(plugin, log, Meter::default())
    }

    /// The same, charged to a run.
    pub fn metered(plugin: &Plugin, log: Log, meter: Meter) -> Self {
        let (pre, mut limits) = (plugin.0.transform.clone(), plugin.0.engine.options.transform);
        limits.memory = meter.memory(limits.memory);
        let witness = Witness { clock: CpuClock::of(meter), marks: MemoryMarks::default(), log };
        Self {
            pre,
            limits,
            witness,
            live: None,
            usage: Usage::default(),
            raw: String::new(),
            raws: Vec::new(),
        }
    }

    /// What the plugin is, takes and asks for.
    pub fn describe(&mut self) -> Result<Manifest, CallError> {
        self.call("describe", |live| {
            live.plugin.userload_directory_connector().call_describe(&mut live.store)
        })
    }

    /// Checks settings and fills in what follows from them.
    pub fn complete_settings(&mut self, settings: &[Setting]) -> Result<Vec<Setting>, CallError> {
        self.call("complete-settings", |live| {
            live.plugin.userload_directory_connector().call_complete_settings(&mut live.store, settings)
        })?
        .map_err(plain)
    }

    /// The vendor's pages about a credential with these settings.
    pub fn credential_pages(&mut self, settings: &[Setting]) -> Result<Vec<CredentialPage>, CallError> {
        self.call("credential-pages", |live| {
            live.plugin.userload_directory_connector().call_credential_pages(&mut live.store, settings)
        })?
        .map_err(plain)
    }

    /// What is to be said about a filter, without asking the source.
    pub fn check_filter(&mut self, source: &Source) -> Result<FilterReport, CallError> {
        self.call("check-filter", |live| {
            live.plugin.userload_directory_connector().call_check_filter(&mut live.store, source)
        })
    }

    /// Maps one record. The inner error is about the record, the outer one about the plugin.
    pub fn map_record(
        &mut self,
        mapping: &str,
        raw: &str,
    ) -> Result<Result<MappedRecord, BadRecord>, CallError> {
        // The generated call takes a `&String`: one buffer is filled again and again.
        let mut text = std::mem::take(&mut self.raw);
        text.clear();
        text.push_str(raw);
        let mapped = self.call("map-record", |live| {
            live.plugin.userload_directory_transform().call_map_record(&mut live.store, mapping, &text)
        });
        self.raw = text;
        mapped
    }

    /// Maps many records, in as few calls as the limits allow. As many answers as records, if the plugin is sound.
    pub fn map_records(
        &mut self,
        mapping: &str,
        raws: &[&str],
    ) -> Result<Vec<Result<MappedRecord, BadRecord>>, CallError> {
        let mut mapped = Vec::with_capacity(raws.len());
        // The generated call takes texts of its own: the same buffers are filled again and again.
        let mut texts = std::mem::take(&mut self.raws);
        texts.resize_with(raws.len().min(MOST_AT_ONCE), String::new);
        let mut left = raws;
        while !left.is_empty() {
            let (now, later) = left.split_at(at_once(left));
            for (text, raw) in texts.iter_mut().zip(now) {
                text.clear();
                text.push_str(raw);
            }
            let some = texts.get(..now.len()).unwrap_or_default();
            mapped.extend(self.call("map-records", |live| {
                live.plugin.userload_directory_transform().call_map_records(&mut live.store, mapping, some)
            })?);
            left = later;
        }
        self.raws = texts;
        Ok(mapped)
    }

    /// What a mapping needs, or everything that is wrong with it.
    pub fn examine_mapping(
        &mut self,
        mapping: &str,
    ) -> Result<Result<MappingNeeds, Vec<MappingFault>>, CallError> {
        self.call("examine-mapping", |live| {
            live.plugin.userload_directory_transform().call_examine_mapping(&mut live.store, mapping)
        })
    }

    /// One decision for each record and each absent person, in order.
    pub fn reconcile(&mut self, policy: &str, incoming: &Incoming) -> Result<Vec<Decision>, CallError> {
        self.call("reconcile", |live| {
            live.plugin.userload_directory_transform().call_reconcile(&mut live.store, policy, incoming)
        })?
        .map_err(plain)
    }

    /// What the stage has used so far.
    pub fn usage(&self) -> Usage {
        self.witness.usage(&self.usage)
    }

    /// The stage's log.
    pub fn log(&self) -> &Log {
        &self.witness.log
    }

    fn call<R>(
        &mut self,
        call: &'static str,
        ask: impl FnOnce(&mut Live) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        if let Some(used_up) = self.witness.clock.meter().cpu_used_up() {
            return Err(used_up.stops(call));
        }
        self.usage.calls += 1;
        self.witness.begin_call();
        let kept = self.live.take();
        if kept.is_none() {
            self.usage.instances += 1;
        }
        let work = AssertUnwindSafe(|| {
            let _running = self.witness.clock.start_cheaply();
            let mut live = match kept {
                Some(live) => live,
                None => self.make()?,
            };
            let answer = ask(&mut live)?;
            Ok::<_, wasmtime::Error>((live, answer))
        });
        // Unwind safe: whatever a panic left half done is in `live`, which is gone with it.
        match catch_unwind(work) {
            Ok(Ok((live, answer))) => {
                self.live = Some(live);
                Ok(answer)
            }
            Ok(Err(error)) => Err(self.witness.verdict(call, &error, &self.limits)),
            Err(panic) => Err(CallError::Host { call, why: panic_words(panic) }),
        }
    }

    fn make(&self) -> wasmtime::Result<Live> {
        let Limits { memory, cpu, crossing, handles, parts, .. } = self.limits;
        let allowance = Allowance::new(memory, parts, self.witness.marks.clone());
        let mut store = Store::new(self.pre.engine(), PureState { log: self.witness.log.clone(), allowance });
        store.limiter(|state| &mut state.allowance);
        store.set_hostcall_fuel(crossing);
        store.set_max_component_handles(handles);
        cpu::bound_sync(&mut store, self.witness.clock.clone(), cpu);
        let plugin = self.pre.instantiate(&mut store)?;
        Ok(Live { store, plugin })
    }
}

/// How many of these records, at least one, are handed over together.
fn at_once(raws: &[&str]) -> usize {
    let mut bytes = 0;
    let fit = raws.iter().take(MOST_AT_ONCE).take_while(|raw| {
        bytes += raw.len();
        bytes <= MOST_BYTES
    });
    fit.count().max(1)
}

/// The contract's error, from a stage that has no door to ask.
fn plain(error: contract::Error) -> CallError {
    CallError::Plugin(Box::new(PluginFailure { error, denials: Vec::new(), fault: None }))
}
