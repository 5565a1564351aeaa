//! The right answer to a request: which host it is for, who asks, what the world says.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use http::Method;

use super::cache::Key;
use super::journal::ExchangePart;
use super::shared::{Shared, locked};
use crate::faults::{Action, On, Request, tamper_batch};
use crate::graph::{self, Batch, Call, Grant, Ids, Outcome, Refused};
use crate::login;
use crate::reply::{Ask, Reply};

/// Which endpoint a request is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Endpoint {
    /// The login host's token endpoint of a tenant.
    Token(String),
    /// The login host's configuration of a tenant.
    Discovery(String),
    /// Something of Graph, as fault rules call it.
    Graph(Option<On>),
}

impl Endpoint {
    /// The endpoint of a path.
    pub(crate) fn of(path: &str) -> Self {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            [tenant, "oauth2", "v2.0", "token"] => Self::Token((*tenant).to_owned()),
            [tenant, "v2.0", ".well-known", "openid-configuration"] => Self::Discovery((*tenant).to_owned()),
            ["v1.0", "users"] => Self::Graph(Some(On::Users)),
            ["v1.0", "users", "$count" | "%24count"] => Self::Graph(Some(On::UsersCount)),
            ["v1.0", "users", "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()"] => {
                Self::Graph(Some(On::Delta))
            }
            ["v1.0", "users", _] => Self::Graph(Some(On::User)),
            ["v1.0", "$batch" | "%24batch"] => Self::Graph(Some(On::Batch)),
            ["v1.0", "directory", "deletedItems", ..] => Self::Graph(Some(On::Deleted)),
            ["v1.0", "subscribedSkus"] => Self::Graph(Some(On::Skus)),
            ["v1.0", "roleManagement" | "groups", ..] => Self::Graph(Some(On::Roles)),
            ["v1.0", one, ..] if one.starts_with("servicePrincipals") => Self::Graph(Some(On::Roles)),
            _ => Self::Graph(None),
        }
    }

    /// The request as fault rules see it.
    pub(crate) fn request(&self, query: &str) -> Request {
        let on = match self {
            Self::Token(_) => Some(On::Token),
            Self::Discovery(_) => Some(On::Discovery),
            Self::Graph(Some(On::Users)) if query.contains("assignedLicenses") => Some(On::Saas),
            Self::Graph(Some(On::Users)) if query.contains("expand=manager") => Some(On::Managers),
            Self::Graph(on) => *on,
        };
        let listing =
            matches!(on, Some(On::Users | On::Delta | On::Saas | On::Managers | On::Roles | On::Deleted));
        Request { on, page: if listing { graph::page_of(query) } else { 0 } }
    }
}

/// A right answer, and the parts if it was a batch.
pub(crate) struct Right {
    pub(crate) outcome: Outcome,
    pub(crate) parts: Vec<ExchangePart>,
    /// Whether the fault of a part was put in.
    pub(crate) part_spoilt: bool,
}

impl Right {
    fn plain(outcome: Outcome) -> Self {
        Self { outcome, parts: Vec::new(), part_spoilt: false }
    }
}

impl Shared {
    /// The answer to a request. `fault` matters only if it is one for parts of a batch.
    pub(crate) fn right(&self, endpoint: &Endpoint, ask: &Ask, ids: &Ids, fault: Option<&Action>) -> Right {
        let world = self.read_world();
        let login = |reply: Result<Reply, login::LoginError>| {
            let mut reply = reply.unwrap_or_else(|error| error.into_reply(&self.origin, ids));
            if world.login_ahead != 0 {
                let by = Duration::from_secs(world.login_ahead.unsigned_abs());
                let now = SystemTime::now();
                let there = if world.login_ahead > 0 { now + by } else { now - by };
                reply = reply.with("date", httpdate::fmt_http_date(there));
            }
            Right::plain(Outcome::Done(reply))
        };
        match endpoint {
            Endpoint::Token(tenant) => {
                let mut tokens = locked(&self.tokens);
                let lifetime = self.config.token_lifetime;
                login(login::token(&self.origin, &world, &mut tokens, lifetime, tenant, ask))
            }
            Endpoint::Discovery(tenant) => login(login::discovery(&self.origin, &world, tenant)),
            Endpoint::Graph(on) => {
                drop(world);
                let right = self.graph(*on, ask, ids, fault);
                right.unwrap_or_else(|refused| Right::plain(Outcome::Done(refused.into_reply(ids))))
            }
        }
    }

    fn graph(&self, on: Option<On>, ask: &Ask, ids: &Ids, fault: Option<&Action>) -> Result<Right, Refused> {
        let grant = locked(&self.tokens).check(ask.header("authorization"), &self.origin)?;
        if on == Some(On::Batch) {
            return self.batch(ask, &grant, ids, fault);
        }
        let call = Call {
            get: ask.method == Method::GET,
            path: &ask.path,
            query: &ask.query,
            consistency: ask.header("consistencylevel"),
            grant: &grant,
            in_batch: false,
        };
        let used = self.charge(&call)?;
        let outcome = match self.page_key(on, &call, fault) {
            Some(key) => Outcome::Done(self.remembered(key, &call)?),
            None => {
                let world = self.read_world();
                graph::answer(&self.site(&world), &call)?
            }
        };
        Ok(Right::plain(match (used, outcome) {
            (Some(used), Outcome::Done(reply)) => Outcome::Done(told(reply, used)),
            (_, outcome) => outcome,
        }))
    }

