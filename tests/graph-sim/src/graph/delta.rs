//! `GET /users/delta`: everybody once, or what has changed since a token.
//!
//! As unkind as Graph may be (docs: delta-query-overview, user-delta): a change has the properties that changed,
//! and sometimes another one; what was never set is left out, what was cleared is null. The same user may come
//! twice in a round, first with a part of it; rounds repeat what the last one told; the order is nobody's; pages
//! may be empty; and properties that live elsewhere are not told.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::list::{Link, Listing};
use super::query::Query;
use super::render::{Projection, context};
use super::{Call, Refused, Site};
use crate::base64;
use crate::filter;
use crate::prng::{Prng, digest};
use crate::world::{Entry, What, push_json};

/// Properties whose changes are not told.
const ELSEWHERE: [&str; 2] = ["signInActivity", "manager"];
/// How long a token is good, in seconds of the world.
const LIFETIME: i64 = 7 * 24 * 60 * 60;
/// How many ids a filter may have.
const MOST_IDS: usize = 50;
/// How much of the last round comes again.
const REPLAYED: usize = 3;

/// What a token says. The query is baked into it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeltaToken {
    select: Option<Vec<String>>,
    only: Option<Vec<String>>,
    /// Where the round begins; none = with everybody.
    from: Option<usize>,
    /// Where the round ends.
    until: usize,
    /// When it was issued, by the world's clock.
    issued: i64,
    place: u64,
    page: u32,
}

impl DeltaToken {
    pub(crate) fn at(&self, place: u64, page: u32) -> Self {
        Self { place, page, ..self.clone() }
    }

    pub(crate) fn encode(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{}.{:016x}", base64::url(text.as_bytes()), digest(text.as_bytes()))
    }

    fn decode(text: &str) -> Option<Self> {
        let (body, seal) = text.split_once('.')?;
        let bytes = base64::decode(body)?;
        let token: Self = serde_json::from_slice(&bytes).ok()?;
        (format!("{:016x}", digest(&bytes)) == seal).then_some(token)
    }
}

/// The page that a token asks for.
pub(crate) fn page_of(token: &str) -> Option<u32> {
    Some(DeltaToken::decode(token)?.page)
}

/// What Graph says when it does not know any more what has changed.
fn gone(site: &Site<'_>, code: &str) -> Refused {
    let message = "Resync required. Replace any local items with the server's version (including deletes) if \
                   you're sure that the service was up to date with your local changes when you last sync'd.";
    Refused::new(410, code, message)
        .with("location", format!("{}/v1.0/users/delta?$deltatoken=", site.origin))
}

/// One entry of a round.
enum Round {
    Whole(String),
    Changed(String, Vec<String>),
    Junk(String),
}

/// `GET /users/delta`.
pub(crate) fn users(site: &Site<'_>, call: &Call<'_>) -> Result<Listing, Refused> {
    call.grant.may_read_users()?;
    let query = Query::parse(call.query, false)?;
    for (name, sent) in
        [("$top", query.top.is_some()), ("$expand", query.expand.is_some()), ("$count", query.count)]
    {
        if sent {
            return Err(Refused::unsupported(format!("{name} is not supported with a delta query.")));
        }
    }
    let sent = query.skip_token.as_deref().or(query.delta_token.as_deref());
    let token = match sent {
        None | Some("latest") => first(site, &query)?,
        Some(text) => {
            if query.select.is_some() || query.filter.is_some() {
                return Err(Refused::bad("The query of a delta cannot be changed: it is in the token."));
            }
            again(site, text, query.skip_token.is_some())?
        }
    };
    if sent == Some("latest") {
        let mut listing = page(site, call, &token, Vec::new(), None);
        listing.delta = Some(delta_link(site, &token));
        return Ok(listing);
    }
    let size = site.world.delta_page.max(1);
    let (items, next) = match token.from {
        None => everybody(site, &token, size)?,
        Some(from) => round(site, &token, from, size)?,
    };
    let mut listing = page(site, call, &token, items, next);
    if next.is_none() {
        listing.delta = Some(delta_link(site, &token));
    }
    Ok(listing)
}

