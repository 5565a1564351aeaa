//! Origins. Pure, parsed once, `Display` gives the text back.

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

impl OriginError {
    /// `text` is not an origin because of this; only its beginning is kept.
    pub(super) fn new(text: &str, why: &'static str) -> Self {
        Self { text: text.chars().take(120).collect(), why }
    }
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
        let refuse = |why| OriginError::new(text, why);
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
            return Err(refuse("there is a wildcard, which can only be the first label"));
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
