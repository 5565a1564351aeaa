//! The settings of a source: what people type, completed and checked, all problems at once.
//!
//! Hosts of the national clouds: <https://learn.microsoft.com/graph/deployments>. A login host and a Graph
//! host belong together; tokens of one cloud are worth nothing in another.

use crate::bindings::userload::directory::types::{Error, Setting, SettingProblem};
use crate::error::problem;
use crate::origin;

/// Names of the settings, in the order in which people fill them in.
pub(crate) const DOMAIN: &str = "domain";
pub(crate) const LOGIN: &str = "login";
pub(crate) const TENANT: &str = "tenant";
pub(crate) const CLIENT_ID: &str = "client-id";
pub(crate) const SCOPES: &str = "scopes";
pub(crate) const AUTHENTICATION: &str = "authentication";

/// Where Graph is for everybody who does not say otherwise.
pub(crate) const DEFAULT_DOMAIN: &str = "https://graph.microsoft.com";

/// A cloud of Microsoft's: its name in the contract, its Graph origin, its login origins (the first is used
/// when none is given).
struct Cloud {
    name: &'static str,
    graph: &'static str,
    logins: &'static [&'static str],
}

const CLOUDS: [Cloud; 4] = [
    Cloud { name: "global", graph: DEFAULT_DOMAIN, logins: &["https://login.microsoftonline.com"] },
    Cloud {
        name: "us-gov",
        graph: "https://graph.microsoft.us",
        logins: &["https://login.microsoftonline.us"],
    },
    Cloud {
        name: "us-gov-dod",
        graph: "https://dod-graph.microsoft.us",
        logins: &["https://login.microsoftonline.us"],
    },
    Cloud {
        name: "china",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        logins: &["https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"],
    },
];

/// How the application proves itself: the values of `authentication`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// By a text that it shares with Entra.
    ClientSecret,
    /// By an assertion that the host signs with the key of a certificate.
    Certificate,
    /// By a token of another identity provider that Entra trusts (workload identity federation).
    FederatedToken,
}

impl Authentication {
    /// All of them, by their values.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("client-secret", Self::ClientSecret),
        ("certificate", Self::Certificate),
        ("federated-token", Self::FederatedToken),
    ];

    /// The value of the setting.
    pub(crate) fn value(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(value, _)| value)
    }
}

/// Settings that hang together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Graph's origin.
    pub(crate) domain: String,
    /// The login's origin.
    pub(crate) login: String,
    /// A tenant id (a GUID) or one of the tenant's domain names.
    pub(crate) tenant: String,
    /// The application id of the app registration.
    pub(crate) client_id: String,
    /// What is sent as `scope`: always `{domain}/.default`.
    pub(crate) scope: String,
    /// How the application proves itself.
    pub(crate) authentication: Authentication,
    /// The cloud's name in the contract; `custom` for a host that is not Microsoft's.
    pub(crate) cloud: &'static str,
}

impl Settings {
    /// Reads settings, completed or not. Completing what is complete changes nothing.
    pub(crate) fn read(given: &[Setting]) -> Result<Self, Vec<SettingProblem>> {
        let mut problems = Vec::new();
        let mut values = [""; 6];
        const NAMES: [&str; 6] = [DOMAIN, LOGIN, TENANT, CLIENT_ID, SCOPES, AUTHENTICATION];
        for setting in given {
            let Some(slot) = NAMES.iter().position(|name| *name == setting.name) else {
                let known = NAMES.join(", ");
                let text = format!("there is no such setting; expected one of {known}");
                problems.push(problem(&setting.name, text));
                continue;
            };
            let value = setting.value.trim();
            if !values[slot].is_empty() && values[slot] != value {
                problems.push(problem(&setting.name, "given twice, with two values"));
            }
            values[slot] = value;
        }
        let [domain, login, tenant, client_id, scopes, authentication] = values;

        let domain = if domain.is_empty() { DEFAULT_DOMAIN } else { domain };
        let domain = origin::parse(domain).map_err(|text| problems.push(problem(DOMAIN, text))).ok();
        let cloud = domain.as_deref().and_then(|domain| {
            check_scheme(domain, &mut problems);
            CLOUDS.iter().find(|cloud| cloud.graph == domain)
        });
        let login = read_login(login, domain.as_deref(), cloud, &mut problems);
        check_tenant(tenant, &mut problems);
        check_client_id(client_id, cloud.is_some(), &mut problems);
        if let Some(domain) = &domain {
            check_scopes(scopes, domain, &mut problems);
        }
        let authentication = read_authentication(authentication, &mut problems);
        match (domain, login) {
            (Some(domain), Some(login)) if problems.is_empty() => Ok(Self {
                scope: format!("{domain}/.default"),
                domain,
                login,
                tenant: tenant.to_owned(),
                client_id: client_id.to_owned(),
                authentication,
                cloud: cloud.map_or("custom", |cloud| cloud.name),
            }),
            _ => Err(problems),
        }
    }