fn first(site: &Site<'_>, query: &Query) -> Result<DeltaToken, Refused> {
    if query.selects("signInActivity") {
        return Err(Refused::unsupported("signInActivity is not supported with a delta query."));
    }
    Projection::of(query, false)?;
    let mut only = None;
    if let Some(text) = &query.filter {
        let expr = filter::parse(text)?;
        let ids = filter::ids(&expr).filter(|ids| ids.len() <= MOST_IDS);
        let ids = ids.ok_or_else(|| Refused::unsupported("A delta query can only be filtered by id."))?;
        only = Some(ids.into_iter().map(str::to_owned).collect());
    }
    let latest = query.delta_token.as_deref() == Some("latest");
    let until = site.world.user_store().told().len();
    Ok(DeltaToken {
        select: query.select.clone(),
        only,
        from: latest.then_some(until),
        until,
        issued: site.world.now,
        place: 0,
        page: 1,
    })
}

/// The token of a request, with the round that it begins or goes on with.
fn again(site: &Site<'_>, text: &str, within: bool) -> Result<DeltaToken, Refused> {
    let Some(token) = DeltaToken::decode(text) else {
        return Err(Refused::new(400, "Directory_InvalidDeltaToken", "The delta token is not valid."));
    };
    let told = site.world.user_store().told().len();
    let age = site.world.now - token.issued;
    if token.until > told || token.until < site.world.forgotten || !(0..=LIFETIME).contains(&age) {
        let code = if token.until.is_multiple_of(2) { "syncStateNotFound" } else { "resyncRequired" };
        return Err(gone(site, code));
    }
    if within {
        return Ok(token);
    }
    Ok(DeltaToken {
        from: Some(token.until),
        until: told,
        issued: site.world.now,
        place: 0,
        page: 1,
        ..token
    })
}

fn delta_link(site: &Site<'_>, token: &DeltaToken) -> String {
    let token = DeltaToken { issued: site.world.now, ..token.at(0, 1) };
    format!("{}/v1.0/users/delta?$deltatoken={}", site.origin, token.encode())
}

fn page(
    site: &Site<'_>,
    call: &Call<'_>,
    token: &DeltaToken,
    items: Vec<u8>,
    next: Option<usize>,
) -> Listing {
    let link = Link::delta(format!("{}/v1.0/users/delta?", site.origin), token.clone());
    let query = Query { select: token.select.clone(), ..Query::default() };
    Listing {
        context: context(site, &query, false),
        count: None,
        next: next.map(|place| link.to(place as u64, token.page + 1)),
        delta: None,
        items,
        place: token.place,
        page: token.page,
        own: format!("{}{}?{}", site.origin, call.path, call.query),
        link,
    }
}

type Page = (Vec<u8>, Option<usize>);

/// A page of everybody; those who are deleted come last.
fn everybody(site: &Site<'_>, token: &DeltaToken, size: usize) -> Result<Page, Refused> {
    let mut out = Vec::new();
    let wanted =
        |id: &str| token.only.as_ref().is_none_or(|ids| ids.iter().any(|it| it.eq_ignore_ascii_case(id)));
    let mut taken = 0;
    for (at, entry) in site.world.user_store().from(token.place as usize) {
        if taken == size {
            return Ok((out, Some(at)));
        }
        match entry {
            Entry::Person(user) if wanted(&user.id()) => whole(site, token, &user.id(), &[], &mut out)?,
            Entry::Person(_) => continue,
            Entry::Junk(raw) => push(&mut out, raw.as_bytes()),
        }
        taken += 1;
    }
    for user in site.world.deleted_users().filter(|user| wanted(&user.id())) {
        removed(site, &user.id(), &mut out);
    }
    Ok((out, None))
}

/// A page of what has changed.
fn round(site: &Site<'_>, token: &DeltaToken, from: usize, size: usize) -> Result<Page, Refused> {
    let entries = entries(site, token, from);
    let mut out = Vec::new();
    if token.page == 1 && token.until % 4 == 1 {
        return Ok((out, Some(0)));
    }
    let begin = token.place as usize;
    for entry in entries.iter().skip(begin).take(size) {
        match entry {
            Round::Junk(raw) => push(&mut out, raw.as_bytes()),
            Round::Whole(id) => {
                let nulled = changed_names(site, id, from, token.until);
                whole(site, token, id, &nulled, &mut out)?;
            }
            Round::Changed(id, names) => match site.world.user(id) {
                None => removed(site, id, &mut out),
                Some(user) => {
                    let mut one = Vec::new();
                    Projection::changed(names)?.write(user, site.world, &mut one);
                    push(&mut out, &one);
                }
            },
        }
    }
    let next = begin + size;
    Ok((out, (next < entries.len()).then_some(next)))
}

