//! Where changes can be read from: a link that stands for now, asked for before a listing.
//!
//! <https://learn.microsoft.com/graph/delta-query-overview>: the first round of a delta may list everybody, or
//! begin now with `$deltatoken=latest`. The listing proper is faster, is counted, and says more; so the delta
//! only tells what has changed since.

use crate::bindings::exports::userload::directory::connector::{DeltaStart, Source};
use crate::bindings::userload::directory::types::Error;
use crate::cursor::{Cursor, Kind};
use crate::error::malformed;
use crate::graph::{fault, page, url};
use crate::host_imports::Outside;
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::transport::Request;

/// Properties that stand in another store than the directory: their changes are not told.
/// <https://learn.microsoft.com/graph/delta-query-overview#limitations>
const UNTOLD: [&str; 4] =
    [url::SIGN_IN_ACTIVITY, "customSecurityAttributes", "cloudLicensing", "isManagementRestricted"];

/// Pages that may come before the link, which are empty.
const PAGES: u32 = 20;

/// Why Graph tells no changes of what is to be read, if so.
pub(crate) fn untold(source: &Source) -> Option<String> {
    if source.filter.is_some() {
        return Some("Graph tells changes of everybody only, and the integration has a filter".to_owned());
    }
    let first = |path: &String| path.split('.').next().unwrap_or_default().to_owned();
    let of = |name: &String| UNTOLD.iter().any(|it| it.eq_ignore_ascii_case(name));
    let name = source.select.iter().map(first).find(of)?;
    Some(format!("Graph does not tell changes of `{name}`"))
}

/// A link that stands for now.
pub fn begin_delta(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
) -> Result<DeltaStart, Error> {
    let mut problems = Vec::new();
    let settings = Settings::read(&source.settings).map_err(|p| problems.extend(p));
    let select = url::select(&source.select).map_err(|p| problems.extend(p));
    let (Ok(settings), Ok(select)) = (settings, select) else {
        return Err(Error::Settings(problems));
    };
    if let Some(why) = untold(source) {
        return Ok(DeltaStart::Untold(why));
    }
    let mut session = Session { outside, tokens, settings: &settings };
    let mut link = format!("{}&$deltatoken=latest", url::first_delta(&settings.domain, &select));
    for _ in 0..PAGES {
        let response = session.ask(Request::get(link))?;
        if response.status != 200 {
            return Err(fault::fault(&response));
        }
        let listing = page::listing(&response)?;
        let follow = |key: &str, link: &str| {
            url::follow(&settings.domain, "/v1.0/users", link).map_err(|text| malformed(Some(key), text))
        };
        match (&listing.next_link, &listing.delta_link) {
            (Some(next), _) => link = follow("@odata.nextLink", next)?,
            (None, Some(now)) => {
                let now = follow("@odata.deltaLink", now)?;
                return Ok(DeltaStart::FromNow(Cursor::first(Kind::Delta, false, now).encode()?));
            }
            (None, None) => break,
        }
    }
    Err(malformed(Some("@odata.deltaLink"), "the source gave no link to later changes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, source};

    const USERS: &str = "https://graph.microsoft.com/v1.0/users";

    #[test]
    fn a_link_that_stands_for_now() {
        let mut script = Script::new();
        let url = "/v1.0/users/delta?$select=id,accountEnabled,displayName&$deltatoken=latest";
        let body = format!(r#"{{"value":[],"@odata.deltaLink":"{USERS}/delta?$deltatoken=now"}}"#);
        script.expect(url, answer(200, &body));
        let start = begin_delta(&mut script, &mut Tokens::new(), &source()).unwrap();
        assert!(matches!(start, DeltaStart::FromNow(cursor) if cursor.contains("deltatoken=now")));
    }

    #[test]
    fn a_link_elsewhere_is_refused() {
        let mut script = Script::new();
        let url = "/v1.0/users/delta?$select=id,accountEnabled,displayName&$deltatoken=latest";
        let body = r#"{"value":[],"@odata.deltaLink":"https://evil.example/v1.0/users/delta?$deltatoken=x"}"#;
        script.expect(url, answer(200, body));
        let error = begin_delta(&mut script, &mut Tokens::new(), &source()).unwrap_err();
        assert!(matches!(error, Error::Malformed(bad) if bad.field.as_deref() == Some("@odata.deltaLink")));
    }

    #[test]
    fn what_is_not_told_is_not_asked_for() {
        let mut script = Script::new();
        let filtered = Source { filter: Some("userType eq 'Member'".into()), ..source() };
        let activity = Source { select: vec!["signInActivity.lastSignInDateTime".into()], ..source() };
        for source in [filtered, activity] {
            let start = begin_delta(&mut script, &mut Tokens::new(), &source).unwrap();
            assert!(matches!(start, DeltaStart::Untold(_)));
        }
    }
}
