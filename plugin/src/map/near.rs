//! What somebody may have meant by a mistyped word.

/// The nearest of some words, when one is near enough: one slip for each three letters.
pub(super) fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    let typed = plain(typed);
    let slips = (typed.chars().count() / 3).max(1);
    words
        .into_iter()
        .map(|word| (distance(&typed, &plain(word)), word))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Letters to insert, remove or replace.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *wanted);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips() {
        let words = ["lower", "lookup", "first-name"];
        assert_eq!(nearest("lowr", words), Some("lower"));
        assert_eq!(nearest("firstname", words), Some("first-name"));
        assert_eq!(nearest("sum", words), None);
        assert_eq!(nearest("", words), None);
    }
}
