//! The one setting, and the origin that follows from it.

use userload_plugin::bindings::userload::directory::types::{Error, Setting};
use userload_plugin::kit::{problem, split_origin};

/// The URL before `/Users`.
pub(crate) const BASE_URL: &str = "base-url";
/// Its origin: what the manifest's holes are filled with.
pub(crate) const ORIGIN: &str = "origin";

/// Where the service is: `https://scim.example.com/v2`, without a slash at its end.
pub(crate) fn base_url(settings: &[Setting]) -> Result<(String, String), Error> {
    let given = settings.iter().find(|it| it.name == BASE_URL).map_or("", |it| it.value.trim());
    if given.is_empty() {
        let text = "expected the URL of the service, such as https://scim.example.com/v2";
        return Err(Error::Settings(vec![problem(BASE_URL, text)]));
    }
    let (origin, path) =
        split_origin(given).map_err(|text| Error::Settings(vec![problem(BASE_URL, text)]))?;
    let path = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    if !path.bytes().all(plain) || path.split('/').any(|part| matches!(part, "." | "..")) {
        let text = format!("expected a path without `?`, `#` and dots, found `{path}`");
        return Err(Error::Settings(vec![problem(BASE_URL, text)]));
    }
    Ok((format!("{origin}{path}"), origin))
}

/// Checks the settings and adds the origin.
pub fn complete_settings(settings: &[Setting]) -> Result<Vec<Setting>, Error> {
    let (base, origin) = base_url(settings)?;
    let setting = |name: &str, value: String| Setting { name: name.to_owned(), value };
    Ok(vec![setting(BASE_URL, base), setting(ORIGIN, origin)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Vec<Setting>, Error> {
        complete_settings(&[Setting { name: BASE_URL.to_owned(), value: url.to_owned() }])
    }

    #[test]
    fn the_origin_follows_from_the_url() {
        for (url, base, origin) in [
            (
                "https://Scim.example.com/api/v2/",
                "https://scim.example.com/api/v2",
                "https://scim.example.com",
            ),
            ("https://scim.example.com:443", "https://scim.example.com", "https://scim.example.com"),
            ("http://127.0.0.1:8080/v2", "http://127.0.0.1:8080/v2", "http://127.0.0.1:8080"),
        ] {
            let settings = of(url).unwrap();
            let values: Vec<&str> = settings.iter().map(|it| it.value.as_str()).collect();
            assert_eq!(values, [base, origin]);
        }
        for bad in
            ["", "scim.example.com", "https://a.example/../b", "https://a.example/x?y", "ftp://a.example"]
        {
            assert!(matches!(of(bad), Err(Error::Settings(_))), "{bad}");
        }
    }
}
