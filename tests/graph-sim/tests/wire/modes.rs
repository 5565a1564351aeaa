//! Batches, compression, TLS, throttling, the fast mode.

use std::io::{BufReader, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use graph_sim::{Sim, SimConfig, Throttle, World};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;

use crate::talk::{Client, connect, exchange};

fn sim(people: usize) -> Sim {
    Sim::start(SimConfig::default(), World::contoso(7, people)).unwrap()
}

#[test]
fn a_batch_answers_its_parts_in_any_order() {
    let sim = sim(40);
    let ids = sim.look(World::ids);
    sim.change(|world| world.delete(&ids[1])).unwrap();
    let client = Client::new(&sim);
    let list = format!("/users?$select=id&$filter=id in ('{}','{}')", ids[2], ids[3]);
    let requests = json!([
        {"id": "present", "method": "GET", "url": format!("/users/{}?$select=id", ids[0])},
        {"id": "gone", "method": "GET", "url": format!("users/{}", ids[1])},
        {"id": "deleted", "method": "GET", "url": format!("/directory/deletedItems/{}", ids[1])},
        {"id": "several", "method": "GET", "url": list},
        {"id": "advanced", "method": "GET", "url": "/users?$count=true&$select=id&$filter=mail eq null",
         "headers": {"ConsistencyLevel": "eventual"}},
        {"id": "plain", "method": "GET", "url": "/users?$count=true&$filter=mail eq null"},
        {"id": "absolute", "method": "GET", "url": "https://example.com/v1.0/users"},
        {"id": "write", "method": "DELETE", "url": "/users/x"},
    ]);
    let mut orders = Vec::new();
    for _ in 0..4 {
        let answer = client.batch(&requests);
        assert_eq!(answer.status, 200);
        let json = answer.json();
        let parts = json["responses"].as_array().unwrap();
        let part = |id: &str| parts.iter().find(|part| part["id"] == id).unwrap().clone();
        let statuses = ["present", "gone", "deleted", "several", "advanced", "plain", "absolute", "write"];
        let statuses = statuses.map(|id| part(id)["status"].as_u64().unwrap());
        assert_eq!(statuses, [200, 404, 200, 200, 200, 400, 400, 405]);
        assert_eq!(part("present")["body"]["id"], ids[0]);
        assert_eq!(part("several")["body"]["value"].as_array().unwrap().len(), 2);
        assert!(part("gone")["headers"]["Content-Type"].is_string());
        orders.push(parts.iter().map(|part| part["id"].to_string()).collect::<Vec<_>>());
    }
    assert!(orders.iter().any(|order| *order != orders[0]), "never shuffled");
    let journal = sim.journal();
    let parts = &journal.last().unwrap().parts;
    assert_eq!((parts.len(), parts[1].status), (8, 404));
}

#[test]
fn a_batch_has_limits() {
    let sim = sim(5);
    let client = Client::new(&sim);
    let part = |id: usize| json!({"id": id.to_string(), "method": "GET", "url": "/users"});
    let many: Vec<_> = (0..21).map(part).collect();
    assert_eq!(client.batch(&json!(many)).status, 400);
    assert_eq!(client.batch(&json!(many[..20])).status, 200);
    assert_eq!(client.batch(&json!([part(1), part(1)])).status, 400);
    assert_eq!(client.batch(&json!([])).status, 400);
    assert_eq!(client.batch(&json!("x")).status, 400);
    assert_eq!(client.get("/v1.0/$batch").status, 405);
}

#[test]
fn gzip_for_those_who_ask() {
    let sim = sim(300);
    let client = Client::new(&sim);
    let plain = client.get("/v1.0/users");
    assert!(plain.header("content-encoding").is_none());
    let packed = client.try_get("/v1.0/users", &[("Accept-Encoding", "br, gzip")]).unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    assert!(packed.body.len() < plain.body.len() / 2);
}

#[test]
fn one_connection_serves_many_requests() {
    let sim = sim(10);
    let token = crate::talk::token(&sim);
    let bearer = format!("Bearer {token}");
    let mut stream = connect(&sim);
    for _ in 0..3 {
        let headers = [("Authorization", bearer.as_str())];
        let answer = exchange(&mut stream, "GET", "/v1.0/users", &headers, b"").unwrap();
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn tls_with_its_own_authority() {
    let config = SimConfig { tls: true, ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(7, 10)).unwrap();
    assert!(sim.origin().starts_with("https://localhost:"));
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(sim.ca_pem().unwrap().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for name in ["localhost", "127.0.0.1"] {
        let name = ServerName::try_from(name).unwrap();
        let session = rustls::ClientConnection::new(Arc::new(config.clone()), name).unwrap();
        let tcp = TcpStream::connect(sim.address()).unwrap();
        let mut stream = BufReader::new(rustls::StreamOwned::new(session, tcp));
        let target = "/contoso.example/v2.0/.well-known/openid-configuration";
        let answer = exchange(&mut stream, "GET", target, &[], b"").unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.json()["issuer"].as_str().unwrap().starts_with("https://localhost:"));
    }
}

#[test]
fn throttling_by_resource_units() {
    let throttle = Some(Throttle { units: 10, window: Duration::from_secs(2) });
    let sim = Sim::start(SimConfig { throttle, ..Default::default() }, World::contoso(7, 10)).unwrap();
    let client = Client::new(&sim);
    let answers: Vec<_> = (0..6).map(|_| client.get("/v1.0/users")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("never throttled");
    assert_eq!(refused.error().1, "TooManyRequests");
    let after = refused.header("retry-after").unwrap();
    assert!(after.contains('.'), "{after}");
    std::thread::sleep(Duration::from_secs_f64(after.parse::<f64>().unwrap() + 0.5));
    assert_eq!(client.get("/v1.0/users?$select=id").status, 200);
}

#[test]
fn latency_and_dropping() {
    let config = SimConfig { latency: Duration::from_millis(60), ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(7, 10)).unwrap();
    let begun = Instant::now();
    let client = Client::new(&sim);
    client.get("/v1.0/users");
    assert!(begun.elapsed() >= Duration::from_millis(120));
    let address = sim.address();
    drop(sim);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn fast_and_slow_say_the_same() {
    let bodies = |fast: bool| {
        let config = SimConfig { fast, ..SimConfig::default() };
        let sim = Sim::start(config, World::contoso(7, 2500)).unwrap();
        let client = Client::new(&sim);
        let mut all = Vec::new();
        for _ in 0..2 {
            for target in ["/v1.0/users?$select=id,displayName,city&$top=999", "/v1.0/users"] {
                let pages = client.pages(target, false);
                let texts = pages.iter().map(|page| page.text().replace(&sim.origin(), "ORIGIN"));
                all.extend(texts);
            }
            sim.change(|world| {
                let id = world.ids()[0].clone();
                world.rename(&id, "renamed@contoso.example").unwrap();
            });
        }
        all
    };
    let (slow, fast) = (bodies(false), bodies(true));
    assert_eq!(slow.len(), fast.len());
    assert!(slow == fast, "a page differs");
    assert_ne!(slow[3], slow[3 + slow.len() / 2], "the world moved, the page did not");
}

#[test]
fn pages_can_be_made_beforehand() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(7, 250)).unwrap();
    assert_eq!(sim.warm_up("/v1.0/users?$select=id&$top=100", None).unwrap(), 3);
    assert!(sim.warm_up("/v1.0/users?$top=1000", None).is_err());
    let client = Client::new(&sim);
    assert_eq!(client.pages("/v1.0/users?$select=id&$top=100", false).len(), 3);
    let slow = Sim::start(SimConfig::default(), World::contoso(7, 5)).unwrap();
    assert!(slow.warm_up("/v1.0/users", None).is_err());
}

#[test]
fn fast_mode_still_checks_permission() {
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let sim = Sim::start(config, World::contoso(7, 200)).unwrap();
    let client = Client::new(&sim);
    assert_eq!(client.get("/v1.0/users?$select=id").status, 200);
    sim.change(|world| world.app_mut().unwrap().granted.clear());
    assert_eq!(Client::new(&sim).get("/v1.0/users?$select=id").status, 403);
}

/// How fast the fast mode is, on this machine, with a client that only reads.
#[test]
#[ignore = "a measurement; run it alone"]
fn speed() {
    let people = 300_000;
    let config = SimConfig { fast: true, ..SimConfig::default() };
    let begun = Instant::now();
    let sim = Sim::start(config, World::contoso(7, people)).unwrap();
    let mut report = format!("world {:?}", begun.elapsed());
    let bearer = format!("Bearer {}", crate::talk::token(&sim));
    let begun = Instant::now();
    let warm = format!("/v1.0/users?$select={}&$top=999", graph_sim::PROPERTIES[..30].join(","));
    let pages = sim.warm_up(&warm, None).unwrap();
    report.push_str(&format!("; {pages} other pages warmed up in {:?}", begun.elapsed()));
    let names = graph_sim::PROPERTIES[..32].join(",");
    for _ in 0..3 {
        let begun = Instant::now();
        let mut stream = connect(&sim);
        let mut target = Some(format!("/v1.0/users?$select={names}&$top=999"));
        let mut bytes = 0;
        while let Some(this) = target {
            let headers = [("Authorization", bearer.as_str())];
            let answer = exchange(&mut stream, "GET", &this, &headers, b"").unwrap();
            bytes += answer.body.len();
            let head = String::from_utf8_lossy(&answer.body[..2500.min(answer.body.len())]).into_owned();
            let next = head.split("\"@odata.nextLink\":\"").nth(1).and_then(|rest| rest.split('"').next());
            target = next.map(|next| next.replace(&sim.origin(), ""));
        }
        let rate = people as f64 / begun.elapsed().as_secs_f64();
        report.push_str(&format!("; {rate:.0} users/s of {} bytes", bytes / people));
    }
    panic!("{report}");
}
