//! Every fault, seen from outside.

use std::io::Read;
use std::time::{Duration, Instant};

use graph_sim::{
    Action, DEFAULT_SECRET, DEFAULT_TENANT, Echo, Element, On, Rule, Schedule, Sim, SimConfig, World,
};
use serde_json::json;

use crate::talk::{Client, ask, ask_token};

const LIST: &str = "/v1.0/users?$select=id&$top=100";

fn sim() -> Sim {
    Sim::start(SimConfig::default(), World::contoso(7, 250)).unwrap()
}

/// A simulator and what goes wrong on `/users`, once.
fn with(action: Action) -> Sim {
    let sim = sim();
    sim.set_faults(Schedule::one(Rule::new(On::Users, action)));
    assert_eq!(sim.unfired().len(), 1);
    sim
}

/// Afterwards all is well again, and the rule has fired.
fn all_well(sim: &Sim, client: &Client<'_>) {
    assert!(sim.unfired().is_empty(), "{:?}", sim.unfired());
    assert_eq!(client.pages(LIST, false).len(), 3);
}

#[test]
fn status_with_a_verbatim_retry_after() {
    for after in ["2.128", "7", "Mon, 23 Nov 2026 12:00:00 GMT", "soon"] {
        let sim = with(Action::throttled(after));
        let client = Client::new(&sim);
        let answer = client.get(LIST);
        assert_eq!(answer.error(), (429, "TooManyRequests".to_owned()));
        assert_eq!(answer.header("retry-after"), Some(after));
        all_well(&sim, &client);
    }
    let sim = with(Action::Status {
        code: 503,
        error_code: Some("serviceNotAvailable".to_owned()),
        message: Some("Made up.".to_owned()),
        retry_after: None,
    });
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert_eq!(answer.error(), (503, "serviceNotAvailable".to_owned()));
    assert!(answer.header("retry-after").is_none());
    let fault = sim.journal().last().unwrap().fault.clone().unwrap();
    assert!(fault.contains("503"), "{fault}");
    all_well(&sim, &client);
}

#[test]
fn a_page_can_fail_twice() {
    let sim = sim();
    let text = "[[rule]]\non = 'users'\npage = 2\ntimes = 2\nmin-fires = 2\naction.status = { code = 504 }";
    sim.set_faults(Schedule::parse(text).unwrap());
    let client = Client::new(&sim);
    let next = client.get(LIST).next().unwrap();
    assert_eq!(client.get(&next).status, 504);
    assert_eq!(sim.unfired().len(), 1);
    assert_eq!(client.get(&next).status, 504);
    assert_eq!(client.get(&next).status, 200);
    all_well(&sim, &client);
}

#[test]
fn broken_connections() {
    for action in [Action::Reset, Action::ResetMidBody, Action::Truncate] {
        let sim = with(action.clone());
        let client = Client::new(&sim);
        let error = client.try_get(LIST, &[]).unwrap_err();
        let kinds = match action {
            Action::Truncate => [std::io::ErrorKind::UnexpectedEof; 2],
            _ => [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe],
        };
        assert!(kinds.contains(&error.kind()), "{action:?}: {error}");
        all_well(&sim, &client);
    }
}

#[test]
fn a_stall_never_answers() {
    let sim = with(Action::Stall);
    let client = Client::new(&sim);
    let mut stream = crate::talk::connect(&sim);
    stream.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let headers = [("Authorization", "Bearer x")];
    let error = crate::talk::exchange(&mut stream, "GET", LIST, &headers, b"").unwrap_err();
    let waited = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
    assert!(waited.contains(&error.kind()), "{error}");
    assert_eq!(sim.journal().last().unwrap().status, 0);
    all_well(&sim, &client);
}

