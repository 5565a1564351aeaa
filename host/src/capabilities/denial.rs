//! What was refused, by which layer, and the line that would allow it. For the operator: the guest only
//! gets a coarse code.

use super::networks::Reach;
use super::origin::Origin;
use http::Method;
use std::fmt;
use std::net::IpAddr;

/// The rule that refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The plugin's manifest does not ask for the origin.
    Asked,
    /// The operator did not grant it.
    Granted,
    /// The operator granted the origin for other methods or paths.
    Narrowed,
    /// Not encrypted.
    Scheme,
    /// The name resolves to an address that the grant does not cover.
    Address,
    /// The request itself is not one that the door sends (forbidden header, authority that does not fit).
    Request,
    /// A placeholder in a place that it is not bound to.
    Placeholder,
    /// The reply held a secret that was sent.
    Echo,
    /// The session's budget is used up.
    Budget,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::Asked => "asked",
            Layer::Granted => "granted",
            Layer::Narrowed => "method and path",
            Layer::Scheme => "scheme",
            Layer::Address => "address",
            Layer::Request => "request",
            Layer::Placeholder => "placeholder",
            Layer::Echo => "echo",
            Layer::Budget => "budget",
        })
    }
}

/// Where a placeholder stood, or what did not fit its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// In the path or the query.
    Url,
    /// In a header that it is not bound to, or with something around it.
    Header(String),
    /// In a form field that it is not bound to, or with something around it.
    FormField(String),
    /// In a body that is not a form.
    Body,
    /// The place fits, the origin does not.
    Origin,
    /// The place and origin fit, the method does not.
    Method,
    /// The place and origin fit, the path does not (a query makes it another path).
    Path,
    /// It is a token that the manifest binds to nothing.
    Unbound,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misplaced::Url => f.write_str("in the URL"),
            Misplaced::Header(name) => write!(f, "in the header `{name}`"),
            Misplaced::FormField(name) => write!(f, "in the form field `{name}`"),
            Misplaced::Body => f.write_str("in a body that is not a form"),
            Misplaced::Origin => f.write_str("in a request to an origin that it is not bound to"),
            Misplaced::Method => f.write_str("in a request with a method that it is not bound to"),
            Misplaced::Path => f.write_str("in a request to a path that it is not bound to"),
            Misplaced::Unbound => f.write_str("although the manifest binds it to no place"),
        }
    }
}

/// Why the door did not let a request out or a reply in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The manifest does not ask for this origin.
    #[error("the plugin does not ask for `{origin}` in its manifest")]
    NotAsked {
        /// Where the request went.
        origin: Origin,
    },
    /// The operator did not grant this origin.
    #[error("`{origin}` is not granted")]
    NotGranted {
        /// Where the request went.
        origin: Origin,
    },
    /// The operator granted this origin, but not for this method and path.
    #[error("`{method} {path}` at `{origin}` is not granted")]
    NotThis {
        /// Where the request went.
        origin: Origin,
        /// Its method.
        method: Method,
        /// Its path, shortened, without its query.
        path: String,
    },
    /// `http` without a private grant, or to a public address.
    #[error(
        "`{origin}` is not encrypted, and plain http is only spoken to private addresses that were granted"
    )]
    NotEncrypted {
        /// Where the request went.
        origin: Origin,
    },
    /// The name resolves to an address that the grant does not cover. One such address refuses them all.
    #[error("`{origin}` resolves to {address}, which is {}", words(*.reach))]
    Address {
        /// Where the request went.
        origin: Origin,
        /// The first address that was refused.
        address: IpAddr,
        /// What it is.
        reach: Reach,
    },
    /// The request is not one that the door sends.
    #[error("the request cannot be sent: {why}")]
    Request {
        /// What is wrong with it.
        why: String,
    },
    /// A placeholder in a wrong place.
    #[error("a placeholder stood {place}")]
    Placeholder {
        /// Where the request went.
        origin: Origin,
        /// What did not fit.
        place: Misplaced,
    },
    /// A secret came back.
    #[error("the reply of `{origin}` holds a secret that was sent to it, and was withheld")]
    Echo {
        /// Who sent it.
        origin: Origin,
    },
    /// A budget of the session.
    #[error("the session's budget of {limit} {what} is used up")]
    Budget {
        /// `requests`, `bytes sent`, `bytes received`, `requests at a time`, `tokens`.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

fn words(reach: Reach) -> &'static str {
    match reach {
        Reach::Public => "a public address",
        Reach::Private => "a private address",
        Reach::Never => "an address that is never reached (metadata, link-local, multicast or reserved)",
    }
}

