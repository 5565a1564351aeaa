//! What the sandbox costs: the same map and reconcile code in the component and compiled natively, given the same texts,
//! in the same run. Only the calls are timed; what is handed in is made before.
//!
//! Beside it stands the crossing alone: a component that takes the same arguments, looks at none of them, and answers
//! with as much. No code on the other side could be faster than that.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use graph_sim::World;
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer, contract};
use userload_plugin::bindings::exports::userload::directory::transform as native;

use super::Scenario;
use crate::Options;
use crate::report::{Row, median, ratios};
use crate::shell::shell;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "boundary",
    about: "map and reconcile in the component, beside the same code compiled natively",
    run,
};

const PEOPLE: usize = 20_000;
/// Graph's largest page.
const PAGE: usize = 999;
/// Rounds for each run: a round takes a fraction of a second.
const ROUNDS: usize = 3;
const POLICY: &str = r#"{"version":1,"mode":"create-and-update","deactivate":true,"reactivate":"own",
    "disabled-new":"create-inactive","on-disabled":"deactivate","on-deleted":"deactivate",
    "on-not-found":"deactivate","rename-fields":["username","email"]}"#;

/// The built component.
pub(super) fn component() -> Result<Vec<u8>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm");
    std::fs::read(file).with_context(|| format!("`{file}`"))
}

/// Microseconds for each user, once for each round.
#[derive(Default)]
struct Times {
    map: Vec<f64>,
    /// Of people whom nobody knows.
    new: Vec<f64>,
    /// Of people who are known and have one other field.
    known: Vec<f64>,
}

impl Times {
    fn both(&self, reconcile: &[f64]) -> Vec<f64> {
        self.map.iter().zip(reconcile).map(|(map, reconcile)| map + reconcile).collect()
    }
}

fn run(options: &Options) -> Result<Vec<Row>> {
    let engine = Engine::new(EngineOptions::default())?;
    let plugin = Plugin::load(&engine, &component()?)?;
    let empty = Plugin::load(&engine, &idle())?;
    let quiet = || Log::new(LogLimits::default(), SecretSet::none());
    let mapping = mapping(&Transformer::new(&plugin, quiet()).describe()?);
    let world = World::contoso(3, PEOPLE);
    let raws: Vec<String> = world.ids().iter().filter_map(|id| world.user(id)).map(user_text).collect();

    let pages: Vec<&[String]> = raws.chunks(PAGE).collect();
    let (mut inside, mut outside, mut crossing) = (Times::default(), Times::default(), Times::default());
    for round in 0..=options.runs * ROUNDS {
        let of_component = in_component(&mut Transformer::new(&plugin, quiet()), &mapping, &pages)?;
        let of_native = natively(&mapping, &pages)?;
        let of_crossing = in_component(&mut Transformer::new(&empty, quiet()), &mapping, &pages)?;
        // The first round warms caches up.
        if round > 0 {
            for (times, [map, new, known]) in
                [(&mut inside, of_component), (&mut outside, of_native), (&mut crossing, of_crossing)]
            {
                times.map.push(each(map));
                times.new.push(each(new));
                times.known.push(each(known));
            }
        }
    }
    let bytes = raws.iter().map(String::len).sum::<usize>() as f64 / raws.len() as f64;
    let beside = |name: &str, component: Vec<f64>, native: Vec<f64>, crossing: &[f64]| {
        let ratios = ratios(&component, &native);
        let own = component.iter().map(|it| (it - median(crossing)) / median(&native)).collect();
        [
            Row::new(format!("{name}, native"), "µs/user", native),
            Row::new(format!("{name}, component"), "µs/user", component).against("native", ratios),
            Row::new("  the crossing alone", "µs/user", crossing.to_vec())
                .against("native, were it free", own),
        ]
    };
    let mut rows = vec![Row::new("a record", "bytes", vec![bytes])];
    rows.extend(beside("map", inside.map.clone(), outside.map.clone(), &crossing.map));
    let new = |it: &Times| it.both(&it.new);
    rows.extend(beside("map + reconcile, new people", new(&inside), new(&outside), &new(&crossing)));
    let known = |it: &Times| it.both(&it.known);
    rows.extend(beside("map + reconcile, known people", known(&inside), known(&outside), &known(&crossing)));
    Ok(rows)
}

fn each(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / PEOPLE as f64
}

/// Every field that the plugin suggests, as a document with the suggestions has it.
fn mapping(manifest: &contract::Manifest) -> String {
    let targets = userload::model::Targets::built_in();
    let rules: Vec<serde_json::Value> = manifest
        .suggestions
        .iter()
        .filter_map(|it| {
            let target = targets.named(&it.target)?;
            let source: Vec<&str> = it.source.split('.').collect();
            let synthetic = manifest.fields.iter().any(|field| field.path == it.source && field.synthetic);
            (!synthetic).then(
                || serde_json::json!({"target": target.name, "type": target.value_type, "source": source}),
            )
        })
        .collect();
    serde_json::json!({"version": 1, "fields": rules}).to_string()
}

