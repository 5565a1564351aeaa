//! What is known of a credential beside its settings and sealed secrets. Nothing in here is a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The setting that says how the application proves itself, and its values.
pub const AUTHENTICATION: &str = "authentication";
/// The value for a certificate, and the name of the secret that it asks for.
pub const CERTIFICATE: &str = "certificate";
/// The value for a token of another identity provider, and the name of the secret that it asks for.
pub const FEDERATED_TOKEN: &str = "federated-token";

/// Where the client secret is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "in")]
pub enum Kept {
    /// Sealed in the store.
    #[default]
    Store,
    /// In an environment variable of whoever runs the program: local integrations only.
    Environment {
        /// Its name.
        variable: String,
    },
    /// In a file that only its owner reads: local integrations only.
    File {
        /// Where.
        path: PathBuf,
    },
    /// In the operating system's keyring: local integrations only.
    Keyring {
        /// What its entry is called.
        entry: String,
    },
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => write!(out, "sealed in the store"),
            Self::Environment { variable } => write!(out, "in the environment variable `{variable}`"),
            Self::File { path } => write!(out, "in the file `{}`", path.display()),
            Self::Keyring { entry } => write!(out, "in the operating system's keyring, as `{entry}`"),
        }
    }
}

/// The certificate in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateAbout {
    /// Whose it is.
    pub subject: String,
    /// Its SHA-256 in base64url: `x5t#S256`.
    pub thumbprint: String,
    /// The day on which it ends, YYYY-MM-DD in UTC.
    pub ends_on: String,
}

/// A second client secret, which takes over when the first is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextSecret {
    /// The day on which it expires, as the administrator said.
    pub expires_on: Option<String>,
}

/// All of it. Stored as JSON; what an older program did not know is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Where the client secret is kept.
    pub kept: Kept,
    /// What the plugin calls the secret; none = the client secret.
    pub secret: Option<String>,
    /// The certificate, when it is one.
    pub certificate: Option<CertificateAbout>,
    /// The file of the federated token, when it is one. Read at each run.
    pub federated_token_file: Option<PathBuf>,
    /// The next client secret, when there is one.
    pub next: Option<NextSecret>,
    /// The day on which the client secret expires, as the source said. Of this secret: forgotten with it.
    pub told_end: Option<String>,
}

/// Who says when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndKnownFrom {
    /// The source's own record.
    Source,
    /// The certificate itself.
    Certificate,
    /// The administrator.
    Administrator,
}

/// The end of what a credential proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The day.
    pub on: Date,
    /// Who says so.
    pub known_from: EndKnownFrom,
    /// Days from today; 0 is today, negative is past.
    pub days_left: i32,
}

impl End {
    /// Days before the end from which on it is told, and more urgently.
    pub const WARN_AT: [i32; 4] = [60, 30, 7, 1];

    /// The narrowest of [`Self::WARN_AT`] that is reached, 0 when it is past. None when there is time.
    #[must_use]
    pub fn stage(&self) -> Option<i32> {
        if self.days_left < 0 {
            return Some(0);
        }
        Self::WARN_AT.iter().copied().filter(|at| self.days_left <= *at).min()
    }

    /// What is to be said about it when it is near; `what` is `the secret of the credential entra`.
    #[must_use]
    pub fn warning(&self, what: &str) -> Option<String> {
        self.stage()?;
        Some(match self.days_left {
            ..0 => format!("{what} expired on {}", self.on),
            0 => format!("{what} expires today, {}", self.on),
            1 => format!("{what} expires tomorrow, {}", self.on),
            days => format!("{what} expires on {}, in {days} days", self.on),
        })
    }

    /// How much haste there is, to be said after [`Self::warning`] where nothing takes over by itself.
    #[must_use]
    pub fn haste(&self) -> &'static str {
        match self.stage() {
            None => "",
            Some(0) => ": loads fail until it is renewed",
            Some(1) => ": urgent, loads fail from then on",
            Some(7) => ": renew it now, loads fail from then on",
            Some(30) => ": renew it soon",
            Some(_) => ": plan its renewal",
        }
    }
}

