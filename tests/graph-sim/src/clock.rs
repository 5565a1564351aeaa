//! Points in time as Graph writes them: ISO 8601 in UTC, up to seven digits of fraction.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;
/// Ticks of 100 ns in a second: Graph's resolution.
const TICKS: i64 = 10_000_000;

/// Seconds since 1970 by the machine's clock.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

/// `2026-11-23T09:00:00Z` for seconds since 1970.
pub(crate) fn iso(seconds: i64) -> String {
    let (date, time) = parts(seconds);
    format!("{date}T{time}Z")
}

/// `2026-11-23 09:00:00Z`, the login host's spelling.
pub(crate) fn login(seconds: i64) -> String {
    let (date, time) = parts(seconds);
    format!("{date} {time}Z")
}

fn parts(seconds: i64) -> (String, String) {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let rest = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}"))
}

/// Ticks of 100 ns since 1970 of a full date and time with zone; `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut fields = date.split('-');
    let (year, month, day) =
        (number(fields.next()?, 4)?, number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let real = fields.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !real {
        return None;
    }
    let (time, offset) = zone(time)?;
    let mut fields = time.split(':');
    let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let (second, ticks) = match fields.next() {
        None => (0, 0),
        Some(text) => fraction(text)?,
    };
    if fields.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(seconds * TICKS + ticks)
}

/// Seconds since 1970 of the same.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    parse(text).map(|ticks| ticks.div_euclid(TICKS))
}

/// The time without its zone, and the zone in seconds east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (hours, minutes) = time.get(at + 1..)?.split_once(':')?;
    let offset = number(hours, 2)? * 3600 + number(minutes, 2)? * 60;
    let sign = if time.get(at..=at)? == "-" { -1 } else { 1 };
    Some((time.get(..at)?, sign * offset))
}

/// Seconds and ticks of `07.1234567`; digits after the seventh are dropped.
fn fraction(text: &str) -> Option<(i64, i64)> {
    let Some((whole, part)) = text.split_once('.') else {
        return Some((number(text, 2)?, 0));
    };
    if part.is_empty() || part.len() > 12 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ticks = format!("{part:0<7}").get(..7)?.parse().ok()?;
    Some((number(whole, 2)?, ticks))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-11-23T13:06:18Z"] {
            let ticks = parse(text).unwrap();
            assert_eq!(iso(ticks / TICKS), text);
        }
    }

    #[test]
    fn fractions_and_zones() {
        let base = parse("2026-01-01T00:00:00Z").unwrap();
        assert_eq!(parse("2026-01-01T00:00:00.0000001Z"), Some(base + 1));
        assert_eq!(parse("2026-01-01T01:00:00+01:00"), Some(base));
        assert_eq!(parse("2026-01-01T00:00Z"), Some(base));
        for wrong in ["", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "T", "é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