/// The entries of a round. They follow from what happened and from nothing else, so that every page sees the
/// same ones; what they say is as of the page.
fn entries(site: &Site<'_>, token: &DeltaToken, from: usize) -> Vec<Round> {
    let told = site.world.user_store().told();
    let begin = from.saturating_sub(REPLAYED).max(site.world.forgotten.min(from));
    let mut found: HashMap<&str, (bool, Vec<String>, Option<&str>)> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for event in told.get(begin..token.until).unwrap_or_default() {
        let id: &str = &event.id;
        if token.only.as_ref().is_some_and(|ids| !ids.iter().any(|it| it.eq_ignore_ascii_case(id))) {
            continue;
        }
        let (moved, names, junk) = found.entry(id).or_insert_with(|| {
            order.push(id);
            (false, Vec::new(), None)
        });
        match &event.what {
            What::Came | What::Went => *moved = true,
            What::Spoilt(raw) => *junk = Some(raw),
            What::Changed(changed) => names.extend(changed.iter().map(|it| it.to_string())),
        }
    }
    let mut prng = Prng::new(token.until as u64 ^ 0x00de_17a0);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for id in order {
        let Some((moved, mut names, junk)) = found.remove(id) else { continue };
        if let Some(raw) = junk {
            first.push(Round::Junk(raw.to_owned()));
            continue;
        }
        if moved {
            first.push(Round::Whole(id.to_owned()));
            if prng.next().is_multiple_of(4) {
                second.push(Round::Whole(id.to_owned()));
            }
            continue;
        }
        names.sort_unstable();
        names.dedup();
        names.retain(|name| selected(token, name) && !ELSEWHERE.contains(&name.as_str()));
        if names.is_empty() {
            continue;
        }
        let mut whole = vec!["id".to_owned()];
        whole.extend(names.clone());
        if prng.next().is_multiple_of(3)
            && selected(token, "displayName")
            && !names.iter().any(|it| it == "displayName")
        {
            whole.push("displayName".to_owned());
        }
        match prng.next() % 3 {
            0 => {
                first.push(Round::Changed(id.to_owned(), whole.iter().take(2).cloned().collect()));
                second.push(Round::Changed(id.to_owned(), whole));
            }
            _ => first.push(Round::Changed(id.to_owned(), whole)),
        }
    }
    for list in [&mut first, &mut second] {
        for at in (1..list.len()).rev() {
            list.swap(at, (prng.next() % (at as u64 + 1)) as usize);
        }
    }
    first.extend(second);
    first
}

fn selected(token: &DeltaToken, name: &str) -> bool {
    match &token.select {
        Some(names) if !names.is_empty() => names.iter().any(|it| it == name),
        _ => super::catalog::DEFAULT_SELECTION.contains(&name),
    }
}

fn changed_names(site: &Site<'_>, id: &str, from: usize, until: usize) -> Vec<String> {
    let told = site.world.user_store().told().get(from..until).unwrap_or_default();
    let of = told.iter().filter(|it| *it.id == *id);
    let names = of.filter_map(|it| match &it.what {
        What::Changed(names) => Some(names.iter().map(|it| it.to_string())),
        _ => None,
    });
    names.flatten().collect()
}

/// Somebody who came: what was never set is left out.
fn whole(
    site: &Site<'_>,
    token: &DeltaToken,
    id: &str,
    nulled: &[String],
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let Some(user) = site.world.user(id) else {
        removed(site, id, out);
        return Ok(());
    };
    let names: Vec<String> = match &token.select {
        Some(names) if !names.is_empty() => names.clone(),
        _ => super::catalog::DEFAULT_SELECTION.iter().map(|it| (*it).to_owned()).collect(),
    };
    let set = |name: &String| {
        let value = user.get(name).filter(|it| *it != "null" && *it != "[]");
        name == "id" || value.is_some() || nulled.contains(name) && user.get(name).is_some()
    };
    let names: Vec<String> =
        names.into_iter().filter(|it| set(it) && !ELSEWHERE.contains(&it.as_str())).collect();
    let mut one = Vec::new();
    Projection::changed(&names)?.write(user, site.world, &mut one);
    push(out, &one);
    Ok(())
}

fn removed(site: &Site<'_>, id: &str, out: &mut Vec<u8>) {
    let reason = if site.world.deleted_user(id).is_some() { "changed" } else { "deleted" };
    let mut text = String::from("{\"id\":");
    push_json(&mut text, id);
    text.push_str(&format!(",\"@removed\":{{\"reason\":\"{reason}\"}}}}"));
    push(out, text.as_bytes());
}

fn push(out: &mut Vec<u8>, one: &[u8]) {
    if !out.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(one);
}
