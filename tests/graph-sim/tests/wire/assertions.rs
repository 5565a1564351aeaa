//! Client assertions at the login host, and what the directory tells about applications.

use std::time::{SystemTime, UNIX_EPOCH};

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Registered, Sim, SimConfig, World};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};

use crate::talk::{Client, ask_token};

const FIRST: &str = include_str!("../../../src/keys/first.pem");
const SECOND: &str = include_str!("../../../src/keys/second.pem");

fn key(pem: &str) -> RsaKeyPair {
    let pair = rcgen::KeyPair::from_pem(pem).unwrap();
    RsaKeyPair::from_pkcs8(pair.serialized_der()).unwrap()
}

/// A world whose app has the certificate `made-up` with the first key.
fn sim() -> (Sim, String) {
    let registered = Registered::new(b"made-up", key(FIRST).public().as_ref(), "2099-01-01T00:00:00Z");
    let thumbprint = registered.thumbprint.clone();
    let mut world = World::contoso(7, 5);
    world.apps[0].certificates.push(registered);
    (Sim::start(SimConfig::default(), world).unwrap(), thumbprint)
}

fn url(text: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = text.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let six =
        |six: &[u8]| six.iter().fold(0_usize, |sum, bit| sum * 2 + usize::from(*bit)) << (6 - six.len());
    bits.chunks(6).map(|chunk| char::from(LETTERS[six(chunk)])).collect()
}

fn sign(header: &Value, claims: &Value, pem: &str, how: &'static dyn RsaEncoding) -> String {
    let message = format!("{}.{}", url(header.to_string().as_bytes()), url(claims.to_string().as_bytes()));
    let key = key(pem);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(how, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", url(&signature))
}

fn send(sim: &Sim, assertion: &str) -> (u16, Option<i64>) {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let answer = ask_token(
        sim,
        DEFAULT_TENANT,
        &[("client_secret", ""), ("client_assertion_type", kind), ("client_assertion", assertion)],
    );
    (answer.status, answer.json()["error_codes"][0].as_i64())
}

#[test]
fn each_part_of_an_assertion_is_looked_at() {
    let (sim, thumbprint) = sim();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let audience = format!("{}/{DEFAULT_TENANT}/oauth2/v2.0/token", sim.origin());
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint});
    let claims = |id: &str| {
        json!({"aud": audience, "iss": DEFAULT_CLIENT_ID, "sub": DEFAULT_CLIENT_ID, "jti": id,
            "iat": now, "nbf": now, "exp": now + 600})
    };
    let good = sign(&header, &claims("one"), FIRST, &RSA_PSS_SHA256);
    assert_eq!(send(&sim, &good), (200, None));
    assert_eq!(send(&sim, &good), (401, Some(50_012)), "good for one use");
    let with = |of: &Value, name: &str, value: Value| {
        let mut changed = of.clone();
        changed[name] = value;
        changed
    };
    let signed = |header: &Value, claims: &Value| sign(header, claims, FIRST, &RSA_PSS_SHA256);
    let late = with(&with(&claims("x"), "exp", json!(now - 400)), "nbf", json!(now - 900));
    for (assertion, number) in [
        (signed(&with(&header, "x5t#S256", json!("another")), &claims("x")), 700_027),
        (signed(&with(&header, "alg", json!("RS256")), &claims("x")), 700_027),
        (sign(&header, &claims("x"), SECOND, &RSA_PSS_SHA256), 700_027),
        (sign(&header, &claims("x"), FIRST, &RSA_PKCS1_SHA256), 700_027),
        (signed(&header, &with(&claims("x"), "aud", json!("https://elsewhere.example"))), 700_023),
        (signed(&header, &with(&claims("x"), "sub", json!("somebody"))), 700_021),
        (signed(&header, &late), 700_024),
        (signed(&header, &with(&claims("x"), "nbf", json!(now + 900))), 700_024),
        (signed(&header, &with(&claims("x"), "exp", json!(now + 90_000))), 700_024),
        (signed(&header, &with(&claims("x"), "jti", json!(""))), 50_012),
    ] {
        assert_eq!(send(&sim, &assertion), (401, Some(number)));
    }
    assert_eq!(send(&sim, "no.t.jwt"), (400, Some(50_027)));
    let untyped = [("client_secret", ""), ("client_assertion", good.as_str())];
    assert_eq!(ask_token(&sim, DEFAULT_TENANT, &untyped).json()["error_codes"][0], 900_144);
    sim.change(|world| world.apps[0].certificates[0].ends = "2020-01-01T00:00:00Z".to_owned());
    assert_eq!(send(&sim, &signed(&header, &claims("y"))), (401, Some(700_027)), "its certificate has ended");
    assert_eq!(sim.issued_tokens().len(), 1);
}

#[test]
fn applications_are_told_to_whom_may_ask() {
    let (sim, _) = sim();
    let application = format!("/v1.0/applications(appId='{DEFAULT_CLIENT_ID}')");
    let assigned = format!("/v1.0/servicePrincipals(appId='{DEFAULT_CLIENT_ID}')/appRoleAssignments");
    for path in [&application, &assigned] {
        assert_eq!(Client::new(&sim).get(path).error(), (403, "Authorization_RequestDenied".to_owned()));
    }
    sim.change(|world| world.grant("Application.Read.All"));
    let client = Client::new(&sim);
    let told = client.get(&application).json();
    assert_eq!(told["passwordCredentials"][0]["hint"], DEFAULT_SECRET[..3]);
    assert_eq!(told["passwordCredentials"][0]["secretText"], Value::Null);
    assert_eq!(told["keyCredentials"][0]["endDateTime"], "2099-01-01T00:00:00Z");
    assert_eq!(client.get(&assigned).json()["value"].as_array().unwrap().len(), 3, "and one of another API");
    assert_eq!(client.get("/v1.0/applications(appId='nobody')").status, 404);
    assert_eq!(client.get("/v1.0/applications").status, 404);
}