    /// The URL at which the login gives tokens.
    pub(crate) fn token_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.login, self.tenant)
    }
}

/// Checks settings and fills in what follows from them. Sends nothing; tells all problems at once.
pub fn complete_settings(given: &[Setting]) -> Result<Vec<Setting>, Error> {
    let settings = Settings::read(given).map_err(Error::Settings)?;
    let complete = [
        (DOMAIN, settings.domain),
        (LOGIN, settings.login),
        (TENANT, settings.tenant),
        (CLIENT_ID, settings.client_id),
        (SCOPES, settings.scope),
        (AUTHENTICATION, settings.authentication.value().to_owned()),
    ];
    let complete = complete.map(|(name, value)| Setting { name: name.to_owned(), value });
    Ok(complete.into())
}

/// Plain http serves simulators; with a host of Microsoft's it is a slip.
fn check_scheme(domain: &str, problems: &mut Vec<SettingProblem>) {
    if let Some(host) = domain.strip_prefix("http://") {
        let secure = format!("https://{host}");
        if CLOUDS.iter().any(|cloud| cloud.graph == secure) {
            problems.push(problem(DOMAIN, format!("expected `{secure}`")));
        }
    }
}

fn read_login(
    login: &str,
    domain: Option<&str>,
    cloud: Option<&Cloud>,
    problems: &mut Vec<SettingProblem>,
) -> Option<String> {
    if login.is_empty() {
        if let (Some(domain), None) = (domain, cloud) {
            let text = format!(
                "`{domain}` is not a Graph host of Microsoft's, so the login host cannot be told from it; \
                 expected the login's URL, such as `https://login.microsoftonline.com`"
            );
            problems.push(problem(LOGIN, text));
        }
        return cloud.map(|cloud| cloud.logins[0].to_owned());
    }
    let login = match origin::parse(login) {
        Ok(login) => login,
        Err(text) => {
            problems.push(problem(LOGIN, text));
            return None;
        }
    };
    let foreign = |other: &&Cloud| other.logins.contains(&login.as_str());
    if let Some(cloud) = cloud {
        let expected = cloud.logins[0];
        if !cloud.logins.contains(&login.as_str()) && CLOUDS.iter().any(|other| foreign(&other)) {
            let text = format!("belongs to another cloud than `{}`; expected `{expected}`", cloud.graph);
            problems.push(problem(LOGIN, text));
            return None;
        }
    }
    Some(login)
}

fn check_tenant(tenant: &str, problems: &mut Vec<SettingProblem>) {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    let text = if tenant.is_empty() {
        "missing; expected the tenant id (a GUID) or a domain name of the tenant".to_owned()
    } else if ["common", "organizations", "consumers"].contains(&tenant) {
        // AADSTS1002016 and its like: an application without a user needs one tenant.
        format!("`{tenant}` names no tenant; expected the tenant id (a GUID) or a domain name")
    } else if tenant.len() > 253
        || !tenant.bytes().all(letter)
        || !tenant.bytes().any(|b| b.is_ascii_alphanumeric())
        || tenant.starts_with('.')
    {
        format!("expected the tenant id (a GUID) or a domain name, found `{tenant}`")
    } else {
        return;
    };
    problems.push(problem(TENANT, text));
}

/// With a host that is not Microsoft's (a simulator) any word will do.
fn check_client_id(client_id: &str, guid: bool, problems: &mut Vec<SettingProblem>) {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let text = if client_id.is_empty() {
        "missing; expected the Application (client) ID of the app registration, a GUID".to_owned()
    } else if (guid && !is_guid(client_id)) || !client_id.bytes().all(letter) {
        format!("expected the Application (client) ID, a GUID, found `{client_id}`")
    } else {
        return;
    };
    problems.push(problem(CLIENT_ID, text));
}

