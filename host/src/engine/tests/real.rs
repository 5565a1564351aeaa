//! The real plugin against the simulator, when `cargo xtask build` has made it: these pass without a look
//! where it is missing. The suites in `tests/` insist on it.

use super::recording_memories::RecordingMemories;
use super::*;
use crate::capabilities::Secret;
use contract::{Next, Setting};
use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim, SimConfig, World};

fn real(options: EngineOptions) -> Option<Plugin> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm");
    let bytes = std::fs::read(path).ok().filter(|bytes| !bytes.is_empty())?;
    Some(Plugin::load(&Engine::new(options).unwrap(), &bytes).unwrap())
}

fn settings(plugin: &Plugin, origin: &str) -> (Needs, Vec<Setting>) {
    let mut transformer = Transformer::new(plugin, log());
    let manifest = transformer.describe().unwrap();
    let given =
        [("domain", origin), ("login", origin), ("tenant", DEFAULT_TENANT), ("client-id", DEFAULT_CLIENT_ID)];
    let given = given.map(|(name, value)| Setting { name: name.to_owned(), value: value.to_owned() });
    let settings = transformer.complete_settings(&given).unwrap();
    (Needs::of(&manifest, &settings).unwrap(), settings)
}

#[test]
fn the_plugin_asks_for_what_a_plugin_may() {
    let Some(plugin) = real(EngineOptions::default()) else { return };
    let (needs, _) = settings(&plugin, "https://graph.microsoft.com");
    assert_eq!(
        needs.origins.iter().map(Origin::to_string).collect::<Vec<_>>(),
        ["https://graph.microsoft.com"; 2]
    );
    assert_eq!(needs.secrets.len(), 2, "the client secret, and the one that follows it");
    assert!(needs.tokens.iter().any(|token| token.field == "access_token"));
}

#[test]
fn a_whole_enumeration_and_neither_secret_nor_token_in_the_guests_memory() {
    let memories = RecordingMemories::default();
    let options = EngineOptions { memories: Some(Arc::new(memories.clone())), ..EngineOptions::default() };
    let Some(plugin) = real(options) else { return };
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 250)).unwrap();
    let (needs, settings) = settings(&plugin, &sim.origin());
    let secrets = [("client-secret".to_owned(), Secret::new(DEFAULT_SECRET))];
    let secrets = SecretSet::new(needs.secrets, needs.tokens, secrets).unwrap();
    let grants = needs.origins.iter().map(|origin| Grant::all_of(origin.clone(), true));
    let grants = Grants::new(needs.origins.clone(), grants);
    let caps = capabilities(grants, secrets);
    let egress = caps.egress.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut connector = Connector::new(&plugin, caps);
    let look = |call: &str| {
        let mut needles = sim.issued_tokens();
        needles.push(DEFAULT_SECRET.to_owned());
        let needles: Vec<&[u8]> = needles.iter().map(String::as_bytes).collect();
        assert!(needles.len() > 1, "no token was issued");
        assert!(memories.find(&needles).is_empty(), "after `{call}`");
    };

    let select = ["id", "displayName", "mail", "accountEnabled"].map(str::to_owned).to_vec();
    let source = Source { settings, filter: None, select, page_size: 100, delta: false };
    let identity = runtime.block_on(connector.identify(&source)).unwrap();
    assert_eq!(identity.tenant, DEFAULT_TENANT);
    look("identify");
    let (mut after, mut ids) = (None, std::collections::BTreeSet::new());
    loop {
        let page = runtime.block_on(connector.fetch_users(&source, after.as_deref())).unwrap();
        look("fetch-users");
        assert!(memories.find(&[page.users[0].id.as_bytes()]) == [0], "the search does not see the memory");
        ids.extend(page.users.into_iter().map(|user| user.id));
        match page.next {
            Next::More(cursor) => after = Some(cursor),
            Next::Complete(_) => break,
        }
    }
    assert_eq!(ids.len(), 250);
    let some: Vec<String> = ids.into_iter().take(3).collect();
    assert_eq!(runtime.block_on(connector.confirm_absent(&source, &some)).unwrap().len(), 3);
    look("confirm-absent");

    let usage = connector.usage();
    assert_eq!(usage.instances, 1);
    assert!(
        usage.traffic.requests >= 5 && egress.dialled() <= 2,
        "{usage:?}, {} connections",
        egress.dialled()
    );
    for exchange in sim.journal() {
        assert_eq!(exchange.accept_encoding.as_deref(), Some("gzip"));
        assert!(exchange.user_agent.is_some_and(|agent| agent.starts_with("userload/")));
    }
}

