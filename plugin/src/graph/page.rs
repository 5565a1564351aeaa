//! The bytes of a page, taken apart into users. Each user stays byte for byte what Graph sent.

use serde_json::value::RawValue;

use crate::bindings::exports::userload::directory::connector::{PageUser, Removal, RemovedUser};
use crate::bindings::userload::directory::types::{BadRecord, Error};
use crate::error::malformed;
use crate::graph::fault::as_upstream;
use crate::json::{Entries, decode, in_words, items};
use crate::transport::Response;

/// One page of anything that Graph lists, its items still text.
pub(crate) struct Listing<'a> {
    pub(crate) items: Vec<&'a RawValue>,
    pub(crate) next_link: Option<String>,
    pub(crate) delta_link: Option<String>,
    /// `@odata.count`: how many there are on all pages.
    pub(crate) count: Option<u64>,
}

/// The users of a page, and what could not be read as one.
#[derive(Default)]
pub(crate) struct Users {
    pub(crate) users: Vec<PageUser>,
    pub(crate) removed: Vec<RemovedUser>,
    pub(crate) malformed: Vec<BadRecord>,
}

/// Takes a listing apart. An answer that broke off is `unreachable`: asking again may help, which it does
/// not with one that is no listing at all.
pub(crate) fn listing(response: &Response) -> Result<Listing<'_>, Error> {
    let text = text(response)?;
    let body = Entries::parse(text).map_err(|e| broken(&e, text))?;
    let values = body.0.iter().filter(|(key, _)| key == "value").count();
    if values > 1 {
        // Whoever stands in the first one would be taken for absent.
        return Err(malformed(Some("value"), "the page has `value` twice"));
    }
    let Some(value) = body.get("value") else {
        if body.get("error").is_some() {
            return Err(Error::Upstream(as_upstream(response)));
        }
        return Err(malformed(Some("value"), "the page has no `value`"));
    };
    let expected = || {
        let found = in_words(value.get());
        malformed(Some("value"), format!("expected a list, the source sent {found}"))
    };
    Ok(Listing {
        items: items(value).map_err(|_| expected())?,
        next_link: link(&body, "@odata.nextLink")?,
        delta_link: link(&body, "@odata.deltaLink")?,
        count: body.get("@odata.count").and_then(|n| n.get().parse().ok()),
    })
}

/// An answer that is one object.
pub(crate) fn object(response: &Response) -> Result<Entries<'_>, Error> {
    let text = text(response)?;
    Entries::parse(text).map_err(|e| broken(&e, text))
}

/// The text of a body, without the byte order mark that some gateways put before it.
pub(crate) fn text(response: &Response) -> Result<&str, Error> {
    let text = std::str::from_utf8(&response.body)
        .map_err(|e| malformed(None, format!("the answer is not UTF-8: {e}")))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn broken(error: &serde_json::Error, text: &str) -> Error {
    if error.is_eof() {
        Error::Unreachable(format!("the answer broke off after {} bytes", text.len()))
    } else {
        malformed(None, format!("the answer is not a JSON object: {error}"))
    }
}

fn link(body: &Entries<'_>, key: &str) -> Result<Option<String>, Error> {
    match body.get(key).map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(value) => match decode(value) {
            Some(link) => Ok(Some(link.into_owned())),
            None => {
                let found = in_words(value);
                let text = format!("expected a link, the source sent {found}");
                Err(malformed(Some(key), text))
            }
        },
    }
}

/// Reads the items of a listing as users. In a delta, some are reports of a removal.
pub(crate) fn users(items: &[&RawValue], delta: bool) -> Users {
    let mut page = Users::default();
    page.users.reserve(items.len());
    for item in items {
        match user(item.get(), delta) {
            Ok(Entry::User(user)) => page.users.push(user),
            Ok(Entry::Removed(removed)) => page.removed.push(removed),
            Err(bad) => page.malformed.push(bad),
        }
    }
    page
}

enum Entry {
    User(PageUser),
    Removed(RemovedUser),
}

