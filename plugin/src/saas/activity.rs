//! When somebody was last active.

use crate::json::Entries;
use crate::time::rfc3339;

/// The last successful sign-in, or, as that is known since December 2023 only, the later of the last
/// interactive attempt and the last one without the user. None when Graph tells none of them.
/// <https://learn.microsoft.com/graph/api/resources/signinactivity>
pub(super) fn last_activity(activity: &str) -> Option<String> {
    let activity = Entries::parse(activity).ok()?;
    let time = |key: &str| {
        let text = activity.text(key)?;
        let moment = rfc3339(&text)?;
        // `0001-01-01T00:00:00Z` is .NET's way to say nothing.
        (moment.seconds > 0).then(|| (moment, text.into_owned()))
    };
    let successful = time("lastSuccessfulSignInDateTime");
    let attempted = || {
        let both = [time("lastSignInDateTime"), time("lastNonInteractiveSignInDateTime")];
        both.into_iter().flatten().max_by_key(|(moment, _)| *moment)
    };
    successful.or_else(attempted).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_first_then_the_later_attempt() {
        let all = r#"{"lastSignInDateTime":"2024-05-01T00:00:00Z","lastNonInteractiveSignInDateTime":"2024-05-01T00:00:00.5Z","lastSuccessfulSignInDateTime":"2024-01-01T00:00:00Z"}"#;
        assert_eq!(last_activity(all).unwrap(), "2024-01-01T00:00:00Z");
        let attempts = all.replace("2024-01-01", "0001-01-01");
        assert_eq!(last_activity(&attempts).unwrap(), "2024-05-01T00:00:00.5Z");
        for none in ["null", "{}", r#"{"lastSignInDateTime":null}"#, r#"{"lastSignInDateTime":"soon"}"#] {
            assert_eq!(last_activity(none), None);
        }
    }
}
