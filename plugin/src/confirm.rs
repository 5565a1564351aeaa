//! What the source answers about people whom a listing did not return.
//!
//! Somebody is deactivated by what is said here, so only a clear answer is one: `not-found` needs Graph's own
//! code *and* a listing of the deleted that was read to its end. Everything else is `unknown`.

use std::collections::HashMap;

use serde::Serialize;

use crate::bindings::exports::userload::directory::connector::{Presence, PresentUser, Source};
use crate::bindings::userload::directory::types::{BadRecord, Error};
use crate::cursor::{Cursor, Kind};
use crate::error::malformed;
use crate::graph::filter::{self, Filter};
use crate::graph::{fault, filter_eval, page, url};
use crate::host_imports::Outside;
use crate::json::{Entries, decode, items};
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::time::rfc3339;
use crate::transport::{Request, Response};

/// The most ids of one call (`connector.wit`).
const IDS: usize = 500;

/// The most requests of one batch: <https://learn.microsoft.com/graph/json-batching>.
const BATCH: usize = 20;

/// Users who were deleted less than 30 days ago; the cast is required, User.Read.All is enough.
/// <https://learn.microsoft.com/graph/api/directory-deleteditems-list>
const DELETED: &str = "/v1.0/directory/deletedItems/microsoft.graph.user";

#[derive(Serialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    id: String,
    method: &'static str,
    url: String,
}

/// Asks about users by id; answers in the same order. Of `source`, settings, selection and filter count: the
/// filter is judged here, by the record, and not sent. `id in (…) and (FILTER)` would ask Graph instead, but
/// its advanced queries are answered from a copy that may be behind, and who is not in that answer may be
/// missing for any reason. What the record says of itself is proof, or else nothing is known.
pub fn confirm_absent(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
    ids: &[String],
) -> Result<Vec<Presence>, Error> {
    if ids.len() > IDS {
        let text = format!("asked about {} ids, at most {IDS} are allowed", ids.len());
        return Err(Error::Internal(text));
    }
    let mut problems = Vec::new();
    let settings = Settings::read(&source.settings).map_err(|p| problems.extend(p));
    let filter = filter::check(source.filter.as_deref()).map_err(|p| problems.push(p));
    let compared = filter.iter().flatten().flat_map(Filter::selection);
    let asked: Vec<String> = source.select.iter().cloned().chain(compared).collect();
    let select = url::select(&asked).map_err(|p| problems.extend(p));
    let (Ok(settings), Ok(select), Ok(filter)) = (settings, select, filter) else {
        return Err(Error::Settings(problems));
    };
    let mut session = Session { outside, tokens, settings: &settings };
    let mut answers: Vec<Option<Presence>> = ids.iter().map(|id| implausible(id)).collect();
    let open: Vec<usize> = (0..ids.len()).filter(|n| answers[*n].is_none()).collect();
    for part in open.chunks(BATCH) {
        ask_batch(&mut session, &select, filter.as_ref(), ids, part, &mut answers)?;
    }
    let gone = |n: &usize| answers[*n] == Some(Presence::NotFound);
    let gone: Vec<usize> = open.into_iter().filter(gone).collect();
    if !gone.is_empty() {
        let wanted = gone.iter().map(|n| ids[*n].as_str());
        let deleted = deleted(&mut session, wanted.collect())?;
        for n in gone {
            answers[n] = Some(match &deleted {
                Ok(found) => match found.get(&ids[n].to_ascii_lowercase()) {
                    Some(time) => Presence::Deleted(time.clone()),
                    None => Presence::NotFound,
                },
                Err(error) => Presence::Unknown(error.clone()),
            });
        }
    }
    let unanswered = || Presence::Unknown(malformed(None, "the batch came back without this part"));
    let answers = answers.into_iter();
    Ok(answers.map(|a| a.unwrap_or_else(unanswered)).collect())
}

fn implausible(id: &str) -> Option<Presence> {
    let bad = || BadRecord {
        id: Some(id.to_owned()),
        field: Some("id".to_owned()),
        reason: "expected an object id; this one was not asked about".to_owned(),
    };
    (!url::plausible_id(id)).then(|| Presence::Unknown(Error::Malformed(bad())))
}

fn ask_batch(
    session: &mut Session<'_>,
    select: &str,
    filter: Option<&Filter>,
    ids: &[String],
    numbers: &[usize],
    answers: &mut [Option<Presence>],
) -> Result<(), Error> {
    let part = |n: &usize| Part {
        id: n.to_string(),
        method: "GET",
        url: format!("/users/{}?$select={select}", ids[*n]),
    };
    let batch = Batch { requests: numbers.iter().map(part).collect() };
    let body = serde_json::to_vec(&batch).map_err(|e| Error::Internal(e.to_string()))?;
    let url = format!("{}/v1.0/$batch", session.settings.domain);
    let response = session.ask_ok(Request::post(url, "application/json", body))?;
    let text = page::text(&response)?;
    let whole = Entries::parse(text).ok();
    let parts = whole.as_ref().and_then(|whole| whole.get("responses"));
    let Some(parts) = parts.and_then(|parts| items(parts).ok()) else {
        let field = Some("responses");
        return Err(malformed(field, "the answer to a batch has no list of responses"));
    };
    for part in parts {
        let Ok(part) = Entries::parse(part.get()) else {
            continue;
        };
        // Unordered: https://learn.microsoft.com/graph/json-batching#response-format
        let number = part.text("id").and_then(|id| id.parse::<usize>().ok());
        let Some(n) = number.filter(|n| numbers.contains(n)) else {
            continue;
        };
        let answer = presence(&part, &ids[n], filter);
        // Two different answers about one person are none.
        answers[n] = match &answers[n] {
            Some(earlier) if *earlier != answer => {
                let text = "the batch came back with two answers to this part";
                Some(Presence::Unknown(malformed(None, text)))
            }
            _ => Some(answer),
        };
    }
    Ok(())
}

