//! The access tokens that were issued.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::base64;
use crate::clock;
use crate::graph::{Grant, Refused, unauthorised};
use crate::prng::Prng;
use crate::world::{App, World};

/// All tokens, good or not.
#[derive(Debug)]
pub(crate) struct Tokens {
    by_text: HashMap<String, Issued>,
    in_order: Vec<String>,
    prng: Prng,
    /// Ids of the assertions that were taken, and what they were.
    used: HashSet<String>,
    assertions: Vec<String>,
}

#[derive(Debug)]
struct Issued {
    grant: Grant,
    until: Instant,
    revoked: bool,
}

impl Tokens {
    /// No tokens yet. Those to come differ from those of every other simulator.
    pub(crate) fn new() -> Self {
        Self {
            by_text: HashMap::new(),
            in_order: Vec::new(),
            prng: Prng::new(RandomState::new().hash_one("tokens")),
            used: HashSet::new(),
            assertions: Vec::new(),
        }
    }

    /// Issues a token for an app. It looks like Microsoft's, but nobody shall look into it.
    pub(crate) fn issue(&mut self, origin: &str, world: &World, app: &App, seconds: u64) -> String {
        let now = clock::now();
        let header = json!({"typ": "JWT", "nonce": self.prng.guid(), "alg": "RS256",
            "x5t": "made-up-for-tests", "kid": "made-up-for-tests"});
        let claims = json!({
            "aud": origin,
            "iss": format!("{origin}/{}/", world.tenant_id),
            "iat": now, "nbf": now, "exp": now + seconds as i64,
            "aio": self.noise(60),
            "app_displayname": "userload",
            "appid": app.client_id, "appidacr": "1", "idtyp": "app",
            "oid": self.prng.guid(), "sub": self.prng.guid(),
            "rh": self.noise(40),
            "roles": app.granted,
            "tid": world.tenant_id, "uti": self.noise(16), "ver": "1.0",
            "wids": [self.prng.guid()],
        });
        let (header, claims) = (header.to_string(), claims.to_string());
        let token = format!(
            "{}.{}.{}",
            base64::url(header.as_bytes()),
            base64::url(claims.as_bytes()),
            self.noise(256)
        );
        let grant =
            Grant { client_id: app.client_id.as_str().into(), roles: Arc::from(app.granted.as_slice()) };
        let until = Instant::now() + Duration::from_secs(seconds);
        self.by_text.insert(token.clone(), Issued { grant, until, revoked: false });
        self.in_order.push(token.clone());
        token
    }

    fn noise(&mut self, bytes: usize) -> String {
        let bytes: Vec<u8> = (0..bytes).map(|_| self.prng.next() as u8).collect();
        base64::url(&bytes)
    }

    /// What an `Authorization` header allows.
    pub(crate) fn check(&self, header: Option<&str>, origin: &str) -> Result<Grant, Refused> {
        let refuse = |message: &str| Err(unauthorised(origin, message));
        let Some(token) = header.and_then(bearer) else {
            return refuse("Access token is empty.");
        };
        match self.by_text.get(token) {
            None => refuse("IDX14100: JWT is not well formed, or its signature is not known."),
            Some(issued) if issued.revoked => refuse(
                "Continuous access evaluation resulted in challenge with result: \
                 InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            ),
            Some(issued) if Instant::now() >= issued.until => {
                refuse("Lifetime validation failed, the token is expired.")
            }
            Some(issued) => Ok(issued.grant.clone()),
        }
    }

    /// Makes the token of a request worthless.
    pub(crate) fn revoke(&mut self, header: Option<&str>) {
        if let Some(issued) = header.and_then(bearer).and_then(|t| self.by_text.get_mut(t)) {
            issued.revoked = true;
        }
    }

    /// Makes all tokens worthless.
    pub(crate) fn revoke_all(&mut self) {
        for issued in self.by_text.values_mut() {
            issued.revoked = true;
        }
    }

    /// Remembers an assertion, and whether its id is new.
    pub(super) fn take(&mut self, id: &str, assertion: &str) -> bool {
        self.assertions.push(assertion.to_owned());
        self.used.insert(id.to_owned())
    }

    /// All assertions that were sent and verified, in order.
    pub(crate) fn assertions(&self) -> Vec<String> {
        self.assertions.clone()
    }

    /// All tokens ever issued, in order.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.in_order.clone()
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
