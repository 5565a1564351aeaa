//! A request from its arrival to its answer: journal, faults, the right answer, headers.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;

use super::body::Flow;
use super::hosts::Endpoint;
use super::journal::{Exchange, Place};
use super::shared::{Shared, locked};
use super::wire::Cord;
use crate::faults::{Action, Picked, echo, tamper};
use crate::graph::{Ids, Outcome, Refused, expired_page_token, unauthorised};
use crate::login::LoginError;
use crate::reply::{Ask, GRAPH_JSON, Reply};

/// Below this there is nothing to gain from gzip.
const WORTH_PACKING: usize = 500;
/// How much of a packed body goes out at a time: like Graph, without telling the length.
const PIECE: usize = 16 * 1024;

/// Answers a request, or breaks the connection by an error.
pub(crate) async fn answer(shared: &Shared, cord: &Cord, ask: Ask) -> io::Result<Response<Flow>> {
    let endpoint = Endpoint::of(&ask.path);
    let ids = ids(shared, &ask);
    let place = locked(&shared.journal).begin(exchange(shared, &ask));
    let picked = locked(&shared.faults).pick(endpoint.request(&ask.query));
    let mut wait = shared.config.latency;
    if let Some(Picked { action: Action::Slow { ms }, .. }) = &picked {
        wait += Duration::from_millis(*ms);
    }
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let action = picked.as_ref().map(|picked| &picked.action);
    if let Some(action) = action {
        note(shared, place, action);
    }
    match action {
        Some(Action::Stall) => return std::future::pending().await,
        Some(Action::Reset) => {
            cord.pull();
            return Err(broken());
        }
        _ => {}
    }
    let (reply, flow) = match action.and_then(|action| wrong(shared, &endpoint, &ask, &ids, action)) {
        Some(wrong) => wrong,
        None => right(shared, &endpoint, &ask, &ids, place, picked.as_ref()),
    };
    locked(&shared.journal).end(place, |exchange| exchange.status = reply.status);
    let flow = flow.unwrap_or_else(|| Flow::Whole(Some(reply.body.clone())));
    if matches!(action, Some(Action::ResetMidBody)) {
        cord.pull();
    }
    respond(reply, &ids, flow)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a fault of the simulator")
}

/// An answer, and its body if that is not simply the answer's.
type Sent = (Reply, Option<Flow>);

/// The faults that need no right answer.
fn wrong(shared: &Shared, endpoint: &Endpoint, ask: &Ask, ids: &Ids, action: &Action) -> Option<Sent> {
    let json = |body: &'static str| Reply::new(200, GRAPH_JSON, body);
    let origin = &shared.origin;
    let reply = match action {
        Action::Status { code, error_code, message, retry_after } => {
            let mut refused = Refused::new(
                *code,
                error_code.as_deref().unwrap_or_else(|| Action::usual_code(*code)),
                message.as_deref().unwrap_or("A fault of the simulator."),
            );
            if let Some(after) = retry_after {
                refused = refused.with("retry-after", after);
            }
            match endpoint {
                Endpoint::Graph(_) => refused.into_reply(ids),
                _ => login_status(refused, error_code.as_deref(), origin, ids),
            }
        }
        Action::NotJson => json("<<< this is { not JSON"),
        Action::Html200 => Reply::new(
            200,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><html><head><title>Sign in to your account</title></head>\
             <body>Please sign in to the network.</body></html>",
        ),
        Action::ExpiredPageToken => expired_page_token().into_reply(ids),
        Action::RevokeToken => {
            locked(&shared.tokens).revoke(ask.header("authorization"));
            unauthorised(origin, "The token was revoked.").into_reply(ids)
        }
        Action::EchoSecret { form } => echo(*form, &ask.body).into_reply(origin, ids),
        Action::HugeBody { bytes } => {
            let (flow, total) = Flow::blanks(*bytes);
            let reply = json("").with("content-length", total.to_string());
            return Some((reply, Some(flow)));
        }
        Action::GzipBomb { decoded_bytes } => {
            let reply = json("").with("content-encoding", "gzip");
            return Some((reply, Some(Flow::bomb(*decoded_bytes))));
        }
        _ => return None,
    };
    Some((reply, None))
}

