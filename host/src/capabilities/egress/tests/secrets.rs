//! Secrets and tokens over a real socket: what leaves, and what comes back in.

use super::*;
use crate::capabilities::denial::{Layer, Misplaced};
use crate::capabilities::secret::Secret;
use crate::capabilities::vault::{Binding, Place, SecretAsk, SecretKind, TokenAsk};
use http::Method;

const SECRET: &str = "kl8Q~the+client secret&value";
const TOKEN: &str = "eyJ0eXAi.eyJhdWQi.c2lnbmF0dXJl";

/// A source whose login and Graph stand on one server; `reply` is what the token path answers.
async fn session(reply: impl Fn() -> Act + Send + Sync + 'static) -> (Server, Door, SecretSet) {
    let server = Server::start(move |request| match request.starts_with("POST /t/token ") {
        true => reply(),
        false => ok("{\"value\":[]}"),
    })
    .await;
    let origin = &server.origin;
    let binding = Binding {
        origin: origin.clone(),
        method: Some(Method::POST),
        path: Some("/t/token".to_owned()),
        place: Place::FormField("client_secret".to_owned()),
    };
    let ask = SecretAsk { name: "secret".to_owned(), kind: SecretKind::Text, optional: false, binding };
    let place = Place::Header { name: http::header::AUTHORIZATION, prefix: "Bearer ".to_owned() };
    let token = TokenAsk { field: "access_token".to_owned(), origin: origin.clone(), place };
    let set = SecretSet::new([ask], [token], [("secret".to_owned(), Secret::new(SECRET))]).unwrap();
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)]);
    let door = Door::new(egress(EgressLimits::default()), grants, set.clone(), TrafficBudget::default());
    (server, door, set)
}

fn token_request(server: &Server, set: &SecretSet) -> Request<Bytes> {
    let secret = set.placeholder("secret").unwrap();
    Request::post(format!("{}/t/token", server.origin))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("grant_type=client_credentials&client_secret={secret}")))
        .unwrap()
}

fn granted() -> Act {
    ok(&format!("{{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"{TOKEN}\"}}"))
}

#[tokio::test]
async fn the_secret_goes_out_the_token_stays_out_and_works() {
    let (server, door, set) = session(granted).await;
    let reply = send(&door, token_request(&server, &set)).await.unwrap();
    let text = String::from_utf8(reply.body().to_vec()).unwrap();
    assert!(!text.contains("eyJ"), "{text}");
    let sent = server.seen.lock().unwrap()[0].clone();
    assert!(sent.ends_with("client_secret=kl8Q%7Ethe%2Bclient+secret%26value"), "{sent}");
    let length = sent.split_once("\r\n\r\n").unwrap().1.len();
    assert!(sent.contains(&format!("content-length: {length}\r\n")), "{sent}");

    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let placeholder = value["access_token"].as_str().unwrap();
    let users = Request::get(format!("{}/users?$top=9", server.origin));
    let users = users.header("authorization", format!("Bearer {placeholder}")).body(Bytes::new()).unwrap();
    assert_eq!(send(&door, users).await.unwrap().body().as_ref(), b"{\"value\":[]}");
    assert!(server.seen.lock().unwrap()[1].contains(&format!("authorization: Bearer {TOKEN}\r\n")));
}

#[tokio::test]
async fn nothing_leaves_when_a_placeholder_stands_wrong() {
    let (server, door, set) = session(granted).await;
    let secret = set.placeholder("secret").unwrap();
    let bad =
        Request::get(format!("{}/t/token?client_secret={secret}", server.origin)).body(Bytes::new()).unwrap();
    let denial = denial(&door, bad).await;
    assert!(matches!(&denial, Denial::Placeholder { place: Misplaced::Url, .. }), "{denial}");
    assert_eq!(denial.layer(), Layer::Placeholder);
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_echo_is_refused_whatever_the_status() {
    for status in ["200 OK", "400 Bad Request"] {
        let act =
            move || Act::Answer(answer(status, "", format!("{{\"you_sent\":\"{SECRET}\"}}").as_bytes()));
        let (server, door, set) = session(act).await;
        assert_eq!(denial(&door, token_request(&server, &set)).await.layer(), Layer::Echo);
    }
}

#[tokio::test]
async fn an_echo_inside_gzip_is_found() {
    let act = || {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, format!("{{\"a\":\"{SECRET}\"}}").as_bytes()).unwrap();
        Act::Answer(answer("200 OK", "content-encoding: gzip\r\n", &gzip.finish().unwrap()))
    };
    let (server, door, set) = session(act).await;
    assert_eq!(denial(&door, token_request(&server, &set)).await.layer(), Layer::Echo);
}

