//! The faults that change a right answer, or write a wrong one.

use super::{Action, Echo, Element};
use crate::base64;
use crate::graph::{Listing, Outcome, Refused};
use crate::login::LoginError;
use crate::reply::{GRAPH_JSON, Reply};

/// Changes an answer. False when there was nothing to change, so that the fault did not happen.
pub(crate) fn tamper(action: &Action, outcome: &mut Outcome) -> bool {
    match (action, &mut *outcome) {
        (Action::WrongCount { n }, Outcome::Done(reply)) => {
            let is_count =
                reply.status == 200 && reply.headers.iter().any(|(_, value)| value == "text/plain");
            if is_count {
                reply.body = n.to_string().into();
            }
            is_count
        }
        (Action::ManyHeaders { n }, _) => {
            many_headers(outcome, *n);
            true
        }
        (Action::Empty200, _) => {
            *outcome = Outcome::Done(Reply::new(200, GRAPH_JSON, "{\"value\":[]}"));
            true
        }
        (_, Outcome::Listing(listing)) => tamper_listing(action, listing),
        _ => false,
    }
}

fn tamper_listing(action: &Action, listing: &mut Listing) -> bool {
    match action {
        Action::CutListing => listing.next.take().is_some(),
        Action::WrongCount { n } => match &mut listing.count {
            Some(count) => {
                *count = *n;
                true
            }
            None => false,
        },
        Action::DuplicatePage => {
            listing.next = Some(listing.link_to(listing.place, listing.page + 1));
            true
        }
        Action::EmptyPage => {
            listing.next = Some(listing.link_to(listing.place, listing.page + 1));
            listing.items.clear();
            true
        }
        Action::LoopNextLink => {
            listing.next = Some(listing.own.clone());
            true
        }
        Action::ForeignNextLink { origin } => {
            let below = listing.own.splitn(4, '/').nth(3).unwrap_or_default();
            listing.next = Some(format!("{}/{below}", origin.trim_end_matches('/')));
            true
        }
        Action::BadElement { element } => {
            let bad: &[u8] = match element {
                Element::Null => b"null",
                Element::String => b"\"not a user\"",
                Element::NoId => b"{\"displayName\":\"Nobody\"}",
            };
            let rest = std::mem::take(&mut listing.items);
            listing.items.extend_from_slice(bad);
            if !rest.is_empty() {
                listing.items.push(b',');
            }
            listing.items.extend(rest);
            true
        }
        _ => false,
    }
}

fn many_headers(outcome: &mut Outcome, n: usize) {
    let finished = std::mem::replace(outcome, Outcome::Done(Reply::new(200, GRAPH_JSON, "")));
    let mut reply = finished.finish();
    for at in 0..n {
        reply.headers.push((format!("x-filler-{at}"), "made up".to_owned()));
    }
    *outcome = Outcome::Done(reply);
}

/// Spoils a part of a batch, named by its place in the request: its new answer, or `None` for no
/// answer at all. `Err` when this is no fault of that part.
pub(crate) fn tamper_batch(action: &Action, place: usize) -> Result<Option<Refused>, ()> {
    match action {
        Action::BatchPart { status, part, error_code, retry_after } if *part == place => {
            let code = error_code.as_deref().unwrap_or_else(|| Action::usual_code(*status));
            let mut refused = Refused::new(*status, code, "A fault of the simulator.");
            if let Some(after) = retry_after {
                refused = refused.with("retry-after", after);
            }
            Ok(Some(refused))
        }
        Action::BatchMissingPart { part } if *part == place => Ok(None),
        _ => Err(()),
    }
}

/// The login host's error with the secret that was sent.
pub(crate) fn echo(form: Echo, body: &[u8]) -> LoginError {
    let mut fields = form_urlencoded::parse(body);
    let secret = fields.find(|(name, _)| name == "client_secret");
    let secret = secret.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let quoted = match form {
        Echo::Raw => secret,
        Echo::UrlEncoded => form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        Echo::Base64 => base64::standard(secret.as_bytes()),
    };
    let message = format!("Invalid client secret provided: '{quoted}' is not right.");
    LoginError::new(401, "invalid_client", 7_000_215, &message)
}
