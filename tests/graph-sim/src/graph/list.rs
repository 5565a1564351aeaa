//! Listings of people, page by page, and their counts.

use bytes::Bytes;

use super::delta::DeltaToken;
use super::page_token::PageToken;
use super::query::{Query, is_eventual};
use super::render::{Projection, context};
use super::{Call, Refused, Site};
use crate::filter::{self, Expr};
use crate::prng::digest;
use crate::reply::{GRAPH_JSON, Reply};
use crate::world::{Entry, Store, push_json};

/// Page size without `$top`.
const USUAL_SIZE: usize = 100;
/// Largest page for which signInActivity is told (docs of users, 2024).
const LARGEST_ACTIVITY: usize = 120;
/// Longest address of an advanced query (Graph known issue 13635).
const LONGEST_ADDRESS: usize = 2048;

/// A page before it becomes JSON, so that a fault can tamper with it.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) context: String,
    pub(crate) count: Option<u64>,
    pub(crate) next: Option<String>,
    /// Of the last page of a delta: where the next round begins.
    pub(crate) delta: Option<String>,
    /// The elements, joined by commas.
    pub(crate) items: Vec<u8>,
    /// Where this page began.
    pub(crate) place: u64,
    pub(crate) page: u32,
    /// The address of this very page.
    pub(crate) own: String,
    pub(super) link: Link,
}

/// How links of a listing are made.
#[derive(Debug, Clone)]
pub(super) struct Link {
    address: String,
    token: Token,
}

#[derive(Debug, Clone)]
enum Token {
    Page(PageToken),
    Delta(Box<DeltaToken>),
}

impl Link {
    /// Of a round of changes.
    pub(super) fn delta(address: String, token: DeltaToken) -> Self {
        Self { address, token: Token::Delta(Box::new(token)) }
    }

    pub(super) fn to(&self, place: u64, page: u32) -> String {
        let token = match &self.token {
            Token::Page(token) => PageToken { place, page, ..*token }.encode(),
            Token::Delta(token) => token.at(place, page).encode(),
        };
        format!("{}$skiptoken={token}", self.address)
    }
}

impl Listing {
    /// A link to the page that begins at a place.
    pub(crate) fn link_to(&self, place: u64, page: u32) -> String {
        self.link.to(place, page)
    }

    /// The answer.
    pub(crate) fn finish(self) -> Reply {
        let mut out = Vec::with_capacity(self.items.len() + 1000);
        let mut head = String::from("{\"@odata.context\":");
        push_json(&mut head, &self.context);
        if let Some(count) = self.count {
            head.push_str(&format!(",\"@odata.count\":{count}"));
        }
        if let Some(next) = &self.next {
            head.push_str(",\"@odata.nextLink\":");
            push_json(&mut head, next);
        }
        if let Some(delta) = &self.delta {
            head.push_str(",\"@odata.deltaLink\":");
            push_json(&mut head, delta);
        }
        head.push_str(",\"value\":[");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.items);
        out.extend_from_slice(b"]}");
        Reply::new(200, GRAPH_JSON, Bytes::from(out))
    }
}

/// `GET /users`.
pub(crate) fn users(site: &Site<'_>, call: &Call<'_>) -> Result<Listing, Refused> {
    list(site, call, site.world.user_store(), None)
}

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub(crate) fn deleted(site: &Site<'_>, call: &Call<'_>) -> Result<Listing, Refused> {
    list(site, call, site.world.deleted_store(), Some("deletedDateTime"))
}

/// `GET /users/$count`.
pub(crate) fn count_users(site: &Site<'_>, call: &Call<'_>) -> Result<Reply, Refused> {
    count(call, site.world.user_store())
}

/// `GET /directory/deletedItems/microsoft.graph.user/$count`.
pub(crate) fn count_deleted(site: &Site<'_>, call: &Call<'_>) -> Result<Reply, Refused> {
    count(call, site.world.deleted_store())
}

fn count(call: &Call<'_>, store: &Store) -> Result<Reply, Refused> {
    call.grant.may_read_users()?;
    let eventual = is_eventual(call.consistency)?;
    let query = Query::parse(call.query, eventual)?;
    if !eventual {
        return Err(Refused::bad(
            "$count is not currently supported without the header ConsistencyLevel: eventual.",
        ));
    }
    let filter = read_filter(&query, true)?;
    let count = matching(store, filter.as_ref());
    Ok(Reply::new(200, "text/plain", count.to_string()))
}

