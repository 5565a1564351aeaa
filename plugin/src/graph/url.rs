//! URLs of Graph v1.0: the first one of an enumeration, and the check of those that Graph hands out.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bindings::userload::directory::types::SettingProblem;
use crate::error::problem;
use crate::graph::filter::Filter;
use crate::manifest::SYNC_TIME;
use crate::origin;

/// The longest URL of an advanced query, in bytes: <https://learn.microsoft.com/graph/known-issues>, 13635.
pub(crate) const ADVANCED_URL_BYTES: usize = 2048;

/// What of a filter needs no encoding; leaving it as it is keeps long `in` lists below the limit.
const FILTER: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'@');

/// What may not stand in a URL as it is. A link of Graph's is used whole; this only makes one sendable that
/// holds a blank.
const LINK: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Properties that live outside of the directory store: in the `$select` of a listing they give 501.
/// <https://learn.microsoft.com/graph/api/user-list>
const NOT_IN_LISTINGS: [&str; 14] = [
    "aboutMe",
    "birthday",
    "deviceEnrollmentLimit",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "print",
    "responsibilities",
    "schools",
    "skills",
    "userPurpose",
];

/// What our own rules need of everybody.
const ALWAYS: [&str; 2] = ["id", "accountEnabled"];

/// The property that Graph reads from another store, in smaller pages.
pub(crate) const SIGN_IN_ACTIVITY: &str = "signInActivity";

/// The value of `$select`: `id` and `accountEnabled`, then the first step of each path, each once.
pub(crate) fn select(paths: &[String]) -> Result<String, Vec<SettingProblem>> {
    let mut names: Vec<&str> = ALWAYS.to_vec();
    let mut problems = Vec::new();
    for path in paths {
        let name = path.split('.').next().unwrap_or_default();
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || name.len() > 120 || !name.bytes().all(letter) {
            let text = format!("expected the name of a property, found `{path}`");
            problems.push(problem("select", text));
        } else if NOT_IN_LISTINGS.contains(&name) {
            let hint = match name {
                "hireDate" => "; `employeeHireDate` is the one of the directory",
                _ => "",
            };
            let text = format!("Graph lists no `{name}` of many users at once{hint}");
            problems.push(problem("select", text));
        } else if name != SYNC_TIME && !names.contains(&name) {
            names.push(name);
        }
    }
    if problems.is_empty() { Ok(names.join(",")) } else { Err(problems) }
}

/// The URL of the first page of a listing.
pub(crate) fn first_page(
    domain: &str,
    select: &str,
    top: u32,
    filter: Option<&Filter>,
) -> Result<String, SettingProblem> {
    let mut url = format!("{domain}/v1.0/users?$select={select}&$top={top}");
    let Some(filter) = filter else {
        return Ok(url);
    };
    url.push_str("&$filter=");
    url.extend(utf8_percent_encode(&filter.text, FILTER));
    if filter.advanced {
        url.push_str("&$count=true");
        let over = url.len().saturating_sub(ADVANCED_URL_BYTES);
        if over > 0 {
            let text = format!(
                "too long by {over} bytes: with this filter Graph takes URLs of at most \
                 {ADVANCED_URL_BYTES}; expected a shorter filter (compare something that those people share), \
                 the rest of it as `only-if` after the fetch, or fewer mapped properties"
            );
            return Err(problem("filter", text));
        }
    }
    Ok(url)
}

/// The URL that asks for everybody, and then for what changed. Nothing can be said about its page size.
pub(crate) fn first_delta(domain: &str, select: &str) -> String {
    format!("{domain}/v1.0/users/delta?$select={select}")
}

/// The URL that counts users. It answers 400 without `ConsistencyLevel: eventual`.
pub(crate) fn count(domain: &str, filter: Option<&Filter>) -> String {
    let mut url = format!("{domain}/v1.0/users/$count");
    if let Some(filter) = filter {
        url.push_str("?$filter=");
        url.extend(utf8_percent_encode(&filter.text, FILTER));
    }
    url
}