/// What one part of a batch says. `NotFound` is not final yet: the deleted are looked through.
fn presence(part: &Entries<'_>, id: &str, filter: Option<&Filter>) -> Presence {
    let status = part.get("status").and_then(|s| s.get().parse::<u16>().ok());
    let Some(status) = status else {
        return Presence::Unknown(malformed(None, "a part of a batch has no status"));
    };
    let body = part.get("body").map_or("", |body| body.get());
    if status == 200 {
        let answered = Entries::parse(body).ok().and_then(|user| user.text("id"));
        return match answered {
            Some(found) if found.eq_ignore_ascii_case(id) => Presence::Present(present(body, filter)),
            _ => {
                let text = "the answer about this user is about none, or another";
                Presence::Unknown(malformed(Some("id"), text))
            }
        };
    }
    let headers = part.get("headers").and_then(|h| Entries::parse(h.get()).ok());
    let headers = headers.map_or_else(Vec::new, |headers| headers.0);
    // A number may stand where a text should: `"Retry-After": 3`.
    let header = |(name, value): (std::borrow::Cow<'_, str>, &serde_json::value::RawValue)| {
        let text = decode(value.get()).unwrap_or_else(|| value.get().into());
        (name.into_owned(), text.into_owned())
    };
    let response = Response {
        status,
        headers: headers.into_iter().map(header).collect(),
        body: body.as_bytes().to_vec(),
    };
    // `ResourceNotFound` without the prefix speaks of the path, not of the user.
    if status == 404 && fault::code(&response) == "Request_ResourceNotFound" {
        return Presence::NotFound;
    }
    Presence::Unknown(fault::fault(&response))
}

/// A user who is there, held against the filter.
fn present(raw: &str, filter: Option<&Filter>) -> PresentUser {
    let (inside_filter, outside_because) = match filter {
        None => (Some(true), None),
        // Another store tells the sign-in activity, and it was not asked for.
        Some(filter) if filter.sign_in => (None, None),
        Some(filter) => {
            (filter_eval::lets_through(&filter.expr, raw), filter_eval::why_outside(&filter.expr, raw))
        }
    };
    PresentUser { raw: raw.to_owned(), inside_filter, outside_because }
}

type Deleted = HashMap<String, Option<String>>;

/// When each of these was deleted, as far as they were: pages until all are found. The outer error is one
/// that asking again may cure; the inner one leaves the question open.
fn deleted(session: &mut Session<'_>, mut wanted: Vec<&str>) -> Result<Result<Deleted, Error>, Error> {
    let mut found = HashMap::new();
    let domain = session.settings.domain.clone();
    let mut url = format!("{domain}{DELETED}?$select=id,deletedDateTime&$top=999");
    let mut position: Option<Cursor> = None;
    loop {
        let page = session.ask_ok(Request::get(url)).and_then(|response| {
            let listing = page::listing(&response)?;
            for item in &listing.items {
                let Ok(item) = Entries::parse(item.get()) else {
                    continue;
                };
                let id = item.text("id").unwrap_or_default();
                if wanted.iter().any(|w| w.eq_ignore_ascii_case(&id)) {
                    wanted.retain(|w| !w.eq_ignore_ascii_case(&id));
                    let time = item.text("deletedDateTime").filter(|t| rfc3339(t).is_some());
                    found.insert(id.to_ascii_lowercase(), time.map(|t| t.into_owned()));
                }
            }
            let follow = |link: &String| {
                url::follow(&domain, DELETED, link).map_err(|t| malformed(Some("@odata.nextLink"), t))
            };
            listing.next_link.as_ref().map(follow).transpose()
        });
        let link = match page {
            Ok(Some(link)) if !wanted.is_empty() => link,
            Ok(_) => return Ok(Ok(found)),
            Err(error @ (Error::Throttled(_) | Error::Unreachable(_) | Error::AuthRejected(_))) => {
                return Err(error);
            }
            Err(error) => return Ok(Err(error)),
        };
        position = match position {
            None => Some(Cursor::first(Kind::Users, false, link.clone())),
            Some(position) => match position.after(link.clone()) {
                Ok(position) => Some(position),
                Err(_) => {
                    let text = "the listing of deleted users repeats itself";
                    return Ok(Err(malformed(Some("@odata.nextLink"), text)));
                }
            },
        };
        url = link;
    }
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