#[test]
fn slow_and_drip() {
    let sim = with(Action::Slow { ms: 150 });
    let client = Client::new(&sim);
    let begun = Instant::now();
    assert_eq!(client.get(LIST).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    all_well(&sim, &client);

    let sim = with(Action::Drip { bytes: 1000, ms: 20 });
    let client = Client::new(&sim);
    let begun = Instant::now();
    let dripped = client.get(LIST);
    assert!(begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(dripped.body, client.get(LIST).body);
    all_well(&sim, &client);
}

#[test]
fn answers_that_are_none() {
    let sim = with(Action::NotJson);
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    assert!(answer.header("content-type").unwrap().contains("json"));
    all_well(&sim, &client);

    let sim = with(Action::Html200);
    let client = Client::new(&sim);
    assert!(client.get(LIST).header("content-type").unwrap().contains("html"));
    all_well(&sim, &client);

    let sim = with(Action::Empty200);
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert!(answer.ids().is_empty() && answer.next().is_none() && answer.status == 200);
    all_well(&sim, &client);
}

#[test]
fn next_links_that_mislead() {
    let sim = with(Action::CutListing);
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert_eq!((answer.ids().len(), answer.next()), (100, None));
    all_well(&sim, &client);

    let sim = with(Action::DuplicatePage);
    let client = Client::new(&sim);
    let pages = client.pages(LIST, false);
    assert_eq!(pages.len(), 4);
    assert_eq!(pages[0].ids(), pages[1].ids());
    assert_ne!(pages[0].next(), pages[1].next());
    all_well(&sim, &client);

    let sim = with(Action::EmptyPage);
    let client = Client::new(&sim);
    let pages = client.pages(LIST, false);
    let sizes: Vec<usize> = pages.iter().map(|page| page.ids().len()).collect();
    assert_eq!(sizes, [0, 100, 100, 50]);
    all_well(&sim, &client);

    let sim = self::sim();
    sim.set_faults(Schedule::one(Rule::new(On::Users, Action::LoopNextLink).page(2)));
    let client = Client::new(&sim);
    let second = client.get(LIST).next().unwrap();
    assert_eq!(client.get(&second).next().unwrap(), second);
    all_well(&sim, &client);

    let origin = "https://evil.example.com".to_owned();
    let sim = with(Action::ForeignNextLink { origin });
    let client = Client::new(&sim);
    assert!(client.get(LIST).next().unwrap().starts_with("https://evil.example.com/v1.0/users?"));
    all_well(&sim, &client);
}

#[test]
fn a_fault_with_nothing_to_spoil_has_not_fired() {
    let sim = with(Action::CutListing);
    let client = Client::new(&sim);
    assert_eq!(client.get("/v1.0/users?$top=999").status, 200);
    assert_eq!(sim.unfired().len(), 1);
    assert_eq!(sim.journal().last().unwrap().fault, None);
    sim.set_faults(Schedule::one(Rule::new(On::Users, Action::WrongCount { n: 1 })));
    client.get(LIST);
    assert_eq!(sim.unfired().len(), 1);
}

#[test]
fn tokens_that_stop_working() {
    let sim = with(Action::ExpiredPageToken);
    let client = Client::new(&sim);
    assert_eq!(client.get(LIST).error(), (400, "Directory_ExpiredPageToken".to_owned()));
    all_well(&sim, &client);

    let sim = with(Action::RevokeToken);
    let client = Client::new(&sim);
    assert_eq!(client.get(LIST).status, 401);
    assert_eq!(client.get(LIST).status, 401, "stays refused");
    all_well(&sim, &Client::new(&sim));
}

#[test]
fn counts_and_elements_that_are_wrong() {
    let sim = with(Action::WrongCount { n: 7 });
    let client = Client::new(&sim);
    let counted = "/v1.0/users?$count=true&$select=id";
    assert_eq!(client.eventual(counted).json()["@odata.count"], 7);
    all_well(&sim, &client);
    sim.set_faults(Schedule::one(Rule::new(On::UsersCount, Action::WrongCount { n: 8 })));
    assert_eq!(client.eventual("/v1.0/users/$count").text(), "8");
    all_well(&sim, &client);

    for element in [Element::Null, Element::String, Element::NoId] {
        let sim = with(Action::BadElement { element });
        let client = Client::new(&sim);
        let json = client.get(LIST).json();
        let value = json["value"].as_array().unwrap();
        assert_eq!(value.len(), 101);
        assert!(value[0].get("id").is_none());
        all_well(&sim, &client);
    }
}

#[test]
fn bodies_that_are_too_long() {
    let sim = with(Action::HugeBody { bytes: 5_000_000 });
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert_eq!(answer.body.len(), 5_000_000);
    assert_eq!(answer.json()["value"], json!([]));
    all_well(&sim, &client);

    let sim = with(Action::GzipBomb { decoded_bytes: 50_000_000 });
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert!(answer.body.len() < 1_000_000, "{}", answer.body.len());
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut decoded).unwrap();
    assert_eq!(decoded.len(), 50_000_000);
    all_well(&sim, &client);

    let sim = with(Action::ManyHeaders { n: 300 });
    let client = Client::new(&sim);
    let answer = client.get(LIST);
    assert!(answer.headers.len() > 300 && answer.ids().len() == 100);
    all_well(&sim, &client);
}

#[test]
fn the_login_host_fails_too() {
    let sim = sim();
    let encoded: String = form_urlencoded::byte_serialize(DEFAULT_SECRET.as_bytes()).collect();
    for (form, wanted) in [
        (Echo::Raw, DEFAULT_SECRET),
        (Echo::UrlEncoded, encoded.as_str()),
        (Echo::Base64, "WHE4fm1hZGUrdXAvc2Vj"),
    ] {
        sim.set_faults(Schedule::one(Rule::new(On::Token, Action::EchoSecret { form })));
        let answer = ask_token(&sim, DEFAULT_TENANT, &[]);
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(description.contains(wanted), "{description}");
    }
    sim.set_faults(Schedule::one(Rule::new(On::Token, Action::status(503))));
    let answer = ask_token(&sim, DEFAULT_TENANT, &[]);
    assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()));
    sim.set_faults(Schedule::one(Rule::new(On::Discovery, Action::Html200)));
    let target = "/contoso.example/v2.0/.well-known/openid-configuration";
    let answer = ask(&sim, "GET", target, &[], b"").unwrap();
    assert!(answer.text().contains("<html>"));
    sim.set_faults(Schedule::one(Rule::new(On::Any, Action::status(418)).nth(2)));
    assert_eq!(ask_token(&sim, DEFAULT_TENANT, &[]).status, 200);
    assert_eq!(ask(&sim, "GET", "/elsewhere", &[], b"").unwrap().status, 418);
    assert!(sim.unfired().is_empty());
}

