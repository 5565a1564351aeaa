//! Dates in the forms that personnel systems write them.

use crate::time::rfc3339;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    year: u32,
    month: u32,
    day: u32,
}

/// The form of a date: `DD.MM.YYYY`. Every letter but these runs stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Letter(char),
}

impl Form {
    /// Reads a form: each of `YYYY`, `MM` and `DD` once, or not all of them when it is only written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let (part, length) = if rest.starts_with("YYYY") {
                (Part::Year, 4)
            } else if rest.starts_with("MM") {
                (Part::Month, 2)
            } else if rest.starts_with("DD") {
                (Part::Day, 2)
            } else if letter.is_alphanumeric() {
                return None;
            } else {
                (Part::Letter(letter), letter.len_utf8())
            };
            if !matches!(part, Part::Letter(_)) && parts.contains(&part) {
                return None;
            }
            parts.push(part);
            rest = &rest[length..];
        }
        (text.len() <= 40 && parts.iter().any(|it| !matches!(it, Part::Letter(_)))).then_some(Self(parts))
    }

    /// Whether a day can be read by it.
    pub(super) fn is_whole(&self) -> bool {
        [Part::Year, Part::Month, Part::Day].iter().all(|part| self.0.contains(part))
    }

    /// A day in this form.
    pub(super) fn write(&self, day: Day) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Year => out.push_str(&format!("{:04}", day.year)),
                Part::Month => out.push_str(&format!("{:02}", day.month)),
                Part::Day => out.push_str(&format!("{:02}", day.day)),
                Part::Letter(letter) => out.push(*letter),
            }
        }
        out
    }

    /// The day that a text in this form is.
    pub(super) fn parse(&self, text: &str) -> Option<Day> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text.trim();
        for part in &self.0 {
            let length = match part {
                Part::Year => 4,
                Part::Month | Part::Day => 2,
                Part::Letter(letter) => {
                    rest = rest.strip_prefix(*letter)?;
                    continue;
                }
            };
            let digits = rest.get(..length).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
            let number = digits.parse().ok()?;
            match part {
                Part::Year => year = number,
                Part::Month => month = number,
                _ => day = number,
            }
            rest = &rest[length..];
        }
        if rest.is_empty() { Day::new(year, month, day) } else { None }
    }
}

impl Day {
    fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let whole = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
        // The calendar is the one that times are held against.
        rfc3339(&whole).map(|_| Self { year, month, day })
    }

    /// The day of a time (RFC 3339, in its own zone), or of a date `YYYY-MM-DD`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 10 {
            rfc3339(text)?;
        }
        let number = |from: usize, to: usize| {
            let digits = text.get(from..to).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse().ok()
        };
        let bytes = text.as_bytes();
        if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return None;
        }
        Self::new(number(0, 4)?, number(5, 7)?, number(8, 10)?)
    }

    /// `YYYY-MM-DD`.
    pub(super) fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_forms() {
        let form = Form::read("DD.MM.YYYY").unwrap();
        let day = Day::of("2024-02-29T23:30:00.1234567-05:00").unwrap();
        assert_eq!((day.iso().as_str(), form.write(day).as_str()), ("2024-02-29", "29.02.2024"));
        assert_eq!(form.parse("29.02.2024"), Some(day));
        assert_eq!(Day::of("2024-02-29"), Some(day));
        for none in ["2023-02-29", "2024-02-29T", "2024/02/29", "29.02.2024", "", "soon", "2024-02-2é"] {
            assert_eq!(Day::of(none), None, "{none}");
        }
        for none in ["29.02.2023", "29.02.24", "29.02.2024 ", "2902.2024", "aa.bb.cccc", ""] {
            assert_eq!(form.parse(none).is_some(), none == "29.02.2024 ", "{none}");
        }
    }

    #[test]
    fn forms_that_are_none() {
        for text in ["", "D.M.YYYY", "YYYY-YYYY", "hh:mm", "..."] {
            assert_eq!(Form::read(text), None, "{text}");
        }
        assert!(!Form::read("YYYY").unwrap().is_whole());
        assert!(Form::read("YYYYMMDD").unwrap().is_whole());
    }
}
