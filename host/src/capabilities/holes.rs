//! `{setting}` holes in the texts of a manifest. Pure.

use super::origin::{Origin, OriginError};

/// Why a hole could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoleError {
    /// There is no such setting, or it is empty.
    #[error("`{template}` needs the setting `{setting}`, which is not set")]
    Missing {
        /// The manifest's text.
        template: String,
        /// The setting.
        setting: String,
    },
    /// A brace without its partner.
    #[error("`{template}` has a brace without its partner")]
    Unbalanced {
        /// The manifest's text.
        template: String,
    },
    /// The value would change what the template means.
    #[error(
        "the setting `{setting}` cannot stand in `{template}`: only letters, digits, `-`, `.`, `_` and `~` can"
    )]
    Unsafe {
        /// The manifest's text.
        template: String,
        /// The setting.
        setting: String,
    },
    /// The filled text is not an origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The filled text is not a path.
    #[error("`{template}` is not a path: it must begin with `/` and hold no query")]
    Path {
        /// The manifest's text.
        template: String,
    },
}

/// The origin that `template` names. A hole may hold the whole origin or any part of it: what comes out is
/// parsed as strictly as what an operator writes.
pub fn origin<'a>(template: &str, setting: impl Fn(&str) -> Option<&'a str>) -> Result<Origin, HoleError> {
    Ok(fill(template, setting, |_| true)?.parse()?)
}

/// The path that `template` names. A value fills one segment or a part of one, so that it cannot reach
/// another path than the manifest shows.
pub fn path<'a>(template: &str, setting: impl Fn(&str) -> Option<&'a str>) -> Result<String, HoleError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let filled = fill(template, setting, |value| value.chars().all(plain))?;
    let dots = filled.split('/').any(|segment| segment == "." || segment == "..");
    if !filled.starts_with('/') || filled.contains(['?', '#']) || dots {
        return Err(HoleError::Path { template: template.to_owned() });
    }
    Ok(filled)
}

/// The word that `template` names: letters, digits, `-`, `.`, `_` and `~`, as an id is written.
pub fn word<'a>(template: &str, setting: impl Fn(&str) -> Option<&'a str>) -> Result<String, HoleError> {
    fill(template, setting, |value| value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)))
}

fn fill<'a>(
    template: &str,
    setting: impl Fn(&str) -> Option<&'a str>,
    safe: impl Fn(&str) -> bool,
) -> Result<String, HoleError> {
    let unbalanced = || HoleError::Unbalanced { template: template.to_owned() };
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(unbalanced)?;
        let about = |name: &str| (template.to_owned(), name.to_owned());
        let value = setting(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            let (template, setting) = about(name);
            HoleError::Missing { template, setting }
        })?;
        if !safe(value) {
            let (template, setting) = about(name);
            return Err(HoleError::Unsafe { template, setting });
        }
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    if rest.contains('}') {
        return Err(unbalanced());
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<&'static str> {
        match name {
            "login" => Some("https://login.microsoftonline.com"),
            "host" => Some("graph.microsoft.com"),
            "tenant" => Some("contoso.onmicrosoft.com"),
            "evil" => Some("x/../../other"),
            "evil-host" => Some("good.example@evil.example"),
            "up" => Some(".."),
            "empty" => Some(""),
            _ => None,
        }
    }

    #[test]
    fn holes_are_filled() {
        assert_eq!(origin("{login}", lookup).unwrap().to_string(), "https://login.microsoftonline.com");
        assert_eq!(origin("https://{host}:443", lookup).unwrap().to_string(), "https://graph.microsoft.com");
        assert_eq!(
            path("/{tenant}/oauth2/v2.0/token", lookup).unwrap(),
            "/contoso.onmicrosoft.com/oauth2/v2.0/token"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(path("/{evil}/token", lookup), Err(HoleError::Unsafe { .. })));
        assert!(matches!(path("/{up}/token", lookup), Err(HoleError::Path { .. })));
        assert!(matches!(path("{tenant}/token", lookup), Err(HoleError::Path { .. })));
        assert_eq!(word("{tenant}", lookup).unwrap(), "contoso.onmicrosoft.com");
        assert!(matches!(word("{evil}", lookup), Err(HoleError::Unsafe { .. })));
        assert!(matches!(path("/token?x={tenant}", lookup), Err(HoleError::Path { .. })));
        assert!(matches!(origin("https://{evil-host}", lookup), Err(HoleError::Origin(_))));
        assert!(matches!(origin("https://{nobody}", lookup), Err(HoleError::Missing { .. })));
        assert!(matches!(origin("https://{empty}", lookup), Err(HoleError::Missing { .. })));
        assert!(matches!(origin("https://{host", lookup), Err(HoleError::Unbalanced { .. })));
        assert!(matches!(origin("https://host}", lookup), Err(HoleError::Unbalanced { .. })));
    }
}
