//! Whole sessions: wasi:http through the door, secrets through placeholders.

use super::recording_memories::RecordingMemories;
use super::*;
use crate::capabilities::{Binding, Denial, Fault, Layer, Place, Resolve, Secret, SecretAsk, SecretKind};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Sends `GET /` to `authority` and answers with a tenant as long as the status, or with the error `case`.
fn fetcher(authority: &str, case: u32) -> Guest {
    let len = authority.len();
    let body = format!(
        "(local $request i32) (local $future i32)
        (local.set $request (call $request (call $fields)))
        (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 1000) (i32.const {len})))
        (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 999) (i32.const 1)))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 2000))
        (if (i32.load8_u (i32.const 2000)) (then unreachable))
        (local.set $future (i32.load (i32.const 2008)))
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 3000))
        (if (i32.load8_u (i32.const 3016)) (then (return (call $error (i32.const {case}) (i32.const 1000) (i32.const {len})))))
        (call $identity (i32.const 4096) (call $status (i32.load (i32.const 3024))))"
    );
    let data = format!(r#"(data (i32.const 999) "/{authority}")"#);
    Guest::new().imports(guest::HTTP).extra(data).export("identify", body)
}

/// A server that answers every connection with `status`.
async fn server(status: &'static str) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ =
                stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        }
    });
    origin
}

#[tokio::test]
async fn a_guest_reaches_what_was_granted_and_the_receipt_says_so() {
    let origin = server("204 No Content").await;
    let mut connector = Connector::new(
        &load(&fetcher(&origin.authority(), 5)),
        capabilities(granted(&origin), SecretSet::none()),
    );
    assert_eq!(connector.identify(&source()).await.unwrap().tenant.len(), 204);
    let usage = connector.usage();
    assert_eq!((usage.calls, usage.instances, usage.traffic.requests), (1, 1, 1));
    assert_eq!(usage.traffic.origins[&origin.to_string()].statuses, [(204, 1)].into());
    assert!(serde_json::to_value(&usage).unwrap()["traffic"]["requests"] == 1);
}

#[tokio::test]
async fn a_denial_stands_in_the_error_with_the_line_to_add() {
    let origin = server("200 OK").await;
    let grants = Grants::new([origin.clone()], []);
    let plugin = load(&fetcher(&origin.authority(), 3));
    let mut connector = Connector::new(&plugin, capabilities(grants, SecretSet::none()));
    let error = connector.identify(&source()).await.unwrap_err();
    let CallError::Plugin(failure) = &error else { panic!("{error}") };
    assert!(matches!(&failure.denials[..], [Denial::NotGranted { .. }]));
    assert_eq!(failure.denials[0].layer(), Layer::Granted);
    assert_eq!(error.to_string(), format!("the host refused a request (granted): `{origin}` is not granted"));
    assert_eq!(error.advice(), [format!("grants = [{{ origin = \"{origin}\", private = true }}]")]);
}

#[tokio::test]
async fn the_true_fault_stands_in_for_the_plugins_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let plugin = load(&fetcher(&origin.authority(), 5));
    let mut connector = Connector::new(&plugin, capabilities(granted(&origin), SecretSet::none()));
    let error = connector.identify(&source()).await.unwrap_err();
    let CallError::Plugin(failure) = &error else { panic!("{error}") };
    assert!(matches!(failure.fault, Some(Fault::Connect { .. })));
    assert!(error.to_string().starts_with(&format!("no connection to `{origin}`")), "{error}");
}

#[tokio::test]
async fn a_panic_in_host_code_ends_the_call_and_nothing_else() {
    struct Panics;
    impl Resolve for Panics {
        fn resolve(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
            panic!("a bug in the host")
        }
    }
    let origin: Origin = "http://somewhere.test".parse().unwrap();
    let mut caps = capabilities(granted(&origin), SecretSet::none());
    let options = EgressOptions { resolver: Some(Arc::new(Panics)), ..EgressOptions::default() };
    caps.egress = Arc::new(Egress::new(options).unwrap());
    let mut connector = Connector::new(&load(&fetcher("somewhere.test", 5)), caps);
    for _ in 0..2 {
        let error = connector.identify(&source()).await.unwrap_err();
        assert!(matches!(error, CallError::Host { .. }), "{error}");
    }
}

/// Asks for the placeholder of `secret` and answers with it.
fn asker() -> Guest {
    Guest::new().extra(r#"(data (i32.const 1000) "secret")"#).export(
        "identify",
        "(call $placeholder (i32.const 1000) (i32.const 6) (i32.const 2000))
        (if (i32.load8_u (i32.const 2000)) (then (return (call $error (i32.const 8) (i32.const 1000) (i32.const 6)))))
        (call $identity (i32.load (i32.const 2004)) (i32.load (i32.const 2008)))",
    )
}

fn one_secret(value: &str) -> SecretSet {
    let binding = Binding {
        origin: "https://login.example".parse().unwrap(),
        method: None,
        path: None,
        place: Place::FormField("client_secret".to_owned()),
    };
    let ask = SecretAsk { name: "secret".to_owned(), kind: SecretKind::Text, optional: false, binding };
    SecretSet::new([ask], [], [("secret".to_owned(), Secret::new(value))]).unwrap()
}

#[tokio::test]
async fn a_guests_memory_holds_the_placeholder_and_never_the_secret() {
    let memories = RecordingMemories::default();
    // To record what a guest writes takes time of its own.
    let connector = Limits { cpu: Duration::from_secs(5), ..options().connector };
    let options = EngineOptions { memories: Some(Arc::new(memories.clone())), connector, ..options() };
    let plugin = load_with(options, &asker());
    let secret = "kl8Q~a-secret-that-stays-out";
    let mut connector = Connector::new(&plugin, capabilities(Grants::default(), one_secret(secret)));
    let placeholder = connector.identify(&source()).await.unwrap().tenant;
    assert_eq!(placeholder.len(), 48);
    assert!(memories.bytes() > 0);
    assert_eq!(memories.find(&[placeholder.as_bytes(), secret.as_bytes()]), [0]);
    drop(connector);
    assert_eq!(memories.bytes(), 0);
}

#[tokio::test]
async fn one_tenants_session_knows_nothing_of_anothers() {
    let plugin = load(&asker());
    let with = |secrets| Connector::new(&plugin, capabilities(Grants::default(), secrets));
    let (mut one, mut other) =
        (with(one_secret("secret-of-tenant-one")), with(one_secret("secret-of-tenant-two")));
    let (first, second) = (one.identify(&source()).await.unwrap(), other.identify(&source()).await.unwrap());
    assert_ne!(first, second);
    assert!(with(SecretSet::none()).identify(&source()).await.is_err());
}