#[test]
fn a_wrong_secret_is_the_sources_word_and_not_a_fault() {
    let Some(plugin) = real(EngineOptions::default()) else { return };
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 5)).unwrap();
    let (needs, settings) = settings(&plugin, &sim.origin());
    let secrets = [("client-secret".to_owned(), Secret::new("not-the-secret-at-all"))];
    let secrets = SecretSet::new(needs.secrets, needs.tokens, secrets).unwrap();
    let grants = needs.origins.iter().map(|origin| Grant::all_of(origin.clone(), true));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut connector =
        Connector::new(&plugin, capabilities(Grants::new(needs.origins.clone(), grants), secrets));
    let source = Source { settings, page_size: 100, ..source() };
    let error = runtime.block_on(connector.identify(&source)).unwrap_err();
    assert!(matches!(error.contract(), Some(contract::Error::AuthRejected(_))), "{error}");
    assert!(!error.to_string().contains("not-the-secret"));
}

#[test]
fn without_a_grant_the_plugin_gets_nowhere_and_the_operator_learns_the_line() {
    let Some(plugin) = real(EngineOptions::default()) else { return };
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 5)).unwrap();
    let (needs, settings) = settings(&plugin, &sim.origin());
    let secrets = [("client-secret".to_owned(), Secret::new(DEFAULT_SECRET))];
    let secrets = SecretSet::new(needs.secrets, needs.tokens, secrets).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut connector = Connector::new(&plugin, capabilities(Grants::new(needs.origins, []), secrets));
    let error =
        runtime.block_on(connector.identify(&Source { settings, page_size: 100, ..source() })).unwrap_err();
    assert!(matches!(error.contract(), Some(contract::Error::DeniedByHost(_))), "{error}");
    assert_eq!(error.advice(), [format!("grants = [{{ origin = \"{}\", private = true }}]", sim.origin())]);
    assert!(sim.journal().is_empty());
}

/// What crossing the boundary costs: `cargo test -p userload --lib -- --ignored --nocapture measure`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "a measurement")]
fn measure() {
    let timed = |what: &str, times: u32, mut work: Box<dyn FnMut()>| {
        work();
        let started = std::time::Instant::now();
        (0..times).for_each(|_| work());
        println!("{what}: {:?}", started.elapsed() / times);
    };
    let answer = "(call $mapped (i32.const 0) (i32.const 0))";
    let plugin = load(&Guest::new().export("map-record", answer));
    let fresh = plugin.clone();
    timed(
        "instantiate and first call",
        2_000,
        Box::new(move || {
            let _ = Transformer::new(&fresh, log()).map_record("", "").unwrap();
        }),
    );
    let mut kept = Transformer::new(&plugin, log());
    timed("map-record, empty", 100_000, Box::new(move || drop(kept.map_record("", "").unwrap())));
    let Some(real) = real(EngineOptions::default()) else { return };
    let mut kept = Transformer::new(&real, log());
    let mapping =
        r#"{"version":1,"fields":[{"target":"mail","type":"text","required":false,"source":["mail"]}]}"#;
    let raw =
        format!(r#"{{"id":"1","accountEnabled":true,"mail":"a@b.example","about":"{}"}}"#, "x".repeat(1_000));
    timed(
        "map-record, real, 1 kB",
        50_000,
        Box::new(move || drop(kept.map_record(mapping, &raw).unwrap().unwrap())),
    );
}
