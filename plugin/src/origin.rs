//! Origins (RFC 6454): scheme, host and port, and nothing else, in the one form that can be compared.

/// Splits a URL into its origin, in lower case and without a default port, and what follows the host.
/// The error says what was expected.
pub fn split(url: &str) -> Result<(String, &str), String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!("expected `https://HOST`, found `{url}`"));
    };
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return Err(format!("expected https, found the scheme `{scheme}`")),
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.contains('@') {
        return Err("expected no user name or password in the URL".to_owned());
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The colons inside of `[::1]` part no port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if !is_host(host) {
        return Err(format!("expected a host name, found `{authority}`"));
    }
    let mut origin = format!("{scheme}://{}", host.to_ascii_lowercase());
    match port {
        None => {}
        Some(port) if port.parse::<u16>().is_ok_and(|n| n > 0) && !port.starts_with('+') => {
            let port = port.trim_start_matches('0');
            if port != default_port {
                origin.push(':');
                origin.push_str(port);
            }
        }
        Some(port) => return Err(format!("expected a port from 1 to 65535, found `{port}`")),
    }
    Ok((origin, rest))
}

/// Reads an origin that a person typed; one slash behind it is forgiven.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let (origin, rest) = split(text)?;
    match rest {
        "" | "/" => Ok(origin),
        _ => Err(format!("expected no path, as in `{origin}`, found `{rest}`")),
    }
}

fn is_host(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            !host.is_empty() && host.len() <= 253 && host.bytes().all(letter)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        for (text, origin) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            ("HTTPS://Graph.Microsoft.com:443/", "https://graph.microsoft.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin), "{text}");
        }
    }

    #[test]
    fn whatever_is_no_origin() {
        for text in [
            "",
            "graph.microsoft.com",
            "ftp://graph.microsoft.com",
            "https://",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com?x",
            "https://graph.microsoft.com\\@evil.example",
            "https://me@graph.microsoft.com",
            "https://graph.microsoft.com:0",
            "https://graph.microsoft.com:99999",
            "https://graph microsoft.com",
            "https://gräph.example",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_is_compared_by_its_origin() {
        let (origin, rest) = split("https://Graph.microsoft.com:443/v1.0/users?$top=1").unwrap();
        assert_eq!(origin, "https://graph.microsoft.com");
        assert_eq!(rest, "/v1.0/users?$top=1");
        let (origin, _) = split("https://graph.microsoft.com.evil.example/v1.0/users").unwrap();
        assert_ne!(origin, "https://graph.microsoft.com");
    }
}