#[test]
fn parts_of_a_batch_fail() {
    let sim = sim();
    let client = Client::new(&sim);
    let part = |id: &str| json!({"id": id, "method": "GET", "url": "/users?$top=1&$select=id"});
    let requests = json!([part("a"), part("b"), part("c")]);
    let action =
        Action::BatchPart { status: 429, part: 1, error_code: None, retry_after: Some("3.5".to_owned()) };
    let schedule = Schedule::one(Rule::new(On::Batch, action))
        .and(Rule::new(On::Batch, Action::BatchMissingPart { part: 2 }));
    sim.set_faults(schedule);
    let first = client.batch(&requests);
    assert_eq!(first.status, 200);
    let json = first.json();
    let b = json["responses"].as_array().unwrap().iter().find(|part| part["id"] == "b").unwrap();
    assert_eq!((&b["status"], &b["headers"]["Retry-After"]), (&json!(429), &json!("3.5")));
    let second = client.batch(&requests).json();
    let ids: Vec<_> = second["responses"].as_array().unwrap().iter().map(|part| &part["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(!ids.contains(&&json!("c")));
    assert!(sim.unfired().is_empty());
    sim.set_faults(Schedule::one(Rule::new(On::Deleted, Action::Empty200)));
    let gone = client.get("/v1.0/directory/deletedItems/microsoft.graph.user");
    assert!(gone.ids().is_empty() && sim.unfired().is_empty());
}
