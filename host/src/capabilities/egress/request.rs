//! What a guest's request must look like, before anything is swapped or sent. Pure.

use super::limits::EgressLimits;
use crate::capabilities::denial::Denial;
use crate::capabilities::origin::Origin;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, request};

/// Where a request goes, taken apart once.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) method: Method,
    /// Always begins with `/`.
    pub(super) path: String,
    pub(super) query: Option<String>,
}

/// Headers that belong to the connection or to the host: a guest that sends one is refused. `Host` is not
/// here, because wasi:http fills it in; it must fit the authority.
const REFUSED: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "expect",
    "cookie",
];

/// Headers that the host sets itself, whatever the guest said.
const REPLACED: [HeaderName; 4] =
    [header::HOST, header::CONTENT_LENGTH, header::ACCEPT_ENCODING, header::USER_AGENT];

impl Target {
    /// The target of a request; refuses what could mean two things.
    pub(super) fn of(parts: &request::Parts, limits: &EgressLimits) -> Result<Self, Denial> {
        let refuse = |why: &str| Denial::Request { why: why.to_owned() };
        let uri = &parts.uri;
        let scheme = uri.scheme_str().ok_or_else(|| refuse("it names no scheme"))?;
        let authority = uri.authority().ok_or_else(|| refuse("it names no host"))?.as_str();
        let origin = Origin::of(scheme, authority).map_err(|error| refuse(&error.to_string()))?;
        // What is sent is the origin's own spelling; another spelling of the same host is welcome, another
        // host is not.
        for host in parts.headers.get_all(header::HOST) {
            let same = host.to_str().ok().and_then(|host| Origin::of(scheme, host).ok());
            if same.as_ref() != Some(&origin) {
                return Err(refuse("the header `host` names another host than the URL"));
            }
        }
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        // GHSA-5qpp-g3j2-8frx: an absolute URL in the place of the path addresses another host.
        if !path.starts_with('/') {
            return Err(refuse("its path does not begin with `/`"));
        }
        if path.len() + uri.query().unwrap_or_default().len() > limits.request_head {
            return Err(refuse("its URL is too long"));
        }
        if [Method::CONNECT, Method::TRACE].contains(&parts.method) {
            return Err(refuse("`CONNECT` and `TRACE` are not sent"));
        }
        let (path, query) = (path.to_owned(), uri.query().map(str::to_owned));
        Ok(Self { origin, method: parts.method.clone(), path, query })
    }

    /// The URL to send.
    pub(super) fn uri(&self) -> Result<http::Uri, Denial> {
        let query = self.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        http::Uri::builder()
            .scheme(self.origin.scheme())
            .authority(self.origin.authority())
            .path_and_query(format!("{}{query}", self.path))
            .build()
            .map_err(|error| Denial::Request { why: error.to_string() })
    }
}

/// The guest's headers without those that the host sets.
pub(super) fn headers(guest: &HeaderMap, limits: &EgressLimits) -> Result<HeaderMap, Denial> {
    let refuse = |why: String| Denial::Request { why };
    let mut kept = HeaderMap::with_capacity(guest.len());
    let mut bytes = 0;
    for (name, value) in guest {
        if REFUSED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(refuse(format!("a plugin must not send the header `{name}`")));
        }
        if REPLACED.contains(name) {
            continue;
        }
        bytes += name.as_str().len() + value.len();
        if bytes > limits.request_head {
            return Err(refuse("its headers are too large".to_owned()));
        }
        kept.append(name.clone(), value.clone());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(request: request::Builder) -> Result<Target, Denial> {
        Target::of(&request.body(()).unwrap().into_parts().0, &EgressLimits::default())
    }

    #[test]
    fn a_target_is_what_it_says_in_one_spelling() {
        let target = target(http::Request::get("https://GRAPH.microsoft.com:443/v1.0/users?$top=1")).unwrap();
        assert_eq!(target.uri().unwrap().to_string(), "https://graph.microsoft.com/v1.0/users?$top=1");
        assert_eq!((target.path.as_str(), target.query.as_deref()), ("/v1.0/users", Some("$top=1")));
    }

    #[test]
    fn requests_that_could_mean_two_hosts_are_refused() {
        let get = http::Request::get;
        assert!(target(get("https://good.example/").header("host", "evil.example")).is_err());
        assert!(target(get("https://good.example/").header("host", "good.example:444")).is_err());
        assert!(target(get("https://good.example@evil.example/")).is_err());
        assert!(target(get("/only-a-path")).is_err());
        assert!(target(get("*")).is_err());
        assert!(target(get("ftp://good.example/")).is_err());
        assert!(target(http::Request::builder().method("CONNECT").uri("good.example:443")).is_err());
        assert!(target(http::Request::builder().method("TRACE").uri("https://good.example/")).is_err());
        let long = format!("https://good.example/{}", "x".repeat(40_000));
        assert!(target(get(&long)).is_err());
        assert!(target(get("https://good.example/").header("host", "good.example")).is_ok());
    }

    #[test]
    fn connection_headers_are_refused_and_host_headers_replaced() {
        let with = |name: &str| {
            let mut map = HeaderMap::new();
            map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), "x".parse().unwrap());
            headers(&map, &EgressLimits::default())
        };
        for name in REFUSED {
            assert!(with(name).is_err(), "{name}");
        }
        for name in REPLACED {
            assert!(with(name.as_str()).unwrap().is_empty(), "{name}");
        }
        assert_eq!(with("consistencylevel").unwrap().len(), 1);
        let mut big = HeaderMap::new();
        big.insert("x", "y".repeat(40_000).parse().unwrap());
        assert!(headers(&big, &EgressLimits::default()).is_err());
    }
}