/// A component that answers without looking: as many fields as bytes of a usual record, and a decision for each.
fn idle() -> Vec<u8> {
    // A mapped record without a name: ok, the fields at 1000, nothing else.
    let record = [0_u32, 0, 0, 0, 1000, 850, 0, 0, 0];
    let records: String =
        record.iter().flat_map(|it| it.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect();
    let records = records.repeat(64);
    shell(&[])
        .pages(4)
        .extra(format!("(data (i32.const 60000) \"{records}\")"))
        .export(
            "map-records",
            "(global.set $heap (i32.const 65536)) (i32.store (i32.const 16) (i32.const 60000))
             (i32.store (i32.const 20) (local.get 3)) (i32.const 16)",
        )
        .export(
            "reconcile",
            "(global.set $heap (i32.const 65536)) (i64.store (i32.const 16) (i64.const 0))
             (i32.store (i32.const 24) (i32.const 20000)) (i32.store (i32.const 28) (local.get 3))
             (i32.const 16)",
        )
        .component()
}

/// Mapping, reconciling new people, reconciling known ones.
fn in_component(transformer: &mut Transformer, mapping: &str, pages: &[&[String]]) -> Result<[Duration; 3]> {
    let mut spent = [Duration::ZERO; 3];
    for page in pages {
        let start = Instant::now();
        let mut mapped = Vec::with_capacity(page.len());
        let raws: Vec<&str> = page.iter().map(String::as_str).collect();
        for one in transformer.map_records(mapping, &raws)? {
            mapped.push(one.map_err(|bad| anyhow!(bad.reason))?);
        }
        spent[0] += start.elapsed();
        let set = |incoming: &contract::MappedRecord, known| contract::CandidateSet {
            incoming: incoming.clone(),
            known,
        };
        let new = mapped.iter().map(|it| set(it, Vec::new())).collect();
        let known = mapped.iter().map(|it| set(it, vec![known(&it.fields)])).collect();
        for (present, spent) in [new, known].into_iter().zip(&mut spent[1..]) {
            let incoming = contract::Incoming { present, absent: Vec::new() };
            let start = Instant::now();
            black_box(transformer.reconcile(POLICY, &incoming)?);
            *spent += start.elapsed();
        }
    }
    Ok(spent)
}

/// The same of the native code.
fn natively(mapping: &str, pages: &[&[String]]) -> Result<[Duration; 3]> {
    let mut spent = [Duration::ZERO; 3];
    for page in pages {
        let start = Instant::now();
        let mut mapped = Vec::with_capacity(page.len());
        for one in userload_plugin::map_records(mapping, page) {
            mapped.push(one.map_err(|bad| anyhow!(bad.reason))?);
        }
        spent[0] += start.elapsed();
        let set = |incoming: &native::MappedRecord, known| native::CandidateSet {
            incoming: incoming.clone(),
            known,
        };
        let new = mapped.iter().map(|it| set(it, Vec::new())).collect();
        let known = mapped.iter().map(|it| set(it, vec![native_known(&it.fields)])).collect();
        for (present, spent) in [new, known].into_iter().zip(&mut spent[1..]) {
            let incoming = native::Incoming { present, absent: Vec::new() };
            let start = Instant::now();
            black_box(userload_plugin::reconcile(POLICY, &incoming).ok().context("reconcile")?);
            *spent += start.elapsed();
        }
    }
    Ok(spent)
}

/// The fields as they were the night before: one had another value.
fn before(fields: &str) -> String {
    fields.replacen("\"job_title\":\"", "\"job_title\":\"Former ", 1)
}

fn known(fields: &str) -> contract::KnownPerson {
    contract::KnownPerson {
        person: 0,
        tie: contract::Tie::Linked,
        active: true,
        inactive_since: None,
        was_enabled: Some(true),
        was_absent: false,
        status_barred: None,
        barred: Vec::new(),
        fields: before(fields),
    }
}

fn native_known(fields: &str) -> native::KnownPerson {
    native::KnownPerson {
        person: 0,
        tie: native::Tie::Linked,
        active: true,
        inactive_since: None,
        was_enabled: Some(true),
        was_absent: false,
        status_barred: None,
        barred: Vec::new(),
        fields: before(fields),
    }
}

/// A user as a listing has it, with every property that the simulator knows.
fn user_text(user: &graph_sim::User) -> String {
    let properties: Vec<String> =
        user.names().filter_map(|name| Some(format!("\"{name}\":{}", user.get(name)?))).collect();
    format!("{{{}}}", properties.join(","))
}
