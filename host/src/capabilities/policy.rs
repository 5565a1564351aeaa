//! Where a plugin may send requests: asked ∩ granted. Pure, parsed once, `Display` gives the text back.

use super::denial::Denial;
use std::fmt;
use std::str::FromStr;

/// `scheme://host[:port]`, normalised the way the WHATWG URL standard does: lower case, punycode, decimal
/// and octal IPv4 spelled out, default port left out; a trailing dot is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

/// Why a text is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an origin: {why}; expected `https://host` or `https://host:port`")]
pub struct OriginError {
    text: String,
    why: &'static str,
}

impl Origin {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Whether requests to it are encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also when it is the default one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]` as a request names it.
    pub fn authority(&self) -> String {
        if self.port == default_port(self.secure) {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The origin of a request's scheme and authority.
    pub fn of(scheme: &str, authority: &str) -> Result<Self, OriginError> {
        format!("{scheme}://{authority}").parse()
    }

    /// The host is an address or a name that can only be local, so that a grant needs `private = true`.
    pub(crate) fn looks_private(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let local =
            self.host == "localhost" || self.host.ends_with(".localhost") || self.host.ends_with(".internal");
        local || bare.parse().is_ok_and(|ip| super::networks::reach(ip) == super::networks::Reach::Private)
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refuse = |why| OriginError { text: text.chars().take(120).collect(), why };
        // The URL standard repairs these silently; a policy must not.
        if text.chars().any(|c| c.is_ascii_control() || c.is_whitespace() || c == '\\') {
            return Err(refuse("it holds white space, a control character or a backslash"));
        }
        let (scheme, rest) = text.split_once("://").ok_or(refuse("there is no scheme"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse("the scheme is neither `https` nor `http`")),
        };
        if rest.contains('@') {
            return Err(refuse("it holds a user name"));
        }
        if rest.contains('*') {
            return Err(refuse("wildcards are not supported"));
        }
        if rest.contains(['/', '?', '#']) {
            return Err(refuse("it goes on after the host"));
        }
        let parsed = url::Url::parse(text).map_err(|_| refuse("the host or port is not valid"))?;
        let host = parsed.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() || host.ends_with('.') {
            return Err(refuse("there is no host"));
        }
        let port = parsed.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or(refuse("the port is not valid"))?;
        Ok(Self { secure, host: host.to_owned(), port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

/// One line of the operator's: this origin may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Where to.
    pub origin: Origin,
    /// Its name may resolve to an address of this machine or network, and `http` is allowed (only to such
    /// an address).
    pub private: bool,
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

    /// The grant that covers `origin`, or the layer that refuses it.
    pub fn check(&self, origin: &Origin) -> Result<&Grant, Denial> {
        if !self.asked.contains(origin) {
            return Err(Denial::NotAsked { origin: origin.clone() });
        }
        let grants = self.granted.iter().filter(|grant| grant.origin == *origin);
        // The widest of several lines about one origin.
        let grant = grants.max_by_key(|grant| grant.private);
        let grant = grant.ok_or_else(|| Denial::NotGranted { origin: origin.clone() })?;
        if !origin.is_secure() && !grant.private {
            return Err(Denial::NotEncrypted { origin: origin.clone() });
        }
        Ok(grant)
    }

    /// What is asked for and not granted, for a preflight that reports everything at once.
    pub fn missing(&self) -> Vec<Denial> {
        self.asked.iter().filter_map(|origin| self.check(origin).err()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn one_spelling_for_every_way_to_write_it() {
        for (text, expected) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            ("HTTPS://Graph.Microsoft.COM:443", "https://graph.microsoft.com"),
            ("https://graph.microsoft.com.", "https://graph.microsoft.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://2130706433:8080", "http://127.0.0.1:8080"),
            ("http://0177.0.0.1", "http://127.0.0.1"),
            ("http://0x7f.1", "http://127.0.0.1"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://[::1]:9", "https://[::1]:9"),
            ("https://[0:0:0:0:0:ffff:7f00:1]", "https://[::ffff:7f00:1]"),
            ("https://GRAPH%2emicrosoft.com", "https://graph.microsoft.com"),
        ] {
            assert_eq!(origin(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in [
            "",
            "graph.microsoft.com",
            "ftp://a.example",
            "https://",
            "https:///a.example",
            "https:a.example",
            "https://user@a.example",
            "https://allowed.example@evil.example",
            "https://a.example/",
            "https://*.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://a.example:99999",
            "https://a.example:0",
            "https://a .example",
            " https://a.example",
            "https://a.example\n",
            "https://a\\b",
            "https://a.example..",
            "https://1.2.3.4.5",
            "https://[::1%25eth0]",
            "https://%00.example",
            "https://a.example:x",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn asked_and_granted_both_or_nothing() {
        let graph = origin("https://graph.microsoft.com");
        let grant = |text: &str, private| Grant { origin: origin(text), private };
        assert!(matches!(Grants::default().check(&graph), Err(Denial::NotAsked { .. })));
        let asked_only = Grants::new([graph.clone()], []);
        assert!(matches!(asked_only.check(&graph), Err(Denial::NotGranted { .. })));
        let granted_only = Grants::new([], [grant("https://graph.microsoft.com", false)]);
        assert!(matches!(granted_only.check(&graph), Err(Denial::NotAsked { .. })));
        let both = Grants::new([graph.clone()], [grant("https://graph.microsoft.com", false)]);
        assert!(both.check(&graph).is_ok());
        // Same host, another port or scheme: another origin.
        assert!(both.check(&origin("https://graph.microsoft.com:8443")).is_err());
        assert!(both.check(&origin("http://graph.microsoft.com")).is_err());
        assert_eq!(asked_only.missing().len(), 1);
    }

    #[test]
    fn plain_http_needs_a_private_grant() {
        let plain = origin("http://127.0.0.1:8080");
        let with = |private| Grants::new([plain.clone()], [Grant { origin: plain.clone(), private }]);
        assert!(matches!(with(false).check(&plain), Err(Denial::NotEncrypted { .. })));
        assert!(with(true).check(&plain).unwrap().private);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_settles_at_once(text in ".{0,60}") {
            if let Ok(origin) = text.parse::<Origin>() {
                let shown = origin.to_string();
                prop_assert_eq!(shown.parse::<Origin>().unwrap(), origin);
            }
        }

        #[test]
        fn parsing_settles_for_texts_that_look_like_origins(
            text in "(http|https|HTTP|ftp)://[a-zA-Z0-9.%@*\\[\\]:_ü-]{0,30}(:[0-9]{0,6})?"
        ) {
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin);
            }
        }
    }
}
