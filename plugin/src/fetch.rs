//! One page of users: URL, request, page, and the cursor that follows.

use crate::bindings::exports::userload::directory::connector::{Next, Page, Source};
use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::types::{Error, SettingProblem};
use crate::cursor::{Cursor, Kind};
use crate::error::{malformed, problem};
use crate::graph::filter::{self, Filter};
use crate::graph::page::{self, Listing};
use crate::graph::{fault, url};
use crate::host_imports::Outside;
use crate::json::shorten;
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::transport::Request;

/// The most users a page may have that Graph lists in one go, and that it lists with their sign-in activity
/// (<https://learn.microsoft.com/graph/api/user-list>; the service has had lower limits than its page).
const TOP: u32 = 999;
const TOP_WITH_ACTIVITY: u32 = 120;

/// What to read, checked.
struct Query {
    settings: Settings,
    select: String,
    filter: Option<Filter>,
    top: u32,
    kind: Kind,
}

impl Query {
    /// Checks everything, and tells all problems at once.
    fn read(source: &Source) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let settings = Settings::read(&source.settings).map_err(|p| problems.extend(p));
        let select = url::select(&source.select).map_err(|p| problems.extend(p));
        let filter = filter::check(source.filter.as_deref()).map_err(|p| problems.push(p));
        if let (Ok(select), Ok(filter)) = (&select, &filter) {
            problems.extend(together(select, filter.as_ref(), source.delta));
        }
        match (settings, select, filter) {
            (Ok(settings), Ok(select), Ok(filter)) if problems.is_empty() => {
                let activity = has_activity(&select) || filter.as_ref().is_some_and(|f| f.sign_in);
                let most = if activity { TOP_WITH_ACTIVITY } else { TOP };
                Ok(Self {
                    settings,
                    select,
                    filter,
                    top: source.page_size.clamp(1, most),
                    kind: if source.delta { Kind::Delta } else { Kind::Users },
                })
            }
            _ => Err(Error::Settings(problems)),
        }
    }

    fn advanced(&self) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.advanced)
    }

    fn first_url(&self) -> Result<String, SettingProblem> {
        let domain = &self.settings.domain;
        match self.kind {
            Kind::Delta => Ok(url::first_delta(domain, &self.select)),
            _ => url::first_page(domain, &self.select, self.top, self.filter.as_ref()),
        }
    }
}

fn has_activity(select: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(url::SIGN_IN_ACTIVITY);
    select.split(',').any(is)
}

/// What does not go together.
fn together(select: &str, filter: Option<&Filter>, delta: bool) -> Option<SettingProblem> {
    let filter = filter?;
    if delta {
        // https://learn.microsoft.com/graph/api/user-delta: by id only.
        let text = "Graph tells changes of everybody only; expected no filter with a delta";
        return Some(problem("filter", text));
    }
    if filter.advanced && has_activity(select) {
        // microsoftgraph/msgraph-sdk-powershell#1898: the values come back empty.
        let text = "Graph leaves `signInActivity` empty together with this filter; expected one of the two";
        return Some(problem("select", text));
    }
    None
}

/// One page of users. `after` none = the first. After an error the same call may be made again.
pub fn fetch_users(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
    after: Option<&str>,
) -> Result<Page, Error> {
    let query = Query::read(source)?;
    let domain = &query.settings.domain;
    let position = match after {
        Some(text) => Some(Cursor::decode(text, query.kind, domain)?),
        None => None,
    };
    let (url, advanced) = match &position {
        Some(cursor) => (cursor.link.clone(), cursor.advanced),
        None => {
            let url = query.first_url().map_err(|p| Error::Settings(vec![p]))?;
            (url, query.advanced())
        }
    };
    let mut session = Session { outside, tokens, settings: &query.settings };
    let response = session.ask(page_request(url, advanced))?;
    if response.status != 200 {
        return Err(name_filter(fault::fault(&response), query.filter.as_ref()));
    }
    let listing = page::listing(&response)?;
    let users = page::users(&listing.items, source.delta);
    let next = next(&query, position.as_ref(), advanced, &listing)?;
    let total = match position {
        Some(_) => None,
        None if advanced => listing.count,
        None if query.filter.is_none() && !source.delta => count(&mut session),
        None => None,
    };
    Ok(Page { users: users.users, removed: users.removed, malformed: users.malformed, next, total })
}

/// Graph's links do not carry this header: it goes with every page of an advanced query.
/// <https://learn.microsoft.com/graph/paging>
fn page_request(url: String, advanced: bool) -> Request {
    let request = Request::get(url);
    if advanced { request.with_header("consistencylevel", "eventual") } else { request }
}

/// A 400 is nearly always the filter's fault, and Graph's words seldom quote it.
fn name_filter(error: Error, filter: Option<&Filter>) -> Error {
    match (error, filter) {
        (Error::Upstream(mut upstream), Some(filter)) if upstream.status == 400 => {
            let message = shorten(&upstream.message, 500);
            let text = shorten(&filter.text, 400);
            upstream.message = format!("{message} (the filter was: {text})");
            Error::Upstream(upstream)
        }
        (error, _) => error,
    }
}

fn next(
    query: &Query,
    position: Option<&Cursor>,
    advanced: bool,
    listing: &Listing<'_>,
) -> Result<Next, Error> {
    let follow = |key: &str, link: &str| {
        url::follow(&query.settings.domain, "/v1.0/users", link).map_err(|text| malformed(Some(key), text))
    };
    if let Some(link) = &listing.next_link {
        let link = follow("@odata.nextLink", link)?;
        let cursor = match position {
            Some(position) => position.after(link)?,
            None => Cursor::first(query.kind, advanced, link),
        };
        return Ok(Next::More(cursor.encode()?));
    }
    match (&listing.delta_link, query.kind) {
        (Some(link), Kind::Delta) => {
            let link = follow("@odata.deltaLink", link)?;
            let cursor = Cursor::first(Kind::Delta, false, link);
            Ok(Next::Complete(Some(cursor.encode()?)))
        }
        (None, Kind::Delta) => Err(malformed(
            Some("@odata.deltaLink"),
            "the page has neither a link to the next one nor one to later changes",
        )),
        _ => Ok(Next::Complete(None)),
    }
}

/// How many users there are. Best effort: a listing is worth having without it.
pub(crate) fn count(session: &mut Session<'_>) -> Option<u64> {
    let request = Request::get(url::count(&session.settings.domain))
        .with_header("accept", "text/plain")
        .with_header("consistencylevel", "eventual");
    let answer = session.ask_ok(request).and_then(|response| {
        let text = page::text(&response)?;
        let number = text.trim().parse();
        number.map_err(|_| malformed(None, format!("expected a number, found `{}`", shorten(text, 60))))
    });
    match answer {
        Ok(total) => Some(total),
        Err(error) => {
            let text = format!("users were not counted, the listing goes on: {error:?}");
            session.log(Level::Warn, &text);
            None
        }
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
