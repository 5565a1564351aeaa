//! One page of users, by index (RFC 7644, 3.4.2.4).
//!
//! `totalResults` is not believed: there are services that give the number of the page there. A listing is over
//! when a page has nobody on it; that costs one request and loses nobody. The total is handed to the host, which
//! judges nobody absent by a listing that does not add up.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use userload_plugin::bindings::exports::userload::directory::connector::{
    Identity, Next, Page, PageUser, Source,
};
use userload_plugin::bindings::userload::directory::types::{BadRecord, Error};
use userload_plugin::kit::{Entries, decode, in_words, items, malformed, problem};
use userload_plugin::{Outside, Response};

use crate::ask::{get_ok, object};
use crate::settings::base_url;

/// The longest id that is read, in bytes: it goes into URLs.
const LONGEST_ID: usize = 1024;

/// More users than this is a service that never ends.
const MOST: u64 = 10_000_000;

/// Where the next page begins. Its version is its own: another is `cursor-expired`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    version: u32,
    /// The index of the first user of the next page, from 1.
    start: u64,
    /// The first id of the page before: a service that does not know `startIndex` gives it again.
    first: Option<String>,
}

/// One page of users. The next one begins behind what came, not behind what was asked for: a service may give
/// fewer than `count`.
pub fn fetch_users(outside: &mut dyn Outside, source: &Source, after: Option<&str>) -> Result<Page, Error> {
    let (base, _) = base_url(&source.settings)?;
    if source.filter.is_some() {
        return Err(Error::Settings(vec![problem("filter", crate::manifest::NO_FILTER)]));
    }
    if source.delta {
        return Err(Error::Settings(vec![problem("delta", "SCIM does not tell what has changed")]));
    }
    let cursor = match after {
        None => Cursor { version: 1, start: 1, first: None },
        Some(text) => read_cursor(text)?,
    };
    let url = format!("{base}/Users?startIndex={}&count={}", cursor.start, source.page_size.clamp(1, 999));
    let response = get_ok(outside, url)?;
    let (total, resources) = listing(&response)?;
    let mut page = Page {
        users: Vec::with_capacity(resources.len()),
        removed: Vec::new(),
        malformed: Vec::new(),
        next: Next::Complete(None),
        total: total.filter(|_| after.is_none()),
    };
    for resource in &resources {
        match user(resource.get()) {
            Ok(user) => page.users.push(user),
            Err(bad) => page.malformed.push(bad),
        }
    }
    let first = page.users.first().map(|it| it.id.clone());
    if first.is_some() && first == cursor.first {
        // All of them came at once, and come again whatever the index.
        let seen = cursor.start - 1;
        if total.is_none_or(|total| total <= seen) {
            return Ok(Page { users: Vec::new(), malformed: Vec::new(), ..page });
        }
        let text = format!("the page from {} on begins like the one before", cursor.start);
        return Err(malformed(Some("startIndex"), text));
    }
    if !resources.is_empty() {
        let start = cursor.start + resources.len() as u64;
        if start > MOST {
            return Err(malformed(Some("totalResults"), format!("the listing has more than {MOST} users")));
        }
        let next = Cursor { version: 1, start, first };
        page.next = Next::More(serde_json::to_string(&next).map_err(|e| Error::Internal(e.to_string()))?);
    }
    Ok(page)
}

fn read_cursor(text: &str) -> Result<Cursor, Error> {
    let cursor: Cursor = serde_json::from_str(text).map_err(|_| Error::CursorExpired)?;
    if cursor.version == 1 && (1..=MOST).contains(&cursor.start) {
        Ok(cursor)
    } else {
        Err(Error::CursorExpired)
    }
}

/// `totalResults`, and `Resources`, which may be missing where there is nobody.
fn listing(response: &Response) -> Result<(Option<u64>, Vec<&RawValue>), Error> {
    let body = object(response)?;
    let total = body.get("totalResults").and_then(|it| it.get().parse().ok());
    let lists = body.0.iter().filter(|(name, _)| name == "Resources").count();
    match body.get("Resources") {
        Some(_) if lists > 1 => Err(malformed(Some("Resources"), "the page has `Resources` twice")),
        Some(list) => {
            let found = || format!("expected a list, the source sent {}", in_words(list.get()));
            Ok((total, items(list).map_err(|_| malformed(Some("Resources"), found()))?))
        }
        None if total.is_some() => Ok((total, Vec::new())),
        None => Err(malformed(Some("Resources"), "the page has neither `Resources` nor `totalResults`")),
    }
}

fn user(raw: &str) -> Result<PageUser, BadRecord> {
    let bad =
        |field: Option<&str>, reason: String| BadRecord { id: None, field: field.map(str::to_owned), reason };
    let entries = Entries::parse(raw)
        .map_err(|_| bad(None, format!("expected a user, the source sent {}", in_words(raw))))?;
    let Some(id) = entries.get("id") else { return Err(bad(Some("id"), "the user has no `id`".to_owned())) };
    match decode(id.get()).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID) {
        Some(id) => Ok(PageUser { id: id.into_owned(), raw: raw.to_owned() }),
        None => Err(bad(Some("id"), format!("expected a text, the source sent {}", in_words(id.get())))),
    }
}

