use super::*;
use crate::capabilities::denial::Layer;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

struct Names(HashMap<&'static str, Vec<IpAddr>>);

impl Resolve for Names {
    fn resolve(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.0.get(host).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn named(host: &'static str, addresses: &[&str], port: u16, secure: bool, private: bool) -> (Door, Origin) {
    let scheme = if secure { "https" } else { "http" };
    let origin: Origin = format!("{scheme}://{host}:{port}").parse().unwrap();
    let resolver = Arc::new(Names([(host, ips(addresses))].into()));
    let options = EgressOptions {
        limits: EgressLimits::default(),
        resolver: Some(resolver),
        ..EgressOptions::default()
    };
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), private)]);
    let egress = Arc::new(Egress::new(options).unwrap());
    (Door::new(egress, grants, SecretSet::none(), TrafficBudget::default()), origin)
}

#[tokio::test]
async fn an_origin_that_is_not_granted_is_not_reached_and_the_advice_is_the_line() {
    let server = Server::start(|_| ok("{}")).await;
    let grants = Grants::new([server.origin.clone()], []);
    let door =
        Door::new(egress(EgressLimits::default()), grants, SecretSet::none(), TrafficBudget::default());
    let denial = denial(&door, get(&server.origin, "/")).await;
    assert_eq!(denial.layer(), Layer::Granted);
    assert_eq!(denial.advice(), format!("grants = [{{ origin = \"{}\", private = true }}]", server.origin));
    assert_eq!((server.requests(), door.traffic().requests, door.traffic().denied), (0, 0, 1));
    assert_eq!(door.take_facts().0, [denial]);
}

