//! The sections of a document: `[on]`, `[grace]` and `[guard]`.

use toml::de::DeTable;

use super::document::ACTIONS;
use super::integration::{Action, Delta, Grace, Guard, Limit};
use super::keys::{Keys, Value, integer, wrong_type};
use super::problem::Problems;

/// The most that a limit of the guard can be widened to: a hold cannot be switched off.
const COUNT_MOST: i64 = 1_000_000;

/// What happens to people, by cause.
pub(super) struct On {
    pub(super) on_disabled: Action,
    pub(super) on_deleted: Action,
    pub(super) on_not_found: Action,
    pub(super) on_left_filter: Action,
}

/// What happens to the disabled, the deleted, the not found and those who left the filter.
pub(super) fn on(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> On {
    let mut on = On {
        on_disabled: Action::Deactivate,
        on_deleted: Action::Deactivate,
        on_not_found: Action::Deactivate,
        on_left_filter: Action::Keep,
    };
    let Some(table) = keys.table("on", "{ disabled = \"keep\" }", problems) else { return on };
    let mut keys = Keys::new(table);
    for (key, action) in [
        ("disabled", &mut on.on_disabled),
        ("deleted", &mut on.on_deleted),
        ("not-found", &mut on.on_not_found),
        ("left-filter", &mut on.on_left_filter),
    ] {
        if let Some(told) = keys.choice(key, &ACTIONS, problems) {
            *action = told;
        }
    }
    keys.finish(" in `on`", problems);
    on
}

/// How long somebody may be not found.
pub(super) fn grace(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Grace {
    let mut grace = Grace { runs: 3, days: 3 };
    if let Some(table) = keys.table("grace", "{ runs = 3, days = 3 }", problems) {
        let mut keys = Keys::new(table);
        // At least one run that found nobody: absence needs evidence.
        if let Some(runs) = count(keys.integer("runs", 1..=1000, problems)) {
            grace.runs = runs;
        }
        if let Some(days) = count(keys.integer("days", 0..=3650, problems)) {
            grace.days = days;
        }
        keys.finish(" in `grace`", problems);
    }
    grace
}

/// When changes are read instead of everybody.
pub(super) fn delta(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Delta {
    let usual = Delta::default();
    let on = keys.flag("delta", problems).unwrap_or(usual.on);
    let days = count(keys.integer("listing-days", 1..=365, problems));
    let runs = count(keys.integer("listing-runs", 1..=100_000, problems));
    Delta {
        on,
        listing_days: days.unwrap_or(usual.listing_days),
        listing_runs: runs.unwrap_or(usual.listing_runs),
    }
}

/// The guard's limits; what is not named keeps its default.
pub(super) fn guard(keys: &mut Keys<'_, '_>, problems: &mut Problems<'_>) -> Guard {
    let mut guard = Guard::default();
    let Some(table) = keys.table("guard", "{ deactivate-most = 500 }", problems) else {
        return guard;
    };
    let mut keys = Keys::new(table);
    for (key, limit) in
        [("deactivate", &mut guard.deactivate), ("rename", &mut guard.rename), ("clear", &mut guard.clear)]
    {
        if let Some(table) = keys.table(key, "{ count = 5, percent = 2 }", problems) {
            self::limit(table, key, limit, problems);
        }
    }
    if let Some(most) = count(keys.integer("deactivate-most", 0..=COUNT_MOST, problems)) {
        guard.deactivate_most = most;
    }
    if let Some(people) = count(keys.integer("collapse", 1..=COUNT_MOST, problems)) {
        guard.collapse = people;
    }
    keys.finish(" in `guard`", problems);
    guard
}

fn limit(table: &DeTable<'_>, place: &str, limit: &mut Limit, problems: &mut Problems<'_>) {
    let mut keys = Keys::new(table);
    if let Some(number) = count(keys.integer("count", 0..=COUNT_MOST, problems)) {
        limit.count = number;
    }
    if let Some(share) = keys.get("percent").and_then(|value| percent(value, problems)) {
        limit.percent = share;
    }
    keys.finish(&format!(" in `guard.{place}`"), problems);
}

fn percent(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<f64> {
    let number = if let Some(float) = value.get_ref().as_float() {
        float.as_str().parse::<f64>().ok().filter(|it| (0.0..=100.0).contains(it))
    } else if value.get_ref().is_integer() {
        return count(integer(value, "percent", 0..=100, problems)).map(f64::from);
    } else {
        wrong_type(value, "percent", "a number from 0 to 100", problems);
        return None;
    };
    if number.is_none() {
        problems.add(value.span(), "`percent` is out of bounds, expected 0 to 100");
    }
    number
}

fn count(number: Option<i64>) -> Option<u32> {
    number.and_then(|it| u32::try_from(it).ok())
}