fn list(site: &Site<'_>, call: &Call<'_>, store: &Store, unasked: Option<&str>) -> Result<Listing, Refused> {
    call.grant.may_read_users()?;
    let eventual = is_eventual(call.consistency)?;
    let query = Query::parse(call.query, eventual)?;
    let advanced = eventual && query.count;
    let own = format!("{}{}?{}", site.origin, call.path, call.query);
    let own = own.trim_end_matches('?').to_owned();
    if advanced && query.skip_token.is_none() && !call.in_batch && own.len() > LONGEST_ADDRESS {
        return Err(Refused::bad(format!(
            "The request URI is {} characters long; an advanced query may have {LONGEST_ADDRESS}.",
            own.len()
        )));
    }
    if query.expand.is_some() && advanced {
        return Err(Refused::unsupported(
            "$expand is not supported together with advanced query parameters.",
        ));
    }
    if query.delta_token.is_some() {
        return Err(Refused::odata("The query parameter '$deltatoken' is not supported."));
    }
    let filter = read_filter(&query, advanced)?;
    let size = query.top.unwrap_or(USUAL_SIZE);
    if query.selects("signInActivity") {
        call.grant.may_read_activity(site.world)?;
    }
    let blank = eventual || size > LARGEST_ACTIVITY;
    let mut projection = Projection::of(&query, blank)?;
    if let (Some(name), None) = (unasked, &query.select) {
        projection = projection.and(name);
    }

    let hash = digest(format!("{}?{}", call.path, query.base).as_bytes());
    let issued = site.page_lifetime.map_or(0, |_| site.uptime);
    let mut token = PageToken { query: hash, place: 0, page: 1, issued, advanced };
    if let Some(text) = &query.skip_token {
        let sent = PageToken::read(text, hash, site)?;
        if sent.advanced && !advanced {
            return Err(Refused::unsupported(
                "The page belongs to an advanced query. Try adding $count=true query parameter \
                 and ConsistencyLevel:eventual header. Refer to \
                 https://aka.ms/graph-docs/advanced-queries for more information",
            ));
        }
        (token.place, token.page) = (sent.place, sent.page);
    }
    let separator = if query.base.is_empty() { "?" } else { "&" };
    let base = format!("{}{}?{}", site.origin, call.path, query.base);
    let link =
        Link { address: format!("{}{separator}", base.trim_end_matches('?')), token: Token::Page(token) };
    let page = gather(site, store, filter.as_ref(), &mut projection, token.place as usize, size);
    let first = query.skip_token.is_none();
    Ok(Listing {
        context: context(site, &query, false),
        count: (advanced && first).then(|| matching(store, filter.as_ref())),
        next: page.next.map(|place| link.to(place as u64, token.page + 1)),
        delta: None,
        items: page.items,
        place: token.place,
        page: token.page,
        own,
        link,
    })
}

/// The elements of one page, and where the next one begins.
struct Page {
    items: Vec<u8>,
    next: Option<usize>,
}

fn gather(
    site: &Site<'_>,
    store: &Store,
    filter: Option<&Expr>,
    projection: &mut Projection,
    place: usize,
    size: usize,
) -> Page {
    let mut items = Vec::with_capacity(size.min(store.places()) * 1150);
    let mut taken = 0;
    for (at, entry) in candidates(store, filter, place) {
        let passes = match (filter, entry) {
            (None, _) => true,
            (Some(filter), Entry::Person(user)) => filter::matches(filter, user),
            (Some(_), Entry::Junk(_)) => false,
        };
        if !passes {
            continue;
        }
        if taken == size {
            return Page { items, next: Some(at) };
        }
        if taken > 0 {
            items.push(b',');
        }
        match entry {
            Entry::Person(user) => projection.write(user, site.world, &mut items),
            Entry::Junk(raw) => items.extend_from_slice(raw.as_bytes()),
        }
        taken += 1;
    }
    Page { items, next: None }
}

/// The entries from a place on that a filter may let pass: few if it names ids.
fn candidates<'a>(
    store: &'a Store,
    filter: Option<&Expr>,
    place: usize,
) -> Box<dyn Iterator<Item = (usize, &'a Entry)> + 'a> {
    match filter.and_then(filter::ids) {
        Some(ids) => Box::new(store.of_ids(&ids, place).into_iter()),
        None => Box::new(store.from(place)),
    }
}

fn matching(store: &Store, filter: Option<&Expr>) -> u64 {
    let Some(filter) = filter else {
        return store.len() as u64;
    };
    let passes = |(_, entry): &(usize, &Entry)| match entry {
        Entry::Person(user) => filter::matches(filter, user),
        Entry::Junk(_) => false,
    };
    candidates(store, Some(filter), 0).filter(passes).count() as u64
}

fn read_filter(query: &Query, advanced: bool) -> Result<Option<Expr>, Refused> {
    let Some(text) = &query.filter else {
        return Ok(None);
    };
    let expr = filter::parse(text)?;
    filter::check(&expr, advanced)?;
    Ok(Some(expr))
}