/// Permissions are granted in Entra, not asked for by an application without a user: the only scope that
/// may be sent is `/.default`. People type the permission's name here, and that does no harm.
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
fn check_scopes(scopes: &str, domain: &str, problems: &mut Vec<SettingProblem>) {
    for scope in scopes.split([' ', ',', '\t', '\n', '\r']) {
        let name = match scope.rfind('/') {
            Some(slash) if !scope[..slash].is_empty() => {
                let resource = &scope[..slash];
                if origin::parse(resource).as_deref() != Ok(domain) {
                    let text = format!(
                        "expected `{domain}/.default`: `{scope}` belongs to another host than the domain"
                    );
                    problems.push(problem(SCOPES, text));
                    continue;
                }
                &scope[slash + 1..]
            }
            Some(slash) => &scope[slash + 1..],
            None => scope,
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
            let text = format!(
                "expected `{domain}/.default` or names of permissions such as `User.Read.All`, found `{scope}`"
            );
            problems.push(problem(SCOPES, text));
        }
    }
}

/// A client secret, unless it is said otherwise.
fn read_authentication(value: &str, problems: &mut Vec<SettingProblem>) -> Authentication {
    if value.is_empty() {
        return Authentication::ClientSecret;
    }
    let known = Authentication::ALL.iter().find(|(name, _)| *name == value);
    known.map(|(_, authentication)| *authentication).unwrap_or_else(|| {
        let names = Authentication::ALL.map(|(name, _)| name).join(", ");
        problems.push(problem(AUTHENTICATION, format!("expected one of {names}, found `{value}`")));
        Authentication::ClientSecret
    })
}

/// Whether a text has the form of a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, b)| match index {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "11111111-2222-3333-4444-555555555555";

    fn settings(values: &[(&str, &str)]) -> Vec<Setting> {
        let setting =
            |(name, value): &(&str, &str)| Setting { name: (*name).to_owned(), value: (*value).to_owned() };
        values.iter().map(setting).collect()
    }

    fn problems(values: &[(&str, &str)]) -> Vec<String> {
        let problems = Settings::read(&settings(values)).unwrap_err();
        let line = |p: SettingProblem| format!("{}: {}", p.setting, p.problem);
        problems.into_iter().map(line).collect()
    }

    #[test]
    fn the_login_follows_from_the_domain() {
        for (domain, login, cloud) in [
            ("", "https://login.microsoftonline.com", "global"),
            ("https://graph.microsoft.us/", "https://login.microsoftonline.us", "us-gov"),
            ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us", "us-gov-dod"),
            ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn", "china"),
        ] {
            let given = settings(&[
                ("domain", domain),
                ("tenant", "contoso.onmicrosoft.com"),
                ("client-id", APP),
                ("scopes", "User.Read.All"),
            ]);
            let read = Settings::read(&given).unwrap();
            assert_eq!((read.login.as_str(), read.cloud), (login, cloud));
            assert_eq!(read.scope, format!("{}/.default", read.domain));
            let complete = complete_settings(&given).unwrap();
            assert_eq!(complete_settings(&complete).unwrap(), complete);
        }
    }

    #[test]
    fn a_simulator_names_its_login() {
        let given = [
            ("domain", "http://127.0.0.1:8080"),
            ("login", "http://127.0.0.1:8080"),
            ("tenant", "t"),
            ("client-id", "app"),
        ];
        let read = Settings::read(&settings(&given)).unwrap();
        assert_eq!(read.cloud, "custom");
        assert_eq!(read.token_url(), "http://127.0.0.1:8080/t/oauth2/v2.0/token");
        let missing = problems(&[("domain", "https://graph.example"), given[2], given[3]]);
        assert_eq!(missing.len(), 1);
        assert!(missing[0].starts_with("login: `https://graph.example` is not a Graph host"));
    }

    #[test]
    fn all_problems_at_once() {
        let found = problems(&[
            ("domain", "https://graph.microsoft.com/v1.0"),
            ("login", "login"),
            ("tenant", "common"),
            ("client-id", ""),
            ("authentication", "password"),
            ("colour", "red"),
        ]);
        let of: Vec<_> = found.iter().filter_map(|p| p.split(':').next()).collect();
        assert_eq!(of, ["colour", "domain", "login", "tenant", "client-id", "authentication"]);
    }

    #[test]
    fn clouds_do_not_mix() {
        let found = problems(&[
            ("login", "https://login.microsoftonline.us"),
            ("tenant", "a b"),
            ("client-id", "secret"),
            ("scopes", "https://graph.microsoft.us/.default what?"),
        ]);
        assert_eq!(found.len(), 5, "{found:#?}");
        let plain = problems(&[
            ("domain", "http://graph.microsoft.com"),
            ("login", "https://login.microsoftonline.com"),
            ("tenant", "t"),
            ("client-id", APP),
        ]);
        assert_eq!(plain, ["domain: expected `https://graph.microsoft.com`"]);
    }
}