impl About {
    /// How it proves itself, in a word for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (&self.certificate, &self.federated_token_file) {
            (Some(_), _) => "certificate",
            (None, Some(_)) => "federated token",
            (None, None) if self.secret.is_some() => "secret",
            (None, None) => "client secret",
        }
    }

    /// What the plugin calls its secret.
    #[must_use]
    pub fn secret_name(&self) -> &str {
        self.secret.as_deref().unwrap_or(super::CLIENT_SECRET)
    }

    /// What ends: `the secret of the credential entra`.
    #[must_use]
    pub fn what_ends(&self, name: &str) -> String {
        let what = if self.certificate.is_some() { "certificate" } else { "secret" };
        format!("the {what} of the credential {name}")
    }

    /// When it ends, as far as anybody said: the source before the administrator. `today` in UTC.
    #[must_use]
    pub fn end(&self, given: Option<&str>, today: Date) -> Option<End> {
        let (day, known_from) = match (&self.certificate, &self.told_end, given) {
            (Some(certificate), _, _) => (certificate.ends_on.as_str(), EndKnownFrom::Certificate),
            (None, Some(told), _) => (told.as_str(), EndKnownFrom::Source),
            (None, None, given) => (given?, EndKnownFrom::Administrator),
        };
        let on: Date = day.parse().ok()?;
        let days_left = on.since(today).ok()?.get_days();
        Some(End { on, known_from, days_left })
    }
}

/// The names of permissions among `scopes`: what to prove. `/.default` is what is sent, whatever is typed.
#[must_use]
pub fn permissions_in(settings: &BTreeMap<String, String>) -> Vec<String> {
    let scopes = settings.get("scopes").map_or("", String::as_str);
    let names = scopes.split(|it: char| it.is_whitespace() || it == ',');
    let names = names.map(|scope| scope.rsplit('/').next().unwrap_or_default());
    names.filter(|it| !it.is_empty() && *it != ".default").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(days: i32) -> End {
        let today: Date = "2026-11-23".parse().unwrap();
        let on = today.checked_add(jiff::Span::new().days(days)).unwrap().to_string();
        About::default().end(Some(&on), today).unwrap()
    }

    #[test]
    fn it_is_told_sixty_thirty_seven_and_one_days_before_and_after() {
        let stages = [61, 60, 31, 30, 8, 7, 2, 1, 0, -1].map(|days| end(days).stage());
        let expected =
            [None, Some(60), Some(60), Some(30), Some(30), Some(7), Some(7), Some(1), Some(1), Some(0)];
        assert_eq!(stages, expected);
        let haste = [61, 60, 31, 30, 8, 7, 2, 1, 0, -1].map(|days| end(days).haste());
        let (plan, soon) = (": plan its renewal", ": renew it soon");
        let now = ": renew it now, loads fail from then on";
        let urgent = ": urgent, loads fail from then on";
        let past = ": loads fail until it is renewed";
        assert_eq!(haste, ["", plan, plan, soon, soon, now, now, urgent, urgent, past]);
        assert_eq!(end(61).warning("it"), None);
        assert_eq!(end(60).warning("it").unwrap(), "it expires on 2027-01-22, in 60 days");
        assert_eq!(end(1).warning("it").unwrap(), "it expires tomorrow, 2026-11-24");
        assert_eq!(end(-1).warning("it").unwrap(), "it expired on 2026-11-22");
    }

    #[test]
    fn who_knows_best_is_believed() {
        let today: Date = "2026-11-23".parse().unwrap();
        let mut about = About { told_end: Some("2027-02-01".into()), ..About::default() };
        assert_eq!(about.end(Some("2027-01-01"), today).unwrap().known_from, EndKnownFrom::Source);
        about.certificate = Some(CertificateAbout {
            subject: "CN=x".into(),
            thumbprint: "x".into(),
            ends_on: "2026-12-01".into(),
        });
        assert_eq!(about.end(None, today).unwrap().days_left, 8);
        assert_eq!(About::default().end(None, today), None);
    }

    #[test]
    fn permissions_typed_as_scopes_are_what_to_prove() {
        let typed = |text: &str| permissions_in(&BTreeMap::from([("scopes".to_owned(), text.to_owned())]));
        assert_eq!(typed("https://graph.microsoft.com/.default"), Vec::<String>::new());
        assert_eq!(
            typed("User.Read.All,https://graph.microsoft.com/AuditLog.Read.All  /.default"),
            ["User.Read.All", "AuditLog.Read.All"]
        );
    }

    #[test]
    fn what_an_older_program_wrote_is_read() {
        assert_eq!(serde_json::from_str::<About>("{}").unwrap(), About::default());
        for kept in [Kept::File { path: "/s".into() }, Kept::Keyring { entry: "e".into() }] {
            let about = About { kept, ..About::default() };
            let text = serde_json::to_string(&about).unwrap();
            assert_eq!(serde_json::from_str::<About>(&text).unwrap(), about);
        }
    }
}
