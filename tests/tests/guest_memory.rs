//! What the plugin's own memory holds when each of its exports returns: placeholders, and neither the secret
//! nor an access token, in any encoding.

#[path = "../../host/tests/support/recording_memories.rs"]
mod recording_memories;
#[path = "cli_credentials/support.rs"]
mod support;

use std::sync::Arc;

use graph_sim::{
    Action, DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Echo, On, Rule, Schedule, Sim, SimConfig,
    World,
};
use recording_memories::RecordingMemories;
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::config;
use userload::credential::{Credential, SecretText};
use userload::engine::contract::{Incoming, Next, Setting};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer};
use userload::store::Store;
use userload::sync::preflight::{self, Ready};
use userload_tests::program::Forms;

const DOCUMENT: &str = "name = \"contoso\"\ncredential = \"entra\"\naccess-role = \"Employee\"\n\
    page-size = 100\n[mapping]\nusername = \"userPrincipalName\"\n";

fn transformer(plugin: &Plugin) -> Transformer {
    Transformer::new(plugin, Log::new(LogLimits::default(), SecretSet::none()))
}

/// A session with the simulator, as the program makes it.
fn ready(plugin: &Plugin, sim: &Sim) -> Ready {
    ready_with(plugin, sim, "client-secret", "client-secret", DEFAULT_SECRET)
}

/// The same, with another way for the application to prove itself.
fn ready_with(plugin: &Plugin, sim: &Sim, way: &str, name: &str, value: &str) -> Ready {
    let settings = [("domain", sim.origin()), ("login", sim.origin()), ("tenant", DEFAULT_TENANT.to_owned())];
    let more = [("client-id", DEFAULT_CLIENT_ID.to_owned()), ("authentication", way.to_owned())];
    let settings = settings.into_iter().chain(more);
    let credential = Credential {
        name: "entra".to_owned(),
        settings: settings.map(|(name, value)| (name.to_owned(), value)).collect(),
        secrets: [(name.to_owned(), SecretText::new(value.to_owned()))].into(),
    };
    let manifest = transformer(plugin).describe().unwrap();
    let fields = preflight::source_fields(&manifest);
    let document = format!("grants = [{{ origin = \"{}\", private = true }}]\n{DOCUMENT}", sim.origin());
    let targets = userload::model::Targets::built_in();
    let integration =
        config::parse("contoso.toml", &document, &fields, &targets).unwrap_or_else(|it| panic!("{it}"));
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("userload.sqlite"), "default").unwrap();
    store.save_integration(&integration, &document, &fields, 0).unwrap();
    let row = store.integration("contoso").unwrap().unwrap();
    preflight::prepare(plugin, &manifest, &store, &row, credential).unwrap_or_else(|it| panic!("{it:?}"))
}

/// The plugin, and a way to look into its memory.
fn watched() -> (RecordingMemories, Plugin) {
    let memories = RecordingMemories::default();
    let options = EngineOptions { memories: Some(Arc::new(memories.clone())), ..EngineOptions::default() };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm");
    let bytes = std::fs::read(path).unwrap_or_else(|it| panic!("{path}: {it}: run `cargo xtask build`"));
    (memories, Plugin::load(&Engine::new(options).unwrap(), &bytes).unwrap())
}

/// A private key, an assertion and a federated token stay out as a secret does.
#[test]
fn neither_key_nor_assertion_nor_federated_token_is_in_a_guests_memory() {
    let (pem, registered) = support::certificate(support::FIRST, (2099, 1, 1));
    let mut world = World::contoso(7, 5);
    world.apps[0].certificates.push(registered);
    world.apps[0].federated.push(support::provider());
    world.grant("Application.Read.All");
    let sim = Sim::start(SimConfig::default(), world).unwrap();
    let net = tokio::runtime::Runtime::new().unwrap();
    let pem = pem + support::FIRST;
    let token = support::federated_token(support::SUBJECT, "one");
    for (way, value) in [("certificate", &pem), ("federated-token", &token)] {
        let (memories, plugin) = watched();
        let mut ready = ready_with(&plugin, &sim, way, way, value);
        let (source, connector) = (&ready.source, &mut ready.connector);
        net.block_on(connector.identify(source)).unwrap();
        let facts = net.block_on(connector.inspect_credential(source)).unwrap();
        assert!(facts.permissions.unwrap().contains(&"User.Read.All".to_owned()));
        sim.set_faults(Schedule::one(Rule::new(On::Token, Action::EchoSecret { form: Echo::Raw }).always()));
        net.block_on(connector.identify(source)).unwrap_err();
        sim.clear_faults();
        let mut secrets: Vec<Forms> = vec![Forms::of("the federated token", &token)];
        secrets.extend(support::FIRST.lines().filter(|it| it.len() == 64).map(|it| Forms::of("the key", it)));
        assert!(!sim.assertions().is_empty());
        secrets.extend(sim.assertions().iter().map(|it| Forms::of("an assertion", it)));
        secrets.extend(sim.issued_tokens().iter().map(|it| Forms::of("an access token", it)));
        for forms in &secrets {
            let needles: Vec<&[u8]> = forms.all().map(|(_, bytes)| bytes).collect();
            assert!(memories.find(&needles).is_empty(), "with {way}");
        }
        assert!(!memories.find(&[b"client_assertion"]).is_empty(), "the search sees what is there");
    }
}

