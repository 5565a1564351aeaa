//! The login host.

use std::io::Write;
use std::net::Shutdown;

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim, SimConfig, World};

use crate::talk::{Client, ask, ask_token, connect, form, read, token};

fn sim() -> Sim {
    Sim::start(SimConfig::default(), World::contoso(7, 10)).unwrap()
}

#[test]
fn a_token_comes_by_tenant_id_or_domain() {
    let sim = sim();
    for tenant in [DEFAULT_TENANT, "contoso.example", "CONTOSO.example"] {
        let answer = ask_token(&sim, tenant, &[]);
        let json = answer.json();
        assert_eq!(answer.status, 200);
        assert_eq!(json["token_type"], "Bearer");
        assert_eq!(json["expires_in"], 3599);
        assert!(json["access_token"].as_str().unwrap().len() > 1000);
    }
    let tokens = sim.issued_tokens();
    assert_eq!(tokens.len(), 3);
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn what_is_wrong_is_answered_as_microsoft_does() {
    let sim = sim();
    let t = DEFAULT_TENANT;
    for (tenant, changes, status, error, number) in [
        ("11111111-2222-3333-4444-555555555555", vec![], 400, "invalid_request", 90_002),
        ("elsewhere.example", vec![], 400, "invalid_request", 90_002),
        ("nonsense", vec![], 400, "invalid_request", 900_023),
        (t, vec![("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (t, vec![("client_secret", "")], 401, "invalid_client", 7_000_218),
        (t, vec![("client_id", "")], 400, "invalid_request", 900_144),
        (t, vec![("grant_type", "")], 400, "invalid_request", 900_144),
        (t, vec![("scope", "")], 400, "invalid_request", 900_144),
        (t, vec![("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
        (t, vec![("client_id", t)], 400, "unauthorized_client", 700_016),
        (t, vec![("scope", "User.Read.All")], 400, "invalid_scope", 70_011),
        (t, vec![("scope", "https://graph.example.com/.default")], 400, "invalid_resource", 500_011),
    ] {
        let answer = ask_token(&sim, tenant, &changes);
        let json = answer.json();
        assert_eq!(answer.error(), (status, error.to_owned()), "{changes:?}");
        assert_eq!(json["error_codes"][0], number, "{changes:?}");
        let description = json["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
        for field in ["trace_id", "correlation_id", "timestamp", "error_uri"] {
            assert!(json[field].is_string(), "{field}");
        }
    }
    assert!(sim.issued_tokens().is_empty());
}

#[test]
fn the_state_of_the_app_counts() {
    let sim = sim();
    sim.change(|world| world.app_mut().unwrap().secret_expired = true);
    assert_eq!(ask_token(&sim, DEFAULT_TENANT, &[]).json()["error_codes"][0], 7_000_222);
    sim.change(|world| {
        let app = world.app_mut().unwrap();
        (app.secret_expired, app.disabled) = (false, true);
    });
    assert_eq!(ask_token(&sim, DEFAULT_TENANT, &[]).json()["error_codes"][0], 7_000_112);
    sim.change(|world| {
        let app = world.app_mut().unwrap();
        app.disabled = false;
        app.granted.clear();
    });
    // A token comes without any permission; Graph is where it turns out.
    let client = Client::new(&sim);
    let refused = client.get("/v1.0/users");
    assert_eq!(refused.error(), (403, "Authorization_RequestDenied".to_owned()));
    assert!(refused.text().contains("Insufficient privileges to complete the operation."));
}

#[test]
fn the_form_has_to_be_a_form() {
    let sim = sim();
    let target = format!("/{DEFAULT_TENANT}/oauth2/v2.0/token");
    let json = [("Content-Type", "application/json")];
    let answer = ask(&sim, "POST", &target, &json, b"{}").unwrap();
    assert_eq!(answer.json()["error_codes"][0], 900_144);
    assert_eq!(ask(&sim, "GET", &target, &[], b"").unwrap().json()["error_codes"][0], 900_561);
    // The secret is full of characters that mean something else unless they are encoded.
    let scope = format!("{}/.default", sim.origin());
    let body = format!(
        "client_id={DEFAULT_CLIENT_ID}&scope={scope}&grant_type=client_credentials\
         &client_secret={DEFAULT_SECRET}"
    );
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = ask(&sim, "POST", &target, &kind, body.as_bytes()).unwrap();
    assert_eq!(answer.json()["error_codes"][0], 7_000_215);
    let twice = form(&[("scope", "a"), ("scope", "b")]);
    let answer = ask(&sim, "POST", &target, &kind, twice.as_bytes()).unwrap();
    assert_eq!(answer.json()["error_codes"][0], 9_000_411);
}

#[test]
fn a_body_of_the_wrong_length_gets_no_token() {
    let sim = sim();
    let scope = format!("{}/.default", sim.origin());
    let body = form(&[
        ("client_id", DEFAULT_CLIENT_ID),
        ("scope", &scope),
        ("grant_type", "client_credentials"),
        ("client_secret", DEFAULT_SECRET),
    ]);
    let post = |framing: &str, body: &str| {
        let mut stream = connect(&sim);
        let head = format!(
            "POST /{DEFAULT_TENANT}/oauth2/v2.0/token HTTP/1.1\r\nHost: s\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{framing}\r\n\r\n{body}"
        );
        stream.get_mut().write_all(head.as_bytes()).unwrap();
        if framing.ends_with(&(body.len() + 5).to_string()) {
            stream.get_ref().shutdown(Shutdown::Write).unwrap();
        }
        read(&mut stream).map(|answer| answer.status)
    };
    assert!(post(&format!("Content-Length: {}", body.len() + 5), &body).is_err());
    assert_eq!(post(&format!("Content-Length: {}", body.len() - 5), &body).unwrap(), 401);
    assert!(sim.issued_tokens().is_empty());
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    assert_eq!(post("Transfer-Encoding: chunked", &chunked).unwrap(), 200);
}

#[test]
fn discovery_tells_the_tenant_id() {
    let sim = sim();
    for tenant in [DEFAULT_TENANT, "contoso.example"] {
        let target = format!("/{tenant}/v2.0/.well-known/openid-configuration");
        let json = ask(&sim, "GET", &target, &[], b"").unwrap().json();
        assert_eq!(json["issuer"], format!("{}/{DEFAULT_TENANT}/v2.0", sim.origin()));
        let endpoint = format!("{}/{DEFAULT_TENANT}/oauth2/v2.0/token", sim.origin());
        assert_eq!(json["token_endpoint"], endpoint);
    }
    let target = "/elsewhere.example/v2.0/.well-known/openid-configuration";
    let answer = ask(&sim, "GET", target, &[], b"").unwrap();
    assert_eq!((answer.status, &answer.json()["error_codes"][0]), (400, &90_002.into()));
}

#[test]
fn bad_tokens_are_refused_by_graph() {
    let short = SimConfig { token_lifetime: 0, ..SimConfig::default() };
    let expired = Sim::start(short, World::contoso(7, 10)).unwrap();
    let sim = sim();
    let good = token(&sim);
    sim.revoke_tokens();
    let fresh = token(&sim);
    for (sim, bearer) in [
        (&sim, format!("Bearer {good}")),
        (&sim, "Bearer made.up.token".to_owned()),
        (&sim, format!("Basic {fresh}")),
        (&expired, format!("Bearer {}", token(&expired))),
    ] {
        let headers = [("Authorization", bearer.as_str())];
        let answer = ask(sim, "GET", "/v1.0/users", &headers, b"").unwrap();
        assert_eq!(answer.error(), (401, "InvalidAuthenticationToken".to_owned()));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
    }
    assert_eq!(ask(&sim, "GET", "/v1.0/users", &[], b"").unwrap().status, 401);
    let headers = [("Authorization", format!("Bearer {fresh}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ask(&sim, "GET", "/v1.0/users", &headers, b"").unwrap().status, 200);
}

#[test]
fn the_journal_has_no_secrets() {
    let sim = sim();
    Client::new(&sim).eventual("/v1.0/users/$count");
    let journal = sim.journal();
    assert_eq!(journal.len(), 2);
    assert_eq!(journal[1].consistency_level.as_deref(), Some("eventual"));
    assert!(journal[1].authorized && !journal[0].authorized);
    assert_eq!((journal[0].status, journal[1].status), (200, 200));
    let text = format!("{journal:?}");
    assert!(!text.contains(DEFAULT_SECRET) && !text.contains(&sim.issued_tokens()[0]));
    sim.clear_journal();
    assert!(sim.journal().is_empty());
}
