//! Where a plugin may send requests: asked ∩ granted. Pure.

use super::denial::Denial;
use super::origin::{Origin, OriginError};
use http::Method;
use std::fmt;
use std::str::FromStr;

/// Which origins a line of the operator's is about: one, or all with one more label before a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// `https://graph.microsoft.com`
    One(Origin),
    /// `https://*.example.com`: `https://a.example.com`, and neither `https://example.com` nor
    /// `https://a.b.example.com`. The origin is the one without the label.
    Below(Origin),
}

impl OriginPattern {
    /// Whether requests to it are encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        let (Self::One(origin) | Self::Below(origin)) = self;
        origin.is_secure()
    }

    /// Whether it is about this origin.
    #[must_use]
    pub fn covers(&self, origin: &Origin) -> bool {
        match self {
            Self::One(one) => one == origin,
            Self::Below(base) => {
                let label = origin.host().strip_suffix(base.host()).and_then(|it| it.strip_suffix('.'));
                origin.is_secure() == base.is_secure()
                    && origin.port() == base.port()
                    && label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
        }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let Some((scheme, rest)) = text.split_once("://*.") else { return Ok(Self::One(text.parse()?)) };
        let base: Origin = format!("{scheme}://{rest}").parse()?;
        // Of `*.com` everything would be granted, and addresses have no labels.
        if base.host().contains('.') && base.host().parse::<std::net::Ipv4Addr>().is_err() {
            return Ok(Self::Below(base));
        }
        Err(OriginError::new(text, "a wildcard stands before a name of at least two labels"))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(origin) => origin.fmt(f),
            Self::Below(base) => write!(f, "{}://*.{}", base.scheme(), base.authority()),
        }
    }
}

/// One line of the operator's: this may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Where to.
    pub origins: OriginPattern,
    /// Its name may resolve to an address of this machine or network, and `http` is allowed (only to such
    /// an address).
    pub private: bool,
    /// With which methods; empty = any.
    pub methods: Vec<Method>,
    /// Below which paths, whole segments: `/v1.0` is `/v1.0` and `/v1.0/users`, and not `/v1.0x`; empty = any.
    pub paths: Vec<String>,
}

impl Grant {
    /// Everything at one origin.
    #[must_use]
    pub fn all_of(origin: Origin, private: bool) -> Self {
        Self { origins: OriginPattern::One(origin), private, methods: Vec::new(), paths: Vec::new() }
    }

    fn allows(&self, method: &Method, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && (self.paths.is_empty() || self.paths.iter().any(|prefix| below(path, prefix)))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |all: Vec<&str>| if all.is_empty() { String::new() } else { format!(" {}", all.join(", ")) };
        write!(f, "{}", self.origins)?;
        f.write_str(&list(self.methods.iter().map(Method::as_str).collect()))?;
        f.write_str(&list(self.paths.iter().map(String::as_str).collect()))?;
        f.write_str(if self.private { " (private)" } else { "" })
    }
}

/// Whether a path lies below a prefix. One that a server could read as another path lies nowhere, and neither does
/// one with a backslash, or a slash that is encoded.
fn below(path: &str, prefix: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let doubtful = wanders(path) || ["\\", "%2f", "%5c"].iter().any(|it| lower.contains(it));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    !doubtful && path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a server could read a path as another one: `.` or `..` stands in it as a segment, however it is written
/// and whatever parameters follow, or something is encoded twice and leads wherever somebody decodes it twice.
pub(super) fn wanders(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    plain.contains("%25") || plain.split(['/', '\\']).any(dots)
}

/// What a session may reach: what the plugin asked for and the operator granted. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    asked: Vec<Origin>,
    granted: Vec<Grant>,
}

impl Grants {
    /// `asked` are the manifest's origins with their holes filled, `granted` the operator's lines.
    pub fn new(asked: impl IntoIterator<Item = Origin>, granted: impl IntoIterator<Item = Grant>) -> Self {
        Self { asked: asked.into_iter().collect(), granted: granted.into_iter().collect() }
    }

    /// The grant that covers a request, or the layer that refuses it.
    pub fn check(&self, origin: &Origin, method: &Method, path: &str) -> Result<&Grant, Denial> {
        self.reaches(origin)?;
        let covering = self.covering(origin).filter(|grant| grant.allows(method, path));
        covering.max_by_key(|grant| grant.private).ok_or_else(|| Denial::NotThis {
            origin: origin.clone(),
            method: method.clone(),
            path: path.chars().take(200).collect(),
        })
    }

    fn covering(&self, origin: &Origin) -> impl Iterator<Item = &Grant> {
        self.granted.iter().filter(|grant| grant.origins.covers(origin))
    }

    /// Whether there is something at an origin that may be reached.
    fn reaches(&self, origin: &Origin) -> Result<(), Denial> {
        if !self.asked.contains(origin) {
            return Err(Denial::NotAsked { origin: origin.clone() });
        }
        // The widest of several lines about one origin.
        let grant = self.covering(origin).max_by_key(|grant| grant.private);
        let grant = grant.ok_or_else(|| Denial::NotGranted { origin: origin.clone() })?;
        if !origin.is_secure() && !grant.private {
            return Err(Denial::NotEncrypted { origin: origin.clone() });
        }
        Ok(())
    }

    /// What is asked for and not granted, for a preflight that reports everything at once.
    pub fn missing(&self) -> Vec<Denial> {
        self.asked.iter().filter_map(|origin| self.reaches(origin).err()).collect()
    }