#[tokio::test]
async fn a_sign_in_reply_has_a_largest_size() {
    let act = || {
        let large = format!("{{\"access_token\":\"{TOKEN}\",\"more\":\"{}\"}}", "x".repeat(70 << 10));
        Act::Answer(answer("200 OK", "", large.as_bytes()))
    };
    let (server, door, set) = session(act).await;
    assert!(matches!(fault(&door, token_request(&server, &set)).await, Fault::Withheld { .. }));
    let act = || Act::Answer(answer("503 Service Unavailable", "retry-after: 7\r\n", &vec![b'x'; 70 << 10]));
    let (server, door, set) = session(act).await;
    let reply = send(&door, token_request(&server, &set)).await.unwrap();
    assert_eq!((reply.status().as_u16(), &reply.headers()["retry-after"]), (503, &"7".parse().unwrap()));
    assert!(reply.body().starts_with(b"{\"error\":\"withheld_by_host\""));
}

#[tokio::test]
async fn an_aadsts_error_reaches_the_guest_as_it_is() {
    let body =
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
    let act = move || Act::Answer(answer("401 Unauthorized", "x-ms-request-id: abc\r\n", body.as_bytes()));
    let (server, door, set) = session(act).await;
    let reply = send(&door, token_request(&server, &set)).await.unwrap();
    assert_eq!(reply.status(), 401);
    let value: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(body).unwrap());
    assert_eq!(reply.headers()["x-ms-request-id"], "abc");
    assert_eq!(reply.headers().get("content-length"), None);
}

#[tokio::test]
async fn one_runs_placeholders_mean_nothing_to_another() {
    let (server, door, _) = session(granted).await;
    let (_, _, other) = session(granted).await;
    let foreign = token_request(&server, &other);
    send(&door, foreign).await.unwrap();
    let sent = server.seen.lock().unwrap()[0].clone();
    assert!(!sent.contains("kl8Q"), "{sent}");
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let (server, door, set) = session(|| Act::Last(Vec::new())).await;
    let fault = fault(&door, token_request(&server, &set)).await;
    assert!(!format!("{fault:?} {fault} {door:?} {set:?}").contains("kl8Q"));
}

/// A source whose secret goes with every request for data, and what it answers.
async fn wide(reply: impl Fn() -> Act + Send + Sync + 'static) -> (Server, Door, SecretSet) {
    let server = Server::start(move |_| reply()).await;
    let origin = &server.origin;
    let place = Place::Header { name: http::header::AUTHORIZATION, prefix: "Bearer ".to_owned() };
    let binding = Binding {
        origin: origin.clone(),
        method: None,
        path: Some("/v2/*".to_owned()),
        place: place.clone(),
    };
    let ask = SecretAsk { name: "secret".to_owned(), kind: SecretKind::Text, optional: false, binding };
    let set = SecretSet::new([ask], [], [("secret".to_owned(), Secret::new(SECRET))]).unwrap();
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)]);
    let door = Door::new(egress(EgressLimits::default()), grants, set.clone(), TrafficBudget::default());
    (server, door, set)
}

fn data_request(server: &Server, set: &SecretSet) -> Request<Bytes> {
    let secret = set.placeholder("secret").unwrap();
    let request = Request::get(format!("{}/v2/Users?count=9", server.origin));
    request.header("authorization", format!("Bearer {secret}")).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_token_among_data_stays_out_and_the_data_stays_as_it_is() {
    let body = format!("{{\"n\":1e5, \"Resources\":[{{\"access_token\":\"{TOKEN}\"}}]}}");
    let (server, door, set) = wide(move || ok(&body)).await;
    let reply = send(&door, data_request(&server, &set)).await.unwrap();
    assert!(
        server.seen.lock().unwrap()[0].contains(&format!("Bearer {SECRET}\r\n")),
        "it is the wide branch"
    );
    assert_eq!(reply.headers().get("content-length"), None);
    let text = String::from_utf8(reply.body().to_vec()).unwrap();
    assert!(
        !text.contains("eyJ") && text.starts_with("{\"n\":1e5, \"Resources\":[{\"access_token\":\""),
        "{text}"
    );
    // What names a token and cannot be read is not let through.
    let (server, door, set) = wide(|| ok(&format!("access_token={TOKEN}&expires_in=1"))).await;
    assert!(matches!(fault(&door, data_request(&server, &set)).await, Fault::Withheld { .. }));
}

#[tokio::test]
async fn an_echo_among_data_is_refused_whatever_its_type() {
    let escaped: String = SECRET.chars().map(|it| format!("\\u{:04x}", it as u32)).collect();
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for body in [
        format!("{{\"a\":\"{escaped}\"}}"),
        // Not one JSON document.
        format!("{{\"a\":1}}\n{{\"a\":\"{escaped}\"}}"),
        format!("<p>{escaped}</p>"),
        format!("see https://x.example/?s={percent}"),
    ] {
        let (server, door, set) = wide(move || ok(&body)).await;
        assert_eq!(denial(&door, data_request(&server, &set)).await.layer(), Layer::Echo);
    }
    let body = "id,name\n1,Ana\n";
    let (server, door, set) = wide(move || ok(body)).await;
    assert_eq!(send(&door, data_request(&server, &set)).await.unwrap().body(), body);
}