fn user(raw: &str, delta: bool) -> Result<Entry, BadRecord> {
    let bad = |id: Option<&str>, field: Option<&str>, reason: String| BadRecord {
        id: id.map(str::to_owned),
        field: field.map(str::to_owned),
        reason,
    };
    let entries = Entries::parse(raw).map_err(|_| {
        let found = in_words(raw);
        bad(None, None, format!("expected a user, the source sent {found}"))
    })?;
    let id = match entries.get("id") {
        None => return Err(bad(None, Some("id"), "the user has no `id`".to_owned())),
        Some(value) => decode(value.get()).filter(|id| !id.is_empty()).ok_or_else(|| {
            let found = in_words(value.get());
            bad(None, Some("id"), format!("expected a text, the source sent {found}"))
        })?,
    };
    let Some(removed) = entries.get("@removed") else {
        return Ok(Entry::User(PageUser { id: id.into_owned(), raw: raw.to_owned() }));
    };
    if !delta {
        let text = "a removal in a listing that is no delta".to_owned();
        return Err(bad(Some(&id), Some("@removed"), text));
    }
    // https://learn.microsoft.com/graph/delta-query-overview: "changed" can be restored, "deleted" cannot.
    let reason = Entries::parse(removed.get()).ok();
    let how = match reason.as_ref().and_then(|r| r.text("reason")).as_deref() {
        Some("changed") => Removal::Restorable,
        Some("deleted") => Removal::Purged,
        _ => {
            let text = format!("expected `changed` or `deleted`, the source sent {}", removed.get());
            return Err(bad(Some(&id), Some("@removed"), text));
        }
    };
    let id = id.into_owned();
    Ok(Entry::Removed(RemovedUser { id, how }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::answer;

    fn read(body: &str, delta: bool) -> Result<Users, Error> {
        let response = answer(200, body);
        let listing = listing(&response)?;
        Ok(users(&listing.items, delta))
    }

    #[test]
    fn users_stay_byte_for_byte() {
        let raw = r#"{ "id":"a" , "n": 1e5,"big":12345678901234567890, "t":"\u00e9\/", "n":007x }"#;
        assert!(read(&format!(r#"{{"value":[{raw}]}}"#), false).is_err(), "no JSON");
        let raw = r#"{ "id":"a" , "n": 1e5,"big":12345678901234567890, "t":"\u00e9\/", "n":1.50 }"#;
        let page = read(&format!("\u{feff}{{\"value\": [ {raw} , {{\"id\":\"b\"}}]}}"), false).unwrap();
        assert_eq!(page.users[0].raw, raw);
        assert_eq!(page.users[0].id, "a");
        assert_eq!(page.users[1].raw, r#"{"id":"b"}"#);
    }

    #[test]
    fn what_is_no_user_is_listed() {
        let page = read(r#"{"value":[1,null,{},{"id":7},{"id":""},"x",{"id":"\ud800"},{"id":"ok"}]}"#, false);
        let page = page.unwrap();
        assert_eq!((page.users.len(), page.malformed.len()), (1, 7));
        assert_eq!(page.malformed[3].reason, "expected a text, the source sent the number 7");
    }

    #[test]
    fn removals_in_deltas() {
        let body = r#"{"value":[{"id":"a","@removed":{"reason":"changed"}},{"@removed":{"reason":"deleted"},"id":"b"},{"id":"c","@removed":{}}]}"#;
        let page = read(body, true).unwrap();
        let how: Vec<_> = page.removed.iter().map(|r| (r.id.as_str(), r.how)).collect();
        assert_eq!(how, [("a", Removal::Restorable), ("b", Removal::Purged)]);
        assert_eq!(page.malformed[0].id.as_deref(), Some("c"));
        assert_eq!(read(body, false).unwrap().malformed.len(), 3);
    }

    #[test]
    fn what_is_no_page() {
        let is = |body: &str| read(body, false).err();
        assert!(matches!(is("[]"), Some(Error::Malformed(_))));
        assert!(matches!(is("<html>"), Some(Error::Malformed(_))));
        assert!(matches!(is("{}"), Some(Error::Malformed(b)) if b.field.as_deref() == Some("value")));
        assert!(matches!(is(r#"{"value":{}}"#), Some(Error::Malformed(_))));
        assert!(matches!(is(r#"{"value":[],"value":[]}"#), Some(Error::Malformed(_))));
        assert!(matches!(is(r#"{"value":[],"@odata.nextLink":5}"#), Some(Error::Malformed(_))));
        assert!(matches!(is(r#"{"value":[{"id":"a"},{"#), Some(Error::Unreachable(_))));
        assert!(matches!(is(""), Some(Error::Unreachable(_))));
        assert!(
            matches!(is(r#"{"error":{"code":"x","message":"y"}}"#), Some(Error::Upstream(u)) if u.code == "x")
        );
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..200), delta: bool) {
            let response = Response { status: 200, headers: Vec::new(), body };
            if let Ok(listing) = listing(&response) {
                users(&listing.items, delta);
            }
        }

        #[test]
        fn never_panics_on_what_looks_like_a_page(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"value\":", "\"id\":", "\"a\"", "\"@removed\":", "null", "1e9",
                "\"@odata.nextLink\":", "\"\\ud800\"", "\"@odata.count\":",
            ]), 0..30),
        ) {
            let response = answer(200, &parts.concat());
            if let Ok(listing) = listing(&response) {
                users(&listing.items, true);
            }
        }
    }
}