    /// What may be reached in effect: each origin that the plugin asked for, with the lines that cover it.
    pub fn effective(&self) -> impl Iterator<Item = (&Origin, Vec<&Grant>)> {
        self.asked.iter().map(|origin| (origin, self.covering(origin).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap()
    }

    fn get(grants: &Grants, at: &str) -> Result<bool, Denial> {
        grants.check(&origin(at), &Method::GET, "/").map(|grant| grant.private)
    }

    #[test]
    fn asked_and_granted_both_or_nothing() {
        let at = "https://graph.microsoft.com";
        let graph = origin(at);
        let grant = || Grant::all_of(graph.clone(), false);
        assert!(matches!(get(&Grants::default(), at), Err(Denial::NotAsked { .. })));
        let asked_only = Grants::new([graph.clone()], []);
        assert!(matches!(get(&asked_only, at), Err(Denial::NotGranted { .. })));
        let granted_only = Grants::new([], [grant()]);
        assert!(matches!(get(&granted_only, at), Err(Denial::NotAsked { .. })));
        let both = Grants::new([graph.clone()], [grant()]);
        assert_eq!(get(&both, at), Ok(false));
        // Same host, another port or scheme: another origin.
        assert!(get(&both, "https://graph.microsoft.com:8443").is_err());
        assert!(get(&both, "http://graph.microsoft.com").is_err());
        assert_eq!(asked_only.missing().len(), 1);
        assert!(both.missing().is_empty());
    }

    #[test]
    fn plain_http_needs_a_private_grant() {
        let at = "http://127.0.0.1:8080";
        let with = |private| Grants::new([origin(at)], [Grant::all_of(origin(at), private)]);
        assert!(matches!(get(&with(false), at), Err(Denial::NotEncrypted { .. })));
        assert_eq!(get(&with(true), at), Ok(true));
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let below = pattern("HTTPS://*.Example.com:8443");
        assert_eq!(below.to_string(), "https://*.example.com:8443");
        for (text, covered) in [
            ("https://a.example.com:8443", true),
            ("https://a-b.example.com:8443", true),
            ("https://example.com:8443", false),
            ("https://a.b.example.com:8443", false),
            ("https://aexample.com:8443", false),
            ("https://a.example.com", false),
            ("http://a.example.com:8443", false),
            ("https://a.example.com.evil.example:8443", false),
        ] {
            assert_eq!(below.covers(&origin(text)), covered, "{text}");
        }
        for text in [
            "https://*",
            "https://*.com",
            "https://*.*.example.com",
            "https://a.*.example.com",
            "https://*a.example.com",
            "https://*.1.2.3.4",
            "*://a.example.com",
            "https://*.example.com/",
            "https://*.[::1]",
            "https://*.",
            "https://*.localhost",
        ] {
            assert!(text.parse::<OriginPattern>().is_err(), "{text} was taken");
        }
    }

    #[test]
    fn methods_and_paths_narrow_a_grant() {
        let at = "https://graph.microsoft.com";
        let grant = Grant {
            methods: vec![Method::GET],
            paths: vec!["/v1.0/users".into(), "/v1.0/directory/".into()],
            ..Grant::all_of(origin(at), false)
        };
        assert_eq!(grant.to_string(), "https://graph.microsoft.com GET /v1.0/users, /v1.0/directory/");
        let grants = Grants::new([origin(at)], [grant]);
        let check = |method: Method, path: &str| grants.check(&origin(at), &method, path).is_ok();
        for path in
            ["/v1.0/users", "/v1.0/users/", "/v1.0/users/delta", "/v1.0/directory", "/v1.0/users/a%20b"]
        {
            assert!(check(Method::GET, path), "{path}");
        }
        for path in [
            "/",
            "/v1.0",
            "/v1.0/usersx",
            "/v1.0/users/../groups",
            "/v1.0/users/%2e%2E/groups",
            "/v1.0/Users",
            "/v1.0/users%2f..%2fgroups",
            "/v1.0/users/..%5cgroups",
            "/v1.0/users/./x",
            "/beta/users",
            "/v1.0/users/%252e%252e/groups",
            "/v1.0/users/..;x/groups",
        ] {
            assert!(!check(Method::GET, path), "{path}");
        }
        assert!(!check(Method::POST, "/v1.0/users"));
        let denial = grants.check(&origin(at), &Method::POST, "/v1.0/$batch").unwrap_err();
        assert!(matches!(denial, Denial::NotThis { .. }));
        assert!(grants.missing().is_empty(), "something of it may be reached");
    }

    proptest! {
        #[test]
        fn whatever_is_covered_is_one_label_longer(host in "[a-z*.]{1,20}", base in "[a-z]{1,5}\\.[a-z]{2,3}") {
            let pattern = pattern(&format!("https://*.{base}"));
            if let Ok(origin) = format!("https://{host}.{base}").parse::<Origin>() {
                prop_assert_eq!(pattern.covers(&origin), !host.contains('.'));
            }
        }

        #[test]
        fn parsing_never_panics_and_settles(text in "(https?://)?[*.a-z:0-9\\[\\]/@ ]{0,30}") {
            if let Ok(pattern) = text.parse::<OriginPattern>() {
                prop_assert_eq!(pattern.to_string().parse::<OriginPattern>().unwrap(), pattern);
            }
        }

        #[test]
        fn what_is_below_stays_below_when_a_server_resolves_it(path in "(/[a-z.%25eE2fF\\\\]{0,6}){0,5}") {
            if below(&path, "/a") {
                let url = url::Url::parse(&format!("https://x.example{path}")).unwrap();
                prop_assert!(url.path() == "/a" || url.path().starts_with("/a/"), "{}", url.path());
            }
        }
    }
}