#[tokio::test]
async fn nothing_asked_nothing_reached() {
    let server = Server::start(|_| ok("{}")).await;
    let door = Door::new(
        egress(EgressLimits::default()),
        Grants::default(),
        SecretSet::none(),
        TrafficBudget::default(),
    );
    assert_eq!(denial(&door, get(&server.origin, "/")).await.layer(), Layer::Asked);
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_name_with_a_private_address_needs_a_private_grant() {
    let (door, origin) = named("graph.corp.example", &["10.0.0.7"], 443, true, false);
    let denial = denial(&door, get(&origin, "/")).await;
    assert_eq!(denial.layer(), Layer::Address);
    assert_eq!(denial.advice(), r#"grants = [{ origin = "https://graph.corp.example", private = true }]"#);
}

#[tokio::test]
async fn one_private_answer_among_public_ones_refuses_the_name() {
    let (door, origin) = named("rebind.example", &["20.190.128.1", "127.0.0.1"], 443, true, false);
    assert_eq!(denial(&door, get(&origin, "/")).await.layer(), Layer::Address);
}

#[tokio::test]
async fn metadata_is_not_reached_even_with_a_private_grant() {
    for address in ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1"] {
        let (door, origin) = named("metadata.example", &[address], 80, false, true);
        assert_eq!(denial(&door, get(&origin, "/")).await.layer(), Layer::Address, "{address}");
    }
}

#[tokio::test]
async fn plain_http_to_a_public_address_is_refused_even_when_granted() {
    let (door, origin) = named("plain.example", &["20.190.128.1"], 80, false, true);
    assert_eq!(denial(&door, get(&origin, "/")).await.layer(), Layer::Scheme);
}

#[tokio::test]
async fn the_checked_address_is_the_one_that_is_dialled() {
    let server = Server::start(|_| ok("{}")).await;
    let (door, origin) = named("graph.test.example", &["127.0.0.1"], server.origin.port(), false, true);
    assert_eq!(send(&door, get(&origin, "/x")).await.unwrap().status(), 200);
    let host = format!("host: graph.test.example:{}\r\n", server.origin.port());
    assert!(server.seen.lock().unwrap()[0].contains(&host));
}

#[tokio::test]
async fn a_connection_made_under_a_private_grant_serves_nobody_without_one() {
    let server = Server::start(|_| ok("{}")).await;
    let shared = egress(EgressLimits::default());
    // `https` on both sides of the pool key would be the same; here the origin is the same and only the
    // grant differs.
    let with = |private| {
        let grants = Grants::new([server.origin.clone()], [Grant::all_of(server.origin.clone(), private)]);
        Door::new(shared.clone(), grants, SecretSet::none(), TrafficBudget::default())
    };
    assert!(send(&with(true), get(&server.origin, "/")).await.is_ok());
    assert!(send(&with(false), get(&server.origin, "/")).await.is_err());
    // And the pools themselves are apart: asked directly, the public one dials for itself and is refused.
    let request = Request::get(format!("{}/", server.origin)).body(http_body_util::Full::default()).unwrap();
    assert!(shared.client(false).request(request).await.is_err());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn connections_are_kept_and_never_shared_between_tenants() {
    let server = Server::start(|_| ok("{}")).await;
    let door = door_to(&server.origin, EgressLimits::default());
    for _ in 0..5 {
        send(&door, get(&server.origin, "/")).await.unwrap();
    }
    assert_eq!((server.requests(), door.egress().dialled()), (5, 1));
    let other = door_to(&server.origin, EgressLimits::default());
    send(&other, get(&server.origin, "/")).await.unwrap();
    assert_eq!(other.egress().dialled(), 1);
}

#[tokio::test]
async fn a_redirect_is_handed_over_and_not_followed() {
    let server = Server::start(|request| {
        assert!(request.starts_with("GET /start "));
        Act::Answer(answer("302 Found", "location: /elsewhere\r\nset-cookie: a=b\r\n", b""))
    })
    .await;
    let reply =
        send(&door_to(&server.origin, EgressLimits::default()), get(&server.origin, "/start")).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["location"].as_bytes()), (302, &b"/elsewhere"[..]));
    assert!(!reply.headers().contains_key("set-cookie"));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn the_host_sets_its_own_headers_and_lengths() {
    let server = Server::start(|_| ok("{}")).await;
    let door = door_to(&server.origin, EgressLimits::default());
    let uri = format!("{}/a", server.origin);
    let with = Request::get(&uri)
        .header("user-agent", "evil")
        .header("accept-encoding", "br")
        .header("content-length", "9");
    send(&door, with.body(Bytes::new()).unwrap()).await.unwrap();
    let post = Request::post(&uri).header("content-length", "3").body(Bytes::from("four")).unwrap();
    send(&door, post).await.unwrap();
    let seen = server.seen.lock().unwrap().clone();
    assert!(seen[0].contains("user-agent: userload/") && !seen[0].contains("evil"), "{}", seen[0]);
    assert!(seen[0].contains("accept-encoding: gzip\r\n"));
    assert!(!seen[0].contains("content-length") && !seen[0].contains("chunked"), "{}", seen[0]);
    assert!(seen[1].contains("content-length: 4\r\n") && seen[1].ends_with("four"), "{}", seen[1]);
    let smuggle =
        Request::post(&uri).header("transfer-encoding", "chunked").body(Bytes::from("0\r\n\r\n")).unwrap();
    assert_eq!(denial(&door, smuggle).await.layer(), Layer::Request);
    let big = Request::post(&uri).body(Bytes::from(vec![b'x'; (1 << 20) + 1])).unwrap();
    assert_eq!(denial(&door, big).await.layer(), Layer::Request);
}

#[tokio::test]
async fn budgets_of_requests_and_bytes_hold() {
    let server = Server::start(|_| ok("0123456789")).await;
    let with = |budget| {
        let grants = Grants::new([server.origin.clone()], [Grant::all_of(server.origin.clone(), true)]);
        Door::new(egress(EgressLimits::default()), grants, SecretSet::none(), budget)
    };
    let door = with(TrafficBudget { requests: 2, ..TrafficBudget::default() });
    send(&door, get(&server.origin, "/")).await.unwrap();
    send(&door, get(&server.origin, "/")).await.unwrap();
    assert_eq!(denial(&door, get(&server.origin, "/")).await.layer(), Layer::Budget);
    let door = with(TrafficBudget { received: 15, ..TrafficBudget::default() });
    send(&door, get(&server.origin, "/")).await.unwrap();
    assert_eq!(denial(&door, get(&server.origin, "/")).await.layer(), Layer::Budget);
    let door = with(TrafficBudget { sent: 3, ..TrafficBudget::default() });
    let post = Request::post(format!("{}/", server.origin)).body(Bytes::from("four")).unwrap();
    assert_eq!(denial(&door, post).await.layer(), Layer::Budget);
}

#[tokio::test]
async fn requests_at_a_time_are_bounded_and_places_are_given_back() {
    let server = Server::start(|_| ok("{}")).await;
    let door = door_to(&server.origin, EgressLimits { in_flight: 1, ..EgressLimits::default() });
    let first = door.send(get(&server.origin, "/"), Wishes::default()).await.unwrap();
    assert_eq!(denial(&door, get(&server.origin, "/")).await.layer(), Layer::Budget);
    drop(first);
    assert!(send(&door, get(&server.origin, "/")).await.is_ok());
}

#[tokio::test]
async fn the_receipt_counts_what_happened() {
    let server = Server::start(|request| match request.starts_with("GET /a ") {
        true => ok("12345"),
        false => Act::Answer(answer("429 Too Many Requests", "retry-after: 1\r\n", b"no")),
    })
    .await;
    let door = door_to(&server.origin, EgressLimits::default());
    send(&door, get(&server.origin, "/a")).await.unwrap();
    assert_eq!(send(&door, get(&server.origin, "/b")).await.unwrap().headers()["retry-after"], "1");
    let traffic = door.traffic();
    assert_eq!((traffic.requests, traffic.received_bytes, traffic.wire_bytes), (2, 7, 7));
    let origin = &traffic.origins[&server.origin.to_string()];
    assert_eq!((origin.requests, &origin.statuses), (2, &[(200, 1), (429, 1)].into()));
}
