//! What somebody may have meant.

/// The candidate that is nearest to a mistyped text, if one is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', ' ', '-'], "");
    let typed = plain(text);
    // One slip for each three letters: `jbo` is not near to `mail`.
    let slips = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = plain(candidate);
            // A beginning is what somebody types who expects it to be completed.
            let begun = typed.chars().count() > 2 && whole.starts_with(&typed);
            (if begun { 1 } else { strsim::damerau_levenshtein(&typed, &whole) }, candidate)
        })
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let names = ["match-keys", "mapping", "mode", "access-role"];
        assert_eq!(nearest("matchkeys", names), Some("match-keys"));
        assert_eq!(nearest("maping", names), Some("mapping"));
        assert_eq!(nearest("Mdoe", names), Some("mode"));
        assert_eq!(nearest("acc", names), Some("access-role"));
        assert_eq!(nearest("schedule", names), None);
        assert_eq!(nearest("", names), None);
    }
}