/// How many there are, by the service's own word. `count=0` asks for nobody (RFC 7644, 3.4.2.4).
pub fn count_users(outside: &mut dyn Outside, source: &Source) -> Result<Option<u64>, Error> {
    let (base, _) = base_url(&source.settings)?;
    let response = get_ok(outside, format!("{base}/Users?startIndex=1&count=0"))?;
    Ok(listing(&response)?.0)
}

/// Proves the token. SCIM has no id of a directory: the service's URL is the best there is.
pub fn identify(outside: &mut dyn Outside, source: &Source) -> Result<Identity, Error> {
    count_users(outside, source)?;
    Ok(Identity { tenant: base_url(&source.settings)?.0, cloud: "custom".to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Script, answer, source};

    const RAW: &str = r#"{ "id":"a" , "n": 1e5,"big":12345678901234567890, "active":true }"#;

    fn fetch(script: &mut Script, after: Option<&str>) -> Result<Page, Error> {
        fetch_users(script, &source(), after)
    }

    fn more(page: &Page) -> &str {
        match &page.next {
            Next::More(cursor) => cursor,
            Next::Complete(_) => panic!("the listing is over"),
        }
    }

    #[test]
    fn records_stay_byte_for_byte_and_the_next_page_begins_behind_what_came() {
        let body = format!(r#"{{"totalResults":9,"Resources":[{RAW},{{"userName":"nobody"}},7]}}"#);
        let mut script = Script::new([answer(200, &body), answer(200, r#"{"totalResults":9}"#)]);
        let page = fetch(&mut script, None).unwrap();
        assert_eq!((page.users[0].raw.as_str(), page.total), (RAW, Some(9)));
        assert_eq!(page.malformed.len(), 2, "an entry without an id is told, never dropped");
        let last = fetch(&mut script, Some(more(&page))).unwrap();
        assert!(matches!(last.next, Next::Complete(None)) && last.total.is_none());
        assert_eq!(
            script.urls(),
            [
                "https://scim.example.com/v2/Users?startIndex=1&count=999",
                "https://scim.example.com/v2/Users?startIndex=4&count=999",
            ]
        );
        assert!(
            script.seen.iter().all(|it| it.headers.contains(&("authorization", "Bearer PLACEHOLDER".into())))
        );
    }

    #[test]
    fn a_total_of_the_page_ends_nothing() {
        let page = r#"{"totalResults":1,"Resources":[{"id":"a"}]}"#;
        assert!(matches!(fetch(&mut Script::new([answer(200, page)]), None).unwrap().next, Next::More(_)));
    }

    #[test]
    fn a_service_that_knows_no_index() {
        let all = r#"{"totalResults":1,"Resources":[{"id":"a"}]}"#;
        let mut script = Script::new([answer(200, all), answer(200, all)]);
        let page = fetch(&mut script, None).unwrap();
        let last = fetch(&mut script, Some(more(&page))).unwrap();
        assert!(last.users.is_empty() && matches!(last.next, Next::Complete(None)));
        let part = r#"{"totalResults":2,"Resources":[{"id":"a"}]}"#;
        let mut script = Script::new([answer(200, part), answer(200, part)]);
        let page = fetch(&mut script, None).unwrap();
        assert!(matches!(fetch(&mut script, Some(more(&page))), Err(Error::Malformed(_))));
    }

    #[test]
    fn what_is_no_page() {
        let of = |status, body: &str| fetch(&mut Script::new([answer(status, body)]), None).unwrap_err();
        assert!(matches!(of(200, "{}"), Error::Malformed(_)));
        assert!(matches!(of(200, r#"{"Resources":{}}"#), Error::Malformed(_)));
        assert!(matches!(of(200, r#"{"Resources":[],"Resources":[]}"#), Error::Malformed(_)));
        assert!(matches!(of(200, r#"{"Resources":[{"id""#), Error::Unreachable(_)));
        assert!(matches!(of(401, ""), Error::AuthRejected(_)));
        assert!(matches!(of(429, ""), Error::Throttled(None)));
        let error = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"tooMany","detail":"no","status":"400"}"#;
        assert!(matches!(of(400, error), Error::Upstream(it) if it.code == "tooMany" && it.message == "no"));
        for cursor in
            ["", "{}", r#"{"version":2,"start":1,"first":null}"#, r#"{"version":1,"start":0,"first":null}"#]
        {
            assert!(
                matches!(fetch(&mut Script::new([]), Some(cursor)), Err(Error::CursorExpired)),
                "{cursor}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"Resources\":", "\"id\":", "\"a\"", "\"totalResults\":", "null", "1e9",
            "-1", "18446744073709551616", "\"\\ud800\"",
        ]), 0..30)) {
            drop(fetch(&mut Script::new([answer(200, &parts.concat())]), None));
        }
    }
}