/// An error status in the shape of the login host.
fn login_status(refused: Refused, error: Option<&str>, origin: &str, ids: &Ids) -> Reply {
    let usual = match refused.status {
        400..500 => "invalid_request",
        _ => "temporarily_unavailable",
    };
    let error = match error {
        Some("invalid_client") => "invalid_client",
        Some("unauthorized_client") => "unauthorized_client",
        Some("invalid_grant") => "invalid_grant",
        Some("invalid_scope") => "invalid_scope",
        Some("temporarily_unavailable") => "temporarily_unavailable",
        _ => usual,
    };
    let login = LoginError::new(refused.status, error, 90_033, &refused.message);
    let mut reply = login.into_reply(origin, ids);
    reply.headers.extend(refused.headers);
    reply
}

/// The right answer, changed by a fault if one is due.
fn right(
    shared: &Shared,
    endpoint: &Endpoint,
    ask: &Ask,
    ids: &Ids,
    place: Place,
    picked: Option<&Picked>,
) -> Sent {
    let action = picked.map(|picked| &picked.action);
    let mut right = shared.right(endpoint, ask, ids, action);
    if let Some(picked) = picked {
        let on_the_way = matches!(
            picked.action,
            Action::Slow { .. } | Action::Drip { .. } | Action::Truncate | Action::ResetMidBody
        );
        let happened = on_the_way || right.part_spoilt || tamper(&picked.action, &mut right.outcome);
        if !happened {
            locked(&shared.faults).take_back(picked);
            locked(&shared.journal).end(place, |exchange| exchange.fault = None);
        }
    }
    let parts = right.parts;
    if !parts.is_empty() {
        locked(&shared.journal).end(place, |exchange| exchange.parts = parts);
    }
    let mut reply = match right.outcome {
        Outcome::Listing(listing) => listing.finish(),
        Outcome::Done(reply) => reply,
    };
    let packed = !shared.config.fast && accepts_gzip(ask) && reply.body.len() > WORTH_PACKING;
    if let Some(body) = packed.then(|| gzip(&reply.body)).and_then(Result::ok) {
        reply = Reply { body, ..reply }.with("content-encoding", "gzip").with("vary", "Accept-Encoding");
    }
    let length = reply.body.len().to_string();
    let flow = match action {
        Some(Action::Drip { bytes, ms }) => {
            let flow = Flow::pieces(reply.body.clone(), *bytes, Duration::from_millis(*ms));
            reply = reply.with("content-length", length);
            Some(flow)
        }
        Some(Action::Truncate | Action::ResetMidBody) => {
            let flow = Flow::half(&reply.body);
            reply = reply.with("content-length", length);
            Some(flow)
        }
        _ if packed => Some(Flow::pieces(reply.body.clone(), PIECE, Duration::ZERO)),
        _ => None,
    };
    (reply, flow)
}

fn accepts_gzip(ask: &Ask) -> bool {
    let accepted = ask.header("accept-encoding").unwrap_or_default();
    accepted.split(',').any(|each| {
        let (name, weight) = each.split_once(';').unwrap_or((each, ""));
        name.trim().eq_ignore_ascii_case("gzip") && weight.trim() != "q=0"
    })
}

fn gzip(bytes: &Bytes) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish().map(Bytes::from)
}

fn respond(reply: Reply, ids: &Ids, flow: Flow) -> io::Result<Response<Flow>> {
    let mut response = Response::builder()
        .status(reply.status)
        .header("request-id", &ids.request)
        .header("client-request-id", &ids.client)
        .header("strict-transport-security", "max-age=31536000");
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(flow).map_err(io::Error::other)
}

fn ids(shared: &Shared, ask: &Ask) -> Ids {
    let request = locked(&shared.prng).guid();
    let client = ask.header("client-request-id").map_or_else(|| request.clone(), str::to_owned);
    Ids { request, client }
}

fn exchange(shared: &Shared, ask: &Ask) -> Exchange {
    let header = |name: &str| ask.header(name).map(str::to_owned);
    Exchange {
        method: ask.method.to_string(),
        target: ask.target(),
        consistency_level: header("consistencylevel"),
        authorized: ask.headers.contains_key("authorization"),
        content_length: header("content-length"),
        content_type: header("content-type"),
        user_agent: header("user-agent"),
        accept_encoding: header("accept-encoding"),
        status: 0,
        millis: shared.uptime(),
        fault: None,
        parts: Vec::new(),
    }
}

fn note(shared: &Shared, place: Place, action: &Action) {
    let fault = format!("{action:?}");
    locked(&shared.journal).end(place, |exchange| exchange.fault = Some(fault));
}
