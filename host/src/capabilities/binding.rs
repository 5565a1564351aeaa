//! What a manifest asks for: secrets and tokens, and where in which request each may stand. Pure.

use super::origin::Origin;
use super::policy::wanders;
use http::{HeaderName, Method};

/// Where a secret may stand in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A header, and what stands before the value (`Bearer `).
    Header {
        /// Its name.
        name: HeaderName,
        /// What stands before the value; may be empty.
        prefix: String,
    },
    /// A field of an `application/x-www-form-urlencoded` body.
    FormField(String),
}

/// All of these must fit for a placeholder to be swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where to.
    pub origin: Origin,
    /// None = any (tokens).
    pub method: Option<Method>,
    /// The exact path, without a query; with `/*` at its end that path and all below it, with any query. None =
    /// any (tokens).
    pub path: Option<String>,
    /// Where in the request.
    pub place: Place,
}

impl Binding {
    /// The path that all paths below it are bound with, without a slash at its end; none when it is exact.
    fn below(&self) -> Option<&str> {
        self.path.as_deref()?.strip_suffix("/*")
    }

    /// Whether a secret goes with requests for data, and not with one sign-in.
    pub(crate) fn is_wide(&self) -> bool {
        self.below().is_some()
    }

    /// Whether a request for this path may carry it. Dots and their encodings are refused below a path: servers
    /// disagree where they lead.
    pub(crate) fn fits_path(&self, path: &str, has_query: bool) -> bool {
        let Some(bound) = &self.path else { return true };
        let Some(below) = self.below() else { return bound == path && !has_query };
        let Some(rest) = path.strip_prefix(below) else { return false };
        (rest.is_empty() || rest.starts_with('/')) && !wanders(rest)
    }
}

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A text to send.
    Text,
    /// A key to sign assertions with: a certificate and its private key, in PEM.
    SigningKey {
        /// Whom its assertions speak for.
        subject: String,
    },
}

/// A secret that a manifest asks for, its holes filled.
#[derive(Clone, Debug)]
pub struct SecretAsk {
    /// As the manifest calls it.
    pub name: String,
    /// What it is.
    pub kind: SecretKind,
    /// The run can do without it.
    pub optional: bool,
    /// Where it may be sent.
    pub binding: Binding,
}

/// Where the token in `field` of a reply may be sent: any method, any path.
#[derive(Clone, Debug)]
pub struct TokenAsk {
    /// The field of the JSON reply, such as `access_token`.
    pub field: String,
    /// Where to.
    pub origin: Origin,
    /// Where in the request.
    pub place: Place,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_exact_or_stands_for_all_below_it() {
        let mut binding = Binding {
            origin: "https://login.example".parse().unwrap(),
            method: Some(Method::POST),
            path: Some("/token".to_owned()),
            place: Place::FormField("client_secret".to_owned()),
        };
        assert!(binding.fits_path("/token", false) && !binding.is_wide());
        for (path, query) in [("/token", true), ("/token/", false), ("/token/x", false), ("/", false)] {
            assert!(!binding.fits_path(path, query), "{path}");
        }
        binding.path = Some("/v2/Users/*".to_owned());
        assert!(binding.is_wide());
        for path in ["/v2/Users", "/v2/Users/", "/v2/Users/a%2Fb", "/v2/Users/a/b"] {
            assert!(binding.fits_path(path, true), "{path}");
        }
        for path in [
            "/v2/UsersX",
            "/v2",
            "/v2/Users/../Groups",
            "/v2/Users/%2e%2E/Groups",
            "/v2/Users/.",
            "/v2/Users/..\\x",
        ] {
            assert!(!binding.fits_path(path, false), "{path}");
        }
        binding.path = Some("/*".to_owned());
        assert!(binding.fits_path("/", true) && binding.fits_path("/any/thing", true));
        assert!(!binding.fits_path("/any/../thing", true));
    }
}
