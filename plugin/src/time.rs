//! Times without a clock: RFC 3339 texts, and the dates of HTTP headers (RFC 9110 section 5.6.7).

/// A point in time that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// Seconds since 1970-01-01 UTC.
    pub(crate) seconds: i64,
    /// Billionths of a second; digits beyond the ninth are not kept.
    pub(crate) nanos: u32,
}

/// Reads a time by RFC 3339 section 5.6. None when it is not one.
pub(crate) fn rfc3339(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let at = |index: usize, wanted: &[u8]| bytes.get(index).is_some_and(|b| wanted.contains(b));
    if !(at(4, b"-") && at(7, b"-") && at(10, b"Tt") && at(13, b":") && at(16, b":")) {
        return None;
    }
    let (year, month) = (number(bytes, 0, 4)?, number(bytes, 5, 2)?);
    let days = days_since_epoch(year, month, number(bytes, 8, 2)?)?;
    let of_day = seconds_of_day(number(bytes, 11, 2)?, number(bytes, 14, 2)?, number(bytes, 17, 2)?)?;
    let mut end = 19;
    let mut nanos = 0;
    if at(end, b".") {
        let digits = bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for place in 0..9 {
            let digit = match bytes.get(end + 1 + place) {
                Some(b) if place < digits => u32::from(b - b'0'),
                _ => 0,
            };
            nanos = nanos * 10 + digit;
        }
        end += 1 + digits;
    }
    let offset = match bytes.get(end)? {
        b'Z' | b'z' if bytes.len() == end + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == end + 6 && at(end + 3, b":") => {
            let ahead = seconds_of_day(number(bytes, end + 1, 2)?, number(bytes, end + 4, 2)?, 0)?;
            if *sign == b'+' { ahead } else { -ahead }
        }
        _ => return None,
    };
    Some(Moment { seconds: days * 86_400 + of_day - offset, nanos })
}

/// Reads the preferred form of an HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`), as seconds since 1970.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let (day, month) = (words.next()?, words.next()?);
    let (year, time, zone) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    if zone != "GMT" || words.next().is_some() || time.len() != 8 || day.len() != 2 {
        return None;
    }
    if year.len() != 4 || time.as_bytes()[2] != b':' || time.as_bytes()[5] != b':' {
        return None;
    }
    let days = days_since_epoch(number(year.as_bytes(), 0, 4)?, month, number(day.as_bytes(), 0, 2)?)?;
    let time = time.as_bytes();
    let of_day = seconds_of_day(number(time, 0, 2)?, number(time, 3, 2)?, number(time, 6, 2)?)?;
    Some(days * 86_400 + of_day)
}

fn number(bytes: &[u8], from: usize, digits: usize) -> Option<i64> {
    bytes
        .get(from..from + digits)?
        .iter()
        .try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// A leap second (`60`) is one that RFC 3339 allows.
fn seconds_of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Howard Hinnant's `days_from_civil`, after a look whether there is such a day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_texts() {
        let read = |text| rfc3339(text).map(|m| (m.seconds, m.nanos));
        assert_eq!(read("1970-01-01T00:00:00Z"), Some((0, 0)));
        assert_eq!(read("2024-02-29T23:59:60.1234567Z"), Some((1_709_251_200, 123_456_700)));
        assert_eq!(read("2024-03-01T01:00:00+01:00"), Some((1_709_251_200, 0)));
        assert_eq!(read("0001-01-01T00:00:00Z").map(|m| m.0), Some(-62_135_596_800));
        for bad in [
            "",
            "2024-02-30T00:00:00Z",
            "2024-02-29",
            "2024-02-29T00:00:00",
            "2024-02-29T00:00:00.Z",
            "2024-02-29 00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00ZZ",
            "+024-01-01T00:00:00Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn http_dates() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for bad in ["784111777", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994", ""] {
            assert_eq!(http_date(bad), None, "{bad}");
        }
    }
}
