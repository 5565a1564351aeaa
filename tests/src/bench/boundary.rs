//! What the sandbox costs: the same map and reconcile code in the component and compiled natively.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use graph_sim::World;
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer, contract};
use userload_plugin::bindings::exports::userload::directory::transform as native;

/// What one user costs.
pub(crate) struct Cost {
    pub(crate) name: &'static str,
    pub(crate) component: Duration,
    pub(crate) native: Duration,
}

const PEOPLE: usize = 20_000;
const ROUNDS: usize = 5;
const POLICY: &str = r#"{"version":1,"mode":"create-and-update","deactivate":true,"reactivate":"own",
    "disabled-new":"create-inactive","on-disabled":"deactivate","on-deleted":"deactivate",
    "on-not-found":"deactivate","rename-fields":["username","email"]}"#;

/// Map alone, and map with reconcile.
pub(crate) fn measure() -> Result<Vec<Cost>> {
    let engine = Engine::new(EngineOptions::default())?;
    let bytes =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm"))?;
    let plugin = Plugin::load(&engine, &bytes)?;
    let quiet = || Log::new(LogLimits::default(), SecretSet::none());
    let manifest = Transformer::new(&plugin, quiet()).describe()?;
    let rules: Vec<serde_json::Value> = manifest
        .suggestions
        .iter()
        .filter_map(|it| {
            let targets = userload::model::Targets::built_in();
            let target = targets.named(&it.target)?.clone();
            let source: Vec<&str> = it.source.split('.').collect();
            let synthetic = manifest.fields.iter().any(|field| field.path == it.source && field.synthetic);
            (!synthetic).then(
                || serde_json::json!({"target": target.name, "type": target.value_type, "source": source}),
            )
        })
        .collect();
    let mapping = serde_json::json!({"version": 1, "fields": rules}).to_string();
    let world = World::contoso(3, PEOPLE);
    let raws: Vec<String> = world.ids().iter().filter_map(|id| world.user(id)).map(user_text).collect();

    let mut map = (Vec::new(), Vec::new());
    let mut both = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut transformer = Transformer::new(&plugin, quiet());
        let start = Instant::now();
        let mut mapped = Vec::with_capacity(raws.len());
        for raw in &raws {
            mapped.push(transformer.map_record(&mapping, raw)?.map_err(|bad| anyhow!(bad.reason))?);
        }
        let spent = start.elapsed();
        map.0.push(spent);
        let reconcile = Instant::now();
        for page in mapped.chunks(999) {
            let present = page
                .iter()
                .map(|it| contract::CandidateSet { incoming: it.clone(), known: Vec::new() })
                .collect();
            transformer.reconcile(POLICY, &contract::Incoming { present, absent: Vec::new() })?;
        }
        both.0.push(spent + reconcile.elapsed());

        let start = Instant::now();
        let mut mapped = Vec::with_capacity(raws.len());
        for raw in &raws {
            mapped.push(userload_plugin::map_record(&mapping, raw).map_err(|bad| anyhow!(bad.reason))?);
        }
        let spent = start.elapsed();
        map.1.push(spent);
        let reconcile = Instant::now();
        for page in mapped.chunks(999) {
            let present = page
                .iter()
                .map(|it| native::CandidateSet { incoming: it.clone(), known: Vec::new() })
                .collect();
            userload_plugin::reconcile(POLICY, &native::Incoming { present, absent: Vec::new() })
                .ok()
                .context("reconcile")?;
        }
        both.1.push(spent + reconcile.elapsed());
    }
    let each = |times: Vec<Duration>| super::median(times) / u32::try_from(PEOPLE).unwrap_or(u32::MAX);
    Ok(vec![
        Cost { name: "map, component against native", component: each(map.0), native: each(map.1) },
        Cost {
            name: "map + reconcile, component against native",
            component: each(both.0),
            native: each(both.1),
        },
    ])
}

/// A user as a listing has it, with every property that the simulator knows.
fn user_text(user: &graph_sim::User) -> String {
    let properties: Vec<String> =
        user.names().filter_map(|name| Some(format!("\"{name}\":{}", user.get(name)?))).collect();
    format!("{{{}}}", properties.join(","))
}