    /// Charges the bucket of the app; the share that is used up, if there is throttling.
    fn charge(&self, call: &Call<'_>) -> Result<Option<f64>, Refused> {
        let Some(limit) = self.config.throttle else {
            return Ok(None);
        };
        let units = graph::cost(call.path, call.query);
        let app = &call.grant.client_id;
        locked(&self.buckets).charge(app, units, limit).map(Some)
    }

    /// What a page is remembered by, if it is one to remember.
    fn page_key(&self, on: Option<On>, call: &Call<'_>, fault: Option<&Action>) -> Option<Key> {
        let plain = self.config.fast
            && self.config.page_lifetime.is_none()
            && fault.is_none()
            && on == Some(On::Users)
            && call.get
            && !call.query.contains("filter");
        plain.then(|| Key {
            target: format!("{}?{}", call.path, call.query),
            consistency: call.consistency.map(str::to_owned),
            roles: Arc::clone(&call.grant.roles),
        })
    }

    fn remembered(&self, key: Key, call: &Call<'_>) -> Result<Reply, Refused> {
        if let Some(reply) = locked(&self.cache).get(&key) {
            return Ok(reply);
        }
        // The world is held while the page goes in, so that no old page outlives a change.
        let world = self.read_world();
        let reply = graph::answer(&self.site(&world), call)?.finish();
        locked(&self.cache).put(key, &reply);
        Ok(reply)
    }

    /// Remembers all pages of a listing before anybody asks; how many.
    pub(crate) fn warm_up(&self, target: &str, consistency: Option<&str>) -> anyhow::Result<usize> {
        let world = self.read_world();
        let app = world.apps.first().context("the world has no app")?;
        let grant =
            Grant { client_id: app.client_id.as_str().into(), roles: Arc::from(app.granted.as_slice()) };
        let site = self.site(&world);
        let (mut next, mut pages) = (Some(target.to_owned()), 0);
        while let Some(target) = next {
            let target = target.strip_prefix(&self.origin).unwrap_or(&target);
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let call = Call { get: true, path, query, consistency, grant: &grant, in_batch: false };
            let key = self.page_key(Some(On::Users), &call, None).context("not a page to remember")?;
            match graph::answer(&site, &call) {
                Ok(Outcome::Listing(listing)) => {
                    next = listing.next.clone();
                    locked(&self.cache).put(key, &listing.finish());
                    pages += 1;
                }
                Ok(Outcome::Done(_)) => bail!("`{path}` is not a listing"),
                Err(refused) => bail!("{}: {}", refused.code, refused.message),
            }
        }
        Ok(pages)
    }

    fn batch(&self, ask: &Ask, grant: &Grant, ids: &Ids, fault: Option<&Action>) -> Result<Right, Refused> {
        if ask.method != Method::POST {
            return Err(Refused::new(405, "BadRequest", "A batch is sent by POST."));
        }
        let batch = Batch::read(&ask.body)?;
        let (mut answers, mut journal, mut part_spoilt) = (Vec::new(), Vec::new(), false);
        for (place, part) in batch.requests.iter().enumerate() {
            let spoilt = fault.map_or(Err(()), |fault| tamper_batch(fault, place));
            part_spoilt |= spoilt.is_ok();
            let reply = match spoilt {
                Ok(Some(refused)) => Some(refused.into_reply(ids)),
                Ok(None) => None,
                Err(()) => Some(self.part(part, grant).unwrap_or_else(|no| no.into_reply(ids))),
            };
            journal.push(ExchangePart {
                method: part.method.clone(),
                url: part.url.clone(),
                status: reply.as_ref().map_or(0, |reply| reply.status),
            });
            answers.extend(reply.map(|reply| graph::wrap_part(&part.id, &reply)));
        }
        let reply = graph::finish_batch(answers, &mut locked(&self.prng));
        Ok(Right { outcome: Outcome::Done(reply), parts: journal, part_spoilt })
    }

    fn part(&self, part: &graph::Part, grant: &Grant) -> Result<Reply, Refused> {
        let (path, query) = part.target()?;
        let call = Call {
            get: part.method.eq_ignore_ascii_case("get"),
            path: &path,
            query: &query,
            consistency: part.header("consistencylevel"),
            grant,
            in_batch: true,
        };
        self.charge(&call)?;
        let world = self.read_world();
        Ok(graph::answer(&self.site(&world), &call)?.finish())
    }
}

/// An answer that tells how near the limit is, as Graph does above 80%.
fn told(reply: Reply, used: f64) -> Reply {
    let reply = reply.with("x-ms-resource-unit", "1");
    if used > 0.8 {
        return reply.with("x-ms-throttle-limit-percentage", format!("{used:.2}"));
    }
    reply
}
