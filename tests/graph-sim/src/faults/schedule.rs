//! The schedule as it is written: TOML or Rust.

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Action;

/// All rules. For each request the first rule that is due fires; the others wait.
///
/// ```
/// let schedule = graph_sim::Schedule::parse(r#"
///     [[rule]]
///     on = "users"
///     page = 2
///     times = 2
///     action.status = { code = 429, retry-after = "2.128" }
///
///     [[rule]]
///     on = "batch"
///     times = "always"
///     min-fires = 0
///     action = "reset"
/// "#).unwrap();
/// assert_eq!(schedule.rules.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The rules, most urgent first.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Which requests it concerns.
    pub on: On,
    /// Only requests for this page of an enumeration, from 1.
    #[serde(default)]
    pub page: Option<u32>,
    /// From the n-th such request on, counted from 1 since the schedule was set.
    #[serde(default)]
    pub nth: Option<u64>,
    /// How often it fires.
    #[serde(default)]
    pub times: Times,
    /// Firing less often than this makes the rule show up in `Sim::unfired`.
    #[serde(default = "one")]
    pub min_fires: u64,
    /// What goes wrong.
    pub action: Action,
}

/// Which requests a rule concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// The token endpoint.
    Token,
    /// The OpenID configuration.
    Discovery,
    /// A page of `/users`, but for the two below.
    Users,
    /// A page of `/users` with licences: the listing of SaaS users.
    Saas,
    /// A page of `/users` with managers.
    Managers,
    /// Roles: `/roleManagement`, `/servicePrincipals`, `/groups`.
    Roles,
    /// A page of `/users/delta`.
    Delta,
    /// `/users/$count`.
    UsersCount,
    /// A single user.
    User,
    /// A batch as a whole.
    Batch,
    /// Anything under `/directory/deletedItems`.
    Deleted,
    /// `/subscribedSkus`.
    Skus,
    /// Every request, unknown paths included.
    Any,
}

/// How often a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// This often.
    Number(u64),
    /// Without end; written `"always"`.
    Always(Always),
}

/// The word `always`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Always {
    /// Without end.
    Always,
}

impl Times {
    /// Without end.
    pub const ALWAYS: Self = Self::Always(Always::Always);

    pub(crate) fn allow(self, fired: u64) -> bool {
        match self {
            Self::Number(number) => fired < number,
            Self::Always(_) => true,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::Number(1)
    }
}

fn one() -> u64 {
    1
}

impl Rule {
    /// A rule that fires on the first such request, once.
    pub fn new(on: On, action: Action) -> Self {
        Self { on, page: None, nth: None, times: Times::default(), min_fires: 1, action }
    }

    /// Only for this page.
    #[must_use]
    pub fn page(mut self, page: u32) -> Self {
        self.page = Some(page);
        self
    }

    /// From the n-th such request on.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// This often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Times::Number(times);
        self
    }

    /// Every time.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = Times::ALWAYS;
        self
    }

    /// At least this often, or the test has tested nothing.
    #[must_use]
    pub fn min_fires(mut self, fires: u64) -> Self {
        self.min_fires = fires;
        self
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.page != Some(0), "`page` counts from 1");
        ensure!(self.nth != Some(0), "`nth` counts from 1");
        if let Times::Number(times) = self.times {
            ensure!(times >= self.min_fires, "`min-fires` is more than `times`");
        }
        self.action.check()
    }
}

impl Schedule {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// A schedule of one rule.
    pub fn one(rule: Rule) -> Self {
        Self { rules: vec![rule] }
    }

    /// This schedule with one more rule, less urgent than the others.
    #[must_use]
    pub fn and(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Reads a schedule from TOML.
    ///
    /// # Errors
    /// When it is not TOML, or says something that no rule can mean.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let schedule: Self = toml::from_str(text)?;
        for (at, rule) in schedule.rules.iter().enumerate() {
            rule.check().with_context(|| format!("rule {}", at + 1))?;
        }
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_can_be_written() {
        let actions = [
            "status = { code = 429, error-code = 'TooManyRequests', message = 'x', retry-after = '2.128' }",
            "drip = { bytes = 1, ms = 10 }",
            "slow = { ms = 5 }",
            "wrong-count = { n = 7 }",
            "foreign-next-link = { origin = 'https://evil.example.com' }",
            "bad-element = { element = 'null' }",
            "huge-body = { bytes = 1000000 }",
            "gzip-bomb = { decoded-bytes = 1000000 }",
            "echo-secret = { form = 'url-encoded' }",
            "many-headers = { n = 100 }",
            "batch-part = { status = 429, part = 1, retry-after = '3' }",
            "batch-missing-part = { part = 0 }",
        ];
        let words = [
            "reset",
            "reset-mid-body",
            "stall",
            "truncate",
            "not-json",
            "html-200",
            "empty-200",
            "cut-listing",
            "expired-page-token",
            "revoke-token",
            "duplicate-page",
            "empty-page",
            "loop-next-link",
        ];
        let words = words.map(|word| format!("= '{word}'"));
        for action in actions.map(|a| format!(".{a}")).iter().chain(&words) {
            let text = format!("[[rule]]\non = 'any'\naction {action}");
            Schedule::parse(&text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "[[rule]]\non = 'users'\naction = 'explode'",
            "[[rule]]\non = 'groups'\naction = 'reset'",
            "[[rule]]\non = 'users'\npage = 0\naction = 'reset'",
            "[[rule]]\non = 'users'\ntimes = 'never'\naction = 'reset'",
            "[[rule]]\non = 'users'\nmin-fires = 2\naction = 'reset'",
            "[[rule]]\non = 'users'\naction = 'reset'\ncolour = 'red'",
            "[[rule]]\non = 'users'\naction.status = { code = 99 }",
            "[[rule]]\non = 'users'\naction.drip = { bytes = 0, ms = 1 }",
            "[rules]",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
