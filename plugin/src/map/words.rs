//! What converters and expressions do with texts. Nothing is guessed: what does not fit gives none.

/// Each word with a capital, the rest small; parts of a double name count as words, and so do the ones behind
/// `O'` and `D'`.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Letters of the word so far.
    let mut letters = 0_usize;
    for letter in text.chars() {
        if letter.is_whitespace() || letter == '-' {
            letters = 0;
            out.push(letter);
        } else if matches!(letter, '\'' | '’') {
            letters = if letters == 1 { 0 } else { letters };
            out.push(letter);
        } else {
            if letters == 0 {
                out.extend(letter.to_uppercase());
            } else {
                out.extend(letter.to_lowercase());
            }
            letters += 1;
        }
    }
    out
}

/// The first name in `Ana Perez` or `Perez, Ana`: the first word.
pub(super) fn first_name(full: &str) -> Option<&str> {
    match full.split_once(',') {
        Some((_, first)) => first.split_whitespace().next(),
        None => full.split_whitespace().next(),
    }
}

/// The last name in `Ana van Dyk` or `van Dyk, Ana`: all that is not the first name.
pub(super) fn last_name(full: &str) -> Option<&str> {
    let last = match full.split_once(',') {
        Some((last, _)) => last.trim(),
        None => full.trim().split_once(char::is_whitespace)?.1.trim(),
    };
    (!last.is_empty()).then_some(last)
}

/// Both halves of a mail address. The last `@` divides: a quoted local part may hold another.
pub(super) fn mail(address: &str) -> Option<(&str, &str)> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty() && !domain.contains(char::is_whitespace))
        .then_some((local, domain))
}

/// Runs of white space become one space, none at the ends.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        for (text, expected) in [
            ("ANA PÉREZ", "Ana Pérez"),
            ("o'brien-smith", "O'Brien-Smith"),
            ("people's office", "People's Office"),
            ("ĳsselmeer  ßen", "Ĳsselmeer  SSen"),
            ("", ""),
        ] {
            assert_eq!(title(text), expected);
        }
    }

    #[test]
    fn names_fall_apart_and_nothing_is_lost() {
        for (full, first, last) in [
            ("Ana Perez", Some("Ana"), Some("Perez")),
            (" Ludwig  van Beethoven ", Some("Ludwig"), Some("van Beethoven")),
            ("Perez Garcia, Ana Maria", Some("Ana"), Some("Perez Garcia")),
            ("Cher", Some("Cher"), None),
            ("Perez,", None, Some("Perez")),
            ("  ", None, None),
        ] {
            assert_eq!((first_name(full), last_name(full)), (first, last), "{full}");
        }
    }

    #[test]
    fn mails() {
        assert_eq!(mail(" a.b@c.example "), Some(("a.b", "c.example")));
        assert_eq!(mail("\"a@b\"@c"), Some(("\"a@b\"", "c")));
        for none in ["", "a", "@b", "a@", "a@b c"] {
            assert_eq!(mail(none), None, "{none}");
        }
    }
}
