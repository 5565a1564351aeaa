use std::collections::BTreeMap;
use graph_sim::*;
use userload::credential::{Credential, SecretText};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer};
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::model::{Clock};
use userload::store::Store;
use userload::sync::{self, preflight, Job, RunKind, RunReport, Progress};

struct Say;
impl Progress for Say {
    fn stage(&self, name: &str, total: Option<u64>) { eprintln!("[{name} {total:?}]"); }
    fn advance(&self, _p: u64) {}
    fn note(&self, text: &str) { eprintln!("note {text}"); }
}

fn go(plugin: &Plugin, store: &mut Store, net: &tokio::runtime::Runtime, sim: &Sim, clock: i64) -> RunReport {
    let log = || Log::new(LogLimits::default(), SecretSet::none());
    let manifest = Transformer::new(plugin, log()).describe().unwrap();
    let credential = Credential {
        name: "c".into(),
        settings: BTreeMap::from([
            ("domain".into(), sim.origin()), ("login".into(), sim.origin()),
            ("tenant".into(), DEFAULT_TENANT.into()), ("client-id".into(), DEFAULT_CLIENT_ID.into()),
        ]),
        secrets: BTreeMap::from([("client-secret".into(), SecretText::new(DEFAULT_SECRET.into()))]),
    };
    let row = store.integration("entra").unwrap().unwrap();
    let mut ready = preflight::prepare(plugin, &manifest, store, &row, credential).unwrap_or_else(|p| panic!("{p:#?}"));
    let t = std::time::Instant::now();
    let mut job = Job {
        net: net.handle(), store, connector: &mut ready.connector, transformer: &|| Transformer::new(plugin, Log::new(LogLimits::default(), SecretSet::none())),
        integration: &ready.integration, others: ready.others, mapping: ready.mapping, policy: ready.policy, source: ready.source,
        shape: ready.shape, config: ready.config, basis: ready.basis, applied: ready.applied,
        clock: Clock::Fixed(clock), progress: &Say,
    };
    let mut r = match sync::run(&mut job, RunKind::Sync) { Ok(r) => r, Err((e, r)) => panic!("{e}\n{r:#?}") };
    eprintln!("took {:?}", t.elapsed());
    r.causes.truncate(12);
    eprintln!("{}", serde_json::to_string_pretty(&r.outcomes).unwrap());
    eprintln!("{:?} rows {} absent {} newly {} withdrawn {} notes {:?} timings {:?} cost {:?}", r.completeness, r.rows_seen, r.absent, r.newly_held, r.withdrawn, r.notes, r.timings, r.cost);
    for c in &r.causes { eprintln!("  {} {} {} {:?}", c.outcome, c.count, c.cause, c.samples.first().map(|s| &s.name)); }
    for h in &r.held { eprintln!("  HELD {} {} new {} {}", h.cause, h.count, h.new, h.reason); }
    for f in r.failed.iter().take(3) { eprintln!("  FAILED {f:?}"); }
    for f in r.ambiguous.iter().take(3) { eprintln!("  AMB {f:?}"); }
    eprintln!("{}", r.receipt);
    r
}

#[test]
fn first() {
    let n: usize = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let sim = Sim::start(SimConfig { fast: n > 5000, ..Default::default() }, World::contoso(7, n)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::new(EngineOptions { cache_dir: Some(std::env::temp_dir().join("ul-cache")), ..Default::default() }).unwrap();
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm")).unwrap();
    let t = std::time::Instant::now();
    let plugin = Plugin::load(&engine, &bytes).unwrap();
    eprintln!("load {:?}", t.elapsed());
    let net = tokio::runtime::Runtime::new().unwrap();
    let mut store = Store::open(&dir.path().join("userload.db"), "default").unwrap();
    let log = Log::new(LogLimits::default(), SecretSet::none());
    let manifest = Transformer::new(&plugin, log).describe().unwrap();
    let mut doc = format!("name = \"entra\"\ncredential = \"c\"\ndeactivate = true\naccess-role = \"Employee\"\ngrants = [{{ origin = \"{}\", private = true }}]\n[mapping]\nusername = \"userPrincipalName\"\n", sim.origin());
    for s in &manifest.suggestions { if s.target != "username" { doc += &format!("{} = \"{}\"\n", s.target, s.source); } }
    let fields = preflight::source_fields(&manifest);
    let integration = userload::config::parse("t", &doc, &fields).unwrap_or_else(|e| panic!("{e}"));
    store.save_integration(&integration, &doc, &fields, 0).unwrap();
    store.launch_integration("entra", 0).unwrap();
    let day = 86_400_000;
    go(&plugin, &mut store, &net, &sim, day);
    go(&plugin, &mut store, &net, &sim, 2 * day);
    go(&plugin, &mut store, &net, &sim, 3 * day);
    sim.change(|w| {
        let ids: Vec<String> = w.ids();
        for id in &ids[10..13] { w.delete(id).unwrap(); }
        w.disable(&ids[20]).unwrap();
        w.rename(&ids[30], "new.name@contoso.example").unwrap();
        w.hire("joiner@contoso.example", "Joi Ner");
        w.wipe("department");
    });
    go(&plugin, &mut store, &net, &sim, 4 * day);
    go(&plugin, &mut store, &net, &sim, 5 * day);
}