/// Checks a link that Graph handed out before a token goes there: same origin, and the path of the listing
/// that it continues. Gives the link back, ready to be sent.
pub(crate) fn follow(domain: &str, path: &str, link: &str) -> Result<String, String> {
    let (origin, rest) = origin::split(link)?;
    if origin != domain {
        return Err(format!("expected a link to `{domain}`, found one to `{origin}`"));
    }
    let tail = rest.get(..path.len()).filter(|head| head.eq_ignore_ascii_case(path));
    let tail = tail.map(|head| &rest[head.len()..]);
    // `/users/delta` is also called `/users/microsoft.graph.delta()`.
    let fits = |tail: &str| {
        let end = tail.find('?').unwrap_or(tail.len());
        matches!(
            &tail[..end],
            "" | "()" | "/" | "/delta" | "/delta()" | "/microsoft.graph.delta" | "/microsoft.graph.delta()"
        )
    };
    if !tail.is_some_and(fits) || rest.contains('#') {
        let found = crate::json::shorten(rest, 80);
        return Err(format!("expected a link to `{path}`, found one to `{found}`"));
    }
    Ok(utf8_percent_encode(link, LINK).to_string())
}

/// Whether an id can stand in a URL. Entra's are GUIDs; this keeps out what would lead elsewhere.
pub(crate) fn plausible_id(id: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    !id.is_empty() && id.len() <= 128 && id.bytes().all(letter) && !id.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::filter;

    const DOMAIN: &str = "https://graph.microsoft.com";

    fn paths(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn select_adds_what_the_rules_need() {
        let asked = paths(&[
            "displayName",
            "id",
            "employeeOrgData.division",
            "employeeOrgData.costCenter",
            SYNC_TIME,
        ]);
        assert_eq!(select(&asked).unwrap(), "id,accountEnabled,displayName,employeeOrgData");
        let bad = select(&paths(&["hireDate", "a&b", "", "skills"])).unwrap_err();
        assert_eq!(bad.len(), 4);
        assert!(bad[0].problem.contains("employeeHireDate"));
    }

    #[test]
    fn the_seeds_own_filter() {
        let text = "employeeType in ('Admin', 'Staff', 'Faculty', 'Contingent Workers', 'EmpStudent')";
        let filter = filter::check(Some(text)).unwrap().unwrap();
        let url = first_page(DOMAIN, "id", 999, Some(&filter)).unwrap();
        assert_eq!(
            url,
            "https://graph.microsoft.com/v1.0/users?$select=id&$top=999&$filter=employeeType%20in%20(\
             'Admin',%20'Staff',%20'Faculty',%20'Contingent%20Workers',%20'EmpStudent')&$count=true"
        );
    }

    #[test]
    fn a_filter_that_makes_the_url_too_long() {
        let text = format!("companyName eq '{}'", "#".repeat(800));
        let filter = filter::check(Some(&text)).unwrap().unwrap();
        let problem = first_page(DOMAIN, "id", 1, Some(&filter)).unwrap_err();
        assert_eq!(problem.setting, "filter");
        assert!(problem.problem.contains("too long by"));
    }

    #[test]
    fn links_that_are_followed() {
        for link in [
            "https://graph.microsoft.com/v1.0/users?$skiptoken=X",
            "HTTPS://GRAPH.MICROSOFT.COM:443/v1.0/users?$skiptoken=X",
            "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=X",
            "https://graph.microsoft.com/v1.0/users/microsoft.graph.delta()?$skiptoken=X",
        ] {
            assert_eq!(follow(DOMAIN, "/v1.0/users", link).as_deref(), Ok(link));
        }
        let blank = "https://graph.microsoft.com/v1.0/users?$filter=a eq 'ß'&$skiptoken=%41";
        assert_eq!(
            follow(DOMAIN, "/v1.0/users", blank).unwrap(),
            "https://graph.microsoft.com/v1.0/users?$filter=a%20eq%20'%C3%9F'&$skiptoken=%41"
        );
    }

    #[test]
    fn links_that_are_not() {
        for link in [
            "",
            "/v1.0/users?$skiptoken=X",
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "https://graph.microsoft.com/v1.0/users/../groups",
            "https://graph.microsoft.com/v1.0/usersx",
            "https://graph.microsoft.com/v1.0/groups",
            "https://graph.microsoft.com/v1.0/users#x",
            "https://graph.microsoft.com/v1.0/üsers",
        ] {
            assert!(follow(DOMAIN, "/v1.0/users", link).is_err(), "{link}");
        }
    }

    #[test]
    fn ids() {
        assert!(plausible_id("4562bcc8-c436-4f95-b7c0-4f8ce89dca5e"));
        for id in ["", "..", "a/b", "a'b", "a b", "a%2fb", "a?b", &"a".repeat(129)] {
            assert!(!plausible_id(id), "{id}");
        }
    }
}