#[test]
fn neither_secret_nor_token_is_in_a_guests_memory_when_an_export_returns() {
    let (memories, plugin) = watched();
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 250)).unwrap();
    let net = tokio::runtime::Runtime::new().unwrap();
    let mut ready = ready(&plugin, &sim);
    let secret = Forms::of("the secret", DEFAULT_SECRET);
    let mut looked = 0;
    let mut look = |export: &str, present: &str| {
        looked += 1;
        let mut forms = vec![&secret];
        let tokens: Vec<Forms> =
            sim.issued_tokens().iter().map(|it| Forms::of("an access token", it)).collect();
        forms.extend(&tokens);
        for form in forms {
            let needles: Vec<&[u8]> = form.all().map(|(_, bytes)| bytes).collect();
            let found = memories.find(&needles);
            assert!(found.is_empty(), "after `{export}`, in the forms {found:?}");
        }
        // The search does see what is there.
        assert_eq!(memories.find(&[present.as_bytes()]), [0], "after `{export}`");
    };

    let (source, connector) = (&ready.source, &mut ready.connector);
    net.block_on(connector.identify(source)).unwrap();
    assert_eq!(sim.issued_tokens().len(), 1, "no token was issued: nothing was tried");
    look("identify", DEFAULT_TENANT);
    let (mut after, mut raw, mut ids) = (None, String::new(), Vec::new());
    loop {
        let page = net.block_on(connector.fetch_users(source, after.as_deref())).unwrap();
        look("fetch-users", &page.users[0].id);
        raw.clone_from(&page.users[0].raw);
        ids.extend(page.users.into_iter().map(|it| it.id));
        match page.next {
            Next::More(cursor) => after = Some(cursor),
            Next::Complete(_) => break,
        }
    }
    sim.change(|world| world.delete(&ids[0])).unwrap();
    net.block_on(connector.confirm_absent(source, &ids[..3])).unwrap();
    look("confirm-absent", &ids[1]);
    // A renewal: the first token is refused, the second one is not to be seen either.
    sim.revoke_tokens();
    net.block_on(connector.confirm_absent(source, &ids[..3])).unwrap();
    assert_eq!(sim.issued_tokens().len(), 2, "the token was not renewed");
    look("confirm-absent, with a second token", &ids[1]);
    drop(net.block_on(connector.inspect_credential(source)));
    look("inspect-credential", DEFAULT_TENANT);
    // Best effort: whether it can be had is not the question.
    drop(net.block_on(connector.fetch_saas_users(source, None)));
    look("fetch-saas-users", DEFAULT_TENANT);

    // A login host that quotes what it was sent: the door refuses the answer.
    for form in [Echo::Raw, Echo::UrlEncoded, Echo::Base64] {
        sim.set_faults(Schedule::one(Rule::new(On::Token, Action::EchoSecret { form }).always()));
        sim.revoke_tokens();
        net.block_on(connector.fetch_users(source, None)).unwrap_err();
        assert_eq!(sim.unfired(), Vec::<String>::new());
        look("fetch-users, refused", DEFAULT_TENANT);
    }

    let mut pure = transformer(&plugin);
    pure.describe().unwrap();
    look("describe", "client-secret");
    let settings: Vec<Setting> = source.settings.clone();
    pure.complete_settings(&settings).unwrap();
    look("complete-settings", DEFAULT_CLIENT_ID);
    pure.credential_pages(&settings).unwrap();
    look("credential-pages", DEFAULT_CLIENT_ID);
    pure.map_record(&ready.mapping, &raw).unwrap().unwrap();
    look("map-record", &ids[249]);
    pure.reconcile(&ready.policy, &Incoming { present: Vec::new(), absent: Vec::new() }).unwrap();
    look("reconcile", &ids[249]);
    assert_eq!(looked, 1 + 3 + 2 + 2 + 3 + 5, "every export was looked at, fetch-users on three pages");
}