impl Denial {
    /// The layer that refused.
    pub fn layer(&self) -> Layer {
        match self {
            Denial::NotAsked { .. } => Layer::Asked,
            Denial::NotGranted { .. } => Layer::Granted,
            Denial::NotThis { .. } => Layer::Narrowed,
            Denial::NotEncrypted { .. } => Layer::Scheme,
            Denial::Address { .. } => Layer::Address,
            Denial::Request { .. } => Layer::Request,
            Denial::Placeholder { .. } => Layer::Placeholder,
            Denial::Echo { .. } => Layer::Echo,
            Denial::Budget { .. } => Layer::Budget,
        }
    }

    /// What to do about it: where a grant would help, the line for the integration's file.
    pub fn advice(&self) -> String {
        let line = |origin: &Origin, private: bool| {
            let private = if private { ", private = true" } else { "" };
            format!("grants = [{{ origin = \"{origin}\"{private} }}]")
        };
        match self {
            Denial::NotAsked { origin } => {
                format!("a plugin that needs `{origin}` must list it under `origins` in its manifest")
            }
            Denial::NotGranted { origin } => line(origin, !origin.is_secure() || origin.looks_private()),
            Denial::NotThis { origin, method, path } => {
                let private = if origin.looks_private() { ", private = true" } else { "" };
                format!(
                    "grants = [{{ origin = \"{origin}\", methods = [\"{method}\"], paths = [{path:?}]{private} }}]"
                )
            }
            Denial::NotEncrypted { origin } if origin.looks_private() => line(origin, true),
            Denial::NotEncrypted { origin } => format!("use `https://{}`", origin.host()),
            Denial::Address { origin, reach: Reach::Private, .. } => line(origin, true),
            Denial::Address { .. } => {
                "no grant opens this address: check what the name resolves to".to_owned()
            }
            Denial::Request { .. } | Denial::Placeholder { .. } => {
                "this is a fault of the plugin: report it to whoever made it".to_owned()
            }
            Denial::Echo { .. } => {
                "check that the login origin is the real one, and renew the secret".to_owned()
            }
            Denial::Budget { what, limit } => match *what {
                "requests" => format!("limits = {{ requests = {} }}", limit.saturating_mul(2)),
                "bytes sent" => format!("limits = {{ sent-mib = {} }}", (limit >> 20).saturating_mul(2)),
                "bytes received" => {
                    format!("limits = {{ received-mib = {} }}", (limit >> 20).saturating_mul(2))
                }
                _ => "ask for less at a time".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_the_line_to_add() {
        let at = |text: &str| text.parse::<Origin>().unwrap();
        let granted = |text| Denial::NotGranted { origin: at(text) }.advice();
        assert_eq!(
            granted("https://graph.microsoft.com"),
            r#"grants = [{ origin = "https://graph.microsoft.com" }]"#
        );
        assert_eq!(
            granted("http://127.0.0.1:8080"),
            r#"grants = [{ origin = "http://127.0.0.1:8080", private = true }]"#
        );
        let address = Denial::Address {
            origin: at("https://graph.corp.example"),
            address: "10.0.0.1".parse().unwrap(),
            reach: Reach::Private,
        };
        assert_eq!(
            address.advice(),
            r#"grants = [{ origin = "https://graph.corp.example", private = true }]"#
        );
        assert_eq!(address.layer().to_string(), "address");
        let metadata = Denial::Address {
            origin: at("https://metadata.example"),
            address: "169.254.169.254".parse().unwrap(),
            reach: Reach::Never,
        };
        assert!(!metadata.advice().contains("grants"), "metadata must not be offered as a grant");
    }
}
