//! Whether two texts are equal, by words instead of bytes.
//!
//! Inside a component the usual comparison is a loop over bytes, with a look at the clock at each: it was a sixth of
//! mapping a record. A mapping of kilobytes comes with every record, and every key is compared.

/// As `one == other`.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let (ones, one_rest) = one.as_chunks::<64>();
    let (others, other_rest) = other.as_chunks::<64>();
    ones.iter().zip(others).all(|(one, other)| all_same(one, other)) && rest_same(one_rest, other_rest)
}

/// Without an early end: one look at the clock for all of it.
fn all_same(one: &[u8; 64], other: &[u8; 64]) -> bool {
    let (ones, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    ones.iter().zip(others).fold(0, |all, (one, other)| all | (word(one) ^ word(other))) == 0
}

/// Of the same length.
fn rest_same(one: &[u8], other: &[u8]) -> bool {
    // The last word overlaps the one before it.
    if let (Some(one_end), Some(other_end)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        let (ones, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
        return word(one_end) == word(other_end)
            && ones.iter().zip(others).all(|(one, other)| word(one) == word(other));
    }
    if let (Some((one_start, _)), Some((other_start, _)), Some(one_end), Some(other_end)) = (
        one.split_first_chunk::<4>(),
        other.split_first_chunk::<4>(),
        one.last_chunk::<4>(),
        other.last_chunk::<4>(),
    ) {
        return one_start == other_start && one_end == other_end;
    }
    one.iter().zip(other).all(|(one, other)| one == other)
}

fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_ne_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_byte_is_another_text() {
        for length in 0..200 {
            let text = "a".repeat(length);
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &format!("{text}a")));
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "b");
                assert!(!same(&text, &other), "{at} of {length}");
            }
        }
    }
}
