//! What the plugin of an integration may reach and use: `grants`, `[limits]`, `[network]`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use toml::de::DeTable;

use super::keys::{Keys, Value, text, wrong_type};
use super::problem::Problems;
use crate::capabilities::{Grant, Origin, OriginPattern, RunBudget, TrafficBudget};

/// What the operator lets a plugin reach and use, beside the origins of the credential's cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Where to. A line about an origin takes the place of what the credential's cloud brings for it.
    pub grants: Vec<Grant>,
    /// How much of the network one run may use.
    pub traffic: TrafficBudget,
    /// How much else.
    pub budget: RunBudget,
    /// Bytes that it may log in a run. None = the host's own limit.
    pub log_bytes: Option<usize>,
    /// Connections to public origins go through this proxy: `http://host:port`.
    pub proxy: Option<Origin>,
    /// PEM file of certificates that are trusted besides Mozilla's roots.
    pub ca_file: Option<PathBuf>,
}

impl Sandbox {
    /// What either allows, for a look at a credential that several integrations use.
    pub fn join(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.proxy = self.proxy.take().or(other.proxy);
        self.ca_file = self.ca_file.take().or(other.ca_file);
    }
}

/// A day, in minutes.
const DAY: i64 = 24 * 60;

/// Reads the three.
pub(super) fn sandbox(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Sandbox {
    let mut sandbox = Sandbox { grants: grants(keys, problems), ..Sandbox::default() };
    if let Some(table) = keys.table("limits", "{ requests = 20_000 }", problems) {
        limits(table, &mut sandbox, problems);
    }
    if let Some(table) = keys.table("network", "{ proxy = \"http://proxy.example:3128\" }", problems) {
        network(table, &mut sandbox, problems);
    }
    sandbox
}

fn limits(table: &DeTable<'_>, sandbox: &mut Sandbox, problems: &mut Problems<'_>) {
    let mut keys = Keys::new(table);
    let mut number =
        |key, bounds: RangeInclusive<i64>| keys.integer(key, bounds, problems).map(|it| it.unsigned_abs());
    let mebibytes = |it: u64| it << 20;
    let Sandbox { traffic, budget, log_bytes, .. } = sandbox;
    traffic.requests = number("requests", 1..=10_000_000).unwrap_or(traffic.requests);
    traffic.sent = number("sent-mib", 1..=1 << 20).map_or(traffic.sent, mebibytes);
    traffic.received = number("received-mib", 1..=1 << 20).map_or(traffic.received, mebibytes);
    budget.cpu = number("cpu-seconds", 1..=DAY * 60).map_or(budget.cpu, Duration::from_secs);
    budget.wall = number("wall-minutes", 1..=7 * DAY).map_or(budget.wall, |it| Duration::from_secs(it * 60));
    let memory = number("memory-mib", 4..=64).and_then(|it| usize::try_from(mebibytes(it)).ok());
    budget.memory = memory.or(budget.memory);
    *log_bytes = number("log-kib", 1..=1 << 20).and_then(|it| usize::try_from(it << 10).ok());
    keys.finish(" in `limits`", problems);
}

fn network(table: &DeTable<'_>, sandbox: &mut Sandbox, problems: &mut Problems<'_>) {
    let mut keys = Keys::new(table);
    if let Some((written, span)) = keys.text("proxy", problems) {
        match written.strip_suffix('/').unwrap_or(&written).parse::<Origin>() {
            Ok(origin) if !origin.is_secure() => sandbox.proxy = Some(origin),
            _ => problems.add_with_help(
                span,
                format!("`{written}` is no proxy, expected `http://host:port`"),
                "connections go through it by CONNECT and are encrypted inside; one that wants a password \
                 cannot be used",
            ),
        }
    }
    if let Some((written, span)) = keys.text("ca-file", problems) {
        let path = PathBuf::from(&written);
        if path.is_absolute() {
            sandbox.ca_file = Some(path);
        } else {
            problems.add_with_help(
                span,
                format!("`ca-file` is `{written}`, expected a path from the root"),
                "runs may start in any folder: write the whole path, such as `/etc/ssl/company.pem`",
            );
        }
    }
    keys.finish(" in `network`", problems);
}

fn grants(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Vec<Grant> {
    const EXAMPLE: &str =
        "[\"https://graph.example\", { origin = \"http://127.0.0.1:8080\", private = true }]";
    let Some(value) = keys.get("grants") else {
        return Vec::new();
    };
    let Some(items) = value.get_ref().as_array() else {
        wrong_type(value, "grants", &format!("a list such as `{EXAMPLE}`"), problems);
        return Vec::new();
    };
    items.iter().filter_map(|item| grant(item, problems)).collect()
}

fn grant(item: &Value<'_>, problems: &mut Problems<'_>) -> Option<Grant> {
    let (mut methods, mut paths) = (Vec::new(), Vec::new());
    let (written, private) = match item.get_ref().as_table() {
        None => (text(item, "grants", problems)?, false),
        Some(table) => {
            let mut keys = Keys::new(table);
            let origin = keys.text("origin", problems);
            let private = keys.flag("private", problems).unwrap_or(false);
            for (word, span) in keys.texts("methods", problems).unwrap_or_default() {
                match Method::from_bytes(word.as_bytes()) {
                    Ok(method) if word.chars().all(|it| it.is_ascii_uppercase()) => methods.push(method),
                    _ => problems.add(span, format!("`{word}` is no method, expected one such as `GET`")),
                }
            }
            for (path, span) in keys.texts("paths", problems).unwrap_or_default() {
                if path.starts_with('/') && !path.contains(['?', '#', '*', '\\']) && !path.contains("..") {
                    paths.push(path);
                } else {
                    problems.add_with_help(
                        span,
                        format!("`{path}` is no beginning of paths, expected one such as `/v1.0/users`"),
                        "whole segments count: `/v1.0` is `/v1.0/users` too, and not `/v1.0x`",
                    );
                }
            }
            // An empty list would grant nothing, and reads as everything.
            for key in ["methods", "paths"] {
                let empty = |it: &&Value<'_>| it.get_ref().as_array().is_some_and(|all| all.is_empty());
                if let Some(list) = table.get(key).filter(empty) {
                    problems.add(list.span(), format!("`{key}` is empty: leave it out for all {key}"));
                }
            }
            keys.finish(" in `grants`", problems);
            if origin.is_none() && table.get("origin").is_none() {
                problems.add(item.span(), "a grant without `origin`, expected `scheme://host[:port]`");
            }
            (origin?.0, private)
        }
    };
    let origins = match written.strip_suffix('/').unwrap_or(&written).parse::<OriginPattern>() {
        Ok(origins) => origins,
        Err(error) => {
            problems.add_with_help(
                item.span(),
                error.to_string(),
                "an origin has no path and no user name: `\"https://graph.microsoft.com\"`; `https://*.example.com` \
                 is every name with one more label",
            );
            return None;
        }
    };
    if !private && !origins.is_secure() {
        problems.add_with_help(
            item.span(),
            format!("`{written}` is not encrypted: secrets would travel in clear"),
            format!("use https, or `{{ origin = \"{origins}\", private = true }}` for a machine of your own"),
        );
        return None;
    }
    Some(Grant { origins, private, methods, paths })
}
